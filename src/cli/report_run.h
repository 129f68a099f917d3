/* A run as the report shows it: its log, configuration, model and pictures. */
#ifndef DIFFC_CLI_REPORT_RUN_H
#define DIFFC_CLI_REPORT_RUN_H

#include <sys/stat.h>

#include "base/fsio.h"
#include "io/config.h"
#include "io/diffusers/model_folder.h"
#include "io/run_history.h"
#include "net/net.h"

/* A picture of RUN/samples: "step-N.png". */
typedef struct {
    char path[PATH_BYTES];
    int64_t step;
    size_t bytes;
} RunPicture;

typedef struct {
    char path[PATH_BYTES];
    char name[256]; /* the last word of its path; with several runs of that name the path */
    struct stat identity;
    RunHistory history;
    Config config;
    Err config_lack; /* why there is none; kind ERR_NONE: there is one */
    bool has_model;
    ModelConfig model;
    Shape image;
    size_t parameters;
    RunPicture *picture; /* by rising steps */
    size_t pictures, picture_room;
} ReportRun;

/* Checks that `path` is a run with statistics, and finds its log. ERR_IO, ERR_USAGE. log: PATH_BYTES. */
bool report_run_find(const char *path, char *log, Err *err);

/* Reads all of it; without a readable configuration or model the report is shorter. ERR_MEMORY, ERR_IO; *r is
 * then empty. */
bool report_run_open(ReportRun *r, const char *path, Err *err);
void report_run_close(ReportRun *r);

/* Of two runs of the same name, both are called by their paths. ERR_USAGE for one run that is named twice. */
bool report_runs_distinguish(ReportRun *runs, int count, Err *err);

#endif
