#include "cli/nll_score.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/term.h"
#include "cli/cli.h"
#include "cli/nll_report.h"

static bool report_progress(void *context, long predictions)
{
    const NllJob *job = context;
    size_t count = job->images.count;
    char left[24], mean[64] = "";
    if (job->done > 0) {
        double each = (clock_seconds() - job->start) / (double)job->done;
        term_format_duration(left, each * (double)(count - job->done));
        snprintf(mean, sizeof mean, ", mean %.4f bits/dim, %s left", nll_report_mean(job), left);
    }
    term_progress("%zu of %zu image%s, %ld prediction%s for the next %d%s", job->done, count,
                  count == 1 ? "" : "s", predictions, predictions == 1 ? "" : "s", job->group,
                  mean);
    return !interrupt_requested();
}

/* What becomes of an image. */
typedef struct {
    bool scored;
    Likelihood result;
    Err why; /* not scored */
} Outcome;

/* A round, and of it this process's images, of which some may not have been read. */
typedef struct {
    int count;
    unsigned char *pixels; /* [count, dims] */
    uint64_t *seeds;
    size_t *number; /* in the round */
    int *labels;    /* where the images have labels of their own, else NULL */
    Likelihood *results;
    double *terms; /* [count, width] or NULL */
    size_t width;
    Outcome *outcomes; /* [images of the round], */
    double *all_terms; /* [images of the round, width] or NULL */
} Group;

static bool group_open(Group *g, const NllJob *job, Err *err)
{
    size_t n = (size_t)job->batch, dims = job->dims;
    size_t all = work_round(0, job->images.count, n).count;
    bool table = job->per_step.path != NULL;
    *g = (Group){.pixels = mem_alloc(n, dims),
                 .seeds = mem_alloc(n, sizeof *g->seeds),
                 .number = mem_alloc(n, sizeof *g->number),
                 .results = mem_alloc(n, sizeof *g->results),
                 .outcomes = mem_alloc(all, sizeof *g->outcomes)};
    if (job->images.labels) g->labels = mem_alloc(n, sizeof *g->labels);
    if (table) {
        g->width = (size_t)protocol_terms(job->protocol, &job->run);
        g->terms = mem_alloc(n, g->width * sizeof *g->terms);
        g->all_terms = mem_alloc(all, g->width * sizeof *g->all_terms);
    }
    bool labelled = !job->images.labels || g->labels;
    bool tabled = !table || (g->terms && g->all_terms);
    return (g->pixels && g->seeds && g->number && g->results && g->outcomes && labelled &&
            tabled) ||
           err_set(err, ERR_MEMORY, "not enough memory for a batch of %d", job->batch);
}

static void group_close(Group *g)
{
    mem_free(g->pixels);
    mem_free(g->seeds);
    mem_free(g->number);
    mem_free(g->labels);
    mem_free(g->results);
    mem_free(g->terms);
    mem_free(g->outcomes);
    mem_free(g->all_terms);
}

static void group_fill(Group *g, NllJob *job)
{
    const WorkRound *round = &job->round;
    size_t dims = job->dims;
    g->count = 0;
    memset(g->outcomes, 0, round->count * sizeof *g->outcomes);
    for (size_t i = round->own; i < round->own_end; i++) {
        size_t at = (size_t)g->count * dims, number = i - round->first;
        if (!nll_images_read(&job->images, i, g->pixels + at, &g->outcomes[number].why)) continue;
        g->seeds[g->count] = likelihood_seed(job->seed, g->pixels + at, dims);
        if (g->labels) g->labels[g->count] = job->images.labels[i];
        g->number[g->count++] = number;
    }
}

/* Scores images first .. first+count-1 of the group. */
static bool score(NllJob *job, Group *g, int first, int count, Err *err)
{
    double *terms = g->terms ? g->terms + (size_t)first * g->width : NULL;
    const ScoredImages images = {.count = count,
                                 .pixels = g->pixels + (size_t)first * job->dims,
                                 .seeds = g->seeds + first,
                                 .terms = terms};
    if (g->labels) job->network->labels = g->labels + first;
    if (!job->protocol->score(&job->run, &job->model, &images, g->results + first, err))
        return false;
    for (int i = first; i < first + count; i++) {
        size_t number = g->number[i];
        g->outcomes[number].scored = true;
        g->outcomes[number].result = g->results[i];
        if (g->terms)
            memcpy(g->all_terms + number * g->width, g->terms + (size_t)i * g->width,
                   g->width * sizeof *g->terms);
    }
    return true;
}

