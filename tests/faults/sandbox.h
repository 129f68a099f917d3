/* Folders in which commands are run, looked at and compared; for sweep.c. */
#ifndef DIFFC_TESTS_SANDBOX_H
#define DIFFC_TESTS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

enum { SANDBOX_PATH = 600, SANDBOX_FILES = 200 };

/* Ends the program, for what the sweep itself cannot do. */
_Noreturn void sandbox_stop(const char *what, const char *path);

/* Relative paths of the regular files and links below a folder, in the order of bytes. */
typedef struct {
    char path[SANDBOX_FILES][120];
    int count;
} FileList;

void sandbox_list(const char *folder, FileList *out);
bool sandbox_has(const FileList *list, const char *path);

char *sandbox_join(char out[SANDBOX_PATH], const char *folder, const char *name);
/* The whole file with a 0 at its end (free it); NULL when it cannot be read. */
char *sandbox_read(const char *folder, const char *name, size_t *size);
void sandbox_write(const char *folder, const char *name, const void *bytes, size_t size);
/* Whether folder a and folder b hold the same file `name`. */
bool sandbox_same(const char *a, const char *b, const char *name);

void sandbox_remove(const char *folder);
void sandbox_copy(const char *from, const char *to); /* `to` is made anew */

typedef struct {
    const char *program, *library; /* NULL: run without it */
    const char *fault, *trace, *kept, *victim;
} Spawn;

/* How a command ended: its exit code, or the signal that ended it. */
typedef struct {
    int code, signal;
    char *out, *err; /* what it printed; sandbox_forget frees them */
} Outcome;

/* Runs `program` with `words` (split at spaces) in `folder`. A command that does not end within two
 * minutes is ended by SIGALRM. */
Outcome sandbox_run(const Spawn *spawn, const char *folder, const char *words);
void sandbox_forget(Outcome *outcome);

#endif
