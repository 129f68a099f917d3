/* The files of networks, and where two networks differ.
 *
 * unet/config.json: the keys of diffusers' UNet2DModel. A key that is absent means what diffusers
 * assumes then (attention_head_dim 8, norm_eps 1e-5, downsample_padding 1, flip_sin_to_cos true):
 * none of these shows in a tensor's shape, so no loader could notice a wrong guess. */
#include <stdio.h>
#include <string.h>

#include "io/config_fields.h"
#include "io/diffusers/model_keys.h"

#define AT(member) offsetof(ModelConfig, unet.member)

/* ---- values that only this file has ---- */

static bool read_sample_size(const ModelReader *r, const ModelKey *k, const Json *v)
{
    UNetConfig *c = &r->m->unet;
    c->sample_height = c->sample_width = 0;
    if (json_type(v) == JSON_NULL) return true;
    if (json_type(v) == JSON_NUMBER) {
        bool ok = model_read_int(r, k, v, &c->sample_height);
        c->sample_width = c->sample_height;
        return ok;
    }
    if (json_type(v) != JSON_ARRAY || json_count(v) != 2)
        return model_wrong(r, k->name, v, "an integer, [height, width] or null");
    const Json *height = json_first(v);
    return model_read_int(r, k, height, &c->sample_height) &&
           model_read_int(r, k, json_next(height), &c->sample_width);
}

static void put_sample_size(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    const UNetConfig *c = &m->unet;
    if (c->sample_height == c->sample_width) {
        value_int_or_null.put(w, k, m);
        return;
    }
    json_begin_array(w, k->name);
    json_put_int(w, NULL, c->sample_height);
    json_put_int(w, NULL, c->sample_width);
    json_end_array(w);
}

/* words: without and with attention. */
static bool read_blocks(const ModelReader *r, const ModelKey *k, const Json *v)
{
    bool *attention = model_member(r->m, k->at);
    char instead[80];
    int count = 0;
    memset(attention, 0, UNET_MAX_LEVELS * sizeof *attention);
    if (json_type(v) != JSON_ARRAY || json_count(v) < 1 || json_count(v) > UNET_MAX_LEVELS)
        return model_wrong(r, k->name, v, "a list of 1 to 8 block types");
    for (const Json *item = json_first(v); item; item = json_next(item)) {
        const char *type = model_read_text(r, k->name, item);
        if (!type) return false;
        if (strncmp(type, "UNetRes", 7) == 0) type += 7;
        attention[count] = strcmp(type, k->words[1]) == 0;
        snprintf(instead, sizeof instead, "%s and %s", k->words[0], k->words[1]);
        if (!attention[count++] && strcmp(type, k->words[0]) != 0)
            return model_unsupported(r, k->name, item, instead);
    }
    return true;
}

static void put_blocks(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    const bool *attention = (const bool *)((const char *)m + k->at);
    json_begin_array(w, k->name);
    for (int i = 0; i < m->unet.levels; i++) json_put_string(w, NULL, k->words[attention[i]]);
    json_end_array(w);
}

static bool read_mid_block(const ModelReader *r, const ModelKey *k, const Json *v)
{
    r->m->unet.mid_block = json_type(v) != JSON_NULL;
    return !r->m->unet.mid_block || value_fixed.read(r, k, v);
}

static void put_no_mid_block(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    if (!m->unet.mid_block) json_put_null(w, k->name);
}

static bool read_scale_shift(const ModelReader *r, const ModelKey *k, const Json *v)
{
    if (!value_fixed.read(r, k, v)) return false;
    r->m->unet.scale_shift = strcmp(json_string(v), k->words[1]) == 0;
    return true;
}

static void put_scale_shift(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    json_put_string(w, k->name, k->words[m->unet.scale_shift]);
}

/* The table of diffusers has a row for no class as well. */
static void put_classes(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    if (m->unet.classes > 0)
        json_put_int(w, k->name, m->unet.classes + m->unet.null_class);
    else
        json_put_null(w, k->name);
}

static bool read_null_class(const ModelReader *r, const ModelKey *k, const Json *v)
{
    UNetConfig *c = &r->m->unet;
    if (!model_read_bool(r, k->name, v, &c->null_class)) return false;
    if (c->null_class && c->classes < 2)
        return model_wrong(r, k->name, v, "false where num_class_embeds is below 2");
    c->classes -= c->null_class;
    return true;
}

