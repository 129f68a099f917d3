#include "cli/nll_score.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/term.h"
#include "cli/cli.h"

/* ---- what is reported: a line or an object for each image, their mean, and tables ---- */

/* Nothing, where no table is wanted. */
static bool append(NllTable *t, const char *text, Err *err)
{
    return !t->path || file_writer_append(&t->file, text, strlen(text), err);
}

static bool has_level(const NllJob *job)
{
    return job->protocol->reads & LIKELIHOOD_LEVEL;
}

static bool open_table(NllTable *t, const char *heads, Err *err)
{
    if (t->path) t->open = output_open(&t->file, t->path, err);
    return (t->open || !t->path) && append(t, heads, err);
}

static bool has_classes(const NllJob *job)
{
    return job->config->unet.classes > 0;
}

static int label_of(const NllJob *job, size_t image)
{
    return job->images.labels ? job->images.labels[image] : job->label;
}

/* It is scored as an image of a class. */
static bool has_class(const NllJob *job, size_t image)
{
    return label_of(job, image) >= 0 && label_of(job, image) < job->config->unet.classes;
}

bool nll_open_tables(NllJob *job, Err *err)
{
    return check_output_file("csv", job->csv.path, "csv", err) &&
           check_output_file("per-step", job->per_step.path, "csv", err) &&
           open_table(&job->csv,
                      "image,bits_per_dim,standard_error,nats,protocol,dims,network_calls", err) &&
           append(&job->csv, has_level(job) ? ",level" : "", err) &&
           append(&job->csv, has_classes(job) ? ",label,class\n" : "\n", err) &&
           open_table(&job->per_step, "image,step,nats,bits_per_dim\n", err);
}

/* A cell of a table: in quotes where it holds a comma, a quote or a line's end. */
static void csv_cell(char *out, size_t size, const char *text)
{
    size_t used = 0;
    bool quoted = strpbrk(text, ",\"\n\r") != NULL;
    if (quoted) out[used++] = '"';
    for (; *text && used + 4 < size; text++) {
        if (*text == '"') out[used++] = '"';
        out[used++] = *text;
    }
    if (quoted) out[used++] = '"';
    out[used] = '\0';
}

/* A number as JSON has it; an unknown one is an empty cell. */
static const char *csv_number(char out[32], double value)
{
    if (isfinite(value))
        snprintf(out, 32, "%.10g", value);
    else
        out[0] = '\0';
    return out;
}

enum { CELL_BYTES = 2 * PATH_BYTES + 8 };

/* ",3,cat" */
static void csv_class(const NllJob *job, size_t image, char *out, size_t size)
{
    char cell[2 * sizeof(ClassName) + 8] = "";
    const char *name = model_class_name(job->config, label_of(job, image));
    if (name) csv_cell(cell, sizeof cell, name);
    if (has_class(job, image))
        snprintf(out, size, ",%d,%s", label_of(job, image), cell);
    else
        snprintf(out, size, ",,");
}

static bool csv_image(NllJob *job, size_t image, const char *name, const Likelihood *l, Err *err)
{
    char cell[CELL_BYTES], line[CELL_BYTES + 256 + 2 * sizeof(ClassName)], error[32],
        level[16] = "";
    char class[2 * sizeof(ClassName) + 24] = "";
    if (has_classes(job)) csv_class(job, image, class, sizeof class);
    csv_cell(cell, sizeof cell, name);
    if (has_level(job)) snprintf(level, sizeof level, ",%d", job->level);
    snprintf(line, sizeof line, "%s,%.10g,%s,%.10g,%s,%zu,%ld%s%s\n", cell, l->bits_per_dim,
             csv_number(error, l->standard_error), l->nats, job->protocol->name, l->dims,
             l->network_calls, level, class);
    return append(&job->csv, line, err);
}

static bool csv_terms(NllJob *job, const char *name, const Likelihood *l, const double *terms,
                      Err *err)
{
    char cell[CELL_BYTES], line[CELL_BYTES + 128], term[TERM_NAME_BYTES];
    csv_cell(cell, sizeof cell, name);
    for (int i = 0; job->protocol->term_name(&job->run, i, term); i++) {
        snprintf(line, sizeof line, "%s,%s,%.10g,%.10g\n", cell, term, terms[i],
                 terms[i] / ((double)l->dims * log(2)));
        if (!append(&job->per_step, line, err)) return false;
    }
    return true;
}

static void json_protocol(JsonWriter *w, const NllJob *job)
{
    json_put_string(w, "protocol", job->protocol->name);
    if (has_level(job)) json_put_int(w, "level", job->level);
    if (job->words.caution) json_put_string(w, "warning", job->words.caution);
}

static bool json_image(const NllJob *job, size_t image, const char *name, const Likelihood *l,
                       Err *err)
{
    JsonWriter w;
    output_begin(&w);
    json_put_string(&w, "image", name);
    json_put_number(&w, "bits_per_dim", l->bits_per_dim);
    json_put_number(&w, "standard_error", l->standard_error);
    json_put_number(&w, "nats", l->nats);
    json_protocol(&w, job);
    json_put_uint(&w, "dims", l->dims);
    json_put_int(&w, "network_calls", l->network_calls);
    const char *class = model_class_name(job->config, label_of(job, image));
    if (has_class(job, image)) json_put_int(&w, "label", label_of(job, image));
    if (class) json_put_string(&w, "class", class);
    return output_json(&w, err);
}

/* " +- 0.0123" or nothing. */
static const char *margin(char out[32], double error)
{
    out[0] = '\0';
    if (isfinite(error)) snprintf(out, 32, " +- %.4f", error);
    return out;
}

