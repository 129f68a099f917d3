/* Every command under every fault: makes the n-th file call or the n-th allocation of real commands
 * fail, fall short, be interrupted, be the last before a kill -9 or a power cut (faults.c), for each n,
 * and checks what is left.
 *
 * usage: sweep [--runs N] [--seed N] [--jobs N] DIFFC LIBRARY [FILTER]
 *   --runs N  at most N faults of each kind a command, drawn with --seed; 0, the default: all
 *   FILTER    only commands or kinds of faults whose name, "train/kill", holds it
 *
 * What must hold after each fault:
 *   no crash, no hang, no word of a sanitizer; exit 0 with everything complete and equal to an
 *   undisturbed run, or exit 1 with one sentence that gives the reason;
 *   each file of the user is the old one or the new one, whole;
 *   a training goes on from the last checkpoint that it announced, or a newer one, to the same weights.
 *
 * Of more than two neighbouring writes to a file those between are the same case: of them each 40th is tried. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "judge.h"
#include "scenarios.h"

static const Fault faults[] = {
    {"fail", "file", NULL, FAILS, false},
    {"fail-on", "file", NULL, FAILS, true},
    {"kill", "file", "kill", DIES, false},
    {"lose-bytes", "file", "bytes", DIES, false},
    {"lose-names", "file", "names", DIES, false},
    {"lose-all", "file", "all", DIES, false},
    {"short-write", "write", "short", HARMLESS, false},
    {"interrupted-write", "write", "4", HARMLESS, false},
    {"planted-link", "open", "plant", PLANTED, false},
    {"unreadable", "read", "5", FAILS, false},
    {"short-read", "read", "short", HARMLESS, false},
    {"memory", "memory", "12", STARVES, false},
    {"memory-on", "memory", "12", STARVES, true},
};
enum { SCENARIOS = sizeof scenarios / sizeof *scenarios, FAULTS = sizeof faults / sizeof *faults };
enum { MOST_CALLS = 200000, CALL_BYTES = 40, THIN = 40 };

static const int errors[] = {ENOSPC, EIO, EDQUOT, EROFS};

typedef struct {
    long runs[FAULTS], crashes, wrong, lost;
} Figures;

static struct {
    const char *library, *filter;
    long most, jobs;
    unsigned long seed;
    char base[SANDBOX_PATH];
    Undisturbed good;
    char (*calls)[CALL_BYTES]; /* of the undisturbed run, from 1 */
    Figures *figures;
} sweep;

/* Of a command that nothing disturbs. */
static Outcome run_well(const Spawn *spawn, const char *folder, const char *words)
{
    Outcome o = sandbox_run(spawn, folder, words);
    if (o.code == 0) return o;
    printf("%sexit %d of: diffc %s\n", o.err, o.code, words);
    exit(1);
}

/* ---- the sweep ---- */

static void try_fault(const Scenario *s, int fault, long n)
{
    static Trial t;
    char text[64], where[32];
    const Fault *f = &faults[fault];
    t = (Trial){.s = s, .f = f, .n = n, .error = errors[n % 4]};
    if (f->action && f->effect == FAILS) t.error = atoi(f->action);
    snprintf(where, sizeof where, "%ld", (long)getpid());
    sandbox_join(t.folder, sweep.base, where);
    snprintf(t.kept, sizeof t.kept, "%.500s.kept", t.folder);
    snprintf(t.victim, sizeof t.victim, "%.500s.victim", t.folder);
    sandbox_copy(sweep.good.before, t.folder);
    sandbox_remove(t.kept);
    if (mkdir(t.kept, 0777) != 0) sandbox_stop("make", t.kept);
    sandbox_write("", t.victim, "victim", 6);
    if (f->action)
        snprintf(text, sizeof text, "%s:%ld%s:%s", f->what, n, f->onward ? "+" : "", f->action);
    else
        snprintf(text, sizeof text, "%s:%ld%s:%d", f->what, n, f->onward ? "+" : "", t.error);
    Spawn spawn = {.program = sweep.good.program};
    spawn.library = sweep.library;
    spawn.fault = text;
    spawn.kept = t.kept;
    spawn.victim = t.victim;
    t.outcome = sandbox_run(&spawn, t.folder, s->command);
    const char *bad = judge(&sweep.good, &t);
    if (bad) {
        const char *file = different_result(&sweep.good, s, t.folder),
                   *torn = torn_file(&sweep.good, t.folder);
        printf("FAIL %s/%s %s: %s (exit %d, signal %d, differs: %s, torn: %s)\n%s", s->name,
               f->name, text, bad, t.outcome.code, t.outcome.signal, file ? file : "-",
               torn ? torn : "-", t.outcome.err);
        fflush(stdout);
        long *which = strncmp(bad, "CRASH", 5) == 0  ? &sweep.figures->crashes
                      : strncmp(bad, "LOST", 4) == 0 ? &sweep.figures->lost
                                                     : &sweep.figures->wrong;
        __atomic_add_fetch(which, 1, __ATOMIC_RELAXED);
    }
    __atomic_add_fetch(&sweep.figures->runs[fault], 1, __ATOMIC_RELAXED);
    sandbox_forget(&t.outcome);
}

