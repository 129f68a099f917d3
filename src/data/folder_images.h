/* The images of a folder: decoded by all threads, or read from the file that an earlier run has made of them
 * (data_cache.h). */
#ifndef DIFFC_FOLDER_IMAGES_H
#define DIFFC_FOLDER_IMAGES_H

#include "data/folder_search.h"

typedef struct {
    DataJob *job;
    FolderSearch *search;
    size_t wanted;         /* files that are read, at least one */
    unsigned char *labels; /* [wanted] or NULL */
} FolderImages;

/* The file of image i < wanted, within the root. They are spread over the list, because its beginning may be one class. */
const char *folder_image_name(const FolderImages *f, size_t i);

/* Reads them in that order, which threads do not change. An image that cannot be read is an error that names it; with
 * skip_bad it is left out and listed. */
bool folder_images_read(FolderImages *f);

#endif
