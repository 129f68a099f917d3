/* Model folders that cannot be run, each refused by what is wrong. */
#include "base/fsio.h"
#include "io/diffusers/model_folder.h"
#include "model_fixture.h"
#include "test.h"

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
