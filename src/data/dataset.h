/* Data sets: points of toys (toy.h), without end; and images: IDX and IDX.gz (with labels), CIFAR-10
 * binary, folders of PNG and JPEG. Images are held as bytes in memory, or, of large folders, read one by one from a file
 * of decoded images (data_cache.h); a validation split that training never sees is cut off by seed. */
#ifndef DIFFC_DATASET_H
#define DIFFC_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "data/data_cache.h"
#include "data/data_config.h"
#include "data/image.h"

/* The file of decoded images of a folder. Data of one file (IDX, CIFAR-10) are decoded at once and have none. */
typedef struct {
    const char *folder;   /* where it lies; NULL: there is none, and all images are in memory */
    uint64_t least_bytes; /* it is made for images that have more bytes, decoded or as files */
    bool read_only;       /* one that fits is read, but none is made */
    /* The settings that name the file (NULL: those that are read by): a resumed run knows the size and the channels
     * that its first start found. */
    const DataConfig *named_by;
} DataCachePlace;

typedef struct {
    const char *path;  /* file or folder; config.path, which has less room, is not read */
    DataConfig config; /* of a toy only validation is read; cache is not, but: */
    DataCachePlace cache;
    bool
        test_part; /* of a folder with two parts: the t10k or test_batch files, or test/ (else val/),
                          instead of the training files or train/ */
    uint64_t seed; /* split, order, flips */
    /* The classes of a folder are numbered in natural order (2 before 10), but as in `class_order`
     * [class_count] where these are its names, and by bytes as earlier versions did it with `bytes_order`. */
    ClassName *class_order;
    int class_count;
    bool bytes_order;
    /* For images that keep the size they are stored in (height 0): size_fits fails for a size that cannot
     * be used (NULL: every size can); size_advice ends the sentence about images of several sizes. */
    bool (*size_fits)(void *context, int height, int width, Err *err);
    void *size_context;
    const char *size_advice;
    bool
        can_skip; /* the user can set data.skip_bad, as the sentence about an unreadable image then advises */
    /* Is shown each image as the file holds it, before it is resized; not those of IDX that need no
     * change (NULL: nobody is). */
    void (*look)(void *context, const Image *image);
    void *look_context;
} DataOptions;

typedef struct {
    int height, width, channels;
    DataKind kind;          /* found, where it was AUTO; AUTO for a toy */
    int classes;            /* 0: no labels */
    ClassName *class_names; /* [classes] or NULL: numbers only */
    ToyKind toy;    /* not TOY_NONE: 1 x 1 x 2 floats, no pixels; count and train_count are 0 */
    size_t count;   /* all images */
    uint64_t found; /* before data.limit, unreadable ones included */
    size_t train_count, validation_count;
    size_t skipped;     /* folders: images that cannot be read, left out */
    char *skipped_list; /* one line for each: the file and the reason; NULL: none */
    size_t ignored;     /* folders: other files */
    size_t runs;        /* folders: runs of diffc train inside, left out */
    size_t repeated;    /* folders: those that links lead to again, left out */
    size_t empty; /* folders beside those of the classes that hold no image, which are no classes */
    char empty_name[256];                  /* the first of them */
    char no_labels[400];                   /* classes is 0: why, as it ends a sentence */
    size_t class_images[DATA_MAX_CLASSES]; /* training images of each class */
    /* CRC-32 of every image's height and width as stored, then of the labels, but not of pixels. Kind,
     * count, shape and this identify a data set. */
    uint32_t checksum;
    uint32_t file_names;   /* folders: a number that stands for the names of all files */
    char description[700]; /* "60,000 grey images of 28x28 (IDX), 10 classes" */
    char **files;          /* folders in memory: [count] the images' paths within it; else NULL */
    unsigned char *pixels; /* [count, height, width, channels]; NULL with a cache */
    DataCache *cache;      /* the images' file; NULL: they are in memory */
    bool on_disk;          /* there is such a file, or would be if it were not read_only */
    bool cache_failed;     /* it could not be made */
    char cache_note[1024]; /* that, or why it was made anew, as one sentence; "": nothing to say */
    unsigned char *labels; /* [count] or NULL */
    uint32_t *split; /* permutation of 0..count-1: first train_count train, the rest held out */
    uint32_t *order; /* [train_count] the current epoch's order */
    uint64_t order_epoch; /* UINT64_MAX: none yet */
    bool flip;
    uint64_t seed;
} Dataset;

/* Progress of reading a folder (done, total); may be NULL. */
typedef void (*DataProgress)(void *context, size_t done, size_t total);
bool dataset_open(Dataset *d, const DataOptions *options, DataProgress progress, void *context,
                  Err *err);
void dataset_close(Dataset *d);
/* The same without files, for measurements: options->limit images of independent random pixels, of the
 * options' size and channels, with labels 0, 1, ... of so many classes (0: without). */
bool dataset_open_noise(Dataset *d, const DataOptions *options, int classes, Err *err);

/* Where a data set lies: `path` itself, except that Fashion-MNIST is looked for in two folders, that of
 * Debian's package and data/fashion-mnist: where one is missing, its name means the other. dataset_open and
 * dataset_has_test_part call this themselves. */
const char *dataset_place(const char *path);

/* *has: whether a folder holds test images beside its training images. False when it cannot be listed. */
bool dataset_has_test_part(const char *path, bool *has, Err *err);

/* How many of `count` images these settings hold out. */
size_t dataset_held_out(const DataConfig *c, size_t count);

/* CRC-32 of the CRC-32s of every image's pixels, in order; of a toy 0. The same from memory as from a cache. */
uint32_t dataset_pixels_checksum(const Dataset *d);

/* Training sample number `sample` of the whole run (sample / train_count is the epoch; each epoch
 * is a fresh permutation from the seed), as floats u/127.5 - 1 in x [H,W,C]; flipped by a counter
 * draw when the option is set. Of a toy, point number `sample`. label (may be NULL) gets the class
 * or 0. Not for several threads at once: it makes the epoch's order when a new epoch begins.
 * Reading fails only with a cache (data_cache_read). */
bool dataset_train_sample(Dataset *d, uint64_t sample, float *x, int *label, Err *err);
/* Training image i < train_count in no particular order, never flipped; as bytes not of a toy. */
bool dataset_train_image(const Dataset *d, size_t i, float *x, Err *err);
bool dataset_train_bytes(const Dataset *d, size_t i, unsigned char *bytes, Err *err);
/* Held-out image i < validation_count, never flipped. */
bool dataset_validation_sample(const Dataset *d, size_t i, float *x, int *label, Err *err);

#endif