/* An image's own failure: the others may do better. */
static bool is_own(const Err *err)
{
    return err->kind == ERR_LIMIT || err->kind == ERR_DIVERGED;
}

static bool score_group(NllJob *job, Group *g, Err *err)
{
    job->group = g->count;
    if (interrupt_requested()) return err_set(err, ERR_INTERRUPTED, "interrupted");
    if (g->count == 0 || score(job, g, 0, g->count, err)) return true;
    if (!is_own(err)) return false;
    /* One of them failed: each alone. */
    job->group = 1;
    for (int i = 0; i < g->count; i++) {
        if (score(job, g, i, 1, err)) continue;
        if (!is_own(err)) return false;
        char name[PATH_BYTES + 32];
        nll_images_name(&job->images, job->round.first + g->number[i], name, sizeof name);
        err_set(&g->outcomes[g->number[i]].why, err->kind, "%.300s: %.700s", name, err->text);
    }
    return true;
}

/* An image that cannot be scored does not stop the others. */
static void note_failure(NllJob *job, const Err *why)
{
    if (job->failed++ == 0) job->failure = *why;
    if (job->images.count == 1 || world_rank() > 0) return; /* main says it; process 0 does */
    term_progress_end();
    fprintf(stderr, "diffc nll: %s\n", why->text);
}

static bool report_round(NllJob *job, const Group *g, Err *err)
{
    for (size_t i = 0; i < job->round.count; i++) {
        const Outcome *o = &g->outcomes[i];
        char name[PATH_BYTES + 32];
        nll_images_name(&job->images, job->round.first + i, name, sizeof name);
        if (!o->scored)
            note_failure(job, &o->why);
        else if (!nll_report_image(job, job->round.first + i, name, &o->result,
                                   g->all_terms ? g->all_terms + i * g->width : NULL, err))
            return false;
    }
    return true;
}

static bool score_all(NllJob *job, Group *g, Err *err)
{
    size_t count = job->images.count;
    job->start = clock_seconds();
    while (job->done < count) {
        const WorkRound *round = &job->round;
        job->round = work_round(job->done, count - job->done, (size_t)job->batch);
        group_fill(g, job);
        if (!work_agree(score_group(job, g, err), err)) return false;
        world_gather(g->outcomes, round->count, sizeof *g->outcomes);
        if (g->all_terms) world_gather(g->all_terms, round->count, g->width * sizeof *g->all_terms);
        if (!report_round(job, g, err)) return false;
        job->done += round->count;
    }
    return true;
}

/* Reports what was scored, even after a failure; but tables that a failure cut short are dropped,
 * because they would look whole. */
static bool conclude(NllJob *job, bool scored, Err *err)
{
    Err end = {0};
    bool told = !job->images.data_path || nll_report_summary(job, &end);
    if (scored || err->kind == ERR_INTERRUPTED) told = nll_finish_tables(job, &end) && told;
    if (!scored && err->kind == ERR_INTERRUPTED)
        return err_set(err, ERR_INTERRUPTED, "interrupted after %zu of %zu image%s%s", job->count,
                       job->images.count, job->images.count == 1 ? "" : "s",
                       job->count > 0 ? "; their figures are told" : "");
    if (!scored) return false;
    if (!told) return err_set(err, end.kind, "%s", end.text);
    if (job->failed == 0) return true;
    if (job->images.count == 1) return err_set(err, job->failure.kind, "%s", job->failure.text);
    return err_set(err, job->failure.kind, "%zu of %zu images could not be scored", job->failed,
                   job->images.count);
}

bool nll_score_all(NllJob *job, Err *err)
{
    Group group;
    job->run.progress = report_progress;
    job->run.progress_context = job;
    bool ok = group_open(&group, job, err) && conclude(job, score_all(job, &group, err), err);
    group_close(&group);
    return ok;
}