static bool has_null_class(const ModelConfig *m)
{
    return m->unet.null_class;
}

/* A classifier of noise levels has no time layers. */
static bool is_timed(const ModelConfig *m)
{
    return m->unet.noise_classes == 0;
}

static bool is_classifier(const ModelConfig *m)
{
    return m->unet.noise_classes > 0;
}

static void put_class(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    json_put_string(w, k->name, k->words[is_classifier(m)]);
}

/* Keys that older readers do not know stand only where they matter. */
static const char *const classes[] = {"UNet2DModel", CDM_UNET, NULL},
                         *const silu[] = {"silu", "swish", NULL}, *const conv[] = {"conv", NULL},
                         *const down[] = {"DownBlock2D", "AttnDownBlock2D", NULL},
                         *const up[] = {"UpBlock2D", "AttnUpBlock2D", NULL},
                         *const mid[] = {"UNetMidBlock2D", NULL},
                         *const shift[] = {"default", "scale_shift", NULL};

/* clang-format off */
const ModelKey unet_keys[] = {
    {"_class_name", &value_fixed, .put = put_class, .words = classes, .instead = "UNet2DModel and " CDM_UNET},
    {"_diffusers_version", .put = model_put_first, ONLY("\"" DIFFUSERS_VERSION "\"")},
    {"act_fn", &value_fixed, .flags = KEY_ANY_CASE, .old = "resnet_act_fn", .words = silu, .instead = "silu"},
    {"add_attention", &value_bool, .at = AT(mid_attention)},
    {"attention_head_dim", &value_int_or_null, .at = AT(head_dim), .low = 1, .high = UNET_MAX_CHANNELS, .old = "num_head_channels"},
    {"attn_norm_num_groups", &value_int_or_null, .at = AT(attn_groups), .low = 1, .high = UNET_MAX_CHANNELS, .flags = KEY_OPTIONAL},
    {"block_out_channels", &value_ints, .at = AT(block_channels), .low = 1, .high = UNET_MAX_CHANNELS, .old = "block_channels", .count_at = AT(levels)},
    {"center_input_sample", &value_bool, .at = AT(center_input)},
    {"class_embed_type", &value_null, ONLY("null"), .instead = "null (a table of num_class_embeds rows)"},
    /* Of our own: diffusers warns about it. */
    {"class_names", &value_class_names, .flags = KEY_TUNING | KEY_LATE},
    {"classifier_channels", &value_int_or_null, .at = AT(classifier_channels), .low = 1, .high = UNET_MAX_CHANNELS, .stands = is_classifier},
    {"down_block_types", .read = read_blocks, .put = put_blocks, .at = AT(down_attention), .old = "down_blocks", .words = down},
    {"downsample_padding", &value_int, AT(downsample_padding), .high = 1},
    {"downsample_type", &value_fixed, .words = conv, .instead = "conv"},
    {"dropout", &value_float, .at = AT(dropout), .high = DROPOUT_LIMIT, .flags = KEY_OPEN_HIGH | KEY_TUNING},
    {"flip_sin_to_cos", &value_bool, .at = AT(flip_sin_to_cos), .stands = is_timed},
    {"freq_shift", &value_number, .at = AT(freq_shift), .high = FREQ_SHIFT_LIMIT, .stands = is_timed, .old = "downscale_freq_shift"},
    {"in_channels", &value_int, .at = AT(in_channels), .low = 1, .high = UNET_MAX_CHANNELS},
    /* Of our own: diffusers warns about it, and its conv_in has other channels then. */
    {"input_fourier", &value_ints, .at = AT(input_fourier), .high = UNET_MAX_EXPONENT, .flags = KEY_OPTIONAL, .count_at = AT(input_fouriers)},
    {"layers_per_block", &value_int, .at = AT(layers_per_block), .low = 1, .high = UNET_MAX_LAYERS, .old = "num_res_blocks"},
    {"mid_block_scale_factor", &value_number, .at = AT(mid_scale), .high = 1e6, .flags = KEY_OPEN_LOW | KEY_OPEN_HIGH},
    {"mid_block_type", .read = read_mid_block, .put = put_no_mid_block, .words = mid, .instead = "UNetMidBlock2D and null"},
    {"noise_classes", &value_int_or_null, .at = AT(noise_classes), .low = 1, .high = STEPS_MAX + 2, .flags = KEY_OPTIONAL},
    {"norm_eps", &value_float, .at = AT(eps), .high = 1, .flags = KEY_OPEN_LOW | KEY_OPEN_HIGH, .old = "resnet_eps"},
    {"norm_num_groups", &value_int_or_null, .at = AT(groups), .low = 1, .high = UNET_MAX_CHANNELS, .old = "resnet_num_groups"},
    /* Of our own: the last row of the class embedding stands for no class. diffusers warns about it. */
    {"null_class", &value_bool, .at = AT(null_class), .flags = KEY_LATE, .stands = has_null_class, .read = read_null_class},
    {"num_class_embeds", &value_int_or_null, .put = put_classes, .at = AT(classes), .low = 1, .high = UNET_MAX_CLASSES},
    {"out_channels", &value_int, .at = AT(out_channels), .low = 1, .high = UNET_MAX_CHANNELS},
    {"resnet_time_scale_shift", .read = read_scale_shift, .put = put_scale_shift, .stands = is_timed, .words = shift, .instead = "default and scale_shift"},
    {"sample_size", .read = read_sample_size, .put = put_sample_size, .at = AT(sample_height), .low = 1, .high = IMAGE_MAX_SIDE, .flags = KEY_TUNING, .old = "image_size"},
    {"time_embedding_dim", &value_int_or_null, .at = AT(time_dim), .low = 1, .high = 4 * UNET_MAX_CHANNELS, .flags = KEY_OPTIONAL},
    {"time_embedding_type", &value_time, .at = AT(time_kind), .stands = is_timed},
    {"untrained_classes", &value_untrained, .high = DATA_MAX_CLASSES - 1, .flags = KEY_TUNING},
    {"up_block_types", .read = read_blocks, .put = put_blocks, .at = AT(up_attention), .old = "up_blocks", .words = up},
    {"upsample_type", &value_fixed, .words = conv, .instead = "conv"},
    /* Without effect: the example trainer's averaged weights carry these, the last is of learned time. */
    {.name = "decay"}, {.name = "inv_gamma"}, {.name = "min_decay"}, {.name = "optimization_step"}, {.name = "power"},
    {.name = "update_after_step"}, {.name = "use_ema_warmup"}, {.name = "num_train_timesteps"},
    {0}};
