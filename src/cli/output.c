/* Results on stdout, and the names of files. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli.h"
#include "diffc/term.h"

static int lost; /* errno of the first write that failed, 0: none */

static void flush(void)
{
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && !lost) lost = errno ? errno : EIO;
}

const char *program_name(const char *called)
{
    static const char *name = "diffc";
    if (called) name = called;
    return name;
}

void output_line(const char *format, ...)
{
    /* Both on one screen: the line must not continue the progress line. */
    if (term_is_interactive() && isatty(STDOUT_FILENO)) term_progress_end();
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    flush();
}

bool output_json(JsonWriter *w, Err *err)
{
    const char *text = json_text(w);
    if (text) output_line("%s", text);
    json_write_free(w);
    return text || err_set(err, ERR_MEMORY, "there is no memory for the result's JSON text");
}

bool output_close(Err *err)
{
    flush();
    if (!lost) return true;
    if (lost == EPIPE) return err_set(err, ERR_IO, "%s", "");
    errno = lost;
    return err_set_errno(err, "the standard output cannot be written");
}

bool check_picture_name(const char *path, Err *err)
{
    static const char *const others[] = {".jpg",  ".jpeg", ".jpe",  ".gif", ".bmp",
                                         ".webp", ".tif",  ".tiff", ".npz", ".csv"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof others / sizeof *others; i++)
        if (strcasecmp(dot, others[i]) == 0)
            return err_set(err, ERR_USAGE,
                           "--out is %s, but the picture is written as PNG; give it a name that "
                           "ends in .png",
                           path);
    return true;
}

void format_flop(char *out, double flop)
{
    static const char *const units[] = {"", "k", "M", "G", "T", "P"};
    int unit = 0;
    while (flop >= 999.5 && unit < 5) {
        flop /= 1000;
        unit++;
    }
    snprintf(out, 24, "%.3g %sFLOP", flop, units[unit]);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median(double *values, int n)
{
    CHECK(n > 0);
    qsort(values, (size_t)n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}
