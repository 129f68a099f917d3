#include "cli/train_narration.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/term.h"
#include "cli/cli.h"
#include "cli/summary.h"
#include "cli/terminal_picture.h"
#include "io/diffusers/model_folder.h"

static const double REDRAW_SECONDS = 0.1;

static void show_status(void *context, const TrainStatus *s)
{
    TrainNarrator *n = context;
    n->step = s->step;
    if (interrupt_requested() && !n->stopping) {
        n->stopping = true;
        term_note("stopping: saving the run (a second interruption stops at once, unsaved)");
    }
    double now = clock_seconds();
    if (now - n->drawn < REDRAW_SECONDS) return;
    n->drawn = now;
    char step[32], total[40] = "", left[24], left_text[40] = "", speed[AMOUNT_BYTES];
    term_format_count(step, (unsigned long long)s->step);
    if (s->total_steps > 0) {
        memcpy(total, " of ", 5);
        term_format_count(total + 4, (unsigned long long)s->total_steps);
    }
    term_format_duration(left, s->seconds_left);
    if (s->seconds_left >= 0) snprintf(left_text, sizeof left_text, ", %s left", left);
    format_speed(speed, s->images_per_s);
    term_progress("step %s%s, loss %.4f, %s images/s%s", step, total, s->loss, speed, left_text);
}

/* What takes less time is not worth a line. */
static const double PATIENCE_SECONDS = 1;

static void show_reading(void *context, size_t done, size_t total)
{
    TrainNarrator *n = context;
    double now = clock_seconds();
    if (n->reading <= 0) n->reading = now;
    if (now - n->reading < PATIENCE_SECONDS || now - n->drawn < REDRAW_SECONDS) return;
    n->drawn = now;
    term_progress("reading the images: %zu of %zu", done, total);
}

static void show_line(void *context, const char *json)
{
    const TrainNarrator *n = context;
    if (n->json) output_line("%s", json);
}

static void show_note(void *context, const char *text)
{
    (void)context;
    term_note("%s", text);
}

static void show_problem(void *context, const char *text)
{
    (void)context;
    term_problem("diffc train: %s", text);
}

static void show_picture(void *context, int64_t step, const Image *picture)
{
    Err why = {0};
    (void)context;
    term_note("step %lld: samples", (long long)step);
    if (!terminal_picture_show(stderr, picture, &why))
        term_problem("diffc train: the samples are not shown: %s", why.text);
}

TrainCallbacks train_narration(TrainNarrator *narrator, bool show)
{
    return (TrainCallbacks){.context = narrator,
                            .status = show_status,
                            .line = show_line,
                            .note = show_note,
                            .reading = show_reading,
                            .problem = show_problem,
                            .picture =
                                show && terminal_picture_wanted(stderr) ? show_picture : NULL};
}

bool train_narration_end(const TrainNarrator *n, const char *run, Err *err)
{
    if (!n->json) {
        output_line("%s", run);
        return true;
    }
    JsonWriter w;
    output_begin(&w);
    json_put_string(&w, "event", "done");
    json_put_int(&w, "step", n->step);
    json_put_string(&w, "run", run);
    json_put_int(&w, "peak_memory_bytes", (int64_t)mem_peak_bytes());
    return output_json(&w, err);
}

void note_diffusers(const ModelConfig *m)
{
    char text[256];
    if (m->network == NETWORK_MLP || !model_diffusers_support(m).but) return;
    describe_diffusers(m, text, sizeof text);
    term_note("diffusers: the model's folder %s", text);
}

void note_micro_batch(const Config *c, int used)
{
    int asked = c->train.micro_batch;
    if (asked > 0 && used != asked)
        term_note("note: train.micro_batch %d does not divide train.batch %d; passes have %d "
                  "image%s, the next lower divisor",
                  asked, c->train.batch, used, used == 1 ? "" : "s");
}
