/* What becomes of a data set's images: sizes and channels, split, order and flips. */
#include "base/mem.h"
#include "dataset_case.h"

TEST(idx_is_resized_and_widened_when_asked)
{
    write_bytes("a", idx_images, sizeof idx_images);
    DataOptions options = {.path = at("a"),
                           .config.height = 1,
                           .config.width = 1,
                           .config.channels = 3,
                           .config.limit = 2};
    Dataset d;
    if (!open_ok(&d, &options)) return;
    EXPECT_TEXT(d.description, "2 colour images of 1x1 (IDX)");
    EXPECT_SAME(d.pixels, "\2\2\2\14\14\14", 6); /* means 1.5 and 11.5, rounded up */
    dataset_close(&d);
}

TEST(grey_and_colour_get_an_opaque_alpha_when_asked)
{
    Dataset d;
    Err err;
    write_bytes("grey", idx_images, sizeof idx_images);
    for (int channels = 2; channels <= 4; channels += 2) {
        DataOptions options = {.path = at("grey"), .config.channels = channels};
        if (!EXPECT(dataset_open(&d, &options, NULL, NULL, &err))) continue;
        EXPECT_INT(d.channels, channels);
        size_t n = d.count * (size_t)d.height * (size_t)d.width, wrong = 0;
        for (size_t i = 0; i < n; i++) {
            const unsigned char *p = d.pixels + i * (size_t)channels;
            wrong += p[channels - 1] != 255 || (channels == 4 && (p[0] != p[1] || p[0] != p[2]));
        }
        EXPECT_INT((long long)wrong, 0);
        EXPECT_CONTAINS(d.description, channels == 2 ? "grey with alpha" : "colour with alpha");
        dataset_close(&d);
    }
}

/* 200 images of 1x2: image i is i, 255 - i. */
static void write_numbered(const char *name)
{
    unsigned char bytes[16 + 400] = {0, 0, 8, 3, 0, 0, 0, 200, 0, 0, 0, 1, 0, 0, 0, 2};
    for (int i = 0; i < 200; i++) {
        bytes[16 + 2 * i] = (unsigned char)i;
        bytes[17 + 2 * i] = (unsigned char)(255 - i);
    }
    write_bytes(name, bytes, sizeof bytes);
}

/* Which of them a sample is. */
static int number_of(const float x[2])
{
    EXPECT_INT(image_byte(x[0]) + image_byte(x[1]), 255);
    return image_byte(x[0]);
}

TEST(validation_images_are_never_trained_on_and_the_split_depends_on_the_seed_alone)
{
    write_numbered("a");
    uint32_t splits[3][200];
    for (int run = 0; run < 3; run++) {
        Dataset d;
        DataOptions options = {.path = at("a"), .config.validation = 50, .seed = run == 2 ? 8 : 7};
        if (!open_ok(&d, &options)) return;
        EXPECT_INT(d.train_count, 150);
        EXPECT_INT(d.validation_count, 50);
        bool held[256] = {false};
        float x[2];
        for (size_t i = 0; i < 50; i++) {
            dataset_validation_sample(&d, i, x, NULL, NULL);
            int k = number_of(x);
            EXPECT(!held[k]);
            held[k] = true;
        }
        for (uint64_t i = 0; i < 450; i++) {
            dataset_train_sample(&d, i, x, NULL, NULL);
            EXPECT(!held[number_of(x)]);
        }
        memcpy(splits[run], d.split, sizeof splits[run]);
        dataset_close(&d);
    }
    EXPECT_SAME(splits[0], splits[1], sizeof splits[0]);
    EXPECT(memcmp(splits[0], splits[2], sizeof splits[0]) != 0);
}

