#include "base/fsio.h"
#include "io/diffusers/model_folder.h"
#include "io/safetensors.h"
#include "model_fixture.h"
#include "test.h"

enum { MANY = 16 };
typedef struct {
    TensorOut tensors[MANY];
    ParamInfo info[MANY];
    size_t count;
} Weights;

/* The tensors of `block` under their own names, with shapes that a case may change. */
static void table_weights(Weights *w)
{
    memset(w, 0, sizeof *w);
    w->count = (size_t)table.count;
    tensors_of_block(w->tensors, &table, block);
    for (int i = 0; i < table.count; i++) {
        w->info[i] = table.info[i];
        w->tensors[i].info = &w->info[i];
    }
}

static void write_weights(const char *name, const TensorOut *tensors, size_t count)
{
    TensorOut sorted[MANY];
    Err err = {0};
    memcpy(sorted, tensors, count * sizeof *tensors);
    put(name, "");
    EXPECT(safetensors_write(in_folder(name), sorted, count, NULL, 0, &err));
}

/* Into `back`. */
static bool read_weights(const char *folder, ModelConfig *m, Err *err)
{
    memset(m, 0, sizeof *m);
    return model_folder_read_weights(in_folder(folder), &table, back, m, err);
}

/* The weights are read to the same bits, with so many warnings. */
static void expect_read(const char *folder, ModelConfig *m, int warnings)
{
    Err err = {0};
    EXPECT_OK(read_weights(folder, m, &err), err);
    EXPECT_SAME(back, block, sizeof block);
    EXPECT_INT(m->warning_count, warnings);
}

#define FILE_NAME "diffusion_pytorch_model.safetensors"

/* What training wrappers leave before every name. */
TEST(a_prefix_of_every_name_is_taken_off_and_said)
{
    static const char *const prefixes[] = {"module.", "_orig_mod.", "model.", "ema.",
                                           "module._orig_mod.unet."};
    Weights w;
    ModelConfig m;
    Err err = {0};
    char names[MANY][80];
    EXPECT(folder_make(in_folder("p"), &err));
    begin(5);
    for (size_t k = 0; k < sizeof prefixes / sizeof *prefixes; k++) {
        table_weights(&w);
        for (size_t i = 0; i < w.count; i++) {
            snprintf(names[i], sizeof names[i], "%s%s", prefixes[k], w.tensors[i].name);
            w.tensors[i].name = names[i];
        }
        write_weights("p/" FILE_NAME, w.tensors, w.count);
        memset(back, 0, sizeof back);
        expect_read("p", &m, 1);
        EXPECT_CONTAINS(m.warnings[0], prefixes[k]);
    }
}

TEST(two_networks_in_one_file_are_refused_unless_one_has_the_plain_names)
{
    Weights w, two = {.count = 2};
    ModelConfig m;
    Err err = {0};
    EXPECT(folder_make(in_folder("p"), &err));
    begin(5);
    table_weights(&w);
    two.tensors[0] = w.tensors[0];
    two.tensors[0].name = "ema.conv_in.weight";
    two.tensors[1] = w.tensors[0];
    two.tensors[1].name = "model.conv_in.weight";
    write_weights("p/" FILE_NAME, two.tensors, two.count);
    EXPECT_FAILS(read_weights("p", &m, &err), err,
                 "holds several networks, under \"ema.\" and \"model.\"");
    w.tensors[w.count] = two.tensors[0];
    write_weights("p/" FILE_NAME, w.tensors, w.count + 1);
    EXPECT(read_weights("p", &m, &err));
    EXPECT_SAME(back, block, sizeof block);
    EXPECT_CONTAINS(m.warnings[0], "\"ema.conv_in.weight\" is not part of this network");
    two.tensors[0].name = "input_blocks.0.0.weight";
    write_weights("p/" FILE_NAME, two.tensors, 1);
    EXPECT_FAILS(read_weights("p", &m, &err), err, "whose first is \"input_blocks.0.0.weight\"");
    EXPECT_CONTAINS(err.text, "not those of diffusers");
}

