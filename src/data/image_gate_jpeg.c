/* JPEG (ITU T.81), baseline, extended and progressive Huffman with 8 bits. Walks every marker as
 * stb will and refuses what stb 2.27 takes on trust: Huffman tables that overflow, scans whose
 * tables were never defined, sizes and scan counts that cost gigabytes or minutes, missing ends. The
 * data of each scan is read whole by image_gate_scan.c. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "data/image_gate.h"
#include "data/image_gate_scan.h"

enum { MAX_COMPONENTS = 4, TABLES = 4, MAX_SCANS = 64, MAX_SCAN_BLOCKS = 64 << 20 };

typedef struct {
    int id, h, v, quantiser;
    uint32_t blocks_wide, blocks_high; /* in a scan of its own */
    bool covered;                      /* a scan has brought its first (DC) values */
    uint64_t *nonzero; /* progressive: of each block, the AC values that are not 0 */
} Component;

typedef struct {
    const unsigned char *bytes;
    size_t size, at;
    const char *name;
    Err *err;
    bool framed, progressive;
    uint32_t width, height, units_wide, units_high; /* interleaved units (MCU) */
    int count;
    Component component[MAX_COMPONENTS];
    bool has_huffman[2][TABLES], has_quantiser[TABLES];
    JpegHuffman huffman[2][TABLES]; /* DC, AC */
    uint16_t quantiser[TABLES][64];
    uint32_t restart;
    int scans;
    uint64_t scan_blocks;
    int orientation;
} Jpeg;

__attribute__((format(printf, 2, 3))) static bool damaged(Jpeg *j, const char *format, ...)
{
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return err_set(j->err, ERR_FORMAT, "%s: damaged JPEG: %s", j->name, what);
}

static bool read_quantisers(Jpeg *j, const unsigned char *d, size_t length)
{
    while (length > 0) {
        int wide = d[0] >> 4, table = d[0] & 15;
        size_t bytes = wide ? 129 : 65;
        if (wide > 1 || table >= TABLES || length < bytes)
            return damaged(j, "a quantisation table is malformed");
        j->has_quantiser[table] = true;
        for (int k = 0; k < 64; k++)
            j->quantiser[table][k] =
                (uint16_t)(wide ? image_be16(d + 1 + 2 * (size_t)k) : d[1 + k]);
        d += bytes;
        length -= bytes;
    }
    return true;
}

static bool read_huffman(Jpeg *j, const unsigned char *d, size_t length)
{
    enum { MAX_DC_VALUE = 11 };
    while (length > 0) {
        if (length < 17) return damaged(j, "a Huffman table is cut");
        int class = d[0] >> 4, table = d[0] & 15;
        if (class > 1 || table >= TABLES)
            return damaged(j, "Huffman table %d of class %d does not exist", table, class);
        size_t values = 0;
        uint32_t code = 0; /* the codes used so far, at the current length */
        for (int bits = 1; bits <= 16; bits++) {
            code = 2 * code + d[bits];
            values += d[bits];
            if (code > 1u << bits)
                return damaged(j, "a Huffman table has more codes of %d bits than there are", bits);
        }
        if (values > 256) return damaged(j, "a Huffman table has %zu values", values);
        if (length < 17 + values) return damaged(j, "a Huffman table is cut");
        for (size_t i = 0; class == 0 && i < values; i++)
            if (d[17 + i] > MAX_DC_VALUE)
                return damaged(j, "a DC Huffman table has the value %d", d[17 + i]);
        j->has_huffman[class][table] = true;
        jpeg_huffman_build(&j->huffman[class][table], d + 1, d + 17);
        d += 17 + values;
        length -= 17 + values;
    }
    return true;
}

