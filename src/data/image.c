/* The one file that sees stb: decoding of files that have passed the gate, encoding of PNG. stb gets
 * an arena of its own: zeroed memory, a budget, and everything freed at once when an assertion of
 * stb jumps out of it. Each thread has its own, because folders are decoded by several. */
#include "data/image.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/fsio.h"
#include "base/mem.h"
#include "data/image_gate.h"

typedef struct Block {
    struct Block *next, *previous;
    size_t size;
    _Alignas(16) unsigned char bytes[];
} Block;

static _Thread_local struct {
    Block *first;
    size_t used_bytes, budget_bytes;
    bool over_budget, short_of_memory;
    const char *assertion;
    jmp_buf jump;
    long made, fail_at; /* for tests */
} arena;

static void arena_begin(size_t budget_bytes)
{
    arena.used_bytes = 0;
    arena.budget_bytes = budget_bytes;
    arena.over_budget = arena.short_of_memory = false;
    arena.assertion = NULL;
}

static void *arena_alloc(size_t size)
{
    arena.made++;
    if (size > arena.budget_bytes - arena.used_bytes) {
        arena.over_budget = true;
        return NULL;
    }
    bool fails = arena.fail_at > 0 && --arena.fail_at == 0;
    /* Zeroed: a damaged JPEG leaves parts of its planes unset, and they would show the heap. */
    Block *block = fails ? NULL : calloc(1, sizeof *block + size);
    if (!block) {
        arena.short_of_memory = true;
        return NULL;
    }
    block->size = size;
    block->next = arena.first;
    if (arena.first) arena.first->previous = block;
    arena.first = block;
    arena.used_bytes += size;
    return block->bytes;
}

static void arena_free(void *bytes)
{
    if (!bytes) return;
    Block *block = (Block *)(void *)((unsigned char *)bytes - offsetof(Block, bytes));
    if (block->previous)
        block->previous->next = block->next;
    else
        arena.first = block->next;
    if (block->next) block->next->previous = block->previous;
    arena.used_bytes -= block->size;
    free(block);
}

static void *arena_resize(void *bytes, size_t old_size, size_t size)
{
    void *grown = arena_alloc(size);
    if (!grown) return NULL;
    if (bytes) memcpy(grown, bytes, old_size < size ? old_size : size);
    arena_free(bytes);
    return grown;
}

static void arena_end(void)
{
    while (arena.first) arena_free(arena.first->bytes);
}

static _Noreturn void arena_assert(const char *assertion)
{
    arena.assertion = assertion;
    longjmp(arena.jump, 1);
}