TEST(weights_under_another_file_name_and_pickles_are_named)
{
    begin(0);
    ModelConfig m;
    Err err = {0};
    EXPECT(folder_make(in_folder("p"), &err));
    put("p/last.ckpt", "\x80\x02");
    EXPECT_FAILS(read_weights("p", &m, &err), err,
                 "but last.ckpt (a pickle can run code and is not opened");
    put("p/model.safetensors", "");
    EXPECT_FAILS(read_weights("p", &m, &err), err,
                 "but model.safetensors (if these are the weights, call the file ");
}

TEST(model_weights_under_all_their_old_names)
{
    static const char *const old[][PARAMS] = {
        {"conv_in.weight", "conv_in.bias", "time_proj.W", "down_blocks.0.attentions.0.query.weight",
         "down_blocks.0.attentions.0.key.bias", "mid_block.attentions.0.value.weight",
         "up_blocks.1.attentions.2.proj_attn.weight", "down_blocks.0.downsamplers.0.op.bias",
         "up_blocks.0.upsamplers.0.Conv2d_0.bias"},
        {"conv_in.weight", "conv_in.bias", "time_steps.W",
         "downsample_blocks.0.attentions.0.query.weight",
         "downsample_blocks.0.attentions.0.key.bias", "mid.attentions.0.value.weight",
         "upsample_blocks.1.attentions.2.proj_attn.weight",
         "downsample_blocks.0.downsamplers.0.Conv2d_0.bias",
         "upsample_blocks.0.upsamplers.0.conv.bias"},
    };
    begin(3);
    for (int way = 0; way < 4; way++) {
        Weights w;
        ModelConfig m;
        Err err = {0};
        table_weights(&w);
        for (int i = 0; i < PARAMS; i++) w.tensors[i].name = old[way % 2][i];
        /* Attention as 1x1 convolutions over images or sequences. */
        static const int matrices[] = {3, 5, 6};
        for (int k = 0; k < 3; k++) {
            ParamInfo *info = &w.info[matrices[k]];
            info->rank = way < 2 ? 4 : 3;
            info->shape[2] = info->shape[3] = 1;
        }
        write_weights("w/" FILE_NAME, w.tensors, w.count);
        EXPECT(read_weights("w", &m, &err));
        EXPECT_TEXT(err.text, "");
        EXPECT_SAME(back, block, sizeof block);
        EXPECT_INT(m.warning_count, 0);
    }
}

TEST(model_weights_new_name_wins_over_the_old_one)
{
    Weights w;
    ModelConfig m;
    Err err = {0};
    begin(3);
    table_weights(&w);
    float wrong[2] = {9, 9};
    w.tensors[w.count++] = (TensorOut){"time_proj.W", &w.info[2], wrong};
    write_weights("w/" FILE_NAME, w.tensors, w.count);
    expect_read("w", &m, 0);
    /* Two old names of one tensor: nobody can know which is right. */
    w.tensors[2].name = "time_steps.W";
    write_weights("w/" FILE_NAME, w.tensors, w.count);
    EXPECT_FAILS(read_weights("w", &m, &err), err,
                 "is another name of time_proj.weight, which the weights already hold");
}