static bool read_frame(Jpeg *j, int marker, const unsigned char *d, size_t length)
{
    if (j->framed) return damaged(j, "it has two frame headers");
    if (length < 6 || length != 6 + 3 * (size_t)d[5])
        return damaged(j, "its frame header has %zu bytes", length);
    if (d[0] != 8)
        return err_set(j->err, ERR_FORMAT, "%s: JPEG with %d bits per sample; only 8 can be read",
                       j->name, d[0]);
    j->framed = true;
    j->progressive = marker == 0xC2;
    j->height = image_be16(d + 1);
    j->width = image_be16(d + 3);
    j->count = d[5];
    if (!image_gate_size(j->height, j->width, j->name, j->err)) return false;
    if (j->count != 1 && j->count != 3 && j->count != 4)
        return damaged(j, "%d colour components, expected 1, 3 or 4", j->count);
    int h_max = 1, v_max = 1;
    for (int i = 0; i < j->count; i++) {
        Component *c = &j->component[i];
        *c = (Component){.id = d[6 + 3 * i],
                         .h = d[7 + 3 * i] >> 4,
                         .v = d[7 + 3 * i] & 15,
                         .quantiser = d[8 + 3 * i]};
        if (c->h < 1 || c->h > 4 || c->v < 1 || c->v > 4 || c->quantiser >= TABLES)
            return damaged(j, "sampling %dx%d or quantiser %d of component %d does not exist", c->h,
                           c->v, c->quantiser, i + 1);
        for (int k = 0; k < i; k++)
            if (j->component[k].id == c->id)
                return damaged(j, "two components have the same id %d", c->id);
        if (c->h > h_max) h_max = c->h;
        if (c->v > v_max) v_max = c->v;
    }
    uint32_t unit_width = 8 * (uint32_t)h_max, unit_height = 8 * (uint32_t)v_max;
    j->units_wide = (j->width + unit_width - 1) / unit_width;
    j->units_high = (j->height + unit_height - 1) / unit_height;
    for (int i = 0; i < j->count; i++) {
        Component *c = &j->component[i];
        if (h_max % c->h != 0 || v_max % c->v != 0)
            return damaged(j, "component %d has a sampling that does not divide the largest",
                           i + 1);
        uint32_t wide = (j->width * (uint32_t)c->h + (uint32_t)h_max - 1) / (uint32_t)h_max;
        uint32_t high = (j->height * (uint32_t)c->v + (uint32_t)v_max - 1) / (uint32_t)v_max;
        c->blocks_wide = (wide + 7) / 8;
        c->blocks_high = (high + 7) / 8;
    }
    return true;
}

/* Entropy-coded data up to the next marker: restart markers must be those the interval asks for. */
static bool walk_entropy(Jpeg *j, uint64_t units)
{
    uint64_t restarts = 0;
    for (;;) {
        const unsigned char *next = memchr(j->bytes + j->at, 0xFF, j->size - j->at);
        if (!next || next + 1 >= j->bytes + j->size)
            return damaged(j, "it ends without the end marker (cut?)");
        j->at = (size_t)(next - j->bytes);
        int marker = next[1];
        if (marker == 0xFF) {
            j->at++;
        } else if (marker == 0) {
            j->at += 2;
        } else if (marker >= 0xD0 && marker <= 0xD7) {
            if (j->restart == 0) return damaged(j, "restart marker without an interval");
            if ((uint64_t)(marker - 0xD0) != restarts % 8)
                return damaged(j, "restart marker %llu is missing (data lost?)",
                               (unsigned long long)restarts);
            restarts++;
            j->at += 2;
        } else {
            break;
        }
    }
    uint64_t expected = j->restart ? (units - 1) / j->restart : 0;
    bool closing = j->restart && units % j->restart == 0 && restarts == units / j->restart;
    if (restarts != expected && !closing)
        return damaged(j, "a scan has %llu restart markers, expected %llu (data lost?)",
                       (unsigned long long)restarts, (unsigned long long)expected);
    return true;
}

/* Whether stb can follow the bands of a progressive or sequential scan. */
static bool check_bands(Jpeg *j, int first, int last, int high, int low, int count)
{
    if (!j->progressive) {
        if (first != 0 || high != 0 || low != 0)
            return damaged(j, "a sequential scan with progressive parameters");
        return true;
    }
    if (first > last || last > 63 || high > 13 || low > 13)
        return damaged(j, "scan of the bands %d to %d, bits %d to %d", first, last, high, low);
    if (first == 0 && last != 0) return damaged(j, "a scan mixes DC and AC values");
    if (first > 0 && count != 1) return damaged(j, "an AC scan of %d components", count);
    if (high != 0 && low != high - 1) return damaged(j, "a scan refines bit %d to %d", high, low);
    return true;
}

