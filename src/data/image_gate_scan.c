#include "data/image_gate_scan.h"

#include <string.h>

static const char ends_early[] = "the data of a scan ends early (data lost?)";
static const char bad_code[] = "a scan has a code that its Huffman table has not";
static const char beyond_band[] = "a scan has more coefficients than its band";
static const char too_large[] = "a coefficient is larger than 16 bits";

typedef struct {
    const JpegScan *scan;
    const unsigned char *at, *end;
    uint64_t bits; /* the next bits, from the highest down; zeros behind the last */
    int count;
    int dc[4];
    uint32_t end_run; /* blocks that have ended already */
    const char *error;
} Reader;

void jpeg_huffman_build(JpegHuffman *h, const unsigned char lengths[16],
                        const unsigned char *values)
{
    memset(h, 0, sizeof *h);
    uint32_t code = 0;
    int index = 0;
    for (int n = 1; n <= 16; n++) {
        h->offset[n] = index - (int)code;
        for (int i = 0; i < lengths[n - 1]; i++, code++, index++) {
            h->values[index] = values[index];
            if (n > JPEG_FAST_BITS) continue;
            uint32_t copies = 1u << (JPEG_FAST_BITS - n);
            memset(h->fast_length + code * copies, n, copies);
            memset(h->fast_value + code * copies, values[index], copies);
        }
        h->end[n] = code << (16 - n);
        code <<= 1;
    }
}

static bool fails(Reader *r, const char *error)
{
    r->error = error;
    return false;
}

/* Reads on to more than 56 bits or to the next marker, where r->at stays. */
static void fill(Reader *r)
{
    while (r->count <= 56 && r->at < r->end) {
        uint64_t byte = *r->at;
        if (byte == 0xFF) {
            const unsigned char *next = r->at + 1;
            while (next < r->end && *next == 0xFF) next++; /* fill bytes */
            if (next == r->end || *next != 0) return;
            r->at = next;
        }
        r->at++;
        r->bits |= byte << (56 - r->count);
        r->count += 8;
    }
}

static bool take(Reader *r, int n, uint32_t *value)
{
    if (r->count < n) fill(r);
    if (r->count < n) return fails(r, ends_early);
    *value = n ? (uint32_t)(r->bits >> (64 - n)) : 0;
    r->bits <<= n;
    r->count -= n;
    return true;
}

static bool take_code(Reader *r, const JpegHuffman *h, int *value)
{
    if (r->count < 16) fill(r);
    uint32_t next = (uint32_t)(r->bits >> 48);
    int n = h->fast_length[next >> (16 - JPEG_FAST_BITS)];
    if (n) {
        *value = h->fast_value[next >> (16 - JPEG_FAST_BITS)];
    } else {
        n = JPEG_FAST_BITS + 1;
        while (n <= 16 && next >= h->end[n]) n++;
        if (n > 16) return fails(r, r->count < 16 ? ends_early : bad_code);
        *value = h->values[(int)(next >> (16 - n)) + h->offset[n]];
    }
    if (n > r->count) return fails(r, ends_early);
    r->bits <<= n;
    r->count -= n;
    return true;
}

/* T.81 F.2.2.1: n bits as a value of either sign. */
static bool take_value(Reader *r, int n, int *value)
{
    uint32_t bits;
    if (!take(r, n, &bits)) return false;
    *value = n && bits < 1u << (n - 1) ? (int)bits - (1 << n) + 1 : (int)bits;
    return true;
}

static bool fits(Reader *r, int value, int factor)
{
    int64_t product = (int64_t)value * factor;
    return (product >= INT16_MIN && product <= INT16_MAX) || fails(r, too_large);
}

static bool read_dc(Reader *r, int i, int factor)
{
    int size, difference;
    if (!take_code(r, r->scan->component[i].dc, &size) || !take_value(r, size, &difference))
        return false;
    r->dc[i] += difference;
    return fits(r, r->dc[i], 1) && fits(r, r->dc[i], factor);
}

