#include "base/fsio.h"
#include "base/mem.h"
#include "base/rng.h"
#include "config_case.h"
#include "wrong_configs.h"

TEST(config_defaults_are_the_documented_ones)
{
    Config c;
    config_defaults(&c);
    EXPECT_TEXT(c.data.path, "");
    EXPECT(c.data.kind == DATA_AUTO && c.data.height == 0 && c.data.width == 0);
    EXPECT(c.data.channels == 0 && !c.data.flip && c.data.limit == 0 && !c.data.skip_bad);
    EXPECT_INT(c.data.validation, -1); /* auto */
    EXPECT_INT(c.model.channels, 32);
    EXPECT_INT(c.model.unet.levels, 3);
    EXPECT(c.model.multipliers[0] == 1 && c.model.multipliers[1] == 2 &&
           c.model.multipliers[2] == 2 && c.model.multipliers[3] == 0);
    EXPECT(c.model.unet.layers_per_block == 1 && c.model.attentions == 0 &&
           c.model.unet.mid_attention);
    EXPECT(c.model.unet.head_dim == 0 && c.model.unet.groups == 0 &&
           c.model.unet.downsample_padding == 0);
    EXPECT_NEAR(c.model.unet.eps, 1e-6, 0);
    EXPECT_NEAR(c.model.unet.dropout, 0, 0);
    EXPECT_NEAR(c.model.unet.freq_shift, 1, 0);
    EXPECT(c.model.time == TIME_CHOICE_AUTO && !c.model.unet.flip_sin_to_cos &&
           !c.model.unet.scale_shift);
    EXPECT(!c.model.class_conditional && c.model.unet.zero_init);
    EXPECT(c.method.type == METHOD_DDPM && c.method.noise.T == 1000);
    EXPECT(c.method.noise.schedule == SCHEDULE_LINEAR && c.method.noise.prediction == PREDICT_AUTO);
    EXPECT_NEAR(c.method.noise.beta_start, 1e-4, 0);
    EXPECT_NEAR(c.method.noise.beta_end, 0.02, 0);
    EXPECT(c.method.noise.betas == NULL && c.method.noise.beta_count == 0);
    EXPECT_NEAR(c.method.min_snr_gamma, 0, 0);
    EXPECT(c.train.steps == 10000 && c.train.batch == 64 && c.train.micro_batch == 0);
    EXPECT(c.train.accumulate == 1 && c.train.optimizer.kind == OPTIMIZER_ADAM);
    EXPECT_NEAR(c.train.minutes, 0, 0);
    EXPECT_NEAR(c.train.optimizer.lr, 2e-4, 0);
    EXPECT_NEAR(c.train.optimizer.beta1, 0.9, 0);
    EXPECT_NEAR(c.train.optimizer.beta2, 0.999, 0);
    EXPECT_NEAR(c.train.optimizer.eps, 1e-8, 0);
    EXPECT_NEAR(c.train.optimizer.weight_decay, 0, 0);
    EXPECT(c.train.optimizer.warmup == 500 && c.train.optimizer.schedule == RATE_CONSTANT);
    EXPECT_NEAR(c.train.optimizer.clip, 1, 0);
    EXPECT_NEAR(c.train.optimizer.ema, 0.9999, 0);
    EXPECT(c.train.seed == 0 && c.train.log_every == 10 && c.train.checkpoint_every == 1000);
    EXPECT(c.train.keep == 2 && c.train.validate == 256);
    EXPECT_TEXT(c.sample.sampler, "auto");
    EXPECT(c.sample.steps == 0 && c.sample.count == 64 && c.sample.variance == VARIANCE_SMALL);
    EXPECT(c.sample.spacing == SPACING_AUTO && c.sample.clip && c.sample.seed == 0);
    EXPECT_NEAR(c.sample.eta, 0, 0);
    EXPECT_INT(c.sample.batch, 0);
    Err err = {0};
    EXPECT(config_check(&c, &err));
}