/* clang-format on */

/* How many blocks a list has; the default is of 4. */
static int blocks(const ModelReader *r, const char *const *words)
{
    const Json *v = NULL;
    for (const ModelKey *k = unet_keys; k->name; k++)
        if (k->words == words) v = model_key_in(r, k);
    return v ? (int)json_count(v) : 4;
}

static bool check(const ModelReader *r)
{
    const UNetConfig *c = &r->m->unet;
    int downs = blocks(r, down), ups = blocks(r, up);
    const Json *class_name = json_get(r->object, "_class_name");
    bool classifier = class_name && strcmp(json_string(class_name), CDM_UNET) == 0;
    if (classifier != is_classifier(r->m))
        return err_set(r->err, ERR_FORMAT,
                       "%s: _class_name is %s, which %s noise_classes, the number of noise levels "
                       "that it classifies",
                       r->path, classifier ? CDM_UNET : "UNet2DModel",
                       classifier ? "must say" : "has no");
    if (downs != c->levels || ups != c->levels)
        return err_set(r->err, ERR_FORMAT,
                       "%s: block_out_channels has %d entr%s, down_block_types %d and "
                       "up_block_types %d; the three must be equally long",
                       r->path, c->levels, c->levels == 1 ? "y" : "ies", downs, ups);
    if (c->classes > 0 && model_trained_classes(r->m) == 0)
        return err_set(r->err, ERR_FORMAT,
                       "%s: untrained_classes names all %d classes, so nothing can be drawn",
                       r->path, c->classes);
    return c->out_channels == c->in_channels || c->out_channels == 2 * c->in_channels ||
           err_set(r->err, ERR_FORMAT,
                   "%s: out_channels is %d and in_channels %d; diffc runs models where they "
                   "are equal, or twice as many for a learned variance",
                   r->path, c->out_channels, c->in_channels);
}

