#include "cli/completion.h"

#include <stdbool.h>
#include <string.h>

#include "cli/commands.h"
#include "io/config_fields.h"

const char *const shell_words[] = {[SHELL_BASH] = "bash", [SHELL_ZSH] = "zsh", NULL};

/* ---- what may stand in a place ---- */

typedef enum { PLACE_NOTHING, PLACE_FILES, PLACE_FOLDERS, PLACE_KEYS, PLACE_COMMANDS } Place;

/* By the word that stands for a value in the help, or how it begins. */
static Place place_of(const char *metavar)
{
    static const struct {
        const char *begins;
        Place place;
    } rows[] = {{"FILE", PLACE_FILES},     {"PATH", PLACE_FILES},   {"RUN", PLACE_FILES},
                {"MODEL", PLACE_FILES},    {"IMAGE", PLACE_FILES},  {"MASK", PLACE_FILES},
                {"NOISY", PLACE_FILES},    {"CONFIG", PLACE_FILES}, {"DIR", PLACE_FOLDERS},
                {"FOLDER", PLACE_FOLDERS}, {"KEY=", PLACE_KEYS},    {"COMMAND", PLACE_COMMANDS}};
    for (size_t i = 0; metavar && i < sizeof rows / sizeof *rows; i++)
        if (strncmp(metavar, rows[i].begins, strlen(rows[i].begins)) == 0) return rows[i].place;
    return PLACE_NOTHING;
}

static Place place_of_words(const Command *c)
{
    return place_of(c->words + strspn(c->words, "["));
}

static bool takes_value(const Option *o)
{
    return o->type != OPTION_FLAG && o->type != OPTION_SWITCH;
}

/* ---- bash ---- */

/* "--out -o", as patterns of `case` with '|' between. */
static void bash_names(FILE *out, const Option *o, const char *between)
{
    fprintf(out, "--%s", o->name);
    if (o->type == OPTION_SWITCH) fprintf(out, "%s--no-%s", between, o->name);
    if (o->letter) fprintf(out, "%s-%c", between, o->letter);
}

static void bash_option(FILE *out, const Option *o)
{
    static const char *const places[] = {[PLACE_NOTHING] = "nothing",
                                         [PLACE_FILES] = "files",
                                         [PLACE_FOLDERS] = "folders",
                                         [PLACE_KEYS] = "keys",
                                         [PLACE_COMMANDS] = "commands"};
    fputs("        ", out);
    bash_names(out, o, "|");
    if (o->type != OPTION_CHOICE) {
        fprintf(out, ") place=%s ;;\n", places[place_of(option_metavar(o))]);
        return;
    }
    fputs(") place=words words='", out);
    for (int i = 0; option_word(o, i); i++) fprintf(out, "%s%s", i ? " " : "", option_word(o, i));
    fputs("' ;;\n", out);
}

static void bash_command(FILE *out, const Command *c)
{
    static const char *const places[] = {[PLACE_NOTHING] = "nothing",
                                         [PLACE_FILES] = "files",
                                         [PLACE_FOLDERS] = "files",
                                         [PLACE_KEYS] = "nothing",
                                         [PLACE_COMMANDS] = "commands"};
    fprintf(out, "    %s)\n        argument=%s\n        options='", c->name,
            places[place_of_words(c)]);
    for (const Option *o = c->options; o->name; o++) {
        bash_names(out, o, " ");
        fputc(' ', out);
    }
    bash_names(out, &option_help, " ");
    fputs("'\n        case $before in\n", out);
    for (const Option *o = c->options; o->name; o++)
        if (takes_value(o)) bash_option(out, o);
    fputs("        esac ;;\n", out);
}

/* KEY) words='...' of every key that has words. */
static void bash_keys(FILE *out)
{
    fputs("_diffc_keys='", out);
    for (const Field *f = config_fields; f->key; f++)
        fprintf(out, "%s%s.%s", f == config_fields ? "" : " ", f->section, f->key);
    fputs("'\n_diffc_key_words() {\n    case $1 in\n", out);
    for (const Field *f = config_fields; f->key; f++) {
        if (f->type != FIELD_BOOL && f->type != FIELD_CHOICE) continue;
        fprintf(out, "    %s.%s) echo '", f->section, f->key);
        for (int i = 0; f->type == FIELD_CHOICE && config_word(f, i); i++)
            fprintf(out, "%s%s", i ? " " : "", config_word(f, i));
        fprintf(out, "%s' ;;\n", f->type == FIELD_BOOL ? "true false" : "");
    }
    fputs("    esac\n}\n", out);
}

