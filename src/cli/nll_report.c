#include "cli/nll_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static bool append(FileWriter *file, const char *text, Err *err)
{
    return file_writer_append(file, text, strlen(text), err);
}

static bool has_level(const NllReport *r)
{
    return r->protocol->reads & LIKELIHOOD_LEVEL;
}

bool nll_report_open(NllReport *r, Err *err)
{
    if (!check_output_file("csv", r->csv, "csv", err) ||
        !check_output_file("per-step", r->per_step, "csv", err))
        return false;
    if (r->csv) {
        r->csv_open = output_open(&r->csv_file, r->csv, err);
        if (!r->csv_open ||
            !append(&r->csv_file,
                    "image,bits_per_dim,standard_error,nats,protocol,dims,network_calls", err) ||
            !append(&r->csv_file, has_level(r) ? ",level\n" : "\n", err))
            return false;
    }
    if (r->per_step) {
        r->per_step_open = output_open(&r->per_step_file, r->per_step, err);
        if (!r->per_step_open || !append(&r->per_step_file, "image,step,nats,bits_per_dim\n", err))
            return false;
    }
    return true;
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

static bool csv_image(NllReport *r, const char *name, const Likelihood *l, Err *err)
{
    char cell[CELL_BYTES], line[CELL_BYTES + 256], error[32], level[16] = "";
    csv_cell(cell, sizeof cell, name);
    if (has_level(r)) snprintf(level, sizeof level, ",%d", r->level);
    snprintf(line, sizeof line, "%s,%.10g,%s,%.10g,%s,%zu,%ld%s\n", cell, l->bits_per_dim,
             csv_number(error, l->standard_error), l->nats, r->protocol->name, l->dims,
             l->network_calls, level);
    return append(&r->csv_file, line, err);
}

static bool csv_terms(NllReport *r, const char *name, const Likelihood *l, const double *terms,
                      Err *err)
{
    char cell[CELL_BYTES], line[CELL_BYTES + 128], term[TERM_NAME_BYTES];
    csv_cell(cell, sizeof cell, name);
    for (int i = 0; r->protocol->term_name(r->run, i, term); i++) {
        snprintf(line, sizeof line, "%s,%s,%.10g,%.10g\n", cell, term, terms[i],
                 terms[i] / ((double)l->dims * log(2)));
        if (!append(&r->per_step_file, line, err)) return false;
    }
    return true;
}

static void json_protocol(JsonWriter *w, const NllReport *r)
{
    json_put_string(w, "protocol", r->protocol->name);
    if (has_level(r)) json_put_int(w, "level", r->level);
    if (r->words.caution) json_put_string(w, "warning", r->words.caution);
}

static bool json_image(const NllReport *r, const char *name, const Likelihood *l, Err *err)
{
    JsonWriter w;
    output_begin(&w);
    json_put_string(&w, "image", name);
    json_put_number(&w, "bits_per_dim", l->bits_per_dim);
    json_put_number(&w, "standard_error", l->standard_error);
    json_put_number(&w, "nats", l->nats);
    json_protocol(&w, r);
    json_put_uint(&w, "dims", l->dims);
    json_put_int(&w, "network_calls", l->network_calls);
    return output_json(&w, err);
}

/* " +- 0.0123" or nothing. */
static const char *margin(char out[32], double error)
{
    out[0] = '\0';
    if (isfinite(error)) snprintf(out, 32, " +- %.4f", error);
    return out;
}

bool nll_report_image(NllReport *r, const char *name, const Likelihood *l, const double *terms,
                      Err *err)
{
    char error[32];
    if (r->count == 0) r->first = l->bits_per_dim;
    double more = l->bits_per_dim - r->first;
    r->count++;
    r->calls += l->network_calls;
    r->sum += more;
    r->square += more * more;
    if (r->csv && !csv_image(r, name, l, err)) return false;
    if (r->per_step && !csv_terms(r, name, l, terms, err)) return false;
    if (r->json) return json_image(r, name, l, err);
    if (r->each)
        output_line("%s: %.4f bits/dim%s (%s%s, %.1f nats, %zu dims, %ld network call%s)", name,
                    l->bits_per_dim, margin(error, l->standard_error), r->protocol->name,
                    r->words.figure, l->nats, l->dims, l->network_calls,
                    l->network_calls == 1 ? "" : "s");
    return true;
}

double nll_report_mean(const NllReport *r)
{
    return r->count > 0 ? r->first + r->sum / (double)r->count : (double)NAN;
}

bool nll_report_summary(NllReport *r, Err *err)
{
    double n = (double)r->count, mean = nll_report_mean(r), standard_error = (double)NAN;
    if (r->count == 0) return true;
    if (r->count > 1) standard_error = sqrt(fmax(r->square - r->sum * r->sum / n, 0) / (n - 1) / n);
    if (!r->json) {
        char error[32];
        output_line("mean of %zu image%s: %.4f bits/dim%s (%s%s, %ld network call%s)", r->count,
                    r->count == 1 ? "" : "s", mean, margin(error, standard_error),
                    r->protocol->name, r->words.figure, r->calls, r->calls == 1 ? "" : "s");
        return true;
    }
    JsonWriter w;
    output_begin(&w);
    json_put_string(&w, "event", "summary");
    json_put_uint(&w, "count", r->count);
    json_put_number(&w, "bits_per_dim", mean);
    json_put_number(&w, "standard_error", standard_error);
    json_protocol(&w, r);
    json_put_int(&w, "network_calls", r->calls);
    return output_json(&w, err);
}

static bool finish_table(bool *open, FileWriter *file, const char *path, Err *err)
{
    bool replaces = file_is_there(path);
    if (!*open) return true;
    *open = false;
    if (!file_writer_commit(file, err)) return false;
    note_replaced(path, replaces);
    return true;
}

bool nll_report_finish(NllReport *r, Err *err)
{
    /* Each table is whole, whatever becomes of the other. */
    bool ok = finish_table(&r->csv_open, &r->csv_file, r->csv, err);
    return finish_table(&r->per_step_open, &r->per_step_file, r->per_step, ok ? err : NULL) && ok;
}

void nll_report_close(NllReport *r)
{
    if (r->csv_open) file_writer_abort(&r->csv_file);
    if (r->per_step_open) file_writer_abort(&r->per_step_file);
    r->csv_open = r->per_step_open = false;
}
