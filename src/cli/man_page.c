#include "cli/man_page.h"

#include <ctype.h>
#include <diffc.h>
#include <string.h>

#include "base/mem.h"
#include "cli/commands.h"
#include "cli/main_help.h"

/* ---- roff ---- */

enum { LINE = 76 }; /* bytes of a line of the source */

/* What roff writes for a character that has a meaning of its own, or that it would draw as another. */
static const char *escape_of(char c)
{
    switch (c) {
    case '\\':
        return "\\e";
    case '-':
        return "\\-";
    case '\'':
        return "\\(aq";
    case '`':
        return "\\(ga";
    case '"':
        return "\\(dq";
    case '^':
        return "\\(ha";
    case '~':
        return "\\(ti";
    default:
        return NULL;
    }
}

/* Returns how many bytes that were. */
static int put_escaped(FILE *out, const char *text, size_t length)
{
    int bytes = 0;
    for (size_t i = 0; i < length; i++) {
        const char *escape = escape_of(text[i]);
        if (escape)
            bytes += fprintf(out, "%s", escape);
        else
            bytes += fputc(text[i], out) != EOF;
    }
    return bytes;
}

static size_t escaped_length(const char *text, size_t length)
{
    size_t bytes = 0;
    for (size_t i = 0; i < length; i++)
        bytes += escape_of(text[i]) ? strlen(escape_of(text[i])) : 1;
    return bytes;
}

/* Whether a sentence begins here. */
static bool begins_sentence(const char *text)
{
    return isupper((unsigned char)*text) || strncmp(text, "--", 2) == 0 || *text == '\'';
}

/* Words, filled into lines; sentences begin new ones, by which roff knows their ends. */
static void put_text(FILE *out, const char *text)
{
    size_t at = 0;
    text += strspn(text, " ");
    while (*text) {
        size_t length = strcspn(text, " ");
        const char *next = text + length + strspn(text + length, " ");
        if (at > 0 && at + 1 + escaped_length(text, length) > LINE) {
            fputc('\n', out);
            at = 0;
        }
        if (at > 0) fputc(' ', out);
        if (at == 0 && *text == '.') fputs("\\&", out);
        at += 1 + (size_t)put_escaped(out, text, length);
        bool stop = text[length - 1] == '.';
        bool ends = stop && *next && begins_sentence(next);
        if (stop && *next && !ends) fputs("\\&", out);
        if (ends) {
            fputc('\n', out);
            at = 0;
        }
        text = next;
    }
    if (at > 0) fputc('\n', out);
}

static void put_font(FILE *out, char font, const char *text)
{
    fprintf(out, "\\f%c", font);
    put_escaped(out, text, strlen(text));
    fputs("\\fR", out);
}

static void put_item(FILE *out, const char *name, const char *text)
{
    fputs(".TP\n", out);
    put_font(out, 'B', name);
    fputc('\n', out);
    put_text(out, text);
}

static void put_heading(FILE *out, const char *heading)
{
    fputs(".PP\n", out);
    put_font(out, 'B', heading);
    fputc('\n', out);
}

/* ---- the parts of a command ---- */

static void put_option(FILE *out, const Option *o)
{
    char name[80], text[OPTION_TEXT_BYTES];
    const char *value = option_metavar(o);
    fputs(".TP\n", out);
    if (o->letter) {
        snprintf(name, sizeof name, "-%c", o->letter);
        put_font(out, 'B', name);
        fputs(", ", out);
    }
    snprintf(name, sizeof name, "--%s", o->name);
    put_font(out, 'B', name);
    if (o->type == OPTION_SWITCH) {
        snprintf(name, sizeof name, "--no-%s", o->name);
        fputs(", ", out);
        put_font(out, 'B', name);
    }
    if (value) {
        fputc(' ', out);
        put_font(out, 'I', value);
    }
    if (o->repeatable) fputs(" ...", out);
    fputc('\n', out);
    option_text(o, text, sizeof text);
    put_text(out, text);
}

static void put_example(FILE *out, const char *line, size_t length)
{
    put_escaped(out, line, length);
    fputc('\n', out);
}

