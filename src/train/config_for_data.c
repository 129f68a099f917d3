#include "train/config_for_data.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const effort_words[] = {
    [EFFORT_SMALL] = "small", [EFFORT_MEDIUM] = "medium", [EFFORT_LARGE] = "large", NULL};

const Effort efforts[] = {
    [EFFORT_SMALL] = {.width = 16, .blocks = 1, .attention = 8, .minutes = 2, .least_updates = 300},
    [EFFORT_MEDIUM] =
        {.width = 32, .blocks = 1, .attention = 8, .minutes = 10, .least_updates = 600},
    [EFFORT_LARGE] =
        {.width = 48, .blocks = 2, .attention = 16, .minutes = 60, .least_updates = 1500},
};

/* Sides that are tried where the images have none of their own. */
static const int usual_sides[] = {64, 48, 32, 16, 8};
enum { USUAL_SIDES = sizeof usual_sides / sizeof *usual_sides };

/* Halving stops at this side; a level of at most COARSE pixels has twice the width, one above FINE half. */
enum { DEEPEST_SIDE = 8, COARSE_SIDE = 16, FINE_SIDE = 32 };

static int shorter(int height, int width)
{
    return height < width ? height : width;
}

int own_levels(int height, int width)
{
    int levels = 2;
    while (shorter(height, width) >> (levels - 1) > DEEPEST_SIDE) levels++;
    int times = 1 << (levels - 1);
    return height % times == 0 && width % times == 0 ? levels : 0;
}

static bool side_fits(int side)
{
    return side >= OWN_LEAST_SIDE && side <= OWN_MOST_SIDE && own_levels(side, side) > 0;
}

int own_nearest_side(int side)
{
    if (side > OWN_MOST_SIDE) return OWN_MOST_SIDE;
    for (int away = 0;; away++) {
        if (side_fits(side - away)) return side - away;
        if (side_fits(side + away)) return side + away;
    }
}

static bool check_size(const DataWishes *w, Err *err)
{
    if (w->height == 0) return true;
    int nearest = own_nearest_side(shorter(w->height, w->width));
    char shown[40] = "";
    if (w->height == w->width)
        snprintf(shown, sizeof shown, "%d", w->height);
    else
        snprintf(shown, sizeof shown, "[%d, %d]", w->height, w->width);
    if (shorter(w->height, w->width) < OWN_LEAST_SIDE)
        return err_set(err, ERR_USAGE,
                       "size %s is too small: images of at least %d pixels a side "
                       "can be learnt; %d would do",
                       shown, OWN_LEAST_SIDE, nearest);
    if (w->height > OWN_MOST_SIDE || w->width > OWN_MOST_SIDE)
        return err_set(err, ERR_USAGE,
                       "size %s is too large for a network that diffc chooses, which takes at most "
                       "%d pixels a side; %d would do, or a configuration of your own",
                       shown, OWN_MOST_SIDE, nearest);
    if (own_levels(w->height, w->width) > 0) return true;
    return err_set(err, ERR_USAGE,
                   "size %s cannot be halved until at most %d pixels are left; the nearest that "
                   "can is %d",
                   shown, DEEPEST_SIDE, nearest);
}

static bool check_classes(const DataFacts *f, const char *name, Err *err)
{
    if (f->classes >= 2) return true;
    if (f->classes == 1)
        return err_set(err, ERR_USAGE,
                       "%.300s: --classes needs at least two classes, and there "
                       "is one",
                       name);
    return err_set(err, ERR_USAGE, "%.300s: --classes needs images with classes: %.400s", name,
                   f->no_labels);
}

bool config_for_data_check(const DataFacts *f, const DataWishes *w, const char *name, Err *err)
{
    if (f->count < OWN_LEAST_IMAGES)
        return err_set(err, ERR_USAGE,
                       "%.300s: has %llu picture%s, and at least %d are needed to train; some "
                       "hundreds begin to be useful",
                       name, (unsigned long long)f->count, f->count == 1 ? "" : "s",
                       OWN_LEAST_IMAGES);
    if (data_facts_side(f) < OWN_LEAST_SIDE)
        return err_set(err, ERR_USAGE,
                       "%.300s: its pictures are too small: %d pixels on the shorter side, and at "
                       "least %d are needed",
                       name, data_facts_side(f), OWN_LEAST_SIDE);
    return check_size(w, err) && (!w->classes || check_classes(f, name, err));
}

/* ---- the configuration for one size ---- */

static int held_out(uint64_t count)
{
    uint64_t tenth = count / 10;
    return tenth < 2 ? 2 : tenth > DATA_VALIDATION ? DATA_VALIDATION : (int)tenth;
}

static int batch_for(uint64_t count, int side)
{
    if (count < 100) return 16;
    return side > FINE_SIDE || count < 1000 ? 32 : 64;
}

static void put_network(NetworkConfig *n, const Effort *e, int height, int width)
{
    int finest = 0;
    n->unet.levels = own_levels(height, width);
    n->unet.layers_per_block = e->blocks;
    n->attentions = 0;
    memset(n->multipliers, 0, sizeof n->multipliers);
    for (int l = 0; l < n->unet.levels; l++) {
        int side = shorter(height, width) >> l;
        int channels = side > FINE_SIDE     ? e->width / 2
                       : side > COARSE_SIDE ? e->width
                                            : 2 * e->width;
        if (l == 0) finest = channels;
        n->multipliers[l] = channels / finest;
        if (side <= e->attention) n->attention[n->attentions++] = height >> l;
    }
    n->channels = finest;
}

