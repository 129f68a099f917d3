/* The table of commands. */
#ifndef DIFFC_CLI_COMMANDS_H
#define DIFFC_CLI_COMMANDS_H

#include "cli/options.h"

/* In the order of the help; ended by NULL. */
extern const Command *const commands[];

/* ChoiceWord: the names of the commands, and what else may stand in their place. */
const char *command_word(const void *context, int index);
/* NULL: there is none of that name. */
const Command *command_find(const char *name);

#endif
