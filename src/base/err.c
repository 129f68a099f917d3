#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool err_set(Err *err, ErrKind kind, const char *format, ...)
{
    if (!err) return false;
    /* Formatted aside first: an argument may point into err->text. */
    char text[sizeof err->text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(err->text, text, sizeof text);
    err->kind = kind;
    return false;
}

bool err_set_errno(Err *err, const char *format, ...)
{
    int code = errno;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char reason[128] = "";
    if (strerror_r(code, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", code);
    return err_set(err, code == ENOMEM ? ERR_MEMORY : ERR_IO, "%s: %s", text, reason);
}

int err_exit_code(ErrKind kind)
{
    switch (kind) {
    case ERR_NONE:
        return 0;
    case ERR_IO:
    case ERR_FORMAT:
    case ERR_MEMORY:
    case ERR_LIMIT:
        return 1;
    case ERR_USAGE:
        return 2;
    case ERR_DIVERGED:
        return 3;
    case ERR_INTERRUPTED:
        return 130;
    }
    return 1;
}

void err_check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "diffc: internal error: %s is false at %s:%d\n", condition, file, line);
    abort();
}
