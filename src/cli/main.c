/* diffc: finds the command, reads its options, runs it, says what went wrong, and turns the kind of
 * error into the exit code. */
#include <diffc.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/choice.h"
#include "base/clock.h"
#include "base/fsio.h"
#include "base/openmp.h"
#include "base/term.h"
#include "base/text.h"
#include "base/world.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/main_help.h"
#include "math/thread_gain.h"
#include "math/vec.h"

extern char **environ;

#ifdef __clang__
#define COMPILER "clang", __clang_major__, __clang_minor__, __clang_patchlevel__
#else
#define COMPILER "gcc", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__
#endif

static void print_version(void)
{
    char threads[400];
    printf("diffc %s\n", DIFFC_VERSION);
    printf("level: %s\n", vec_describe());
    printf("compiler: %s %d.%d.%d\n", COMPILER);
    thread_gain_decide();
    describe_threads(threads, sizeof threads);
    printf("threads: %s\n", threads);
    int cpus, cores = parallel_cores(&cpus);
    if (cores < cpus)
        printf("CPUs: %d, threads of %d core%s\n", cpus, cores, cores == 1 ? "" : "s");
}

static int fail(const char *command, const Err *err)
{
    term_progress_end();
    const char *space = command ? " " : "";
    char name[WORLD_NAME_BYTES + 2] = "";
    if (!world_should_say(err->text)) return err_exit_code(err->kind);
    if (world_rank() > 0) {
        world_name(world_rank(), name);
        strcat(name, ": ");
    }
    fprintf(stderr, "diffc%s%s: %s%s\n", space, command ? command : "", name, err->text);
    if (err->kind == ERR_USAGE)
        fprintf(stderr, "Try 'diffc%s%s --help'.\n", space, command ? command : "");
    return err_exit_code(err->kind);
}

static int unknown_command(const char *word)
{
    Err err;
    char shown[128], hint[80];
    text_escape(shown, sizeof shown, word);
    choice_hint(command_word, NULL, "", word, hint, sizeof hint);
    err_set(&err, ERR_USAGE, "unknown command '%s'%s", shown, hint);
    return fail(NULL, &err);
}

static int run_command(const Command *command, int argc, char **argv)
{
    Err err = {0};
    Arguments arguments;
    if (!options_parse(command, argc, argv, &arguments, &err)) return fail(command->name, &err);
    bool ok = true;
    if (arguments.help)
        options_help(command, stdout);
    else
        ok = share_level(&err) && command->run(&arguments, &err);
    arguments_free(&arguments);
    term_progress_end();
    return ok ? 0 : fail(command->name, &err);
}

/* A command whose work is not shared is process 0's alone. */
static bool is_for_others(const char *word)
{
    const Command *command = word ? command_find(word) : NULL;
    if (command && command->shared) return false;
    if (world_rank() > 0) return true;
    world_go_alone();
    return false;
}

/* extra: what stands behind the last word that is understood. */
static int too_many_words(const char *last, const char *extra)
{
    Err err = {0};
    char shown[80];
    text_escape(shown, sizeof shown, extra);
    err_set(&err, ERR_USAGE, "unexpected '%s' after %s", shown, last);
    return fail(NULL, &err);
}

static int dispatch(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    if (is_for_others(word)) return 0;
    if (!word) {
        main_help(stderr);
        return err_exit_code(ERR_USAGE);
    }
    bool help = strcmp(word, "help") == 0, version = strcmp(word, "--version") == 0;
    bool option = version || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
    if (option && argc > 2) return too_many_words(word, argv[2]);
    if (version) {
        print_version();
        return 0;
    }
    if (option || (help && argc == 2)) {
        main_help(stdout);
        return 0;
    }
    bool of_command = help && argv[2][0] != '-';
    if (of_command) word = argv[2];
    const Command *command = command_find(word);
    if (!command) return unknown_command(word);
    if (of_command && argc > 3) return too_many_words(word, argv[3]);
    if (!of_command) return run_command(command, argc - 2, argv + 2);
    options_help(command, stdout);
    return 0;
}

/* Were stdout closed, the next opened file would take its number and receive the results. The place
 * is held by something that cannot be written, so that results are lost loudly. */
static void hold_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) open("/dev/null", O_RDONLY);
    }
}

enum { MOST_VARIABLES = 4096 };

static bool has_variable(char **environment, const char *name)
{
    size_t length = strlen(name);
    for (; *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=') return true;
    return false;
}

/* Waiting threads should spin for microseconds, not milliseconds: next to other busy processes a
 * spinning thread keeps the core from the one it waits for. OpenMP reads how long once, when it is
 * loaded, so the program starts again with the setting; what the user has set wins. On two CPUs that
 * twelve processes shared, bench-tiny made 54 images/s one at a time and trained 34 with it, 25 and 26
 * without; on an idle machine it costs nothing measurable.
 *   Started by its own path: as "/proc/self/exe" it would be called "exe" by ps and top. */
static void start_with_short_spin(int argc, char **argv, char **environment)
{
    static char *settings[MOST_VARIABLES + 2];
    static char spin[] = "GOMP_SPINCOUNT=2000";
    char path[PATH_BYTES];
    int count = 0;
    (void)argc;
    if (has_variable(environment, "GOMP_SPINCOUNT") || has_variable(environment, "OMP_WAIT_POLICY"))
        return;
    for (; environment[count]; count++) {
        if (count == MOST_VARIABLES) return;
        settings[count] = environment[count];
    }
    settings[count] = spin;
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0) return;
    path[length] = '\0';
    execve(path, argv, settings);
    /* Where that cannot be, the program runs on as it is. */
}

/* The loader of glibc calls this before it initialises the shared libraries. Elsewhere main does, when
 * OpenMP may have bound this thread to one CPU (OMP_PROC_BIND), which would then be all there are. */
#if defined(__GLIBC__) && !defined(DIFFC_SANITIZED)
typedef void Start(int argc, char **argv, char **environment);
__attribute__((section(".preinit_array"), used)) static Start *const start = start_with_short_spin;
#endif

/* Results are those of the first process. */
static void hush_others(void)
{
    if (world_rank() == 0) return;
    int nothing = open("/dev/null", O_WRONLY);
    if (nothing >= 0) {
        dup2(nothing, STDOUT_FILENO);
        close(nothing);
    }
    term_set_quiet(true);
}

static int run(int argc, char **argv)
{
    Err err = {0};
    if (!world_begin(&err)) return fail(NULL, &err);
    hush_others();
    if (!vec_init(&err)) return fail(NULL, &err);
    int code = dispatch(argc, argv);
    if (output_close(&err) || code != 0) return code;
    /* A reader that closed the pipe (head, less) has seen enough: no message. */
    return err.text[0] ? fail(NULL, &err) : err_exit_code(err.kind);
}

int main(int argc, char **argv)
{
    if (omp_get_proc_bind() == omp_proc_bind_false) start_with_short_spin(argc, argv, environ);
    clock_begin();
    program_name(argv[0]);
    hold_standard_files();
    interrupt_catch();
    int code = run(argc, argv);
    world_end(code);
    return code;
}
