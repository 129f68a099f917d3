/* diffusers' UNet2DModel (Ho et al. 2020; Song et al. 2021) in one walk. Names, order of the
 * operations and widths are diffusers'; where it leaves a choice, DownBlock2D, AttnDownBlock2D,
 * UpBlock2D, AttnUpBlock2D and UNetMidBlock2D are built. */
#include "net/networks.h"

#include <stdarg.h>
#include <stdio.h>

enum { NAME_BYTES = PARAM_NAME_BYTES };

/* The walk's state. */
typedef struct {
    Net *net;
    const UNetConfig *c;
    int embedding; /* silu(emb), [N,1,1,E]; -1: none (noise_classes) */
    int skips[UNET_MAX_LEVELS * (UNET_MAX_LAYERS + 1) + 1];
    int skip_count;
    char name[NAME_BYTES];
} Walk;

static const char *name_of(Walk *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static const char *name_of(Walk *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(w->name, sizeof w->name, format, args);
    va_end(args);
    CHECK(length > 0 && (size_t)length < sizeof w->name);
    return w->name;
}

static int conv3x3(Walk *w, int x, int channels, bool zero_init, const char *name)
{
    ConvOptions o = {
        .kernel = 3, .stride = 1, .pad_first = 1, .pad_last = 1, .zero_init = zero_init};
    return net_conv2d(w->net, x, channels, &o, name);
}

/* Both sums of a middle block are divided by mid_block_scale_factor. */
static int divided(Walk *w, int x, float scale)
{
    return scale == 1.0f ? x : net_affine(w->net, x, 1.0f / scale, 0);
}

static int resnet(Walk *w, int x, int channels, float scale, const char *prefix)
{
    Net *net = w->net;
    const UNetConfig *c = w->c;
    int in_channels = net_shape(net, x).C;
    int h = net_groupnorm(net, x, unet_groups(c, in_channels), (float)c->eps, true,
                          name_of(w, "%s.norm1", prefix));
    /* Operands that are added to a convolution are declared before it, so that rewrite.c can
     * join them. */
    int e = -1;
    if (w->embedding >= 0)
        e = net_linear(net, w->embedding, c->scale_shift ? 2 * channels : channels, false,
                       name_of(w, "%s.time_emb_proj", prefix));
    h = conv3x3(w, h, channels, false, name_of(w, "%s.conv1", prefix));
    if (e >= 0 && !c->scale_shift) h = net_shift(net, h, e);
    h = net_groupnorm(net, h, unet_groups(c, channels), (float)c->eps, !c->scale_shift,
                      name_of(w, "%s.norm2", prefix));
    if (c->scale_shift) h = net_silu(net, net_modulate(net, h, e));
    if (c->dropout > 0) h = net_dropout(net, h, (float)c->dropout);
    if (in_channels != channels) {
        ConvOptions o = {.kernel = 1, .stride = 1};
        x = net_conv2d(net, x, channels, &o, name_of(w, "%s.conv_shortcut", prefix));
    }
    h = conv3x3(w, h, channels, c->zero_init, name_of(w, "%s.conv2", prefix));
    return divided(w, net_add(net, x, h), scale);
}

/* groups 0: without a norm. */
static int attention(Walk *w, int x, int groups, float scale, const char *prefix)
{
    Net *net = w->net;
    const UNetConfig *c = w->c;
    int channels = net_shape(net, x).C;
    int head_dim = c->head_dim ? c->head_dim : channels;
    int heads = channels / head_dim, inner = heads * head_dim;
    int h = x;
    if (groups)
        h = net_groupnorm(net, x, groups, (float)c->eps, false,
                          name_of(w, "%s.group_norm", prefix));
    int q = net_linear(net, h, inner, false, name_of(w, "%s.to_q", prefix));
    int k = net_linear(net, h, inner, false, name_of(w, "%s.to_k", prefix));
    int v = net_linear(net, h, inner, false, name_of(w, "%s.to_v", prefix));
    h = net_attention(net, q, k, v, heads);
    h = net_linear(net, h, channels, c->zero_init, name_of(w, "%s.to_out.0", prefix));
    return divided(w, net_add(net, x, h), scale);
}

static int layer(Walk *w, int x, int channels, bool attend, const char *block, int j)
{
    char prefix[NAME_BYTES / 2];
    snprintf(prefix, sizeof prefix, "%s.resnets.%d", block, j);
    x = resnet(w, x, channels, 1.0f, prefix);
    if (!attend) return x;
    snprintf(prefix, sizeof prefix, "%s.attentions.%d", block, j);
    return attention(w, x, unet_groups(w->c, channels), 1.0f, prefix);
}

static int embed_time(Walk *w, int t, int label)
{
    Net *net = w->net;
    const UNetConfig *c = w->c;
    bool fourier = c->time_kind != TIME_POSITIONAL;
    int C0 = c->block_channels[0], width = c->time_dim ? c->time_dim : 4 * C0;
    int e = fourier ? net_time_features(net, t, 2 * C0, c->time_kind, false, 0,
                                        (float)c->fourier_scale, "time_proj")
                    : net_time_features(net, t, C0, TIME_POSITIONAL, c->flip_sin_to_cos,
                                        c->freq_shift, 0.0f, "time_proj");
    e = net_silu(net, net_linear(net, e, width, false, "time_embedding.linear_1"));
    e = net_linear(net, e, width, false, "time_embedding.linear_2");
    if (c->classes)
        e = net_add(
            net, e,
            net_class_embed(net, label, c->classes + c->null_class, width, "class_embedding"));
    return net_silu(net, e);
}

static int down_block(Walk *w, int x, int level)
{
    const UNetConfig *c = w->c;
    int channels = c->block_channels[level];
    char block[32];
    snprintf(block, sizeof block, "down_blocks.%d", level);
    for (int j = 0; j < c->layers_per_block; j++) {
        x = layer(w, x, channels, c->down_attention[level], block, j);
        w->skips[w->skip_count++] = x;
    }
    if (level == c->levels - 1) return x;
    /* Padding 0 means one zero right and bottom only. */
    ConvOptions o = {.kernel = 3, .stride = 2, .pad_first = c->downsample_padding, .pad_last = 1};
    x = net_conv2d(w->net, x, channels, &o, name_of(w, "%s.downsamplers.0.conv", block));
    w->skips[w->skip_count++] = x;
    return x;
}

static int mid_block(Walk *w, int x)
{
    const UNetConfig *c = w->c;
    int channels = c->block_channels[c->levels - 1];
    x = resnet(w, x, channels, (float)c->mid_scale, "mid_block.resnets.0");
    if (c->mid_attention)
        x = attention(w, x, unet_mid_attention_groups(c, channels), (float)c->mid_scale,
                      "mid_block.attentions.0");
    return resnet(w, x, channels, (float)c->mid_scale, "mid_block.resnets.1");
}

/* Logits of the noise levels. */
static int classify(Walk *w, int x)
{
    const UNetConfig *c = w->c;
    int channels = c->classifier_channels ? c->classifier_channels : 2 * c->block_channels[0];
    x = net_conv2d_mean(w->net, x, channels, "classifier.conv");
    x = net_linear(w->net, x, c->noise_classes, false, "classifier.linear");
    return net_cumsum(w->net, x);
}

/* Up blocks are counted from the deepest level. */
static int up_block(Walk *w, int x, int i)
{
    const UNetConfig *c = w->c;
    int channels = c->block_channels[c->levels - 1 - i];
    char block[32];
    snprintf(block, sizeof block, "up_blocks.%d", i);
    for (int j = 0; j <= c->layers_per_block; j++) {
        x = net_concat(w->net, x, w->skips[--w->skip_count]);
        x = layer(w, x, channels, c->up_attention[i], block, j);
    }
    if (i == c->levels - 1) return x;
    x = net_upsample(w->net, x);
    return conv3x3(w, x, channels, false, name_of(w, "%s.upsamplers.0.conv", block));
}

int unet_declare(Net *net, const UNetConfig *c, int x, int t, int label)
{
    CHECK(c->levels >= 1 && c->levels <= UNET_MAX_LEVELS);
    CHECK(c->layers_per_block >= 1 && c->layers_per_block <= UNET_MAX_LAYERS);
    CHECK((c->classes > 0) == (label >= 0));
    CHECK((c->noise_classes > 0) == (t < 0));
    CHECK(net_shape(net, x).C == c->in_channels);
    Walk w = {.net = net, .c = c};
    int C0 = c->block_channels[0];
    if (c->center_input) x = net_affine(net, x, 2.0f, -1.0f);
    if (c->input_fouriers) x = net_input_fourier(net, x, c->input_fourier, c->input_fouriers);
    w.embedding = c->noise_classes ? -1 : embed_time(&w, t, label);
    x = conv3x3(&w, x, C0, false, "conv_in");
    w.skips[w.skip_count++] = x;
    for (int level = 0; level < c->levels; level++) x = down_block(&w, x, level);
    if (c->mid_block) x = mid_block(&w, x);
    for (int i = 0; i < c->levels; i++) x = up_block(&w, x, i);
    CHECK(w.skip_count == 0);
    x = net_groupnorm(net, x, unet_groups(c, C0), (float)c->eps, true, "conv_norm_out");
    if (c->noise_classes) return classify(&w, x);
    x = conv3x3(&w, x, c->out_channels, c->zero_init, "conv_out");
    /* With Fourier features of ln t, t is sigma, and the network gives the score. */
    return c->time_kind == TIME_FOURIER ? net_divide(net, x, t) : x;
}
