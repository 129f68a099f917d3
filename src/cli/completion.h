/* Completions of the command line for shells, written from the tables of options: names of options, words of choices,
 * keys of --set, files and folders. */
#ifndef DIFFC_CLI_COMPLETION_H
#define DIFFC_CLI_COMPLETION_H

#include <stdio.h>

/* The shells, in the order of shell_words. */
typedef enum { SHELL_BASH, SHELL_ZSH } Shell;
extern const char *const shell_words[];

/* Bash from 3.2 on, to be sourced; zsh as the file _diffc of a folder in fpath. */
void completion_write(Shell shell, FILE *out);

#endif
