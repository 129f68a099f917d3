#include "model/inception_features.h"

#include <math.h>
#include <string.h>

#include "base/first_failure.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "base/shared_work.h"
#include "model/inception_weights.h"

/* Images of each network from one report of progress to the next. A pass has one image: two, four and eight take as
 * long an image, 88 ms of a core of Zen 4. */
enum { STRETCH_IMAGES = 4 };

/* ---- the networks ---- */

static Net *declare(Inception *in)
{
    Net *net = net_new(&in->table, 1);
    if (!net) return NULL;
    in->x = net_input(net, INCEPTION_SIDE, INCEPTION_SIDE, 3, false);
    in->y = inception_declare(net, in->x);
    net_set_output(net, in->y);
    return net;
}

/* Plans copy i in the thread that will run it; with memory for that one thread where i > 0. */
typedef struct {
    Inception *in;
    FirstFailure failure;
} Planning;

static void plan_copy(void *context, int i, int copy)
{
    Planning *p = context;
    Err err = {0};
    (void)copy;
    if (i > 0 && !net_plan(p->in->nets[i], NET_INFER, &err))
        first_failure_add(&p->failure, i, &err);
}

static bool open_copies(Inception *in, Err *err)
{
    Planning p = {.in = in};
    for (int i = 0; i < in->copies; i++) {
        in->nets[i] = declare(in);
        if (!in->nets[i] || !net_is_complete(in->nets[i], err))
            return err_set(err, ERR_MEMORY, "%s: not enough memory for the network", in->path);
    }
    if (!net_plan(in->nets[0], NET_INFER, err)) return false;
    for (int i = 1; i < in->copies; i++) net_share_weights(in->nets[i], in->nets[0]);
    parallel_side_by_side(in->copies, in->copies, NULL, plan_copy, &p);
    return first_failure_none(&p.failure, err);
}

bool inception_open(Inception *in, const char *path, Err *err)
{
    memset(in, 0, sizeof *in);
    in->path = path;
    in->copies = parallel_threads();
    in->nets = mem_alloc((size_t)in->copies, sizeof(Net *));
    if (!in->nets) return err_set(err, ERR_MEMORY, "%s: not enough memory", path);
    if (!open_copies(in, err)) return false;
    in->weights = mem_floats(in->table.block_floats);
    if (!in->weights)
        return err_set(err, ERR_MEMORY, "%s: not enough memory for the weights", path);
    if (!inception_weights_read(path, &in->table, in->weights, err) ||
        !work_same("weights of Inception v3", in->weights,
                   in->table.block_floats * sizeof *in->weights, err))
        return false;
    net_hold(in->nets[0], in->weights);
    return true;
}

void inception_close(Inception *in)
{
    for (int i = in->copies - 1; i >= 0 && in->nets; i--) net_free(in->nets[i]);
    mem_free(in->nets);
    mem_free(in->weights);
    params_free(&in->table);
    memset(in, 0, sizeof *in);
}

/* ---- the input ---- */

bool inception_takes(Shape image, const char *name, Err *err)
{
    return image.C == 1 || image.C == 3 ||
           err_set(
               err, ERR_USAGE,
               "%s: has images of %d channels; Inception v3 takes grey and colour images (1 or 3 "
               "channels)",
               name, image.C);
}

/* Between which two of `size` pixels lies pixel i of INCEPTION_SIDE, and how far behind the first. In float32, for
 * that is how the features that others publish were made. */
typedef struct {
    int first, second;
    float behind;
} Between;

static Between between(int i, int size)
{
    float scale = (float)size / (float)INCEPTION_SIDE;
    float at = scale * ((float)i + 0.5f) - 0.5f;
    Between b = {.first = at > 0 ? (int)at : 0};
    b.behind = at > 0 ? at - (float)b.first : 0;
    b.second = b.first + (b.first < size - 1);
    return b;
}

static float mix(Between b, float first, float second)
{
    return (1 - b.behind) * first + b.behind * second;
}

/* x [INCEPTION_SIDE, INCEPTION_SIDE, 3] from pixels [H, W, C]. */
static void fill_input(Shape s, float *x, const unsigned char *pixels)
{
    Between columns[INCEPTION_SIDE];
    for (int j = 0; j < INCEPTION_SIDE; j++) columns[j] = between(j, s.W);
    for (int i = 0; i < INCEPTION_SIDE; i++) {
        Between rows = between(i, s.H);
        const unsigned char *upper = pixels + (size_t)rows.first * (size_t)(s.W * s.C);
        const unsigned char *lower = pixels + (size_t)rows.second * (size_t)(s.W * s.C);
        for (int j = 0; j < INCEPTION_SIDE; j++, x += 3) {
            int left = columns[j].first * s.C, right = columns[j].second * s.C;
            for (int c = 0; c < s.C; c++, left++, right++) {
                float above = mix(columns[j], (float)upper[left], (float)upper[right]);
                float below = mix(columns[j], (float)lower[left], (float)lower[right]);
                x[c] = mix(rows, above, below) * (2.0f / 255) - 1;
            }
            if (s.C == 1) x[1] = x[2] = x[0];
        }
    }
}

/* ---- running ---- */

typedef struct {
    Inception *in;
    const ImageSet *set;
    size_t first; /* image of this stretch */
    float *out;   /* of the whole set */
} Stretch;

static void run_image(void *context, int item, int copy)
{
    const Stretch *s = context;
    Net *net = s->in->nets[copy];
    size_t image = s->first + (size_t)item;
    fill_input(s->set->shape, net_value(net, s->in->x), image_set_pixels(s->set, image));
    net_forward(net, s->in->weights);
    memcpy(s->out + image * INCEPTION_FEATURES, net_value(net, s->in->y),
           INCEPTION_FEATURES * sizeof *s->out);
}

static bool all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

bool inception_features(Inception *in, const ImageSet *s, const WorkProgress *progress, float *out,
                        Err *err)
{
    /* Processes may differ in their threads. */
    size_t most = (size_t)world_least(in->copies) * STRETCH_IMAGES;
    CHECK(s->shape.C == 1 || s->shape.C == 3);
    WorkRound round;
    for (size_t first = 0; first < s->count; first += round.count) {
        round = work_round(first, s->count - first, most);
        Stretch stretch = {in, s, round.own, out};
        bool goes_on = work_goes_on(progress, (double)first / (double)s->count, err);
        if (!work_agree(goes_on, err)) return false;
        parallel_side_by_side((int)(round.own_end - round.own), in->copies, NULL, run_image,
                              &stretch);
        world_gather(out + first * INCEPTION_FEATURES, round.count,
                     INCEPTION_FEATURES * sizeof *out);
    }
    return all_finite(out, s->count * INCEPTION_FEATURES) ||
           err_set(err, ERR_FORMAT, "%s: these weights make features that are not finite",
                   in->path);
}
