#include "cli/train_on_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/term.h"
#include "base/text.h"
#include "base/world.h"
#include "cli/cli.h"
#include "data/data_stream.h"
#include "train/update_speed.h"

static const double MEASURED_SECONDS = 1, PATIENCE_SECONDS = 1;
/* Fewer pictures than these come back in what the model draws. */
enum { FEW_IMAGES = 1000 };

/* Whether a file begins as JSON does. */
static bool begins_as_json(const char *path)
{
    char start[64] = "";
    size_t got = 0;
    DataStream *stream;
    if (!data_stream_open(&stream, path, NULL)) return false;
    bool ok = data_stream_read(stream, start, sizeof start, &got, NULL);
    data_stream_close(stream);
    size_t blank = 0;
    while (blank < got && strchr(" \t\r\n", start[blank])) blank++;
    return ok && blank < got && (start[blank] == '{' || start[blank] == '[');
}

bool word_is_data(const char *word)
{
    char config[PATH_BYTES];
    const char *place = dataset_place(word);
    if (text_ends(word, ".json") || !path_exists(place)) return false;
    if (!path_is_folder(place)) return !begins_as_json(place);
    return path_join(config, place, "config.json", NULL) && !path_exists(config);
}

bool keep_data_path(const char *word, char out[DATA_PATH_BYTES], Err *err)
{
    char *whole = word[strspn(word, "./")] == '\0' ? realpath(word, NULL) : NULL;
    const char *path = whole ? whole : word;
    bool fits = strlen(path) < DATA_PATH_BYTES;
    if (fits)
        snprintf(out, DATA_PATH_BYTES, "%s", path);
    else
        err_set(err, ERR_USAGE, "%.300s...: the path has more than %d bytes", path,
                DATA_PATH_BYTES - 1);
    free(whole);
    return fits;
}

/* ---- the choice ---- */

static void show_progress(void *context, size_t done, size_t total)
{
    const double *begun = context;
    if (clock_seconds() - *begun > PATIENCE_SECONDS)
        term_progress("looking at the pictures: %zu of %zu", done, total);
}

/* Of --set all is known before anything is chosen; what concerns the data is looked at, and sizes are wishes. */
static bool read_settings(const DataRequest *r, Config *wanted, DataWishes *w, Err *err)
{
    for (int i = 0; i < r->setting_count; i++)
        if (!config_set(wanted, r->settings[i], err)) return false;
    if (wanted->data.path[0] || wanted->data.toy != TOY_NONE)
        return err_set(err, ERR_USAGE,
                       "--set %s: the data are %.300s already; leave one of them out",
                       wanted->data.path[0] ? "data.path" : "data.toy", r->path);
    w->method = wanted->method.type;
    w->sde = wanted->method.noise.sde;
    w->channels = wanted->data.channels;
    w->classes = w->classes || wanted->model.class_conditional;
    if (w->height == 0) {
        w->height = wanted->data.height;
        w->width = wanted->data.width;
    }
    if (w->minutes == 0) w->minutes = wanted->train.minutes;
    if (w->steps == 0 && wanted->train.steps > 0) w->steps = wanted->train.steps;
    return true;
}

typedef struct {
    const DataRequest *request;
    int classes;
    double slower; /* an update's time now in that without other programs */
} Measured;

/* The choice is made for a machine without them: they may end. */
static bool measure(void *context, const Config *c, double *seconds, Err *err)
{
    Measured *m = context;
    UpdateTime time;
    Config meant = *c;
    if (term_is_interactive())
        term_progress("measuring the speed of training at %dx%d", c->data.height, c->data.width);
    bool ok = m->request->apply(m->request->context, &meant, err) && config_check(&meant, err) &&
              update_speed(&meant, m->classes, MEASURED_SECONDS, &time, err);
    if (ok) {
        *seconds = time.alone / world_size(); /* which share an update */
        m->slower = time.clock / time.alone;
    }
    config_free(&meant);
    return ok;
}

/* ---- what is said ---- */

static void say_size(const DataFacts *f, const ChosenConfig *chosen, const Config *c)
{
    char why[160] = "", updates[32];
    int height = c->data.height, width = c->data.width;
    int smaller = data_facts_smaller(f, height < width ? height : width);
    if (height == f->height && width == f->width) {
        term_note("size: %dx%d, as they are", height, width);
        return;
    }
    term_format_count(updates, (unsigned long long)chosen->slow_updates);
    if (chosen->too_slow > 0)
        text_append(why, sizeof why, "; %d would allow only %s update%s in this time",
                    chosen->too_slow, updates, strcmp(updates, "1") == 0 ? "" : "s");
    if (smaller > 0)
        text_append(why, sizeof why, "; %d of %d looked at are smaller and are enlarged", smaller,
                    f->seen);
    term_note("size: each picture is resized to cover %dx%d and cropped in the middle%s", height,
              width, why);
}