static bool baseline_block(Reader *r, int i)
{
    const JpegScanComponent *c = &r->scan->component[i];
    if (!read_dc(r, i, c->quantiser[0])) return false;
    for (int k = 1; k < 64; k++) {
        int code, value;
        if (!take_code(r, c->ac, &code)) return false;
        if ((code & 15) == 0) {
            if (code != 0xF0) break; /* the end of the block */
            k += 15;
            continue;
        }
        k += code >> 4;
        if (k > 63) return fails(r, beyond_band);
        if (!take_value(r, code & 15, &value) || !fits(r, value, c->quantiser[k])) return false;
    }
    return true;
}

/* A code of size 0 that is no run of 16 zeros: this block and `run` more end here. */
static bool take_end_run(Reader *r, int size)
{
    uint32_t bits;
    if (!take(r, size, &bits)) return false;
    r->end_run = (1u << size) + bits;
    return true;
}

static bool ac_first_block(Reader *r, uint64_t *nonzero)
{
    const JpegScan *s = r->scan;
    for (int k = s->first; r->end_run == 0 && k <= s->last; k++) {
        int code, value;
        if (!take_code(r, s->component[0].ac, &code)) return false;
        int run = code >> 4, size = code & 15;
        if (size == 0 && run < 15) {
            if (!take_end_run(r, run)) return false;
            break;
        }
        k += run;
        if (size == 0) continue;
        if (k > s->last) return fails(r, beyond_band);
        if (!take_value(r, size, &value) || !fits(r, value, 1 << s->low)) return false;
        *nonzero |= UINT64_C(1) << k;
    }
    if (r->end_run) r->end_run--;
    return true;
}

/* T.81 G.1.2.3: one bit more of each coefficient that is not 0, and new ones of size 1 among those
 * that are. */
static bool ac_refining_block(Reader *r, uint64_t *nonzero)
{
    const JpegScan *s = r->scan;
    int k = s->first;
    uint32_t bit;
    while (k <= s->last) {
        int code = 0x40, zeros = 64; /* without a code: to the end of the band */
        if (r->end_run == 0) {
            if (!take_code(r, s->component[0].ac, &code)) return false;
            zeros = code >> 4;
            if ((code & 15) > 1) return fails(r, bad_code);
            if ((code & 15) == 0 && zeros < 15) {
                if (!take_end_run(r, zeros)) return false;
                zeros = 64;
            }
            if ((code & 15) == 1 && !take(r, 1, &bit)) return false;
        }
        for (; k <= s->last; k++) {
            if (*nonzero >> k & 1) {
                if (!take(r, 1, &bit)) return false;
            } else if (zeros-- == 0) {
                break;
            }
        }
        if ((code & 15) == 1 && k > s->last) return fails(r, beyond_band);
        if ((code & 15) == 1) *nonzero |= UINT64_C(1) << k;
        k++;
    }
    if (r->end_run) r->end_run--;
    return true;
}

static bool read_block(Reader *r, int i, uint64_t unit)
{
    const JpegScan *s = r->scan;
    uint32_t bit;
    if (!s->progressive) return baseline_block(r, i);
    if (s->first == 0) return s->high ? take(r, 1, &bit) : read_dc(r, i, 1 << s->low);
    uint64_t *nonzero = &s->component[0].nonzero[unit];
    return s->high ? ac_refining_block(r, nonzero) : ac_first_block(r, nonzero);
}

/* At a restart marker less than a byte of padding is left, and everything starts anew. */
static bool pass_restart(Reader *r)
{
    fill(r);
    if (r->count >= 8) return fails(r, "data is left before a restart marker (data lost?)");
    while (r->at < r->end && *r->at == 0xFF) r->at++;
    if (r->at < r->end) r->at++;
    r->bits = 0;
    r->count = 0;
    r->end_run = 0;
    memset(r->dc, 0, sizeof r->dc);
    return true;
}

const char *jpeg_scan_check(const JpegScan *s)
{
    Reader r = {.scan = s, .at = s->bytes, .end = s->bytes + s->size};
    for (uint64_t unit = 0; unit < s->units; unit++) {
        if (s->restart && unit && unit % s->restart == 0 && !pass_restart(&r)) return r.error;
        for (int i = 0; i < s->count; i++)
            for (int b = 0; b < s->component[i].blocks; b++)
                if (!read_block(&r, i, unit)) return r.error;
    }
    return NULL;
}