TEST(config_defaults_of_score_methods_toys_and_samplers)
{
    Config c;
    config_defaults(&c);
    EXPECT(c.data.toy == TOY_NONE && c.model.type == NETWORK_AUTO);
    EXPECT(c.model.mlp.width == 128 && c.model.mlp.layers == 3 && c.model.unet.fourier_scale == 0);
    EXPECT(c.method.noise.sde == SDE_VP && c.method.noise.sigma_min == 0.01 &&
           c.method.noise.sigma_max == 0);
    EXPECT(c.method.noise.levels == 0 && c.method.noise.beta_min == 0.1 &&
           c.method.noise.beta_max == 20);
    EXPECT(c.method.noise.time_min == 1e-5 && c.method.weighting == WEIGHTING_SIMPLE);
    EXPECT(c.method.objective == OBJECTIVE_DENOISING && c.method.slices == 1);
    EXPECT(c.sample.snr == 0.16 && c.sample.corrector_steps == 1);
    EXPECT(c.sample.predictor == PREDICTOR_REVERSE_DIFFUSION && c.sample.langevin_steps == 5);
    EXPECT(c.sample.langevin_step == 0 && c.sample.churn == 0 && c.sample.tolerance == 1e-4);
    EXPECT_INT(c.sample.call_limit, 1000);
}

TEST(config_reads_every_kind_of_value)
{
    Config c;
    Err err = {0};
    EXPECT(parse(&c,
                 "{\"data\":{\"path\":\"a \\u00e9\",\"kind\":\"cifar10\",\"size\":[28,32],"
                 "\"channels\":3,\"flip\":true},\"model\":{\"multipliers\":[1,2,3,4],"
                 "\"attention\":[16,8],\"time\":\"fourier\",\"dropout\":0.1,\"zero_init\":false},"
                 "\"method\":{\"steps\":3,\"schedule\":\"betas\",\"betas\":[0.1,0.2,0.3],"
                 "\"prediction\":\"v\"},\"train\":{\"steps\":1e6,\"optimizer\":\"adamw\","
                 "\"schedule\":\"cosine\",\"seed\":\"18446744073709551615\",\"minutes\":1.5},"
                 "\"sample\":{\"sampler\":\"ddim\",\"variance\":\"large\",\"seed\":"
                 "9007199254740991,\"spacing\":\"quadratic\"}}",
                 &err));
    EXPECT_TEXT(err.text, "");
    EXPECT_TEXT(c.data.path, "a \xc3\xa9");
    EXPECT(c.data.kind == DATA_CIFAR10 && c.data.height == 28 && c.data.width == 32);
    EXPECT(c.data.channels == 3 && c.data.flip);
    EXPECT(c.model.unet.levels == 4 && c.model.multipliers[3] == 4 && c.model.attentions == 2);
    EXPECT(c.model.attention[0] == 16 && c.model.attention[1] == 8 &&
           c.model.time == TIME_CHOICE_FOURIER);
    EXPECT_NEAR(c.model.unet.dropout, 0.1, 0);
    EXPECT(!c.model.unet.zero_init);
    EXPECT(c.method.noise.schedule == SCHEDULE_BETAS && c.method.noise.beta_count == 3);
    EXPECT_NEAR(c.method.noise.betas[2], 0.3, 0);
    EXPECT(c.method.noise.prediction == PREDICT_V && c.train.optimizer.kind == OPTIMIZER_ADAMW);
    EXPECT(c.train.steps == 1000000 && c.train.optimizer.schedule == RATE_COSINE);
    EXPECT(c.train.seed == UINT64_MAX && c.sample.seed == 9007199254740991ull);
    EXPECT_NEAR(c.train.minutes, 1.5, 0);
    EXPECT_TEXT(c.sample.sampler, "ddim");
    EXPECT(c.sample.variance == VARIANCE_LARGE && c.sample.spacing == SPACING_QUADRATIC);
    EXPECT(config_set(&c, "data.toy=swiss-roll", &err) && c.data.toy == TOY_SWISS_ROLL);
    EXPECT(config_set(&c, "model.type=mlp", &err) && c.model.type == NETWORK_MLP);
    EXPECT(config_set(&c, "method.type=sde", &err) && c.method.type == METHOD_SDE);
    EXPECT(config_set(&c, "method.sde=subvp", &err) && c.method.noise.sde == SDE_SUBVP);
    EXPECT(config_set(&c, "method.weighting=likelihood", &err));
    EXPECT(config_set(&c, "method.objective=sliced", &err));
    EXPECT(c.method.weighting == WEIGHTING_LIKELIHOOD && c.method.objective == OBJECTIVE_SLICED);
    EXPECT(config_set(&c, "sample.predictor=ancestral", &err));
    EXPECT(c.sample.predictor == PREDICTOR_ANCESTRAL);
    /* Fewer list elements than before leave nothing behind. */
    EXPECT(config_set(&c, "model.multipliers=[5]", &err));
    EXPECT(c.model.unet.levels == 1 && c.model.multipliers[0] == 5 && c.model.multipliers[1] == 0);
    EXPECT(config_set(&c, "method.betas=[]", &err));
    EXPECT(c.method.noise.betas == NULL && c.method.noise.beta_count == 0);
    config_free(&c);
}

