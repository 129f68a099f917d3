/* What a training says while it runs: progress and notes on stderr, the lines of its log and its name on stdout. */
#ifndef DIFFC_TRAIN_NARRATION_H
#define DIFFC_TRAIN_NARRATION_H

#include "train/trainer.h"

typedef struct {
    bool json;
    bool stopping;  /* the interruption has been acknowledged */
    double drawn;   /* when the progress line was last drawn */
    double reading; /* when the data began to be read; 0: not yet */
    int64_t step;
} TrainNarrator;

/* The callbacks of a training; show: with the sample grids, where stderr is a terminal that can. *narrator must
 * outlive them. */
TrainCallbacks train_narration(TrainNarrator *narrator, bool show);
/* The result: the name of the run, or with --json its object "done". */
bool train_narration_end(const TrainNarrator *narrator, const char *run, Err *err);

/* When the folder of an image model is not simply opened by the pipeline that it names. */
void note_diffusers(const ModelConfig *m);
/* When passes have fewer images (`used`) than train.micro_batch asks for. */
void note_micro_batch(const Config *c, int used);

#endif
