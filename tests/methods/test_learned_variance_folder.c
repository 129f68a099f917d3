/* Folders of models that have learnt their variance. */
#include "model/network_open.h"
#include "model_fixture.h"
#include "test.h"

/* ---- model folders ---- */

static ModelConfig folder_config(void)
{
    ModelConfig m = {.noise = {.T = 10, .beta_start = 1e-4, .beta_end = 0.02},
                     .sample.clip = true,
                     .clip_range = 1};
    unet_config_defaults(&m.unet);
    m.unet.levels = 1;
    m.unet.block_channels[0] = 32;
    m.unet.in_channels = 1;
    m.unet.out_channels = 2;
    m.unet.sample_height = m.unet.sample_width = 8;
    m.sample.variance = VARIANCE_LEARNED;
    return m;
}

TEST(a_folder_keeps_a_learned_variance_and_its_channels)
{
    ModelConfig m = folder_config(), read;
    Err err = {0};
    begin(1);
    EXPECT(model_folder_write(in_folder("model"), &m, &table, block, &err));
    FileBytes file;
    EXPECT(file_read(in_folder("model/scheduler/scheduler_config.json"), 1 << 16, &file, &err));
    EXPECT_CONTAINS((const char *)file.bytes, "\"variance_type\": \"learned_range\"");
    file_free(&file);
    if (!EXPECT(read_config("model", &read, &err))) return;
    EXPECT_INT(read.sample.variance, VARIANCE_LEARNED);
    EXPECT_INT(read.unet.out_channels, 2);
    EXPECT_INT(read.unet.in_channels, 1);
    EXPECT_INT(read.warning_count, 0);
}

TEST(a_folder_whose_channels_and_variance_disagree_is_refused_in_a_sentence)
{
    static const struct {
        int channels, T;
        VarianceKind variance;
        const char *part;
    } cases[] = {{1, 10, VARIANCE_LEARNED, "for which out_channels must be 2"},
                 {2, 10, VARIANCE_SMALL, "variance_type is not learned_range"},
                 {2, 1, VARIANCE_LEARNED, "num_train_timesteps is 1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ModelConfig m = folder_config(), read;
        Err err = {0};
        begin(1);
        m.unet.out_channels = cases[i].channels;
        m.noise.T = cases[i].T;
        m.sample.variance = cases[i].variance;
        EXPECT(model_folder_write(in_folder("model"), &m, &table, block, &err));
        EXPECT_REFUSED(read_config("model", &read, &err), err, ERR_FORMAT, cases[i].part);
    }
}
