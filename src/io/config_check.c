/* Rules between the fields of a configuration, and the choices it leaves to the program. */
#include <stdio.h>
#include <string.h>

#include "io/config.h"
#include "io/config_fields.h"

NetworkKind config_network(const Config *c)
{
    if (c->model.type != NETWORK_AUTO) return c->model.type;
    return c->data.toy == TOY_NONE ? NETWORK_UNET : NETWORK_MLP;
}

TimeChoice config_time(const Config *c)
{
    if (c->model.time != TIME_CHOICE_AUTO) return c->model.time;
    bool exploding = c->method.type == METHOD_SMLD ||
                     (c->method.type == METHOD_SDE && c->method.noise.sde == SDE_VE);
    return exploding ? TIME_CHOICE_FOURIER : TIME_CHOICE_POSITIONAL;
}

double config_fourier_scale(const Config *c)
{
    if (c->model.unet.fourier_scale > 0) return c->model.unet.fourier_scale;
    return config_network(c) == NETWORK_MLP ? 0.25 : 16;
}

int config_groups(const Config *c)
{
    if (c->model.unet.groups > 0) return c->model.unet.groups;
    int groups = c->model.channels / 4 < 32 ? c->model.channels / 4 : 32;
    while (groups > 1 && c->model.channels % groups != 0) groups--;
    return groups > 0 ? groups : 1;
}

void config_resolve(Config *c)
{
    double scale = config_fourier_scale(c);
    TimeChoice time = config_time(c);
    c->model.type = config_network(c);
    c->model.time = time;
    c->model.unet.fourier_scale = scale;
    c->model.unet.groups = config_groups(c);
    if (c->method.type == METHOD_CDM && c->model.unet.classifier_channels == 0)
        c->model.unet.classifier_channels = 2 * c->model.channels;
}

/* Setting a key for another method is an error: it would have no effect. */
static bool check_owners(const Config *c, Err *err)
{
    unsigned own = config_method(c);
    Config standard;
    config_defaults(&standard);
    for (const Field *f = config_fields; f->key; f++) {
        if (!f->methods || f->methods & own ||
            memcmp((const char *)c + f->offset, (const char *)&standard + f->offset, f->size) == 0)
            continue;
        char readers[64], method[64];
        config_method_words(f->methods, readers, sizeof readers);
        config_method_words(own, method, sizeof method);
        return err_set(err, ERR_USAGE,
                       "%s.%s is given, but the method is %s, and the key belongs to %s; leave "
                       "it out, or choose the method that was meant",
                       f->section, f->key, method, readers);
    }
    return true;
}

/* The first setting of images that is given; NULL: none. */
static const char *image_setting(const Config *c)
{
    return c->data.height > 0          ? "size"
           : c->data.channels > 0      ? "channels"
           : c->data.flip              ? "flip"
           : c->data.limit > 0         ? "limit"
           : c->data.skip_bad          ? "skip_bad"
           : c->data.kind != DATA_AUTO ? "kind"
                                       : NULL;
}

static bool check_data(const Config *c, Err *err)
{
    bool toy = c->data.toy != TOY_NONE;
    if (toy && c->data.path[0])
        return err_set(err, ERR_USAGE,
                       "data.toy and data.path (%.300s) are both given; a toy is made by formula, "
                       "so leave one of them out",
                       c->data.path);
    if (toy && image_setting(c))
        return err_set(err, ERR_USAGE,
                       "data.%s is given, but it is for images; a data.toy has points without end, "
                       "so leave it out",
                       image_setting(c));
    if (c->data.limit > 0 && c->data.validation >= c->data.limit)
        return err_set(err, ERR_USAGE,
                       "data.validation holds out %d images, which leaves none of data.limit (%d) "
                       "to train on; set data.validation below %d",
                       c->data.validation, c->data.limit, c->data.limit);
    return true;
}

