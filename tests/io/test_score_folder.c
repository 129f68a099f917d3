/* Model folders of SMLD and the score SDEs. */

#include "io/config.h"
#include "io/diffusers/model_folder.h"
#include "io/json.h"
#include "model_fixture.h"
#include "test.h"

static ModelConfig score_config(MethodKind method, SdeKind sde)
{
    Config standard;
    config_defaults(&standard);
    ModelConfig m = {.noise = standard.method.noise, .sample = standard.sample};
    m.sample.clip = false;
    unet_config_defaults(&m.unet);
    m.unet.levels = 1;
    m.unet.block_channels[0] = 32;
    m.unet.sample_height = m.unet.sample_width = 28;
    m.unet.in_channels = m.unet.out_channels = 1;
    m.method = method;
    m.noise.sde = sde;
    m.clip_range = 1;
    if (method == METHOD_SMLD || sde == SDE_VE) {
        m.unet.time_kind = TIME_FOURIER;
        m.noise.prediction = PREDICT_SCORE;
        m.noise.sigma_min = 0.01;
        m.noise.sigma_max = 28.1 / 3; /* 17 digits */
    } else {
        m.unet.time_kind = TIME_FOURIER_LINEAR;
        m.noise.prediction = PREDICT_EPS;
        m.noise.beta_min = 0.1;
        m.noise.beta_max = 20.0 / 3;
    }
    if (method == METHOD_SMLD) m.noise.levels = 93;
    if (method == METHOD_SDE && sde == SDE_VE) {
        m.sample.snr = 0.16;
        m.sample.corrector_steps = 3;
    }
    return m;
}

static const struct {
    MethodKind method;
    SdeKind sde;
    bool positional, v;
} kinds[] = {{METHOD_SMLD, SDE_VE, false, false}, {METHOD_SDE, SDE_VE, false, false},
             {METHOD_SDE, SDE_VP, false, false},  {METHOD_SDE, SDE_SUBVP, false, false},
             {METHOD_SDE, SDE_VP, true, false},   {METHOD_SDE, SDE_SUBVP, true, false},
             {METHOD_SMLD, SDE_VE, true, true},   {METHOD_SDE, SDE_VE, true, true},
             {METHOD_SDE, SDE_VP, true, true},    {METHOD_SDE, SDE_SUBVP, true, true},
             {METHOD_SDE, SDE_VP, false, true}};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void expect_same(const ModelConfig *a, const ModelConfig *b)
{
    EXPECT(a->method == b->method && a->noise.sde == b->noise.sde && a->noise.T == b->noise.T &&
           a->noise.levels == b->noise.levels);
    EXPECT(a->noise.prediction == b->noise.prediction && a->unet.time_kind == b->unet.time_kind);
    EXPECT_SAME(&a->noise.sigma_min, &b->noise.sigma_min, sizeof(double));
    EXPECT_SAME(&a->noise.sigma_max, &b->noise.sigma_max, sizeof(double));
    EXPECT_SAME(&a->noise.beta_min, &b->noise.beta_min, sizeof(double));
    EXPECT_SAME(&a->noise.beta_max, &b->noise.beta_max, sizeof(double));
    EXPECT_SAME(&a->noise.time_min, &b->noise.time_min, sizeof(double));
    EXPECT_SAME(&a->sample.snr, &b->sample.snr, sizeof(double));
    EXPECT(a->sample.corrector_steps == b->sample.corrector_steps && a->noise.betas == NULL &&
           b->noise.betas == NULL);
    EXPECT(a->sample.clip == b->sample.clip && a->clip_range == b->clip_range &&
           a->sample.variance == b->sample.variance);
}

TEST(score_folder_reads_back_what_it_writes_and_writes_the_same_bytes_again)
{
    for (int k = 0; k < KINDS; k++) {
        char first[32], second[32];
        Err err = {0};
        begin((unsigned)k);
        snprintf(first, sizeof first, "first%d", k);
        snprintf(second, sizeof second, "second%d", k);
        ModelConfig m = score_config(kinds[k].method, kinds[k].sde), read;
        if (kinds[k].positional) m.unet.time_kind = TIME_POSITIONAL;
        if (kinds[k].v) m.noise.prediction = PREDICT_V;
        m.sample.clip = k % 2 == 0;
        /* Only VP as a chain keeps the variance. */
        bool chain = kinds[k].positional && m.noise.sde == SDE_VP;
        m.sample.variance = chain ? VARIANCE_LARGE : VARIANCE_SMALL;
        if (m.method == METHOD_SMLD) m.sample.snr = 0.17, m.sample.corrector_steps = 2;
        EXPECT(model_folder_write(in_folder(first), &m, &table, block, &err));
        if (!EXPECT_OK(read_config(first, &read, &err), err)) continue;
        expect_same(&m, &read);
        EXPECT(model_folder_read_weights(in_folder(first), &table, back, &read, &err));
        EXPECT_INT(read.warning_count, 0);
        EXPECT(model_folder_write(in_folder(second), &read, &table, back, &err));
        expect_same_folder(first, second);
    }
}

