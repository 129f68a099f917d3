#include "model/network_open.h"

#include <string.h>

#include "base/machine.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "methods/method.h"
#include "net/networks.h"
#include "ops/ops.h"

static TimeFeatureKind time_features(const Config *c)
{
    if (c->model.time == TIME_CHOICE_POSITIONAL) return TIME_POSITIONAL;
    return method_settings(c->method.type, c->method.noise.sde)->fourier;
}

static bool unet_from_config(const Config *c, Shape image, int classes, UNetConfig *unet, Err *err)
{
    *unet = c->model.unet;
    unet->sample_height = image.H;
    unet->sample_width = image.W;
    unet->in_channels = image.C;
    unet->out_channels = c->method.learn_variance ? 2 * image.C : image.C;
    for (int l = 0; l < unet->levels; l++)
        unet->block_channels[l] = c->model.channels * c->model.multipliers[l];
    for (int i = 0; i < c->model.attentions; i++) {
        int level = -1;
        for (int l = 0; l < unet->levels; l++)
            if (image.H >> l == c->model.attention[i]) level = l;
        if (level < 0)
            return err_set(
                err, ERR_USAGE,
                "model.attention: no level of this network has height %d (images of %dx%d "
                "with %d level%s: heights %d to %d)",
                c->model.attention[i], image.H, image.W, unet->levels, unet->levels == 1 ? "" : "s",
                image.H >> (unet->levels - 1), image.H);
        unet->down_attention[level] = true;
        unet->up_attention[unet->levels - 1 - level] = true;
    }
    unet->mid_block = true;
    unet->mid_scale = 1;
    unet->time_kind = time_features(c);
    const Method *method = method_of(c->method.type);
    unet->noise_classes = method->noise_classes ? method->noise_classes(c->method.noise.T) : 0;
    unet->classes = c->model.class_conditional ? classes : 0;
    unet->null_class = c->model.class_conditional && c->train.label_dropout > 0;
    return unet_config_check(unet, image.H, image.W, err);
}

/* The size is tried with any number of classes: only sizes matter here. */
int network_size_that_fits(const Config *c, int channels, int side)
{
    static const int usual[] = {64, 32, 128, 16, 8};
    enum { USUAL = sizeof usual / sizeof *usual, LARGEST = 512 };
    for (int i = 0; i < USUAL + LARGEST; i++) {
        int size = i < USUAL ? usual[i] : i - USUAL + 1;
        ModelConfig m = {0};
        if (i < USUAL && size > side) continue;
        if (network_from_config(c, (Shape){.H = size, .W = size, .C = channels}, 2, &m, NULL))
            return size;
    }
    return 0;
}

bool network_from_config(const Config *c, Shape image, int classes, ModelConfig *m, Err *err)
{
    m->network = c->model.type;
    m->toy = c->data.toy;
    if (m->network == NETWORK_UNET) return unet_from_config(c, image, classes, &m->unet, err);
    m->mlp = c->model.mlp;
    m->mlp.dims = image.C;
    m->mlp.time_kind = time_features(c);
    m->mlp.fourier_scale = c->model.unet.fourier_scale;
    m->mlp.zero_init = c->model.unet.zero_init;
    return mlp_config_check(&m->mlp, err);
}

Shape network_shape(const ModelConfig *m)
{
    if (m->network == NETWORK_MLP) return (Shape){.H = 1, .W = 1, .C = m->mlp.dims};
    return (Shape){.H = m->unet.sample_height, .W = m->unet.sample_width, .C = m->unet.in_channels};
}

double network_time_scale(const ModelConfig *m)
{
    TimeFeatureKind time = model_time_kind(m);
    if (noise_is_discrete(m->noise.kind)) return 1;
    CHECK(time != TIME_UNSET);
    return time == TIME_POSITIONAL || time == TIME_FOURIER_LINEAR_999 ? 999 : 1;
}

static int sample_pass(const ModelConfig *m)
{
    return m->network == NETWORK_MLP ? NETWORK_POINTS_PASS : NETWORK_SAMPLE_PASS;
}

int network_sample_batch(const ModelConfig *m)
{
    return sample_pass(m) * parallel_threads();
}