static bool check_network(const Config *c, Err *err)
{
    bool mlp = config_network(c) == NETWORK_MLP;
    if (c->data.toy != TOY_NONE && !mlp)
        return err_set(err, ERR_USAGE,
                       "model.type is \"unet\", but data.toy gives points, which need \"mlp\"; "
                       "\"auto\" chooses it");
    if (c->data.toy == TOY_NONE && mlp)
        return err_set(err, ERR_USAGE,
                       "model.type is \"mlp\", which is for the points of a data.toy; images need "
                       "\"unet\"");
    Config standard;
    config_defaults(&standard);
    if (!mlp && (c->model.mlp.width != standard.model.mlp.width ||
                 c->model.mlp.layers != standard.model.mlp.layers))
        return err_set(err, ERR_USAGE,
                       "model.%s is given, but the network is a unet, whose size is set by "
                       "model.%s; leave it out",
                       c->model.mlp.width != standard.model.mlp.width ? "width" : "layers",
                       c->model.mlp.width != standard.model.mlp.width ? "channels" : "blocks");
    if (mlp && c->model.unet.input_fouriers > 0)
        return err_set(err, ERR_USAGE,
                       "model.input_fourier is given, but the network is an mlp, whose points have "
                       "no levels of grey; leave it out");
    bool positional = config_time(c) == TIME_CHOICE_POSITIONAL;
    if (positional && config_method(c) & EXPLODING)
        return err_set(err, ERR_USAGE,
                       "model.time is \"positional\", but the network of %s divides its output by "
                       "sigma and gets ln(sigma), which needs \"fourier\"",
                       c->method.type == METHOD_SMLD ? "smld" : "sde ve");
    if (!positional && config_method(c) & DENOISERS)
        return err_set(
            err, ERR_USAGE,
            "model.time is \"fourier\", but the steps of ddpm and eddpm are whole numbers from 0, "
            "which need \"positional\"");
    return true;
}

/* Whether each of sample.steps is a trained step of its own; other samplers and spacings make
 * several calls at a step, or lie between the trained ones. */
static bool samples_trained_steps(const Config *c)
{
    static const char *const samplers[] = {"auto", "ddpm", "ddim", "ancestral"};
    bool trained = c->sample.spacing <= SPACING_QUADRATIC || c->sample.spacing == SPACING_AUTO;
    for (size_t i = 0; i < sizeof samplers / sizeof *samplers; i++)
        if (strcmp(c->sample.sampler, samplers[i]) == 0) return trained;
    return false;
}

/* The ends of a straight schedule; away from their defaults they belong to no other. */
static bool check_betas(const Config *c, Err *err)
{
    Config standard;
    config_defaults(&standard);
    bool start = c->method.noise.beta_start != standard.method.noise.beta_start;
    bool end = c->method.noise.beta_end != standard.method.noise.beta_end;
    if (c->method.noise.schedule != SCHEDULE_LINEAR &&
        c->method.noise.schedule != SCHEDULE_SCALED_LINEAR)
        return (!start && !end) ||
               err_set(err, ERR_USAGE,
                       "method.%s is given, but method.schedule is neither \"linear\" nor "
                       "\"scaled_linear\", which alone read it; leave it out",
                       start ? "beta_start" : "beta_end");
    if (c->method.noise.beta_start <= c->method.noise.beta_end) return true;
    return err_set(err, ERR_USAGE,
                   "method.beta_start (%g) is above method.beta_end (%g); noise must grow",
                   c->method.noise.beta_start, c->method.noise.beta_end);
}

static bool check_logsnr(const Config *c, Err *err)
{
    Config standard;
    config_defaults(&standard);
    bool given = c->method.noise.logsnr_start != standard.method.noise.logsnr_start ||
                 c->method.noise.logsnr_end != standard.method.noise.logsnr_end;
    if (c->method.noise.schedule != SCHEDULE_LOGSNR)
        return !given || err_set(err, ERR_USAGE,
                                 "method.logsnr_start or method.logsnr_end is given, but "
                                 "method.schedule is not \"logsnr\"; set it, or leave them out");
    if (c->method.noise.logsnr_start > c->method.noise.logsnr_end) return true;
    return err_set(err, ERR_USAGE,
                   "method.logsnr_start (%g) is not above method.logsnr_end (%g); noise must grow",
                   c->method.noise.logsnr_start, c->method.noise.logsnr_end);
}

