/* Files of safetensors from the text of their headers. */
#ifndef DIFFC_TESTS_SAFETENSORS_CASE_H
#define DIFFC_TESTS_SAFETENSORS_CASE_H

#include "base/fsio.h"
#include "base/mem.h"
#include "io/safetensors.h"
#include "test.h"

/* A file with this header and this many bytes of data. */
static inline FileBytes make_file(const char *header, size_t header_size, size_t data)
{
    FileBytes file = {mem_alloc(8 + header_size + data + 1, 1), 8 + header_size + data};
    for (int i = 0; i < 8; i++) file.bytes[i] = (unsigned char)((uint64_t)header_size >> 8 * i);
    memcpy(file.bytes + 8, header, header_size);
    for (size_t i = 0; i < data; i++) file.bytes[8 + header_size + i] = (unsigned char)(i * 37);
    return file;
}

static inline bool open_text(Safetensors *st, const char *header, size_t data, Err *err)
{
    return safetensors_parse(st, make_file(header, strlen(header), data), "m.safetensors", err);
}

#define ENTRY(dtype, shape, offsets)                                                               \
    "{\"x\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

#endif
