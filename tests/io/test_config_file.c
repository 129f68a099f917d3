/* Configurations as files: resolved, read back, of other formats, and those that are shipped. */
#include "base/fsio.h"
#include "base/mem.h"
#include "base/rng.h"
#include "config_case.h"

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