/* zlib compresses better than stb, whose growing buffer asserts when memory is short. */
static unsigned char *arena_deflate(unsigned char *data, int size, int *packed_size, int level)
{
    uLongf room = compressBound((uLong)size);
    unsigned char *packed = arena_alloc(room);
    *packed_size = 0; /* GCC 13 warns of stb's variable without */
    if (!packed) return NULL;
    if (compress2(packed, &room, data, (uLong)size, level) != Z_OK) {
        arena.short_of_memory = true;
        arena_free(packed);
        return NULL;
    }
    *packed_size = (int)room;
    return packed;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdouble-promotion"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_MALLOC(size)                         arena_alloc(size)
#define STBI_REALLOC_SIZED(bytes, old_size, size) arena_resize(bytes, old_size, size)
#define STBI_FREE(bytes)                          arena_free(bytes)
#define STBI_ASSERT(condition)                    ((condition) ? (void)0 : arena_assert(#condition))
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>
#define STBI_WRITE_NO_STDIO
#define STBIW_MALLOC(size)                             arena_alloc(size)
#define STBIW_REALLOC_SIZED(bytes, old_size, size)     arena_resize(bytes, old_size, size)
#define STBIW_FREE(bytes)                              arena_free(bytes)
#define STBIW_ASSERT(condition)                        ((condition) ? (void)0 : arena_assert(#condition))
#define STBIW_ZLIB_COMPRESS(data, size, packed, level) arena_deflate(data, size, packed, level)
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>
#pragma GCC diagnostic pop

long image_test_allocations(long fail_at)
{
    long made = arena.made;
    arena.made = 0;
    arena.fail_at = fail_at;
    return made;
}

/* Why stb gave nothing. */
static bool stb_failed(const char *name, const char *what, const char *reason, Err *err)
{
    if (arena.short_of_memory)
        return err_set(err, ERR_MEMORY, "%s: not enough memory to %s", name, what);
    if (arena.over_budget)
        return err_set(err, ERR_FORMAT, "%s: damaged: needs more than %zu bytes to %s", name,
                       arena.budget_bytes, what);
    if (arena.assertion)
        return err_set(err, ERR_FORMAT, "%s: damaged (%s does not hold)", name, arena.assertion);
    return err_set(err, ERR_FORMAT, "%s: damaged: %s", name, reason ? reason : "unknown reason");
}

const unsigned char *image_stb_decode(const unsigned char *bytes, size_t size, int *width,
                                      int *height, int channels)
{
    if (setjmp(arena.jump)) return NULL;
    int stored;
    return stbi_load_from_memory(bytes, (int)size, width, height, &stored, channels);
}

static unsigned char *stb_encode(const Image *image, int *size)
{
    if (setjmp(arena.jump)) return NULL;
    stbi_write_png_compression_level = 6;
    return stbi_write_png_to_mem(image->pixels, 0, image->width, image->height, image->channels,
                                 size);
}

const char *image_colour(int channels)
{
    static const char *const names[] = {"grey", "grey with alpha", "colour", "colour with alpha"};
    CHECK(channels >= 1 && channels <= IMAGE_MAX_CHANNELS);
    return names[channels - 1];
}

void image_put_pixel(unsigned char *out, int out_channels, const unsigned char *in, int in_channels,
                     bool alpha)
{
    bool kept = image_has_alpha(out_channels);
    unsigned a = alpha ? in[in_channels] : 255, over = kept ? 255 : a, c[3];
    for (int k = 0; k < 3; k++) c[k] = (in[in_channels == 3 ? k : 0] * over + 127) / 255;
    if (out_channels >= 3)
        for (int k = 0; k < 3; k++) out[k] = (unsigned char)c[k];
    else if (in_channels == 3)
        out[0] = (unsigned char)((299 * c[0] + 587 * c[1] + 114 * c[2] + 500) / 1000);
    else
        out[0] = (unsigned char)c[0];
    if (kept) out[out_channels - 1] = (unsigned char)a;
}

/* Copies stb's pixels [height, width, channels + alpha] into out, turned the way EXIF says: the
 * value names where row 0 and column 0 of the stored image belong. */
static void finish(const unsigned char *in, const ImageGate *gate, Image *out)
{
    size_t stride = (size_t)gate->channels + (gate->alpha ? 1 : 0);
    int h = gate->height, w = gate->width, orientation = gate->orientation;
    unsigned char *to = out->pixels;
    for (int y = 0; y < out->height; y++)
        for (int x = 0; x < out->width; x++, to += out->channels) {
            bool swapped = orientation >= 5;
            int row = swapped ? x : y, column = swapped ? y : x;
            if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7)
                row = h - 1 - row;
            if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8)
                column = w - 1 - column;
            const unsigned char *from = in + ((size_t)row * (size_t)w + (size_t)column) * stride;
            image_put_pixel(to, out->channels, from, gate->channels, gate->alpha);
        }
}

bool image_alloc(Image *image, int height, int width, int channels)
{
    *image = (Image){.height = height, .width = width, .channels = channels};
    image->pixels = mem_alloc((size_t)height * (size_t)width, (size_t)channels);
    return image->pixels != NULL;
}

