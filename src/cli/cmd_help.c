/* diffc help: the help of a command, and what a shell and man take. 'diffc help' alone is main's. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/man_page.h"

enum { MAN, COMPLETION, ROWS };

static const Option options[ROWS + 1] = {
    [MAN] = OPTION("man", FLAG, "Instead", .help = "the man page diffc.1"),
    [COMPLETION] = OPTION("completion", CHOICE, "Instead", .metavar = "SHELL", .words = shell_words,
                          .help = "a script by which a shell completes commands, options, words "
                                  "and keys"),
};

static bool run_help(const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    int given = a->word_count + v[MAN].given + v[COMPLETION].given;
    if (given != 1)
        return err_set(err, ERR_USAGE, "%s; give one of COMMAND, --man and --completion bash|zsh",
                       given == 0 ? "nothing is asked for" : "more than one thing is asked for");
    if (v[MAN].given) return man_page_write(stdout, err);
    if (v[COMPLETION].given) {
        completion_write((Shell)v[COMPLETION].integer, stdout);
        return true;
    }
    const Command *command = command_find(a->words[0]);
    if (!command)
        return err_set(err, ERR_USAGE, "there is no such command; 'diffc help' lists them");
    options_help(command, stdout);
    return true;
}

const Command command_help = {
    .name = "help",
    .summary = "'diffc help COMMAND' is 'diffc COMMAND --help'",
    .words = "[COMMAND]",
    .words_max = 1,
    .examples = {"diffc help --man >diffc.1", "diffc help --completion bash >diffc.bash"},
    .options = options,
    .notes = "make install puts the man page and the completions where man, bash and zsh look for "
             "them. Without it, in bash: source <(diffc help --completion bash); in zsh, after "
             "compinit: source <(diffc help --completion zsh).",
    .run = run_help,
};
