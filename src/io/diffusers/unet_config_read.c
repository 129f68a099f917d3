/* unet/config.json: the keys of diffusers' UNet2DModel. A key that is absent means what diffusers
 * assumes then (attention_head_dim 8, norm_eps 1e-5, downsample_padding 1, flip_sin_to_cos true):
 * none of these shows in a tensor's shape, so no loader could notice a wrong guess. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/fsio.h"
#include "base/text.h"
#include "io/diffusers/model_files.h"

/* A list that is read before it is known how many levels there are. */
typedef struct {
    int count;
    bool attention[UNET_MAX_LEVELS];
} BlockTypes;

static bool is_null(const Json *v)
{
    return json_type(v) == JSON_NULL;
}

/* null stands for 0. */
static bool read_int_or_null(const ModelReader *r, const char *key, const Json *v, int high,
                             int *out)
{
    *out = 0;
    return is_null(v) || model_read_int(r, key, v, 1, high, out);
}

static bool read_sample_size(const ModelReader *r, const char *key, const Json *v, UNetConfig *c)
{
    c->sample_height = c->sample_width = 0;
    if (is_null(v)) return true;
    if (json_type(v) == JSON_NUMBER) {
        bool ok = model_read_int(r, key, v, 1, IMAGE_MAX_SIDE, &c->sample_height);
        c->sample_width = c->sample_height;
        return ok;
    }
    if (json_type(v) != JSON_ARRAY || json_count(v) != 2)
        return model_wrong(r, key, v, "an integer, [height, width] or null");
    return model_read_int(r, key, json_first(v), 1, IMAGE_MAX_SIDE, &c->sample_height) &&
           model_read_int(r, key, json_next(json_first(v)), 1, IMAGE_MAX_SIDE, &c->sample_width);
}

static bool read_channels(const ModelReader *r, const char *key, const Json *v, UNetConfig *c)
{
    c->levels = 0;
    if (json_type(v) != JSON_ARRAY || json_count(v) < 1 || json_count(v) > UNET_MAX_LEVELS)
        return model_wrong(r, key, v, "a list of 1 to 8 integers");
    for (const Json *item = json_first(v); item; item = json_next(item))
        if (!model_read_int(r, key, item, 1, UNET_MAX_CHANNELS, &c->block_channels[c->levels++]))
            return false;
    return true;
}

/* A key of our own, which diffusers warns about; its conv_in has other channels then. */
static bool read_input_fourier(const ModelReader *r, const char *key, const Json *v, UNetConfig *c)
{
    c->input_fouriers = 0;
    if (json_type(v) != JSON_ARRAY || json_count(v) > INPUT_FOURIER_MAX)
        return model_wrong(r, key, v, "a list of up to 8 integers");
    for (const Json *item = json_first(v); item; item = json_next(item))
        if (!model_read_int(r, key, item, 0, UNET_MAX_EXPONENT,
                            &c->input_fourier[c->input_fouriers++]))
            return false;
    return true;
}

static bool read_block_types(const ModelReader *r, const char *key, const Json *v,
                             const char *plain, const char *attention, BlockTypes *out)
{
    char instead[80];
    out->count = 0;
    if (json_type(v) != JSON_ARRAY || json_count(v) < 1 || json_count(v) > UNET_MAX_LEVELS)
        return model_wrong(r, key, v, "a list of 1 to 8 block types");
    for (const Json *item = json_first(v); item; item = json_next(item)) {
        const char *type = model_read_text(r, key, item);
        if (!type) return false;
        if (strncmp(type, "UNetRes", 7) == 0) type += 7;
        bool attends = strcmp(type, attention) == 0;
        snprintf(instead, sizeof instead, "%s and %s", plain, attention);
        if (!attends && strcmp(type, plain) != 0) return model_unsupported(r, key, item, instead);
        out->attention[out->count++] = attends;
    }
    return true;
}

/* Keys whose value must be one word of a list; null counts as the first when it may stand. */
static bool read_word(const ModelReader *r, const char *key, const Json *v,
                      const char *const *words, const char *instead)
{
    const char *text = model_read_text(r, key, v);
    return text && (model_word_in(text, words) || model_unsupported(r, key, v, instead));
}

static bool read_activation(const ModelReader *r, const char *key, const Json *v)
{
    const char *text = model_read_text(r, key, v);
    return text && (strcasecmp(text, "silu") == 0 || strcasecmp(text, "swish") == 0 ||
                    model_unsupported(r, key, v, "silu"));
}

