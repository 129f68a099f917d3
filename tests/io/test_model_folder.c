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

static bool same_unet(const UNetConfig *a, const UNetConfig *b)
{
    UNetConfig x = *a, y = *b;
    x.zero_init = y.zero_init = false; /* not part of the file */
    bool same = x.sample_height == y.sample_height && x.sample_width == y.sample_width &&
                x.in_channels == y.in_channels && x.out_channels == y.out_channels &&
                x.levels == y.levels && x.layers_per_block == y.layers_per_block &&
                x.mid_block == y.mid_block && x.mid_attention == y.mid_attention &&
                x.head_dim == y.head_dim && x.groups == y.groups &&
                x.attn_groups == y.attn_groups && x.eps == y.eps && x.dropout == y.dropout &&
                x.mid_scale == y.mid_scale && x.center_input == y.center_input &&
                x.downsample_padding == y.downsample_padding && x.time_kind == y.time_kind &&
                x.time_dim == y.time_dim && x.flip_sin_to_cos == y.flip_sin_to_cos &&
                x.freq_shift == y.freq_shift && x.scale_shift == y.scale_shift &&
                x.classes == y.classes && x.input_fouriers == y.input_fouriers;
    for (int i = 0; i < x.input_fouriers; i++)
        same = same && x.input_fourier[i] == y.input_fourier[i];
    for (int l = 0; l < x.levels; l++)
        same = same && x.block_channels[l] == y.block_channels[l] &&
               x.down_attention[l] == y.down_attention[l] && x.up_attention[l] == y.up_attention[l];
    return same;
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

/* ---- reading configurations ---- */

static bool read_texts(const char *unet, const char *scheduler, ModelConfig *m, Err *err)
{
    put("t/unet/config.json", unet);
    put("t/scheduler/scheduler_config.json", scheduler);
    return read_config("t", m, err);
}

#define DDPM       "{\"_class_name\":\"DDPMScheduler\"}"
#define UNET(keys) "{\"_class_name\":\"UNet2DModel\"" keys "}"

TEST(model_folder_absent_keys_mean_what_diffusers_assumes)
{
    ModelConfig m;
    Err err = {0};
    if (!EXPECT(read_texts("{}", DDPM, &m, &err))) return;
    const UNetConfig *c = &m.unet;
    EXPECT(c->levels == 4 && c->block_channels[0] == 224 && c->block_channels[3] == 896);
    EXPECT(!c->down_attention[0] && c->down_attention[1] && c->down_attention[3]);
    EXPECT(c->up_attention[0] && c->up_attention[2] && !c->up_attention[3]);
    EXPECT(c->in_channels == 3 && c->out_channels == 3 && c->sample_height == 0);
    /* the four traps */
    EXPECT_INT(c->head_dim, 8);
    EXPECT(c->eps == 1e-5 && c->downsample_padding == 1);
    EXPECT(c->flip_sin_to_cos && c->freq_shift == 0);
    EXPECT(c->groups == 32 && c->attn_groups == 0 && c->layers_per_block == 2);
    EXPECT(c->mid_block && c->mid_attention && c->mid_scale == 1 && c->dropout == 0);
    EXPECT(c->time_kind == TIME_POSITIONAL && c->time_dim == 0 && c->classes == 0);
    EXPECT(!c->center_input && !c->scale_shift);
    EXPECT(m.noise.T == 1000 && m.noise.schedule == SCHEDULE_LINEAR && m.noise.betas == NULL);
    EXPECT_NEAR(m.noise.beta_start, 1e-4, 0);
    EXPECT_NEAR(m.noise.beta_end, 0.02, 0);
    EXPECT(m.noise.prediction == PREDICT_EPS && m.sample.variance == VARIANCE_SMALL &&
           m.sample.clip);
    EXPECT_NEAR(m.clip_range, 1, 0);
    EXPECT_INT(m.warning_count, 0);
}

/* google/ddpm-cifar10-32 as it lies on the hub: all in the root. */
TEST(model_folder_flat_layout_of_the_first_public_models)
{
    ModelConfig m;
    Err err = {0};
    put("g/model_index.json", "{\"_class_name\":\"DDPMPipeline\",\"_diffusers_version\":\"0.1.1\","
                              "\"scheduler\":[\"diffusers\",\"DDPMScheduler\"],\"unet\":["
                              "\"diffusers\",\"UNet2DModel\"]}");
    put("g/config.json",
        "{\"_class_name\":\"UNet2DModel\",\"_diffusers_version\":\"0.0.4\",\"act_fn\":\"silu\","
        "\"attention_head_dim\":null,\"block_out_channels\":[128,256,256,256],"
        "\"center_input_sample\":false,\"down_block_types\":[\"DownBlock2D\",\"AttnDownBlock2D\","
        "\"DownBlock2D\",\"DownBlock2D\"],\"downsample_padding\":0,\"flip_sin_to_cos\":false,"
        "\"freq_shift\":1,\"in_channels\":3,\"layers_per_block\":2,\"mid_block_scale_factor\":1,"
        "\"norm_eps\":1e-06,\"norm_num_groups\":32,\"out_channels\":3,\"sample_size\":32,"
        "\"time_embedding_type\":\"positional\",\"up_block_types\":[\"UpBlock2D\",\"UpBlock2D\","
        "\"AttnUpBlock2D\",\"UpBlock2D\"]}");
    put("g/scheduler_config.json",
        "{\"_class_name\":\"DDPMScheduler\",\"_diffusers_version\":\"0.1.1\",\"beta_end\":0.02,"
        "\"beta_schedule\":\"linear\",\"beta_start\":0.0001,\"clip_sample\":true,"
        "\"num_train_timesteps\":1000,\"trained_betas\":null,\"variance_type\":\"fixed_large\"}");
    if (!EXPECT_OK(read_config("g", &m, &err), err)) return;
    EXPECT(m.unet.levels == 4 && m.unet.head_dim == 0 && m.unet.eps == 1e-6);
    EXPECT(m.unet.downsample_padding == 0 && !m.unet.flip_sin_to_cos && m.unet.freq_shift == 1);
    EXPECT(m.unet.down_attention[1] && !m.unet.down_attention[2] && m.unet.up_attention[2] &&
           !m.unet.up_attention[1]);
    EXPECT(m.unet.sample_height == 32 && m.unet.sample_width == 32);
    EXPECT(m.sample.variance == VARIANCE_LARGE);
    EXPECT_INT(m.warning_count, 0);
}

TEST(model_folder_legacy_names_of_keys_and_blocks)
{
    ModelConfig m, modern;
    Err err = {0};
    EXPECT(read_texts("{\"image_size\":[16,32],\"num_res_blocks\":3,\"block_channels\":[8,16],"
                      "\"down_blocks\":[\"UNetResDownBlock2D\",\"UNetResAttnDownBlock2D\"],"
                      "\"up_blocks\":[\"UNetResAttnUpBlock2D\",\"UNetResUpBlock2D\"],"
                      "\"downscale_freq_shift\":1,\"resnet_num_groups\":4,\"resnet_act_fn\":"
                      "\"Swish\",\"resnet_eps\":1e-6,\"num_head_channels\":4}",
                      "{\"_class_name\":\"DDPMScheduler\",\"predict_epsilon\":false,"
                      "\"tensor_format\":\"pt\",\"timestep_values\":null}",
                      &m, &err));
    EXPECT_INT(m.warning_count, 0);
    EXPECT(m.noise.prediction == PREDICT_X0);
    EXPECT(read_texts("{\"sample_size\":[16,32],\"layers_per_block\":3.0,\"block_out_channels\":"
                      "[8,16],\"down_block_types\":[\"DownBlock2D\",\"AttnDownBlock2D\"],"
                      "\"up_block_types\":[\"AttnUpBlock2D\",\"UpBlock2D\"],\"freq_shift\":1.0,"
                      "\"norm_num_groups\":4,\"act_fn\":\"SiLU\",\"norm_eps\":1e-06,"
                      "\"attention_head_dim\":4,\"resnet_eps\":0.5}",
                      DDPM, &modern, &err));
    EXPECT(same_unet(&m.unet, &modern.unet));
    EXPECT(m.unet.sample_width == 32 && m.unet.layers_per_block == 3 && m.unet.head_dim == 4);
}

TEST(model_folder_reads_every_option_of_the_unet)
{
    ModelConfig m;
    Err err = {0};
    EXPECT(read_texts(UNET(",\"block_out_channels\":[8],\"down_block_types\":[\"DownBlock2D\"],"
                           "\"up_block_types\":[\"UpBlock2D\"],\"center_input_sample\":true,"
                           "\"time_embedding_type\":\"fourier\",\"time_embedding_dim\":7,"
                           "\"mid_block_type\":null,\"mid_block_scale_factor\":1.41421356237,"
                           "\"dropout\":0.1,\"attention_head_dim\":null,\"norm_num_groups\":null,"
                           "\"attn_norm_num_groups\":2,\"resnet_time_scale_shift\":\"scale_shift\","
                           "\"add_attention\":false,\"class_embed_type\":null,"
                           "\"num_class_embeds\":10,\"num_train_timesteps\":null,\"sample_size\":"
                           "null,\"in_channels\":1,\"out_channels\":1"),
                      DDPM, &m, &err));
    const UNetConfig *c = &m.unet;
    EXPECT(c->center_input && c->time_kind == TIME_FOURIER && c->time_dim == 7 && !c->mid_block);
    EXPECT(c->mid_scale == 1.41421356237 && c->dropout == 0.1 && c->head_dim == 0);
    EXPECT(c->groups == 0 && c->attn_groups == 2 && c->scale_shift && !c->mid_attention);
    EXPECT(c->classes == 10 && c->sample_height == 0 && c->in_channels == 1);
    EXPECT_INT(m.warning_count, 0);
}

TEST(model_folder_unknown_keys_are_warnings_and_averaging_keys_are_not)
{
    ModelConfig m;
    Err err = {0};
    EXPECT(read_texts(UNET(",\"decay\":0.9999,\"inv_gamma\":1.0,\"min_decay\":0.0,"
                           "\"optimization_step\":9,\"power\":0.75,\"update_after_step\":0,"
                           "\"use_ema_warmup\":true,\"_name_or_path\":\"x\",\"new_thing\":[1]"),
                      "{\"_class_name\":\"DDPMScheduler\",\"_x\":1,\"other\\nthing\":NaN}", &m,
                      &err));
    EXPECT_INT(m.warning_count, 2);
    EXPECT_CONTAINS(m.warnings[0], "config.json: the key new_thing is unknown and ignored");
    EXPECT_CONTAINS(m.warnings[1], "the key other\\x0athing is unknown");
    EXPECT(read_texts("{\"k1\":1,\"k2\":1,\"k3\":1,\"k4\":1,\"k5\":1,\"k6\":1,\"k7\":1,\"k8\":1,"
                      "\"k9\":1,\"k10\":1}",
                      DDPM, &m, &err));
    EXPECT_INT(m.warning_count, 8);
    EXPECT_CONTAINS(m.warnings[6], "k7");
    EXPECT_CONTAINS(m.warnings[7], "there are more warnings");
}

TEST(model_folder_schedulers_that_are_read)
{
    static const struct {
        const char *text;
        ScheduleKind schedule;
        double beta_start, beta_end;
        int T;
        Prediction prediction;
        VarianceKind variance;
        bool clip;
        double clip_range;
    } cases[] = {
        {"{\"_class_name\":\"DDIMScheduler\",\"set_alpha_to_one\":false,\"steps_offset\":1,"
         "\"timestep_spacing\":\"leading\",\"beta_schedule\":\"scaled_linear\",\"beta_start\":"
         "0.00085,\"beta_end\":0.012,\"clip_sample\":false}",
         SCHEDULE_SCALED_LINEAR, 0.00085, 0.012, 1000, PREDICT_EPS, VARIANCE_SMALL, false, 1},
        {"{\"_class_name\":\"DDPMScheduler\",\"beta_schedule\":\"squaredcos_cap_v2\","
         "\"prediction_type\":\"v_prediction\",\"variance_type\":\"fixed_large_log\","
         "\"num_train_timesteps\":4000,\"clip_sample_range\":2.5}",
         SCHEDULE_COSINE, 1e-4, 0.02, 4000, PREDICT_V, VARIANCE_LARGE, true, 2.5},
        {"{\"_class_name\":\"DDPMScheduler\",\"prediction_type\":\"sample\",\"predict_epsilon\":"
         "true,"
         "\"variance_type\":\"fixed_small_log\",\"thresholding\":true,\"clip_sample\":false,"
         "\"dynamic_thresholding_ratio\":0.995,\"sample_max_value\":1.0}",
         SCHEDULE_LINEAR, 1e-4, 0.02, 1000, PREDICT_X0, VARIANCE_SMALL, true, 1},
        {"{\"_class_name\":\"DPMSolverMultistepScheduler\",\"lambda_min_clipped\":-Infinity,"
         "\"solver_order\":2,\"variance_type\":null,\"num_train_timesteps\":200,\"use_karras_"
         "sigmas\":"
         "true,\"prediction_type\":\"v_prediction\"}",
         SCHEDULE_LINEAR, 1e-4, 0.02, 200, PREDICT_V, VARIANCE_SMALL, false, 1},
        {"{\"_class_name\":\"PNDMScheduler\",\"skip_prk_steps\":true,\"beta_end\":0.5}",
         SCHEDULE_LINEAR, 1e-4, 0.5, 1000, PREDICT_EPS, VARIANCE_SMALL, false, 1},
        {"{\"_class_name\":\"HeunDiscreteScheduler\"}", SCHEDULE_LINEAR, 0.00085, 0.012, 1000,
         PREDICT_EPS, VARIANCE_SMALL, false, 1},
        {"{\"_class_name\":\"EulerDiscreteScheduler\",\"interpolation_type\":\"linear\"}",
         SCHEDULE_LINEAR, 1e-4, 0.02, 1000, PREDICT_EPS, VARIANCE_SMALL, false, 1},
        {"{\"_class_name\":\"UniPCMultistepScheduler\"}", SCHEDULE_LINEAR, 1e-4, 0.02, 1000,
         PREDICT_EPS, VARIANCE_SMALL, false, 1},
        {"{\"_class_name\":\"DEISMultistepScheduler\"}", SCHEDULE_LINEAR, 1e-4, 0.02, 1000,
         PREDICT_EPS, VARIANCE_SMALL, false, 1},
        {"{\"_class_name\":\"DDPMScheduler\",\"trained_betas\":[0.1,0.2,0.5],"
         "\"num_train_timesteps\":3,\"rescale_betas_zero_snr\":false}",
         SCHEDULE_BETAS, 1e-4, 0.02, 3, PREDICT_EPS, VARIANCE_SMALL, true, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ModelConfig m;
        Err err = {0};
        if (!EXPECT(read_texts("{}", cases[i].text, &m, &err))) {
            printf("    %s\n", err.text);
            continue;
        }
        EXPECT(m.noise.schedule == cases[i].schedule && m.noise.T == cases[i].T);
        EXPECT_NEAR(m.noise.beta_start, cases[i].beta_start, 0);
        EXPECT_NEAR(m.noise.beta_end, cases[i].beta_end, 0);
        EXPECT(m.noise.prediction == cases[i].prediction && m.sample.variance == cases[i].variance);
        EXPECT(m.sample.clip == cases[i].clip);
        EXPECT_NEAR(m.clip_range, cases[i].clip_range, 0);
        if (m.noise.schedule == SCHEDULE_BETAS && EXPECT(m.noise.betas != NULL))
            EXPECT(m.noise.betas[0] == 0.1 && m.noise.betas[2] == 0.5);
    }
    ModelConfig m;
    Err err = {0};
    EXPECT(read_texts("{}", "{}", &m, &err));
    EXPECT_CONTAINS(m.warnings[0], "has no _class_name and is read as a DDPMScheduler");
}

/* abar of diffusers' sigmoid schedule, T = 1000 (interchange specification, appendix B). */
/* What a scheduler file says of sampling becomes the default, or is named, or, where the model would be
 * misread, refused. */
TEST(model_folder_what_is_said_of_sampling_is_taken_or_named)
{
    static const struct {
        const char *text, *sampler;
        int spacing;
        const char *named; /* NULL: no warning */
    } cases[] = {
        {"DDPMScheduler\"", NULL, SPACING_AUTO, NULL},
        {"DDPMScheduler\",\"timestep_spacing\":\"leading\",\"steps_offset\":0", NULL,
         SPACING_LEADING, NULL},
        {"DDPMScheduler\",\"timestep_spacing\":\"trailing\"", NULL, SPACING_TRAILING, NULL},
        {"DDIMScheduler\",\"timestep_spacing\":\"linspace\",\"set_alpha_to_one\":true", "ddim",
         SPACING_EVEN, NULL},
        {"DDIMScheduler\",\"set_alpha_to_one\":false,\"steps_offset\":1", "ddim", SPACING_AUTO,
         "sample does without its steps_offset 1, set_alpha_to_one false"},
        {"DPMSolverMultistepScheduler\",\"use_karras_sigmas\":true,\"timestep_spacing\":"
         "\"linspace\",\"solver_order\":2,\"algorithm_type\":\"dpmsolver++\",\"solver_type\":"
         "\"midpoint\",\"lower_order_final\":true,\"euler_at_final\":false,\"use_lu_lambdas\":"
         "false,\"use_flow_sigmas\":false,\"final_sigmas_type\":\"zero\",\"variance_type\":null,"
         "\"lambda_min_clipped\":-Infinity",
         "dpm++2m", SPACING_KARRAS, NULL},
        {"DPMSolverMultistepScheduler\",\"timestep_spacing\":\"linspace\",\"solver_order\":3,"
         "\"algorithm_type\":\"sde-dpmsolver++\"",
         "dpm++2m", SPACING_AUTO,
         "sample does without its timestep_spacing \"linspace\", algorithm_type "
         "\"sde-dpmsolver++\", solver_order 3"},
        {"DPMSolverMultistepScheduler\",\"use_exponential_sigmas\":true", "dpm++2m", SPACING_LOGSNR,
         NULL},
        {"UniPCMultistepScheduler\",\"timestep_spacing\":\"trailing\",\"disable_corrector\":[],"
         "\"solver_p\":null,\"predict_x0\":true,\"solver_type\":\"bh2\",\"sigma_min\":null",
         "unipc", SPACING_TRAILING, NULL},
        {"DPMSolverMultistepScheduler\",\"lambda_min_clipped\":-5.1", "dpm++2m", SPACING_AUTO,
         "sample does without its lambda_min_clipped -5.1"},
        {"UniPCMultistepScheduler\",\"disable_corrector\":[0]", "unipc", SPACING_AUTO,
         "sample does without its disable_corrector [...]"},
        {"HeunDiscreteScheduler\",\"use_karras_sigmas\":true", "heun", SPACING_KARRAS, NULL},
        {"PNDMScheduler\",\"steps_offset\":1", NULL, SPACING_AUTO,
         "sample does without its PNDMScheduler"},
        {"EulerDiscreteScheduler\",\"timestep_type\":\"discrete\"", NULL, SPACING_AUTO,
         "sample does without its EulerDiscreteScheduler"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ModelConfig m;
        Err err = {0};
        char text[600];
        snprintf(text, sizeof text, "{\"_class_name\":\"%s}", cases[i].text);
        if (!EXPECT(read_texts("{}", text, &m, &err))) {
            printf("    %s\n", err.text);
            continue;
        }
        EXPECT_TEXT(m.sample.sampler, cases[i].sampler ? cases[i].sampler : "auto");
        EXPECT_INT((int)m.sample.spacing, cases[i].spacing);
        EXPECT_INT(m.warning_count, cases[i].named != NULL);
        if (cases[i].named && m.warning_count == 1) EXPECT_CONTAINS(m.warnings[0], cases[i].named);
    }
}

TEST(model_folder_sigmoid_schedule_becomes_betas)
{
    ModelConfig m;
    Err err = {0};
    EXPECT(read_texts("{}", "{\"_class_name\":\"DDPMScheduler\",\"beta_schedule\":\"sigmoid\"}", &m,
                      &err));
    if (!EXPECT(m.noise.schedule == SCHEDULE_BETAS && m.noise.betas)) return;
    static const int at[] = {0, 1, 100, 500, 998, 999};
    static const double expected[] = {0.99985081, 0.99970102,   0.98049194,
                                      0.29888758, 4.0489624e-5, 3.9681821e-5};
    double product = 1;
    for (int t = 0, k = 0; t < 1000; t++) {
        product *= 1 - m.noise.betas[t];
        if (t == at[k]) {
            EXPECT_NEAR(product, expected[k], 1e-6 * expected[k]);
            k++;
        }
    }
}

TEST(model_folder_what_cannot_be_run_is_refused_by_name)
{
    static const struct {
        const char *unet, *scheduler, *part;
    } cases[] = {
        {"[]", DDPM, "unet/config.json: the file must be one object, got an array"},
        {"{", DDPM, "unet/config.json: line 1"},
        {"{\"a\":1,\"a\":1}", DDPM, "duplicate key \"a\""},
        {"{\"_class_name\":\"UNet2DConditionModel\"}", DDPM,
         "_class_name is \"UNet2DConditionModel\" (a string), which diffc cannot run; it runs "
         "UNet2DModel"},
        {"{\"_class_name\":3}", DDPM, "_class_name must be a string, got 3"},
        {UNET(",\"down_block_types\":[\"SkipDownBlock2D\"]"), DDPM,
         "down_block_types is \"SkipDownBlock2D\" (a string), which diffc cannot run; it runs "
         "DownBlock2D"},
        {UNET(",\"down_block_types\":[\"AttnSkipDownBlock2D\"]"), DDPM, "AttnSkipDownBlock2D"},
        {UNET(",\"down_block_types\":[\"ResnetDownsampleBlock2D\"]"), DDPM,
         "ResnetDownsampleBlock2D"},
        {UNET(",\"up_block_types\":[\"CrossAttnUpBlock2D\"]"), DDPM, "CrossAttnUpBlock2D"},
        {UNET(",\"up_block_types\":[\"DownBlock2D\"]"), DDPM,
         "it runs UpBlock2D and AttnUpBlock2D"},
        {UNET(",\"up_block_types\":[3]"), DDPM, "up_block_types must be a string, got 3"},
        {UNET(",\"up_block_types\":\"UpBlock2D\""), DDPM, "a list of 1 to 8 block types"},
        {UNET(",\"up_block_types\":[]"), DDPM, "a list of 1 to 8 block types"},
        {UNET(",\"block_out_channels\":[1,2,3,4,5,6,7,8,9]"), DDPM, "a list of 1 to 8 integers"},
        {UNET(",\"block_out_channels\":[32,0]"), DDPM,
         "block_out_channels must be an integer in 1..16384, got 0"},
        {UNET(",\"block_out_channels\":[32,64]"), DDPM,
         "block_out_channels has 2 entries, down_block_types 4 and up_block_types 4"},
        {UNET(",\"mid_block_type\":\"UNetMidBlock2DCrossAttn\""), DDPM,
         "it runs UNetMidBlock2D and null"},
        {UNET(",\"time_embedding_type\":\"learned\""), DDPM,
         "it runs positional, fourier, fourier_time and fourier_linear"},
        {UNET(",\"downsample_type\":\"resnet\""), DDPM, "downsample_type is \"resnet\""},
        {UNET(",\"upsample_type\":\"resnet\""), DDPM, "upsample_type is \"resnet\""},
        {UNET(",\"act_fn\":\"gelu\""), DDPM,
         "act_fn is \"gelu\" (a string), which diffc cannot run; it runs silu"},
        {UNET(",\"act_fn\":null"), DDPM, "act_fn must be a string, got null"},
        {UNET(",\"class_embed_type\":\"timestep\""), DDPM, "class_embed_type is \"timestep\""},
        {UNET(",\"class_embed_type\":\"identity\""), DDPM, "class_embed_type is \"identity\""},
        {UNET(",\"resnet_time_scale_shift\":\"ada_group\""), DDPM,
         "it runs default and scale_shift"},
        {UNET(",\"out_channels\":6"), DDPM,
         "out_channels (6) is twice in_channels, which means a learned"},
        {UNET(",\"out_channels\":1"), DDPM, "out_channels is 1 and in_channels 3"},
        {UNET(",\"input_fourier\":7"), DDPM, "input_fourier must be a list of up to 8 integers"},
        {UNET(",\"input_fourier\":[7,13]"), DDPM,
         "input_fourier must be an integer in 0..12, got 13"},
        {UNET(",\"in_channels\":0"), DDPM, "in_channels must be an integer"},
        {UNET(",\"in_channels\":\"3\""), DDPM,
         "in_channels must be an integer in 1..16384, got \"3\" (a string)"},
        {UNET(",\"sample_size\":[32]"), DDPM,
         "sample_size must be an integer, [height, width] or null"},
        {UNET(",\"sample_size\":-1"), DDPM, "sample_size must be an integer in 1..8192, got -1"},
        {UNET(",\"downsample_padding\":2"), DDPM,
         "downsample_padding must be an integer in 0..1, got 2"},
        {UNET(",\"attention_head_dim\":0"), DDPM, "attention_head_dim must be an integer"},
        {UNET(",\"attention_head_dim\":[8,8]"), DDPM,
         "attention_head_dim must be an integer in 1..16384, got an array"},
        {UNET(",\"norm_eps\":0"), DDPM, "norm_eps must be a number above 0 and below 1, got 0"},
        {UNET(",\"norm_eps\":NaN"), DDPM, "norm_eps must be a number"},
        {UNET(",\"freq_shift\":Infinity"), DDPM, "freq_shift must be a number in 0..8192, got"},
        {UNET(",\"flip_sin_to_cos\":1"), DDPM, "flip_sin_to_cos must be true or false, got 1"},
        {"{}", "3", "scheduler_config.json: the file must be one object, got 3"},
        {"{}", "{\"_class_name\":\"EulerDiscreteScheduler\",\"timestep_type\":\"continuous\"}",
         "timestep_type is \"continuous\" (a string), which diffc cannot run; it runs "
         "\"discrete\""},
        {"{}", "{\"_class_name\":\"DPMSolverMultistepScheduler\",\"use_flow_sigmas\":true}",
         "use_flow_sigmas is true, which diffc cannot run; it runs false"},
        {"{}", "{\"_class_name\":\"PNDMScheduler\",\"use_flow_sigmas\":true}",
         "use_flow_sigmas is true"},
        {"{}", "{\"_class_name\":\"UniPCMultistepScheduler\",\"use_dynamic_shifting\":true}",
         "use_dynamic_shifting is true, which diffc cannot run; it runs false"},
        {"{}", "{\"_class_name\":\"EulerDiscreteScheduler\",\"rescale_betas_zero_snr\":true}",
         "rescale_betas_zero_snr is true"},
        {"{}",
         "{\"_class_name\":\"DPMSolverMultistepScheduler\",\"prediction_type\":"
         "\"flow_prediction\"}",
         "it runs epsilon, sample and v_prediction"},
        {"{}", "{\"_class_name\":\"KarrasVeScheduler\"}", "_class_name is \"KarrasVeScheduler\""},
        {"{}", "{\"_class_name\":\"FlowMatchEulerDiscreteScheduler\"}", "which diffc cannot run"},
        {"{}", "{\"_class_name\":\"EDMEulerScheduler\"}", "which diffc cannot run"},
        {"{}", "{\"_class_name\":null}", "_class_name must be a string, got null"},
        {"{}", "{\"beta_schedule\":\"laplace\"}", "beta_schedule is \"laplace\""},
        {"{}", "{\"beta_schedule\":null}", "beta_schedule must be a string"},
        {"{}", "{\"beta_start\":0}", "beta_start must be a number above 0 and below 1, got 0"},
        {"{}", "{\"beta_end\":1}", "beta_end must be a number above 0 and below 1, got 1"},
        {"{}", "{\"num_train_timesteps\":0}",
         "num_train_timesteps must be an integer in 1..100000, got 0"},
        {"{}", "{\"trained_betas\":[0.1]}", "null or a list of num_train_timesteps (1000) numbers"},
        {"{}", "{\"num_train_timesteps\":2,\"trained_betas\":[0.1,1]}",
         "trained_betas must be a number above 0 and below 1, got 1"},
        {"{}", "{\"prediction_type\":\"flow_prediction\"}",
         "it runs epsilon, sample and v_prediction"},
        {"{}", "{\"predict_epsilon\":\"no\"}", "predict_epsilon must be true or false"},
        {"{}", "{\"variance_type\":\"learned_range\"}", "for which out_channels must be 6"},
        {"{}", "{\"variance_type\":\"learned\"}",
         "it runs fixed_small, fixed_large and learned_range"},
        {"{}", "{\"rescale_betas_zero_snr\":true}",
         "rescale_betas_zero_snr is true, which diffc cannot run"},
        {"{}", "{\"clip_sample\":1}", "clip_sample must be true or false"},
        {"{}", "{\"clip_sample_range\":0}", "clip_sample_range must be a number above 0"},
        {"{}", "{\"thresholding\":true,\"sample_max_value\":1.5}",
         "sample_max_value is 1.5, which diffc cannot run"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ModelConfig m;
        Err err = {0};
        if (!EXPECT(!read_texts(cases[i].unet, cases[i].scheduler, &m, &err))) {
            printf("    accepted: %s %s\n", cases[i].unet, cases[i].scheduler);
            continue;
        }
        EXPECT_INT(err.kind, ERR_FORMAT);
        EXPECT_CONTAINS(err.text, cases[i].part);
        EXPECT(m.noise.betas == NULL);
    }
}

TEST(model_folder_index_must_name_what_can_be_run)
{
    static const struct {
        const char *index, *part; /* part NULL: accepted */
    } cases[] = {
        {"{\"_class_name\":\"DDIMPipeline\"}", NULL},
        {"{\"_class_name\":\"DDPMPipeline\",\"unet\":[\"diffusers\",\"UNet2DModel\"],"
         "\"scheduler\":[\"diffusers\",\"EulerDiscreteScheduler\"],\"x\":[null,null]}",
         NULL},
        {"{\"_class_name\":\"StableDiffusionPipeline\"}",
         "_class_name is \"StableDiffusionPipeline\""},
        {"{\"_class_name\":\"ScoreSdeVePipeline\"}", NULL},
        {"{\"_class_name\":\"DiffcSmldPipeline\"}", NULL},
        {"{\"_class_name\":\"KarrasVePipeline\"}",
         "it runs DDPM, DDIM, PNDM, ScoreSde, DiffcEddpm and DiffcCdm pipelines"},
        {"{\"unet\":[\"diffusers\",\"UNet2DConditionModel\"]}", "unet is \"UNet2DConditionModel\""},
        {"{\"unet\":{\"library\":\"diffusers\",\"class\":\"UNet2DModel\"}}",
         "unet must be an array of two strings, the library and the class, got an object"},
        {"{\"unet\":[\"UNet2DModel\"]}", "unet must be an array of two strings"},
        {"{\"scheduler\":[\"a\",\"b\",\"c\"]}", "scheduler must be an array of two strings"},
        {"{\"_diffc_format\":1}", NULL},
        {"{\"_diffc_format\":2,\"_class_name\":\"DiffcLaterPipeline\"}",
         "model_index.json: has format 2, written by another release of diffc; this one reads "
         "format 1"},
        {"[]", "model_index.json: the file must be one object"},
        {"{]", "model_index.json: line 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ModelConfig m;
        Err err = {0};
        put("t/model_index.json", cases[i].index);
        bool ok = read_texts("{}", DDPM, &m, &err);
        EXPECT(ok == (cases[i].part == NULL));
        if (!ok && cases[i].part) EXPECT_CONTAINS(err.text, cases[i].part);
    }
}

TEST(model_folder_missing_files_are_named)
{
    ModelConfig m;
    Err err = {0};
    EXPECT_REFUSED(read_config("none", &m, &err), err, ERR_IO, "none/config.json");
    put("u/unet/config.json", "{}");
    EXPECT_FAILS(read_config("u", &m, &err), err, "u/scheduler_config.json");
    /* Where the component's folder exists, the root is not looked at. */
    put("v/config.json", "{}");
    put("v/unet/other", "");
    put("v/scheduler_config.json", DDPM);
    EXPECT_FAILS(read_config("v", &m, &err), err, "v/unet/config.json");
}
