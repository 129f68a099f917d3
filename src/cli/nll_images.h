/* The images that a command scores or denoises: files, or a data set; and training images, on which a model's
 * errors are measured. */
#ifndef DIFFC_CLI_NLL_IMAGES_H
#define DIFFC_CLI_NLL_IMAGES_H

#include "cli/options.h"
#include "data/dataset.h"
#include "model/measured_errors.h"

typedef enum { PART_TRAIN, PART_TEST, PART_AUTO } DataPart;
extern const char *const part_words[]; /* those that can be chosen */

typedef struct {
    Shape want;         /* the model's images */
    bool resize;        /* images of another size or number of channels are made to fit */
    bool skip_bad;      /* of a folder: those that cannot be read are left out */
    const char **paths; /* files, when data_path is NULL */
    const char *data_path;
    DataPart part; /* AUTO: the test part, where there is one */
    size_t count;  /* files; data set: at most so many are asked for, 0: all */
    Dataset data;
    int *
        labels; /* of a data set: the model's class of each image (nll_images_match); NULL: not asked for */
} NllImages;

/* Takes the words of a command and its rows --data, --part, --count and --resize, which stand together in this
 * order from `row` on. verb: "score". ERR_USAGE for options that do not go together. */
enum { IMAGES_DATA, IMAGES_PART, IMAGES_COUNT, IMAGES_RESIZE };
bool nll_images_choose(NllImages *images, const Arguments *a, int row, const char *verb, Err *err);

/* Height, width and channels of the first image that can be read, before a model is chosen. 0 where
 * any will do (resize, alpha) or nothing is known. False when memory is short. */
bool nll_images_shape(const NllImages *images, Shape *shape, Err *err);

/* Reads a data set (files are read one by one) and checks its size against the model's. count
 * becomes the number of images. */
bool nll_images_open(NllImages *images, Err *err);
void nll_images_close(NllImages *images);
/* Finds for each image of an open data set the class of the model that its label is, by its name (class_labels.h),
 * and says so.
 * ERR_USAGE for data without labels, and for a class that the model has not or has never seen. Nothing for a model
 * without classes. */
bool nll_images_match(NllImages *images, Model *m, Err *err);

/* The name of image i in results: its path, or in a file of many images the file and a number. */
void nll_images_name(const NllImages *images, size_t i, char *out, size_t size);
/* pixels [want]: ERR_USAGE naming both sizes, or what is wrong with the file. */
bool nll_images_read(const NllImages *images, size_t i, unsigned char *pixels, Err *err);

/* `count` images of the training part of `data`; NULL: of the data that the model's run was trained
 * on. Made to fit, as in training. label: their class; negative: each has its own. f must stay where it is;
 * fit_images_close also after a failure. */
bool fit_images_open(MeasuredImages *f, Model *m, const char *data, int count, uint64_t seed,
                     int label, Err *err);
void fit_images_close(MeasuredImages *f);

#endif