static bool read_scale_shift(const ModelReader *r, const char *key, const Json *v, UNetConfig *c)
{
    static const char *const words[] = {"default", "scale_shift", NULL};
    if (!read_word(r, key, v, words, "default and scale_shift")) return false;
    c->scale_shift = strcmp(json_string(v), "scale_shift") == 0;
    return true;
}

static bool read_mid_block(const ModelReader *r, const char *key, const Json *v, UNetConfig *c)
{
    static const char *const words[] = {"UNetMidBlock2D", NULL};
    c->mid_block = !is_null(v);
    return is_null(v) || read_word(r, key, v, words, "UNetMidBlock2D and null");
}

/* Today's name of a key of the first releases. */
static const char *modern(const char *key)
{
    static const char *const names[][2] = {{"image_size", "sample_size"},
                                           {"num_res_blocks", "layers_per_block"},
                                           {"block_channels", "block_out_channels"},
                                           {"down_blocks", "down_block_types"},
                                           {"up_blocks", "up_block_types"},
                                           {"downscale_freq_shift", "freq_shift"},
                                           {"resnet_num_groups", "norm_num_groups"},
                                           {"resnet_act_fn", "act_fn"},
                                           {"resnet_eps", "norm_eps"},
                                           {"num_head_channels", "attention_head_dim"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(key, names[i][0]) == 0) return names[i][1];
    return key;
}

/* Plain numbers and booleans. *known is false for another key. */
static bool read_plain(const ModelReader *r, const char *key, const Json *v, UNetConfig *c,
                       bool *known)
{
    const struct {
        const char *key;
        bool *out;
    } booleans[] = {{"center_input_sample", &c->center_input},
                    {"flip_sin_to_cos", &c->flip_sin_to_cos},
                    {"add_attention", &c->mid_attention}};
    const struct {
        const char *key;
        int low, high, *out;
    } integers[] = {{"in_channels", 1, UNET_MAX_CHANNELS, &c->in_channels},
                    {"out_channels", 1, UNET_MAX_CHANNELS, &c->out_channels},
                    {"layers_per_block", 1, UNET_MAX_LAYERS, &c->layers_per_block},
                    {"downsample_padding", 0, 1, &c->downsample_padding}};
    const struct {
        const char *key;
        int *out;
        int high;
    } nullable[] = {{"attention_head_dim", &c->head_dim, UNET_MAX_CHANNELS},
                    {"norm_num_groups", &c->groups, UNET_MAX_CHANNELS},
                    {"attn_norm_num_groups", &c->attn_groups, UNET_MAX_CHANNELS},
                    {"time_embedding_dim", &c->time_dim, 4 * UNET_MAX_CHANNELS},
                    {"classifier_channels", &c->classifier_channels, UNET_MAX_CHANNELS},
                    {"noise_classes", &c->noise_classes, STEPS_MAX + 2},
                    {"num_class_embeds", &c->classes, UNET_MAX_CLASSES}};
    const struct {
        const char *key;
        double low, high;
        bool open_low, open_high;
        double *out;
    } numbers[] = {{"freq_shift", 0, FREQ_SHIFT_LIMIT, false, false, &c->freq_shift},
                   {"mid_block_scale_factor", 0, 1e6, true, true, &c->mid_scale},
                   {"dropout", 0, DROPOUT_LIMIT, false, true, &c->dropout},
                   {"norm_eps", 0, 1, true, true, &c->eps}};
    *known = true;
    for (size_t i = 0; i < sizeof booleans / sizeof *booleans; i++)
        if (strcmp(key, booleans[i].key) == 0) return model_read_bool(r, key, v, booleans[i].out);
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
        if (strcmp(key, integers[i].key) == 0)
            return model_read_int(r, key, v, integers[i].low, integers[i].high, integers[i].out);
    for (size_t i = 0; i < sizeof nullable / sizeof *nullable; i++)
        if (strcmp(key, nullable[i].key) == 0)
            return read_int_or_null(r, key, v, nullable[i].high, nullable[i].out);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(key, numbers[i].key) == 0)
            return model_read_number(r, key, v, numbers[i].low, numbers[i].high,
                                     numbers[i].open_low, numbers[i].open_high, numbers[i].out);
    *known = false;
    return true;
}

