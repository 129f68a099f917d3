#include "cli/commands.h"

#include <stddef.h>

#include "cli/cli.h"

const Command *const commands[] = {
    &command_train,   &command_sample, &command_nll,  &command_denoise,
    &command_restore, &command_eval,   &command_info, &command_report,
    &command_bench,   &command_help,   NULL};
enum { COMMANDS = sizeof commands / sizeof commands[0] - 1 };

const char *command_word(const void *context, int index)
{
    static const char *const others[] = {"--help", "--version", NULL};
    (void)context;
    return index < COMMANDS ? commands[index]->name : others[index - COMMANDS];
}

const Command *command_find(const char *name)
{
    int i = choice_find(command_word, NULL, name);
    return i >= 0 && i < COMMANDS ? commands[i] : NULL;
}