/* terms: of the protocol, when a table of them is wanted. */
static bool report_image(NllJob *job, size_t image, const char *name, const Likelihood *l,
                         const double *terms, Err *err)
{
    char error[32];
    if (job->count == 0) job->first = l->bits_per_dim;
    double more = l->bits_per_dim - job->first;
    job->count++;
    job->calls += l->network_calls;
    job->sum += more;
    job->square += more * more;
    if (job->csv.path && !csv_image(job, image, name, l, err)) return false;
    if (job->per_step.path && !csv_terms(job, name, l, terms, err)) return false;
    if (job->json) return json_image(job, image, name, l, err);
    if (!job->images.data_path)
        output_line("%s: %.4f bits/dim%s (%s%s, %.1f nats, %zu dims, %ld network call%s)", name,
                    l->bits_per_dim, margin(error, l->standard_error), job->protocol->name,
                    job->words.figure, l->nats, l->dims, l->network_calls,
                    l->network_calls == 1 ? "" : "s");
    return true;
}

/* Bits per dimension of all so far. */
static double report_mean(const NllJob *job)
{
    return job->count > 0 ? job->first + job->sum / (double)job->count : (double)NAN;
}

/* The mean of all so far, when there are any. */
static bool report_summary(NllJob *job, Err *err)
{
    double n = (double)job->count, mean = report_mean(job), standard_error = (double)NAN;
    if (job->count == 0) return true;
    if (job->count > 1)
        standard_error = sqrt(fmax(job->square - job->sum * job->sum / n, 0) / (n - 1) / n);
    if (!job->json) {
        char error[32];
        output_line("mean of %zu image%s: %.4f bits/dim%s (%s%s, %ld network call%s)", job->count,
                    job->count == 1 ? "" : "s", mean, margin(error, standard_error),
                    job->protocol->name, job->words.figure, job->calls, job->calls == 1 ? "" : "s");
        return true;
    }
    JsonWriter w;
    output_begin(&w);
    json_put_string(&w, "event", "summary");
    json_put_uint(&w, "count", job->count);
    json_put_number(&w, "bits_per_dim", mean);
    json_put_number(&w, "standard_error", standard_error);
    json_protocol(&w, job);
    json_put_int(&w, "network_calls", job->calls);
    return output_json(&w, err);
}

static bool finish_table(NllTable *t, Err *err)
{
    bool replaces = file_is_there(t->path);
    if (!t->open) return true;
    t->open = false;
    bool ok = file_writer_commit(&t->file, err);
    note_replaced(t->path, ok && replaces);
    return ok;
}

/* Ends the tables with what they hold. Each is whole, whatever becomes of the other. */
static bool finish_tables(NllJob *job, Err *err)
{
    bool ok = finish_table(&job->csv, err);
    return finish_table(&job->per_step, ok ? err : NULL) && ok;
}

void nll_close_tables(NllJob *job)
{
    if (job->csv.open) file_writer_abort(&job->csv.file);
    if (job->per_step.open) file_writer_abort(&job->per_step.file);
}

/* ---- scoring ---- */

static bool report_progress(void *context, long predictions)
{
    const NllJob *job = context;
    size_t count = job->images.count;
    char left[24], mean[64] = "";
    if (job->done > 0) {
        double each = (clock_seconds() - job->start) / (double)job->done;
        term_format_duration(left, each * (double)(count - job->done));
        snprintf(mean, sizeof mean, ", mean %.4f bits/dim, %s left", report_mean(job), left);
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
    int *labels; /* where the images have labels of their own, else NULL */
    Likelihood *results;
    double *terms; /* [count, width] or NULL */
    size_t width;
} Group;

static bool group_open(Group *g, const NllJob *job, Err *err)
{
    size_t n = (size_t)job->batch, dims = job->dims;
    bool table = job->per_step.path != NULL;
    *g = (Group){.pixels = mem_alloc(n, dims),
                 .seeds = mem_alloc(n, sizeof *g->seeds),
                 .number = mem_alloc(n, sizeof *g->number),
                 .results = mem_alloc(n, sizeof *g->results)};
    if (job->images.labels) g->labels = mem_alloc(n, sizeof *g->labels);
    if (table) {
        g->width = (size_t)protocol_terms(job->protocol, &job->run);
        g->terms = mem_doubles(n * g->width);
    }
    bool labelled = !job->images.labels || g->labels;
    return (g->pixels && g->seeds && g->number && g->results && labelled && (!table || g->terms)) ||
           err_set(err, ERR_MEMORY, "not enough memory for a batch of %d images", job->batch);
}

static void group_close(Group *g)
{
    mem_free(g->pixels);
    mem_free(g->seeds);
    mem_free(g->number);
    mem_free(g->labels);
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
        if (g->labels) g->labels[g->count] = job->images.labels[i];
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
    if (g->labels) job->network->labels = g->labels + first;
    *scored = job->protocol->score(&job->run, &job->model, &images, g->results + first, err);
    for (int i = 0; i < count && *scored; i++) {
        char name[PATH_BYTES + 32];
        nll_images_name(&job->images, g->number[first + i], name, sizeof name);
        if (!report_image(job, g->number[first + i], name, &g->results[first + i],
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
    bool told = !job->images.data_path || report_summary(job, &end);
    if (scored || err->kind == ERR_INTERRUPTED) told = finish_tables(job, &end) && told;
    if (!scored && err->kind == ERR_INTERRUPTED)
        return err_set(err, ERR_INTERRUPTED, "interrupted after %zu of %zu images%s", job->count,
                       job->images.count, job->count > 0 ? "; their figures are told" : "");
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