static bool read_key(const ModelReader *r, const char *key, const Json *v, BlockTypes *down,
                     BlockTypes *up)
{
    static const char *const conv[] = {"conv", NULL};
    /* The example trainer's averaged weights carry these; the last belongs to learned time. */
    static const char *const ignored[] = {
        "decay", "inv_gamma",         "min_decay",      "optimization_step",
        "power", "update_after_step", "use_ema_warmup", "num_train_timesteps",
        NULL};
    UNetConfig *c = &r->m->unet;
    bool known;
    if (!read_plain(r, key, v, c, &known)) return false;
    if (known) return true;
    if (strcmp(key, "sample_size") == 0) return read_sample_size(r, key, v, c);
    if (strcmp(key, "untrained_classes") == 0) return untrained_classes_read(r, key, v);
    if (strcmp(key, "input_fourier") == 0) return read_input_fourier(r, key, v, c);
    if (strcmp(key, "block_out_channels") == 0) return read_channels(r, key, v, c);
    if (strcmp(key, "down_block_types") == 0)
        return read_block_types(r, key, v, "DownBlock2D", "AttnDownBlock2D", down);
    if (strcmp(key, "up_block_types") == 0)
        return read_block_types(r, key, v, "UpBlock2D", "AttnUpBlock2D", up);
    if (strcmp(key, "mid_block_type") == 0) return read_mid_block(r, key, v, c);
    if (strcmp(key, "time_embedding_type") == 0) return model_read_time(r, key, v, &c->time_kind);
    if (strcmp(key, "resnet_time_scale_shift") == 0) return read_scale_shift(r, key, v, c);
    if (strcmp(key, "act_fn") == 0) return read_activation(r, key, v);
    if (strcmp(key, "downsample_type") == 0 || strcmp(key, "upsample_type") == 0)
        return read_word(r, key, v, conv, "conv");
    if (strcmp(key, "class_embed_type") == 0)
        return is_null(v) ||
               model_unsupported(r, key, v, "null (a table of num_class_embeds rows)");
    if (!model_word_in(key, ignored)) {
        char shown[80];
        text_escape(shown, sizeof shown, key);
        model_warn(r->m, "%.120s: the key %s is not known and is ignored", r->path, shown);
    }
    return true;
}

static bool finish(const ModelReader *r, const BlockTypes *down, const BlockTypes *up)
{
    UNetConfig *c = &r->m->unet;
    if (down->count != c->levels || up->count != c->levels)
        return err_set(r->err, ERR_FORMAT,
                       "%s: block_out_channels has %d entries, down_block_types %d and "
                       "up_block_types %d; the three must be equally long",
                       r->path, c->levels, down->count, up->count);
    if (c->classes > 0 && model_trained_classes(r->m) == 0)
        return err_set(r->err, ERR_FORMAT,
                       "%s: untrained_classes names all %d classes, so nothing can be drawn",
                       r->path, c->classes);
    memcpy(c->down_attention, down->attention, sizeof c->down_attention);
    memcpy(c->up_attention, up->attention, sizeof c->up_attention);
    if (c->out_channels != c->in_channels && c->out_channels != 2 * c->in_channels)
        return err_set(r->err, ERR_FORMAT,
                       "%s: out_channels is %d and in_channels %d; diffc runs models where they "
                       "are equal, or twice as many for a learned variance",
                       r->path, c->out_channels, c->in_channels);
    return true;
}

bool unet_config_read(const ModelReader *r, const Json *object)
{
    UNetConfig *c = &r->m->unet;
    unet_config_defaults(c);
    static const int channels[] = {224, 448, 672, 896};
    BlockTypes down = {4, {false, true, true, true}}, up = {4, {true, true, true, false}};
    bool classifier = false;
    c->levels = 4;
    memcpy(c->block_channels, channels, sizeof channels);
    for (const Json *v = json_first(object); v; v = json_next(v)) {
        const char *key = json_key(v), *name = modern(key);
        if (strcmp(key, "_class_name") == 0) {
            static const char *const classes[] = {"UNet2DModel", CDM_UNET, NULL};
            if (!read_word(r, key, v, classes, "UNet2DModel and " CDM_UNET)) return false;
            classifier = strcmp(json_string(v), CDM_UNET) == 0;
        }
        if (key[0] == '_' || (name != key && json_get(object, name))) continue;
        if (!read_key(r, name, v, &down, &up)) return false;
    }
    if (classifier != (c->noise_classes > 0))
        return err_set(r->err, ERR_FORMAT,
                       "%s: _class_name is %s, which %s noise_classes, the number of noise levels "
                       "it tells apart",
                       r->path, classifier ? CDM_UNET : "UNet2DModel",
                       classifier ? "must say" : "has no");
    return finish(r, &down, &up);
}