static void say_use(const Config *c)
{
    char held[64] = "";
    term_format_count(held, (unsigned long long)c->data.validation);
    term_note("held out: %s, to measure the loss; the others are %s", held,
              c->data.flip ? "mirrored at random (--set data.flip=false where left and right "
                             "matter, as in letters)"
                           : "not mirrored, as digits and letters must not be (--set "
                             "data.flip=true for what may be)");
}

static void say_time(const DataRequest *r, const ChosenConfig *chosen, const Measured *m,
                     const Config *c)
{
    char updates[32], speed[AMOUNT_BYTES], word[40] = "";
    double minutes = c->train.minutes;
    int images = c->train.batch * c->train.accumulate;
    term_format_count(updates, (unsigned long long)(chosen->updates + 0.5));
    snprintf(word, sizeof word, "effort %s:", effort_words[r->wishes.effort]);
    if (chosen->seconds <= 0) {
        term_note("%s %s update%s of %d picture%s", word, updates, chosen->updates == 1 ? "" : "s",
                  images, images == 1 ? "" : "s");
        return;
    }
    format_speed(speed, images / chosen->seconds);
    term_note("%s %g minute%s, about %s update%s of %d picture%s at the %s pictures/s measured "
              "here, less what the grids drawn meanwhile take",
              word, minutes, minutes == 1 ? "" : "s", updates, strcmp(updates, "1") == 0 ? "" : "s",
              images, images == 1 ? "" : "s", speed);
    term_format_count(updates, (unsigned long long)(chosen->updates / m->slower + 0.5));
    if (m->slower > 1)
        term_note("note: other programs want the same CPUs now; as long as they do, this time "
                  "allows about %s update%s",
                  updates, strcmp(updates, "1") == 0 ? "" : "s");
    const Effort *e = &efforts[r->wishes.effort];
    if (r->wishes.minutes == 0 && c->train.minutes > e->minutes)
        term_note("note: %g minutes would allow fewer than %g updates here, which show little; "
                  "--minutes %g "
                  "takes no longer",
                  e->minutes, e->least_updates, e->minutes);
    if (chosen->updates < e->least_updates)
        term_note("note: that is short: %g updates and more begin to show what the pictures are",
                  e->least_updates);
}

static void say_classes(const DataFacts *f, const Config *c)
{
    char list[200] = "";
    if (f->classes < 2) return;
    if (f->class_list[0]) snprintf(list, sizeof list, " (%s)", f->class_list);
    if (c->model.class_conditional)
        term_note("classes: %d%s; each that has pictures can be drawn on demand", f->classes, list);
    else
        term_note("classes: %d%s, not used; --classes trains a model that draws each on demand",
                  f->classes, list);
}

static void say(const DataRequest *r, const DataFacts *f, const ChosenConfig *chosen,
                const Measured *m, const Config *c)
{
    char text[256], data[300];
    data_facts_describe(f, text, sizeof text);
    term_note("pictures: %s", text);
    say_size(f, chosen, c);
    say_use(c);
    say_time(r, chosen, m, c);
    say_classes(f, c);
    if (f->count < FEW_IMAGES)
        term_note("note: %llu pictures are few: expect the model to repeat them; thousands make "
                  "new ones",
                  (unsigned long long)f->count);
    text_shell_word(data, sizeof data, r->path);
    term_note("to change more: diffc train %s --dry-run >own.json, then diffc train own.json",
              data);
}

static bool choose(const DataRequest *r, const Config *wanted, const DataWishes *w, Config *c,
                   Err *err)
{
    DataFacts facts;
    ChosenConfig chosen;
    Measured measured = {.request = r, .slower = 1};
    const DataOptions options = {.path = r->path, .config = wanted->data, .can_skip = true};
    char path[DATA_PATH_BYTES];
    double begun = clock_seconds();
    if (!keep_data_path(r->path, path, err) ||
        !data_facts_read(&facts, &options, show_progress, &begun, err) ||
        !config_for_data_check(&facts, w, r->path, err))
        return false;
    measured.classes = facts.classes;
    if (!config_for_data(&chosen, &facts, w, measure, &measured, err)) return false;
    *c = chosen.config;
    snprintf(c->data.path, sizeof c->data.path, "%s", path);
    if (!r->apply(r->context, c, err)) return false;
    say(r, &facts, &chosen, &measured, c);
    return true;
}

bool choose_config(const DataRequest *r, Config *c, Err *err)
{
    Config wanted;
    DataWishes wishes = r->wishes;
    config_defaults(&wanted);
    wanted.train.steps = 0; /* unless --set gives them */
    bool ok = read_settings(r, &wanted, &wishes, err) && choose(r, &wanted, &wishes, c, err);
    config_free(&wanted);
    return ok;
}
