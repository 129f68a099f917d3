/* The help of a command, from its table. */
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "diffusion/protocol.h"

enum { HELP_WIDTH = 80, HELP_COLUMN = 26 };

const Option option_help = {.name = "help", .letter = 'h', .help = "this text"};

void help_wrap(FILE *out, int at, int column, const char *text)
{
    if (at > 0 && at >= column) {
        fputc('\n', out);
        at = 0;
    }
    bool first = true;
    while (*text) {
        int word = (int)strcspn(text, " ");
        if (!first && at + 1 + word > HELP_WIDTH) {
            fputc('\n', out);
            at = 0;
            first = true;
        }
        int spaces = first ? (column > at ? column - at : 0) : 1;
        fprintf(out, "%*s%.*s", spaces, "", word, text);
        at += spaces + word;
        first = false;
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

/* "(1 to 4096; default 16)" or nothing. */
static void describe_limits(const Option *o, char *out, size_t size)
{
    char range[300] = "", standard[160] = "";
    if (o->type == OPTION_INT || o->type == OPTION_REAL) option_range(o, range);
    if (o->type == OPTION_CHOICE) choice_list(option_word, o, ", ", "", range, sizeof range);
    if (o->fallback || o->otherwise) {
        snprintf(standard, sizeof standard, "default: %s",
                 o->fallback ? o->fallback : o->otherwise);
    }
    const char *join = range[0] && standard[0] ? "; " : "";
    if (range[0] || standard[0])
        snprintf(out, size, " (%s%s%s)", range, join, standard);
    else
        out[0] = '\0';
}

void option_text(const Option *o, char *out, size_t size)
{
    char limits[480], readers[128] = "";
    describe_limits(o, limits, sizeof limits);
    if (o->reads) protocol_readers(o->reads, ", ", readers, sizeof readers);
    snprintf(out, size, "%s%s%s%s", readers, o->reads ? ": " : "", o->help, limits);
}

static void help_option(FILE *out, const Option *o)
{
    char left[80], text[OPTION_TEXT_BYTES];
    char letter[8] = "    ";
    if (o->letter) snprintf(letter, sizeof letter, "-%c, ", o->letter);
    const char *value = option_metavar(o);
    int at = snprintf(left, sizeof left, "  %s--%s%s%s%s", letter, o->name, value ? " " : "",
                      value ? value : "", o->repeatable ? " ..." : "");
    if (o->type == OPTION_SWITCH)
        at = snprintf(left, sizeof left, "  %s--%s, --no-%s", letter, o->name, o->name);
    option_text(o, text, sizeof text);
    fputs(left, out);
    help_wrap(out, at, HELP_COLUMN, text);
}

void options_help(const Command *command, FILE *out)
{
    fprintf(out, "usage: diffc %s%s%s [options]\n\n", command->name, *command->words ? " " : "",
            command->words);
    fprintf(out, "%s.\n\n", command->summary);
    for (int i = 0; i < 2; i++) fprintf(out, "  %s\n", command->examples[i]);
    const char *group = "";
    for (const Option *o = command->options; o->name; o++) {
        if (strcmp(group, o->group) != 0) fprintf(out, "\n%s:\n", o->group);
        group = o->group;
        help_option(out, o);
    }
    help_option(out, &option_help);
    if (command->notes) {
        fputc('\n', out);
        help_wrap(out, 0, 0, command->notes);
    }
    if (command->more_help) command->more_help(out);
}