TEST(config_wrong_ones_are_refused_with_the_expected_words)
{
    size_t n = sizeof wrong_configs / sizeof *wrong_configs;
    EXPECT(n >= 200);
    for (size_t i = 0; i < n; i++) {
        Config c;
        Err err = {0};
        if (!EXPECT(!parse(&c, wrong_configs[i].text, &err)))
            printf("    accepted: %s\n", wrong_configs[i].text);
        EXPECT_INT(err.kind, ERR_USAGE);
        EXPECT(strncmp(err.text, "config.json: ", 13) == 0);
        for (int k = 0; k < 3 && wrong_configs[i].parts[k]; k++)
            EXPECT_CONTAINS(err.text, wrong_configs[i].parts[k]);
        config_free(&c);
    }
}

TEST(config_suggests_the_key_that_was_meant)
{
    for (size_t i = 0; i < sizeof misspelt / sizeof *misspelt; i++) {
        char section[16], key[64], text[128], words[200];
        const char *at = misspelt[i].written;
        for (int n; sscanf(at, " %15[^.].%63s%n", section, key, &n) == 2; at += n) {
            Config c;
            Err err = {0};
            snprintf(text, sizeof text, "{\"%s\":{\"%s\":1}}", section, key);
            snprintf(words, sizeof words, "config.json: %s.%s is not a known key; did you mean %s?",
                     section, key, misspelt[i].meant);
            EXPECT_REFUSED(parse(&c, text, &err), err, ERR_USAGE, words);
        }
        EXPECT_TEXT(at, "");
    }
}

