/* What `diffc restore` is given: an image, and what of it is known. */
#ifndef DIFFC_CLI_RESTORE_KNOWN_H
#define DIFFC_CLI_RESTORE_KNOWN_H

#include <stdbool.h>

#include "diffusion/restore.h"
#include "net/net.h"

typedef struct {
    const char *path, *mask; /* of the image; of the mask, or NULL */
    bool grey, resize;
    int scale;    /* 0: not given */
    double sigma; /* in levels of grey, 0: no noise */
} KnownOptions;

typedef struct {
    LinearOperator a;
    double *y; /* [operator_known] */
    double noise;
    unsigned char *kept;     /* of a mask */
    unsigned char *pictures; /* [shown, H, W, C]: A^+ y and, where it is given, the whole image */
    int shown;
} KnownImage;

/* Reads the image and the mask for a model of `image`s; with resize a mask of the image's size is made to fit as the
 * image is. An image may also be given as what is known of it: a grey
 * one with grey, one of the size of the blocks' means with scale. ERR_USAGE for what does not fit the model, the
 * image or each other, ERR_IO, ERR_FORMAT, ERR_MEMORY. known_image_close also after a failure. */
bool known_image_open(KnownImage *k, const KnownOptions *o, Shape image, Err *err);
void known_image_close(KnownImage *k);

#endif