/* Joins the lines that continue an item's text, which stand further to the right than its name. */
static void join_lines(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (strncmp(from, "\n   ", 4) == 0) {
            from += strspn(from + 1, " ");
            *to++ = ' ';
            *to++ = ' ';
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

/* "train.lr": the key of a configuration. */
static bool is_key(const char *name, size_t length)
{
    return memchr(name, '.', length) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") >= length;
}

/* A list of the help: lines without indentation are headings, "  NAME  text" are items, and other indented lines
 * stand as they are. */
static void put_list(FILE *out, char *list)
{
    bool plain = false;
    join_lines(list);
    for (char *line = strtok(list, "\n"); line; line = strtok(NULL, "\n")) {
        size_t name = strcspn(line + strspn(line, " "), " ");
        char *text = line + 2 + name;
        bool item = strncmp(line, "  ", 2) == 0 &&
                    (strncmp(text, "  ", 2) == 0 || (*text && is_key(line + 2, name)));
        bool heading = line[0] != ' ';
        if (plain && (item || heading)) fputs(".EE\n", out);
        if (!plain && !item && !heading) fputs(".PP\n.EX\n", out);
        plain = !item && !heading;
        if (heading) {
            put_heading(out, line);
        } else if (item) {
            *text = '\0';
            put_item(out, line + 2, text + 1);
        } else {
            put_example(out, line + 2, strlen(line + 2));
        }
    }
    if (plain) fputs(".EE\n", out);
}

/* A memory stream that grows would lose what it has no memory for unsaid. */
static bool put_more_help(FILE *out, const Command *c, Err *err)
{
    enum { MOST_BYTES = 1 << 18 };
    if (!c->more_help) return true;
    char *list = mem_alloc(MOST_BYTES, 1);
    FILE *memory = list ? fmemopen(list, MOST_BYTES, "w") : NULL;
    bool ok = memory != NULL;
    if (ok) c->more_help(memory);
    if (ok) ok = fflush(memory) == 0 && !ferror(memory);
    if (memory) fclose(memory);
    if (ok) put_list(out, list);
    mem_free(list);
    return ok || err_set(err, ERR_MEMORY, "not enough memory for the man page");
}

static bool put_command(FILE *out, const Command *c, Err *err)
{
    char sentence[160];
    fputs(".SS ", out);
    put_escaped(out, c->name, strlen(c->name));
    fputs("\n\\fBdiffc ", out);
    put_escaped(out, c->name, strlen(c->name));
    fputs("\\fR ", out);
    put_escaped(out, c->words, strlen(c->words));
    fprintf(out, "%s[options]\n.PP\n", *c->words ? " " : "");
    snprintf(sentence, sizeof sentence, "%s.", c->summary);
    put_text(out, sentence);
    const char *group = "";
    for (const Option *o = c->options; o->name; o++) {
        char heading[80];
        snprintf(heading, sizeof heading, "%s:", o->group);
        if (strcmp(group, o->group) != 0) put_heading(out, heading);
        group = o->group;
        put_option(out, o);
    }
    put_option(out, &option_help);
    if (c->notes) {
        fputs(".PP\n", out);
        put_text(out, c->notes);
    }
    if (!put_more_help(out, c, err)) return false;
    put_heading(out, "Examples:");
    fputs(".PP\n.EX\n", out);
    for (int i = 0; i < 2; i++) put_example(out, c->examples[i], strlen(c->examples[i]));
    fputs(".EE\n", out);
    return true;
}

/* ---- the page ---- */

static const char *const environment[][2] = {
    {"DIFFC_CPU",
     "The instruction set that is used: plain, avx2 or avx512; or blas, products by a BLAS."},
    {"OMP_NUM_THREADS", "The number of threads where --threads is not given."},
    {"NO_COLOR", "Where it is not empty, --show draws letters instead of colours."},
    {"TERM, TERM_PROGRAM, LC_TERMINAL, KITTY_WINDOW_ID",
     "By which --show knows what the terminal can draw."},
};

static void put_start(FILE *out)
{
    fputs(".\\\" Written by 'diffc help --man'.\n.TH DIFFC 1 \"" DIFFC_DATE
          "\" \"diffc " DIFFC_VERSION "\" \"User Commands\"\n.SH NAME\n"
          "diffc \\- trains, samples and scores small diffusion models on a CPU\n"
          ".SH SYNOPSIS\n\\fBdiffc\\fR \\fICOMMAND\\fR [options]\n.br\n"
          "\\fBdiffc\\fR \\fB\\-\\-help\\fR | \\fB\\-\\-version\\fR\n.SH DESCRIPTION\n",
          out);
    put_text(out, "diffc trains small diffusion models on images or on points of the plane, draws "
                  "from them, and scores images by them. A trained model is a folder in the layout "
                  "of the Python library diffusers. Results go to the standard output, everything "
                  "else to the standard error; --json makes the output one JSON object a line. The "
                  "same seed gives the same image, whatever the batch and the number of threads.");
}

bool man_page_write(FILE *out, Err *err)
{
    put_start(out);
    fputs(".SH COMMANDS\n", out);
    for (int i = 0; commands[i]; i++)
        if (!put_command(out, commands[i], err)) return false;
    fputs(".SH EXIT STATUS\n", out);
    for (const ExitCode *e = exit_codes; e->meaning; e++) {
        char code[16];
        snprintf(code, sizeof code, "%d", e->code);
        put_item(out, code, e->meaning);
    }
    fputs(".SH ENVIRONMENT\n", out);
    for (size_t i = 0; i < sizeof environment / sizeof *environment; i++)
        put_item(out, environment[i][0], environment[i][1]);
    fputs(".SH FILES\n", out);
    put_item(out, "runs/NAME",
             "The folder of a run: its configuration, log, model, checkpoints and "
             "sample pictures.");
    return true;
}
