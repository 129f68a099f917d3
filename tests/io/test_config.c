#include "base/fsio.h"
#include "base/mem.h"
#include "base/rng.h"
#include "io/config.h"
#include "test.h"
#include "wrong_configs.h"

static bool parse(Config *c, const char *text, Err *err)
{
    config_defaults(c);
    return config_parse(c, text, strlen(text), "config.json", err);
}

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
        {"train=1", "train is not a known"},
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

TEST(config_rules_between_fields)
{
    static const struct {
        const char *text, *part; /* part NULL: fine */
    } cases[] = {
        {"{\"train\":{\"steps\":0}}", "train.steps and train.minutes are both 0"},
        {"{\"train\":{\"steps\":0,\"minutes\":5,\"schedule\":\"cosine\"}}", NULL},
        {"{\"train\":{\"batch\":4,\"micro_batch\":5}}",
         "train.micro_batch (5) is above train.batch (4)"},
        {"{\"train\":{\"batch\":4,\"micro_batch\":4}}", NULL},
        {"{\"data\":{\"limit\":1000,\"validation\":1000}}", "set data.validation below 1000"},
        {"{\"data\":{\"limit\":1001,\"validation\":1000}}", NULL},
        {"{\"data\":{\"limit\":1}}", NULL},
        {"{\"data\":{\"limit\":1,\"validation\":\"auto\"}}", NULL},
        {"{\"method\":{\"schedule\":\"betas\"}}", "method.betas has 0 values"},
        {"{\"method\":{\"schedule\":\"betas\",\"steps\":2,\"betas\":[0.1,0.2]}}", NULL},
        {"{\"method\":{\"steps\":1,\"betas\":[0.1]}}",
         "method.betas is [0.1], but method.schedule is \"linear\": only \"betas\" reads it; leave "
         "it out, or set method.schedule"},
        {"{\"method\":{\"beta_start\":0.5}}", "method.beta_start (0.5) is above"},
        {"{\"method\":{\"beta_start\":0.5,\"beta_end\":0.6,\"schedule\":\"scaled_linear\"}}", NULL},
        {"{\"method\":{\"beta_start\":0.5,\"schedule\":\"cosine\"}}",
         "method.beta_start is 0.5, but method.schedule is \"cosine\": only \"linear\" and "
         "\"scaled_linear\""},
        {"{\"method\":{\"beta_end\":0.1,\"type\":\"cdm\",\"schedule\":\"unif\"}}",
         "method.beta_end is 0.1, but method.schedule is \"unif\": only \"linear\" and"},
        {"{\"method\":{\"type\":\"cdm\",\"schedule\":\"unif\"}}", NULL},
        {"{\"sample\":{\"steps\":1001}}", "sample.steps is 1001"},
        {"{\"sample\":{\"steps\":1001,\"sampler\":\"ddim\",\"spacing\":\"leading\"}}",
         "sample.steps is 1001"},
        {"{\"sample\":{\"steps\":2000,\"sampler\":\"pc\"}}", NULL},
        {"{\"sample\":{\"steps\":2000,\"sampler\":\"ddim\",\"spacing\":\"uniform\"}}", NULL},
        {"{\"sample\":{\"steps\":1000}}", NULL},
        {"{\"method\":{\"type\":\"sde\"},\"sample\":{\"steps\":1001}}", NULL},
        /* toys and networks */
        {"{\"data\":{\"toy\":\"ring\"}}", NULL},
        {"{\"data\":{\"toy\":\"ring\",\"path\":\"a\"}}",
         "data.toy and data.path (a) are both given"},
        {"{\"data\":{\"toy\":\"ring\",\"size\":8}}",
         "data.size is 8, but data.toy is \"ring\": it is for images, and a toy has points without "
         "end; leave it out, or set data.toy"},
        {"{\"data\":{\"toy\":\"ring\",\"limit\":8,\"validation\":100}}",
         "data.limit is 8, but data.toy is"},
        {"{\"data\":{\"toy\":\"ring\",\"kind\":\"idx\"}}", "data.kind is \"idx\", but data.toy is"},
        {"{\"data\":{\"toy\":\"ring\",\"flip\":true}}", "data.flip is true, but data.toy is"},
        {"{\"data\":{\"toy\":\"ring\"},\"model\":{\"type\":\"mlp\",\"width\":64}}", NULL},
        {"{\"data\":{\"toy\":\"ring\"},\"model\":{\"type\":\"unet\"}}",
         "model.type is \"unet\", but data.toy"},
        {"{\"model\":{\"type\":\"mlp\"}}", "model.type is \"mlp\", which is for the points"},
        {"{\"model\":{\"type\":\"unet\"}}", NULL},
        {"{\"model\":{\"width\":64}}", "model.width is 64, but model.type is \"unet\": the size of "
                                       "a unet is set by model.channels"},
        {"{\"model\":{\"layers\":2}}", "model.layers is 2, but model.type is"},
        /* features of time */
        {"{\"model\":{\"time\":\"fourier\"}}", "the steps of ddpm and eddpm are whole numbers"},
        {"{\"model\":{\"time\":\"positional\"},\"method\":{\"type\":\"smld\"}}",
         "the network of smld divides its output by sigma"},
        {"{\"model\":{\"time\":\"positional\"},\"method\":{\"type\":\"sde\",\"sde\":\"ve\"}}",
         "the network of sde ve divides its output by sigma"},
        {"{\"model\":{\"time\":\"positional\"},\"method\":{\"type\":\"sde\"}}", NULL},
        {"{\"model\":{\"time\":\"fourier\"},\"method\":{\"type\":\"sde\",\"sde\":\"subvp\"}}",
         NULL},
        /* what the network gives */
        {"{\"method\":{\"type\":\"smld\",\"prediction\":\"v\"}}", NULL},
        {"{\"method\":{\"type\":\"smld\",\"prediction\":\"score\"}}", NULL},
        {"{\"method\":{\"type\":\"sde\",\"sde\":\"ve\",\"prediction\":\"v\"},\"model\":{\"time\":"
         "\"positional\"}}",
         NULL},
        {"{\"method\":{\"type\":\"sde\",\"prediction\":\"v\"}}", NULL},
        {"{\"method\":{\"type\":\"sde\",\"sde\":\"subvp\",\"prediction\":\"x0\"}}", NULL},
        {"{\"method\":{\"type\":\"smld\",\"prediction\":\"x0\"}}",
         "method.prediction is \"x0\", but the network of smld gives"},
        {"{\"method\":{\"type\":\"sde\",\"sde\":\"ve\",\"prediction\":\"x0\"}}",
         "method.prediction is \"x0\", but the network of sde ve gives"},
        {"{\"method\":{\"prediction\":\"score\"}}", "method.prediction is \"score\", which"},
        {"{\"method\":{\"type\":\"eddpm\",\"prediction\":\"score\"}}",
         "which the networks of smld"},
        {"{\"method\":{\"type\":\"sde\",\"prediction\":\"score\"}}", "this method has \"eps\""},
        {"{\"method\":{\"type\":\"smld\",\"prediction\":\"v\"},\"model\":{\"time\":\"fourier\"}}",
         "to predict v it needs \"positional\""},
        {"{\"data\":{\"toy\":\"ring\"},\"method\":{\"type\":\"smld\",\"prediction\":\"v\","
         "\"objective\":"
         "\"sliced\"}}",
         "method.objective is \"sliced\", whose loss is one of the score"},
        /* keys of other methods */
        {"{\"method\":{\"levels\":10}}",
         "method.levels is given, but the method is ddpm, and the key belongs to smld;"},
        {"{\"method\":{\"sde\":\"ve\"}}", "the key belongs to sde;"},
        {"{\"method\":{\"type\":\"sde\",\"schedule\":\"cosine\"}}",
         "method.schedule is given, but the method is sde vp, and the key belongs to ddpm, eddpm, "
         "cdm;"},
        {"{\"method\":{\"type\":\"sde\",\"steps\":100}}", "method.steps is given"},
        {"{\"method\":{\"type\":\"sde\",\"betas\":[0.1]}}", "method.betas is given"},
        {"{\"method\":{\"type\":\"cdm\",\"prediction\":\"x0\"}}", "method.prediction is given"},
        /* which older versions wrote */
        {"{\"method\":{\"type\":\"cdm\",\"prediction\":\"eps\"}}", NULL},
        {"{\"method\":{\"prediction\":\"eps\",\"type\":\"smld\"}}", NULL},
        {"{\"method\":{\"prediction\":\"eps\",\"type\":\"sde\",\"sde\":\"ve\"}}", NULL},
        {"{\"method\":{\"type\":\"smld\",\"min_snr_gamma\":5}}", "method.min_snr_gamma is given"},
        {"{\"method\":{\"type\":\"smld\",\"beta_start\":0.1}}", "method.beta_start is given"},
        {"{\"method\":{\"type\":\"smld\",\"beta_end\":0.1}}", "method.beta_end is given"},
        {"{\"method\":{\"type\":\"smld\",\"time_min\":0.1}}", "method.time_min is given"},
        {"{\"method\":{\"type\":\"smld\",\"beta_min\":1}}", "method.beta_min is given"},
        {"{\"method\":{\"type\":\"sde\",\"sde\":\"ve\",\"beta_max\":1}}",
         "the method is sde ve, and the key belongs to sde vp, sde subvp;"},
        {"{\"method\":{\"type\":\"sde\",\"sigma_max\":50}}", "belongs to smld, sde ve;"},
        {"{\"method\":{\"sigma_min\":1}}", "method.sigma_min is given"},
        {"{\"method\":{\"type\":\"smld\",\"weighting\":\"likelihood\"}}",
         "method.weighting is given"},
        {"{\"method\":{\"objective\":\"exact\"}}", "method.objective is given"},
        {"{\"method\":{\"slices\":2}}", "method.slices is given"},
        {"{\"method\":{\"type\":\"smld\",\"levels\":10,\"sigma_min\":0.1,\"sigma_max\":10}}", NULL},
        {"{\"method\":{\"type\":\"sde\",\"sde\":\"ve\",\"weighting\":\"likelihood\"}}", NULL},
        {"{\"method\":{\"type\":\"sde\",\"beta_min\":1,\"beta_max\":5,\"time_min\":0.001}}", NULL},
        /* classifiers of noise levels */
        {"{\"method\":{\"type\":\"cdm\"}}", NULL},
        {"{\"method\":{\"type\":\"cdm\",\"schedule\":\"unif\",\"steps\":100,\"ce_weight\":0}}",
         NULL},
        {"{\"method\":{\"schedule\":\"unif\"}}", "\"unif\", which is for the method cdm"},
        {"{\"method\":{\"ce_weight\":1}}", "method.ce_weight is given"},
        {"{\"method\":{\"mse_weight\":2}}", "method.mse_weight is given"},
        {"{\"method\":{\"dequantise\":false}}",
         "method.dequantise is given, but the method is ddpm, and the key belongs to cdm;"},
        {"{\"method\":{\"type\":\"cdm\",\"prediction\":\"v\"}}",
         "the key belongs to ddpm, eddpm, smld, sde;"},
        {"{\"method\":{\"type\":\"cdm\",\"ce_weight\":0,\"mse_weight\":0}}",
         "method.ce_weight and method.mse_weight are both 0"},
        {"{\"method\":{\"type\":\"cdm\"},\"model\":{\"class_conditional\":true}}",
         "model.class_conditional is given, but the network of cdm"},
        {"{\"method\":{\"type\":\"cdm\"},\"model\":{\"scale_shift\":true}}",
         "model.scale_shift is given, but the network of cdm"},
        {"{\"method\":{\"type\":\"cdm\"},\"model\":{\"time\":\"positional\"}}",
         "model.time is given, but the network of cdm"},
        {"{\"method\":{\"type\":\"cdm\"},\"data\":{\"toy\":\"ring\"}}", "which classifies images"},
        {"{\"method\":{\"type\":\"cdm\"},\"model\":{\"classifier_channels\":64}}", NULL},
        {"{\"model\":{\"classifier_channels\":64}}", "model.classifier_channels is given"},
        {"{\"method\":{\"type\":\"cdm\",\"steps\":10},\"sample\":{\"steps\":11}}",
         "sample.steps is 11"},
        /* learned variance */
        {"{\"method\":{\"learn_variance\":true}}", NULL},
        {"{\"method\":{\"learn_variance\":true,\"vlb_weight\":0.01,\"prediction\":\"v\"}}", NULL},
        {"{\"method\":{\"vlb_weight\":0.01}}",
         "method.vlb_weight is 0.01, but method.learn_variance is false: without it the bound is "
         "no part of the loss"},
        {"{\"method\":{\"type\":\"smld\",\"learn_variance\":true}}",
         "method.learn_variance is given, but the method is smld"},
        {"{\"method\":{\"type\":\"sde\",\"learn_variance\":true}}",
         "the method is sde vp, and the key belongs to ddpm;"},
        {"{\"data\":{\"toy\":\"ring\"},\"method\":{\"learn_variance\":true}}",
         "the points of a data.toy have no levels of grey"},
        {"{\"method\":{\"learn_variance\":true,\"steps\":1}}", "method.steps is 1"},
        {"{\"method\":{\"learn_variance\":true},\"sample\":{\"variance\":\"large\"}}",
         "sample.variance is \"large\", but method.learn_variance is true"},
        /* a schedule even in ln SNR */
        {"{\"method\":{\"schedule\":\"logsnr\",\"logsnr_start\":11,\"logsnr_end\":-6}}", NULL},
        {"{\"method\":{\"logsnr_start\":11}}",
         "method.schedule is \"linear\": only \"logsnr\" reads it"},
        {"{\"method\":{\"logsnr_end\":-6}}",
         "method.logsnr_end is -6, but method.schedule is \"linear\""},
        {"{\"method\":{\"type\":\"sde\",\"logsnr_end\":-6}}", "method.logsnr_end is given"},
        {"{\"method\":{\"schedule\":\"logsnr\",\"logsnr_start\":-8}}",
         "method.logsnr_end (-8) is not below method.logsnr_start (-8); noise must grow"},
        {"{\"method\":{\"schedule\":\"logsnr\",\"steps\":2,\"betas\":[0.1,0.2]}}",
         "method.betas is [0.1,0.2], but method.schedule is \"logsnr\": only \"betas\" reads it"},
        /* frequencies */
        {"{\"model\":{\"input_fourier\":[6,7,8]}}", NULL},
        {"{\"data\":{\"toy\":\"ring\"},\"model\":{\"input_fourier\":[7]}}",
         "model.input_fourier is [7], but model.type is \"mlp\": the points of an mlp have no "
         "levels of grey"},
        /* noise that grows */
        {"{\"method\":{\"type\":\"smld\",\"sigma_max\":0.01}}",
         "method.sigma_min (0.01) is not below method.sigma_max (0.01)"},
        {"{\"method\":{\"type\":\"smld\",\"sigma_min\":5}}", NULL},
        {"{\"method\":{\"type\":\"sde\",\"beta_min\":21}}",
         "method.beta_min (21) is above method.beta_max (20)"},
        {"{\"method\":{\"type\":\"sde\",\"beta_min\":20}}", NULL},
        /* objectives */
        {"{\"method\":{\"type\":\"smld\",\"objective\":\"exact\"}}",
         "method.objective is \"exact\", which needs derivatives"},
        {"{\"method\":{\"type\":\"smld\",\"objective\":\"sliced\"}}",
         "method.objective is \"sliced\", which needs derivatives"},
        {"{\"data\":{\"toy\":\"ring\"},\"method\":{\"type\":\"smld\",\"objective\":\"exact\"}}",
         NULL},
        {"{\"data\":{\"toy\":\"ring\"},\"method\":{\"type\":\"sde\",\"objective\":\"exact\"}}",
         "method.objective is given, but the method is sde vp"},
        {"{\"data\":{\"toy\":\"ring\"},\"method\":{\"type\":\"sde\",\"sde\":\"ve\","
         "\"objective\":\"sliced\",\"slices\":4}}",
         NULL},
        {"{\"data\":{\"toy\":\"ring\"},\"method\":{\"type\":\"smld\",\"slices\":4}}",
         "method.slices is 4, but method.objective is \"denoising\": only \"sliced\" reads it"},
        /* choosing steps */
        {"{\"method\":{\"type\":\"eddpm\",\"keep\":20,\"schedule\":\"cosine\",\"min_snr_gamma\":5}"
         "}",
         NULL},
        {"{\"method\":{\"keep\":20}}", "method.keep is given, but the method is ddpm, and the key "
                                       "belongs to eddpm;"},
        {"{\"method\":{\"type\":\"eddpm\",\"steps\":40}}",
         "method.keep is 50, more than method.steps"},
        {"{\"method\":{\"type\":\"eddpm\"},\"train\":{\"batch\":3}}",
         "method.recipe \"tuned\" tries 4 masks in each update, which share its images, but an "
         "update "
         "has only 3; set train.batch"},
        {"{\"method\":{\"type\":\"eddpm\"},\"train\":{\"batch\":3,\"accumulate\":2}}", NULL},
        {"{\"method\":{\"type\":\"eddpm\",\"recipe\":\"paper\"},\"train\":{\"batch\":1}}", NULL},
        {"{\"method\":{\"recipe\":\"paper\"}}", "method.recipe is given, but the method is ddpm"},
        {"{\"method\":{\"type\":\"eddpm\",\"beta_start\":0.5}}",
         "method.beta_start (0.5) is above"},
        {"{\"model\":{\"time\":\"fourier\"},\"method\":{\"type\":\"eddpm\"}}",
         "model.time is \"fourier\""},
        {"{\"method\":{\"type\":\"eddpm\",\"sigma_min\":1}}", "the method is eddpm, and the key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Config c;
        Err err = {0};
        EXPECT(parse(&c, cases[i].text, &err));
        EXPECT(config_check(&c, &err) == (cases[i].part == NULL));
        if (cases[i].part) {
            EXPECT_CONTAINS(err.text, cases[i].part);
            EXPECT_INT(err.kind, ERR_USAGE);
        }
        config_free(&c);
    }
}

/* Every field away from its default, with numbers that need 17 digits. */
static void fill(Config *c, unsigned turn)
{
    config_defaults(c);
    uint32_t r[4];
    rng_block(3, rng_stream(RNG_TEST, 9), turn, r);
    double u = (r[0] + 0.5) / 4294967296.0;
    snprintf(c->data.path, sizeof c->data.path, "dir \"%u\"/\xc3\xa9\\\t", r[1]);
    c->data.kind = DATA_FOLDER;
    c->data.toy = TOY_CHECKERBOARD;
    c->data.height = 1 + (int)(r[0] % 8192);
    c->data.width = turn % 2 ? c->data.height : 1 + (int)(r[1] % 8192);
    c->data.channels = 3;
    c->data.flip = c->data.skip_bad = true;
    c->data.limit = 100000;
    c->data.validation = (int)(r[2] % 1000);
    c->model.type = NETWORK_MLP;
    c->model.mlp.width = c->model.mlp.layers = 7;
    c->model.unet.fourier_scale = 1000 * u;
    c->model.channels = 1 + (int)(r[3] % 4096);
    c->model.unet.levels = c->model.attentions = 1 + (int)(turn % UNET_MAX_LEVELS);
    memset(c->model.multipliers, 0, sizeof c->model.multipliers);
    for (int i = 0; i < c->model.unet.levels; i++)
        c->model.multipliers[i] = c->model.attention[i] = i + 1;
    c->model.unet.mid_attention = c->model.unet.zero_init = false;
    c->model.unet.layers_per_block = c->model.unet.head_dim = c->model.unet.groups = 3;
    c->model.unet.eps = u;
    c->model.unet.dropout = u / 3;
    c->model.unet.freq_shift = u / 7;
    c->model.time = TIME_CHOICE_FOURIER;
    c->model.unet.flip_sin_to_cos = c->model.unet.scale_shift = true;
    c->model.unet.downsample_padding = 1;
    c->model.class_conditional = true;
    c->method.noise.T = c->method.noise.beta_count = 5;
    c->method.noise.schedule = SCHEDULE_BETAS;
    c->method.noise.betas = mem_doubles(5);
    for (int i = 0; i < 5; i++) c->method.noise.betas[i] = u / (i + 3);
    c->method.noise.beta_start = u / 11;
    c->method.noise.beta_end = u / 9;
    c->method.noise.prediction = PREDICT_X0;
    c->method.min_snr_gamma = 5 * u;
    c->method.learn_variance = true;
    c->method.vlb_weight = u / 67;
    c->method.noise.logsnr_start = 20 * u;
    c->method.noise.logsnr_end = -20 * u;
    c->method.times = TIMES_EVEN;
    c->model.unet.input_fouriers = c->model.unet.levels;
    memcpy(c->model.unet.input_fourier, c->model.multipliers, sizeof c->model.multipliers);
    c->method.type = METHOD_SDE;
    c->method.noise.sde = SDE_SUBVP;
    c->method.noise.sigma_min = u / 31;
    c->method.noise.sigma_max = turn % 3 ? 1e6 * u : 0;
    c->method.noise.levels = turn % 3 ? 2 : 0;
    c->method.noise.beta_min = u / 37;
    c->method.noise.beta_max = u * 41;
    c->method.noise.time_min = u / 43;
    c->method.weighting = WEIGHTING_LIKELIHOOD;
    c->method.objective = OBJECTIVE_SLICED;
    c->method.slices = 1000;
    c->method.mask.keep = 17 + turn;
    c->method.mask.alphas = turn % 3 ? ALPHAS_RESCALED : ALPHAS_AUTO;
    c->method.mask.recipe = RECIPE_PAPER;
    snprintf(c->train.init, sizeof c->train.init, "runs/%u", turn);
    c->method.ce_weight = u / 67;
    c->method.mse_weight = u / 71;
    c->method.dequantise = false;
    c->model.unet.classifier_channels = 5;
    c->train.steps = 999999999999;
    c->train.minutes = 1e6 * u;
    c->train.batch = 4096;
    c->train.micro_batch = 7;
    c->train.accumulate = 9;
    c->train.optimizer.kind = OPTIMIZER_ADAMW;
    c->train.optimizer.lr = u;
    c->train.optimizer.beta1 = u / 13;
    c->train.optimizer.beta2 = u / 17;
    c->train.optimizer.eps = 1e-30 * u;
    c->train.optimizer.weight_decay = u / 19;
    c->train.optimizer.warmup = 123456789012;
    c->train.optimizer.schedule = RATE_COSINE;
    c->train.optimizer.clip = u * 1e8;
    c->train.optimizer.ema = u / 23;
    c->train.seed = (uint64_t)r[0] << 32 | r[1];
    c->train.log_every = 3;
    c->train.checkpoint_every = c->train.keep = c->train.validate = 8;
    snprintf(c->sample.sampler, sizeof c->sample.sampler, "dpm++2m");
    c->sample.steps = c->sample.count = 3;
    c->sample.eta = u / 29;
    c->sample.variance = VARIANCE_LARGE;
    c->sample.spacing = SPACING_TRAILING;
    c->sample.snr = u / 47;
    c->sample.corrector_steps = c->sample.langevin_steps = 99;
    c->sample.predictor = PREDICTOR_NONE;
    c->sample.langevin_step = turn % 3 ? u / 53 : 0;
    c->sample.churn = u * 59;
    c->sample.tolerance = u / 61;
    c->sample.call_limit = 12345;
    c->sample.clip = false;
    c->sample.seed = r[2];
    c->sample.batch = 12;
}

TEST(config_resolved_file_reads_back_to_the_same_bits)
{
    for (unsigned turn = 0; turn < 200; turn++) {
        Config c, back;
        Err err = {0};
        fill(&c, turn);
        char *text = config_to_json(&c);
        if (!EXPECT(text != NULL)) return;
        config_defaults(&back);
        EXPECT_OK(config_parse(&back, text, strlen(text), "t", &err), err);
        if (EXPECT(back.method.noise.betas != NULL))
            EXPECT_SAME(back.method.noise.betas, c.method.noise.betas, 5 * sizeof(double));
        mem_free(back.method.noise.betas);
        back.method.noise.betas = c.method.noise.betas;
        EXPECT_SAME(&back, &c, sizeof c);
        mem_free(text);
        config_free(&c);
    }
}

TEST(config_resolved_file_of_the_defaults)
{
    Config c;
    config_defaults(&c);
    char *text = config_to_json(&c);
    EXPECT_CONTAINS(text, "{\n  \"data\": {\n    \"path\": \"\",\n    \"kind\": \"auto\",\n");
    EXPECT_CONTAINS(text, "    \"multipliers\": [1, 2, 2],\n");
    EXPECT_CONTAINS(text, "    \"attention\": [],\n");
    EXPECT_CONTAINS(text, "    \"lr\": 0.0002,\n");
    EXPECT_CONTAINS(text, "    \"seed\": 0,\n");
    EXPECT(strcmp(text + strlen(text) - 6, "  }\n}\n") == 0);
    mem_free(text);
}

TEST(config_load_reads_a_file_and_tells_io_from_usage)
{
    char path[PATH_BYTES];
    Config c;
    Err err = {0};
    path_join(path, test_folder(), "c.json", &err);
    config_defaults(&c);
    EXPECT(!config_load(&c, path, &err));
    EXPECT_INT(err.kind, ERR_IO);
    EXPECT(file_write(path, "{\"train\":{\"lr\":0.5}}", 20, &err));
    EXPECT(config_load(&c, path, &err));
    EXPECT_NEAR(c.train.optimizer.lr, 0.5, 0);
    EXPECT(file_write(path, "{\"train\":{\"lr\":}}", 17, &err));
    EXPECT_REFUSED(config_load(&c, path, &err), err, ERR_USAGE, "c.json: line 1, column 16");
}

TEST(config_of_another_format_is_refused_by_its_number_whatever_keys_it_has)
{
    static const char one[] = "{\"format\":1,\"train\":{\"steps\":7}}";
    static const char two[] = "{\"train\":{\"later\":7},\"format\":2}";
    Config c;
    Err err = {0};
    config_defaults(&c);
    EXPECT(config_parse(&c, one, sizeof one - 1, "run/config.json", &err));
    EXPECT_INT(c.train.steps, 7);
    EXPECT(!config_parse(&c, two, sizeof two - 1, "run/config.json", &err));
    EXPECT_INT(err.kind, ERR_FORMAT);
    EXPECT_TEXT(err.text,
                "run/config.json: has format 2, written by another release of diffc; this "
                "one reads format 1");
}

TEST(a_key_that_a_recipe_has_replaced_is_refused_with_the_recipe_that_sets_it)
{
    Config c;
    Err err = {0};
    EXPECT_REFUSED(
        parse(&c, "{\"method\":{\"type\":\"eddpm\",\"masks\":4}}", &err), err, ERR_USAGE,
        "config.json: method.masks is not a known key; method.recipe sets it, \"tuned\" to 4 "
        "and \"paper\" to 1");
    EXPECT_REFUSED(config_set(&c, "method.extract=draw", &err), err, ERR_USAGE,
                   "method.recipe sets it, \"tuned\" to moves and \"paper\" to draw");
}

TEST(config_help_has_a_line_for_every_key)
{
    char line[512];
    size_t n = 0;
    bool lr = false, sampler = false;
    for (; config_describe(n, line, sizeof line); n++) {
        EXPECT(strlen(line) > 40 && strlen(line) + 1 < sizeof line);
        EXPECT(strchr(line, '\n') == NULL);
        if (strncmp(line, "train.lr ", 9) == 0) {
            lr = true;
            EXPECT_CONTAINS(line, "learning rate; default 2e-4 (a number above 0 and at most 10)");
        }
        if (strncmp(line, "sample.sampler ", 15) == 0) {
            sampler = true;
            EXPECT_CONTAINS(line, "default \"auto\" (a string");
        }
        if (strncmp(line, "method.sigma_max ", 17) == 0)
            EXPECT_CONTAINS(line, "default \"auto\" (\"auto\" or a number above 0 and at most");
        if (strncmp(line, "method.levels ", 14) == 0)
            EXPECT_CONTAINS(line, "default \"auto\" (\"auto\" or an integer in 2..100000)");
    }
    EXPECT_INT((long long)n, 105);
    EXPECT(lr && sampler);
}

TEST(config_files_that_are_shipped_are_right)
{
    Names names;
    Err err = {0};
    if (!EXPECT(folder_list("configs", &names, &err))) return;
    EXPECT(names.count >= 8);
    for (size_t i = 0; i < names.count; i++) {
        char path[PATH_BYTES];
        Config c;
        if (strcmp(names.names[i], "README.md") == 0) continue;
        config_defaults(&c);
        path_join(path, "configs", names.names[i], &err);
        EXPECT_OK(config_load(&c, path, &err) && config_check(&c, &err), err);
        config_free(&c);
    }
    names_free(&names);
}
