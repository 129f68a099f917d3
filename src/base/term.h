/* The terminal: narration on stderr, and with cli/terminal_picture.h the only writer of escape codes. Called by
 * src/cli and, through callbacks, for progress. */
#ifndef DIFFC_TERM_H
#define DIFFC_TERM_H

#include <stdbool.h>

/* Progress lines are redrawn in place only when stderr is a terminal and TERM is not dumb. Nothing
 * is coloured, so NO_COLOR has nothing to turn off. */
bool term_is_interactive(void);

void term_set_quiet(bool quiet);

/* One line of narration on stderr ("diffc: " is not added). Clears a progress line first. */
void term_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for what went wrong, also when quiet. */
void term_problem(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Draws (terminal) or, at most once every 30 s, prints (otherwise) a progress line. */
void term_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends a progress line that is being redrawn, leaving it on the screen. */
void term_progress_end(void);

/* Removes it from the screen; the next one is drawn where the cursor then stands. */
void term_progress_clear(void);

/* "1:02:03", "4:05" or "37 s" into out (at least 24 bytes). */
void term_format_duration(char *out, double seconds);
/* "1.5 GiB", "12 MiB" into out (at least 16 bytes). */
void term_format_bytes(char *out, double bytes);
/* 35746307 as "35,746,307" into out (at least 32 bytes). */
void term_format_count(char *out, unsigned long long count);

#endif
