/* The entropy-coded data of JPEG scans: what is damaged is refused before stb reads it, and every
 * sampling of colours decodes. */
#include "image_draft.h"

/* Offset of the marker behind the entropy-coded data that starts at `at`. */
static size_t end_of_data(const Draft *d, size_t at)
{
    while (at + 1 < d->size && (d->bytes[at] != 0xFF || d->bytes[at + 1] == 0 ||
                                (d->bytes[at + 1] >= 0xD0 && d->bytes[at + 1] <= 0xD7)))
        at++;
    return at;
}

static void without(Draft *d, size_t at, size_t count)
{
    memmove(d->bytes + at, d->bytes + at + count, d->size - at - count);
    d->size -= count;
}

TEST(jpeg_whose_scan_lost_its_last_bytes_is_refused_although_its_end_marker_is_there)
{
    static const char *const paths[] = {IMAGES "quadrants.jpg", IMAGES "progressive.jpg",
                                        IMAGES "grey.jpg", IMAGES "restart.jpg"};
    int scans = 0;
    for (int i = 0; i < 4; i++) {
        const Draft d = read_draft(paths[i]);
        for (size_t at = find_segment(&d, 0xDA); at + 1 < d.size;) {
            size_t start = at + 2 + (size_t)(d.bytes[at + 2] << 8 | d.bytes[at + 3]);
            size_t end = end_of_data(&d, start);
            for (size_t lost = 1; lost <= end - start; lost++) {
                /* Half of a stuffed FF 00 is another kind of damage, and so is a lost marker. */
                if (d.bytes[end - lost - 1] == 0xFF) continue;
                if (d.bytes[end - lost] == 0xFF && d.bytes[end - lost + 1] != 0) break;
                Draft bad = d;
                without(&bad, end - lost, lost);
                expect_refused(bad.bytes, bad.size, "data of a scan ends early (data lost?)");
            }
            scans++;
            for (at = end; d.bytes[at + 1] != 0xDA && d.bytes[at + 1] != 0xD9;)
                at += 2 + (size_t)(d.bytes[at + 2] << 8 | d.bytes[at + 3]);
            if (d.bytes[at + 1] == 0xD9) break;
        }
    }
    EXPECT(scans > 5);
}

TEST(jpeg_with_bytes_lost_before_a_restart_marker_or_left_there_is_refused)
{
    const Draft d = read_draft(IMAGES "restart.jpg");
    size_t at = find_segment(&d, 0xDA) + 14, end = at;
    while (d.bytes[end] != 0xFF || d.bytes[end + 1] != 0xD0) end++;
    Draft bad = d;
    without(&bad, end - 3, 3);
    expect_refused(bad.bytes, bad.size, "data of a scan ends early (data lost?)");
    bad.size = 0;
    put(&bad, d.bytes, end);
    put(&bad, "\1", 1);
    put(&bad, d.bytes + end, d.size - end);
    expect_refused(bad.bytes, bad.size, "left before a restart marker (data lost?)");
}

/* Sizes, sampling as in the header (0x21: two wide, one high) and the restart interval. */
typedef struct {
    bool progressive;
    unsigned width, height, restart;
    int components, sampling[3];
} Frame;

static void put_start_of_frame(Draft *d, const Frame *f)
{
    unsigned char size = (unsigned char)(8 + 3 * f->components);
    unsigned char frame[10] = {0xFF, f->progressive ? 0xC2 : 0xC0, 0, size, 8};
    frame[5] = (unsigned char)(f->height >> 8);
    frame[6] = (unsigned char)f->height;
    frame[7] = (unsigned char)(f->width >> 8);
    frame[8] = (unsigned char)f->width;
    frame[9] = (unsigned char)f->components;
    put(d, frame, sizeof frame);
    for (int i = 0; i < f->components; i++) {
        unsigned char component[3] = {(unsigned char)(i + 1), (unsigned char)f->sampling[i], 0};
        put(d, component, sizeof component);
    }
    unsigned char interval[6] = {0xFF, 0xDD, 0, 4, 0, (unsigned char)f->restart};
    if (f->restart) put(d, interval, sizeof interval);
}