/* Whether component c can have a scan of such bands now; prepares what the scan writes. */
static bool begin_component(Jpeg *j, Component *c, int first, int high)
{
    if (!j->has_quantiser[c->quantiser])
        return damaged(j, "a scan uses a quantisation table that was not defined");
    bool starts = first == 0 && high == 0;
    if (j->progressive && starts == c->covered)
        return damaged(j, starts ? "a component starts twice" : "a scan of values without a DC");
    c->covered = true;
    if (first == 0 || c->nonzero) return true;
    c->nonzero = mem_alloc((size_t)c->blocks_wide * c->blocks_high, sizeof *c->nonzero);
    return c->nonzero || err_set(j->err, ERR_MEMORY, "%s: not enough memory to check it", j->name);
}

/* The scan's data: from `start` to the marker behind it. */
static bool check_data(Jpeg *j, JpegScan *scan, size_t start)
{
    if (!walk_entropy(j, scan->units)) return false;
    scan->bytes = j->bytes + start;
    scan->size = j->at - start;
    scan->restart = j->restart;
    scan->progressive = j->progressive;
    const char *wrong = jpeg_scan_check(scan);
    return !wrong || damaged(j, "%s", wrong);
}

static bool read_scan(Jpeg *j, const unsigned char *d, size_t length)
{
    if (!j->framed) return damaged(j, "a scan before the frame header");
    int count = length ? d[0] : 0;
    if (count < 1 || count > j->count || length != 4 + 2 * (size_t)count)
        return damaged(j, "a scan header of %zu bytes for %d components", length, count);
    if (++j->scans > MAX_SCANS) return damaged(j, "more than %d scans", MAX_SCANS);
    const unsigned char *bands = d + 1 + 2 * count;
    int first = bands[0], last = bands[1], high = bands[2] >> 4, low = bands[2] & 15;
    if (!check_bands(j, first, last, high, low, count)) return false;
    JpegScan scan = {.first = first, .last = last, .high = high, .low = low, .count = count};
    uint64_t blocks = 0;
    scan.units = (uint64_t)j->units_wide * j->units_high;
    unsigned seen = 0;
    for (int i = 0; i < count; i++) {
        int which = 0, dc = d[2 + 2 * i] >> 4, ac = d[2 + 2 * i] & 15;
        while (which < j->count && j->component[which].id != d[1 + 2 * i]) which++;
        if (which == j->count || seen & 1u << which)
            return damaged(j, "a scan names the component %d", d[1 + 2 * i]);
        seen |= 1u << which;
        Component *c = &j->component[which];
        bool needs_dc = first == 0 && high == 0, needs_ac = !j->progressive || first > 0;
        if (dc >= TABLES || ac >= TABLES || (needs_dc && !j->has_huffman[0][dc]) ||
            (needs_ac && !j->has_huffman[1][ac]))
            return damaged(j, "a scan uses a Huffman table that was not defined");
        if (!begin_component(j, c, first, high)) return false;
        if (count == 1) scan.units = (uint64_t)c->blocks_wide * c->blocks_high;
        scan.component[i] = (JpegScanComponent){.dc = &j->huffman[0][dc],
                                                .ac = &j->huffman[1][ac],
                                                .quantiser = j->quantiser[c->quantiser],
                                                .blocks = count == 1 ? 1 : c->h * c->v,
                                                .nonzero = c->nonzero};
        blocks += scan.units * (unsigned)scan.component[i].blocks;
    }
    j->scan_blocks += blocks;
    if (j->scan_blocks > MAX_SCAN_BLOCKS)
        return damaged(j, "its scans visit more than %d blocks", MAX_SCAN_BLOCKS);
    return check_data(j, &scan, j->at);
}

