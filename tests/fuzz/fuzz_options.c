/* Any words as a command line: the first byte chooses the command, a line is a word. What is accepted
 * lies in the option's range. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(const Command *command, const Arguments *a)
{
    for (int i = 0; command->options[i].name; i++) {
        const Option *o = &command->options[i];
        const OptionValue *v = &a->values[i];
        if (!v->given) continue;
        if (o->type == OPTION_INT &&
            !((double)v->integer >= o->low && (double)v->integer <= o->high))
            __builtin_trap();
        if (o->type == OPTION_REAL && !(v->real >= o->low && v->real <= o->high)) __builtin_trap();
        if (o->type == OPTION_TEXT && !(v->text && v->text[0])) __builtin_trap();
        if (o->type == OPTION_CHOICE && strcmp(option_word(o, (int)v->integer), v->text) != 0)
            __builtin_trap();
    }
    if (!a->help && (a->word_count < command->words_min || a->word_count > command->words_max))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX_WORDS = 64 };
    static const Command *const commands[] = {
        &command_train, &command_sample, &command_nll,  &command_denoise, &command_info,
        &command_bench, &command_eval,   &command_help, &command_report,  &command_restore};
    if (size < 1) return 0;
    const Command *command = commands[data[0] % (sizeof commands / sizeof *commands)];
    char *text = malloc(size), *words[MAX_WORDS];
    int count = 0;
    if (!text) return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    for (char *at = text; at && count < MAX_WORDS; count++) {
        words[count] = at;
        at = strchr(at, '\n');
        if (at) *at++ = '\0';
    }
    Arguments a;
    Err err = {0};
    if (options_parse(command, count, words, &a, &err)) {
        check_values(command, &a);
        arguments_free(&a);
    } else if (err.text[0] == '\0' || err.kind != ERR_USAGE) {
        __builtin_trap();
    }
    free(text);
    return 0;
}