TEST(score_folder_of_ve_is_the_one_of_diffusers)
{
    Err err = {0};
    begin(1);
    ModelConfig m = score_config(METHOD_SDE, SDE_VE);
    m.noise.sigma_max = 50;
    EXPECT(model_folder_write(in_folder("ve"), &m, &table, block, &err));
    expect_file("ve/model_index.json", "{\n"
                                       "  \"_class_name\": \"ScoreSdeVePipeline\",\n"
                                       "  \"_diffusers_version\": \"0.31.0\",\n"
                                       "  \"scheduler\": [\n"
                                       "    \"diffusers\",\n"
                                       "    \"ScoreSdeVeScheduler\"\n"
                                       "  ],\n"
                                       "  \"unet\": [\n"
                                       "    \"diffusers\",\n"
                                       "    \"UNet2DModel\"\n"
                                       "  ]\n"
                                       "}\n");
    expect_file("ve/scheduler/scheduler_config.json",
                "{\n"
                "  \"_class_name\": \"ScoreSdeVeScheduler\",\n"
                "  \"_diffusers_version\": \"0.31.0\",\n"
                "  \"correct_steps\": 3,\n"
                "  \"num_train_timesteps\": 1000,\n"
                "  \"sampling_eps\": 1e-05,\n"
                "  \"sigma_max\": 50.0,\n"
                "  \"sigma_min\": 0.01,\n"
                "  \"snr\": 0.16\n"
                "}\n");
    /* A trainer that leaves the corrector to the reader says nothing of it. */
    m.sample.snr = 0;
    EXPECT(model_folder_write(in_folder("ve"), &m, &table, block, &err));
    ModelConfig read;
    if (!EXPECT(read_config("ve", &read, &err))) return;
    EXPECT(read.sample.snr == 0.15 && read.sample.corrector_steps == 1);
}

/* Names that diffusers does not have, so that it refuses the folder instead of misreading it. */
TEST(score_folder_of_what_diffusers_lacks_has_names_of_our_own)
{
    Err err = {0};
    begin(1);
    ModelConfig m = score_config(METHOD_SDE, SDE_SUBVP);
    EXPECT(model_folder_write(in_folder("subvp"), &m, &table, block, &err));
    expect_file("subvp/scheduler/scheduler_config.json",
                "{\n"
                "  \"_class_name\": \"DiffcSubVpScheduler\",\n"
                "  \"_diffusers_version\": \"0.31.0\",\n"
                "  \"beta_max\": 6.666666666666667,\n"
                "  \"beta_min\": 0.1,\n"
                "  \"num_train_timesteps\": 1000,\n"
                "  \"sampling_eps\": 1e-05\n"
                "}\n");
    expect_in_file("subvp/model_index.json", "\"DiffcSubVpPipeline\"");
    expect_in_file("subvp/model_index.json", "    \"diffc\",\n    \"DiffcSubVpScheduler\"\n");
    expect_in_file("subvp/unet/config.json", "\"time_embedding_type\": \"fourier_time\"");
}

/* Its levels and labels are those of diffusers' VE scheduler, so it is one there, and SMLD here. */
TEST(score_folder_of_smld_is_one_of_ve_that_says_so)
{
    Err err = {0};
    begin(1);
    ModelConfig m = score_config(METHOD_SMLD, SDE_VE);
    m.sample.snr = 0.16;
    m.sample.corrector_steps = 2;
    EXPECT(model_folder_write(in_folder("smld"), &m, &table, block, &err));
    expect_file("smld/scheduler/scheduler_config.json",
                "{\n"
                "  \"_class_name\": \"ScoreSdeVeScheduler\",\n"
                "  \"_diffc_method\": \"smld\",\n"
                "  \"_diffusers_version\": \"0.31.0\",\n"
                "  \"correct_steps\": 2,\n"
                "  \"num_train_timesteps\": 93,\n"
                "  \"sigma_max\": 9.366666666666667,\n"
                "  \"sigma_min\": 0.01,\n"
                "  \"snr\": 0.16\n"
                "}\n");
    expect_in_file("smld/model_index.json", "\"ScoreSdeVePipeline\"");
}

