/* The images that `diffc nll` scores: files, or a data set. */
#ifndef DIFFC_CLI_NLL_IMAGES_H
#define DIFFC_CLI_NLL_IMAGES_H

#include "data/dataset.h"
#include "net/net.h"

typedef enum { PART_TRAIN, PART_TEST, PART_AUTO } DataPart;
extern const char *const part_words[]; /* those that can be chosen */

typedef struct {
    Shape want;         /* the model's images */
    bool resize;        /* images of another size or number of channels are made to fit */
    const char **paths; /* files, when data_path is NULL */
    const char *data_path;
    DataPart part; /* AUTO: the test part, where there is one */
    size_t count;  /* files; data set: at most so many are asked for, 0: all */
    Dataset data;
} NllImages;

/* Height, width and channels of the first image that can be read, before a model is chosen. 0 where
 * any will do (resize, alpha) or nothing is known. False when memory is short. */
bool nll_images_shape(const NllImages *images, Shape *shape, Err *err);
/* ERR_USAGE for a folder in the place of an image file: says what was probably meant. */
bool check_image_file(const char *path, Err *err);

/* Reads a data set (files are read one by one) and checks its size against the model's. count
 * becomes the number of images. */
bool nll_images_open(NllImages *images, Err *err);
void nll_images_close(NllImages *images);

/* The name of image i in results: its path, or in a file of many images the file and a number. */
void nll_images_name(const NllImages *images, size_t i, char *out, size_t size);
/* pixels [want]: ERR_USAGE naming both sizes, or what is wrong with the file. */
bool nll_images_read(const NllImages *images, size_t i, unsigned char *pixels, Err *err);

#endif
