/* What the gate before stb refuses, and unusual images that must still decode exactly. */

#include "base/mem.h"
#include "data/image.h"
#include "image_draft.h"
#include "test.h"

/* A 2x2 grey PNG with rows 1 2 / 3 4 and, before the data, one more chunk if type is given. */
static void small_png(Draft *d, const char *type, const void *body, size_t size)
{
    put_start(d, 2, 2, 8, 0, 0);
    if (type) put_chunk(d, type, body, size);
    put_data(d, "\0\1\2\0\3\4", 6);
    put_end(d);
}

static void expect_pixels(const Draft *d, int channels, int asked, const char *pixels, size_t size)
{
    Image image;
    Err err = {0};
    if (!EXPECT_OK(image_decode(d->bytes, d->size, "file", asked, &image, &err), err)) return;
    EXPECT_INT(image.channels, channels);
    EXPECT_INT(image.height * image.width * image.channels, (long long)size);
    EXPECT_SAME(image.pixels, pixels, size);
    image_free(&image);
}

static void expect_every_cut_refused(const unsigned char *bytes, size_t size)
{
    for (size_t cut = 0; cut < size; cut++) {
        /* A block of its own, so that a sanitizer sees a read beyond the cut. */
        unsigned char *part = malloc(cut + 1);
        memcpy(part, bytes, cut);
        Image image;
        Err err = {0};
        unsigned char *exact = realloc(part, cut ? cut : 1);
        if (!EXPECT(!image_decode(exact, cut, "file", 0, &image, &err))) {
            printf("  accepted when cut to %zu of %zu bytes\n", cut, size);
            image_free(&image);
        }
        EXPECT_INT(err.kind, ERR_FORMAT);
        free(exact);
    }
}

TEST(a_file_cut_at_any_byte_is_refused)
{
    static const char *const paths[] = {IMAGES "quadrants.jpg", IMAGES "progressive.jpg",
                                        IMAGES "grey.jpg", IMAGES "restart.jpg"};
    for (int i = 0; i < 4; i++) {
        Draft d = read_draft(paths[i]);
        expect_every_cut_refused(d.bytes, d.size);
    }
    unsigned char pixels[3 * 6 * 5], *png;
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (unsigned char)(i * 37);
    Image image = {.height = 6, .width = 5, .channels = 3, .pixels = pixels};
    size_t size;
    if (!EXPECT(image_encode_png(&image, "some text", "PNG", &png, &size, NULL))) return;
    expect_every_cut_refused(png, size);
    mem_free(png);
}