/* A JPEG whose quantisers are all the same and whose Huffman tables have two codes each: DC 0 size
 * `dc`, 10 size 0; AC 0 the code `ac`, 10 the end of a block. Scans are added to it. */
static void start_frame(Draft *d, const Frame *f, unsigned quantiser, int dc, int ac)
{
    unsigned char table[64 * 2 + 5] = {0xFF, 0xDB, 0, 131, 0x10};
    for (int k = 0; k < 64; k++) {
        table[5 + 2 * k] = (unsigned char)(quantiser >> 8);
        table[6 + 2 * k] = (unsigned char)quantiser;
    }
    d->size = 0;
    put(d, "\xFF\xD8", 2);
    put(d, table, sizeof table);
    put_start_of_frame(d, f);
    for (int class = 0; class < 2; class ++) {
        unsigned char huffman[23] = {0xFF, 0xC4, 0, 21, (unsigned char)(class << 4), 1, 1};
        huffman[21] = (unsigned char)(class ? ac : dc);
        put(d, huffman, sizeof huffman);
    }
}

/* Without colour, 8 high. */
static void start_jpeg(Draft *d, bool progressive, unsigned blocks, unsigned quantiser, int dc,
                       int ac)
{
    Frame f = {progressive, 8 * blocks, 8, 0, 1, {0x11}};
    start_frame(d, &f, quantiser, dc, ac);
}

/* Data as a text of 0 and 1, filled up with ones. */
static void put_bits(Draft *d, const char *bits)
{
    while (*bits) {
        unsigned byte = 0;
        for (int i = 0; i < 8; i++) byte = 2 * byte + (*bits ? *bits++ == '1' : 1);
        unsigned char two[2] = {(unsigned char)byte, 0};
        put(d, two, byte == 0xFF ? 2 : 1);
    }
}

static void put_scan_header(Draft *d, int components, int first, int last, int high, int low)
{
    unsigned char start[5] = {0xFF, 0xDA, 0, (unsigned char)(6 + 2 * components),
                              (unsigned char)components};
    unsigned char bands[3] = {(unsigned char)first, (unsigned char)last,
                              (unsigned char)(high << 4 | low)};
    put(d, start, sizeof start);
    for (int i = 0; i < components; i++) {
        unsigned char component[2] = {(unsigned char)(i + 1), 0};
        put(d, component, sizeof component);
    }
    put(d, bands, sizeof bands);
}

/* One scan of the first component. */
static void put_scan(Draft *d, int first, int last, int high, int low, const char *bits)
{
    put_scan_header(d, 1, first, last, high, low);
    put_bits(d, bits);
}

static void expect_accepted(Draft *d, int width)
{
    Image image;
    Err err = {0};
    put(d, "\xFF\xD9", 2);
    if (!EXPECT(image_decode(d->bytes, d->size, "file", 0, &image, &err))) puts(err.text);
    EXPECT_INT(image.pixels ? image.width : 0, width);
    image_free(&image);
}

static void expect_refused_scan(Draft *d, const char *words)
{
    put(d, "\xFF\xD9", 2);
    expect_refused(d->bytes, d->size, words);
}

#define DC_MOST   "011111111111" /* a difference of 2047 */
#define BLOCK_END "10"

TEST(jpeg_coefficients_beyond_16_bits_are_refused_as_stb_would_overflow_on_them)
{
    Draft d;
    start_jpeg(&d, false, 1, 16, 11, 0x0F);
    put_scan(&d, 0, 63, 0, 0, DC_MOST BLOCK_END);
    expect_accepted(&d, 8); /* 2047 * 16 */
    start_jpeg(&d, false, 1, 17, 11, 0x0F);
    put_scan(&d, 0, 63, 0, 0, DC_MOST BLOCK_END);
    expect_refused_scan(&d, "a coefficient is larger than 16 bits");
    char bits[512] = "";
    for (int i = 0; i < 17; i++) strcat(bits, DC_MOST BLOCK_END);
    start_jpeg(&d, false, 17, 1, 11, 0x0F);
    put_scan(&d, 0, 63, 0, 0, bits);
    expect_refused_scan(&d, "a coefficient is larger than 16 bits"); /* the sum of differences */
    start_jpeg(&d, true, 1, 1, 11, 1);
    put_scan(&d, 0, 0, 0, 5, DC_MOST);
    expect_refused_scan(&d, "a coefficient is larger than 16 bits"); /* 2047 << 5 */
    start_jpeg(&d, false, 1, 2, 0, 0x0F);
    put_scan(&d, 0, 63, 0, 0,
             "0"
             "0"
             "111111111111111" BLOCK_END);
    expect_refused_scan(&d, "a coefficient is larger than 16 bits"); /* AC, 32767 * 2 */
}

