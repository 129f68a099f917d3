/* What sweep.c tries and judge.c judges. */
#ifndef DIFFC_TESTS_JUDGE_H
#define DIFFC_TESTS_JUDGE_H

#include "sandbox.h"

/* A command and the state that it finds. */
typedef struct {
    const char *name, *prepare[3], *command;
    const char *resume; /* a training: how it is gone on with */
    int step;           /* ... and the step of the checkpoint that is there before */
    bool shown;         /* what it prints is a result that a second run prints alike */
} Scenario;

typedef enum { FAILS, HARMLESS, DIES, PLANTED, STARVES } Effect;

/* A kind of fault. */
typedef struct {
    const char *name, *what, *action; /* as faults.c takes them; action NULL: errors in turn */
    Effect effect;
    bool onward;
} Fault;

/* Where one fault is tried. */
typedef struct {
    const Scenario *s;
    const Fault *f;
    long n;
    int error;
    char folder[SANDBOX_PATH], kept[SANDBOX_PATH], victim[SANDBOX_PATH];
    Outcome outcome;
} Trial;

/* What an undisturbed run finds and leaves; for all trials of a scenario. */
typedef struct {
    const char *program;
    char before[SANDBOX_PATH], after[SANDBOX_PATH];
    FileList old, new; /* the files of `before` and `after` */
    char *shown;       /* what it printed */
} Undisturbed;

/* What is wrong with how the trial ended or with what it left; NULL: nothing. Begins with "CRASH" or
 * "LOST" for these. May run the command again, without a fault. */
const char *judge(const Undisturbed *good, Trial *t);

/* A result that differs from that of the undisturbed run, and a file that is neither what it was nor
 * what it should become; NULL: none. */
const char *different_result(const Undisturbed *good, const Scenario *s, const char *folder);
const char *torn_file(const Undisturbed *good, const char *folder);

#endif