TEST(config_set_takes_json_words_and_paths)
{
    Config c;
    Err err = {0};
    config_defaults(&c);
    static const char *const good[] = {"train.lr=1e-3",
                                       "model.multipliers=[1,2]",
                                       "data.path=some/dir",
                                       "data.size=[28,30]",
                                       "train.optimizer=adamw",
                                       "sample.sampler=\"ddim\"",
                                       "train.seed=18446744073709551615",
                                       "data.flip=true",
                                       "method.schedule=cosine",
                                       "sample.seed=\"77\"",
                                       "train.steps= 5 "};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        EXPECT_OK(config_set(&c, good[i], &err), err);
    EXPECT_NEAR(c.train.optimizer.lr, 1e-3, 0);
    EXPECT(c.model.unet.levels == 2 && c.model.multipliers[2] == 0);
    EXPECT_TEXT(c.data.path, "some/dir");
    EXPECT(c.data.height == 28 && c.data.width == 30 && c.train.optimizer.kind == OPTIMIZER_ADAMW);
    EXPECT_TEXT(c.sample.sampler, "ddim");
    EXPECT(c.train.seed == UINT64_MAX && c.data.flip && c.method.noise.schedule == SCHEDULE_COSINE);
    EXPECT(c.sample.seed == 77 && c.train.steps == 5);
    static const struct {
        const char *assignment, *path;
    } paths[] = {{"data.path=12", "12"},      {"data.path=true", "true"},
                 {"data.path=[x]", "[x]"},    {"data.path=a=b.c", "a=b.c"},
                 {"data.path=", ""},          {"data.path=\"quoted\"", "quoted"},
                 {"data.path=C:\\x", "C:\\x"}};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        EXPECT(config_set(&c, paths[i].assignment, &err));
        EXPECT_TEXT(c.data.path, paths[i].path);
    }
}

/* The word means 0 inside, and 0 itself is not a value. */
TEST(config_numbers_that_may_be_auto_read_and_write_the_word)
{
    Config c;
    Err err = {0};
    config_defaults(&c);
    static const char *const given[] = {"method.sigma_max=50", "method.levels=232",
                                        "sample.langevin_step=6.2e-6"};
    static const char *const automatic[] = {"method.sigma_max=auto", "method.levels=\"auto\"",
                                            "sample.langevin_step=auto"};
    static const char *const zero[] = {"method.sigma_max=0", "method.levels=0",
                                       "sample.langevin_step=0"};
    for (int i = 0; i < 3; i++) EXPECT(config_set(&c, given[i], &err));
    EXPECT(c.method.noise.sigma_max == 50 && c.method.noise.levels == 232 &&
           c.sample.langevin_step == 6.2e-6);
    char *text = config_to_json(&c);
    EXPECT_CONTAINS(text, "    \"sigma_max\": 50,\n");
    EXPECT_CONTAINS(text, "    \"levels\": 232,\n");
    EXPECT_CONTAINS(text, "    \"langevin_step\": 6.2e-06,\n");
    mem_free(text);
    for (int i = 0; i < 3; i++) EXPECT(config_set(&c, automatic[i], &err));
    EXPECT(c.method.noise.sigma_max == 0 && c.method.noise.levels == 0 &&
           c.sample.langevin_step == 0);
    text = config_to_json(&c);
    EXPECT_CONTAINS(text, "    \"sigma_max\": \"auto\",\n");
    EXPECT_CONTAINS(text, "    \"levels\": \"auto\",\n");
    EXPECT_CONTAINS(text, "    \"langevin_step\": \"auto\",\n");
    mem_free(text);
    for (int i = 0; i < 3; i++) {
        EXPECT_FAILS(config_set(&c, zero[i], &err), err, "must be \"auto\" or ");
    }
    /* Other numbers do not know the word. */
    EXPECT_FAILS(config_set(&c, "method.sigma_min=auto", &err), err,
                 "must be a number above 0 and at most 1000000, got \"auto\"");
}

TEST(config_spacing_words_stand_at_their_places)
{
    static const struct {
        const char *assignment;
        SpacingKind kind;
    } words[] = {{"sample.spacing=even", SPACING_EVEN},
                 {"sample.spacing=leading", SPACING_LEADING},
                 {"sample.spacing=trailing", SPACING_TRAILING},
                 {"sample.spacing=quadratic", SPACING_QUADRATIC},
                 {"sample.spacing=uniform", SPACING_UNIFORM},
                 {"sample.spacing=logsnr", SPACING_LOGSNR},
                 {"sample.spacing=karras", SPACING_KARRAS},
                 {"sample.spacing=auto", SPACING_AUTO},
                 {"sample.spacing=dp", SPACING_DP}};
    Config c;
    Err err = {0};
    config_defaults(&c);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        EXPECT(config_set(&c, words[i].assignment, &err));
        EXPECT_INT(c.sample.spacing, words[i].kind);
    }
}