TEST(every_epoch_is_another_permutation_and_any_sample_can_be_asked_for_alone)
{
    write_numbered("a");
    Dataset d, alone;
    DataOptions options = {.path = at("a"), .seed = 3};
    if (!open_ok(&d, &options) || !open_ok(&alone, &options)) return;
    int order[3][200];
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        bool seen[256] = {false};
        for (uint64_t i = 0; i < 200; i++) {
            float x[2];
            dataset_train_sample(&d, 200 * epoch + i, x, NULL, NULL);
            order[epoch][i] = number_of(x);
            EXPECT(!seen[order[epoch][i]]);
            seen[order[epoch][i]] = true;
        }
    }
    EXPECT(memcmp(order[0], order[1], sizeof order[0]) != 0);
    EXPECT(memcmp(order[1], order[2], sizeof order[0]) != 0);
    static const uint64_t numbers[] = {599, 0, 401, 200};
    for (int i = 0; i < 4; i++) {
        float x[2];
        dataset_train_sample(&alone, numbers[i], x, NULL, NULL);
        EXPECT_INT(number_of(x), order[numbers[i] / 200][numbers[i] % 200]);
    }
    dataset_close(&d);
    dataset_close(&alone);
}

TEST(by_default_1000_images_are_held_out_and_never_more_than_a_tenth)
{
    static const struct {
        size_t images, held_out;
    } cases[] = {{1, 0},  {9, 0},      {10, 1},       {20, 2},
                 {29, 2}, {9999, 999}, {10000, 1000}, {12345, 1000}};
    static unsigned char bytes[16 + 12345];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = cases[i].images;
        unsigned char header[16] = {
            0, 0, 8, 3, 0, 0, (unsigned char)(n >> 8), (unsigned char)n, 0, 0, 0, 1, 0, 0, 0, 1};
        Dataset d;
        memcpy(bytes, header, sizeof header);
        write_bytes("a", bytes, sizeof header + n);
        DataOptions options = {.path = at("a"), .config.validation = DATA_VALIDATION_AUTO};
        if (!open_ok(&d, &options)) return;
        EXPECT_INT(d.validation_count, cases[i].held_out);
        EXPECT_INT(d.train_count, n - cases[i].held_out);
        dataset_close(&d);
        options.config.limit = 5;
        if (!open_ok(&d, &options)) return;
        EXPECT_INT(d.validation_count, 0);
        dataset_close(&d);
    }
}

TEST(half_of_the_training_images_are_flipped_and_no_validation_image_is)
{
    /* 500 images of a dark and a bright pixel. */
    unsigned char bytes[16 + 1000] = {0, 0, 8, 3, 0, 0, 1, 244, 0, 0, 0, 1, 0, 0, 0, 2};
    for (int i = 0; i < 500; i++) bytes[17 + 2 * i] = 255;
    write_bytes("a", bytes, sizeof bytes);
    Dataset d;
    if (!open_ok(&d,
                 &(DataOptions){.path = at("a"), .config.flip = true, .config.validation = 100}))
        return;
    int flips = 0, changed = 0;
    float x[2], first[400];
    for (uint64_t i = 0; i < 4000; i++) {
        dataset_train_sample(&d, i, x, NULL, NULL);
        EXPECT(x[0] == -x[1]);
        flips += x[0] > 0;
        if (i < 400) first[d.order[i]] = x[0];
        if (i >= 400 && i < 800) changed += first[d.order[i - 400]] != x[0];
    }
    EXPECT_NEAR(flips, 2000, 5 * 31.6); /* sigma = sqrt(4000) / 2 */
    EXPECT_NEAR(changed, 200, 5 * 10);  /* each epoch draws anew */
    for (size_t i = 0; i < 100; i++) {
        dataset_validation_sample(&d, i, x, NULL, NULL);
        EXPECT(x[0] == -1 && x[1] == 1);
    }
    dataset_close(&d);
}

TEST(samples_are_u_over_127_5_minus_1_with_their_label)
{
    write_bytes("train-images-idx3-ubyte", idx_images, sizeof idx_images);
    write_bytes("train-labels-idx1-ubyte", idx_labels, sizeof idx_labels);
    Dataset d;
    if (!open_ok(&d, &(DataOptions){.path = test_folder()})) return;
    for (uint64_t i = 0; i < 3; i++) {
        float x[4];
        int label = -1;
        dataset_train_sample(&d, i, x, &label, NULL);
        int base = image_byte(x[0]);
        for (int k = 0; k < 4; k++) EXPECT(x[k] == (float)(base + k) / 127.5f - 1.0f);
        EXPECT_INT(label, base == 0 ? 4 : base == 10 ? 0 : 9);
    }
    dataset_close(&d);
}
