#include "base/fsio.h"
#include "base/mem.h"
#include "base/rng.h"
#include "io/diffusers/model_folder.h"
#include "io/safetensors.h"
#include "model_fixture.h"
#include "ops/ops.h"
#include "test.h"

static ModelConfig small_config(void)
{
    ModelConfig m;
    memset(&m, 0, sizeof m);
    unet_config_defaults(&m.unet);
    m.unet.levels = 2;
    m.unet.block_channels[0] = 32;
    m.unet.block_channels[1] = 64;
    m.unet.down_attention[1] = m.unet.up_attention[0] = true;
    m.unet.sample_height = m.unet.sample_width = 28;
    m.unet.in_channels = m.unet.out_channels = 1;
    m.unet.head_dim = 0;
    m.unet.eps = 1e-6;
    m.noise.T = 1000;
    m.noise.beta_start = 1e-4;
    m.noise.beta_end = 0.02;
    m.sample.clip = true;
    m.clip_range = 1;
    return m;
}

/* ---- writing ---- */

TEST(model_folder_writes_exactly_the_files_of_diffusers)
{
    Err err = {0};
    begin(1);
    ModelConfig m = small_config();
    EXPECT(model_folder_write(in_folder("m"), &m, &table, block, &err));
    EXPECT_TEXT(err.text, "");
    expect_file("m/model_index.json", "{\n"
                                      "  \"_class_name\": \"DDPMPipeline\",\n"
                                      "  \"_diffusers_version\": \"0.31.0\",\n"
                                      "  \"scheduler\": [\n"
                                      "    \"diffusers\",\n"
                                      "    \"DDPMScheduler\"\n"
                                      "  ],\n"
                                      "  \"unet\": [\n"
                                      "    \"diffusers\",\n"
                                      "    \"UNet2DModel\"\n"
                                      "  ]\n"
                                      "}\n");
    expect_file("m/unet/config.json", "{\n"
                                      "  \"_class_name\": \"UNet2DModel\",\n"
                                      "  \"_diffusers_version\": \"0.31.0\",\n"
                                      "  \"act_fn\": \"silu\",\n"
                                      "  \"add_attention\": true,\n"
                                      "  \"attention_head_dim\": null,\n"
                                      "  \"block_out_channels\": [\n"
                                      "    32,\n"
                                      "    64\n"
                                      "  ],\n"
                                      "  \"center_input_sample\": false,\n"
                                      "  \"class_embed_type\": null,\n"
                                      "  \"down_block_types\": [\n"
                                      "    \"DownBlock2D\",\n"
                                      "    \"AttnDownBlock2D\"\n"
                                      "  ],\n"
                                      "  \"downsample_padding\": 1,\n"
                                      "  \"downsample_type\": \"conv\",\n"
                                      "  \"dropout\": 0.0,\n"
                                      "  \"flip_sin_to_cos\": true,\n"
                                      "  \"freq_shift\": 0,\n"
                                      "  \"in_channels\": 1,\n"
                                      "  \"layers_per_block\": 2,\n"
                                      "  \"mid_block_scale_factor\": 1,\n"
                                      "  \"norm_eps\": 1e-06,\n"
                                      "  \"norm_num_groups\": 32,\n"
                                      "  \"num_class_embeds\": null,\n"
                                      "  \"out_channels\": 1,\n"
                                      "  \"resnet_time_scale_shift\": \"default\",\n"
                                      "  \"sample_size\": 28,\n"
                                      "  \"time_embedding_type\": \"positional\",\n"
                                      "  \"up_block_types\": [\n"
                                      "    \"AttnUpBlock2D\",\n"
                                      "    \"UpBlock2D\"\n"
                                      "  ],\n"
                                      "  \"upsample_type\": \"conv\"\n"
                                      "}\n");
    expect_file("m/scheduler/scheduler_config.json", "{\n"
                                                     "  \"_class_name\": \"DDPMScheduler\",\n"
                                                     "  \"_diffusers_version\": \"0.31.0\",\n"
                                                     "  \"beta_end\": 0.02,\n"
                                                     "  \"beta_schedule\": \"linear\",\n"
                                                     "  \"beta_start\": 0.0001,\n"
                                                     "  \"clip_sample\": true,\n"
                                                     "  \"num_train_timesteps\": 1000,\n"
                                                     "  \"prediction_type\": \"epsilon\",\n"
                                                     "  \"sample_max_value\": 1.0,\n"
                                                     "  \"thresholding\": true,\n"
                                                     "  \"trained_betas\": null,\n"
                                                     "  \"variance_type\": \"fixed_small\"\n"
                                                     "}\n");
    Safetensors st;
    EXPECT(safetensors_open(&st, in_folder("m/unet/diffusion_pytorch_model.safetensors"), 1 << 20,
                            &err));
    EXPECT_INT((long long)st.count, PARAMS);
    EXPECT_TEXT(safetensors_metadata(&st, "format"), "pt");
    /* OIHW on disk: element (k, c, r, s) = (1, 0, 2, 1) lies at ((2*3 + 1)*1 + 0)*2 + 1 in memory. */
    const TensorInfo *t = safetensors_find(&st, "conv_in.weight");
    float disk[18];
    EXPECT(t && safetensors_read_floats(&st, t, "m", disk, &err));
    EXPECT_SAME(&disk[9 + 7], &block[params[0].offset + 15], sizeof(float));
    safetensors_close(&st);
}