bool image_decode(const unsigned char *bytes, size_t size, const char *name, int channels,
                  Image *out, Err *err)
{
    CHECK(channels >= IMAGE_AS_STORED && channels <= IMAGE_MAX_CHANNELS);
    *out = (Image){0};
    ImageGate gate;
    if (!image_gate(bytes, size, name, &gate, err)) return false;
    bool ok = false, swapped = gate.orientation >= 5;
    int width = 0, height = 0, stored = gate.channels + (gate.alpha ? 1 : 0);
    if (channels <= 0) channels = channels == IMAGE_AS_STORED ? stored : gate.channels;
    arena_begin(gate.budget_bytes);
    const unsigned char *pixels = gate.format->decode(
        gate.copy ? gate.copy : bytes, gate.copy ? gate.copy_bytes : size, &width, &height, stored);
    if (!pixels) {
        stb_failed(name, "decode", stbi_failure_reason(), err);
    } else if (width != gate.width || height != gate.height) {
        err_set(err, ERR_FORMAT, "%s: damaged: two different sizes are declared", name);
    } else if (!image_alloc(out, swapped ? width : height, swapped ? height : width, channels)) {
        err_set(err, ERR_MEMORY, "%s: not enough memory for %dx%d pixels", name, width, height);
    } else {
        finish(pixels, &gate, out);
        ok = true;
    }
    arena_end();
    image_gate_free(&gate);
    return ok;
}

bool image_load(const char *path, int channels, Image *out, Err *err)
{
    *out = (Image){0};
    FileBytes file;
    if (!file_read(path, IMAGE_MAX_BYTES, &file, err)) return false;
    bool ok = image_decode(file.bytes, file.size, path, channels, out, err);
    file_free(&file);
    return ok;
}

void image_free(Image *image)
{
    mem_free(image->pixels);
    image->pixels = NULL;
}

/* Writes a text chunk "parameters" to out (NULL: only counts) and returns its size. */
static size_t put_text(unsigned char *out, const char *text)
{
    static const char keyword[] = "parameters"; /* with its zero byte */
    /* iTXt: not compressed, method 0, no language, no translated keyword. */
    static const unsigned char international[4] = {0};
    size_t length = strlen(text), extra = 0;
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p >= 0x80) extra = sizeof international;
    size_t body = sizeof keyword + extra + length;
    if (!out) return body + 12;
    image_put_be32(out, (uint32_t)body);
    memcpy(out + 4, extra ? "iTXt" : "tEXt", 4);
    memcpy(out + 8, keyword, sizeof keyword);
    memcpy(out + 8 + sizeof keyword, international, extra);
    memcpy(out + 8 + sizeof keyword + extra, text, length);
    uint32_t crc = (uint32_t)crc32(crc32(0, NULL, 0), out + 4, (uInt)(4 + body));
    image_put_be32(out + 8 + body, crc);
    return body + 12;
}

bool image_encode_png(const Image *image, const char *text, const char *name, unsigned char **bytes,
                      size_t *size, Err *err)
{
    enum { HEADER_BYTES = 33, MAX_TEXT = 1 << 20 };
    CHECK(image->channels >= 1 && image->channels <= IMAGE_MAX_CHANNELS);
    *bytes = NULL;
    *size = 0;
    if (!image_gate_size((uint64_t)image->height, (uint64_t)image->width, name, err)) return false;
    if (text && strlen(text) > MAX_TEXT)
        return err_set(err, ERR_USAGE, "%s: its text has more than %d bytes", name, MAX_TEXT);
    arena_begin((size_t)1 << 31);
    int packed = 0;
    const unsigned char *png = stb_encode(image, &packed);
    size_t extra = text ? put_text(NULL, text) : 0;
    if (!png) {
        stb_failed(name, "encode", NULL, err);
    } else if (!(*bytes = mem_alloc((size_t)packed + extra, 1))) {
        err_set(err, ERR_MEMORY, "%s: not enough memory for %d bytes", name, packed);
    } else {
        *size = (size_t)packed + extra;
        memcpy(*bytes, png, HEADER_BYTES);
        if (text) put_text(*bytes + HEADER_BYTES, text);
        memcpy(*bytes + HEADER_BYTES + extra, png + HEADER_BYTES, (size_t)packed - HEADER_BYTES);
    }
    arena_end();
    return *bytes != NULL;
}

bool image_save_png(const char *path, const Image *image, const char *text, Err *err)
{
    unsigned char *bytes;
    size_t size;
    if (!image_encode_png(image, text, path, &bytes, &size, err)) return false;
    bool ok = file_write(path, bytes, size, err);
    mem_free(bytes);
    return ok;
}