bool network_declare(Network *nw, ParamTable *table, const ModelConfig *m, Shape image, int batch,
                     bool input_gradient, Err *err)
{
    memset(nw, 0, sizeof *nw);
    nw->net = net_new(table, batch);
    if (!nw->net) return err_set(err, ERR_MEMORY, "not enough memory for the network's graph");
    nw->method = method_of(m->method);
    nw->noise = &m->noise;
    nw->time_scale = network_time_scale(m);
    nw->label_is_time = (m->noise.kind == PROCESS_SMLD || m->noise.kind == PROCESS_VE) &&
                        model_time_kind(m) == TIME_POSITIONAL;
    nw->image = image;
    nw->batch = batch;
    nw->dims = shape_values(image);
    nw->input_gradient = input_gradient;
    bool mlp = m->network == NETWORK_MLP;
    nw->noise_classes = mlp ? 0 : m->unet.noise_classes;
    nw->classes = mlp ? 0 : m->unet.classes;
    nw->null_class = !mlp && m->unet.null_class;
    nw->untrained = m->untrained;
    nw->untrained_count = nw->classes < DATA_MAX_CLASSES ? nw->classes : DATA_MAX_CLASSES;
    nw->x = net_input(nw->net, image.H, image.W, image.C,
                      input_gradient || nw->method->classifies_noise);
    nw->t = nw->method->classifies_noise ? -1 : net_input(nw->net, 1, 1, 1, false);
    nw->label = nw->classes > 0 ? net_input(nw->net, 1, 1, 1, false) : -1;
    nw->copies = 1;
    /* The walk looks at the shapes of its inputs. */
    if (net_is_complete(nw->net, NULL)) {
        nw->y = mlp ? mlp_declare(nw->net, &m->mlp, nw->x, nw->t)
                    : unet_declare(nw->net, &m->unet, nw->x, nw->t, nw->label);
        net_set_output(nw->net, nw->y);
    }
    if (!net_is_complete(nw->net, err)) {
        network_close(nw);
        return false;
    }
    nw->outputs = net_shape(nw->net, nw->y).C;
    return true;
}

static bool plan(Network *nw, NetMode mode, Err *err)
{
    nw->mode = mode;
    if (net_plan(nw->net, mode, err)) return true;
    network_close(nw);
    return false;
}

/* The first declaration fills the table. */
static bool fill_table(ParamTable *table, const ModelConfig *m, Shape image, Err *err)
{
    Network nw;
    if (table->count > 0) return true;
    if (!network_declare(&nw, table, m, image, 1, false, err)) return false;
    network_close(&nw);
    return true;
}

/* Every pass reads all weights. Where they are larger than this, shorter passes cost more than sharing an update
 * evenly gains: their batch is not cut into eight. (Passes of networks of any size run side by side where memory
 * allows.) */
static bool has_small_weights(const ParamTable *table)
{
    enum { SMALL_BYTES = 64 << 20 };
    CHECK(table->count > 0);
    return table->block_floats * sizeof(float) <= SMALL_BYTES;
}

/* The passes that predicting (NET_INFER) and training (NET_TRAIN) take: a classifier of noise levels
 * predicts by a backward pass and trains by all four. */
static NetMode network_mode(const ModelConfig *m, NetMode use)
{
    if (!method_of(m->method)->classifies_noise) return use;
    return use == NET_INFER ? NET_TRAIN : NET_SECOND;
}

bool network_open(Network *nw, ParamTable *table, const ModelConfig *m, Shape image, int batch,
                  NetMode mode, Err *err)
{
    mode = network_mode(m, mode);
    return network_declare(nw, table, m, image, batch, mode == NET_SECOND, err) &&
           plan(nw, mode, err);
}

static void close_copies(Network *nw)
{
    for (int i = 1; i < nw->copies; i++) net_free(nw->others[i - 1]);
    mem_free(nw->others);
    nw->others = NULL;
    nw->copies = 1;
}

static int passes_of(int images, int pass)
{
    return (images + pass - 1) / pass;
}

/* Images of a pass that gives each thread one at least; 0: there are too few. */
static int side_by_side(int images, int threads)
{
    int share = passes_of(images, threads);
    return passes_of(images, share) < threads ? images / threads : share;
}

/* Passes of all threads at once may take a quarter of the memory that is free. */
static bool copies_fit(Net *net, NetMode mode)
{
    size_t bytes = net_plan_bytes(net, mode, 1);
    return bytes > 0 && bytes <= machine_memory("").bytes / 4 / (size_t)parallel_threads();
}