/* Dynamic thresholding clips to [-1, 1] only where the largest value is 1, so another range, or no
 * clipping, must not ask for it. */
TEST(model_folder_asks_for_thresholding_only_where_it_is_plain_clipping)
{
    Err err = {0};
    begin(1);
    for (int turn = 0; turn < 3; turn++) {
        ModelConfig m = small_config(), read;
        m.sample.clip = turn != 1;
        m.clip_range = turn == 2 ? 2 : 1;
        EXPECT(model_folder_write(in_folder("m"), &m, &table, block, &err));
        FileBytes file;
        EXPECT(file_read(in_folder("m/scheduler/scheduler_config.json"), 1 << 20, &file, &err));
        EXPECT((strstr((char *)file.bytes, "thresholding") != NULL) == (turn == 0));
        EXPECT((strstr((char *)file.bytes, "sample_max_value") != NULL) == (turn == 0));
        file_free(&file);
        if (!EXPECT(read_config("m", &read, &err))) continue;
        EXPECT(read.sample.clip == m.sample.clip && read.clip_range == m.clip_range);
    }
}

TEST(model_folder_written_twice_has_the_same_bytes)
{
    Err err = {0};
    begin(1);
    ModelConfig m = small_config();
    EXPECT(model_folder_write(in_folder("a"), &m, &table, block, &err));
    EXPECT(model_folder_write(in_folder("b"), &m, &table, block, &err));
    expect_same_folder("a", "b");
}

