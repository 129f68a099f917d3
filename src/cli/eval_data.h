/* The data set with which `diffc eval` compares images. */
#ifndef DIFFC_CLI_EVAL_DATA_H
#define DIFFC_CLI_EVAL_DATA_H

#include "cli/eval_pictures.h"
#include "data/dataset.h"
#include "model/image_set.h"

typedef struct {
    char path[PATH_BYTES];
    Dataset data;
    ImageSet all; /* in an order drawn by seed; with --label of that class alone */
    uint32_t *order;
} EvalData;

/* given: --data, NULL for the data that the model was trained on, less its held-out images. Their
 * shape must be that of the pictures; resize makes it so. */
bool eval_data_open(EvalData *d, EvalPictures *p, const char *given, bool test_part, bool resize,
                    Err *err);
/* Also after a failure. */
void eval_data_close(EvalData *d);

#endif
