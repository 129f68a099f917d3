/* How likely images are. */
#include <math.h>
#include <string.h>

#include "api/api.h"
#include "base/choice.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "diffusion/noise_classes.h"

typedef struct {
    DiffcModel *m;
    DiffcNllOptions o;
    const Protocol *protocol;
    LikelihoodRun run;
    LikelihoodModel model;
    uint64_t *seeds;
    Likelihood *results;    /* of a group */
    int count, done, group; /* images: of all, scored, in the running group */
} Job;

void diffc_nll_defaults(DiffcNllOptions *options, size_t size)
{
    DiffcNllOptions own = {.label = -1};
    api_give(options, size, &own, sizeof own);
}

static bool report_progress(void *context, long predictions)
{
    const Job *job = context;
    double all = job->protocol->reads & LIKELIHOOD_CALLS ? (double)bound_calls(&job->run) : 0;
    double part = -1;
    if (all > 0)
        part = (job->done + fmin(1, (double)predictions / (all * job->group)) * job->group) /
               job->count;
    return job->o.progress(job->o.context, part) == 0;
}

/* The protocol reads the setting, and the value is in its range; negative calls are all terms. */
static bool takes(const Protocol *p, const char *name, unsigned owners, double value, double low,
                  double high, Err *err)
{
    if (!protocol_takes(p, "", name, owners, err)) return false;
    if (owners == LIKELIHOOD_CALLS && value < 0) return true;
    return (value >= low && value <= high) ||
           err_set(err, ERR_USAGE,
                   "%s is %.10g; it must be from %.10g to %.10g, or 0 for the default", name, value,
                   low, high);
}

/* A setting that the caller gives. */
#define TAKE(m, option, owners, low, high, ...)                                                    \
    if (o->m != 0 && !takes(p, #m, owners, o->m, low, high, err)) return false;                    \
    if (o->m != 0) run->m = o->m;
#define NONE(m, ...)

static bool take_dequant(const DiffcNllOptions *o, const Protocol *p, LikelihoodRun *run, Err *err)
{
    char words[64];
    if (!o->dequant_by) return true;
    if (!protocol_takes(p, "", "dequant_by", LIKELIHOOD_DEQUANT, err)) return false;
    int kind = choice_find(choice_word, dequant_words, o->dequant_by);
    choice_list(choice_word, dequant_words, " or ", "", words, sizeof words);
    if (kind < 0)
        return err_set(err, ERR_USAGE, "dequant_by is '%s'; it must be %s", o->dequant_by, words);
    run->dequant = (DequantKind)kind;
    return true;
}

static bool fill_run(Job *job, Err *err)
{
    const DiffcNllOptions *o = &job->o;
    const Protocol *p = job->protocol;
    LikelihoodRun *run = &job->run;
    int T = job->m->model.process.T;
    *run = model_likelihood_run(&job->m->model, p, true);
    LIKELIHOOD_SETTINGS(NONE, TAKE, TAKE, TAKE)
    if (!take_dequant(o, p, run, err)) return false;
    if (o->calls < 0) run->calls = 0;
    if (o->draws) run->dequantise = true;
    if (o->level && !protocol_takes(p, "", "level", LIKELIHOOD_LEVEL, err)) return false;
    if (o->level < 0 || (o->level > 0 && o->level > T + 1))
        return err_set(err, ERR_USAGE,
                       "level is %d; the levels of %s are 0 (clean) to %d (noise alone)", o->level,
                       job->m->model.folder, T + 1);
    if (o->level) run->level = cdm_level(run->process, o->level);
    if (o->progress) run->progress = report_progress;
    run->progress_context = job;
    return true;
}

static bool score_all(Job *job, const unsigned char *images, double *bits, double *errors, Err *err)
{
    size_t dims = shape_values(job->m->model.image);
    int most = job->protocol->images;
    job->seeds = mem_alloc((size_t)most, sizeof *job->seeds);
    job->results = mem_alloc((size_t)most, sizeof *job->results);
    if (!job->seeds || !job->results)
        return err_set(err, ERR_MEMORY, "not enough memory for %d images", most);
    for (; job->done < job->count; job->done += job->group) {
        ScoredImages group = {.pixels = images + (size_t)job->done * dims, .seeds = job->seeds};
        group.count = job->count - job->done < most ? job->count - job->done : most;
        job->group = group.count;
        for (int i = 0; i < group.count; i++)
            job->seeds[i] = likelihood_seed(job->o.seed, group.pixels + (size_t)i * dims, dims);
        if (!job->protocol->score(&job->run, &job->model, &group, job->results, err)) return false;
        for (int i = 0; i < group.count; i++) {
            bits[job->done + i] = job->results[i].bits_per_dim;
            if (errors) errors[job->done + i] = job->results[i].standard_error;
        }
    }
    return true;
}

int diffc_nll(DiffcModel *m, const DiffcNllOptions *options, int count, const unsigned char *images,
              double *bits_per_dim, double *standard_error, DiffcError *error)
{
    if (!m || !images || !bits_per_dim || count < 0)
        return api_refuse(error, "diffc_nll: a pointer is NULL, or the count is negative");
    Job job = {.m = m, .count = count};
    Err err = {0};
    bool flushed = parallel_flush_subnormals(true);
    diffc_nll_defaults(&job.o, sizeof job.o);
    m->batch = 0; /* the network is planned for the protocol */
    bool ok =
        api_check_images(m, &err) &&
        api_take_options(&job.o, sizeof job.o, options, "diffc_nll", &err) &&
        model_check_label(&m->model.config, "label", true, &job.o.label, &err) &&
        model_choose_protocol(&m->model, job.o.protocol, m->model.folder, &job.protocol, &err) &&
        fill_run(&job, &err) &&
        model_prepare_protocol(&m->model, job.protocol, &job.run, job.protocol->images, job.o.label,
                               &job.model, &err) &&
        score_all(&job, images, bits_per_dim, standard_error, &err);
    mem_free(job.seeds);
    mem_free(job.results);
    parallel_flush_subnormals(flushed);
    return api_result(ok, &err, error);
}
