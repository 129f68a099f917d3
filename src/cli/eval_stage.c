#include "cli/eval_stage.h"

#include "base/clock.h"
#include "base/term.h"

static bool report_progress(void *context, double part)
{
    const EvalStage *s = context;
    char left[24];
    double seconds = clock_seconds() - s->start;
    term_format_duration(left, seconds / part * (1 - part));
    /* Short stages say nothing. */
    if (seconds > 0.5 && part > 0) term_progress("%s: %.0f %%, %s left", s->name, 100 * part, left);
    return !interrupt_requested();
}

WorkProgress eval_stage_begin(EvalStage *s, const char *name)
{
    s->name = name;
    s->start = clock_seconds();
    return (WorkProgress){s, report_progress};
}
