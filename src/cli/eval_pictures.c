#include "cli/eval_pictures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/shared_work.h"
#include "base/term.h"
#include "base/text.h"
#include "model/checkpoint_model.h"
#include "model/model_use.h"

void eval_reading(void *context, size_t done, size_t total)
{
    enum { FEW = 1000 };
    if (total > FEW && done < total)
        term_progress("%s: reading, %zu of %zu images", (const char *)context, done, total);
}

/* ---- what is judged ---- */

static bool same_images(const EvalPictures *p, size_t count, Err *err)
{
    return work_same("images to compare", p->set.pixels, count * shape_values(p->shape), err);
}

void eval_pictures_counted(const EvalPictures *p, char out[EVAL_COUNT_BYTES])
{
    if (p->count < p->found)
        snprintf(out, EVAL_COUNT_BYTES, "%s: %zu of its %zu images", p->name, p->count, p->found);
    else
        snprintf(out, EVAL_COUNT_BYTES, "%s: %zu image%s", p->name, p->count,
                 p->count == 1 ? "" : "s");
}

static void note_fewer(const EvalPictures *p, const OptionValue *count)
{
    if (count->given && (uint64_t)count->integer > p->count)
        term_note("%s: has %zu image%s, fewer than --count %lld", p->name, p->count,
                  p->count == 1 ? "" : "s", (long long)count->integer);
}

static bool open_npz(EvalPictures *p, const OptionValue *count, Err *err)
{
    if (!npz_read_images(p->name, &p->npz, err)) return false;
    p->shape = (Shape){.H = p->npz.H, .W = p->npz.W, .C = p->npz.C};
    p->count = p->found = p->npz.count;
    if (count->given && (uint64_t)count->integer < p->count) p->count = (size_t)count->integer;
    p->set.pixels = p->npz.pixels;
    note_fewer(p, count);
    return same_images(p, p->npz.count, err);
}

static bool open_folder(EvalPictures *p, const OptionValue *count, Err *err)
{
    DataOptions options = {.path = p->name,
                           .config.limit = count->given ? (int)count->integer : 0,
                           .size_advice = "images of one size are compared"};
    char counted[EVAL_COUNT_BYTES];
    if (!dataset_open(&p->data, &options, eval_reading, (void *)(size_t)p->name, err)) return false;
    const Dataset *d = &p->data;
    p->shape = (Shape){.H = d->height, .W = d->width, .C = d->channels};
    p->count = d->count;
    p->found = (size_t)d->found;
    p->set.pixels = d->pixels;
    eval_pictures_counted(p, counted);
    term_note("%s: %s", p->count < p->found ? counted : p->name, d->description);
    note_fewer(p, count);
    return same_images(p, d->count, err);
}

static bool open_made(EvalPictures *p, const Arguments *a, const char *word, int usual, Err *err)
{
    const OptionValue *v = a->values, positional = {.given = word != NULL, .text = word};
    int height = 0, width = 0;
    ModelNeeds needs = {.images = true,
                        .classes = v[SAMPLE_ROW_LABEL].given,
                        .guidance =
                            v[SAMPLE_ROW_guidance].given && v[SAMPLE_ROW_guidance].real != 1,
                        .weights = (WeightsKind)v[SAMPLE_ROW_WEIGHTS].integer};
    if (v[SAMPLE_ROW_SIZE].given &&
        !parse_image_size(v[SAMPLE_ROW_SIZE].text, &height, &width, err))
        return false;
    if (!open_model(&p->model, p->path, word ? &positional : &v[SAMPLE_ROW_MODEL], &needs, height,
                    width, err))
        return false;
    p->made = true;
    p->name = p->path;
    p->shape = p->model.image;
    snprintf(p->plan.path, sizeof p->plan.path, "%s", p->path);
    if (p->model.config.network == NETWORK_MLP)
        return err_set(err, ERR_USAGE,
                       "%s: the model gives points of the plane, and eval compares images",
                       p->path);
    if (p->shape.C > IMAGE_MAX_CHANNELS)
        return err_set(err, ERR_USAGE, "%s: the model's images have %d channels; 1 to %d compare",
                       p->path, p->shape.C, IMAGE_MAX_CHANNELS);
    p->plan.label = -1;
    p->plan.count = usual;
    if (!sample_plan_make(v, &p->model, &p->plan, err)) return false;
    p->count = (size_t)p->plan.count;
    return true;
}

/* The options that say how a model makes images belong to models. */
static bool check_options(const char *word, const OptionValue *v, Err *err)
{
    for (int row = 0; row < SAMPLE_PLAN_ROWS; row++)
        if (v[row].given && row != SAMPLE_ROW_COUNT)
            return err_set(err, ERR_USAGE,
                           "--%s belongs to a model that makes images; %s holds them",
                           eval_options[row].name, word);
    return true;
}

bool eval_pictures_open(EvalPictures *p, const Arguments *a, int usual_count, Err *err)
{
    const OptionValue *v = a->values;
    const char *word = a->word_count > 0 ? a->words[0] : NULL;
    char folder[PATH_BYTES];
    memset(p, 0, sizeof *p);
    p->name = word;
    if (word && v[SAMPLE_ROW_MODEL].given)
        return err_set(err, ERR_USAGE, "%s and --model are given; one of them is enough", word);
    bool there = word && path_exists(dataset_place(word));
    bool run = word && path_join(folder, "runs", word, NULL) && path_is_folder(folder);
    if (word && !there && !run)
        return err_set(err, ERR_IO,
                       "%s: cannot open: there is no such run, model, folder of images or file",
                       word);
    if (!there || model_is_folder(word) || checkpoint_path_run(word, folder))
        return open_made(p, a, word, usual_count, err);
    if (!check_options(word, v, err)) return false;
    const OptionValue *count = &v[SAMPLE_ROW_COUNT];
    return text_ends(word, ".npz") ? open_npz(p, count, err) : open_folder(p, count, err);
}

