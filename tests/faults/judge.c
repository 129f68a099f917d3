#include "judge.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_result(const Scenario *s, const char *path)
{
    if (!s->resume) return strncmp(path, "run/", 4) != 0;
    return strncmp(path, "run/model/", 10) == 0 || strcmp(path, "run/config.json") == 0;
}

/* The result that differs from that of the undisturbed run; NULL: none. */
const char *different_result(const Undisturbed *good, const Scenario *s, const char *folder)
{
    for (int i = 0; i < good->new.count; i++)
        if (is_result(s, good->new.path[i]) &&
            !sandbox_same(folder, good->after, good->new.path[i]))
            return good->new.path[i];
    return NULL;
}

/* Lines of a training's log. */
static int log_lines(const char *folder)
{
    char *text = sandbox_read(folder, "run/stats.jsonl", NULL);
    int lines = 0;
    for (const char *at = text; at && (at = strchr(at, '\n')) != NULL; at++) lines++;
    free(text);
    return lines;
}

/* A file of the user that is neither what it was nor what it should become; NULL: none. */
const char *torn_file(const Undisturbed *good, const char *folder)
{
    for (int i = 0; i < good->old.count; i++)
        if (!sandbox_same(folder, good->before, good->old.path[i]) &&
            !sandbox_same(folder, good->after, good->old.path[i]))
            return good->old.path[i];
    for (int i = 0; i < good->new.count; i++) {
        const char *path = good->new.path[i];
        if (!sandbox_has(&good->old, path) && !sandbox_same(folder, good->after, path) &&
            !sandbox_same(folder, good->before, path))
            return path;
    }
    return NULL;
}

/* A file that belongs neither to the old state nor to the new one, nor to `sample --continue`; NULL:
 * none. */
static const char *leftover(const Undisturbed *good, const char *folder)
{
    static FileList list;
    sandbox_list(folder, &list);
    for (int i = 0; i < list.count; i++)
        if (!sandbox_has(&good->old, list.path[i]) && !sandbox_has(&good->new, list.path[i]) &&
            !strstr(list.path[i], ".part"))
            return list.path[i];
    return NULL;
}

/* One line "diffc COMMAND: ..." that gives the reason, and ends what is said; a training has said one for
 * each failed save before. Where libgomp finds no
 * memory for its first team it ends the process itself, with a sentence of its own. */
static const char *bad_sentence(const Trial *t)
{
    const char *line = NULL;
    int lines = 0;
    if (t->f->effect == STARVES && strstr(t->outcome.err, "libgomp: Out of memory")) return NULL;
    for (const char *at = t->outcome.err; at && *at;
         at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
        if (strncmp(at, "diffc ", 6) == 0) line = at, lines++;
    if (lines != 1 && !(lines && t->s->resume))
        return lines ? "says more than one sentence" : "says no sentence";
    const char *end = strchr(line, '\n');
    if (!end || end[1]) return "says something after the sentence";
    if (t->f->effect == STARVES) return strstr(line, "memory") ? NULL : "does not speak of memory";
    return t->f->effect == FAILS && !strstr(line, strerror(t->error)) ? "does not give the reason"
                                                                      : NULL;
}

static const char *bad_end(const Trial *t)
{
    static const char *const alarms[] = {"runtime error:", "Sanitizer", "internal error",
                                         "faults:"};
    const Outcome *o = &t->outcome;
    for (size_t i = 0; i < sizeof alarms / sizeof *alarms; i++)
        if (strstr(o->err, alarms[i])) return "CRASH: a sanitizer or an internal check speaks";
    if (o->signal == SIGALRM) return "CRASH: hangs";
    if (o->signal && !(o->signal == SIGKILL && t->f->effect == DIES)) return "CRASH: by a signal";
    if (o->signal || o->code == 0) return NULL;
    if (o->code != 1) return "a wrong exit code";
    if (t->f->effect == HARMLESS) return "is no reason to fail";
    return bad_sentence(t);
}

static long last_checkpoint(const char *out, long before)
{
    const char mark[] = "\"event\":\"checkpoint\",\"step\":";
    for (const char *at = out; (at = strstr(at, mark)) != NULL;)
        before = atol(at += sizeof mark - 1);
    return before;
}

/* Of a run that had one there is a model at any moment, the old one or the new one. */
static bool has_model(const Undisturbed *good, const Trial *t)
{
    Spawn spawn = {.program = good->program};
    Outcome o = sandbox_run(&spawn, t->folder, "info run");
    bool opens = o.code == 0;
    sandbox_forget(&o);
    return opens;
}

/* Goes on with a training; NULL when it comes to the same weights without having lost a step. */
static const char *bad_recovery(const Undisturbed *good, Trial *t)
{
    Spawn spawn = {.program = good->program};
    long announced = last_checkpoint(t->outcome.out, t->s->step), found = 0;
    if (t->s->step > 0 && !has_model(good, t)) return "LOST: the model";
    sandbox_forget(&t->outcome);
    t->outcome = sandbox_run(&spawn, t->folder, t->s->resume);
    if (t->outcome.code == 1 && announced == 0 && strstr(t->outcome.err, "no run to resume")) {
        sandbox_forget(&t->outcome);
        t->outcome = sandbox_run(&spawn, t->folder, t->s->command);
    }
    if (t->outcome.code != 0) return "LOST: cannot be resumed";
    const char *at = strstr(t->outcome.err, " at step ");
    if (at) found = atol(at + strlen(" at step "));
    if (found < announced) return "LOST: a checkpoint that was announced";
    const char *other = different_result(good, t->s, t->folder);
    return other ? "LOST: the resumed training ends differently" : NULL;
}

/* After a kill the same command, run again, does the whole work and leaves nothing else behind. */
static const char *bad_repetition(const Undisturbed *good, Trial *t)
{
    Spawn spawn = {.program = good->program};
    sandbox_forget(&t->outcome);
    t->outcome = sandbox_run(&spawn, t->folder, t->s->command);
    if (t->outcome.code != 0) return "LOST: cannot be run again";
    if (different_result(good, t->s, t->folder)) return "LOST: run again it ends differently";
    return leftover(good, t->folder) ? "run again it leaves what the killed one left" : NULL;
}

static const char *bad_state(const Undisturbed *good, Trial *t)
{
    const Outcome *o = &t->outcome;
    bool done = !o->signal && o->code == 0;
    if (t->f->effect == PLANTED) {
        char *victim = sandbox_read("", t->victim, NULL);
        bool kept = strcmp(victim, "victim") == 0;
        free(victim);
        return kept ? NULL : "LOST: writes through a link";
    }
    if (done && different_result(good, t->s, t->folder)) return "WRONG: exit 0 and another result";
    if (t->f->effect == HARMLESS && log_lines(t->folder) != log_lines(good->after))
        return "LOST: lines of the log";
    /* What is left out and said so is no wrong word. */
    if (done && t->s->shown && strcmp(o->out, good->shown) != 0 && !strstr(o->err, "skipped"))
        return "WRONG: exit 0 and other words";
    if (t->s->resume) return bad_recovery(good, t);
    if (torn_file(good, t->folder)) return "LOST: a file is neither old nor new";
    if (t->f->effect == STARVES && leftover(good, t->folder)) return "leaves a temporary file";
    return o->signal ? bad_repetition(good, t) : NULL;
}

const char *judge(const Undisturbed *good, Trial *t)
{
    const char *bad = bad_end(t);
    return bad ? bad : bad_state(good, t);
}