/* The calls of one kind in an undisturbed run: `calls` is filled, their number returned. */
static long count_calls(const Scenario *s, const Fault *f)
{
    char trace[SANDBOX_PATH], folder[SANDBOX_PATH], text[64];
    sandbox_join(trace, sweep.base, "trace");
    sandbox_join(folder, sweep.base, "count");
    snprintf(text, sizeof text, "%s:0:0", f->what);
    sandbox_copy(sweep.good.before, folder);
    Spawn spawn = {sweep.good.program, sweep.library, text, trace, NULL, NULL};
    Outcome o = run_well(&spawn, folder, s->command);
    sandbox_forget(&o);
    long count = 0, memory = 0;
    char *lines = sandbox_read("", trace, NULL), *rest = lines;
    for (char *line; lines && (line = strtok_r(rest, "\n", &rest)) != NULL;) {
        if (sscanf(line, "memory %ld", &memory) == 1) break;
        if (count + 2 < MOST_CALLS)
            snprintf(sweep.calls[++count], CALL_BYTES, "%s", line + strcspn(line, " "));
    }
    free(lines);
    sweep.calls[count + 1][0] = '\0';
    return f->effect == STARVES ? memory : count;
}

static bool is_between(const Fault *f, long n)
{
    if (f->effect == STARVES || n == 1 || n % THIN == 0) return false;
    for (long k = n - 1; k <= n + 1; k++)
        if (strncmp(sweep.calls[k], " write ", 7) != 0 ||
            strcmp(sweep.calls[k], sweep.calls[n]) != 0)
            return false;
    return true;
}

static unsigned long draw(unsigned long key)
{
    key = (key + sweep.seed) * 0x9E3779B97F4A7C15u;
    key = (key ^ key >> 30) * 0xBF58476D1CE4E5B9u;
    return key ^ key >> 31;
}

/* Worker `me` of `jobs` tries its share of one kind of faults. */
static void sweep_fault(const Scenario *s, int fault, long me)
{
    const Fault *f = &faults[fault];
    long calls = count_calls(s, f), count = 0;
    long *cases = calloc((size_t)calls + 1, sizeof *cases);
    if (!cases) sandbox_stop("hold the list of calls of", s->command);
    for (long n = 1; n <= calls; n++)
        if (!is_between(f, n)) cases[count++] = n;
    long most = sweep.most > 0 && sweep.most < count ? sweep.most : count;
    for (long i = 0; i < most; i++) {
        long from = i * count / most, room = (i + 1) * count / most - from;
        long n =
            cases[from + (long)(draw((unsigned long)(fault * 100000 + i)) % (unsigned long)room)];
        if (i % sweep.jobs == me) try_fault(s, fault, n);
    }
    free(cases);
}

static bool is_asked_for(const Scenario *s, int fault)
{
    char name[64];
    snprintf(name, sizeof name, "%s/%s", s->name, faults[fault].name);
    return !sweep.filter || strstr(name, sweep.filter);
}

static void prepare(const Scenario *s)
{
    /* IDX: magic 2051, 12 images of 8x8. */
    char images[16 + 12 * 64] = {0, 0, 8, 3, 0, 0, 0, 12, 0, 0, 0, 8, 0, 0, 0, 8};
    static const char names[] = "boot\ncoat\nhat\n";
    for (size_t i = 16; i < sizeof images; i++) images[i] = (char)(draw(i) & 127);
    sandbox_remove(sweep.good.before);
    if (mkdir(sweep.good.before, 0777) != 0) sandbox_stop("make", sweep.good.before);
    sandbox_write(sweep.good.before, "images-idx3-ubyte", images, sizeof images);
    char labels[8 + 12] = {0, 0, 8, 1, 0, 0, 0, 12};
    for (int i = 0; i < 12; i++) labels[8 + i] = (char)(i % 3);
    sandbox_write(sweep.good.before, "labels-idx1-ubyte", labels, sizeof labels);
    sandbox_write(sweep.good.before, "class_names.txt", names, sizeof names - 1);
    sandbox_write(sweep.good.before, "tiny.json", config, sizeof config - 1);
    sandbox_write(sweep.good.before, "toy.json", toy, sizeof toy - 1);
    Spawn spawn = {.program = sweep.good.program};
    for (int i = 0; i < 3 && s->prepare[i]; i++) {
        Outcome o = run_well(&spawn, sweep.good.before, s->prepare[i]);
        sandbox_forget(&o);
    }
    sandbox_copy(sweep.good.before, sweep.good.after);
    Outcome o = run_well(&spawn, sweep.good.after, s->command);
    free(sweep.good.shown);
    sweep.good.shown = o.out;
    free(o.err);
    sandbox_list(sweep.good.before, &sweep.good.old);
    sandbox_list(sweep.good.after, &sweep.good.new);
}

