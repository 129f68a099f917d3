/* Opens a U-Net or MLP for one batch size, for training and as a denoiser. */
#ifndef DIFFC_NETWORK_OPEN_H
#define DIFFC_NETWORK_OPEN_H

#include "io/config.h"
#include "io/diffusers/model_folder.h"
#include "methods/network.h"

/* The network that a configuration asks for, for images (or points: 1 x 1 x dims) of the given shape:
 * m->network, unet, mlp and toy. Groups 0 become min(32, channels/4) of the first level, rounded down
 * to a divisor. ERR_USAGE when it cannot be built. */
bool network_from_config(const Config *c, Shape image, int classes, ModelConfig *m, Err *err);

/* The side of square images that the network of a configuration takes: a usual one of at most `side`,
 * else the smallest; 0: none up to 512. */
int network_size_that_fits(const Config *c, int channels, int side);

/* The shape of the images of a network; H = W = 0 where the model does not say. */
Shape network_shape(const ModelConfig *m);

/* Images or points that sampling takes at once: a pass of each thread, whose activations stay in the
 * cache. */
enum { NETWORK_SAMPLE_PASS = 8, NETWORK_POINTS_PASS = 512 };
int network_sample_batch(const ModelConfig *m);

/* Images per pass of training: the largest divisor of `batch` that is at most `asked`. With asked = 0,
 * activations and gradients take no more memory than the weights in the form of the fast kernels (but 48
 * MiB where these are small, and 512 MiB where they are large), and small networks should get eight passes
 * per batch. The size depends on shapes only, because it fixes the order of sums. 0: not enough memory to
 * find it (ERR_MEMORY). */
int network_pass_size(ParamTable *table, const ModelConfig *m, Shape image, int batch, int asked,
                      Err *err);

/* The least that network_pass_size could choose, whatever the network; with `asked` what it chooses. */
int network_shortest_pass(int batch, int asked);

/* Whether network_pass_size would take passes of so many images, if the batch had them as a divisor. False: not
 * enough memory to find it. After network_pass_size. */
bool network_pass_allowed(ParamTable *table, const ModelConfig *m, Shape image, int batch,
                          int asked, int pass, bool *allowed, Err *err);

/* Network.time_scale of a model's network. */
double network_time_scale(const ModelConfig *m);

/* Declares (the first call for a table fills it), without planning. input_gradient: of the images. */
bool network_declare(Network *nw, ParamTable *table, const ModelConfig *m, Shape image, int batch,
                     bool input_gradient, Err *err);

/* Declares and plans; *m must outlive the network; mode NET_INFER to predict, NET_TRAIN to train, NET_SECOND to train with
 * derivatives by x, which then wants its gradient. */
bool network_open(Network *nw, ParamTable *table, const ModelConfig *m, Shape image, int batch,
                  NetMode mode, Err *err);
/* Opens a denoiser for calls of `images` images, in passes of the best size for that number, side by side
 * where a quarter of the free memory holds one pass of each thread; with `vjp` it has predict_vjp, by a
 * backward pass to the image alone. The images have the same bits whatever the passes. */
bool network_open_denoiser(Network *nw, ParamTable *table, const ModelConfig *m, Shape image,
                           int images, bool vjp, Err *err);
void network_close(Network *nw);

/* Gives an open network as many copies as there are threads, where there are passes for all of them
 * and memory: then each thread takes whole passes, and they wait for each other once in so many
 * passes instead of once an operation. (Measured with two threads: training 1.02 to 1.7 times as
 * fast, by how long the machine takes to let one core see what another has written.) The copies
 * read the weights that the first, `net`, holds. */
void network_open_copies(Network *nw, ParamTable *table, const ModelConfig *m, int passes);
#endif
