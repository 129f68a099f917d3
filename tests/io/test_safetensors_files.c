/* Files of safetensors as a whole: those of the reference package, types, and damage. */
#include "safetensors_case.h"

static float golden_value(int i, int seed)
{
    return (float)((i * 37 + seed * 11) % 256 - 128) / 64.0f;
}

enum { GOLDEN_TENSORS = 9, GOLDEN_MOST = 54 };
static const struct {
    const char *name;
    ParamInfo info;
} golden[GOLDEN_TENSORS] = {
    {"conv_in.weight", {.rank = 4, .shape = {2, 3, 3, 3}, .count = 54}},
    {"conv_in.bias", {.rank = 1, .shape = {2}, .count = 2}},
    {"a", {.rank = 0, .count = 1}},
    {"Z", {.rank = 2, .shape = {2, 2}, .count = 4}},
    {"empty", {.rank = 2, .shape = {3, 0}, .count = 0}},
    {"down_blocks.10.x", {.rank = 1, .shape = {5}, .count = 5}},
    {"down_blocks.2.x", {.rank = 1, .shape = {7}, .count = 7}},
    {"quote\"back\\slash", {.rank = 1, .shape = {3}, .count = 3}},
    {"umlaut\xc3\xa4", {.rank = 1, .shape = {2}, .count = 2}},
};

static const char *const pt[] = {"format", "pt"};

TEST(safetensors_writes_the_same_bytes_as_the_reference_package)
{
    char path[PATH_BYTES];
    Err err = {0};
    FileBytes expected, mine;
    TensorOut tensors[GOLDEN_TENSORS];
    float values[GOLDEN_TENSORS][GOLDEN_MOST];
    for (int t = 0; t < GOLDEN_TENSORS; t++) {
        tensors[t] = (TensorOut){golden[t].name, &golden[t].info, values[t]};
        for (int i = 0; i < (int)golden[t].info.count; i++) values[t][i] = golden_value(i, t);
    }
    path_join(path, test_folder(), "x.safetensors", &err);
    EXPECT(safetensors_write(path, tensors, GOLDEN_TENSORS, pt, 1, &err));
    if (!EXPECT(file_read("tests/golden/safetensors.bin", 1 << 20, &expected, &err))) return;
    EXPECT(file_read(path, 1 << 20, &mine, &err));
    EXPECT_INT((long long)mine.size, (long long)expected.size);
    if (mine.size == expected.size) EXPECT_SAME(mine.bytes, expected.bytes, mine.size);
    file_free(&mine);
    file_free(&expected);
}

TEST(safetensors_reads_the_reference_packages_file)
{
    Safetensors st;
    Err err = {0};
    if (!EXPECT(safetensors_open(&st, "tests/golden/safetensors.bin", 1 << 20, &err))) return;
    EXPECT_INT((long long)st.count, GOLDEN_TENSORS);
    EXPECT_TEXT(safetensors_metadata(&st, "format"), "pt");
    EXPECT(safetensors_metadata(&st, "Format") == NULL);
    for (size_t i = 0; i < GOLDEN_TENSORS; i++) {
        const TensorInfo *t = safetensors_find(&st, golden[i].name);
        if (!EXPECT(t != NULL)) continue;
        char there[SHAPE_TEXT_BYTES], wanted[SHAPE_TEXT_BYTES];
        tensor_shape_text(there, t);
        param_shape_text(wanted, &golden[i].info);
        EXPECT_TEXT(there, wanted);
        float *values = test_floats(t->count);
        EXPECT(safetensors_read_floats(&st, t, "m", values, &err));
        for (size_t k = 0; k < t->count; k++)
            EXPECT_NEAR((double)values[k], (double)golden_value((int)k, (int)i), 0);
    }
    EXPECT(safetensors_find(&st, "conv_in.weigh") == NULL);
    EXPECT(safetensors_find(&st, "") == NULL);
    safetensors_close(&st);
}

TEST(safetensors_files_of_no_tensors_and_no_metadata)
{
    char path[PATH_BYTES];
    Err err = {0};
    FileBytes file;
    path_join(path, test_folder(), "x.safetensors", &err);
    EXPECT(safetensors_write(path, NULL, 0, NULL, 0, &err));
    EXPECT(file_read(path, 100, &file, &err));
    EXPECT_INT((long long)file.size, 16);
    EXPECT_SAME(file.bytes, "\x08\0\0\0\0\0\0\0{}      ", 16);
    file_free(&file);
}

TEST(safetensors_a_file_that_cannot_be_written_is_an_error)
{
    Err err = {0};
    EXPECT(!safetensors_write(test_folder(), NULL, 0, NULL, 0, &err));
    EXPECT_INT(err.kind, ERR_IO);
    EXPECT_FAILS(safetensors_write("/no/such/folder/x.safetensors", NULL, 0, NULL, 0, &err), err,
                 "/no/such/folder/x.safetensors");
}

