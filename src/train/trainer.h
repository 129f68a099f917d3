/* Training: data, network, optimiser and run folder put together. A run folder holds
 *   config.json            the resolved configuration
 *   stats.jsonl            one JSON object a line: steps, validation, distances of samples, checkpoints; the first
 *                          step of each process also says on which version, CPU, level and threads it runs
 *   model/                 the EMA weights as a diffusers folder
 *   checkpoints/           the training state (checkpoint.h)
 *   samples/step-N.png     a grid (points: a scatter plot) from fixed seeds at each checkpoint
 *   skipped.txt            files of the data that could not be read, with the reason; only with data.skip_bad
 *   report.html            cli/report.h, by the command
 *   lock                   the owner */
#ifndef DIFFC_TRAINER_H
#define DIFFC_TRAINER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/machine.h"
#include "data/dataset.h"
#include "data/image.h"
#include "diffusion/process.h"
#include "io/config.h"
#include "io/diffusers/model_folder.h"
#include "model/network_open.h"

typedef struct {
    int64_t step;        /* updates done */
    int64_t total_steps; /* 0: not known (limited by time) */
    uint64_t images;     /* training images consumed */
    double loss;         /* mean over the interval since the last report */
    double grad_norm;    /* of the last update, before clipping */
    double lr;
    double images_per_s; /* over the interval, training passes only */
    double seconds;      /* training time so far, resumed time included */
    double seconds_left; /* estimate; NAN when unknown */
    bool logged;         /* this step is also a line of stats.jsonl */
} TrainStatus;

typedef struct {
    void *context;
    void (*status)(void *context, const TrainStatus *status); /* after every update */
    void (*line)(void *context, const char *json); /* every line of stats.jsonl as it is written */
    void (*note)(void *context, const char *text); /* narration, one sentence */
    /* What failed while training goes on, one sentence; NULL: a note. */
    void (*problem)(void *context, const char *text);
    /* The grid of samples (points: the scatter plot) of a checkpoint, once it is written; may be NULL. */
    void (*picture)(void *context, int64_t step, const Image *picture);
    DataProgress reading; /* while the data are read; may be NULL */
    /* No callback: the folder of the run's folder, where data.cache = auto keeps decoded images for all runs beside
     * it; NULL: they are held in memory. */
    const char *runs;
} TrainCallbacks;

/* The plan of a run, for the start table and --dry-run. */
typedef struct {
    const Config *config;   /* the trainer's */
    ModelConfig model;      /* what the run's model folder will say; kept is not its own */
    const Process *process; /* the trainer's, as are the */
    const Dataset *data; /* data, whose train_count is 0 without end or when they are not there */
    Shape image;
    int micro_batch;
    bool short_passes; /* train.batch has no divisor near the longest pass */
    size_t parameters;
    double forward_flop;     /* per image */
    size_t parameter_bytes;  /* weights, gradients, moments, EMA, forms of the fast kernels */
    size_t activation_bytes; /* training plan, and the plan for validation and samples */
    size_t data_bytes;       /* of images in memory */
    size_t memory_bytes; /* the most that the process holds at once, program and buffers included */
    double updates_per_epoch;
} TrainPlan;

/* Where several processes train together (base/world.h), all call the same functions; each opens the data, and of a
 * resumed run its checkpoint, and computes its share of the passes of an update. A failure of one is everybody's.
 * Process 0 alone has callbacks and writes. ERR_USAGE: their number does not divide the work, or their data differ. */
typedef struct Trainer Trainer;

/* A new run: reads the data and plans; makes no folder and writes nothing, but for the file of decoded images
 * (data_cache.h). config is copied. */
bool trainer_open(Trainer **out, const Config *config, const TrainCallbacks *callbacks, Err *err);
/* The same on a data set that is already open (dataset_open_noise), which the trainer takes over, also when
 * it fails. config's "data" is not read. This process trains alone, whatever the others do. */
bool trainer_open_on(Trainer **out, const Config *config, Dataset *data, Err *err);

/* The run in the folder `run` goes on from its newest checkpoint; where it has none it starts again, as
 * a new run does. What was computed from the data at its start comes from the checkpoint.
 * The configuration may change what is no identity of the run (config_diff); each such key is said. Of a run that has all
 * the updates of the configuration it changes data.path and data.cache alone. A key of the identity that differs, and
 * other data, are ERR_USAGE with both values, and no file of the run is changed before trainer_run. The folder is locked
 * until trainer_close. An empty train.init means the run's own. */
bool trainer_resume(Trainer **out, const char *run, const Config *config,
                    const TrainCallbacks *callbacks, Err *err);
/* The configuration of a resumed run when none is given: RUN/config.json, or where that is missing
 * that of the newest checkpoint. Over the defaults in *c. */
bool trainer_run_config(const char *run, Config *c, Err *err);
/* The folder under `root` of the run that was worked on last (run_list_open); ERR_IO when there is none. */
bool trainer_newest_run(const char *root, char *out, Err *err);

/* For a plan alone (the trainer must not run): data that are not there are no error where the
 * configuration says what the plan takes from them: size and channels, no classes, no sigma_max to
 * be estimated. */
bool trainer_open_plan(Trainer **out, const Config *config, const TrainCallbacks *callbacks,
                       Err *err);
const TrainPlan *trainer_plan(const Trainer *t);
void trainer_close(Trainer *t);
/* Whether the plan takes more memory than there is; out: a sentence with both and with the keys that make the
 * largest part smaller. */
bool train_memory_is_short(const TrainPlan *plan, const MachineMemory *m, char *out, size_t size);

/* One update, from fresh gradients to new weights: what trainer_run repeats, for measurements and tests.
 * ERR_DIVERGED: a loss or gradient was not finite; ERR_IO, ERR_FORMAT: an image could not be read from the file of
 * decoded images. The weights are as they were. */
typedef struct {
    uint64_t images;
    double loss;      /* mean of the images' */
    double grad_norm; /* before clipping */
    double lr;
} TrainUpdate;
bool trainer_update(Trainer *t, TrainUpdate *update, Err *err);
/* The network that it trains, for its profile. */
Network *trainer_network(Trainer *t);

/* Whether trainer_run could start there, for a message before the data are read. ERR_USAGE where a new run
 * would replace one, ERR_IO where there is none to resume. */
bool trainer_check_run(const char *run, bool resume, Err *err);
/* Whether a run has a file or folder of this name in its folder. */
bool trainer_run_keeps(const char *name);
/* Whether so many processes (base/world.h) could train together, whatever they train. ERR_USAGE. */
bool trainer_check_processes(int processes, Err *err);

/* Makes the run folder (of a resumed run: goes on in its own, and `run` is NULL) and trains until
 * train.steps updates or train.minutes are done. A new run in a folder that holds one is ERR_USAGE.
 * A resumed run first gets what a killed process left out: the model of its checkpoint, validation and
 * picture. A save that fails on the way is a problem and a line of the log; the last one is an error.
 * ERR_INTERRUPTED after SIGINT, SIGTERM or SIGHUP: the step was finished and saved. ERR_DIVERGED: a loss
 * or gradient was not finite; the last good checkpoint stays. */
bool trainer_run(Trainer *t, const char *run, Err *err);

#endif