bool network_open_denoiser(Network *nw, ParamTable *table, const ModelConfig *m, Shape image,
                           int images, bool vjp, Err *err)
{
    NetMode mode = network_mode(m, vjp ? NET_TRAIN : NET_INFER);
    int longest = images < sample_pass(m) ? images : sample_pass(m);
    int share = side_by_side(images, parallel_threads());
    int pass = share > 0 && share < longest ? share : longest;
    if (!network_declare(nw, table, m, image, pass, vjp, err)) return false;
    bool fit = copies_fit(nw->net, mode);
    if (!fit && pass < longest) {
        network_close(nw);
        pass = longest;
        if (!network_declare(nw, table, m, image, pass, vjp, err)) return false;
    }
    if (!plan(nw, mode, err)) return false;
    if (fit) network_open_copies(nw, table, m, passes_of(images, pass));
    return true;
}

void network_open_copies(Network *nw, ParamTable *table, const ModelConfig *m, int passes)
{
    int threads = parallel_threads();
    if (threads > passes || nw->copies >= threads) return;
    CHECK(nw->copies == 1);
    nw->others = mem_alloc((size_t)threads - 1, sizeof *nw->others);
    while (nw->others && nw->copies < threads) {
        Network other;
        bool ok = network_declare(&other, table, m, nw->image, nw->batch, nw->input_gradient, NULL);
        if (ok) {
            net_share_weights(other.net, nw->net);
            ok = plan(&other, nw->mode, NULL);
        }
        if (!ok) {
            close_copies(nw);
            return;
        }
        nw->others[nw->copies++ - 1] = other.net;
    }
}

/* Longer passes read the weights less often, shorter ones find more of their activations in the
 * cache: about best where both take as much memory. Measured: 8 images of 1.1 and of 6.5 million
 * parameters, 5 % and 2 % faster than 32; 8 of 36 million, 7 % faster than 4. A classifier of
 * noise levels keeps twice as much for its four passes, of which each reads a part: the same number
 * of images is best (8 of 1.1 million parameters are 2 % faster than 4 and than 16). */
static bool pass_fits(ParamTable *table, const ModelConfig *m, Shape image, int batch, bool *fits,
                      Err *err)
{
    const size_t least = (size_t)48 << 20, most = (size_t)512 << 20;
    Network nw;
    if (!network_declare(&nw, table, m, image, batch, false, err)) return false;
    bool classifies_noise = nw.method->classifies_noise;
    /* For one thread, so that it does not depend on their number. */
    size_t bytes = net_plan_bytes(nw.net, network_mode(m, NET_TRAIN), 1);
    size_t weights = net_packed_bytes(nw.net, network_mode(m, NET_TRAIN));
    network_close(&nw);
    if (bytes == 0)
        return err_set(err, ERR_MEMORY, "not enough memory to plan the network's passes");
    if (classifies_noise) bytes /= 2;
    *fits = bytes <= (weights < least ? least : weights > most ? most : weights);
    return true;
}

enum { LONGEST_PASS = 1024 };

/* Eight passes in a batch, so that as many threads or processes can share an update, unless passes would
 * have fewer than four images. (Passes of 4 instead of 8 images, two threads, five rounds in turn: 0.99 of
 * the speed of bench-tiny, 0.98 of that of bench-small.) */
static int longest_pass(const ParamTable *table, int batch, int asked)
{
    enum { PASSES = 8, LEAST = 4 };
    int size = asked > 0 && asked < batch ? asked : batch;
    int share = batch / PASSES > LEAST ? batch / PASSES : LEAST;
    if (asked <= 0 && size > share && has_small_weights(table)) size = share;
    return size < LONGEST_PASS ? size : LONGEST_PASS;
}

int network_shortest_pass(int batch, int asked)
{
    int size = asked <= 0 ? 1 : asked < LONGEST_PASS ? asked : LONGEST_PASS;
    while (batch % size != 0) size--;
    return size;
}

int network_pass_size(ParamTable *table, const ModelConfig *m, Shape image, int batch, int asked,
                      Err *err)
{
    if (!fill_table(table, m, image, err)) return 0;
    for (int size = longest_pass(table, batch, asked); size > 1; size--) {
        bool fits = asked > 0;
        if (batch % size != 0) continue;
        if (!fits && !pass_fits(table, m, image, size, &fits, err)) return 0;
        if (fits) return size;
    }
    return 1;
}

bool network_pass_allowed(ParamTable *table, const ModelConfig *m, Shape image, int batch,
                          int asked, int pass, bool *allowed, Err *err)
{
    bool short_enough = pass <= longest_pass(table, batch, asked);
    *allowed = short_enough && asked > 0;
    return !short_enough || *allowed || pass_fits(table, m, image, pass, allowed, err);
}

void network_close(Network *nw)
{
    close_copies(nw);
    net_free(nw->net);
    nw->net = NULL;
    nw->copies = 0;
}
