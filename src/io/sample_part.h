/* What `diffc sample` has finished of a long output, so that --continue can go on after an
 * interruption. A file in the folder or beside the .npz:
 *
 *   one line of JSON    the model and every setting that decides the images, as text
 *   a slot an image     its bytes, where no folder keeps them, and their checksum; zeros: not finished
 *
 * It is locked while it is written, and removed when the output is complete. */
#ifndef DIFFC_SAMPLE_PART_H
#define DIFFC_SAMPLE_PART_H

#include <stddef.h>

#include "base/fsio.h"
#include "io/json.h"

/* The settings begin with this key. */
#define SAMPLE_PART_KEY "diffc"

typedef struct {
    int fd; /* -1: there is none */
    char path[PATH_BYTES];
    size_t start;       /* of the first slot */
    size_t kept_bytes;  /* of an image in a slot; 0: a folder keeps it */
    size_t image_bytes; /* of an image */
    unsigned char *slot;
    bool begun_anew; /* over an unfinished one of ours */
} SamplePart;

/* Names the file: `npz`.part, or in `folder` (not NULL) by the seed of the first image. */
bool sample_part_name(char out[PATH_BYTES], const char *folder, const char *npz, uint64_t seed,
                      Err *err);
/* The keys and texts of `settings` (a JSON object) are what the images depend on. With `go_on` the
 * file must be there and of the same settings: else ERR_USAGE with what differs. Without, what is
 * there is replaced. */
bool sample_part_open(SamplePart *part, const char *path, const char *settings, size_t image_bytes,
                      bool keeps_images, bool go_on, Err *err);
/* Whether image `index` is finished: its bytes are read into `pixels` or, where a folder keeps them,
 * are those in `pixels`. */
bool sample_part_has(SamplePart *part, int index, unsigned char *pixels);
bool sample_part_put(SamplePart *part, int index, const unsigned char *pixels, Err *err);
/* drop: the file goes too. */
void sample_part_close(SamplePart *part, bool drop);

#endif