TEST(model_weights_missing_wrong_and_unknown_tensors)
{
    Weights w;
    ModelConfig m;
    Err err = {0};
    begin(3);
    table_weights(&w);
    write_weights("w/unet/" FILE_NAME, w.tensors, w.count - 2);
    EXPECT_REFUSED(read_weights("w", &m, &err), err, ERR_FORMAT,
                   "2 of the network's 9 tensors are missing from the weights, the first "
                   "is \"down_blocks.0.downsamplers.0.conv.bias\"");
    write_weights("w/unet/" FILE_NAME, w.tensors, w.count - 1);
    EXPECT_REFUSED(read_weights("w", &m, &err), err, ERR_FORMAT,
                   "1 of the network's 9 tensors is missing from the weights: \"");
    static const int shapes[][4] = {{2, 1, 3, 2}, {1, 2, 3, 3}, {18, 1, 1, 1}};
    for (int i = 0; i < 3; i++) {
        table_weights(&w);
        memcpy(w.info[0].shape, shapes[i], sizeof shapes[i]);
        w.info[0].count = i == 0 ? 12 : 18;
        write_weights("w/unet/" FILE_NAME, w.tensors, w.count);
        EXPECT_FAILS(read_weights("w", &m, &err), err, "tensor \"conv_in.weight\" has shape [");
        EXPECT_CONTAINS(err.text, "but this network needs [2, 1, 3, 3]");
    }
    /* Trailing ones are for attention alone, and only ones. */
    table_weights(&w);
    w.info[1].rank = 2;
    w.info[1].shape[1] = 1;
    write_weights("w/unet/" FILE_NAME, w.tensors, w.count);
    EXPECT_FAILS(read_weights("w", &m, &err), err,
                 "\"conv_in.bias\" has shape [2, 1], but this network needs [2]");

    table_weights(&w);
    const ParamInfo three = {.rank = 1, .shape = {3}, .count = 3};
    float more[3] = {1, 2, 3};
    for (int i = 0; i < 2; i++) {
        w.tensors[w.count++] = (TensorOut){i ? "zz\"z" : "class_embedding.weight", &three, more};
        write_weights("w/unet/" FILE_NAME, w.tensors, w.count);
        expect_read("w", &m, 1);
        EXPECT_CONTAINS(m.warnings[0], i ? "2 tensors are not part of this network and are ignored"
                                         : "tensor \"class_embedding.weight\" is not part");
    }
}

TEST(model_weights_that_are_not_finite_are_a_warning)
{
    Weights w;
    ModelConfig m;
    Err err = {0};
    begin(3);
    table_weights(&w);
    block[params[0].offset + 3] = NAN;
    block[params[8].offset] = -INFINITY;
    write_weights("w/" FILE_NAME, w.tensors, w.count);
    EXPECT(read_weights("w", &m, &err));
    EXPECT_INT(m.warning_count, 1);
    EXPECT_TEXT(m.warnings[0], "2 values of the weights are not finite");
}

