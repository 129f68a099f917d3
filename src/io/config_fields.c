#include "io/config_fields.h"

#include <stdio.h>
#include <string.h>

#include "base/choice.h"
#include "base/text.h"

static const FieldCondition
    of_images = {"toy", 1u << TOY_NONE, "it is for images, and a toy has points without end"},
    of_mlp = {"type", 1u << NETWORK_MLP,
              "the size of a unet is set by model.channels and model.blocks"},
    of_unet = {"type", 1u << NETWORK_UNET, "the points of an mlp have no levels of grey"},
    straight = {"schedule", 1u << SCHEDULE_LINEAR | 1u << SCHEDULE_SCALED_LINEAR,
                "only \"linear\" and \"scaled_linear\" read it"},
    given_betas = {"schedule", 1u << SCHEDULE_BETAS, "only \"betas\" reads it"},
    even_logsnr = {"schedule", 1u << SCHEDULE_LOGSNR, "only \"logsnr\" reads it"},
    learnt_variance = {"learn_variance", 1u << true, "without it the bound is no part of the loss"},
    sliced = {"objective", 1u << OBJECTIVE_SLICED, "only \"sliced\" reads it"};

/* clang-format off */
/* s: section, k: key, m: member of the section that holds it, lo and hi: range, d: default, h: help,
 * then other names and more members of the row. open_lo and open_hi: the end itself does not belong to
 * the range. OF: its group, of a key that not every method reads. WITH: its
 * condition. AT_MOST, BELOW: the key of its section that limits it, and why. */