static void bash_command_names(FILE *out)
{
    fputs("_diffc_commands='", out);
    for (int i = 0; commands[i]; i++) fprintf(out, "%s%s", i ? " " : "", commands[i]->name);
    fputs("'\n", out);
}

/* Bash cuts words at '=', so --name=value arrives as three words and --set a.b=c as four. */
static const char bash_start[] =
    "_diffc() {\n"
    "    local place= words= argument=nothing options= before= key= cur=${COMP_WORDS[COMP_CWORD]}\n"
    "    local i=$((COMP_CWORD - 1)) IFS=$' \\t\\n'\n"
    "    COMPREPLY=()\n"
    "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
    "        COMPREPLY=($(compgen -W \"$_diffc_commands --help --version\" -- \"$cur\"))\n"
    "        return\n"
    "    fi\n"
    "    if [ \"$cur\" = = ]; then cur= i=$((i + 1)); fi\n"
    "    before=${COMP_WORDS[i]}\n"
    "    if [ \"$before\" = = ]; then\n"
    "        before=${COMP_WORDS[i - 1]}\n"
    "        case $before in -*) ;; *) key=$before before=--set ;; esac\n"
    "    fi\n"
    "    case ${COMP_WORDS[1]} in\n";
static const char bash_end[] =
    "    *) return ;;\n"
    "    esac\n"
    "    if [ -z \"$place\" ]; then\n"
    "        case $cur in\n"
    "        -*) place=words words=$options ;;\n"
    "        *) place=$argument ;;\n"
    "        esac\n"
    "    fi\n"
    "    if [ \"$place\" = keys ] && [ -n \"$key\" ]; then place=words words=$(_diffc_key_words "
    "\"$key\"); fi\n"
    "    case $place in\n"
    "    words) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
    "    commands) COMPREPLY=($(compgen -W \"$_diffc_commands\" -- \"$cur\")) ;;\n"
    "    keys)\n"
    "        COMPREPLY=($(compgen -S = -W \"$_diffc_keys\" -- \"$cur\"))\n"
    "        compopt -o nospace 2>/dev/null ;;\n"
    "    folders | files)\n"
    "        IFS=$'\\n'\n"
    "        if [ \"$place\" = files ]; then set -- -f; else set -- -d; fi\n"
    "        COMPREPLY=($(compgen \"$1\" -- \"$cur\"))\n"
    "        compopt -o filenames 2>/dev/null ;;\n"
    "    esac\n"
    "    return 0\n"
    "}\n"
    "complete -F _diffc diffc\n";

static void write_bash(FILE *out)
{
    fputs("# Completion of diffc for bash, written by 'diffc help --completion bash'.\n", out);
    bash_command_names(out);
    bash_keys(out);
    fputs(bash_start, out);
    for (int i = 0; commands[i]; i++) bash_command(out, commands[i]);
    fputs(bash_end, out);
}

/* ---- zsh ---- */

