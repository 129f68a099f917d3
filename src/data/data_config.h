/* The settings "data": which images or points a run trains on. */
#ifndef DIFFC_DATA_CONFIG_H
#define DIFFC_DATA_CONFIG_H

#include <stdbool.h>

#include "base/limits.h"

enum { DATA_PATH_BYTES = 1024, DATA_MAX_CLASSES = 256 /* labels are bytes */ };

/* The name of a class of images: of a folder, or one that a format defines. */
typedef char ClassName[256];

typedef enum { DATA_AUTO, DATA_IDX, DATA_CIFAR10, DATA_FOLDER } DataKind;
extern const char *const data_kind_words[];

/* Distributions in the plane, made by formula. */
typedef enum { TOY_NONE, TOY_TWO_MODES, TOY_RING, TOY_SWISS_ROLL, TOY_CHECKERBOARD } ToyKind;
extern const char *const toy_words[];

/* As `validation`: holds out DATA_VALIDATION images, but at most a tenth of those that there are, so
 * none of fewer than ten. */
enum { DATA_VALIDATION_AUTO = -1, DATA_VALIDATION = 1000 };

/* `cache`: DATA_CACHE_AUTO keeps decoded images in a file where they, or their files, have more than DATA_CACHE_BYTES
 * in all. */
#define DATA_CACHE_AUTO "auto"
#define DATA_CACHE_OFF  "off"
enum { DATA_CACHE_BYTES = 256 << 20 };

typedef struct {
    char path[DATA_PATH_BYTES]; /* file or folder; "" with a toy */
    DataKind kind;              /* DATA_AUTO looks at the content */
    ToyKind toy;                /* not TOY_NONE: points; of the others only validation is read */
    int height, width;          /* 0: native (IDX, CIFAR) or the first image's size (folders) */
    int channels;               /* 1 grey, 3 colour, 2 and 4 with alpha; 0: as stored, alpha blended
                                   over black; folders: 3 when any image has colour */
    bool flip;                  /* horizontal flips in training batches */
    int limit;      /* at most this many: IDX and CIFAR the first, folders evenly; 0: all */
    int validation; /* images held out, or DATA_VALIDATION_AUTO */
    /* IDX, CIFAR: "", a list of names with commas between, or a text file with a name on each line */
    char class_names[DATA_PATH_BYTES];
    bool skip_bad; /* folders: leave out images that cannot be read (counted and listed) */
    /* Folders: DATA_CACHE_AUTO, DATA_CACHE_OFF, or the folder of the file of decoded images (data_cache.h), which is
     * then always made. Training alone reads it. */
    char cache[DATA_PATH_BYTES];
} DataConfig;

#endif
