/* A small network's table with every kind of name, and files in the scratch folder: shared by the
 * tests of model folders. */
#ifndef DIFFC_TESTS_MODEL_FIXTURE_H
#define DIFFC_TESTS_MODEL_FIXTURE_H

#include "base/fsio.h"
#include "base/params.h"
#include "io/diffusers/model_folder.h"
#include "test.h"

enum { PARAMS = 9, BLOCK = 16 * 16 };
static ParamInfo params[PARAMS] = {
    {.name = "conv_in.weight",
     .rank = 4,
     .shape = {2, 1, 3, 3},
     .layout = LAYOUT_CONV,
     .count = 18},
    {.name = "conv_in.bias", .rank = 1, .shape = {2}, .count = 2},
    {.name = "time_proj.weight", .rank = 1, .shape = {2}, .count = 2},
    {.name = "down_blocks.0.attentions.0.to_q.weight",
     .rank = 2,
     .shape = {2, 3},
     .layout = LAYOUT_LINEAR,
     .count = 6},
    {.name = "down_blocks.0.attentions.0.to_k.bias", .rank = 1, .shape = {2}, .count = 2},
    {.name = "mid_block.attentions.0.to_v.weight",
     .rank = 2,
     .shape = {3, 3},
     .layout = LAYOUT_LINEAR,
     .count = 9},
    {.name = "up_blocks.1.attentions.2.to_out.0.weight",
     .rank = 2,
     .shape = {3, 2},
     .layout = LAYOUT_LINEAR,
     .count = 6},
    {.name = "down_blocks.0.downsamplers.0.conv.bias", .rank = 1, .shape = {3}, .count = 3},
    {.name = "up_blocks.0.upsamplers.0.conv.bias", .rank = 1, .shape = {4}, .count = 4},
};

static ParamTable table;                /* of params */
static float block[BLOCK], back[BLOCK]; /* weights, and what is read back */

/* The table, random weights in `block` and none in `back`. */
static inline void begin(unsigned tag)
{
    table = (ParamTable){.info = params, .count = PARAMS, .block_floats = BLOCK};
    size_t at = 0;
    memset(block, 0, sizeof block);
    memset(back, 0x55, sizeof back);
    for (int i = 0; i < PARAMS; i++) {
        params[i].offset = at;
        at += (params[i].count + 15) / 16 * 16;
        table.parameters += params[i].count;
        test_normals(block + params[i].offset, params[i].count, tag + (unsigned)i, 1);
    }
}

static inline const char *in_folder(const char *name)
{
    static char paths[4][PATH_BYTES];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, PATH_BYTES, "%.200s/%s", test_folder(), name);
    return path;
}

/* A file in the scratch folder, and its folder where there is none. */
static inline void put(const char *name, const char *text)
{
    char folder[PATH_BYTES];
    snprintf(folder, sizeof folder, "%s", in_folder(name));
    *strrchr(folder, '/') = '\0';
    Err err = {0};
    EXPECT_OK(folder_make(folder, &err) && file_write(in_folder(name), text, strlen(text), &err),
              err);
}

static inline void free_config(void *what)
{
    model_config_free(what);
    free(what);
}

/* The configuration of a model in the scratch folder; freed when the case ends. */
static inline bool read_config(const char *name, ModelConfig *m, Err *err)
{
    if (!model_folder_read_config(in_folder(name), m, err)) return false;
    ModelConfig *copy = malloc(sizeof *copy);
    if (!copy) abort();
    *copy = *m;
    test_at_end(free_config, copy);
    return true;
}

static inline void expect_file(const char *name, const char *text)
{
    FileBytes file;
    Err err = {0};
    if (!EXPECT(file_read(in_folder(name), 1 << 20, &file, &err))) return;
    EXPECT_TEXT((const char *)file.bytes, text);
    file_free(&file);
}

static inline void expect_in_file(const char *name, const char *part)
{
    FileBytes file;
    Err err = {0};
    if (!EXPECT(file_read(in_folder(name), 1 << 20, &file, &err))) return;
    EXPECT_CONTAINS((const char *)file.bytes, part);
    file_free(&file);
}

/* Two folders hold the same model. */
static inline void expect_same_folder(const char *a, const char *b)
{
    static const char *const names[] = {"model_index.json", "unet/config.json",
                                        "scheduler/scheduler_config.json",
                                        "unet/diffusion_pytorch_model.safetensors"};
    for (int i = 0; i < 4; i++) {
        char first[200], second[200];
        FileBytes x, y;
        Err err = {0};
        snprintf(first, sizeof first, "%s/%s", a, names[i]);
        snprintf(second, sizeof second, "%s/%s", b, names[i]);
        EXPECT(file_read(in_folder(first), 1 << 20, &x, &err));
        EXPECT(file_read(in_folder(second), 1 << 20, &y, &err));
        if (EXPECT(x.size == y.size && x.size > 100)) EXPECT_SAME(x.bytes, y.bytes, x.size);
        file_free(&x);
        file_free(&y);
    }
}

static inline bool read_texts(const char *unet, const char *scheduler, ModelConfig *m, Err *err)
{
    put("t/unet/config.json", unet);
    put("t/scheduler/scheduler_config.json", scheduler);
    return read_config("t", m, err);
}

#define DDPM       "{\"_class_name\":\"DDPMScheduler\"}"
#define UNET(keys) "{\"_class_name\":\"UNet2DModel\"" keys "}"

static inline bool same_unet(const UNetConfig *a, const UNetConfig *b)
{
    UNetConfig x = *a, y = *b;
    x.zero_init = y.zero_init = false; /* not part of the file */
    bool same = x.sample_height == y.sample_height && x.sample_width == y.sample_width &&
                x.in_channels == y.in_channels && x.out_channels == y.out_channels &&
                x.levels == y.levels && x.layers_per_block == y.layers_per_block &&
                x.mid_block == y.mid_block && x.mid_attention == y.mid_attention &&
                x.head_dim == y.head_dim && x.groups == y.groups &&
                x.attn_groups == y.attn_groups && x.eps == y.eps && x.dropout == y.dropout &&
                x.mid_scale == y.mid_scale && x.center_input == y.center_input &&
                x.downsample_padding == y.downsample_padding && x.time_kind == y.time_kind &&
                x.time_dim == y.time_dim && x.flip_sin_to_cos == y.flip_sin_to_cos &&
                x.freq_shift == y.freq_shift && x.scale_shift == y.scale_shift &&
                x.classes == y.classes && x.input_fouriers == y.input_fouriers;
    for (int i = 0; i < x.input_fouriers; i++)
        same = same && x.input_fourier[i] == y.input_fourier[i];
    for (int l = 0; l < x.levels; l++)
        same = same && x.block_channels[l] == y.block_channels[l] &&
               x.down_attention[l] == y.down_attention[l] && x.up_attention[l] == y.up_attention[l];
    return same;
}

#endif
