/* `diffc eval --stats` and `--save-stats`: images as the mean and the covariance of their features, compared with
 * those that a file holds of a data set, or written. Images of the data are not needed. */
#ifndef DIFFC_CLI_EVAL_STATISTICS_H
#define DIFFC_CLI_EVAL_STATISTICS_H

#include "cli/eval_pictures.h"
#include "cli/eval_stage.h"
#include "model/frechet_distance.h"
#include "model/inception_features.h"

typedef struct {
    const char *weights;  /* of the network, as --features names them; NULL: not given */
    const char *stats;    /* the file that is compared with; NULL: none */
    const char *save;     /* the file that is written; NULL: none */
    FeatureMoments known; /* of the file */
} EvalStatistics;

/* Checks the options and reads the file; before any image is made. */
bool eval_statistics_open(EvalStatistics *s, Err *err);
/* Features of images, which are there; then the distance or the file, and the report. */
bool eval_statistics_run(const EvalStatistics *s, const EvalPictures *p, Inception *inception,
                         EvalStage *stage, bool json, Err *err);
/* Also after a failure. */
void eval_statistics_close(EvalStatistics *s);

#endif
