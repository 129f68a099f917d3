/* The results of `diffc eval`: a table or an object, and the picture of the nearest training images. */
#ifndef DIFFC_CLI_EVAL_REPORT_H
#define DIFFC_CLI_EVAL_REPORT_H

#include "cli/eval_data.h"
#include "cli/eval_pictures.h"
#include "model/frechet_distance.h"
#include "model/kernel_distance.h"
#include "model/multiscale_distance.h"
#include "model/nearest_images.h"
#include "model/precision_recall.h"

/* What is compared with the data: the pictures, and other images of the data. */
enum { EVAL_PICTURES, EVAL_OTHERS, EVAL_SETS };

enum { EVAL_NEIGHBOURS = 3 };

/* What is compared in the features of a network. */
typedef struct {
    const char *weights; /* the file; NULL: nothing is */
    PrecisionRecall balls[EVAL_SETS];
    bool has_frechet; /* LAPACK is there */
    FrechetDistance frechet[EVAL_SETS];
    KernelDistance kernel[EVAL_SETS];
} FeatureFigures;

typedef struct {
    const EvalPictures *pictures;
    const EvalData *data;
    const char *out; /* NULL: no picture */
    size_t count;    /* images of each set */
    MultiscaleDistance distance;
    PrecisionRecall pixels[EVAL_SETS];
    FeatureFigures features;
    NearestImages nearest[EVAL_SETS];
    double seconds;
} EvalResult;

/* What statistics also report: members of an object; and that FID of so few images is far too high, as a line of the
 * table, or as a member "warning" and a note. */
void eval_put_frechet(JsonWriter *w, const FrechetDistance *d);
void eval_bias_line(size_t count);
void eval_put_bias(JsonWriter *w, size_t count);

bool eval_report(const EvalResult *r, bool json, Err *err);

/* Images with their EVAL_NEIGHBOURS nearest training images at their right, 16 rows of two at most: of all
 * images those that come closest to one, in units of its own nearest neighbour. */
bool eval_write_nearest(const EvalResult *r, Err *err);

#endif
