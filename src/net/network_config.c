#include "net/network_config.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

const char *const network_words[] = {
    [NETWORK_UNET] = "unet", [NETWORK_MLP] = "mlp", [NETWORK_AUTO] = "auto", NULL};
const char *const time_choice_words[] = {[TIME_CHOICE_AUTO] = "auto",
                                         [TIME_CHOICE_POSITIONAL] = "positional",
                                         [TIME_CHOICE_FOURIER] = "fourier",
                                         NULL};

void unet_config_defaults(UNetConfig *c)
{
    *c = (UNetConfig){.in_channels = 3,
                      .out_channels = 3,
                      .layers_per_block = 2,
                      .mid_block = true,
                      .mid_attention = true,
                      .head_dim = 8,
                      .groups = 32,
                      .eps = 1e-5,
                      .mid_scale = 1.0,
                      .downsample_padding = 1,
                      .time_kind = TIME_POSITIONAL,
                      .fourier_scale = 16,
                      .flip_sin_to_cos = true};
}

int unet_groups(const UNetConfig *c, int C)
{
    if (c->groups) return c->groups;
    int quarter = C / 4 > 0 ? C / 4 : 1;
    return quarter < 32 ? quarter : 32;
}

int unet_mid_attention_groups(const UNetConfig *c, int C)
{
    if (c->attn_groups) return c->attn_groups;
    return c->scale_shift ? 0 : unet_groups(c, C);
}

static bool in_range(Err *err, const char *what, int value, int low, int high)
{
    if (value >= low && value <= high) return true;
    return err_set(err, ERR_USAGE, "the network's %s is %d; it must be %d to %d", what, value, low,
                   high);
}

static bool check_ranges(const UNetConfig *c, Err *err)
{
    if (!in_range(err, "number of input channels", c->in_channels, 1, UNET_MAX_CHANNELS) ||
        !in_range(err, "number of output channels", c->out_channels, 1, UNET_MAX_CHANNELS) ||
        !in_range(err, "number of levels", c->levels, 1, UNET_MAX_LEVELS) ||
        !in_range(err, "number of layers per block", c->layers_per_block, 1, UNET_MAX_LAYERS) ||
        !in_range(err, "attention head dimension", c->head_dim, 0, UNET_MAX_CHANNELS) ||
        !in_range(err, "number of norm groups", c->groups, 0, UNET_MAX_CHANNELS) ||
        !in_range(err, "number of groups of the middle attention", c->attn_groups, 0,
                  UNET_MAX_CHANNELS) ||
        !in_range(err, "downsample padding", c->downsample_padding, 0, 1) ||
        !in_range(err, "time embedding width", c->time_dim, 0, 4 * UNET_MAX_CHANNELS) ||
        !in_range(err, "number of input frequencies", c->input_fouriers, 0, INPUT_FOURIER_MAX) ||
        !in_range(err, "number of classes", c->classes, c->null_class, UNET_MAX_CLASSES))
        return false;
    for (int i = 0; i < c->input_fouriers; i++)
        if (!in_range(err, "exponent of an input frequency", c->input_fourier[i], 0,
                      UNET_MAX_EXPONENT))
            return false;
    for (int i = 0; i < c->levels; i++)
        if (!in_range(err, "channel count of a level", c->block_channels[i], 1, UNET_MAX_CHANNELS))
            return false;
    if (!(c->eps > 0 && c->eps < 1.0))
        return err_set(err, ERR_USAGE, "the norms' eps is %g; it must be above 0 and below 1",
                       c->eps);
    if (!(c->dropout >= 0 && c->dropout < 1.0))
        return err_set(err, ERR_USAGE, "dropout is %g; it must be at least 0 and below 1",
                       c->dropout);
    if (!(c->mid_scale > 0 && isfinite(c->mid_scale)))
        return err_set(err, ERR_USAGE, "the middle block's scale factor is %g; it must be above 0",
                       c->mid_scale);
    return true;
}

static bool check_classifier(const UNetConfig *c, Err *err)
{
    if (!in_range(err, "number of noise levels", c->noise_classes, 3, STEPS_MAX + 2) ||
        !in_range(err, "number of channels of the classifier", c->classifier_channels, 0,
                  UNET_MAX_CHANNELS))
        return false;
    if (c->classes > 0 || c->scale_shift)
        return err_set(err, ERR_USAGE,
                       "the network is a classifier of noise levels without an embedding, which %s "
                       "needs; leave it out",
                       c->classes > 0 ? "a class label" : "scale_shift");
    return true;
}

static const char *plural(int count)
{
    return count == 1 ? "" : "s";
}

static bool check_time(const UNetConfig *c, Err *err)
{
    if (c->noise_classes) return check_classifier(c, err);
    int half = c->block_channels[0] / 2;
    if (c->time_kind != TIME_POSITIONAL || c->freq_shift < half) return true;
    return err_set(err, ERR_USAGE,
                   "the time features' freq_shift is %g; with %d channel%s in the first level it "
                   "must be below %d",
                   c->freq_shift, c->block_channels[0], plural(c->block_channels[0]), half);
}

static int at_least(int a, int b)
{
    return a > b ? a : b;
}

