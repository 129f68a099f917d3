/* Bytes of a regular file, inflated when it is gzip (recognised by content; several members in a
 * row count as one). Reading to the end checks every member's checksum and length. */
#ifndef DIFFC_DATA_STREAM_H
#define DIFFC_DATA_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef struct DataStream DataStream;

/* `path` must stay until data_stream_close. */
bool data_stream_open(DataStream **stream, const char *path, Err *err);
void data_stream_close(DataStream *stream); /* NULL is fine */

/* Reads up to `size` bytes; fewer only at the end. */
bool data_stream_read(DataStream *stream, void *out, size_t size, size_t *got, Err *err);

/* How many bytes reading a file to its end gives: its size, or what is inflated of gzip, counted by reading. */
bool data_stream_length(const char *path, uint64_t *bytes, Err *err);

/* The file's own size, and whether it is gzip. */
uint64_t data_stream_file_bytes(const DataStream *stream);
bool data_stream_is_gzip(const DataStream *stream);

#endif
