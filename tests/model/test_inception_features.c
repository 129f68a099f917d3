/* Features of Inception v3: pytorch-fid's values, bits that depend on nothing but the image, and refusals. */
#include "model/inception_features.h"

#include "base/parallel.h"
#include "inception_file.h"
#include "test.h"

static ImageSet images(Shape shape, size_t count)
{
    unsigned char *pixels = (unsigned char *)(void *)test_floats(count * shape_values(shape));
    for (size_t i = 0; i < count; i++)
        fill_inception_image(pixels + i * shape_values(shape), shape, (int)i);
    return (ImageSet){.shape = shape, .count = count, .pixels = pixels};
}

static float *features_of(Inception *in, const ImageSet *s)
{
    Err err = {0};
    float *y = test_floats(s->count * INCEPTION_FEATURES);
    EXPECT_OK(inception_features(in, s, NULL, y, &err), err);
    return y;
}

/* tests/golden/inception.py: "image H W C", then the features. */
static void compare_with_file(Inception *in)
{
    FILE *file = fopen("tests/golden/inception.txt", "r");
    Shape s;
    int seen = 0;
    if (!EXPECT(file)) return;
    while (fscanf(file, " image %d %d %d", &s.H, &s.W, &s.C) == 3) {
        ImageSet one = images(s, 1);
        float *expected = test_floats(INCEPTION_FEATURES), *found = features_of(in, &one);
        for (int i = 0; i < INCEPTION_FEATURES; i++)
            if (!EXPECT_INT(fscanf(file, "%f", &expected[i]), 1)) break;
        EXPECT_CLOSE(found, expected, INCEPTION_FEATURES, 2e-6);
        seen++;
    }
    EXPECT_INT(seen, 2);
    fclose(file);
}

/* Images of one call beside each of them alone and in another order. */
static void compare_with_images_alone(Inception *in)
{
    enum { COUNT = 3 };
    ImageSet all = images((Shape){17, 23, 3}, COUNT), last = all;
    float *together = features_of(in, &all);
    last.count = 1;
    last.pixels += (COUNT - 1) * image_set_dims(&all);
    EXPECT_SAME(features_of(in, &last), together + (COUNT - 1) * INCEPTION_FEATURES,
                INCEPTION_FEATURES * sizeof *together);
    uint32_t order[] = {2, 0};
    ImageSet chosen = {all.shape, 2, all.pixels, order};
    float *two = features_of(in, &chosen);
    EXPECT_SAME(two, together + 2 * INCEPTION_FEATURES, INCEPTION_FEATURES * sizeof *two);
    EXPECT_SAME(two + INCEPTION_FEATURES, together, INCEPTION_FEATURES * sizeof *two);
}

TEST(features_are_those_of_pytorch_fid_and_depend_on_the_image_alone)
{
    Err err = {0};
    Inception in;
    const char *path = test_path("inception.safetensors");
    write_inception_file(path);
    parallel_set_threads(1);
    if (EXPECT_OK(inception_open(&in, path, &err), err)) compare_with_file(&in);
    ImageSet grey = images((Shape){28, 28, 1}, 3); /* two side by side and one by both threads */
    float *one_thread = features_of(&in, &grey);
    inception_close(&in);
    parallel_set_threads(2);
    EXPECT_OK(inception_open(&in, path, &err), err);
    EXPECT_SAME(features_of(&in, &grey), one_thread, 3 * INCEPTION_FEATURES * sizeof *one_thread);
    compare_with_images_alone(&in);
    inception_close(&in);
}

TEST(images_with_alpha_are_refused)
{
    Err err = {0};
    EXPECT(inception_takes((Shape){8, 8, 1}, "a", &err));
    EXPECT(inception_takes((Shape){8, 8, 3}, "a", &err));
    EXPECT_REFUSED(inception_takes((Shape){8, 8, 2}, "a", &err), err, ERR_USAGE,
                   "a: has images of 2 channels");
    EXPECT_REFUSED(inception_takes((Shape){8, 8, 4}, "a", &err), err, ERR_USAGE, "1 or 3 channels");
}
