#include "cli/nll_score.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/term.h"

static bool report_progress(void *context, long predictions)
{
    const NllJob *job = context;
    size_t count = job->images.count;
    char left[24], mean[64] = "";
    if (job->done > 0) {
        double each = (clock_seconds() - job->start) / (double)job->done;
        term_format_duration(left, each * (double)(count - job->done));
        snprintf(mean, sizeof mean, ", mean %.4f bits/dim, %s left", nll_report_mean(&job->report),
                 left);
    }
    term_progress("%zu of %zu image%s, %ld prediction%s for the next %d%s", job->done, count,
                  count == 1 ? "" : "s", predictions, predictions == 1 ? "" : "s", job->group,
                  mean);
    return !interrupt_requested();
}

/* One group's images, of which some may not have been read. */
typedef struct {
    int count;
    unsigned char *pixels; /* [count, dims] */
    uint64_t *seeds;
    size_t *number;
    Likelihood *results;
    double *terms; /* [count, width] or NULL */
    size_t width;
} Group;

static bool group_open(Group *g, const NllJob *job, Err *err)
{
    size_t n = (size_t)job->batch, dims = job->dims;
    bool table = job->report.per_step != NULL;
    *g = (Group){.pixels = mem_alloc(n, dims),
                 .seeds = mem_alloc(n, sizeof *g->seeds),
                 .number = mem_alloc(n, sizeof *g->number),
                 .results = mem_alloc(n, sizeof *g->results)};
    if (table) {
        g->width = (size_t)protocol_terms(job->protocol, &job->run);
        g->terms = mem_doubles(n * g->width);
    }
    return (g->pixels && g->seeds && g->number && g->results && (!table || g->terms)) ||
           err_set(err, ERR_MEMORY, "not enough memory for a batch of %d images", job->batch);
}

static void group_close(Group *g)
{
    mem_free(g->pixels);
    mem_free(g->seeds);
    mem_free(g->number);
    mem_free(g->results);
    mem_free(g->terms);
}

/* An image that cannot be scored does not stop the others. */
static void note_failure(NllJob *job, const Err *why)
{
    if (job->failed++ == 0) job->failure = *why;
    if (job->images.count == 1) return; /* main says it */
    term_progress_end();
    fprintf(stderr, "diffc nll: %s\n", why->text);
}

static void group_fill(Group *g, NllJob *job, size_t first, size_t end)
{
    size_t dims = job->dims;
    g->count = 0;
    for (size_t i = first; i < end; i++) {
        size_t at = (size_t)g->count * dims;
        Err why = {0};
        if (!nll_images_read(&job->images, i, g->pixels + at, &why)) {
            note_failure(job, &why);
            continue;
        }
        g->seeds[g->count] = likelihood_seed(job->seed, g->pixels + at, dims);
        g->number[g->count++] = i;
    }
}

/* Scores images first .. first+count-1 of the group, then reports them. False with *scored: the
 * report failed. */
static bool score(NllJob *job, Group *g, int first, int count, bool *scored, Err *err)
{
    double *terms = g->terms ? g->terms + (size_t)first * g->width : NULL;
    const ScoredImages images = {.count = count,
                                 .pixels = g->pixels + (size_t)first * job->dims,
                                 .seeds = g->seeds + first,
                                 .terms = terms};
    *scored = job->protocol->score(&job->run, &job->model, &images, g->results + first, err);
    for (int i = 0; i < count && *scored; i++) {
        char name[PATH_BYTES + 32];
        nll_images_name(&job->images, g->number[first + i], name, sizeof name);
        if (!nll_report_image(&job->report, name, &g->results[first + i],
                              terms ? terms + (size_t)i * g->width : NULL, err))
            return false;
    }
    return *scored;
}

/* An image's own failure: the others may do better. */
static bool is_own(const Err *err)
{
    return err->kind == ERR_LIMIT || err->kind == ERR_DIVERGED;
}

static bool score_group(NllJob *job, Group *g, Err *err)
{
    bool scored = true;
    job->group = g->count;
    if (g->count == 0 || score(job, g, 0, g->count, &scored, err)) return true;
    if (scored || !is_own(err)) return false;
    /* One of them failed: each alone. */
    job->group = 1;
    for (int i = 0; i < g->count; i++) {
        if (score(job, g, i, 1, &scored, err)) continue;
        if (scored || !is_own(err)) return false;
        char name[PATH_BYTES + 32];
        Err why = {0};
        nll_images_name(&job->images, g->number[i], name, sizeof name);
        err_set(&why, err->kind, "%.300s: %.700s", name, err->text);
        note_failure(job, &why);
    }
    return true;
}

static bool score_all(NllJob *job, Group *g, Err *err)
{
    job->start = clock_seconds();
    while (job->done < job->images.count) {
        size_t end = job->done + (size_t)job->batch;
        if (end > job->images.count) end = job->images.count;
        group_fill(g, job, job->done, end);
        if (interrupt_requested()) return err_set(err, ERR_INTERRUPTED, "interrupted");
        if (!score_group(job, g, err)) return false;
        job->done = end;
    }
    return true;
}

/* Reports what was scored, even after a failure; but tables that a failure cut short are dropped,
 * because they would look whole. */
static bool conclude(NllJob *job, bool scored, Err *err)
{
    Err end = {0};
    bool told = !job->images.data_path || nll_report_summary(&job->report, &end);
    if (scored || err->kind == ERR_INTERRUPTED)
        told = nll_report_finish(&job->report, &end) && told;
    if (!scored && err->kind == ERR_INTERRUPTED)
        return err_set(err, ERR_INTERRUPTED, "interrupted after %zu of %zu images%s",
                       job->report.count, job->images.count,
                       job->report.count > 0 ? "; their figures are told" : "");
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