/* alpha_bar of diffusers' table against the process: at step i >= 1 it is that of time i / 999, whose
 * label is i, and step 0 is the smallest time of training. */
TEST(score_folder_of_vp_is_a_ddpm_with_its_noise_at_the_times_of_whole_labels)
{
    begin(1);
    /* The last one's first step would be lost in float32 betas, and its others are hardly above. */
    static const double cases[][3] = {
        {0.1, 20, 1e-5}, {0.1, 20, 1e-3}, {0.1, 20, 0.01}, {5, 5, 1e-5}, {1e-4, 1e-4, 1e-6}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        ModelConfig m = score_config(METHOD_SDE, SDE_VP), read;
        Err err = {0};
        m.unet.time_kind = TIME_POSITIONAL;
        m.noise.beta_min = cases[c][0];
        m.noise.beta_max = cases[c][1];
        m.noise.time_min = cases[c][2];
        EXPECT(model_folder_write(in_folder("vp"), &m, &table, block, &err));
        Json *file =
            json_load(in_folder("vp/scheduler/scheduler_config.json"), 1 << 20, true, &err);
        if (!EXPECT(file)) continue;
        EXPECT_TEXT(json_string(json_get(file, "_class_name")), "DDPMScheduler");
        EXPECT_TEXT(json_string(json_get(file, "_diffc_method")), "vp");
        EXPECT_TEXT(json_string(json_get(file, "prediction_type")), "epsilon");
        EXPECT_INT(json_number(json_get(file, "num_train_timesteps")), 1000);
        const Json *betas = json_get(file, "trained_betas");
        EXPECT_INT(json_count(betas), 1000);
        double alpha_bar = 1, worst = 0;
        int i = 0;
        for (const Json *b = json_first(betas); b; b = json_next(b), i++) {
            double beta = json_number(b), t = i / 999.0;
            EXPECT(beta > 0 && beta < 1);
            alpha_bar *= 1 - beta;
            double exact =
                exp(-0.5 * t * t * (m.noise.beta_max - m.noise.beta_min) - t * m.noise.beta_min);
            double relative = fabs((1 - alpha_bar) / (1 - exact) - 1);
            if (i >= 1) worst = test_larger(worst, relative);
            if (i == 0 && m.noise.beta_min * m.noise.time_min >= 1e-6)
                EXPECT_NEAR(1 - alpha_bar, m.noise.beta_min * fmin(m.noise.time_min, 0.5 / 999),
                            0.1 * beta);
        }
        EXPECT(worst < 1e-7); /* of 1 - alpha_bar by cancellation, in the last case */
        json_free(file);
        /* Read back as VP; without the key, as the chain that others see. */
        if (!EXPECT(read_config("vp", &read, &err))) continue;
        EXPECT(read.method == METHOD_SDE && read.noise.sde == SDE_VP && read.noise.betas == NULL);
        EXPECT(read.noise.beta_min == m.noise.beta_min && read.noise.time_min == m.noise.time_min);
        EXPECT_INT(read.warning_count, 0);
    }
}

TEST(score_folder_says_whether_diffusers_opens_it)
{
    ModelConfig m = score_config(METHOD_SDE, SDE_SUBVP);
    EXPECT(!model_diffusers_support(&m).pipeline);
    EXPECT_TEXT(model_diffusers_support(&m).but, "it has no scheduler for sub-VP");
    m = score_config(METHOD_SDE, SDE_VP);
    EXPECT(!model_diffusers_support(&m).pipeline);
    EXPECT_CONTAINS(model_diffusers_support(&m).but, "no Fourier features of the time itself");
    m.unet.time_kind = TIME_POSITIONAL;
    EXPECT_TEXT(model_diffusers_support(&m).pipeline, "DDPMPipeline");
    EXPECT(!model_diffusers_support(&m).but);
    m.unet.input_fouriers = 1;
    EXPECT(!model_diffusers_support(&m).pipeline);
    EXPECT_CONTAINS(model_diffusers_support(&m).but, "no Fourier features of the image");
    m.network = NETWORK_MLP;
    EXPECT(!model_diffusers_support(&m).pipeline);
    m = score_config(METHOD_SMLD, SDE_VE);
    EXPECT_TEXT(model_diffusers_support(&m).pipeline, "ScoreSdeVePipeline");
    EXPECT_CONTAINS(model_diffusers_support(&m).but, "3 channels only");
    m.unet.in_channels = m.unet.out_channels = 3;
    EXPECT_CONTAINS(model_diffusers_support(&m).but, "values from 0 to 1");
}