TEST(png_with_any_single_bit_flipped_is_refused)
{
    Draft d;
    small_png(&d, NULL, NULL, 0);
    for (size_t bit = 0; bit < 8 * d.size; bit++) {
        Image image;
        d.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        if (!EXPECT(!image_decode(d.bytes, d.size, "file", 0, &image, NULL))) {
            printf("  accepted with bit %zu flipped\n", bit);
            image_free(&image);
        }
        d.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    expect_pixels(&d, 1, 0, "\1\2\3\4", 4);
}

TEST(png_checks_have_their_own_words)
{
    Draft d;
    small_png(&d, NULL, NULL, 0);
    d.bytes[d.size - 1] ^= 1;
    expect_refused(d.bytes, d.size, "the checksum of chunk IEND at byte");
    small_png(&d, NULL, NULL, 0);
    expect_refused(d.bytes, d.size - 12, "ends without the end chunk (cut?)");
    expect_refused(d.bytes, d.size - 1, "ends without the end chunk (cut?)");
    small_png(&d, "IHDR", "\0\0\0\2\0\0\0\2\10\0\0\0\0", 13);
    expect_refused(d.bytes, d.size, "two headers");
    small_png(&d, "CgBI", "\0\0\0\0", 4);
    expect_refused(d.bytes, d.size, "PNG chunk CgBI is not known, but needed");
    small_png(&d, "PLTE", "\1\2\3", 3);
    expect_refused(d.bytes, d.size, "grey with a palette");
    small_png(&d, "tRNS", "\0", 1);
    expect_refused(d.bytes, d.size, "transparency does not fit");
    small_png(&d, "te1t", "\0", 1);
    expect_refused(d.bytes, d.size, "chunk type is not four letters");
    small_png(&d, "teSt", "anything", 8);
    expect_pixels(&d, 1, 0, "\1\2\3\4", 4);
    put_start(&d, 2, 2, 8, 0, 0);
    put_end(&d);
    expect_refused(d.bytes, d.size, "no image data");
    put_start(&d, 2, 2, 4, 2, 0);
    expect_refused(d.bytes, d.size, "colour type 2 with 4 bits");
    put_start(&d, 0, 2, 8, 0, 0);
    expect_refused(d.bytes, d.size, "empty image of 0x2 pixels");
    put_png(&d, 2, 1, 8, 3, 0, "\0\0\0", 3);
    expect_refused(d.bytes, d.size, "palette is missing");
}

TEST(png_data_must_have_exactly_the_declared_length)
{
    Draft d;
    put_png(&d, 2, 2, 8, 0, 0, "\0\1\2\0\3", 5);
    expect_refused(d.bytes, d.size, "image data ends early");
    put_png(&d, 2, 2, 8, 0, 0, "\0\1\2\0\3\4\0", 7);
    expect_refused(d.bytes, d.size, "more image data than its header declares");
    put_start(&d, 2, 2, 8, 0, 0);
    put_chunk(&d, "IDAT", "\x78\x9C\xFF\xFF\xFF\xFF", 6);
    put_end(&d);
    expect_refused(d.bytes, d.size, "compressed data is corrupt");
    put_png(&d, 2, 2, 8, 0, 0, "\7\1\2\0\3\4", 6);
    expect_refused(d.bytes, d.size, "filter");
}

TEST(png_data_may_come_in_pieces_but_not_with_gaps)
{
    Draft d;
    unsigned char packed[64];
    uLongf size = sizeof packed;
    EXPECT(compress(packed, &size, (const unsigned char *)"\0\1\2\0\3\4", 6) == Z_OK);
    for (int gap = 0; gap < 2; gap++) {
        put_start(&d, 2, 2, 8, 0, 0);
        put_chunk(&d, "IDAT", NULL, 0);
        put_chunk(&d, "IDAT", packed, 3);
        if (gap) put_chunk(&d, "teSt", NULL, 0);
        put_chunk(&d, "IDAT", packed + 3, size - 3);
        put_end(&d);
        if (gap)
            expect_refused(d.bytes, d.size, "not in one piece");
        else
            expect_pixels(&d, 1, 0, "\1\2\3\4", 4);
    }
}

TEST(png_alpha_is_blended_over_black)
{
    Draft d;
    put_png(&d, 2, 1, 8, 6, 0, "\0\377\310\144\200\377\377\377\0", 9);
    /* 255, 200, 100 at 128/255; white at 0. */
    expect_pixels(&d, 3, 0, "\200\144\62\0\0\0", 6);
    put_png(&d, 2, 1, 8, 4, 0, "\0\310\200\310\377", 5);
    expect_pixels(&d, 1, 0, "\144\310", 2);
    expect_pixels(&d, 3, 3, "\144\144\144\310\310\310", 6);
    put_start(&d, 2, 1, 8, 0, 0); /* the grey value 7 is transparent */
    put_chunk(&d, "tRNS", "\0\7", 2);
    put_data(&d, "\0\7\11", 3);
    put_end(&d);
    expect_pixels(&d, 1, 0, "\0\11", 2);
}

TEST(png_palettes_expand_and_indices_beyond_them_are_black)
{
    Draft d;
    put_start(&d, 4, 1, 8, 3, 0);
    put_chunk(&d, "PLTE", "\1\2\3\310\310\310\7\10\11", 9);
    put_chunk(&d, "tRNS", "\377\200", 2);
    put_data(&d, "\0\0\1\2\310", 5);
    put_end(&d);
    expect_pixels(&d, 3, 0, "\1\2\3\144\144\144\7\10\11\0\0\0", 12);
}

TEST(png_of_1_2_4_and_16_bits_and_interlaced_decode_exactly)
{
    Draft d;
    put_png(&d, 9, 1, 1, 0, 0, "\0\252\200", 3);
    expect_pixels(&d, 1, 0, "\377\0\377\0\377\0\377\0\377", 9);
    put_png(&d, 4, 1, 2, 0, 0, "\0\33", 2);
    expect_pixels(&d, 1, 0, "\0\125\252\377", 4);
    put_png(&d, 2, 1, 4, 0, 0, "\0\21", 2);
    expect_pixels(&d, 1, 0, "\21\21", 2);
    put_png(&d, 2, 1, 16, 0, 0, "\0\1\377\200\0", 5);
    expect_pixels(&d, 1, 0, "\1\200", 2);
    put_start(&d, 3, 3, 8, 0, 1); /* passes 1 (0,0), 5 (2,0 2,2), 6 (0,1 2,1), 7 (row 1) */
    put_data(&d, "\0\1\0\3\0\7\11\0\2\0\10\0\4\5\6", 15);
    put_end(&d);
    expect_pixels(&d, 1, 0, "\1\2\3\4\5\6\7\10\11", 9);
}

TEST(png_exif_orientation_is_applied)
{
    Draft d;
    small_png(&d, "eXIf", "MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\6\0\0", 22);
    expect_pixels(&d, 1, 0, "\3\1\4\2", 4);
}

TEST(bombs_are_refused_before_stb_allocates_anything)
{
    Draft d;
    image_test_allocations(0);
    put_start(&d, 60000, 60000, 8, 6, 0);
    put_end(&d);
    expect_refused(d.bytes, d.size, "60000x60000 pixels, more than the limit of 67108864");
    put_start(&d, 1u << 30, 1, 1, 0, 0);
    put_end(&d);
    expect_refused(d.bytes, d.size, "more than the limit");
    put_png(&d, 8000, 8000, 8, 2, 0, "\0\1\2\0\3\4", 6);
    expect_refused(d.bytes, d.size, "cannot hold 8000x8000 pixels");
    Draft jpeg = read_draft(IMAGES "progressive.jpg");
    for (size_t i = 0; i + 9 < jpeg.size; i++)
        if (jpeg.bytes[i] == 0xFF && jpeg.bytes[i + 1] == 0xC2) {
            memcpy(jpeg.bytes + i + 5, "\x1F\x40\x1F\x40", 4);
            expect_refused(jpeg.bytes, jpeg.size, "the data of a scan ends early");
            memcpy(jpeg.bytes + i + 5, "\xFF\xFF\xFF\xFF", 4);
            expect_refused(jpeg.bytes, jpeg.size, "65535x65535 pixels, more than the limit");
        }
    EXPECT_INT(image_test_allocations(0), 0);
    /* 8 bytes wide, but with a megabyte packed into it. */
    static unsigned char zeros[1 << 20];
    put_png(&d, 8, 8, 8, 0, 0, zeros, sizeof zeros);
    expect_refused(d.bytes, d.size, "more image data than its header declares");
    EXPECT_INT(image_test_allocations(0), 0);
}

static void remove_segment(Draft *d, int marker)
{
    size_t at = find_segment(d, marker);
    size_t length = 2 + (size_t)(d->bytes[at + 2] << 8 | d->bytes[at + 3]);
    memmove(d->bytes + at, d->bytes + at + length, d->size - at - length);
    d->size -= length;
}

TEST(jpeg_huffman_tables_that_stb_would_overflow_on_are_refused)
{
    Draft d = read_draft(IMAGES "quadrants.jpg");
    size_t at = find_segment(&d, 0xC4) + 4;
    expect_damage_refused(d, at, 0x20, "Huffman table 0 of class 2 does not exist");
    expect_damage_refused(d, at, 0x04, "Huffman table 4 of class 0 does not exist");
    expect_damage_refused(d, at + 1, 3, "more codes of 1 bits than there are");
    expect_damage_refused(d, at + 16, 200, "Huffman table");
    expect_damage_refused(d, at + 17, 12, "DC Huffman table has the value 12");
    remove_segment(&d, 0xC4);
    expect_refused(d.bytes, d.size, "Huffman table that was not defined");
}

TEST(jpeg_structure_checks_have_their_own_words)
{
    const Draft d = read_draft(IMAGES "quadrants.jpg");
    Draft bad = {.size = 0}; /* FF FF D8, a start that stb would take */
    expect_damage_refused(d, d.size - 1, 0, "ends without the end marker (cut?)");
    put(&bad, "\xFF", 1);
    put(&bad, d.bytes, d.size);
    expect_refused(bad.bytes, bad.size, "is not a PNG or JPEG image (it starts with FF FF D8 FF)");
    size_t frame = find_segment(&d, 0xC0), scan = find_segment(&d, 0xDA);
    bad.size = 0;
    put(&bad, d.bytes, scan);
    put(&bad, d.bytes + frame, 2 + 17);
    put(&bad, d.bytes + scan, d.size - scan);
    expect_refused(bad.bytes, bad.size, "two frame headers");
    expect_damage_refused(d, frame + 4, 12, "JPEG with 12 bits per sample");
    expect_damage_refused(d, frame + 1, 0xC9, "lossless, hierarchical or arithmetic kind FF C9");
    expect_damage_refused(d, frame + 11, 0x51, "sampling 5x1");
    bad = d;
    bad.bytes[frame + 11] = 0x31;
    bad.bytes[frame + 14] = 0x21;
    expect_refused(bad.bytes, bad.size, "sampling that does not divide the largest");
    bad = d;
    remove_segment(&bad, 0xC0);
    expect_refused(bad.bytes, bad.size, "a scan before the frame header");
    bad = d;
    remove_segment(&bad, 0xDB);
    remove_segment(&bad, 0xDB);
    expect_refused(bad.bytes, bad.size, "quantisation table that was not defined");
    expect_damage_refused(d, scan + 7, bad.bytes[scan + 5], "a scan names the component");
    expect_refused((const unsigned char *)"", 0, "is empty");
    expect_refused((const unsigned char *)"GIF89a", 6,
                   "is a GIF image (convert it to PNG), expected a PNG or");
}

TEST(jpeg_with_a_lost_restart_marker_is_refused)
{
    const Draft d = read_draft(IMAGES "restart.jpg");
    int found = 0;
    for (size_t i = find_segment(&d, 0xDA); i + 1 < d.size; i++) {
        if (d.bytes[i] != 0xFF || d.bytes[i + 1] < 0xD0 || d.bytes[i + 1] > 0xD7) continue;
        Draft bad = d;
        memmove(bad.bytes + i, bad.bytes + i + 2, d.size - i - 2);
        bad.size -= 2;
        expect_refused(bad.bytes, bad.size, "data lost?");
        found++;
    }
    EXPECT_INT(found, 5);
}

TEST(jpeg_with_too_many_scans_is_refused)
{
    Draft d = read_draft(IMAGES "grey.jpg");
    size_t scan = find_segment(&d, 0xDA), length = d.size - 2 - scan;
    Draft many = {.size = 0};
    put(&many, d.bytes, scan);
    for (int i = 0; i < 65; i++) put(&many, d.bytes + scan, length);
    put(&many, d.bytes + d.size - 2, 2);
    expect_refused(many.bytes, many.size, "more than 64 scans");
}

TEST(jpeg_with_changed_bytes_is_decoded_alike_or_refused_but_never_crashes)
{
    static const char *const paths[] = {IMAGES "quadrants.jpg", IMAGES "progressive.jpg",
                                        IMAGES "restart.jpg"};
    int accepted = 0;
    for (int i = 0; i < 3; i++) {
        Draft d = read_draft(paths[i]);
        for (size_t at = 0; at < d.size; at++)
            for (int change = 1; change < 256; change *= 4) {
                Image a, b;
                d.bytes[at] ^= (unsigned char)change;
                bool first = image_decode(d.bytes, d.size, "file", 0, &a, NULL);
                if (EXPECT(image_decode(d.bytes, d.size, "file", 0, &b, NULL) == first) && first) {
                    size_t size = (size_t)a.height * (size_t)a.width * (size_t)a.channels;
                    EXPECT_SAME(a.pixels, b.pixels, size);
                    accepted++;
                }
                image_free(&a);
                image_free(&b);
                d.bytes[at] ^= (unsigned char)change;
            }
    }
    EXPECT(accepted > 100);
}
