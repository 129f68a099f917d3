/* A declared network with its inputs and the noise that it was made for: what the passes and denoisers of
 * every method work on. model/network_open.h opens it. */
#ifndef DIFFC_NETWORK_H
#define DIFFC_NETWORK_H

#include "base/parallel.h"
#include "diffusion/denoiser.h"
#include "methods/method_config.h"
#include "net/net.h"

typedef struct {
    Net *net;
    const struct Method *method;
    const NoiseConfig *noise; /* of the model, the caller's */
    double time_scale;        /* network_label */
    bool label_is_time;       /* network_label */
    int x, t, label;          /* input nodes; label is -1 without classes, t with noise_classes */
    int y;
    int batch;
    int outputs; /* channels of y: those of the image, or twice as many with learned variance */
    Shape image;
    size_t dims;           /* H * W * C of an image */
    bool input_gradient;   /* planned with vjp, or NET_SECOND */
    int noise_classes;     /* a classifier of noise levels: methods/cdm.c */
    int classes;           /* of images */
    bool null_class;       /* label `classes` stands for none of them */
    const bool *untrained; /* [untrained_count] which of them no training image had, the caller's */
    int untrained_count;
    NetMode mode; /* of the plan */
    int copies;   /* that can run side by side, by network_open_copies; the first is `net` */
    Net **others; /* [copies - 1] */
    ParallelInside inside; /* of passes that run one after the other */
} Network;

/* The same network with copy i as its net. */
Network network_copy(const Network *nw, int i);

/* The time that a network is given at a noise level, decided in this one place for training,
 * validation, sampling, likelihoods and every other use.
 *   DDPM         the step of the whole chain
 *   SMLD, VE     sigma; with positional features the number of the level, and 999 t
 *   VP, sub-VP   999 t with positional features, as diffusers' networks; with Fourier features t (Song
 *                et al. 2021), or 999 t in folders of earlier versions, which trained on that
 * A classifier of noise levels gets no time. */
static inline float network_label(const Network *nw, NoiseLevel level)
{
    return (float)(nw->time_scale * (nw->label_is_time ? level.time : level.t));
}

/* Where in y, [N,H,W,outputs], the prediction of value i of the batch stands; its variance, where
 * that is learned, stands image.C further. */
static inline size_t network_place(const Network *nw, size_t i)
{
    size_t C = (size_t)nw->image.C;
    return i / C * (size_t)nw->outputs + i % C;
}

/* Sets the inputs of the whole batch and runs the network. xt: [N,H,W,C]; t: [N]; label: [N] or NULL
 * without classes. */
void network_forward(Network *nw, const float *weights, const float *xt, const float *t,
                     const float *label);

/* The network as a denoiser: any count, in passes of the network's batch, side by side where it has
 * copies and holds the weights; an image's bits do not depend on either. The context outlives the
 * denoiser. */
typedef struct {
    Network *network;
    const float *weights;
    const int *labels; /* the class of each image, or NULL: */
    int label; /* class of every image; negative: image i gets trained class i mod their number */
    int first_image;     /* number of the first image of a call, for the classes */
    const int *images;   /* NULL: row i of a call is image i (choose_images of a Denoiser) */
    const bool *dropped; /* NULL: no row is without its class (drop_labels) */
} NetworkDenoiser;
Denoiser network_denoiser(NetworkDenoiser *context);

/* ---- a denoiser's calls, cut into passes of its network ---- */

/* What the functions of a Denoiser or a DensityModel were given; NULL where they have no such thing. */
typedef struct {
    const double *x; /* [count, dims], as all but levels and log_p */
    const NoiseLevel *levels;
    int stride;
    const double *v;
    CotangentFill *fill; /* of v, by predict_pull */
    void *made_by;
    double *eps, *jtv, *variance;
    double *log_p; /* [count] */
} NetworkCall;

/* Rows first .. first+count-1 of a call, for a network of at least so many images. */
typedef struct {
    Network *network;
    const NetworkDenoiser *denoiser;
    int first, count;
} NetworkPart;

/* Does the work for all parts of a call of `count` rows. false: the error of the first that failed. */
typedef bool (*NetworkWork)(const NetworkPart *part, const NetworkCall *call, Err *err);
bool network_in_parts(const NetworkDenoiser *d, int count, NetworkWork work,
                      const NetworkCall *call, Err *err);

/* Which image a row of a call is. */
int network_image(const NetworkDenoiser *d, int row);

#endif