TEST(model_weights_in_shards)
{
    Weights w;
    ModelConfig m;
    Err err = {0};
    begin(4);
    table_weights(&w);
    write_weights("s/unet/part-1.safetensors", w.tensors, 4);
    write_weights("s/unet/part-2.safetensors", w.tensors + 4, w.count - 4);
    char map[4096];
    size_t used =
        (size_t)snprintf(map, sizeof map, "{\"metadata\":{\"total_size\":1},\"weight_map\":{");
    for (size_t i = 0; i < w.count; i++)
        used += (size_t)snprintf(map + used, sizeof map - used, "%s\"%s\":\"part-%d.safetensors\"",
                                 i ? "," : "", w.tensors[i].name, i < 4 ? 1 : 2);
    snprintf(map + used, sizeof map - used, "}}");
    put("s/unet/" FILE_NAME ".index.json", map);
    expect_read("s", &m, 0);

    static const char *const bad[][2] = {
        {"{\"weight_map\":{\"a\":\"../part-1.safetensors\"}}", "must be a plain file name"},
        {"{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "must be a plain file name"},
        {"{\"weight_map\":{\"a\":\"x/y\"}}", "must be a plain file name"},
        {"{\"weight_map\":{\"a\":\"..\"}}", "must be a plain file name"},
        {"{\"weight_map\":{\"a\":\"\"}}", "must be a plain file name"},
        {"{\"weight_map\":{\"a\":3}}", "must be a string, got 3"},
        {"{\"weight_map\":[]}", "has no object \"weight_map\""},
        {"{}", "has no object \"weight_map\""},
        {"[]", "has no object \"weight_map\""},
        {"{\"weight_map\":{}}", "9 of the network's 9 tensors are missing"},
        {"{\"weight_map\":{\"a\":\"part-1.safetensors\"}}",
         "5 of the network's 9 tensors are missing"},
        {"{\"weight_map\":{\"a\":\"part-3.safetensors\"}}", "part-3.safetensors: cannot open"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put("s/unet/" FILE_NAME ".index.json", bad[i][0]);
        EXPECT_FAILS(read_weights("s", &m, &err), err, bad[i][1]);
    }
}

/* As save_pretrained(variant="fp16", max_shard_size=...) writes them, and under the older name of the
 * index. Each variant is scaled, so that the values say which was read. */
TEST(model_weights_sharded_variant_is_found_and_float32_is_preferred)
{
    static const struct {
        const char *index, *shard;
        float scale;
    } sets[] = {
        {"v/unet/diffusion_pytorch_model.bf16.safetensors.index.json",
         "v/unet/diffusion_pytorch_model.bf16-0000%d-of-00002.safetensors", 2},
        {"v/unet/" FILE_NAME ".index.fp16.json",
         "v/unet/diffusion_pytorch_model.fp16-0000%d-of-00002.safetensors", 3},
        {"v/unet/" FILE_NAME ".index.fp32.json",
         "v/unet/diffusion_pytorch_model.fp32-0000%d-of-00002.safetensors", 4},
        {"v/unet/" FILE_NAME ".index.json",
         "v/unet/diffusion_pytorch_model-0000%d-of-00002.safetensors", 5},
    };
    Weights w;
    ModelConfig m;
    Err err = {0};
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        char map[4096], names[2][128];
        begin(4);
        for (size_t i = 0; i < BLOCK; i++) block[i] *= sets[s].scale;
        table_weights(&w);
        snprintf(names[0], sizeof names[0], sets[s].shard, 1);
        snprintf(names[1], sizeof names[1], sets[s].shard, 2);
        write_weights(names[0], w.tensors, 4);
        write_weights(names[1], w.tensors + 4, w.count - 4);
        size_t used = (size_t)snprintf(map, sizeof map, "{\"weight_map\":{");
        for (size_t i = 0; i < w.count; i++)
            used += (size_t)snprintf(map + used, sizeof map - used, "%s\"%s\":\"%s\"", i ? "," : "",
                                     w.tensors[i].name, names[i < 4 ? 0 : 1] + strlen("v/unet/"));
        snprintf(map + used, sizeof map - used, "}}");
        put(sets[s].index, map);
        EXPECT_OK(read_weights("v", &m, &err), err);
        EXPECT_SAME(back, block, sizeof block);
        if (s + 1 == sizeof sets / sizeof *sets) {
            EXPECT_INT(m.warning_count, 0);
        } else {
            EXPECT_INT(m.warning_count, 1);
            EXPECT_CONTAINS(m.warnings[0], strrchr(sets[s].index, '/') + 1);
        }
    }
}

TEST(model_weights_variants_are_read_and_pickles_refused)
{
    Weights w;
    ModelConfig m;
    Err err = {0};
    EXPECT(folder_make(in_folder("p"), &err));
    EXPECT_REFUSED(read_weights("p", &m, &err), err, ERR_IO,
                   "p: holds no diffusion_pytorch_model.safetensors");
    put("p/diffusion_pytorch_model.bin", "\x80\x02");
    EXPECT(!read_weights("p", &m, &err));
    EXPECT_INT(err.kind, ERR_FORMAT);
    EXPECT_CONTAINS(err.text, "a pickle can run code and is not opened; re-save it as safetensors");
    begin(5);
    table_weights(&w);
    write_weights("p/diffusion_pytorch_model.fp16.safetensors", w.tensors, w.count);
    expect_read("p", &m, 1);
    EXPECT_CONTAINS(m.warnings[0], "diffusion_pytorch_model.fp16.safetensors");
    put("p/" FILE_NAME, "garbage!");
    EXPECT_FAILS(read_weights("p", &m, &err), err, "is text, expected a safetensors file");
}