static bool read_segment(Jpeg *j, int marker, const unsigned char *d, size_t length)
{
    switch (marker) {
    case 0xC0:
    case 0xC1:
    case 0xC2:
        return read_frame(j, marker, d, length);
    case 0xC4:
        return read_huffman(j, d, length);
    case 0xDA:
        return read_scan(j, d, length);
    case 0xDB:
        return read_quantisers(j, d, length);
    case 0xDD:
        if (length != 2) return damaged(j, "its restart interval has %zu bytes", length);
        j->restart = image_be16(d);
        return true;
    case 0xE1:
        if (length > 6 && memcmp(d, "Exif\0", 6) == 0)
            j->orientation = image_exif_orientation(d + 6, length - 6);
        return true;
    default:
        break;
    }
    if (marker >= 0xE0 && marker <= 0xEF) return true; /* application data */
    if (marker == 0xFE) return true;                   /* comment */
    bool frame = marker >= 0xC3 && marker <= 0xCF && marker != 0xC8;
    return err_set(j->err, ERR_FORMAT, "%s: JPEG %s FF %02X cannot be read", j->name,
                   frame ? "of the lossless, hierarchical or arithmetic kind" : "marker", marker);
}

/* Moves behind the next marker and returns it; -1 with an error at the end of the file. */
static int next_marker(Jpeg *j)
{
    /* Zeros between segments occur in the wild; stb steps over them before the frame header. */
    while (!j->framed && j->at < j->size && j->bytes[j->at] != 0xFF) j->at++;
    if (j->at < j->size && j->bytes[j->at] != 0xFF) {
        damaged(j, "no marker at byte %zu", j->at);
        return -1;
    }
    while (j->at < j->size && j->bytes[j->at] == 0xFF) j->at++;
    if (j->at >= j->size) {
        damaged(j, "it ends without the end marker (cut?)");
        return -1;
    }
    return j->bytes[j->at++];
}

static bool walk_markers(Jpeg *j)
{
    j->at = 2;
    for (;;) {
        int marker = next_marker(j);
        if (marker < 0) return false;
        if (marker == 0xD9) return true;
        size_t left = j->size - j->at;
        size_t length = left >= 2 ? image_be16(j->bytes + j->at) : 0;
        if (length < 2 || length > left)
            return damaged(j, "segment FF %02X at byte %zu is cut", marker, j->at - 2);
        const unsigned char *data = j->bytes + j->at + 2;
        j->at += length;
        if (!read_segment(j, marker, data, length - 2)) return false;
    }
}

static bool check(const unsigned char *bytes, size_t size, const char *name, ImageGate *gate,
                  Err *err)
{
    enum { SLACK = 16 << 20 };
    Jpeg j = {.bytes = bytes, .size = size, .name = name, .err = err, .orientation = 1};
    bool whole = walk_markers(&j);
    for (int i = 0; i < MAX_COMPONENTS; i++) mem_free(j.component[i].nonzero);
    if (!whole) return false;
    if (!j.framed) return damaged(&j, "it has no frame header");
    uint64_t padded = 0;
    for (int i = 0; i < j.count; i++) {
        const Component *c = &j.component[i];
        if (!c->covered) return damaged(&j, "component %d of %d has no data", i + 1, j.count);
        padded += (uint64_t)j.units_wide * j.units_high * (unsigned)(64 * c->h * c->v);
    }
    gate->height = (int)j.height;
    gate->width = (int)j.width;
    gate->channels = j.count == 1 ? 1 : 3;
    gate->orientation = j.orientation;
    /* Planes (and, progressive, their 16-bit coefficients) in whole units, and the result. */
    uint64_t planes = padded * (j.progressive ? 3 : 1);
    gate->budget_bytes = (size_t)(planes + 4 * (uint64_t)j.height * j.width + SLACK);
    return true;
}

/* stb itself also takes FF FF D8, on a path that reads tables before any is defined. */
const ImageFormat image_jpeg = {.name = "JPEG",
                                .endings = {"jpg", "jpeg"},
                                .signature = {0xFF, 0xD8, 0xFF},
                                .signature_bytes = 3,
                                .check = check,
                                .decode = image_stb_decode};
