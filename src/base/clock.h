/* Time and interruption. */
#ifndef DIFFC_CLOCK_H
#define DIFFC_CLOCK_H

#include <stdbool.h>

/* Seconds on the monotonic clock. */
double clock_seconds(void);

/* Processor time of all threads of the process so far. */
double clock_processor_seconds(void);

/* Since clock_begin, which main calls first; NAN where it was not called. */
void clock_begin(void);
double clock_since_begin(void);

/* After interrupt_catch the first SIGINT, SIGTERM or SIGHUP only raises a flag that long loops
 * poll. A second one, at least 0.1 s later, ends the process at once with exit code 128 + its
 * number. Signals that the parent process ignores stay ignored, except a SIGINT that another
 * process sends to a background process of a shell (which ignores SIGINT and SIGQUIT). SIGPIPE and
 * SIGXFSZ are ignored, so that writes fail with an error message. */
void interrupt_catch(void);
bool interrupt_requested(void);
/* For tests and nested tools: raise or lower the flag. */
void interrupt_set(bool requested);

#endif