static void put_method(Config *c, const DataWishes *w)
{
    unsigned reads = method_settings(w->method, w->sde)->reads;
    c->method.type = w->method;
    if (reads & KEYS_SDE) c->method.noise.sde = w->sde;
    if (reads & KEYS_PREDICTION) c->method.noise.prediction = PREDICT_V;
    if (reads & KEYS_STEPS) c->method.noise.schedule = SCHEDULE_COSINE;
    if (!(reads & KEYS_STEPS) || reads & KEYS_MASKS) return; /* its own sampler, in its own steps */
    snprintf(c->sample.sampler, sizeof c->sample.sampler, "ddpm");
    c->sample.steps = 100;
}

/* Two digits of x, as a person would write it. */
static int64_t rounded(double x)
{
    double unit = x < 100 ? 10 : pow(10, floor(log10(x)) - 1);
    double nearest = unit * floor(x / unit + 0.5);
    return nearest < unit ? (int64_t)unit : (int64_t)nearest;
}

static void put_training(TrainConfig *t, const DataWishes *w, double minutes, double updates)
{
    enum { PICTURES = 6, LEAST_BETWEEN = 20, MOST_WARMUP = 100, MANY = 1000 };
    double warmup = updates / 10, between = updates / PICTURES;
    t->steps = w->steps;
    t->minutes = w->steps > 0 && w->minutes == 0 ? 0 : minutes;
    t->optimizer.kind = OPTIMIZER_MUON;
    t->optimizer.lr = 0.005;
    t->optimizer.schedule = RATE_COSINE;
    t->optimizer.warmup = warmup < MOST_WARMUP ? rounded(warmup) : MOST_WARMUP;
    t->optimizer.ema = updates < MANY ? 0.995 : 0.999;
    t->label_dropout = w->classes ? 0.1 : 0; /* for guidance */
    t->checkpoint_every = rounded(between < LEAST_BETWEEN ? LEAST_BETWEEN : between);
}

void config_for_size(Config *c, const DataFacts *f, const DataWishes *w, int height, int width,
                     double minutes, double updates)
{
    config_defaults(c);
    c->data.kind = f->kind;
    c->data.height = height;
    c->data.width = width;
    c->data.channels = w->channels ? w->channels : f->colour ? 3 : 1;
    c->data.flip = f->colour && f->kind != DATA_IDX;
    c->data.validation = held_out(f->count);
    put_network(&c->model, &efforts[w->effort], height, width);
    c->model.class_conditional = w->classes;
    put_method(c, w);
    c->train.batch = batch_for(f->count, shorter(height, width));
    put_training(&c->train, w, minutes, updates);
}

/* ---- the choice of the size ---- */

typedef struct {
    int height, width;
} ImageSize;

/* The sizes to be tried, the best first; their number. */
static int wanted_sizes(const DataFacts *f, const DataWishes *w, ImageSize out[1 + USUAL_SIDES])
{
    int count = 0, carried = data_facts_side(f);
    bool own = f->height > 0 && f->height <= OWN_USUAL_SIDE && f->width <= OWN_USUAL_SIDE &&
               own_levels(f->height, f->width) > 0;
    if (w->height > 0) {
        out[0] = (ImageSize){w->height, w->width};
        return 1;
    }
    if (own) out[count++] = (ImageSize){f->height, f->width};
    for (int i = 0; i < USUAL_SIDES; i++) {
        int side = usual_sides[i];
        bool smaller = own ? side < carried : side <= carried;
        if (smaller && (side >= FINE_SIDE || count == 0)) out[count++] = (ImageSize){side, side};
    }
    return count;
}

bool config_for_data(ChosenConfig *out, const DataFacts *f, const DataWishes *w,
                     UpdateSeconds seconds, void *context, Err *err)
{
    const Effort *e = &efforts[w->effort];
    ImageSize sizes[1 + USUAL_SIDES], size = {0, 0};
    double minutes = w->minutes > 0 ? w->minutes : e->minutes;
    int count = wanted_sizes(f, w, sizes);
    CHECK(count > 0);
    *out = (ChosenConfig){.updates = (double)w->steps};
    for (int i = 0; i < count; i++) {
        size = sizes[i];
        config_for_size(&out->config, f, w, size.height, size.width, minutes, e->least_updates);
        if (w->steps > 0) break;
        if (!seconds(context, &out->config, &out->seconds, err)) return false;
        out->updates = 60 * minutes / out->seconds;
        if (out->updates >= e->least_updates || i + 1 == count) break;
        if (out->too_slow == 0) {
            out->too_slow = size.height;
            out->slow_updates = out->updates;
        }
    }
    if (w->steps == 0 && w->minutes == 0 && out->updates < e->least_updates) {
        minutes = ceil(e->least_updates * out->seconds / 60);
        out->updates = 60 * minutes / out->seconds;
    }
    config_for_size(&out->config, f, w, size.height, size.width, minutes, out->updates);
    return true;
}
