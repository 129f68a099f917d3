/* Folders of score methods that others, or older versions, have written. */
#include "io/config.h"
#include "io/diffusers/model_folder.h"
#include "io/json.h"
#include "model_fixture.h"
#include "test.h"

static bool read_scheduler(const char *scheduler, ModelConfig *m, Err *err)
{
    put("t/unet/config.json", "{\"time_embedding_type\":\"fourier\"}");
    put("t/scheduler/scheduler_config.json", scheduler);
    return read_config("t", m, err);
}

TEST(score_folder_absent_keys_mean_what_diffusers_assumes)
{
    ModelConfig m;
    Err err = {0};
    if (!EXPECT(read_scheduler("{\"_class_name\":\"ScoreSdeVeScheduler\"}", &m, &err))) return;
    EXPECT(m.method == METHOD_SDE && m.noise.sde == SDE_VE && m.noise.T == 2000);
    EXPECT(m.noise.sigma_min == 0.01 && m.noise.sigma_max == 1348 && m.noise.time_min == 1e-5);
    EXPECT(m.sample.snr == 0.15 && m.sample.corrector_steps == 1);
    EXPECT(m.noise.prediction == PREDICT_SCORE && !m.sample.clip &&
           m.unet.time_kind == TIME_FOURIER);
    EXPECT_INT(m.warning_count, 0);
    if (!EXPECT(read_scheduler("{\"_class_name\":\"ScoreSdeVpScheduler\",\"beta_max\":10,"
                               "\"tolerance\":3}",
                               &m, &err)))
        return;
    EXPECT(m.method == METHOD_SDE && m.noise.sde == SDE_VP && m.noise.T == 2000);
    EXPECT(m.noise.beta_min == 0.1 && m.noise.beta_max == 10 && m.noise.time_min == 1e-3 &&
           m.noise.sigma_max == 0);
    EXPECT(m.noise.prediction == PREDICT_EPS);
    EXPECT_INT(m.warning_count, 1);
    EXPECT_CONTAINS(m.warnings[0], "the key tolerance is unknown and ignored");
}

/* Folders as versions before this one wrote them; diffusers has none of these classes today. */
TEST(score_folder_of_older_versions_loads)
{
    ModelConfig m;
    Err err = {0};
    if (!EXPECT(read_scheduler("{\"_class_name\":\"DiffcSmldScheduler\",\"num_train_timesteps\":93,"
                               "\"sigma_max\":9.5,\"sigma_min\":0.01}",
                               &m, &err)))
        return;
    EXPECT(m.method == METHOD_SMLD && m.noise.levels == 93 && m.noise.sigma_max == 9.5 &&
           m.noise.sigma_min == 0.01);
    EXPECT_INT(m.warning_count, 0);
    EXPECT(!model_diffusers_support(&m).pipeline);
    EXPECT_CONTAINS(model_diffusers_support(&m).but, "of an older diffc");
    put("t/model_index.json",
        "{\"_class_name\":\"ScoreSdeVpPipeline\",\"scheduler\":[\"diffusers\","
        "\"ScoreSdeVpScheduler\"],\"unet\":[\"diffusers\",\"UNet2DModel\"]}");
    if (!EXPECT(read_scheduler("{\"_class_name\":\"ScoreSdeVpScheduler\",\"beta_max\":10.0,"
                               "\"beta_min\":0.2,\"num_train_timesteps\":1000,"
                               "\"sampling_eps\":1e-05}",
                               &m, &err)))
        return;
    EXPECT(m.method == METHOD_SDE && m.noise.sde == SDE_VP && m.noise.beta_max == 10 &&
           m.noise.beta_min == 0.2);
    EXPECT(m.noise.time_min == 1e-5 && m.warning_count == 0 && m.old_class);
}

/* diffusers keeps the own keys when it saves the scheduler as another one. */
TEST(score_folder_of_vp_that_diffusers_saved_as_ddim_is_vp)
{
    ModelConfig m;
    Err err = {0};
    if (!EXPECT(read_scheduler(
            "{\"_class_name\":\"DDIMScheduler\",\"_diffc_method\":\"vp\",\"_diffc_beta_max\":20,"
            "\"_diffc_beta_min\":0.1,\"_diffc_sampling_eps\":1e-5,\"clip_sample\":true,"
            "\"trained_betas\":[0.5]}",
            &m, &err))) {
        printf("    %s\n", err.text);
        return;
    }
    EXPECT(m.method == METHOD_SDE && m.noise.sde == SDE_VP && m.noise.beta_max == 20 &&
           m.sample.clip && m.noise.T == 1000);
    EXPECT(!read_scheduler("{\"_class_name\":\"DDPMScheduler\",\"_diffc_method\":\"flow\"}", &m,
                           &err));
    EXPECT_CONTAINS(err.text, "_diffc_method is \"flow\"");
    EXPECT(
        !read_scheduler("{\"_class_name\":\"DDPMScheduler\",\"_diffc_method\":\"vp\"}", &m, &err));
    EXPECT_CONTAINS(err.text, "has no _diffc_beta_max, which a chain of VP must have");
    EXPECT_FAILS(read_scheduler("{\"_class_name\":\"DDPMScheduler\",\"_diffc_method\":\"vp\","
                                "\"_diffc_beta_max\":20,\"_diffc_beta_min\":0.1,\"_diffc_clip\":1,"
                                "\"_diffc_sampling_eps\":1e-5}",
                                &m, &err),
                 err, "_diffc_clip must be true or false, got 1");
}

