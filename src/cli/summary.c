#include "cli/summary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/term.h"
#include "base/text.h"
#include "cli/cli.h"
#include "io/config.h"
#include "methods/method.h"
#include "model/class_labels.h"

enum { SHOWN_CLASSES = 8 };

void describe_network(const ModelConfig *m, Shape image, char *out, size_t size)
{
    const UNetConfig *unet = &m->unet;
    out[0] = '\0';
    if (m->network == NETWORK_MLP) {
        text_append(out, size, "points of %d values, %d hidden layer%s of %d unit%s", m->mlp.dims,
                    m->mlp.layers, m->mlp.layers == 1 ? "" : "s", m->mlp.width,
                    m->mlp.width == 1 ? "" : "s");
        return;
    }
    if (image.H > 0) text_append(out, size, "%dx%dx%d, ", image.H, image.W, image.C);
    text_append(out, size, "channels");
    for (int i = 0; i < unet->levels; i++) text_append(out, size, " %d", unet->block_channels[i]);
    text_append(out, size, ", %d block%s a level", unet->layers_per_block,
                unet->layers_per_block == 1 ? "" : "s");
    const char *before = image.H > 0 ? ", attention at " : ", attention at level ";
    for (int i = 0; i < unet->levels; i++) {
        if (!unet->down_attention[i]) continue;
        if (image.H > 0)
            text_append(out, size, "%s%dx%d", before, image.H >> i, image.W >> i);
        else
            text_append(out, size, "%s%d", before, i + 1);
        before = " ";
    }
    for (int i = 0; i < unet->input_fouriers; i++)
        text_append(out, size, "%s%d", i == 0 ? ", input frequencies 2^n, n " : " ",
                    unet->input_fourier[i]);
    if (unet->classes > 0)
        text_append(out, size, ", %d class%s%s", unet->classes, unet->classes == 1 ? "" : "es",
                    unet->null_class ? " or none" : "");
    if (model_trained_classes(m) == unet->classes) return;
    text_append(out, size, ", those without training images are never drawn:");
    for (int k = 0, shown = 0; k < unet->classes; k++) {
        char text[CLASS_TEXT_BYTES];
        if (model_class_is_trained(m, k)) continue;
        if (shown++ < SHOWN_CLASSES)
            text_append(out, size, "%s %.60s", shown > 1 ? "," : "", model_class_text(m, k, text));
        if (shown == SHOWN_CLASSES + 1) text_append(out, size, " ...");
    }
}

enum { LINE_WIDTH = 66, CLASS_WORD_BYTES = 64 };

/* "dog (never drawn)" */
static void class_word(ClassName *names, int label, const ModelConfig *m,
                       char out[CLASS_WORD_BYTES])
{
    enum { NAME_BYTES = 46 };
    char name[NAME_BYTES];
    text_escape(name, sizeof name, names[label]);
    snprintf(out, CLASS_WORD_BYTES, "%s%s", name,
             model_class_is_trained(m, label) ? "" : " (never drawn)");
}

void class_lines(LineWriter line, ClassName *names, int count, const ModelConfig *m)
{
    char text[LINE_WIDTH] = "", word[CLASS_WORD_BYTES];
    const char *title = "classes";
    for (int i = 0; names && i < count; i++) {
        class_word(names, i, m, word);
        if (*text && strlen(text) + strlen(word) + 4 > sizeof text) {
            line("  %-12s %s,", title, text);
            title = "";
            text[0] = '\0';
        }
        text_append(text, sizeof text, "%s%s", *text ? ", " : "", word);
    }
    if (text[0]) line("  %-12s %s", title, text);
}

void describe_classes(const ModelConfig *m, char *out, size_t size)
{
    static const char more[] = " ...";
    char word[CLASS_WORD_BYTES];
    out[0] = '\0';
    for (int i = 0; m->class_names && i < m->unet.classes; i++) {
        class_word(m->class_names, i, m, word);
        if (strlen(out) + strlen(word) + sizeof more + 2 > size) {
            text_append(out, size, "%s", more);
            return;
        }
        text_add(out, size, ", ", word);
    }
}

void class_names_json(JsonWriter *w, ClassName *names, int count)
{
    if (!names) return;
    json_begin_row(w, "class_names");
    for (int i = 0; i < count; i++) json_put_string(w, NULL, names[i]);
    json_end_array(w);
}

void describe_method(const ModelConfig *m, char *out, size_t size)
{
    char count[32];
    out[0] = '\0';
    const NoiseConfig *n = &m->noise;
    term_format_count(count, (unsigned long long)(n->kind == PROCESS_SMLD ? n->levels : n->T));
    ProcessKind kind = n->kind;
    switch (kind) {
    case PROCESS_DDPM:
        text_append(out, size, "%s, ", method_words[m->method]);
        if (m->kept) text_append(out, size, "%d kept of ", m->kept_count);
        text_append(out, size, "%s step%s, ", count, n->T == 1 ? "" : "s");
        if (m->kept) text_append(out, size, "%s noise, ", mask_alphas_words[m->alphas]);
        text_append(out, size, "%s schedule", schedule_words[n->schedule]);
        if (n->schedule == SCHEDULE_LINEAR || n->schedule == SCHEDULE_SCALED_LINEAR)
            text_append(out, size, " from %g to %g", n->beta_start, n->beta_end);
        break;
    case PROCESS_SMLD:
        text_append(out, size, "smld, %s noise levels from %.4g down to %g", count, n->sigma_max,
                    n->sigma_min);
        break;
    case PROCESS_VE:
        text_append(out, size, "sde ve, noise from %g to %.4g", n->sigma_min, n->sigma_max);
        break;
    case PROCESS_VP:
    case PROCESS_SUBVP:
        text_append(out, size, "sde %s, beta from %g to %g", sde_words[n->sde], n->beta_min,
                    n->beta_max);
        break;
    }
    if (method_of(m->method)->classifies_noise)
        text_append(out, size, ", classifies noise levels");
    else
        text_append(out, size, ", predicts %s", prediction_words[n->prediction]);
    if (m->sample.variance == VARIANCE_LEARNED) text_append(out, size, " and variance");
}