#define PLACE(s, member) .offset = offsetof(Config, s.member), .size = sizeof(((Config *)0)->s.member)
#define WORDS(d, h, ...) .standard = d, .help = h, .aliases = __VA_ARGS__
#define OF(set) .group = KEYS_##set
#define WITH(name) .condition = &name
#define AT_MOST(key, reason) .limit = #key, .why = reason
#define BELOW(key, reason) AT_MOST(key, reason), .strict = true
#define INT(s, k, m, lo, hi, d, h, ...) {#s, #k, FIELD_INT, PLACE(s, m), .min = lo, .max = hi, WORDS(d, h, __VA_ARGS__)}
#define LONG(s, k, m, lo, hi, d, h, ...) {#s, #k, FIELD_INT64, PLACE(s, m), .min = lo, .max = hi, WORDS(d, h, __VA_ARGS__)}
#define SEED(s, k, m, d, h, ...) {#s, #k, FIELD_SEED, PLACE(s, m), WORDS(d, h, __VA_ARGS__)}
#define NUMBER(s, k, m, lo, hi, open_lo, open_hi, d, h, ...) \
    {#s, #k, FIELD_NUMBER, PLACE(s, m), .min = lo, .max = hi, .open_min = open_lo, .open_max = open_hi, WORDS(d, h, __VA_ARGS__)}
/* 0 must lie outside of lo .. hi, for it means auto. */
#define INT_OR_AUTO(s, k, m, lo, hi, h, ...) \
    {#s, #k, FIELD_INT, PLACE(s, m), .min = lo, .max = hi, .automatic = true, WORDS("auto", h, __VA_ARGS__)}
#define NUMBER_OR_AUTO(s, k, m, hi, h, ...) \
    {#s, #k, FIELD_NUMBER, PLACE(s, m), .min = 0, .max = hi, .open_min = true, .automatic = true, WORDS("auto", h, __VA_ARGS__)}
#define BOOL(s, k, m, d, h, ...) {#s, #k, FIELD_BOOL, PLACE(s, m), WORDS(d, h, __VA_ARGS__)}
#define CHOICE(s, k, m, set, d, h, ...) {#s, #k, FIELD_CHOICE, PLACE(s, m), .choices = set, WORDS(d, h, __VA_ARGS__)}
/* The same for the first n words of the set. */
#define FIRST(s, k, m, set, n, d, h, ...) \
    {#s, #k, FIELD_CHOICE, PLACE(s, m), .choices = set, .most = n, WORDS(d, h, __VA_ARGS__)}
#define TEXT(s, k, m, d, h, ...) {#s, #k, FIELD_TEXT, PLACE(s, m), WORDS(d, h, __VA_ARGS__)}
#define LIST(s, k, m, kind, count, lo, hi, open, few, many, d, h, ...) \
    {#s, #k, kind, PLACE(s, m), .count_offset = offsetof(Config, s.count), .min = lo, .max = hi, \
     .open_min = open, .open_max = open, .least = few, .most = many, WORDS(d, h, __VA_ARGS__)}
/* The lines of SAMPLE_SETTINGS as rows. */
#define SWITCH_SETTING(m, option, reads, d, h, a) BOOL(sample, m, m, d, h, a),
#define REAL_SETTING(m, option, reads, lo, open, hi, d, h, a) NUMBER(sample, m, m, open ? 0 : lo, hi, open, false, d, h, a),
#define AUTO_SETTING(m, option, reads, hi, h, a) NUMBER_OR_AUTO(sample, m, m, hi, h, a),
#define INT_SETTING(m, option, reads, lo, hi, d, h, a) INT(sample, m, m, lo, hi, d, h, a),
#define CHOICE_SETTING(m, option, reads, set, d, h, a) CHOICE(sample, m, m, set, d, h, a),
#define FIRST_SETTING(m, option, reads, set, n, d, h, a) FIRST(sample, m, m, set, n, d, h, a),

const Field config_fields[] = {
    TEXT(data, path, path, "", "file or folder of images (IDX, CIFAR-10 binary, PNG, JPEG)",
         "dir directory folder root file train_data_dir dataset"),
    CHOICE(data, kind, kind, data_kind_words, "auto", "kind of data; auto looks at the content", "type format", WITH(of_images)),
    {"data", "toy", FIELD_CHOICE, PLACE(data, toy), .choices = toy_words, .identity = true,
     WORDS("none", "points in the plane, made by formula; data.path is then empty", "toys synthetic distribution")},
    {"data", "size", FIELD_SIZE, offsetof(Config, data.height), 2 * sizeof(int), .least = 2, .most = 2, .min = 1, .max = IMAGE_MAX_SIDE,
     WORDS("0", "image size, N or [height, width]: images are resized to cover it and cropped in the middle; 0: as stored", "resolution image_size height width"), WITH(of_images)},
    INT(data, channels, channels, 0, IMAGE_MAX_CHANNELS, "0", "1: grey, 3: colour, 2 and 4: these with alpha; 0: as stored, alpha blended over black", "channel in_channels", WITH(of_images)),
    BOOL(data, flip, flip, "false", "mirror training images at random", "random_flip mirror horizontal_flip augment", WITH(of_images)),
    INT(data, limit, limit, 0, 1e9, "0", "use only this many images, of folders from all over; 0: all", "count images max_images", WITH(of_images)),
    {"data", "validation", FIELD_INT, PLACE(data, validation), .min = 0, .max = 1e9, .automatic = true, .automatic_value = -1,
     WORDS("auto", "images held out from training; auto: 1000, at most a tenth of them", "held_out val valid validation_images test")},
    TEXT(data, class_names, class_names, "", "names of the classes of IDX and CIFAR-10 files, in the order of their labels: a text file with one on each line, or a list with commas between; without it class_names.txt beside an IDX file and CIFAR's batches.meta.txt; a folder's classes have the names of its folders",
         "names label_names", WITH(of_images)),
    BOOL(data, skip_bad, skip_bad, "false", "folders: leave out images that cannot be read, and list them", "skip ignore_errors", WITH(of_images)),
    TEXT(data, cache, cache, DATA_CACHE_AUTO, "folders: where a file of the decoded images is kept, from which later runs start at once: a folder; off: nowhere, all images are held in memory; auto: beside the run, where they have more than 256 MiB, decoded or as files",
         "cache_dir cache_path decoded", WITH(of_images)),

    CHOICE(model, type, type, network_words, "auto", "the network; auto: mlp for toys, unet for images", "network architecture arch kind"),
    INT(model, width, mlp.width, 1, MLP_MAX_WIDTH, "128", "mlp: units of a hidden layer", "hidden hidden_dim units hidden_size", WITH(of_mlp)),
    INT(model, layers, mlp.layers, 1, MLP_MAX_LAYERS, "3", "mlp: hidden layers", "num_layers hidden_layers", WITH(of_mlp)),
    INT(model, channels, channels, 1, UNET_MAX_CHANNELS, "32", "unet: channels of the first level", "dim base_channels model_channels nf block_out_channels"),
    LIST(model, multipliers, multipliers, FIELD_INTS, unet.levels, 1, 64, 0, 1, UNET_MAX_LEVELS, "[1, 2, 2]",
         "channels of each level, in units of model.channels", "dim_mults channel_mult ch_mult mults levels channel_multipliers"),
    INT(model, blocks, unet.layers_per_block, 1, UNET_MAX_LAYERS, "1", "residual blocks per level",
        "layers_per_block num_res_blocks res_blocks depth resnets"),
    LIST(model, attention, attention, FIELD_INTS, attentions, 1, IMAGE_MAX_SIDE, 0, 0, UNET_MAX_LEVELS, "[]",
         "image heights that get attention", "attn attention_resolutions attn_resolutions down_block_types up_block_types"),
    BOOL(model, mid_attention, unet.mid_attention, "true", "attention in the middle of the network", "add_attention middle_attention"),
    INT(model, head_dim, unet.head_dim, 0, UNET_MAX_CHANNELS, "0", "channels per attention head; 0: one head", "attention_head_dim heads head_channels"),
    INT(model, groups, unet.groups, 0, UNET_MAX_CHANNELS, "0", "groups of the normalisation; 0: min(32, channels / 4)", "norm_num_groups num_groups"),
    NUMBER(model, eps, unet.eps, 0, 1, true, true, "1e-6", "added to the variance in the normalisation", "norm_eps epsilon"),
    NUMBER(model, dropout, unet.dropout, 0, DROPOUT_LIMIT, false, true, "0", "dropout inside the residual blocks", "drop"),
    CHOICE(model, time, time, time_choice_words, "auto", "features of the noise level; auto: positional for ddpm, eddpm, vp and subvp, else fourier",
           "time_embedding time_embedding_type"),
    NUMBER_OR_AUTO(model, fourier_scale, unet.fourier_scale, 1000, "spread of the fourier frequencies; auto: 16 for unet, 0.25 for mlp",
                   "embedding_scale gaussian_scale"),
    BOOL(model, flip_sin_to_cos, unet.flip_sin_to_cos, "false", "cosines before sines in the time features", ""),
    NUMBER(model, freq_shift, unet.freq_shift, 0, FREQ_SHIFT_LIMIT, false, false, "1", "shift of the highest time frequency", "downscale_freq_shift"),
    INT(model, downsample_padding, unet.downsample_padding, 0, 1, "0", "0: pad right and bottom only; 1: all round", "padding"),
    BOOL(model, scale_shift, unet.scale_shift, "false", "time scales and shifts instead of only shifting",
         "resnet_time_scale_shift use_scale_shift_norm film"),
    LIST(model, input_fourier, unet.input_fourier, FIELD_INTS, unet.input_fouriers, 0, UNET_MAX_EXPONENT, 0, 0, INPUT_FOURIER_MAX, "[]",
         "unet: for each n given, sin and cos of 2^n pi x beside the image, to see levels of grey", "fourier_features input_features", WITH(of_unet)),
    BOOL(model, class_conditional, class_conditional, "false", "the class label is an input", "class_cond conditional classes labels num_class_embeds"),
    BOOL(model, zero_init, unet.zero_init, "true", "last convolution of each block starts at zero", ""),
    INT(model, classifier_channels, unet.classifier_channels, 0, UNET_MAX_CHANNELS, "0", "channels of the head that classifies noise levels; 0: 2 * channels", "", OF(CLASSES)),

    CHOICE(method, type, type, method_words, "ddpm", "what is learnt", "method name kind"),
    INT(method, steps, noise.T, 1, STEPS_MAX, "1000", "noise levels T", "timesteps T num_train_timesteps diffusion_steps num_timesteps noise_classes", OF(STEPS)),
    CHOICE(method, schedule, noise.schedule, schedule_words, "linear", "how the noise grows; unif is cdm's alone", "beta_schedule noise_schedule", OF(STEPS)),
    NUMBER(method, beta_start, noise.beta_start, 0, 1, true, true, "1e-4", "first beta of linear and scaled_linear", "beta_1", OF(STEPS), WITH(straight), AT_MOST(beta_end, "; noise must grow")),
    NUMBER(method, beta_end, noise.beta_end, 0, 1, true, true, "0.02", "last beta of linear and scaled_linear", "beta_T", OF(STEPS), WITH(straight)),
    LIST(method, betas, noise.betas, FIELD_NUMBERS, noise.beta_count, 0, 1, true, 0, STEPS_MAX, "[]",
         "the betas of schedule \"betas\"", "trained_betas", OF(STEPS), WITH(given_betas)),
    NUMBER(method, logsnr_start, noise.logsnr_start, -20, 20, false, false, "13.3", "first ln(alpha^2 / sigma^2) of schedule \"logsnr\"", "logsnr_max gamma_min", OF(STEPS), WITH(even_logsnr)),
    NUMBER(method, logsnr_end, noise.logsnr_end, -20, 20, false, false, "-8", "last ln(alpha^2 / sigma^2) of schedule \"logsnr\"", "logsnr_min gamma_max", OF(STEPS), WITH(even_logsnr), BELOW(logsnr_start, "; noise must grow")),
    {"method", "prediction", FIELD_CHOICE, PLACE(method, noise.prediction), .choices = prediction_words, .automatic = true,
     .automatic_value = PREDICT_AUTO, OF(PREDICTION),
     WORDS("auto", "what the network gives: noise, image, v or score; auto: score for smld and sde ve, else noise",
           "prediction_type target parametrization")},
    NUMBER(method, min_snr_gamma, min_snr_gamma, 0, 1e6, false, false, "0", "Min-SNR weight of the loss; 0: off", "snr_gamma gamma min_snr", OF(MIN_SNR)),
    BOOL(method, learn_variance, learn_variance, "false", "the network also gives the variance of each value's step (LEARNED_RANGE)",
         "learn_sigma learned_variance variance_type learned_range out_channels", OF(VARIANCE)),
    NUMBER(method, vlb_weight, vlb_weight, 0, 1e3, true, false, "0.001", "with learn_variance: weight of the bound, bits per dimension of all steps, beside the simple loss",
           "lambda vlb kl_weight hybrid", OF(VARIANCE), WITH(learnt_variance)),
    CHOICE(method, sde, noise.sde, sde_words, "vp", "variance exploding, variance preserving or sub-VP", "process", OF(SDE)),
    NUMBER(method, sigma_min, noise.sigma_min, 0, SIGMA_LIMIT, true, false, "0.01", "smallest noise", "sigma_end sigma_L", OF(SIGMAS), BELOW(sigma_max, "; noise must grow")),
    NUMBER_OR_AUTO(method, sigma_max, noise.sigma_max, SIGMA_LIMIT, "largest noise; auto: largest distance between two images, or a lower bound of it",
                   "sigma_begin sigma_1", OF(SIGMAS)),
    INT_OR_AUTO(method, levels, noise.levels, 2, STEPS_MAX, "noise levels; auto: by the rule of the ratio",
                "num_classes n_levels num_scales L", OF(LEVELS)),
    NUMBER(method, beta_min, noise.beta_min, 0, SDE_BETA_LIMIT, true, false, "0.1", "beta at time 0", "", OF(BETAS), AT_MOST(beta_max, "; noise must grow")),
    NUMBER(method, beta_max, noise.beta_max, 0, SDE_BETA_LIMIT, true, false, "20", "beta at time 1", "", OF(BETAS)),
    NUMBER(method, time_min, noise.time_min, 0, TIME_MIN_LIMIT, true, false, "1e-5", "smallest time that is trained", "eps epsilon t_min sampling_eps", OF(SDE)),
    CHOICE(method, weighting, weighting, weighting_words, "simple", "weight of a time in the loss",
           "loss_weighting likelihood_weighting weight", OF(SDE)),
    CHOICE(method, objective, objective, objective_words, "denoising", "how the score is learnt; images need denoising", "loss score_matching", OF(SIGMAS)),
    INT(method, slices, slices, 1, 1000, "1", "projections of each point for the objective sliced", "projections n_projections", OF(SIGMAS), WITH(sliced)),
    CHOICE(method, times, times, time_draw_words, "independent", "levels of a batch: drawn each on its own, or spread evenly (less noise in the gradient)",
           "timestep_sampler time_sampling stratified antithetic low_discrepancy", OF(TIMES)),
    INT(method, keep, mask.keep, 1, STEPS_MAX, "50", "steps K that are kept in the end", "K kept_steps keep_steps gamma_f", OF(MASKS)),
    CHOICE(method, recipe, mask.recipe, mask_recipe_words, "tuned",
           "how the steps are learnt: tuned, as works best here; paper, by the paper's algorithm to the letter", "algorithm preset reward masks baseline score_rate precondition full ramp settle extract", OF(MASKS)),
    {"method", "alphas", FIELD_CHOICE, PLACE(method, mask.alphas), .choices = mask_alphas_words, .automatic = true,
     .automatic_value = ALPHAS_AUTO, OF(MASKS),
     WORDS("auto", "noise of kept steps: with that of the skipped ones below, without it, or all in proportion; auto: merged for the recipe tuned, literal for paper",
           "alpha masked_alphas")},
    NUMBER(method, ce_weight, ce_weight, 0, 1e6, false, false, "0.001", "weight of the cross-entropy of the noise level", "ce_loss_weight", OF(CLASSES)),
    NUMBER(method, mse_weight, mse_weight, 0, 1e6, false, false, "1", "weight of the squared error of the noise", "mse_loss_weight", OF(CLASSES)),
    BOOL(method, dequantise, dequantise, "true", "train clean images with uniform noise of one grey level; false: as they are, as published",
         "dequantize dequantization", OF(CLASSES)),

    {"train", "init", FIELD_TEXT, PLACE(train, init), .identity = true,
     WORDS("", "run or model folder whose weights the run starts from", "init_model pretrained pretrained_model resume_from")},
    LONG(train, steps, steps, 0, 1e12, "10000", "updates; 0: no limit, train.minutes decides",
         "iterations iters updates max_steps num_steps epochs total_steps"),
    NUMBER(train, minutes, minutes, 0, 1e7, false, false, "0", "time limit; 0: none", "time max_minutes duration hours"),
    INT(train, batch, batch, 1, 4096, "64", "images per gradient", "batch_size train_batch_size bs"),
    INT(train, micro_batch, micro_batch, 0, 4096, "0", "images per pass through the network; 0: chosen", "microbatch micro_batch_size", AT_MOST(batch, "")),
    INT(train, accumulate, accumulate, 1, 1024, "1", "batches averaged before an update",
        "gradient_accumulation_steps accumulation grad_accum accumulate_every"),
    NUMBER(train, label_dropout, label_dropout, 0, 1, false, true, "0",
           "class-conditional networks: share of the images that are trained without their class, for sample.guidance; 0.1 to 0.2 are usual",
           "null_class class_dropout cond_drop_prob class_dropout_prob uncond_prob p_uncond", .identity = true),
    CHOICE(train, optimizer, optimizer.kind, optimizer_words, "adam", "update rule; muon makes the updates of matrices orthogonal, and the rest is adamw's", "optimiser opt"),
    NUMBER(train, lr, optimizer.lr, 0, 10, true, false, "2e-4", "learning rate", "learning_rate rate base_lr lrate"),
    NUMBER(train, beta1, optimizer.beta1, 0, 1, false, true, "0.9", "decay of the first moment", "adam_beta1 momentum"),
    NUMBER(train, beta2, optimizer.beta2, 0, 1, false, true, "0.999", "decay of the second moment", "adam_beta2"),
    NUMBER(train, eps, optimizer.eps, 0, 1, true, false, "1e-8", "added to the root of the second moment", "adam_epsilon adam_eps epsilon"),
    NUMBER(train, weight_decay, optimizer.weight_decay, 0, 10, false, false, "0", "weight decay", "wd decay adam_weight_decay l2"),
    LONG(train, warmup, optimizer.warmup, 0, 1e12, "500", "updates over which the rate rises from 0", "warmup_steps lr_warmup_steps warmup_updates"),
    CHOICE(train, schedule, optimizer.schedule, rate_words, "constant", "learning rate after warm-up", "lr_scheduler lr_schedule scheduler"),
    NUMBER(train, clip, optimizer.clip, 0, 1e9, false, false, "1", "largest gradient norm; 0: off", "grad_clip max_grad_norm gradient_clip clip_norm"),
    NUMBER(train, ema, optimizer.ema, 0, 1, false, true, "0.9999", "decay of the averaged weights", "ema_decay ema_rate ema_max_decay"),
    {"train", "seed", FIELD_SEED, PLACE(train, seed), .identity = true, WORDS("0", "of weights, order, noise", "random_seed manual_seed")},
    LONG(train, log_every, log_every, 1, 1e12, "10", "updates between lines of the log", "log log_interval log_freq print_every"),
    LONG(train, checkpoint_every, checkpoint_every, 0, 1e12, "1000", "updates between checkpoints; 0: only at the end",
         "save_every checkpoint checkpointing_steps save_interval save_freq"),
    INT(train, keep, keep, 1, 10000, "2", "checkpoints kept", "checkpoints_total_limit keep_last max_checkpoints"),
    INT(train, validate, validate, 0, 1e9, "256", "held-out images scored at each checkpoint; 0: none", "validation_images eval_images val"),
    LONG(train, eval_every, eval_every, 0, 1e12, "0", "updates between measurements of how far 256 samples (dpm++2m, 20 network calls) are from the training images: their sliced Wasserstein distance; 0: none",
         "eval_interval eval_freq evaluate_every eval_steps distance_every fid_every"),

    TEXT(sample, sampler, sampler, "auto", "name of the sampler; auto: the method's own", "method type name scheduler solver"),
    INT(sample, steps, steps, 0, STEPS_MAX, "0", "network calls where that is possible; 0: the sampler's own number",
        "num_inference_steps sampling_timesteps nfe timesteps"),
    INT(sample, count, count, 1, 1e6, "64", "images in a grid", "n images number num_samples num_images"),
    SAMPLE_SETTINGS(SWITCH_SETTING, REAL_SETTING, AUTO_SETTING, INT_SETTING, CHOICE_SETTING, FIRST_SETTING)
    CHOICE(sample, spacing, spacing, spacing_words, "auto", "which noise levels are visited; auto: what suits the sampler",
           "timestep_spacing grid time_grid"),
    SEED(sample, seed, seed, "0", "image k is made from seed + k", "random_seed"),
    INT(sample, batch, batch, 0, 4096, "0", "images per pass through the network; 0: chosen", "batch_size eval_batch_size"),
    {.key = NULL},
};
/* clang-format on */

const char *const config_sections[] = {"data", "model", "method", "train", "sample", NULL};

const Field *config_find(const char *section, size_t length, const char *key)
{
    for (const Field *f = config_fields; f->key; f++)
        if (strlen(f->section) == length && memcmp(f->section, section, length) == 0 &&
            strcmp(f->key, key) == 0)
            return f;
    return NULL;
}

const char *config_word(const void *field, int index)
{
    const Field *f = field;
    return f->most == 0 || index < f->most ? f->choices[index] : NULL;
}

const MethodSettings *config_method(const Config *c)
{
    return method_settings(c->method.type, c->method.noise.sde);
}

bool config_is_identity(const Field *f)
{
    return f->identity || strcmp(f->section, "model") == 0 || strcmp(f->section, "method") == 0;
}

void range_words(char out[RANGE_BYTES], double low, double high, bool open_low, bool open_high)
{
    if (!open_low && !open_high)
        snprintf(out, RANGE_BYTES, "in %.15g..%.15g", low, high);
    else
        snprintf(out, RANGE_BYTES, "%s %.15g and %s %.15g", open_low ? "above" : "of at least", low,
                 open_high ? "below" : "at most", high);
}

static void value_words(const Field *f, bool element, char *out, size_t size)
{
    char range[RANGE_BYTES];
    bool whole = f->type != FIELD_NUMBER && f->type != FIELD_NUMBERS;
    const char *what = whole ? "integer" : "number";
    bool list = f->type == FIELD_INTS || f->type == FIELD_NUMBERS;
    range_words(range, f->min, f->max, f->open_min, f->open_max);
    if (f->type == FIELD_SEED)
        snprintf(out, size,
                 "an integer in 0..18446744073709551615 (a string when above 9007199254740991)");
    else if (f->type == FIELD_BOOL)
        snprintf(out, size, "true or false");
    else if (f->type == FIELD_CHOICE)
        choice_list(config_word, f, " or ", "\"", out, size);
    else if (f->type == FIELD_TEXT)
        snprintf(out, size, "a string of at most %zu bytes", f->size - 1);
    else if (f->type == FIELD_SIZE)
        snprintf(out, size, "0, an integer %s or [height, width]", range);
    else if (list && !element)
        snprintf(out, size, "a list of %d to %d %ss %s", f->least, f->most, what, range);
    else
        snprintf(out, size, "%s %s %s", whole ? "an" : "a", what, range);
}

void config_expected(const Field *f, bool element, char *out, size_t size)
{
    const char *automatic = !f->automatic ? "" : f->choices ? "\"auto\", " : "\"auto\" or ";
    size_t used = strlen(automatic);
    snprintf(out, size, "%s", automatic);
    if (used < size) value_words(f, element, out + used, size - used);
}

/* ---- what was probably meant ---- */

enum { WORD = 40 };

/* `word` is one of the space-separated words. */
static bool among(const char *word, const char *words)
{
    while (*words) {
        size_t length = strcspn(words, " ");
        char one[WORD], other[WORD];
        snprintf(one, sizeof one, "%.*s", (int)length, words);
        text_normalize(other, sizeof other, one);
        if (strcmp(word, other) == 0) return true;
        words += length;
        while (*words == ' ') words++;
    }
    return false;
}

const Field *config_alias(const char *section, const char *name)
{
    char word[WORD], key[WORD];
    text_normalize(word, sizeof word, name);
    for (const Field *f = config_fields; f->key; f++) {
        text_normalize(key, sizeof key, f->key);
        if ((!section || strcmp(f->section, section) == 0) &&
            (strcmp(word, key) == 0 || among(word, f->aliases)))
            return f;
    }
    return NULL;
}

/* The keys of a section (context NULL: of all), in the order of the table. */
static const char *key_name(const void *context, int index)
{
    for (const Field *f = config_fields; f->key; f++)
        if ((!context || strcmp(f->section, context) == 0) && index-- == 0) return f->key;
    return NULL;
}

/* The field that was probably meant; section NULL: not known. A right name in another section is a
 * likelier slip than a typing error. */
static const Field *nearest_field(const char *section, const char *name)
{
    const Field *f = section ? config_alias(section, name) : NULL;
    if (f || (f = config_alias(NULL, name))) return f;
    const char *key = choice_nearest(key_name, section, name);
    if (!key && section) key = choice_nearest(key_name, section = NULL, name);
    return key ? config_alias(section, key) : NULL;
}

static const char *nearest_section(const char *word)
{
    static const char *const aliases[] = {"dataset images input", "network unet net architecture",
                                          "diffusion scheduler process noise",
                                          "training trainer optimizer optim",
                                          "sampling sampler samples generation inference"};
    for (int i = 0; config_sections[i]; i++)
        if (among(word, aliases[i])) return config_sections[i];
    return choice_nearest(choice_word, config_sections, word);
}

void config_suggest(const char *section, const char *key, char *out, size_t size)
{
    char word[WORD];
    text_normalize(word, sizeof word, section);
    const char *title =
        choice_find(choice_word, config_sections, section) >= 0 ? section : nearest_section(word);
    if (!key && title) {
        snprintf(out, size, "did you mean %s?", title);
        return;
    }
    if (key && config_removed(title ? title : section, key, out, size)) return;
    const Field *f = nearest_field(title, key ? key : section);
    char known[480];
    if (f) {
        snprintf(out, size, "did you mean %s.%s?", f->section, f->key);
        return;
    }
    choice_list(title ? key_name : choice_word, title ? title : (const void *)config_sections, ", ",
                "", known, sizeof known);
    snprintf(out, size, "known %s%s: %s", title ? "keys of " : "sections", title ? title : "",
             known);
}
