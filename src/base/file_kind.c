#include "base/file_kind.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct {
    size_t at; /* where the mark stands */
    const char *mark;
    size_t size;
    const char *kind;
} Mark;

#define MARK(at, text, kind)                                                                       \
    {                                                                                              \
        at, text, sizeof(text) - 1, kind                                                           \
    }

#define PICKLE                                                                                     \
    "a PyTorch checkpoint (a pickle, which can run code and is never opened; save the weights "    \
    "as safetensors)"

static const Mark marks[] = {
    MARK(0, "version https://git-lfs",
         "a Git LFS pointer (\"git lfs pull\" fetches the file itself)"),
    MARK(0, "\x1F\x8B", "packed with gzip (unpack it first)"),
    MARK(0, "PK\x03\x04", "a zip archive (unpack it first)"),
    MARK(0, "PK\x05\x06", "an empty zip archive"),
    MARK(0,
         "\xFD"
         "7zXZ",
         "packed with xz (unpack it first)"),
    MARK(0, "BZh", "packed with bzip2 (unpack it first)"),
    MARK(0, "\x28\xB5\x2F\xFD", "packed with zstd (unpack it first)"),
    MARK(0, "7z\xBC\xAF\x27\x1C", "a 7z archive (unpack it first)"),
    MARK(0, "Rar!\x1A\x07", "a RAR archive (unpack it first)"),
    MARK(257, "ustar", "a tar archive (unpack it first)"),
    MARK(0, "\x80\x02", PICKLE),
    MARK(0, "\x80\x03", PICKLE),
    MARK(0, "\x80\x04", PICKLE),
    MARK(0, "\x80\x05", PICKLE),
    MARK(0, "\x89PNG\r\n\x1A\n", "a PNG image"),
    MARK(0, "\xFF\xD8\xFF", "a JPEG image"),
    MARK(0, "GIF8", "a GIF image (convert it to PNG)"),
    MARK(8, "WEBP", "a WebP image (convert it to PNG)"),
    MARK(0, "II*\0", "a TIFF image (convert it to PNG)"),
    MARK(0, "MM\0*", "a TIFF image (convert it to PNG)"),
    MARK(0, "8BPS", "a Photoshop image (convert it to PNG)"),
    MARK(4, "ftypavif", "an AVIF image (convert it to PNG)"),
    MARK(4, "ftyphei", "a HEIC image (convert it to PNG)"),
    MARK(4, "ftypmif1", "a HEIC image (convert it to PNG)"),
    MARK(4, "ftyp", "a video (MP4 or MOV)"),
    MARK(0, "\0\0\1\0", "an icon (ICO; convert it to PNG)"),
    MARK(0, "\0\0\x08\1", "IDX labels"),
    MARK(0, "\0\0\x08\3", "IDX images"),
    MARK(0, "\0\0\x08\4", "IDX images"),
    MARK(0, "\x93NUMPY", "a NumPy array"),
    MARK(0, "\x89HDF\r\n\x1A\n", "an HDF5 file"),
    MARK(0, "GGUF", "a GGUF model"),
    MARK(0, "PAR1", "a Parquet table"),
    MARK(0, "SQLite format 3", "an SQLite database"),
    MARK(0, "%PDF", "a PDF document"),
    MARK(0,
         "\x7F"
         "ELF",
         "a program"),
    MARK(0, "\xFF\xFE", "text in UTF-16 (save it as UTF-8)"),
    MARK(0, "\xFE\xFF", "text in UTF-16 (save it as UTF-8)"),
};

/* An 8-byte length of the header, little endian, then the header, a JSON object. */
static bool is_safetensors(const unsigned char *bytes, size_t size)
{
    return size > 8 && bytes[4] == 0 && bytes[5] == 0 && bytes[6] == 0 && bytes[7] == 0 &&
           bytes[8] == '{';
}

/* BM, the size of the file in 4 bytes, 4 zeros. */
static bool is_bmp(const unsigned char *bytes, size_t size)
{
    static const unsigned char zeros[4] = {0};
    return size >= 14 && memcmp(bytes, "BM", 2) == 0 && memcmp(bytes + 6, zeros, 4) == 0;
}

static bool holds(const unsigned char *bytes, size_t size, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= size; i++)
        if (memcmp(bytes + i, word, length) == 0) return true;
    return false;
}

static bool starts_with(const unsigned char *bytes, size_t size, const char *word)
{
    size_t length = strlen(word);
    return size >= length && strncasecmp((const char *)bytes, word, length) == 0;
}

static bool is_text(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] == 0x7F || (bytes[i] < 0x20 && !isspace(bytes[i]))) return false;
    return true;
}

/* Recognises text by its first characters, after white space. */
static const char *text_kind(const unsigned char *bytes, size_t size)
{
    if (!is_text(bytes, size)) return NULL;
    while (size > 0 && isspace(*bytes)) bytes++, size--;
    if (starts_with(bytes, size, "<!doctype html") || starts_with(bytes, size, "<html") ||
        starts_with(bytes, size, "<head"))
        return "an HTML page (a login or error page in place of the download?)";
    if (starts_with(bytes, size, "<svg") ||
        (starts_with(bytes, size, "<?xml") && holds(bytes, size, "<svg")))
        return "an SVG drawing (convert it to PNG)";
    if (starts_with(bytes, size, "<?xml"))
        return "an XML file (an error in place of the download?)";
    if (size > 0 && *bytes == '{') return "JSON text";
    return "text";
}

const char *file_kind(const unsigned char *bytes, size_t size)
{
    if (size > FILE_KIND_BYTES) size = FILE_KIND_BYTES;
    if (size == 0) return "empty";
    if (starts_with(bytes, size, "PK\x03\x04") && holds(bytes, size, "data.pkl")) return PICKLE;
    if (starts_with(bytes, size, "PK\x03\x04") && holds(bytes, size, ".npy"))
        return "an .npz file of NumPy arrays";
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const Mark *m = &marks[i];
        if (size >= m->at + m->size && memcmp(bytes + m->at, m->mark, m->size) == 0) return m->kind;
    }
    if (is_safetensors(bytes, size)) return "a safetensors file";
    if (is_bmp(bytes, size)) return "a BMP image (convert it to PNG)";
    size_t zeros = 0;
    while (zeros < size && bytes[zeros] == 0) zeros++;
    if (zeros == size && size >= 64) return "zeros (a download that was cut?)";
    return text_kind(bytes, size);
}

bool file_kind_refuse(const char *path, const unsigned char *bytes, size_t size,
                      const char *expected, Err *err)
{
    enum { SHOWN = 4 };
    const char *kind = file_kind(bytes, size);
    if (kind) return err_set(err, ERR_FORMAT, "%s: is %s, expected %s", path, kind, expected);
    char start[3 * SHOWN + 1] = "";
    for (size_t i = 0; i < size && i < SHOWN; i++)
        snprintf(start + 3 * i, sizeof start - 3 * i, " %02X", bytes[i]);
    return err_set(err, ERR_FORMAT, "%s: is not %s (it starts with%s)", path, expected, start);
}