/* Half, bfloat and double become the float that holds their value. */
TEST(safetensors_converts_types)
{
    static const struct {
        const char *dtype;
        size_t bytes;
        unsigned char data[8];
        float value;
    } cases[] = {
        {"F16", 2, {0x00, 0x3C}, 1.0f},
        {"F16", 2, {0x00, 0xC0}, -2.0f},
        {"F16", 2, {0xFF, 0x7B}, 65504.0f},
        {"F16", 2, {0x01, 0x00}, 0x1p-24f},
        {"F16", 2, {0xFF, 0x83}, -1023 * 0x1p-24f},
        {"F16", 2, {0x00, 0x04}, 0x1p-14f},
        {"F16", 2, {0x00, 0x7C}, INFINITY},
        {"F16", 2, {0x00, 0xFC}, -INFINITY},
        {"F16", 2, {0x55, 0x35}, 0.333251953125f},
        {"BF16", 2, {0x80, 0x3F}, 1.0f},
        {"BF16", 2, {0x49, 0xC0}, -3.140625f},
        {"BF16", 2, {0x01, 0x00}, 0x1p-133f},
        {"F64", 8, {0, 0, 0, 0, 0, 0, 0xF8, 0x3F}, 1.5f},
        {"F64", 8, {0x9A, 0x99, 0x99, 0x99, 0x99, 0x99, 0xB9, 0x3F}, 0.1f},
        {"F32", 4, {0xCD, 0xCC, 0xCC, 0x3D}, 0.1f},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[200];
        /* An odd header length, so that the data are not aligned. */
        snprintf(header, sizeof header,
                 "{\"x\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[0,%zu]}}",
                 cases[i].dtype, cases[i].bytes);
        size_t length = strlen(header) | 1;
        while (strlen(header) < length) strcat(header, " ");
        FileBytes file = make_file(header, length, cases[i].bytes);
        memcpy(file.bytes + 8 + length, cases[i].data, cases[i].bytes);
        Safetensors st;
        Err err = {0};
        float value = 77;
        if (!EXPECT(safetensors_parse(&st, file, "m", &err))) continue;
        EXPECT(safetensors_read_floats(&st, &st.tensors[0], "m", &value, &err));
        EXPECT_SAME(&value, &cases[i].value, sizeof value);
        safetensors_close(&st);
    }
    FileBytes file =
        make_file("{\"x\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]}}", 54, 2);
    memcpy(file.bytes + 62, "\x01\x7E", 2);
    Safetensors st;
    Err err = {0};
    float value = 0;
    EXPECT(safetensors_parse(&st, file, "m", &err));
    EXPECT(safetensors_read_floats(&st, &st.tensors[0], "m", &value, &err) && isnan(value));
    safetensors_close(&st);
}

TEST(safetensors_types_that_are_no_weights_are_refused_by_name)
{
    Safetensors st;
    Err err = {0};
    float value[4];
    EXPECT(open_text(&st, ENTRY("\"I32\"", "[1]", "[0,4]"), 4, &err));
    EXPECT(!safetensors_read_floats(&st, &st.tensors[0], "m.safetensors", value, &err));
    EXPECT_TEXT(err.text,
                "m.safetensors: tensor \"x\" has type I32; weights must be F32, F16, BF16 or F64");
    safetensors_close(&st);
}

static FileBytes golden_copy(void)
{
    FileBytes file = {0};
    Err err = {0};
    EXPECT(file_read("tests/golden/safetensors.bin", 1 << 20, &file, &err));
    return file;
}

TEST(safetensors_a_file_cut_anywhere_is_refused)
{
    FileBytes whole = golden_copy();
    for (size_t size = 0; size < whole.size; size++) {
        /* Its own allocation, so that a read beyond the end is seen. */
        FileBytes cut = {mem_alloc(size + 1, 1), size};
        memcpy(cut.bytes, whole.bytes, size);
        Safetensors st;
        Err err = {0};
        if (!EXPECT(!safetensors_parse(&st, cut, "m", &err))) safetensors_close(&st);
    }
    file_free(&whole);
}

TEST(safetensors_any_flipped_bit_of_the_header_is_survived)
{
    FileBytes whole = golden_copy();
    size_t header = 8 + (size_t)whole.bytes[0] + 256 * (size_t)whole.bytes[1];
    int refused = 0, accepted = 0;
    for (size_t bit = 0; bit < 8 * header; bit++) {
        FileBytes copy = {mem_alloc(whole.size + 1, 1), whole.size};
        memcpy(copy.bytes, whole.bytes, whole.size);
        copy.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        Safetensors st;
        Err err = {0};
        if (!safetensors_parse(&st, copy, "m", &err)) {
            EXPECT(err.text[0] != '\0');
            refused++;
            continue;
        }
        accepted++; /* a letter of a name or of the metadata: still a file, of other names */
        float *values = test_floats(64);
        for (size_t i = 0; i < st.count; i++)
            if (strcmp(st.tensors[i].dtype, "F32") == 0)
                EXPECT(safetensors_read_floats(&st, &st.tensors[i], "m", values, &err));
        safetensors_close(&st);
    }
    EXPECT(refused > 2 * accepted);
    file_free(&whole);
}