/* Text of a description, within single quotes and brackets. */
static void zsh_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else if (strchr("[]:\\", *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

/* ":FILE:_files", what completes a value. */
static void zsh_value(FILE *out, const Option *o)
{
    static const char *const places[] = {[PLACE_NOTHING] = " ",
                                         [PLACE_FILES] = "_files",
                                         [PLACE_FOLDERS] = "_files -/",
                                         [PLACE_KEYS] = "_diffc_keys",
                                         [PLACE_COMMANDS] = "_diffc_commands"};
    fputc(':', out);
    zsh_text(out, option_metavar(o));
    fputc(':', out);
    if (o->type != OPTION_CHOICE) {
        fputs(places[place_of(option_metavar(o))], out);
        return;
    }
    fputc('(', out);
    for (int i = 0; option_word(o, i); i++) fprintf(out, "%s%s", i ? " " : "", option_word(o, i));
    fputc(')', out);
}

/* A specification of _arguments. */
static void zsh_option(FILE *out, const Option *o)
{
    const char *ends = takes_value(o) ? "=" : "", *end = takes_value(o) ? "+" : "";
    fputs(" \\\n            ", out);
    if (o->type == OPTION_SWITCH)
        fprintf(out, "'(--%s --no-%s)'{--%s,--no-%s}'", o->name, o->name, o->name, o->name);
    else if (o->letter)
        fprintf(out, "'(-%c --%s)'{-%c%s,--%s%s}'", o->letter, o->name, o->letter, end, o->name,
                ends);
    else
        fprintf(out, "'%s--%s%s", o->repeatable ? "*" : "", o->name, ends);
    fputc('[', out);
    zsh_text(out, o->help);
    fputc(']', out);
    if (takes_value(o)) zsh_value(out, o);
    fputc('\'', out);
}

/* "1:IMAGE:_files"; "[PATH]", which may be left out, is "1::PATH:_files". */
static void zsh_words(FILE *out, const Command *c, const char *completer)
{
    bool optional = c->words[0] == '[';
    char name[64];
    snprintf(name, sizeof name, "%s", c->words + optional);
    if (optional) name[strcspn(name, "]")] = '\0';
    fprintf(out, " \\\n            '%s:", c->words_max > 1 ? "*" : optional ? "1:" : "1");
    zsh_text(out, name);
    fprintf(out, ":%s'", completer);
}

static void zsh_command(FILE *out, const Command *c)
{
    static const char *const places[] = {[PLACE_NOTHING] = NULL,
                                         [PLACE_FILES] = "_files",
                                         [PLACE_FOLDERS] = "_files",
                                         [PLACE_KEYS] = NULL,
                                         [PLACE_COMMANDS] = "_diffc_commands"};
    const char *words = places[place_of_words(c)];
    fprintf(out, "    %s)\n        _arguments", c->name);
    for (const Option *o = c->options; o->name; o++) zsh_option(out, o);
    zsh_option(out, &option_help);
    if (words) zsh_words(out, c, words);
    fputs(" ;;\n", out);
}

static void zsh_command_names(FILE *out)
{
    fputs("_diffc_commands() {\n    local -a commands=(", out);
    for (int i = 0; commands[i]; i++) {
        fprintf(out, "\n        '%s:", commands[i]->name);
        zsh_text(out, commands[i]->summary);
        fputc('\'', out);
    }
    fputs(")\n    _describe -t commands command commands\n}\n", out);
}

static void zsh_keys(FILE *out)
{
    fputs("_diffc_keys() {\n"
          "    if ! compset -P '*='; then\n"
          "        compadd -S = --",
          out);
    for (const Field *f = config_fields; f->key; f++) fprintf(out, " %s.%s", f->section, f->key);
    fputs("\n        return\n    fi\n    case ${${IPREFIX%=}##*=} in\n", out);
    for (const Field *f = config_fields; f->key; f++) {
        if (f->type != FIELD_BOOL && f->type != FIELD_CHOICE) continue;
        fprintf(out, "    %s.%s) compadd --", f->section, f->key);
        for (int i = 0; f->type == FIELD_CHOICE && config_word(f, i); i++)
            fprintf(out, " %s", config_word(f, i));
        fprintf(out, "%s ;;\n", f->type == FIELD_BOOL ? " true false" : "");
    }
    fputs("    esac\n}\n", out);
}

static void write_zsh(FILE *out)
{
    fputs("#compdef diffc\n"
          "# Completion of diffc for zsh, written by 'diffc help --completion zsh'.\n",
          out);
    zsh_command_names(out);
    zsh_keys(out);
    fputs("_diffc() {\n"
          "    local curcontext=$curcontext context state state_descr line\n"
          "    typeset -A opt_args\n"
          "    _arguments -C '(- *)'{-h,--help}'[how the program is used]' '(- *)--version[the "
          "version]' \\\n"
          "        '1:command:_diffc_commands' '*::argument:->arguments'\n"
          "    [[ $state = arguments ]] || return\n"
          "    curcontext=${curcontext%:*}-$words[1]:\n"
          "    case $words[1] in\n",
          out);
    for (int i = 0; commands[i]; i++) zsh_command(out, commands[i]);
    fputs("    esac\n}\n"
          "if [[ $funcstack[1] = _diffc ]]; then _diffc \"$@\"; else compdef _diffc diffc; fi\n",
          out);
}

void completion_write(Shell shell, FILE *out)
{
    if (shell == SHELL_BASH)
        write_bash(out);
    else
        write_zsh(out);
}
