/* The images that `diffc eval` judges: of an .npz file, of a folder or data set, or made by a model. */
#ifndef DIFFC_CLI_EVAL_PICTURES_H
#define DIFFC_CLI_EVAL_PICTURES_H

#include "cli/sample_plan.h"
#include "data/dataset.h"
#include "io/npz.h"
#include "model/image_set.h"

typedef struct {
    const char *name; /* as messages call them */
    Shape shape;
    size_t found; /* images of the file or folder; of a model 0 */
    size_t count; /* those of them that --count leaves, or images to make */
    ImageSet set; /* from eval_pictures_take on */
    bool made;    /* by a model */
    char path[PATH_BYTES];
    Model model;
    SamplePlan plan;
    LevelGrid grid;
    long calls; /* of an image, the most */
    Dataset data;
    NpzImages npz;
    unsigned char *pixels; /* made */
    uint32_t *order;
} EvalPictures;

/* Opens what the word or --model names, without either the newest run; makes no image yet. usual_count: of
 * a model without --count. */
bool eval_pictures_open(EvalPictures *p, const Arguments *a, int usual_count, Err *err);
/* Makes `count` images, or takes so many of those that there are: all over a file, of a folder at random. */
bool eval_pictures_take(EvalPictures *p, const Arguments *a, size_t count, Err *err);
/* Also after a failure. */
void eval_pictures_close(EvalPictures *p);

/* The start of a sentence about the images: "photos: 3 of its 30 images". */
enum { EVAL_COUNT_BYTES = PATH_BYTES + 64 };
void eval_pictures_counted(const EvalPictures *p, char out[EVAL_COUNT_BYTES]);

extern const Option eval_options[]; /* beginning with SAMPLE_PLAN_OPTIONS */

/* DataProgress of reading a folder. */
void eval_reading(void *context, size_t done, size_t total);

#endif
