/* How a failure is described: one kind, which decides the exit code, and one complete sentence
 * that says what, where, which value, and what would be right. Nothing below src/cli prints. */
#ifndef DIFFC_ERR_H
#define DIFFC_ERR_H

#include <stdbool.h>

typedef enum {
    ERR_NONE,
    ERR_IO,          /* a file or folder cannot be read or written; exit 1 */
    ERR_FORMAT,      /* a file is not what it should be; exit 1 */
    ERR_MEMORY,      /* not enough memory; exit 1 */
    ERR_USAGE,       /* command line or configuration; exit 2 */
    ERR_DIVERGED,    /* a loss, gradient or sample is not finite; exit 3 */
    ERR_LIMIT,       /* a computation did not reach its goal within its limits; exit 1 */
    ERR_INTERRUPTED, /* SIGINT or SIGTERM, after saving; exit 130 */
} ErrKind;

typedef struct {
    ErrKind kind;
    char text[1024];
} Err;

/* Fills *err (which may be NULL) and returns false, so that reporting and returning are one line.
 * A text that does not fit is cut. */
bool err_set(Err *err, ErrKind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, and appends ": " and the words for errno. */
bool err_set_errno(Err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The program's exit code for a kind of error. */
int err_exit_code(ErrKind kind);

/* For programmer errors: always compiled in, prints condition, file and line, and aborts. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) err_check_failed(#condition, __FILE__, __LINE__);                        \
    } while (0)
_Noreturn void err_check_failed(const char *condition, const char *file, int line);

#endif