/* What does not go with a learned variance, or without one. */
static bool check_variance(const Config *c, Err *err)
{
    Config standard;
    config_defaults(&standard);
    if (!c->method.learn_variance) {
        if (c->method.vlb_weight == standard.method.vlb_weight) return true;
        return err_set(
            err, ERR_USAGE,
            "method.vlb_weight is %g, but method.learn_variance is false, and without it "
            "the bound is no part of the loss; set it, or leave method.vlb_weight out",
            c->method.vlb_weight);
    }
    if (config_network(c) == NETWORK_MLP)
        return err_set(err, ERR_USAGE,
                       "method.learn_variance is true, but the points of a data.toy have no levels "
                       "of grey, which its loss is about; leave it out");
    if (c->method.noise.T < 2)
        return err_set(
            err, ERR_USAGE,
            "method.learn_variance is true, but method.steps is %d; between the variances "
            "of one step there is nothing to learn, so two or more are needed",
            c->method.noise.T);
    if (c->sample.variance != standard.sample.variance)
        return err_set(
            err, ERR_USAGE,
            "sample.variance is \"large\", but method.learn_variance is true and the model "
            "samples with the variance that it learns; leave one of them out");
    return true;
}

static bool check_ddpm(const Config *c, Err *err)
{
    if (c->method.noise.schedule == SCHEDULE_UNIF && c->method.type != METHOD_CDM)
        return err_set(
            err, ERR_USAGE,
            "method.schedule is \"unif\", which is for the method cdm; ddpm and eddpm have "
            "linear, scaled_linear, cosine, betas and logsnr");
    if (c->method.noise.schedule == SCHEDULE_BETAS &&
        c->method.noise.beta_count != c->method.noise.T)
        return err_set(err, ERR_USAGE,
                       "method.betas has %d values, but method.steps is %d; schedule \"betas\" "
                       "needs one for each step",
                       c->method.noise.beta_count, c->method.noise.T);
    if (c->method.noise.schedule != SCHEDULE_BETAS && c->method.noise.beta_count > 0)
        return err_set(err, ERR_USAGE,
                       "method.betas is given, but method.schedule is not \"betas\"; set it, or "
                       "leave method.betas out");
    if (!check_betas(c, err) || !check_logsnr(c, err) || !check_variance(c, err)) return false;
    if (c->sample.steps > c->method.noise.T && samples_trained_steps(c))
        return err_set(err, ERR_USAGE, "sample.steps is %d, more than method.steps (%d)",
                       c->sample.steps, c->method.noise.T);
    return true;
}

static bool check_eddpm(const Config *c, Err *err)
{
    int images = c->train.batch * c->train.accumulate;
    if (c->method.mask.keep > c->method.noise.T)
        return err_set(err, ERR_USAGE, "method.keep is %d, more than method.steps (%d)",
                       c->method.mask.keep, c->method.noise.T);
    if (c->sample.steps > c->method.mask.keep)
        return err_set(err, ERR_USAGE, "sample.steps is %d, more than method.keep (%d)",
                       c->sample.steps, c->method.mask.keep);
    if (c->method.mask.full >= c->method.mask.ramp)
        return err_set(err, ERR_USAGE,
                       "method.full (%g) is not below method.ramp (%g): all steps are kept until "
                       "the first share of the run, and K from the second on",
                       c->method.mask.full, c->method.mask.ramp);
    if (c->method.mask.ramp > c->method.mask.settle)
        return err_set(err, ERR_USAGE,
                       "method.ramp (%g) is above method.settle (%g): the steps can be fixed only "
                       "when their number has fallen to K",
                       c->method.mask.ramp, c->method.mask.settle);
    if (c->method.mask.masks < 2 && c->method.mask.baseline == BASELINE_OTHERS)
        return err_set(err, ERR_USAGE,
                       "method.masks is 1, but the baseline \"others\" compares a mask with the "
                       "others of its update; set method.baseline to \"running\" or \"none\"");
    if (c->method.mask.masks > images)
        return err_set(err, ERR_USAGE,
                       "method.masks is %d, more than the %d images of an update, which the masks "
                       "share",
                       c->method.mask.masks, images);
    if (c->method.mask.extract == EXTRACT_OPTIMUM && c->method.mask.alphas != ALPHAS_MERGED)
        return err_set(err, ERR_USAGE,
                       "method.extract is \"optimum\", which needs steps whose noise depends on no "
                       "other step, as with method.alphas \"merged\"");
    return true;
}

