/* What killed processes left in a run folder. */
#include <stdlib.h>
#include <string.h>

#include "train/train_internal.h"

static bool is_file_of_run(const void *context, const char *name)
{
    (void)context;
    return strcmp(name, "config.json") == 0 || strcmp(name, "stats.jsonl") == 0;
}

static bool is_picture(const void *context, const char *name)
{
    char expected[SAMPLES_NAME_BYTES];
    (void)context;
    if (strncmp(name, "step-", 5) != 0) return false;
    samples_name(expected, strtoll(name + 5, NULL, 10));
    return strcmp(name, expected) == 0;
}

void run_remove_leftovers(const char *run)
{
    char path[PATH_BYTES];
    leftovers_remove(run, is_file_of_run, NULL);
    checkpoint_remove_leftovers(run);
    if (path_join(path, run, "samples", NULL)) leftovers_remove(path, is_picture, NULL);
    if (path_join(path, run, "model", NULL)) (void)model_folder_recover(path, NULL);
}
