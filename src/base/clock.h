/* Time and interruption. */
#ifndef DIFFC_CLOCK_H
#define DIFFC_CLOCK_H

#include <stdbool.h>

/* Seconds on the monotonic clock. */
double clock_seconds(void);

/* Since clock_begin, which main calls first; NAN where it was not called. */
void clock_begin(void);
double clock_since_begin(void);

/* After interrupt_catch, the first SIGINT, SIGTERM or SIGHUP only raises a flag that long loops poll; a
 * second, at least 0.1 s later, ends the process at once with exit code 128 + its number. Signals that
 * the parent process ignores stay ignored, but for the SIGINT that another process sends to a shell's
 * background process (SIGINT and SIGQUIT ignored): only Ctrl-C is not meant for that. SIGPIPE and SIGXFSZ are ignored: writes then fail in words. */
void interrupt_catch(void);
bool interrupt_requested(void);
/* For tests and nested tools: raise or lower the flag. */
void interrupt_set(bool requested);

#endif
