/* The help of the program as a whole. */
#ifndef DIFFC_CLI_MAIN_HELP_H
#define DIFFC_CLI_MAIN_HELP_H

#include <stdio.h>

void main_help(FILE *out);

/* Its lines about exit codes; meaning NULL after the last. */
typedef struct {
    int code;
    const char *meaning;
} ExitCode;
extern const ExitCode exit_codes[];

#endif