static bool check_cdm(const Config *c, Err *err)
{
    if (config_network(c) == NETWORK_MLP)
        return err_set(err, ERR_USAGE,
                       "method.type is \"cdm\", which classifies images; the points of a data.toy "
                       "need another method");
    const char *key = c->model.class_conditional          ? "class_conditional"
                      : c->model.unet.scale_shift         ? "scale_shift"
                      : c->model.time != TIME_CHOICE_AUTO ? "time"
                                                          : NULL;
    if (key)
        return err_set(err, ERR_USAGE,
                       "model.%s is given, but the network of cdm has no embedding of a time or a "
                       "class: it finds out the noise level itself; leave it out",
                       key);
    if (c->method.ce_weight <= 0 && c->method.mse_weight <= 0)
        return err_set(err, ERR_USAGE,
                       "method.ce_weight and method.mse_weight are both 0, so nothing would be "
                       "learnt; set one of them");
    return true;
}

static bool check_score(const Config *c, Err *err)
{
    bool exploding = config_method(c) & EXPLODING;
    if (exploding && c->method.noise.sigma_max > 0 &&
        c->method.noise.sigma_min >= c->method.noise.sigma_max)
        return err_set(err, ERR_USAGE,
                       "method.sigma_min (%g) is not below method.sigma_max (%g); noise must grow",
                       c->method.noise.sigma_min, c->method.noise.sigma_max);
    if (!exploding && c->method.noise.beta_min > c->method.noise.beta_max)
        return err_set(err, ERR_USAGE,
                       "method.beta_min (%g) is above method.beta_max (%g); noise must grow",
                       c->method.noise.beta_min, c->method.noise.beta_max);
    if (c->method.objective != OBJECTIVE_DENOISING && config_network(c) != NETWORK_MLP)
        return err_set(err, ERR_USAGE,
                       "method.objective is \"%s\", which needs derivatives of the score that only "
                       "the mlp of a data.toy can afford; images need \"denoising\"",
                       c->method.objective == OBJECTIVE_EXACT ? "exact" : "sliced");
    if (c->method.slices != 1 && c->method.objective != OBJECTIVE_SLICED)
        return err_set(err, ERR_USAGE,
                       "method.slices is %d, but method.objective is not \"sliced\"; set it, or "
                       "leave method.slices out",
                       c->method.slices);
    return true;
}

bool config_check(const Config *c, Err *err)
{
    if (c->train.steps == 0 && c->train.minutes <= 0)
        return err_set(err, ERR_USAGE,
                       "train.steps and train.minutes are both 0, so training would never end; set "
                       "one of them");
    if (c->train.micro_batch > c->train.batch)
        return err_set(err, ERR_USAGE, "train.micro_batch is %d, more than train.batch (%d)",
                       c->train.micro_batch, c->train.batch);
    if (!check_data(c, err) || !check_owners(c, err) || !check_network(c, err)) return false;
    if (c->method.type == METHOD_CDM && !check_cdm(c, err)) return false;
    if (!(config_method(c) & STEPS)) return check_score(c, err);
    return check_ddpm(c, err) && (c->method.type != METHOD_EDDPM || check_eddpm(c, err));
}