TEST(config_choices_left_to_the_program_follow_data_and_method)
{
    static const struct {
        MethodKind method;
        SdeKind sde;
        TimeChoice time;
    } rows[] = {{METHOD_DDPM, SDE_VP, TIME_CHOICE_POSITIONAL},
                {METHOD_EDDPM, SDE_VP, TIME_CHOICE_POSITIONAL},
                {METHOD_SMLD, SDE_VP, TIME_CHOICE_FOURIER},
                {METHOD_SDE, SDE_VE, TIME_CHOICE_FOURIER},
                {METHOD_SDE, SDE_VP, TIME_CHOICE_POSITIONAL},
                {METHOD_SDE, SDE_SUBVP, TIME_CHOICE_POSITIONAL}};
    Config standard, c;
    config_defaults(&standard);
    EXPECT(standard.method.noise.sde == SDE_VP);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        c = standard;
        c.method.type = rows[i].method;
        c.method.noise.sde = rows[i].sde;
        config_resolve(&c);
        EXPECT(c.model.type == NETWORK_UNET && c.model.unet.fourier_scale == 16);
        EXPECT(c.model.time == rows[i].time && c.model.unet.groups == 8);
    }
    c = standard;
    c.data.toy = TOY_RING;
    config_resolve(&c);
    EXPECT(c.model.type == NETWORK_MLP && c.model.unet.fourier_scale == 0.25);
    c = standard;
    c.model.unet.fourier_scale = 3;
    c.model.unet.groups = 2;
    c.model.time = TIME_CHOICE_FOURIER;
    config_resolve(&c);
    EXPECT(c.model.unet.fourier_scale == 3 && c.model.unet.groups == 2);
    EXPECT_INT(c.model.time, TIME_CHOICE_FOURIER);
}

TEST(config_set_refuses_with_the_assignment_in_the_message)
{
    static const struct {
        const char *assignment, *part;
    } bad[] = {
        {"train.lr", "--set train.lr: expected section.key=value, such as train.lr=1e-3"},
        {"", "expected section.key=value"},
        {"=1", "expected section.key=value"},
        {"train.lr=abc", "train.lr must be a number above 0 and at most 10, got \"abc\""},
        {"train.lr=", "got \"\" (a string)"},
        {"train.lr=[1]", "got an array"},
        {"train.learning_rate=1", "did you mean train.lr?"},
        {"learning_rate=1", "learning_rate is not a known section; did you mean train.lr?"},
        {"lr=0.1.2", "did you mean train.lr?"},
        {"train=1",
         "train is a section, which has no value of its own; known keys of train: init, steps"},
        {"trian.lr=1", "trian.lr is not a known key; did you mean train.lr?"},
        {"train..lr=1", "did you mean train.lr?"},
        {"xyzzy.plugh=1", "known sections: data"},
        {"train.seed=-1", "train.seed must be"},
        {"train.seed=18446744073709551616", "got \"18446744073709551616\""},
        {"train.batch=1e9", "train.batch must be an integer in 1..4096, got 1000000000"},
        {"data.flip=yes", "data.flip must be true or false, got \"yes\" (a string)"},
        {"data.path=a\xff", "found byte 0xff"},
        {"data.path=a\nb", "found byte 0x0a"},
        {"method.schedule=sigmoid", "got \"sigmoid\" (a string)"},
        {"train.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1",
         "known keys of train"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Config c, before;
        Err err = {0};
        config_defaults(&c);
        before = c;
        EXPECT_REFUSED(config_set(&c, bad[i].assignment, &err), err, ERR_USAGE, "--set ");
        EXPECT_CONTAINS(err.text, bad[i].part);
        EXPECT_SAME(&c, &before, sizeof c);
    }
}