static bool check_size(const UNetConfig *c, int H, int W, Err *err)
{
    if (!in_range(err, "image height", H, 1, IMAGE_MAX_SIDE) ||
        !in_range(err, "image width", W, 1, IMAGE_MAX_SIDE))
        return false;
    int times = c->levels - 1, unit = 1 << times;
    if (H % unit == 0 && W % unit == 0) return true;
    int below_h = at_least(H / unit, 1) * unit, above_h = (H + unit - 1) / unit * unit;
    int below_w = at_least(W / unit, 1) * unit, above_w = (W + unit - 1) / unit * unit;
    char advice[64];
    if (H != W)
        snprintf(advice, sizeof advice, "%dx%d or %dx%d", below_h, below_w, above_h, above_w);
    else if (below_h != above_h)
        snprintf(advice, sizeof advice, "%d or %d", below_h, above_h);
    else
        snprintf(advice, sizeof advice, "%d", above_h);
    return err_set(err, ERR_USAGE,
                   "images of %dx%d cannot be halved %d time%s; heights and widths must be "
                   "multiples of %d (%s would do)",
                   H, W, times, times == 1 ? "" : "s", unit, advice);
}

/* The widths that norms see: their greatest common divisor, and the first one that the chosen
 * number of groups does not divide. */
typedef struct {
    const UNetConfig *c;
    int common, bad, bad_groups;
    char where[64];
} Widths;

static void see(Widths *w, int C, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void see(Widths *w, int C, const char *format, ...)
{
    int a = C, b = w->common;
    while (b) {
        int rest = a % b;
        a = b;
        b = rest;
    }
    w->common = a;
    int groups = unet_groups(w->c, C);
    if (w->bad || C % groups == 0) return;
    w->bad = C;
    w->bad_groups = groups;
    va_list args;
    va_start(args, format);
    vsnprintf(w->where, sizeof w->where, format, args);
    va_end(args);
}

static bool check_groups(const UNetConfig *c, Err *err)
{
    Widths w = {.c = c};
    const int *B = c->block_channels;
    int n = c->levels, L = c->layers_per_block, deepest = B[n - 1];
    for (int i = 0; i < n; i++) {
        see(&w, i ? B[i - 1] : B[0], "down_blocks.%d.resnets.0.norm1", i);
        see(&w, B[i], "down_blocks.%d.resnets.0.norm2", i);
    }
    for (int i = 0; i < n; i++) {
        int out = B[n - 1 - i], before = i ? B[n - i] : deepest;
        int skip = i + 1 < n ? B[n - 2 - i] : B[0];
        for (int j = 0; j <= L; j++)
            see(&w, (j ? out : before) + (j == L ? skip : out), "up_blocks.%d.resnets.%d.norm1", i,
                j);
    }
    if (w.bad && c->groups == 0)
        return err_set(err, ERR_USAGE,
                       "the norms' groups are not given, and the %d groups that follow from %d "
                       "channels do not divide them (%s)",
                       w.bad_groups, w.bad, w.where);
    if (w.bad) {
        int best = w.common < 32 ? w.common : 32;
        while (w.common % best) best--;
        return err_set(
            err, ERR_USAGE,
            "the norms' %d groups do not divide the %d channel%s of %s; %d group%s would "
            "divide all widths of this network",
            c->groups, w.bad, plural(w.bad), w.where, best, plural(best));
    }
    if (c->mid_block && c->mid_attention && c->attn_groups && deepest % c->attn_groups)
        return err_set(err, ERR_USAGE,
                       "the middle attention's %d groups do not divide its %d channel%s",
                       c->attn_groups, deepest, plural(deepest));
    return true;
}

static bool check_heads(const UNetConfig *c, Err *err)
{
    for (int i = 0; i < c->levels; i++) {
        bool middle = c->mid_block && c->mid_attention && i == c->levels - 1;
        bool attends = c->down_attention[i] || c->up_attention[c->levels - 1 - i] || middle;
        if (attends && c->head_dim > c->block_channels[i])
            return err_set(
                err, ERR_USAGE,
                "attention heads of %d channels do not fit the %d channel%s of level %d; "
                "at most %d would, or none given for one head over all channels",
                c->head_dim, c->block_channels[i], plural(c->block_channels[i]), i,
                c->block_channels[i]);
    }
    return true;
}

bool unet_config_check(const UNetConfig *c, int H, int W, Err *err)
{
    return check_ranges(c, err) && check_size(c, H, W, err) && check_groups(c, err) &&
           check_heads(c, err) && check_time(c, err);
}

void mlp_config_defaults(MlpConfig *c)
{
    *c = (MlpConfig){.width = 128,
                     .layers = 3,
                     .time_kind = TIME_POSITIONAL,
                     .fourier_scale = 0.25,
                     .zero_init = true};
}

bool mlp_config_check(const MlpConfig *c, Err *err)
{
    if (!in_range(err, "dims", c->dims, 1, MLP_MAX_DIMS) ||
        !in_range(err, "width", c->width, 1, MLP_MAX_WIDTH) ||
        !in_range(err, "number of layers", c->layers, 1, MLP_MAX_LAYERS))
        return false;
    return (c->fourier_scale > 0 && c->fourier_scale <= 1000) ||
           err_set(err, ERR_USAGE,
                   "the network's fourier_scale is %g; it must be above 0 and at most 1000",
                   c->fourier_scale);
}
