#include "cli/info_data.h"

#include <stdio.h>
#include <string.h>

#include "base/term.h"
#include "base/text.h"
#include "cli/cli.h"
#include "io/checkpoint.h"
#include "train/trainer.h"

enum { LINE_WIDTH = 66 };

/* How much is known of a run's data. */
typedef enum { NOTHING, PATH_ONLY, WHOLE } Known;

/* One line for each damaged checkpoint. */
static void note_skipped(char *notes)
{
    char *rest = NULL;
    for (char *line = strtok_r(notes, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        term_note("warning: %s", line);
}

/* The record of the newest good checkpoint; of a run without one the configuration alone. */
static bool read_record(const char *run, RunRecord *r, Known *known, Err *err)
{
    bool found;
    char notes[2048];
    Err reason = {0};
    memset(r, 0, sizeof *r);
    *known = NOTHING;
    if (!run[0]) return true;
    if (!checkpoint_peek(run, r, &found, notes, sizeof notes, err)) return false;
    note_skipped(notes);
    *known = WHOLE;
    if (found) return true;
    config_defaults(&r->config);
    *known = PATH_ONLY;
    if (trainer_run_config(run, &r->config, &reason)) return true;
    *known = NOTHING;
    run_record_free(r);
    return reason.kind != ERR_MEMORY || err_set(err, reason.kind, "%s", reason.text);
}

static void class_lines(const DataIdentity *d)
{
    char line[LINE_WIDTH] = "", name[80];
    const char *title = "classes";
    for (int i = 0; d->class_names && i < d->classes; i++) {
        text_escape(name, sizeof name, d->class_names[i]);
        size_t used = strlen(line);
        if (used > 0 && used + strlen(name) + 4 > sizeof line) {
            output_line("  %-12s %s,", title, line);
            title = "";
            used = 0;
        }
        snprintf(line + used, sizeof line - used, "%s%.60s", used ? ", " : "", name);
    }
    if (line[0]) output_line("  %-12s %s", title, line);
}

static void image_line(const DataIdentity *d)
{
    char count[32], classes[32] = "";
    term_format_count(count, d->count);
    if (d->classes > 0)
        snprintf(classes, sizeof classes, ", %d class%s", d->classes, d->classes == 1 ? "" : "es");
    output_line("  data         %s %s image%s of %dx%d (%s)%s", count,
                d->channels == 1 ? "grey" : "colour", d->count == 1 ? "" : "s", d->height, d->width,
                data_kind_words[d->kind], classes);
}

bool data_lines(const char *run, Err *err)
{
    RunRecord r;
    Known known;
    char path[512];
    if (!read_record(run, &r, &known, err)) return false;
    if (known == NOTHING) return true;
    bool whole = known == WHOLE;
    text_escape(path, sizeof path, r.config.data.path);
    if (r.config.data.toy != TOY_NONE)
        output_line("  data         points of %s, without end", toy_words[r.config.data.toy]);
    else if (!whole)
        output_line("  data         %s", path);
    else
        image_line(&r.data);
    if (whole && path[0]) output_line("               %s", path);
    class_lines(&r.data);
    run_record_free(&r);
    return true;
}

bool data_json(JsonWriter *w, const char *run, Err *err)
{
    RunRecord r;
    Known known;
    if (!read_record(run, &r, &known, err)) return false;
    if (known == NOTHING) return true;
    bool whole = known == WHOLE;
    const DataIdentity *d = &r.data;
    json_begin_object(w, "data");
    json_put_string(w, "kind", data_kind_words[whole ? d->kind : r.config.data.kind]);
    json_put_string(w, "toy", toy_words[r.config.data.toy]);
    json_put_string(w, "path", r.config.data.path);
    if (whole) {
        json_put_uint(w, "count", d->count);
        json_begin_row(w, "shape");
        json_put_int(w, NULL, d->height);
        json_put_int(w, NULL, d->width);
        json_put_int(w, NULL, d->channels);
        json_end_array(w);
        json_put_int(w, "classes", d->classes);
    }
    if (d->class_names) {
        json_begin_row(w, "class_names");
        for (int i = 0; i < d->classes; i++) json_put_string(w, NULL, d->class_names[i]);
        json_end_array(w);
    }
    json_end_object(w);
    run_record_free(&r);
    return true;
}
