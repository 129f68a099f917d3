#include "io/config_fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/config.h"
#include "net/mlp.h"

static const char *const method_types[] = {"ddpm", "smld", "sde", "eddpm", "cdm", NULL};
static const char *const sde_kinds[] = {"ve", "vp", "subvp", NULL};
static const char *const weightings[] = {"simple", "likelihood", NULL};
static const char *const objectives[] = {"denoising", "exact", "sliced", NULL};
static const char *const mask_alphas[] = {"merged", "literal", "rescaled", NULL};
static const char *const mask_rewards[] = {"bound", "loss", NULL};
static const char *const mask_baselines[] = {"others", "running", "none", NULL};
static const char *const mask_extracts[] = {"moves", "draw", "top", "optimum", NULL};
static const char *const noise_schedules[] = {"linear", "scaled_linear", "cosine", "betas",
                                              "logsnr", "unif",          NULL};
static const char *const time_draws[] = {"independent", "even", NULL};
static const char *const predictions[] = {"eps", "x0", "v", NULL};
static const char *const variances[] = {"small", "large", NULL};
static const char *const spacings[] = {"even",   "leading", "trailing", "quadratic", "uniform",
                                       "logsnr", "karras",  "auto",     "dp",        NULL};
static const char *const predictors[] = {"reverse-diffusion", "ancestral", "none", NULL};
const char *const config_data_kinds[] = {"auto", "idx", "cifar10", "folder", NULL};
static const char *const rates[] = {"constant", "cosine", NULL};
static const char *const optimizers[] = {"adam", "adamw", NULL};
const char *const config_toys[] = {"none", "two-modes", "ring", "swiss-roll", "checkerboard", NULL};
static const char *const networks[] = {"unet", "mlp", "auto", NULL};
static const char *const time_kinds[] = {"auto", "positional", "fourier", NULL};
static const char *const channel_counts[] = {"0", "1", "2", "3", "4", NULL};

/* clang-format off */
/* s: section, k: key (and member of the same name), lo and hi: range, d: default, h: help,
 * o: other names. open_lo and open_hi: the end itself does not belong to the range. */
