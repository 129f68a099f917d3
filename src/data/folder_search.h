/* The image files of a folder and of all its subfolders. */
#ifndef DIFFC_FOLDER_SEARCH_H
#define DIFFC_FOLDER_SEARCH_H

#include <sys/types.h>

#include "data/dataset_load.h"

typedef struct {
    dev_t device;
    ino_t number;
    bool known; /* else this place of the table is free */
} FolderId;

typedef struct {
    DataJob *job;
    const char *root, *part; /* part: the root's name in the data set's folder, or NULL */
    Names folders,
        files;   /* relative to the root, which is ""; files: images, in the order of their bytes */
    Names links; /* to folders, as they were found */
    bool first_only; /* stops at the first image */
    FolderId *ids;   /* [id_room] a hash table of the id_count folders that were met */
    size_t id_room, id_count;
    size_t ignored;
    size_t runs;         /* of diffc train, inside the root, which are left out */
    size_t repeated;     /* folders that links lead to again, which are taken once */
    char example[256];   /* one of the ignored files */
    uint64_t bytes;      /* of all files */
    uint64_t state;      /* a number that stands for the files' names, sizes and times */
    uint32_t file_names; /* for their names alone */
} FolderSearch;

/* Fills files and what follows them, from job, root and part. Images are told by their content, or by a name that
 * promises one. False with an error, which is data_bad_image's for a subfolder that cannot be listed. */
bool folder_search(FolderSearch *s);
void folder_search_free(FolderSearch *s);

bool folder_search_memory(const FolderSearch *s); /* ERR_MEMORY: returns false */
/* Hidden names, and the files that macOS adds. */
bool folder_skips(const char *name);
/* A folder of diffc train, whose pictures a model has drawn, by its configuration and its log. */
bool folder_is_run(const char *folder);
/* *holds: whether a search finds an image in it, and it is no run. What cannot be listed holds none. */
bool folder_holds_images(const char *folder, bool *holds, Err *err);

#endif
