#include "cli/nll_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/world.h"
#include "cli/cli.h"

/* Nothing, where no table is wanted or another process writes it. */
static bool append(NllTable *t, const char *text, Err *err)
{
    return !t->open || file_writer_append(&t->file, text, strlen(text), err);
}

static bool has_level(const NllJob *job)
{
    return job->protocol->reads & LIKELIHOOD_LEVEL;
}

static bool open_table(NllTable *t, const char *heads, Err *err)
{
    if (!t->path || world_rank() > 0) return true;
    t->open = output_open(&t->file, t->path, err);
    return t->open && append(t, heads, err);
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
    job->table_is_stdout = file_is_stdout(job->csv.path) || file_is_stdout(job->per_step.path);
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
    if (job->protocol->reads & LIKELIHOOD_DEQUANT)
        json_put_string(w, "dequant_by", dequant_words[job->run.dequant]);
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

bool nll_report_image(NllJob *job, size_t image, const char *name, const Likelihood *l,
                      const double *terms, Err *err)
{
    char error[32];
    if (job->count == 0) job->first = l->bits_per_dim;
    double more = l->bits_per_dim - job->first;
    job->count++;
    job->calls += l->network_calls;
    job->sum += more;
    job->square += more * more;
    if (job->csv.open && !csv_image(job, image, name, l, err)) return false;
    if (job->per_step.open && !csv_terms(job, name, l, terms, err)) return false;
    if (job->json) return json_image(job, image, name, l, err);
    if (!job->images.data_path && !job->table_is_stdout)
        output_line("%s: %.4f bits/dim%s (%s%s, %.1f nats, %zu dims, %ld network call%s)", name,
                    l->bits_per_dim, margin(error, l->standard_error), job->protocol->name,
                    job->words.figure, l->nats, l->dims, l->network_calls,
                    l->network_calls == 1 ? "" : "s");
    return true;
}

double nll_report_mean(const NllJob *job)
{
    return job->count > 0 ? job->first + job->sum / (double)job->count : (double)NAN;
}

bool nll_report_summary(NllJob *job, Err *err)
{
    double n = (double)job->count, mean = nll_report_mean(job), standard_error = (double)NAN;
    if (job->count == 0 || (job->table_is_stdout && !job->json)) return true;
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

/* Each is whole, whatever becomes of the other. */
bool nll_finish_tables(NllJob *job, Err *err)
{
    bool ok = finish_table(&job->csv, err);
    return finish_table(&job->per_step, ok ? err : NULL) && ok;
}

void nll_close_tables(NllJob *job)
{
    if (job->csv.open) file_writer_abort(&job->csv.file);
    if (job->per_step.open) file_writer_abort(&job->per_step.file);
}
