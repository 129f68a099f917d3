/* A file of decoded images, which later runs read instead of decoding them again. It holds
 *   head       what the file is, its version and its byte order
 *   pixels     [count, height, width, channels]
 *   checksums  [count] CRC-32 of each image's pixels
 *   left out   [left_out] the numbers of files that could not be read, rising
 *   foot       DataCacheFacts, and the CRC-32 of all but the pixels
 * It is written as all files are (fsio.h), so it is whole or not there, whichever and however many processes make it.
 * Images are read by position, not mapped: what is wrong with the file later is an error of that read. */
#ifndef DIFFC_DATA_CACHE_H
#define DIFFC_DATA_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* To be raised when the layout changes, or what decoding and resizing give. */
enum { DATA_CACHE_VERSION = 1 };
#define DATA_CACHE_SUFFIX ".cache"

typedef struct {
    uint64_t source; /* a number that stands for what was read and how */
    uint64_t count;
    uint64_t left_out;
    uint32_t height, width, channels;
    uint32_t sizes; /* CRC-32 of the images' sizes as stored (Dataset.checksum) */
} DataCacheFacts;

typedef struct DataCache DataCache;

/* Opens the file where it is whole and made from this source. Otherwise false, and *why says what is wrong with it, as
 * one sentence; its kind is ERR_NONE where there is no such file. */
bool data_cache_open(DataCache **cache, const char *path, uint64_t source, Err *why);
void data_cache_close(DataCache *cache); /* NULL is fine */
const DataCacheFacts *data_cache_facts(const DataCache *cache);
const uint32_t *data_cache_checksums(const DataCache *cache); /* [count] CRC-32 of the pixels */
const uint32_t *data_cache_left_out(const DataCache *cache);  /* [left_out] */
const char *data_cache_path(const DataCache *cache);
/* Reads image i < count: pixels [height, width, channels]. By any number of threads. ERR_IO, and ERR_FORMAT where the
 * pixels are not those that were written. */
bool data_cache_read(const DataCache *cache, size_t i, unsigned char *pixels, Err *err);

/* Making one: images one by one, then the end. A failure of add removes what was written, and abort alone may follow. */
typedef struct DataCacheWriter DataCacheWriter;
/* facts: source, height, width and channels; `most` images can come. ERR_IO where the folder cannot be made or the disk
 * has no room for so many. */
bool data_cache_begin(DataCacheWriter **writer, const char *path, const DataCacheFacts *facts,
                      size_t most, Err *err);
/* Room for the pixels of one image, which add takes. */
unsigned char *data_cache_image(DataCacheWriter *writer);
bool data_cache_add(DataCacheWriter *writer, Err *err);
/* Ends the file, which is there then; frees the writer, also when it fails. */
bool data_cache_finish(DataCacheWriter *writer, uint32_t sizes, const uint32_t *left_out,
                       size_t left_out_count, Err *err);
void data_cache_abort(DataCacheWriter *writer); /* NULL is fine */

#endif