void method_json(JsonWriter *w, const ModelConfig *m)
{
    const NoiseConfig *n = &m->noise;
    ProcessKind kind = n->kind;
    json_put_string(w, "method", method_words[m->method]);
    if (noise_is_discrete(kind))
        json_put_int(w, "steps", kind == PROCESS_SMLD ? n->levels : n->T);
    else
        json_put_string(w, "sde", sde_words[n->sde]);
    if (kind == PROCESS_DDPM) {
        json_put_string(w, "schedule", schedule_words[n->schedule]);
        json_put_string(w, "variance", variance_words[m->sample.variance]);
    }
    if (m->kept) {
        json_begin_row(w, "kept_steps");
        for (int i = 0; i < m->kept_count; i++) json_put_int(w, NULL, m->kept[i]);
        json_end_array(w);
        json_put_string(w, "alphas", mask_alphas_words[m->alphas]);
    }
    if (kind == PROCESS_SMLD || kind == PROCESS_VE) {
        json_put_number(w, "sigma_min", n->sigma_min);
        json_put_number(w, "sigma_max", n->sigma_max);
    }
    if (kind == PROCESS_VP || kind == PROCESS_SUBVP) {
        json_put_number(w, "beta_min", n->beta_min);
        json_put_number(w, "beta_max", n->beta_max);
    }
    json_put_string(w, "prediction", prediction_words[n->prediction]);
}

void describe_diffusers(const ModelConfig *m, char *out, size_t size)
{
    DiffusersSupport support = model_diffusers_support(m);
    const char *but = support.but;
    if (support.pipeline)
        snprintf(out, size, "opens as %s%s%s", support.pipeline, but ? ", but " : "",
                 but ? but : "");
    else
        snprintf(out, size, "does not open: %s", but);
}

void diffusers_json(JsonWriter *w, const ModelConfig *m)
{
    DiffusersSupport support = model_diffusers_support(m);
    json_begin_object(w, "diffusers");
    json_put_string(w, "pipeline", support.pipeline);
    json_put_string(w, "but", support.but);
    json_end_object(w);
}

void network_lines(LineWriter line, const ModelConfig *m, Shape image, size_t parameters,
                   double forward_flop)
{
    char text[768], count[32], flop[AMOUNT_BYTES];
    describe_network(m, image, text, sizeof text);
    term_format_count(count, parameters);
    line("  network      %s", text);
    if (image.H == 0)
        line("  image size   not given by the model; %d channel%s", image.C,
             image.C == 1 ? "" : "s");
    class_lines(line, m->class_names, m->unet.classes, m);
    line("  parameters   %s", count);
    if (image.H == 0) return;
    format_amount(flop, forward_flop, "FLOP");
    line("  compute      %s forward per %s", flop, m->network == NETWORK_MLP ? "point" : "image");
}

static void unet_json(JsonWriter *w, const ModelConfig *m, Shape image)
{
    const UNetConfig *unet = &m->unet;
    json_begin_array(w, "image");
    json_put_number(w, NULL, image.H > 0 ? image.H : (double)NAN);
    json_put_number(w, NULL, image.W > 0 ? image.W : (double)NAN);
    json_put_int(w, NULL, image.C);
    json_end_array(w);
    json_begin_array(w, "channels");
    for (int i = 0; i < unet->levels; i++) json_put_int(w, NULL, unet->block_channels[i]);
    json_end_array(w);
    json_put_int(w, "blocks", unet->layers_per_block);
    if (image.H > 0) {
        json_begin_array(w, "attention");
        for (int i = 0; i < unet->levels; i++) {
            if (unet->down_attention[i]) json_put_int(w, NULL, image.H >> i);
        }
        json_end_array(w);
    } else {
        json_put_null(w, "attention");
    }
    if (unet->input_fouriers > 0) {
        json_begin_array(w, "input_fourier");
        for (int i = 0; i < unet->input_fouriers; i++)
            json_put_int(w, NULL, unet->input_fourier[i]);
        json_end_array(w);
    }
    json_put_int(w, "classes", unet->classes);
    if (unet->null_class) json_put_bool(w, "null_class", true);
    class_names_json(w, m->class_names, unet->classes);
    if (model_trained_classes(m) == unet->classes) return;
    json_begin_row(w, "untrained_classes");
    for (int k = 0; k < unet->classes; k++)
        if (!model_class_is_trained(m, k)) json_put_int(w, NULL, k);
    json_end_array(w);
}

void network_json(JsonWriter *w, const ModelConfig *m, Shape image, size_t parameters,
                  double forward_flop)
{
    if (m->network == NETWORK_MLP) {
        json_put_string(w, "network", "mlp");
        json_put_int(w, "dims", m->mlp.dims);
        json_put_int(w, "width", m->mlp.width);
        json_put_int(w, "layers", m->mlp.layers);
    } else {
        unet_json(w, m, image);
    }
    json_put_int(w, "params", (int64_t)parameters);
    json_put_number(w, "forward_gflop", image.H > 0 ? forward_flop * 1e-9 : (double)NAN);
}