/* ---- making images ---- */

typedef struct {
    EvalPictures *p;
    WorkRound round; /* of images, that runs, */
    SampleRun run;   /* and how this process makes its share of it */
    size_t done;     /* images */
    double start;
} Making;

static bool report_progress(void *context, long calls)
{
    const Making *m = context;
    long expected = m->run.expected_calls;
    double part = expected > 0 ? fmin(1, (double)calls / (double)expected) : 0;
    double made = (double)m->done + part * (double)m->round.count;
    double seconds = clock_seconds() - m->start;
    char left[24], of[32] = "", speed[AMOUNT_BYTES];
    format_speed(speed, seconds > 0 ? made / seconds : 0);
    term_format_duration(left, made > 0 ? seconds / made * ((double)m->p->count - made) : -1);
    if (expected > 0) snprintf(of, sizeof of, " of %ld", expected);
    term_progress("making images: %zu of %zu, network call %ld%s, %s images/s, %s left", m->done,
                  m->p->count, calls, of, speed, left);
    return !interrupt_requested();
}

/* This process's images of the round. */
static bool make_share(Making *m, const Denoiser *denoiser, double *x, double *scratch, Err *err)
{
    EvalPictures *p = m->p;
    size_t first = m->round.own, images = m->round.own_end - first;
    m->run = p->plan.run;
    m->run.grid = &p->grid;
    m->run.progress = report_progress;
    m->run.progress_context = m;
    if (images == 0) return true;
    if (!model_sample(&p->model, p->plan.sampler, &m->run, denoiser, p->plan.seed + (uint64_t)first,
                      (int)images, x, scratch, err))
        return false;
    if (m->run.network_calls > p->calls) p->calls = m->run.network_calls;
    unsigned char *to = p->pixels + first * denoiser->dims;
    for (size_t i = 0; i < images * denoiser->dims; i++) to[i] = image_byte((float)x[i]);
    return true;
}

static bool make_round(Making *m, const Denoiser *denoiser, double *x, double *scratch, Err *err)
{
    EvalPictures *p = m->p;
    m->round = work_round(m->done, p->count - m->done, (size_t)p->plan.batch);
    if (!work_agree(make_share(m, denoiser, x, scratch, err), err))
        return err->kind == ERR_INTERRUPTED
                   ? err_set(err, ERR_INTERRUPTED,
                             "interrupted after %zu of %zu images; nothing was compared", m->done,
                             p->count)
                   : false;
    world_gather(p->pixels + m->done * denoiser->dims, m->round.count, denoiser->dims);
    m->done += m->round.count;
    return true;
}

static void narrate(const EvalPictures *p)
{
    const SamplePlan *plan = &p->plan;
    char way[40];
    sample_plan_way(plan, &p->grid, way, sizeof way);
    term_note("%s: %zu image%s of %dx%d, sampler %s, %s, batch %d, %d thread%s", p->path, p->count,
              p->count == 1 ? "" : "s", p->shape.H, p->shape.W, plan->sampler->name, way,
              plan->batch, parallel_threads(), parallel_threads() == 1 ? "" : "s");
}

static bool make_images(EvalPictures *p, const Arguments *a, Err *err)
{
    Denoiser denoiser;
    size_t share = work_share_most(p->count);
    if ((size_t)p->plan.batch > share) p->plan.batch = (int)share;
    size_t batch = (size_t)p->plan.batch;
    if (!sample_plan_take_steps(a->values, &p->plan, &p->model, err) ||
        !sample_plan_grid(&p->plan, &p->grid, err) ||
        !model_prepare_sampling(&p->model, &p->plan.run, p->plan.batch, p->plan.label, &denoiser,
                                err))
        return false;
    double *x = mem_doubles(batch * denoiser.dims);
    double *scratch = mem_doubles(SAMPLER_SCRATCH * batch * denoiser.dims);
    p->pixels = mem_alloc(p->count, denoiser.dims);
    Making m = {.p = p, .start = clock_seconds()};
    bool ok = (x && scratch && p->pixels) ||
              err_set(err, ERR_MEMORY, "not enough memory for %zu images", p->count);
    if (ok) narrate(p);
    while (m.done < p->count && ok) ok = make_round(&m, &denoiser, x, scratch, err);
    if (ok) p->calls = world_greatest((int)p->calls);
    mem_free(x);
    mem_free(scratch);
    return ok;
}

bool eval_pictures_take(EvalPictures *p, const Arguments *a, size_t count, Err *err)
{
    enum { FILE_STREAM = 252 }; /* of RNG_COMPARE */
    CHECK(count <= p->count);
    p->count = count;
    p->set.shape = p->shape;
    p->set.count = count;
    if (p->made) {
        bool ok = make_images(p, a, err);
        p->set.pixels = p->pixels;
        return ok;
    }
    p->order = mem_alloc(count, sizeof *p->order);
    if (!p->order)
        return err_set(err, ERR_MEMORY, "not enough memory for the order of %zu images", count);
    uint64_t stream = rng_stream(RNG_COMPARE, FILE_STREAM);
    for (size_t i = 0; i < count; i++)
        p->order[i] =
            p->data.split ? p->data.split[i] : rng_spread(0, stream, i, count, p->npz.count);
    p->set.order = p->order;
    return true;
}

void eval_pictures_close(EvalPictures *p)
{
    level_grid_free(&p->grid);
    if (p->made) model_close(&p->model);
    dataset_close(&p->data);
    mem_free(p->npz.pixels);
    mem_free(p->pixels);
    mem_free(p->order);
}