static ModelConfig varied_config(unsigned turn)
{
    uint32_t r[4];
    rng_block(5, rng_stream(RNG_TEST, 8), turn, r);
    ModelConfig m = small_config();
    UNetConfig *c = &m.unet;
    c->levels = 1 + (int)(r[0] % UNET_MAX_LEVELS);
    for (int l = 0; l < c->levels; l++) {
        c->block_channels[l] = 1 + (int)(r[1] % 1000) + l;
        c->down_attention[l] = r[2] >> l & 1;
        c->up_attention[l] = r[2] >> (l + 8) & 1;
    }
    bool a = turn & 1, b = turn & 2, d = turn & 4;
    c->sample_height = a ? 32 : b ? 0 : 28;
    c->sample_width = a ? 48 : c->sample_height;
    c->in_channels = c->out_channels = a ? 3 : 1;
    c->layers_per_block = 1 + (int)(turn % 4);
    c->mid_block = !(turn % 5 == 0);
    c->mid_attention = b;
    c->head_dim = a ? 0 : 8;
    c->groups = d ? 0 : 7;
    c->attn_groups = d ? 4 : 0;
    c->eps = ldexp(r[0] / 4294967296.0, -10) + 1e-9;
    c->dropout = b ? (r[1] / 4294967296.0) * 0.9 : 0;
    c->mid_scale = a ? sqrt(2) : 1;
    c->center_input = d;
    c->downsample_padding = b;
    c->time_kind = (TimeFeatureKind)(TIME_POSITIONAL + turn / 2 % 3);
    c->time_dim = a ? 123 : 0;
    c->flip_sin_to_cos = !a;
    c->freq_shift = b ? 1 : r[3] / 4294967296.0;
    c->scale_shift = a;
    c->classes = b ? 10 : 0;
    c->input_fouriers = d ? 1 + (int)(turn % INPUT_FOURIER_MAX) : 0;
    for (int i = 0; i < c->input_fouriers; i++) c->input_fourier[i] = (i + 5) % 13;
    m.noise.T = 1 + (int)(turn % 7) * 100;
    m.noise.schedule = (ScheduleKind)(turn % 4);
    m.noise.beta_start = r[2] / 4294967296.0 / 3 + 1e-12;
    m.noise.beta_end = r[3] / 4294967296.0 / 7 + 1e-12;
    m.noise.prediction = (Prediction)(turn % 3);
    m.sample.variance = a ? VARIANCE_LARGE : VARIANCE_SMALL;
    m.sample.clip = b;
    m.clip_range = d ? 1 : 0.1 + r[0] / 4294967296.0;
    if (m.noise.schedule == SCHEDULE_BETAS) {
        m.noise.betas = mem_doubles((size_t)m.noise.T);
        for (int i = 0; i < m.noise.T; i++) m.noise.betas[i] = (i + 1.0) / (3.0 * m.noise.T);
    }
    return m;
}

TEST(model_folder_reads_back_what_it_writes_to_the_same_bits)
{
    for (unsigned turn = 0; turn < 24; turn++) {
        Err err = {0};
        char name[32];
        snprintf(name, sizeof name, "m%u", turn);
        begin(turn);
        ModelConfig m = varied_config(turn), read;
        EXPECT(model_folder_write(in_folder(name), &m, &table, block, &err));
        if (!EXPECT_OK(read_config(name, &read, &err), err)) continue;
        EXPECT(same_unet(&m.unet, &read.unet));
        EXPECT(read.noise.T == m.noise.T && read.noise.schedule == m.noise.schedule &&
               read.noise.prediction == m.noise.prediction);
        EXPECT(read.sample.variance == m.sample.variance && read.sample.clip == m.sample.clip);
        EXPECT_SAME(&read.noise.beta_start, &m.noise.beta_start, 8);
        EXPECT_SAME(&read.noise.beta_end, &m.noise.beta_end, 8);
        EXPECT_SAME(&read.clip_range, &m.clip_range, 8);
        EXPECT((read.noise.betas != NULL) == (m.noise.betas != NULL));
        if (read.noise.betas && m.noise.betas)
            EXPECT_SAME(read.noise.betas, m.noise.betas, (size_t)m.noise.T * 8);
        EXPECT(model_folder_read_weights(in_folder(name), &table, back, &read, &err));
        EXPECT_SAME(back, block, sizeof block);
        EXPECT_INT(read.warning_count, 0);
        model_config_free(&m);
    }
}

TEST(model_folder_that_cannot_be_written_is_an_error)
{
    Err err = {0};
    begin(1);
    ModelConfig m = small_config();
    put("file", "x");
    EXPECT(!model_folder_write(in_folder("file"), &m, &table, block, &err));
    EXPECT_INT(err.kind, ERR_IO);
    /* A broken model does not replace a sound one. */
    EXPECT(model_folder_write(in_folder("m"), &m, &table, block, &err));
    FileBytes before, after;
    const char *weights = "m/unet/diffusion_pytorch_model.safetensors";
    EXPECT(file_read(in_folder(weights), 1 << 20, &before, &err));
    block[params[4].offset] = NAN;
    EXPECT_REFUSED(model_folder_write(in_folder("m"), &m, &table, block, &err), err, ERR_DIVERGED,
                   "down_blocks.0.attentions.0.to_k.bias");
    EXPECT(file_read(in_folder(weights), 1 << 20, &after, &err));
    if (EXPECT(after.size == before.size)) EXPECT_SAME(after.bytes, before.bytes, before.size);
    file_free(&before);
    file_free(&after);
}