TEST(jpeg_coefficients_of_16_bits_all_over_a_block_decode)
{
    /* Their transform goes beyond 32 bits, which is why stb is compiled with -fwrapv. */
    Draft d;
    char bits[2048] = DC_MOST;
    for (int k = 1; k < 64; k++)
        strcat(bits, "0"
                     "111111111111111");
    start_jpeg(&d, false, 1, 1, 11, 0x0F);
    put_scan(&d, 0, 63, 0, 0, bits);
    expect_accepted(&d, 8);
}

TEST(jpeg_codes_and_coefficients_outside_their_table_or_band_are_refused)
{
    Draft d;
    start_jpeg(&d, false, 1, 1, 0, 0xF1);
    put_scan(&d, 0, 63, 0, 0,
             "0"
             "01"
             "01"
             "01" BLOCK_END);
    expect_accepted(&d, 8);
    start_jpeg(&d, false, 1, 1, 0, 0xF1);
    put_scan(&d, 0, 63, 0, 0,
             "0"
             "01"
             "01"
             "01"
             "01" BLOCK_END);
    expect_refused_scan(&d, "more coefficients than its band");
    start_jpeg(&d, false, 1, 1, 0, 0xF1);
    put_scan(&d, 0, 63, 0, 0,
             "0"
             "11111111"
             "11111111");
    expect_refused_scan(&d, "a code that its Huffman table has not");
    start_jpeg(&d, true, 1, 1, 0, 0x31); /* three zeros, then a 1 */
    put_scan(&d, 0, 0, 0, 0, "0");
    put_scan(&d, 1, 3, 0, 0, "01");
    expect_refused_scan(&d, "more coefficients than its band");
    start_jpeg(&d, true, 1, 1, 0, 0x31);
    put_scan(&d, 0, 0, 0, 1, "0");
    put_scan(&d, 1, 3, 1, 0, "01");
    expect_refused_scan(&d, "more coefficients than its band");
    start_jpeg(&d, true, 1, 1, 0, 0x02); /* a refinement brings a 2 */
    put_scan(&d, 0, 0, 0, 1, "0");
    put_scan(&d, 1, 3, 1, 0, "01");
    expect_refused_scan(&d, "a code that its Huffman table has not");
}

TEST(jpeg_without_data_for_a_component_is_refused)
{
    Draft d = read_draft(IMAGES "quadrants.jpg");
    char bits[1024] = "";
    for (int i = 0; i < 64; i++) strcat(bits, "001010"); /* difference 0, end of block */
    d.size = find_segment(&d, 0xDA);
    put_scan(&d, 0, 63, 0, 0, bits);
    expect_refused_scan(&d, "component 2 of 3 has no data");
}

TEST(jpeg_scans_out_of_order_are_refused)
{
    Draft d;
    start_jpeg(&d, true, 1, 1, 0, 1);
    put_scan(&d, 1, 3, 0, 0, BLOCK_END);
    expect_refused_scan(&d, "a scan of values without a DC");
    start_jpeg(&d, true, 1, 1, 0, 1);
    put_scan(&d, 0, 0, 0, 0, "0");
    put_scan(&d, 0, 0, 0, 0, "0");
    expect_refused_scan(&d, "a component starts twice");
    start_jpeg(&d, true, 1, 1, 0, 1);
    put_scan(&d, 0, 0, 0, 3, "0");
    put_scan(&d, 0, 0, 3, 1, "1");
    expect_refused_scan(&d, "a scan refines bit 3 to 1");
}

