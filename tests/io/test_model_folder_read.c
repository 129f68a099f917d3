/* Model folders that diffusers and others have written, and what their keys mean. */
#include "base/mem.h"
#include "io/diffusers/model_folder.h"
#include "model_fixture.h"
#include "ops/ops.h"
#include "test.h"

/* ---- reading configurations ---- */

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
