/* Shared by dataset.c, dataset_store.c and the loaders. A loader says how many images there are and stores them one
 * by one; storing converts size and channels to those of the data set. */
#ifndef DIFFC_DATASET_LOAD_H
#define DIFFC_DATASET_LOAD_H

#include "base/fsio.h"
#include "data/data_cache.h"
#include "data/dataset.h"
#include "data/image.h"

typedef struct {
    const DataOptions *options;
    Dataset *d;                  /* count grows with each stored image */
    size_t room;                 /* images there is memory for */
    const char *format;          /* for the description */
    char part[160];              /* the same: " train" of a folder with parts */
    const char *beside;          /* folders: what makes one whole of the parts, or NULL */
    const char *file;            /* folders: the image that is being stored */
    uint64_t file_bytes;         /* folders: of all files that are read */
    uint64_t source;             /* DataCacheFacts */
    char cache_path[PATH_BYTES]; /* folders: where decoded images may be kept; "": nowhere */
    Err unfit;                   /* why the file there cannot be used; ERR_NONE: there is none */
    DataCacheWriter *writer;     /* images go there, not into memory */
    uint32_t *left_out;          /* [left_out_count] the numbers of bad images */
    size_t left_out_count, left_out_room;
    bool colour, again; /* some image has colour; all images must be read again */
    DataProgress progress;
    void *context;
    Err *err;
} DataJob;

/* The number of `count` images that the limit allows. */
size_t data_limited(const DataJob *job, uint64_t count);

/* Room for `count` images (and labels); the options' size and channels, or the native ones. */
bool data_reserve(DataJob *job, uint64_t count, int height, int width, int channels, bool labels);

/* Appends an image, resized and cropped, with the channels of the data set. A grey data set whose channels the
 * options leave open becomes colour with its first colour image. */
bool data_store(DataJob *job, const Image *image, int label);
/* The same in two parts, for images that are resized elsewhere: whether it is to be resized to the options' size; and
 * appending it, which was stored with this height and width. */
bool data_needs_fit(const DataOptions *o, const Image *image);
bool data_keep(DataJob *job, const Image *fitted, int height, int width, int label);
/* The file of decoded images cannot be made: all images are read again, into memory. Returns false. */
bool data_cache_failed(DataJob *job, const Err *why);
/* Pixels, labels and names. */
void dataset_free_images(Dataset *d);

/* Counts and lists an image that cannot be read, where the options leave such out; else fails with
 * the reason. */
bool data_bad_image(DataJob *job, const Err *reason);

/* Fills the data set's description, once it is read. */
void data_describe(const DataJob *job);

/* The number of classes and their names, in the order of the labels. */
bool data_name_classes(DataJob *job, int count, ClassName *names);
/* Names the classes of a file whose labels are numbers, of which d->classes are known so far (0: there are no labels):
 * by data.class_names or, without it, by the file NAME in `folder`, where there is one. With more names than classes
 * there are more classes, which have no image. ERR_USAGE or ERR_FORMAT for names that cannot be used. */
bool data_name_numbers(DataJob *job, const char *folder, const char *name);

/* Whether folder/name is a file: an archive may have been unpacked into a folder of the file's name. */
bool data_is_file(const char *folder, const char *name);

/* Calls progress and sees interruptions. */
bool data_progress(DataJob *job, size_t done, size_t total);

/* A data set that shipped configurations name, and the two folders in which it is looked for. */
typedef struct {
    const char *installed; /* by a package */
    const char *local;     /* below the current folder */
    const char *advice;    /* what to do when it is in neither */
} DataPlace;
/* `path` when it exists; when it is one of the two folders and only the other exists, that one. */
const char *data_place_find(const DataPlace *place, const char *path);
/* Fills err for a path that cannot be opened (errno says why) and returns false. */
bool data_place_missing(const DataPlace *place, const char *path, Err *err);

/* IDX. has_test: whether a folder holds test images. find looks in it for the images of the wanted
 * part; *found tells whether it holds IDX files at all. load reads the images and, when their file
 * exists, the labels. */
bool data_idx_is_start(const unsigned char *bytes, size_t size);
bool data_idx_has_test(const char *folder, const Names *names);
bool data_idx_find(const DataJob *job, const Names *names, char *path, bool *found);
bool data_idx_load(DataJob *job, const char *path);

/* CIFAR-10 binary, likewise; `file` NULL means the wanted part of the folder options->path. The format has no
 * signature: a file is one when it holds a whole number of records. */
bool data_cifar_is_file(const char *path, bool *is, Err *err);
bool data_cifar_is_there(const char *folder, const Names *names);
bool data_cifar_load(DataJob *job, const char *folder, const Names *names, const char *file);

/* Folders of images. A folder that holds images nowhere but in parts, train (or training) and perhaps
 * test (testing) and val (valid, validation), in any case, and in runs of diffc train, is a data set
 * of which one part is read: the classes are the folders inside it. data_folder_part, *part: the
 * part's own name, NULL where there is none; *beside, if given, is what makes one whole of train and
 * test, because it lies beside them and is, or holds, an image. load's `part` is that of
 * options->path, or NULL. */
bool data_folder_part(const char *folder, const Names *names, bool test, const char **part,
                      const char **beside, Err *err);
bool data_folder_load(DataJob *job, const char *part);

#endif