/* The differences 40, -50 and 33, of size 6, with a quantiser of 8: levels 168, 78 and 161. */
static const char *const flat[3] = {"0101000", "0001101", "0100001"};

/* All units of a picture of one colour; with restarts the differences come anew. */
static void put_flat_units(Draft *d, const Frame *f, unsigned units)
{
    char bits[8192] = "";
    for (unsigned unit = 0; unit < units; unit++) {
        bool anew = unit == 0 || (f->restart && unit % f->restart == 0);
        if (anew && unit) {
            unsigned char marker[2] = {0xFF, (unsigned char)(0xD0 + (unit / f->restart - 1) % 8)};
            put_bits(d, bits);
            put(d, marker, 2);
            bits[0] = '\0';
        }
        for (int i = 0; i < f->components; i++)
            for (int b = 0; b < (f->sampling[i] >> 4) * (f->sampling[i] & 15); b++) {
                strcat(bits, anew && b == 0 ? flat[i] : "10");
                if (!f->progressive) strcat(bits, BLOCK_END);
            }
    }
    put_bits(d, bits);
    put(d, "\xFF\xD9", 2);
}

static void expect_flat(const Draft *d, const Frame *f)
{
    /* T.871: R = Y + 1.402 (Cr - 128) ... of 168, 78, 161. */
    static const double colour[3] = {168 + 1.402 * 33, 168 + 0.344136 * 50 - 0.714136 * 33,
                                     168 - 1.772 * 50};
    Image image;
    Err err = {0};
    if (!EXPECT_OK(image_decode(d->bytes, d->size, "file", 0, &image, &err), err)) return;
    EXPECT_INT(image.width, f->width);
    EXPECT_INT(image.height, f->height);
    EXPECT_INT(image.channels, f->components);
    int n = image.width * image.height * image.channels;
    for (int i = 0; i < n; i++)
        if (!EXPECT_NEAR(image.pixels[i], image.channels == 1 ? 168 : colour[i % 3], 1.001)) break;
    image_free(&image);
}

static void expect_flat_jpeg(const int sampling[3], unsigned restart, bool progressive, bool grey)
{
    Frame f = {progressive, 35, 21, restart, grey ? 1 : 3, {0x11}};
    unsigned wide = 8, high = 8; /* of a unit; a scan of one component goes by blocks */
    for (int i = 0; !grey && i < 3; i++) {
        unsigned h = (unsigned)sampling[i] >> 4, v = (unsigned)sampling[i] & 15;
        f.sampling[i] = sampling[i];
        if (8 * h > wide) wide = 8 * h;
        if (8 * v > high) high = 8 * v;
    }
    Draft d;
    start_frame(&d, &f, 8, 6, 0x01);
    put_scan_header(&d, f.components, 0, progressive ? 0 : 63, 0, 0);
    put_flat_units(&d, &f, (f.width + wide - 1) / wide * ((f.height + high - 1) / high));
    expect_flat(&d, &f);
}

TEST(jpeg_of_every_sampling_sequential_or_progressive_with_and_without_restarts_decodes)
{
    static const int samplings[][3] = {{0x11, 0x11, 0x11}, {0x21, 0x11, 0x11}, {0x12, 0x11, 0x11},
                                       {0x22, 0x11, 0x11}, {0x41, 0x11, 0x11}, {0x14, 0x11, 0x11},
                                       {0x42, 0x11, 0x11}, {0x44, 0x11, 0x11}, {0x22, 0x21, 0x21},
                                       {0x22, 0x12, 0x21}, {0x11, 0x22, 0x22}, {0x31, 0x11, 0x11}};
    for (size_t i = 0; i < sizeof samplings / sizeof *samplings; i++)
        for (unsigned restart = 0; restart < 4; restart++)
            for (int progressive = 0; progressive < 2; progressive++)
                for (int grey = 0; grey < 2; grey++)
                    expect_flat_jpeg(samplings[i], restart, progressive, grey);
}
