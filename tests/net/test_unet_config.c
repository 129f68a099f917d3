/* Configurations of U-Nets that cannot be. */
#include "unet_case.h"

/* ---- configuration ---- */

static const char *message(const UNetConfig *u, int H, int W)
{
    static Err err;
    err = (Err){0};
    if (unet_config_check(u, H, W, &err)) return "";
    EXPECT(err.kind == ERR_USAGE);
    return err.text;
}

TEST(sizes_that_cannot_be_halved_are_refused_with_sizes_that_can)
{
    UNetConfig u = tiny();
    EXPECT_TEXT(message(&u, 28, 28), "");
    EXPECT_TEXT(message(&u, 6, 28), "");
    u.levels = 3;
    u.block_channels[2] = 16;
    EXPECT_TEXT(message(&u, 30, 30),
                "images of 30x30 cannot be halved 2 times; heights and widths must be multiples "
                "of 4 (28 or 32 would do)");
    EXPECT_CONTAINS(message(&u, 28, 30), "(28x28 or 28x32 would do)");
    EXPECT_CONTAINS(message(&u, 2, 2), "(4 would do)");
    EXPECT_CONTAINS(message(&u, 0, 8), "image height is 0");
}

TEST(groups_that_do_not_divide_are_refused_with_groups_that_do)
{
    UNetConfig u = tiny();
    u.block_channels[1] = 20;
    u.groups = 8;
    EXPECT_TEXT(message(&u, 8, 8),
                "the norms' 8 groups do not divide the 20 channels of down_blocks.1.resnets.0."
                "norm2; 4 groups would divide all widths of this network");
    u.groups = 4;
    EXPECT_TEXT(message(&u, 8, 8), "");
    u.block_channels[1] = 16;
    u.groups = 0;
    EXPECT_TEXT(message(&u, 8, 8), "");
    u.attn_groups = 3;
    EXPECT_CONTAINS(message(&u, 8, 8), "3 groups do not divide its 16 channels");
}

/* `base` with one other value. */
#define REFUSED(base, change, words)                                                               \
    do {                                                                                           \
        UNetConfig other = base();                                                                 \
        other.change;                                                                              \
        EXPECT_CONTAINS(message(&other, 8, 8), words);                                             \
    } while (0)

TEST(every_other_bad_value_is_refused_by_name)
{
    REFUSED(tiny, head_dim = 17, "heads of 17 channels do not fit the 16 channels of level 1");
    REFUSED(tiny, layers_per_block = 13, "layers per block is 13; it must be 1 to 12");
    REFUSED(tiny, eps = 0.0, "eps is 0");
    REFUSED(tiny, dropout = 1.0, "dropout is 1");
    REFUSED(tiny, dropout = (double)NAN, "dropout is nan");
    REFUSED(tiny, mid_scale = 0.0, "scale factor is 0");
    REFUSED(tiny, downsample_padding = 2, "downsample padding is 2; it must be 0 to 1");
    REFUSED(classifier, noise_classes = 2, "number of noise levels is 2; it must be 3 to");
    REFUSED(classifier, classifier_channels = -1, "channels of the classifier is -1");
    REFUSED(classifier, scale_shift = true, "without an embedding, which scale_shift needs");
    REFUSED(classifier, classes = 3, "without an embedding, which a class label needs");
    REFUSED(tiny, freq_shift = 4.0, "freq_shift is 4; with 8 channels");
    REFUSED(tiny, block_channels[0] = 1,
            "the norms' 4 groups do not divide the 1 channel of down_blocks.0.resnets.0.norm1; 1 "
            "group would divide");
    REFUSED(tiny, levels = 9, "number of levels is 9");
    REFUSED(tiny, block_channels[1] = 0, "channel count of a level is 0");
    REFUSED(tiny, input_fouriers = 9, "number of input frequencies is 9");
    UNetConfig u = tiny();
    u.head_dim = 16;
    EXPECT_TEXT(message(&u, 8, 8), "");
    u.input_fouriers = 2;
    u.input_fourier[1] = 13;
    EXPECT_CONTAINS(message(&u, 8, 8), "exponent of an input frequency is 13; it must be 0 to 12");
}