static void work(const Scenario *s, long me)
{
    char name[32];
    snprintf(name, sizeof name, "worker-%ld", me);
    char base[SANDBOX_PATH];
    sandbox_join(base, sweep.base, name);
    if (mkdir(base, 0777) != 0) sandbox_stop("make", base);
    memcpy(sweep.base, base, sizeof base);
    for (int fault = 0; fault < FAULTS; fault++)
        if (is_asked_for(s, fault)) sweep_fault(s, fault, me);
    exit(0);
}

/* False when a worker has stopped for a reason of its own. */
static bool sweep_scenario(const Scenario *s)
{
    bool asked = false, ok = true;
    for (int fault = 0; fault < FAULTS; fault++) asked = asked || is_asked_for(s, fault);
    if (!asked) return true;
    prepare(s);
    fflush(NULL);
    for (long me = 0; me < sweep.jobs; me++)
        if (fork() == 0) work(s, me);
    for (int status; wait(&status) > 0;) ok = ok && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return ok;
}

static bool report(bool ok)
{
    const Figures *g = sweep.figures;
    long failed = g->crashes + g->wrong + g->lost, all = 0, by[5] = {0};
    for (int i = 0; i < FAULTS; i++) all += g->runs[i], by[faults[i].effect] += g->runs[i];
    printf(
        "%ld file calls failed, %ld short or interrupted, %ld links planted, %ld kills and power "
        "cuts, %ld allocations failed: %ld crashes, %ld wrong results or words, %ld losses\n",
        by[FAILS], by[HARMLESS], by[PLANTED], by[DIES], by[STARVES], g->crashes, g->wrong, g->lost);
    /* clang links its sanitizer's malloc into the program, before every library. */
    if (by[STARVES] == 0 && !sweep.filter)
        printf("1 skipped: no allocation of this build passes through a preloaded library\n");
    printf("%ld passed, %ld failed\n", all - failed, failed + !ok);
    return ok && failed == 0 && all > 0;
}

/* However the sweep ends; a worker removes the folder of its own. */
static void remove_base(void)
{
    sandbox_remove(sweep.base);
}

static void set_environment(void)
{
    const char *root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
    snprintf(sweep.base, sizeof sweep.base, "%s/diffc-faults.XXXXXX", root ? root : "/tmp");
    if (!mkdtemp(sweep.base)) sandbox_stop("make", sweep.base);
    if (atexit(remove_base) != 0) sandbox_stop("remove later", sweep.base);
    sandbox_join(sweep.good.before, sweep.base, "before");
    sandbox_join(sweep.good.after, sweep.base, "after");
    /* The program does not start itself again. */
    setenv("GOMP_SPINCOUNT", "2000", 1);
    setenv("OMP_NUM_THREADS", "1", 1);
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0:allocator_may_return_null=1:exitcode=99", 1);
    setenv("UBSAN_OPTIONS", "exitcode=99", 1);
}

int main(int argc, char **argv)
{
    int at = 1;
    sweep.jobs = sysconf(_SC_NPROCESSORS_ONLN);
    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
        long value = atol(argv[at + 1]);
        if (strcmp(argv[at], "--runs") == 0) sweep.most = value;
        if (strcmp(argv[at], "--seed") == 0) sweep.seed = (unsigned long)value;
        if (strcmp(argv[at], "--jobs") == 0) sweep.jobs = value;
    }
    if (argc < at + 2 || sweep.jobs < 1) {
        fprintf(stderr, "usage: sweep [--runs N] [--seed N] [--jobs N] DIFFC LIBRARY [FILTER]\n");
        return 2;
    }
    sweep.good.program = realpath(argv[at], NULL);
    sweep.library = realpath(argv[at + 1], NULL);
    sweep.filter = argv[at + 2];
    if (!sweep.good.program || !sweep.library) sandbox_stop("find", argv[at]);
    sweep.calls = calloc(MOST_CALLS, sizeof *sweep.calls);
    sweep.figures = mmap(NULL, sizeof *sweep.figures, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!sweep.calls || sweep.figures == MAP_FAILED) sandbox_stop("hold", "the figures");
    set_environment();
    bool ok = true;
    for (int i = 0; i < SCENARIOS; i++) ok = sweep_scenario(&scenarios[i]) && ok;
    return report(ok) ? 0 : 1;
}
