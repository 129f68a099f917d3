#include "base/term.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum { PLAIN_PROGRESS_SECONDS = 30 };

static bool quiet_mode;
static bool line_open;
static double last_plain = -1e9;

bool term_is_interactive(void)
{
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
}

void term_set_quiet(bool quiet)
{
    quiet_mode = quiet;
}

static int columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
    return 80;
}

void term_progress_clear(void)
{
    if (line_open) fputs("\r\x1b[K", stderr);
    line_open = false;
}

/* Names in a message may hold bytes that a terminal would obey. */
static void put_line(const char *format, va_list args)
{
    enum { MOST = 8 << 10 };
    char text[MOST], shown[2 * MOST];
    vsnprintf(text, sizeof text, format, args);
    term_progress_clear();
    for (char *line = text; line;) {
        char *end = strchr(line, '\n');
        if (end) *end++ = '\0';
        text_escape(shown, sizeof shown, line);
        fprintf(stderr, "%s\n", shown);
        line = end;
    }
}

void term_note(const char *format, ...)
{
    va_list args;
    if (quiet_mode) return;
    va_start(args, format);
    put_line(format, args);
    va_end(args);
}

void term_problem(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_line(format, args);
    va_end(args);
}

void term_progress(const char *format, ...)
{
    if (quiet_mode) return;
    char given[512], text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(given, sizeof given, format, args);
    va_end(args);
    text_escape(text, sizeof text, given);
    if (term_is_interactive()) {
        fprintf(stderr, "\r%.*s\x1b[K", columns() - 1, text);
        fflush(stderr);
        line_open = true;
    } else if (clock_seconds() - last_plain >= PLAIN_PROGRESS_SECONDS) {
        last_plain = clock_seconds();
        fprintf(stderr, "%s\n", text);
    }
}

void term_progress_end(void)
{
    if (line_open) fputc('\n', stderr);
    line_open = false;
    last_plain = -1e9;
}

void term_format_duration(char *out, double seconds)
{
    if (!(seconds >= 0) || seconds > 3.6e9) {
        snprintf(out, 24, "?");
        return;
    }
    long s = lround(seconds);
    if (s >= 3600) {
        snprintf(out, 24, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    } else if (s >= 60) {
        snprintf(out, 24, "%ld:%02ld", s / 60, s % 60);
    } else {
        snprintf(out, 24, "%ld s", s);
    }
}

void term_format_bytes(char *out, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;
    while (bytes >= 1000 && unit < 4) {
        bytes /= 1024;
        unit++;
    }
    snprintf(out, 16, bytes < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

void term_format_count(char *out, unsigned long long count)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", count);
    char *p = out;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) *p++ = ',';
        *p++ = digits[i];
    }
    *p = '\0';
}