bool unet_config_read(const ModelReader *r)
{
    static const int channels[] = {224, 448, 672, 896};
    UNetConfig *c = &r->m->unet;
    unet_config_defaults(c);
    c->levels = 4;
    memcpy(c->block_channels, channels, sizeof channels);
    for (int i = 0; i < 4; i++) {
        c->down_attention[i] = i > 0;
        c->up_attention[i] = i < 3;
    }
    if (!model_keys_read(r, unet_keys, 0)) return false;
    model_keys_warn(r, unet_keys, 0);
    return check(r);
}

/* ---- mlp/config.json: the class is our own, and every file of it is complete ---- */

enum { NEEDED = 1 };

const ModelKey mlp_keys[] = {
    {"_class_name", &value_fixed, .of = NEEDED, ONLY(MLP_CLASS), .instead = MLP_CLASS},
    {"dims", &value_int, offsetof(ModelConfig, mlp.dims), 2, 2, .of = NEEDED},
    {"layers", &value_int, offsetof(ModelConfig, mlp.layers), 1, MLP_MAX_LAYERS, .of = NEEDED},
    {"time_embedding_type", &value_time, .at = offsetof(ModelConfig, mlp.time_kind), .of = NEEDED},
    {"toy", &value_word, offsetof(ModelConfig, toy), .flags = KEY_TUNING, .words = toy_words,
     .instead = "two-modes, ring, swiss-roll, checkerboard and none"},
    {"width", &value_int, offsetof(ModelConfig, mlp.width), 1, MLP_MAX_WIDTH, .of = NEEDED},
    {0}};

bool mlp_config_read(const ModelReader *r)
{
    mlp_config_defaults(&r->m->mlp);
    if (!model_keys_need(r, mlp_keys, NEEDED, MLP_CLASS) || !model_keys_read(r, mlp_keys, NEEDED))
        return false;
    model_keys_warn(r, mlp_keys, NEEDED);
    return true;
}

/* ---- where two networks differ, by their table of keys, which holds every option of a network ---- */

/* null, where it only stands for a number. */
static ModelConfig resolved(const ModelConfig *m)
{
    ModelConfig r = *m;
    UNetConfig *c = &r.unet;
    if (c->noise_classes > 0 && c->classifier_channels == 0)
        c->classifier_channels = 2 * c->block_channels[0];
    if (c->time_dim == 0) c->time_dim = 4 * c->block_channels[0];
    return r;
}

/* The key of the configuration that sets this key of the file. */
static void name_option(char *out, size_t size, const char *key)
{
    static const char *const sections[] = {"model", "method", "data", "train"};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        const Field *f = config_alias(sections[i], key);
        if (f && strcmp(f->key, key) == 0)
            snprintf(out, size, "%s.%s", f->section, f->key);
        else if (f)
            snprintf(out, size, "%s.%s (%s in a model folder)", f->section, f->key, key);
        if (f) return;
    }
    snprintf(out, size, "%s, which no key of the configuration sets,", key);
}

static void put_value(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    ModelKey value = *k;
    value.name = NULL;
    json_write_init(w, 0);
    model_key_put(w, &value, m);
}

static bool kinds_differ(NetworkDifference *out, const char *option, const char *a, const char *b)
{
    out->values.found = true;
    snprintf(out->option, sizeof out->option, "%s", option);
    snprintf(out->values.a, sizeof out->values.a, "\"%s\"", a);
    snprintf(out->values.b, sizeof out->values.b, "\"%s\"", b);
    return true;
}

bool model_networks_differ(const ModelConfig *a, const ModelConfig *b, NetworkDifference *out,
                           Err *err)
{
    ModelConfig x = resolved(a), y = resolved(b);
    bool ok = true;
    memset(out, 0, sizeof *out);
    if (a->network != b->network)
        return kinds_differ(out, "model.type", network_words[a->network],
                            network_words[b->network]);
    if ((a->unet.noise_classes > 0) != (b->unet.noise_classes > 0))
        return kinds_differ(out, "method.type", method_words[a->method], method_words[b->method]);
    for (const ModelKey *k = network_keys(a); k->name && ok && !out->values.found; k++) {
        JsonWriter wa, wb;
        if (k->flags & KEY_TUNING) continue;
        put_value(&wa, k, &x);
        put_value(&wb, k, &y);
        ok = json_differ(&wa, &wb, &out->values, err);
        if (out->values.found) name_option(out->option, sizeof out->option, k->name);
    }
    return ok;
}