/* google/ncsnpp-ffhq-1024's scheduler as it lies on the hub, with an index and a flat layout. */
TEST(score_folder_flat_layout_of_the_public_models)
{
    ModelConfig m;
    Err err = {0};
    put("g/model_index.json",
        "{\"_class_name\":\"ScoreSdeVePipeline\",\"_diffusers_version\":\"0.1.3\",\"scheduler\":["
        "\"diffusers\",\"ScoreSdeVeScheduler\"],\"unet\":[\"diffusers\",\"UNet2DModel\"]}");
    put("g/config.json", "{\"_class_name\":\"UNet2DModel\",\"time_embedding_type\":\"fourier\","
                         "\"center_input_sample\":true,\"norm_num_groups\":null}");
    put("g/scheduler_config.json",
        "{\"_class_name\":\"ScoreSdeVeScheduler\",\"_diffusers_version\":\"0.1.3\","
        "\"correct_steps\":1,\"num_train_timesteps\":2000,\"sampling_eps\":1e-05,"
        "\"sigma_max\":1348,\"sigma_min\":0.01,\"snr\":0.15}");
    if (!EXPECT_OK(read_config("g", &m, &err), err)) return;
    EXPECT(m.noise.sde == SDE_VE && m.noise.sigma_max == 1348 && m.sample.snr == 0.15 &&
           m.unet.center_input);
    EXPECT_INT(m.warning_count, 0);
}

#define VE(keys)   "{\"_class_name\":\"ScoreSdeVeScheduler\"" keys "}"
#define VP(keys)   "{\"_class_name\":\"ScoreSdeVpScheduler\"" keys "}"
#define SMLD(keys) "{\"_class_name\":\"DiffcSmldScheduler\"" keys "}"
#define SUB(keys)  "{\"_class_name\":\"DiffcSubVpScheduler\"" keys "}"

TEST(score_folder_wrong_values_are_refused_in_one_sentence)
{
    static const struct {
        const char *scheduler, *part;
    } cases[] = {
        {VE(",\"sigma_min\":0"), "sigma_min must be a number above 0 and at most 1000000, got 0"},
        {VE(",\"sigma_min\":\"a\""), "sigma_min must be a number"},
        {VE(",\"sigma_max\":-1"), "sigma_max must be a number above 0"},
        {VE(",\"sigma_max\":Infinity"), "sigma_max must be a number above 0"},
        {VE(",\"sigma_max\":0.01"), "sigma_min (0.01) is not below sigma_max (0.01)"},
        {VE(",\"sigma_min\":2000"), "sigma_min (2000) is not below sigma_max (1348)"},
        {VE(",\"snr\":0"), "snr must be a number above 0 and at most 10, got 0"},
        {VE(",\"snr\":null"), "snr must be a number above 0 and at most 10, got null"},
        {VE(",\"correct_steps\":-1"), "correct_steps must be an integer in 0..1000, got -1"},
        {VE(",\"correct_steps\":1.5"), "correct_steps must be an integer in 0..1000, got 1.5"},
        {VE(",\"num_train_timesteps\":0"),
         "num_train_timesteps must be an integer in 1..100000, got 0"},
        {VE(",\"sampling_eps\":1"), "sampling_eps must be a number above 0 and at most 0.1, got 1"},
        {VP(",\"beta_min\":0"), "beta_min must be a number above 0 and at most 1000, got 0"},
        {VP(",\"beta_min\":21"), "beta_min (21) is above beta_max (20)"},
        {VP(",\"sampling_eps\":NaN"), "sampling_eps must be a number"},
        {SMLD(""), "has no num_train_timesteps, which a DiffcSmldScheduler must have"},
        {SMLD(",\"num_train_timesteps\":10,\"sigma_min\":0.1"),
         "has no sigma_max, which a DiffcSmldScheduler must have"},
        {SMLD(",\"num_train_timesteps\":1,\"sigma_min\":0.1,\"sigma_max\":10"),
         "num_train_timesteps is 1; a DiffcSmldScheduler needs two levels"},
        {SMLD(",\"num_train_timesteps\":10,\"sigma_min\":10,\"sigma_max\":0.1"),
         "sigma_min (10) is not below sigma_max (0.1)"},
        {SUB(",\"beta_max\":20,\"beta_min\":0.1,\"num_train_timesteps\":1000"),
         "has no sampling_eps, which a DiffcSubVpScheduler must have"},
        {SUB(",\"beta_max\":1,\"beta_min\":2,\"num_train_timesteps\":1000,\"sampling_eps\":0.1"),
         "beta_min (2) is above beta_max (1)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ModelConfig m;
        Err err = {0};
        if (!EXPECT(!read_scheduler(cases[i].scheduler, &m, &err))) {
            printf("    accepted: %s\n", cases[i].scheduler);
            continue;
        }
        EXPECT_INT(err.kind, ERR_FORMAT);
        EXPECT_CONTAINS(err.text, "t/scheduler/scheduler_config.json: ");
        EXPECT_CONTAINS(err.text, cases[i].part);
    }
}