#define PLACE(s, member) .offset = offsetof(Config, s.member), .size = sizeof(((Config *)0)->s.member)
#define WORDS(d, h, o) .standard = d, .help = h, .aliases = o
#define INT(s, k, lo, hi, d, h, o) {#s, #k, FIELD_INT, PLACE(s, k), .min = lo, .max = hi, WORDS(d, h, o)}
#define INT_OF(s, k, set, d, h, o) {#s, #k, FIELD_INT, PLACE(s, k), .choices = set, WORDS(d, h, o)}
#define LONG(s, k, lo, hi, d, h, o) {#s, #k, FIELD_INT64, PLACE(s, k), .min = lo, .max = hi, WORDS(d, h, o)}
#define SEED(s, k, d, h, o) {#s, #k, FIELD_SEED, PLACE(s, k), WORDS(d, h, o)}
#define NUMBER(s, k, lo, hi, open_lo, open_hi, d, h, o) \
    {#s, #k, FIELD_NUMBER, PLACE(s, k), .min = lo, .max = hi, .open_min = open_lo, .open_max = open_hi, WORDS(d, h, o)}
/* 0 must lie outside of lo .. hi, for it means auto. */
#define INT_OR_AUTO(s, k, lo, hi, h, o) \
    {#s, #k, FIELD_INT, PLACE(s, k), .min = lo, .max = hi, .automatic = true, WORDS("auto", h, o)}
#define NUMBER_OR_AUTO(s, k, hi, h, o) \
    {#s, #k, FIELD_NUMBER, PLACE(s, k), .min = 0, .max = hi, .open_min = true, .automatic = true, WORDS("auto", h, o)}
#define BOOL(s, k, d, h, o) {#s, #k, FIELD_BOOL, PLACE(s, k), WORDS(d, h, o)}
#define CHOICE(s, key, member, set, d, h, o) {#s, key, FIELD_CHOICE, PLACE(s, member), .choices = set, WORDS(d, h, o)}
#define TEXT(s, k, d, h, o) {#s, #k, FIELD_TEXT, PLACE(s, k), WORDS(d, h, o)}
#define LIST(s, k, kind, count, lo, hi, open, few, many, d, h, o) \
    {#s, #k, kind, PLACE(s, k), .count_offset = offsetof(Config, s.count), .min = lo, .max = hi, \
     .open_min = open, .open_max = open, .least = few, .most = many, WORDS(d, h, o)}

const Field config_fields[] = {
    TEXT(data, path, "", "file or folder of images (IDX, CIFAR-10 binary, PNG, JPEG)",
         "dir directory folder root file train_data_dir dataset"),
    CHOICE(data, "kind", kind, config_data_kinds, "auto", "kind of data; auto looks at the content", "type format"),
    {"data", "toy", FIELD_CHOICE, PLACE(data, toy), .choices = config_toys, .identity = true,
     WORDS("none", "points in the plane, made by formula; data.path is then empty", "toys synthetic distribution")},
    {"data", "size", FIELD_SIZE, PLACE(data, height), .count_offset = offsetof(Config, data.width), .min = 1, .max = IMAGE_MAX_SIDE,
     WORDS("0", "image size, N or [height, width]: images are resized to cover it and cropped in the middle; 0: as stored", "resolution image_size height width")},
    INT_OF(data, channels, channel_counts, "0", "1: grey, 3: colour, 2 and 4: these with alpha; 0: as stored, alpha blended over black", "channel in_channels"),
    BOOL(data, flip, "false", "mirror training images at random", "random_flip mirror horizontal_flip augment"),
    INT(data, limit, 0, 1e9, "0", "use only this many images, of folders from all over; 0: all", "count images max_images"),
    {"data", "validation", FIELD_INT, PLACE(data, validation), .min = 0, .max = 1e9, .automatic = true, .automatic_value = -1,
     WORDS("auto", "images held out from training; auto: 1000, at most a tenth of them", "held_out val valid validation_images test")},
    BOOL(data, skip_bad, "false", "folders: leave out images that cannot be read, and list them", "skip ignore_errors"),

    CHOICE(model, "type", type, networks, "auto", "the network; auto: mlp for toys, unet for images", "network architecture arch kind"),
    INT(model, width, 1, MLP_MAX_WIDTH, "128", "mlp: units of a hidden layer", "hidden hidden_dim units hidden_size"),
    INT(model, layers, 1, MLP_MAX_LAYERS, "3", "mlp: hidden layers", "num_layers hidden_layers"),
    INT(model, channels, 1, UNET_MAX_CHANNELS, "32", "unet: channels of the first level", "dim base_channels model_channels nf block_out_channels"),
    LIST(model, multipliers, FIELD_INTS, levels, 1, 64, 0, 1, UNET_MAX_LEVELS, "[1, 2, 2]",
         "channels of each level, in units of model.channels", "dim_mults channel_mult ch_mult mults levels channel_multipliers"),
    INT(model, blocks, 1, UNET_MAX_LAYERS, "1", "residual blocks per level",
        "layers_per_block num_res_blocks res_blocks depth resnets"),
    LIST(model, attention, FIELD_INTS, attentions, 1, IMAGE_MAX_SIDE, 0, 0, UNET_MAX_LEVELS, "[]",
         "image heights that get attention", "attn attention_resolutions attn_resolutions down_block_types up_block_types"),
    BOOL(model, mid_attention, "true", "attention in the middle of the network", "add_attention middle_attention"),
    INT(model, head_dim, 0, UNET_MAX_CHANNELS, "0", "channels per attention head; 0: one head", "attention_head_dim heads head_channels"),
    INT(model, groups, 0, UNET_MAX_CHANNELS, "0", "groups of the normalisation; 0: min(32, channels / 4)", "norm_num_groups num_groups"),
    NUMBER(model, eps, 0, 1, true, true, "1e-6", "added to the variance in the normalisation", "norm_eps epsilon"),
    NUMBER(model, dropout, 0, DROPOUT_LIMIT, false, true, "0", "dropout inside the residual blocks", "drop"),
    CHOICE(model, "time", time, time_kinds, "auto", "features of the noise level; auto: positional for ddpm, eddpm, vp and subvp, else fourier",
           "time_embedding time_embedding_type"),
    NUMBER_OR_AUTO(model, fourier_scale, 1000, "spread of the fourier frequencies; auto: 16 for unet, 0.25 for mlp",
                   "embedding_scale gaussian_scale"),
    BOOL(model, flip_sin_to_cos, "false", "cosines before sines in the time features", ""),
    NUMBER(model, freq_shift, 0, FREQ_SHIFT_LIMIT, false, false, "1", "shift of the highest time frequency", "downscale_freq_shift"),
    INT(model, downsample_padding, 0, 1, "0", "0: pad right and bottom only; 1: all round", "padding"),
    BOOL(model, scale_shift, "false", "time scales and shifts instead of only shifting",
         "resnet_time_scale_shift use_scale_shift_norm film"),
    LIST(model, input_fourier, FIELD_INTS, input_fouriers, 0, UNET_MAX_EXPONENT, 0, 0, INPUT_FOURIER_MAX, "[]",
         "unet: for each n given, sin and cos of 2^n pi x beside the image, to see levels of grey", "fourier_features input_features"),
    BOOL(model, class_conditional, "false", "the class label is an input", "class_cond conditional classes labels num_class_embeds"),
    BOOL(model, zero_init, "true", "last convolution of each block starts at zero", ""),
    INT(model, classifier_channels, 0, UNET_MAX_CHANNELS, "0", "cdm: channels of the head that tells noise levels; 0: 2 * channels", ""),

    CHOICE(method, "type", type, method_types, "ddpm", "what is learnt", "method name kind"),
    INT(method, steps, 1, STEPS_MAX, "1000", "ddpm, eddpm, cdm: noise levels T", "timesteps T num_train_timesteps diffusion_steps num_timesteps noise_classes"),
    CHOICE(method, "schedule", schedule, noise_schedules, "linear", "ddpm, eddpm, cdm: how the noise grows; unif is cdm's alone", "beta_schedule noise_schedule"),
    NUMBER(method, beta_start, 0, 1, true, true, "1e-4", "ddpm, eddpm, cdm: first beta of linear and scaled_linear", "beta_1"),
    NUMBER(method, beta_end, 0, 1, true, true, "0.02", "ddpm, eddpm, cdm: last beta of linear and scaled_linear", "beta_T"),
    LIST(method, betas, FIELD_NUMBERS, beta_count, 0, 1, true, 0, STEPS_MAX, "[]",
         "ddpm, eddpm, cdm: the betas of schedule \"betas\"", "trained_betas"),
    NUMBER(method, logsnr_start, -20, 20, false, false, "13.3", "ddpm, eddpm, cdm: first ln(alpha^2 / sigma^2) of schedule \"logsnr\"", "logsnr_max gamma_min"),
    NUMBER(method, logsnr_end, -20, 20, false, false, "-8", "ddpm, eddpm, cdm: last ln(alpha^2 / sigma^2) of schedule \"logsnr\"", "logsnr_min gamma_max"),
    CHOICE(method, "prediction", prediction, predictions, "eps", "ddpm, eddpm: what the network gives: noise, image or v",
           "prediction_type target parametrization"),
    NUMBER(method, min_snr_gamma, 0, 1e6, false, false, "0", "ddpm, eddpm: Min-SNR weight of the loss; 0: off", "snr_gamma gamma min_snr"),
    BOOL(method, learn_variance, "false", "ddpm: the network also gives the variance of each value's step (LEARNED_RANGE)",
         "learn_sigma learned_variance variance_type learned_range out_channels"),
    NUMBER(method, vlb_weight, 0, 1e3, true, false, "0.001", "learn_variance: weight of the bound, bits per dimension of all steps, beside the simple loss",
           "lambda vlb kl_weight hybrid"),
    CHOICE(method, "sde", sde, sde_kinds, "vp", "sde: variance exploding, variance preserving or sub-VP", "process"),
    NUMBER(method, sigma_min, 0, SIGMA_LIMIT, true, false, "0.01", "smld, ve: smallest noise", "sigma_end sigma_L"),
    NUMBER_OR_AUTO(method, sigma_max, SIGMA_LIMIT, "smld, ve: largest noise; auto: largest distance between two images, or a lower bound of it",
                   "sigma_begin sigma_1"),
    INT_OR_AUTO(method, levels, 2, STEPS_MAX, "smld: noise levels; auto: by the rule of the ratio",
                "num_classes n_levels num_scales L"),
    NUMBER(method, beta_min, 0, SDE_BETA_LIMIT, true, false, "0.1", "vp, subvp: beta at time 0", ""),
    NUMBER(method, beta_max, 0, SDE_BETA_LIMIT, true, false, "20", "vp, subvp: beta at time 1", ""),
    NUMBER(method, time_min, 0, TIME_MIN_LIMIT, true, false, "1e-5", "sde: smallest time that is trained", "eps epsilon t_min sampling_eps"),
    CHOICE(method, "weighting", weighting, weightings, "simple", "sde: weight of a time in the loss",
           "loss_weighting likelihood_weighting weight"),
    CHOICE(method, "objective", objective, objectives, "denoising", "smld, ve with an mlp: how the score is learnt", "loss score_matching"),
    INT(method, slices, 1, 1000, "1", "sliced: projections of each point", "projections n_projections"),
    CHOICE(method, "times", times, time_draws, "independent", "levels of a batch: drawn each on its own, or spread evenly (less noise in the gradient)",
           "timestep_sampler time_sampling stratified antithetic low_discrepancy"),
    INT(method, keep, 1, STEPS_MAX, "50", "eddpm: steps K that are kept in the end", "K kept_steps keep_steps gamma_f"),
    CHOICE(method, "alphas", alphas, mask_alphas, "merged",
           "eddpm: noise of kept steps: with that of the skipped ones below, without it, or all in proportion", "alpha masked_alphas"),
    CHOICE(method, "reward", reward, mask_rewards, "bound",
           "eddpm: what judges a choice of steps: the bound of its chain, or the batch's plain loss", "score_reward"),
    INT(method, masks, 1, 1024, "4", "eddpm: choices of steps tried in each update", "masks_per_batch num_masks"),
    CHOICE(method, "baseline", baseline, mask_baselines, "others",
           "eddpm: what a reward is compared with: those of the update's other masks, a running mean, nothing", "leave_one_out"),
    NUMBER(method, score_rate, 0, 10, true, false, "0.03", "eddpm: step size of the scores; with a baseline, in running spreads of the reward",
           "mask_lr score_lr"),
    BOOL(method, precondition, "true", "eddpm: gradient of a score s times sqrt(s (1 - s))", "preconditioned"),
    NUMBER(method, full, 0, 1, false, true, "0.16", "eddpm: share of the run before the budget of kept steps begins to fall",
           "full_epochs e_1 e1"),
    NUMBER(method, ramp, 0, 1, true, false, "0.6", "eddpm: share of the run at which the budget has fallen to K", "ramp_end"),
    NUMBER(method, settle, 0, 1, true, false, "0.7", "eddpm: share of the run from which the K steps are fixed and the network is fine-tuned",
           "finetune hold fine_tune"),
    CHOICE(method, "extract", extract, mask_extracts, "moves",
           "eddpm: how K steps come from the scores: the best of many draws, its steps then moved while the bound falls; one draw; the largest; or the optimum for the measured errors", "extraction"),
    NUMBER(method, ce_weight, 0, 1e6, false, false, "0.001", "cdm: weight of the cross-entropy of the noise level", "ce_loss_weight"),
    NUMBER(method, mse_weight, 0, 1e6, false, false, "1", "cdm: weight of the squared error of the noise", "mse_loss_weight"),
    BOOL(method, dequantise, "true", "cdm: train clean images with uniform noise of one grey level; false: as they are, as published",
         "dequantize dequantization"),

    {"train", "init", FIELD_TEXT, PLACE(train, init), .identity = true,
     WORDS("", "run or model folder whose weights the run starts from", "init_model pretrained pretrained_model resume_from")},
    LONG(train, steps, 0, 1e12, "10000", "updates; 0: no limit, train.minutes decides",
         "iterations iters updates max_steps num_steps epochs total_steps"),
    NUMBER(train, minutes, 0, 1e7, false, false, "0", "time limit; 0: none", "time max_minutes duration hours"),
    INT(train, batch, 1, 4096, "64", "images per gradient", "batch_size train_batch_size bs"),
    INT(train, micro_batch, 0, 4096, "0", "images per pass through the network; 0: chosen", "microbatch micro_batch_size"),
    INT(train, accumulate, 1, 1024, "1", "batches averaged before an update",
        "gradient_accumulation_steps accumulation grad_accum accumulate_every"),
    CHOICE(train, "optimizer", optimizer, optimizers, "adam", "update rule", "optimiser opt"),
    NUMBER(train, lr, 0, 10, true, false, "2e-4", "learning rate", "learning_rate rate base_lr lrate"),
    NUMBER(train, beta1, 0, 1, false, true, "0.9", "decay of the first moment", "adam_beta1 momentum"),
    NUMBER(train, beta2, 0, 1, false, true, "0.999", "decay of the second moment", "adam_beta2"),
    NUMBER(train, eps, 0, 1, true, false, "1e-8", "added to the root of the second moment", "adam_epsilon adam_eps epsilon"),
    NUMBER(train, weight_decay, 0, 10, false, false, "0", "weight decay", "wd decay adam_weight_decay l2"),
    LONG(train, warmup, 0, 1e12, "500", "updates over which the rate rises from 0", "warmup_steps lr_warmup_steps warmup_updates"),
    CHOICE(train, "schedule", schedule, rates, "constant", "learning rate after warm-up", "lr_scheduler lr_schedule scheduler"),
    NUMBER(train, clip, 0, 1e9, false, false, "1", "largest gradient norm; 0: off", "grad_clip max_grad_norm gradient_clip clip_norm"),
    NUMBER(train, ema, 0, 1, false, true, "0.9999", "decay of the averaged weights", "ema_decay ema_rate ema_max_decay"),
    {"train", "seed", FIELD_SEED, PLACE(train, seed), .identity = true, WORDS("0", "of weights, order, noise", "random_seed manual_seed")},
    LONG(train, log_every, 1, 1e12, "10", "updates between lines of the log", "log log_interval log_freq print_every"),
    LONG(train, checkpoint_every, 0, 1e12, "1000", "updates between checkpoints; 0: only at the end",
         "save_every checkpoint checkpointing_steps save_interval save_freq"),
    INT(train, keep, 1, 10000, "2", "checkpoints kept", "checkpoints_total_limit keep_last max_checkpoints"),
    INT(train, validate, 0, 1e9, "256", "held-out images scored at each checkpoint; 0: none", "validation_images eval_images val"),

    TEXT(sample, sampler, "auto", "name of the sampler; auto: the method's own", "method type name scheduler solver"),
    INT(sample, steps, 0, STEPS_MAX, "0", "network calls where that is possible; 0: the sampler's own number",
        "num_inference_steps sampling_timesteps nfe timesteps"),
    INT(sample, count, 1, 1e6, "64", "images in a grid", "n images number num_samples num_images"),
    NUMBER(sample, eta, 0, 1, false, false, "0", "noise of ddim", "ddim_eta ddim_sampling_eta"),
    CHOICE(sample, "variance", variance, variances, "small", "variance of the ddpm step", "variance_type sigma"),
    CHOICE(sample, "spacing", spacing, spacings, "auto", "which noise levels are visited; auto: what suits the sampler",
           "timestep_spacing grid time_grid"),
    NUMBER(sample, snr, 0, SNR_LIMIT, true, false, "0.16", "pc: signal-to-noise ratio of the corrector", "corrector_snr target_snr"),
    INT(sample, corrector_steps, 0, CORRECTOR_STEPS_MAX, "1", "pc: corrector steps at each level; 0: none", "correct_steps n_steps_each corrector"),
    CHOICE(sample, "predictor", predictor, predictors, "reverse-diffusion", "pc: what goes to the next level", ""),
    INT(sample, langevin_steps, 1, 10000, "5", "langevin: steps at each level", "steps_per_level"),
    NUMBER_OR_AUTO(sample, langevin_step, 1e6, "langevin: step size at the smallest level; auto: computed from the levels",
                   "step_lr step_size epsilon"),
    NUMBER(sample, churn, 0, 1e6, false, false, "0", "heun: noise added to each step (S_churn)", "s_churn"),
    NUMBER(sample, tolerance, 0, 1, true, false, "1e-4", "ode: error allowed in each step", "rtol atol tol"),
    INT(sample, call_limit, 1, 1e6, "1000", "ode: network calls after which it gives up", "max_calls nfe_limit max_nfe"),
    BOOL(sample, clip, "true", "clip the predicted image at each step", "clip_sample clip_denoised"),
    SEED(sample, seed, "0", "image k is made from seed + k", "random_seed"),
    INT(sample, batch, 0, 4096, "0", "images per pass through the network; 0: chosen", "batch_size eval_batch_size"),
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

const char *config_word(const char *section, const char *key, int value)
{
    const Field *f = config_find(section, strlen(section), key);
    CHECK(f && f->type == FIELD_CHOICE && value >= 0);
    for (int i = 0; f->choices[i]; i++)
        if (i == value) return f->choices[i];
    return "another";
}

bool config_is_identity(const Field *f)
{
    return f->identity || strcmp(f->section, "model") == 0 || strcmp(f->section, "method") == 0;
}

/* "in 0..1", "above 0 and at most 10", "of at least 0 and below 1" */
static void range_words(const Field *f, char out[80])
{
    if (!f->open_min && !f->open_max)
        snprintf(out, 80, "in %.15g..%.15g", f->min, f->max);
    else
        snprintf(out, 80, "%s %.15g and %s %.15g", f->open_min ? "above" : "of at least", f->min,
                 f->open_max ? "below" : "at most", f->max);
}

static void choice_words(const Field *f, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    const char *quote = f->type == FIELD_CHOICE ? "\"" : "";
    for (int i = 0; f->choices[i] && used < size; i++) {
        const char *join = i == 0 ? "" : f->choices[i + 1] ? ", " : " or ";
        int n = snprintf(out + used, size - used, "%s%s%s%s", join, quote, f->choices[i], quote);
        used += n > 0 ? (size_t)n : 0;
    }
}

static void value_words(const Field *f, bool element, char *out, size_t size)
{
    char range[80];
    range_words(f, range);
    switch (f->type) {
    case FIELD_INT:
    case FIELD_INT64:
        if (f->choices)
            choice_words(f, out, size);
        else
            snprintf(out, size, "an integer %s", range);
        break;
    case FIELD_SEED:
        snprintf(out, size,
                 "an integer in 0..18446744073709551615 (a string when above 9007199254740991)");
        break;
    case FIELD_NUMBER:
        snprintf(out, size, "a number %s", range);
        break;
    case FIELD_BOOL:
        snprintf(out, size, "true or false");
        break;
    case FIELD_CHOICE:
        choice_words(f, out, size);
        break;
    case FIELD_TEXT:
        snprintf(out, size, "a string of at most %zu bytes", f->size - 1);
        break;
    case FIELD_SIZE:
        snprintf(out, size, "0, an integer %s or [height, width]", range);
        break;
    case FIELD_INTS:
    case FIELD_NUMBERS: {
        const char *what = f->type == FIELD_INTS ? "integer" : "number";
        if (element)
            snprintf(out, size, "%s %s %s", f->type == FIELD_INTS ? "an" : "a", what, range);
        else
            snprintf(out, size, "a list of %d to %d %ss %s", f->least, f->most, what, range);
        break;
    }
    }
}

void config_expected(const Field *f, bool element, char *out, size_t size)
{
    static const char automatic[] = "\"auto\" or ";
    size_t used = f->automatic ? sizeof automatic - 1 : 0;
    snprintf(out, size, "%s", f->automatic ? automatic : "");
    if (used < size) value_words(f, element, out + used, size - used);
}
