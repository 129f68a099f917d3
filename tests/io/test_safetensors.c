#include "base/fsio.h"
#include "base/mem.h"
#include "io/safetensors.h"
#include "test.h"

/* A file with this header and this many bytes of data. */
static FileBytes make_file(const char *header, size_t header_size, size_t data)
{
    FileBytes file = {mem_alloc(8 + header_size + data + 1, 1), 8 + header_size + data};
    for (int i = 0; i < 8; i++) file.bytes[i] = (unsigned char)((uint64_t)header_size >> 8 * i);
    memcpy(file.bytes + 8, header, header_size);
    for (size_t i = 0; i < data; i++) file.bytes[8 + header_size + i] = (unsigned char)(i * 37);
    return file;
}

static bool open_text(Safetensors *st, const char *header, size_t data, Err *err)
{
    return safetensors_parse(st, make_file(header, strlen(header), data), "m.safetensors", err);
}

TEST(safetensors_accepts_what_the_reference_accepts)
{
    static const struct {
        const char *header;
        size_t data, count;
    } cases[] = {
        {"{}", 0, 0},
        {"{}   ", 0, 0},
        {"{} \t\r\n", 0, 0},
        {"  {}", 0, 0},
        {"{\"__metadata__\":{}}", 0, 0},
        {"{\"__metadata__\":null}", 0, 0},
        {"{\"test\":{\"dtype\":\"I32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}", 16, 1},
        {"{\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, 1},
        {"{\"e\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, 1},
        {"{\"e\":{\"dtype\":\"F32\",\"shape\":[5,0,7],\"data_offsets\":[0,0]}}", 0, 1},
        {"{\"x\":{\"data_offsets\":[0,4],\"shape\":[2],\"dtype\":\"F16\"}}", 4, 1},
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3],\"extra\":{\"a\":[1]}}}", 3,
         1},
        {"{\"\\u0078\":{\"\\u0064type\":\"\\u00468\\u005fE5M2\",\"shape\":[1],\"data_offsets\":[0,"
         "1]}}",
         1, 1},
        {"{\"x\":{\"dtype\":\"F4\",\"shape\":[3,2],\"data_offsets\":[0,3]}}", 3, 1},
        {"{\"x\":{\"dtype\":\"F6_E2M3\",\"shape\":[4],\"data_offsets\":[0,3]}}", 3, 1},
        {"{\"x\":{\"dtype\":\"F8_E4M3FNUZ\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, 1},
        {"{\"x\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8, 1},
        /* out of order, and an empty one at the begin of its neighbour */
        {"{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[4,6]},"
         "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
         "\"z\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[4,4]}}",
         6, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Safetensors st;
        Err err = {0};
        if (!EXPECT_OK(open_text(&st, cases[i].header, cases[i].data, &err), err)) continue;
        EXPECT_INT((long long)st.count, (long long)cases[i].count);
        safetensors_close(&st);
    }
}

#define ENTRY(dtype, shape, offsets)                                                               \
    "{\"x\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static const struct {
    const char *header;
    size_t data;
    const char *part;
} broken[] = {
    /* 5: one JSON object */
    {"", 0, "header: line 1, column 1: expected a value"},
    {"[]", 0, "the header must be a JSON object"},
    {"3", 0, "the header must be a JSON object"},
    {"{", 0, "expected a key in quotes"},
    {"{} x", 0, "nothing after the value"},
    {"{}{}", 0, "nothing after the value"},
    {"{\"a\":1,}", 0, "expected a key in quotes"},
    {"\xef\xbb\xbf{}", 0, "byte order mark"},
    {"{}\f", 0, "nothing after the value, found byte 0x0c"},
    /* 4: UTF-8 */
    {"{\"a\xff\":1}", 0, "byte 0xff is not valid UTF-8"},
    {"{\"a\xc0\x80\":1}", 0, "not valid UTF-8"},
    {"{\"a\xed\xa0\x80\":1}", 0, "not valid UTF-8"},
    {"{\"\\ud800\":1}", 0, "half of a surrogate pair"},
    {"{\"\\u0000\":1}", 0, "\\u0000 is not accepted"},
    {"{\"a\nb\":1}", 0, "control character 0x0a"},
    /* 6: entries */
    {"{\"x\":3}", 0, "tensor \"x\": its entry must be an object"},
    {"{\"x\":null}", 0, "its entry must be an object"},
    {"{\"x\":[]}", 0, "its entry must be an object"},
    {"{\"x\":{}}", 0, "tensor \"x\": dtype is missing"},
    {"{\"x\":{\"dtype\":\"F32\"}}", 0, "shape is missing"},
    {"{\"x\":{\"dtype\":\"F32\",\"shape\":[1]}}", 0, "data_offsets is missing"},
    {"{\"x\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype is missing"},
    {ENTRY("1", "[1]", "[0,4]"), 4, "dtype must be a string"},
    {ENTRY("null", "[1]", "[0,4]"), 4, "dtype must be a string"},
    {ENTRY("\"F31\"", "[1]", "[0,4]"), 4, "unknown dtype \"F31\""},
    {ENTRY("\"f32\"", "[1]", "[0,4]"), 4, "unknown dtype \"f32\""},
    {ENTRY("\"\"", "[1]", "[0,4]"), 4, "unknown dtype \"\""},
    {ENTRY("\"F8_E4M3FNUZ_AND_MORE\"", "[1]", "[0,4]"), 4, "unknown dtype"},
    {ENTRY("\"F32\"", "1", "[0,4]"), 4, "shape must be an array"},
    {ENTRY("\"F32\"", "[-1]", "[0,4]"), 4, "shape must hold integers from 0 to 2^63 - 1, found -1"},
    {ENTRY("\"F32\"", "[1.0]", "[0,4]"), 4, "found 1.0"},
    {ENTRY("\"F32\"", "[1e0]", "[0,4]"), 4, "found 1e0"},
    {ENTRY("\"F32\"", "[-0]", "[0,4]"), 4, "found -0"},
    {ENTRY("\"F32\"", "[\"1\"]", "[0,4]"), 4, "shape must hold integers from 0 to 2^63 - 1"},
    {ENTRY("\"F32\"", "[[1]]", "[0,4]"), 4, "shape must hold integers from 0 to 2^63 - 1"},
    {ENTRY("\"F32\"", "[null]", "[0,4]"), 4, "shape must hold integers from 0 to 2^63 - 1"},
    {ENTRY("\"F32\"", "[18446744073709551616]", "[0,4]"), 4,
     "integers from 0 to 2^63 - 1, found 18446744073709551616"},
    {ENTRY("\"F32\"", "[9223372036854775808]", "[0,4]"), 4,
     "integers from 0 to 2^63 - 1, found 9223372036854775808"},
    {ENTRY("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, "shape has more than 8 numbers"},
    {ENTRY("\"F32\"", "[1]", "4"), 4, "data_offsets must be an array"},
    {ENTRY("\"F32\"", "[1]", "[4]"), 4, "data_offsets must be two numbers"},
    {ENTRY("\"F32\"", "[1]", "[]"), 4, "data_offsets must be two numbers"},
    {ENTRY("\"F32\"", "[1]", "[0,4,4]"), 4, "data_offsets has more than 2 numbers"},
    {ENTRY("\"F32\"", "[1]", "[0,4.0]"), 4, "found 4.0"},
    {ENTRY("\"F32\"", "[1]", "[-4,0]"), 4, "found -4"},
    {ENTRY("\"F32\"", "[1]", "[0,\"4\"]"), 4, "data_offsets must hold"},
    {ENTRY("\"F32\"", "[1]", "[4,0]"), 4, "the end is before the begin"},
    {ENTRY("\"F32\"", "[1]", "[0,8]"), 4, "data_offsets end at byte 8, but the file holds 4"},
    {ENTRY("\"F32\"", "[1]", "[0,9223372036854775807]"), 4, "but the file holds 4 bytes"},
    {ENTRY("\"F32\"", "[1]", "[9223372036854775804,9223372036854775807]"), 4, "but the file holds"},
    {ENTRY("\"F32\"", "[1]", "[0,18446744073709551615]"), 4, "found 18446744073709551615"},
    {"{\"x\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
     "duplicate dtype"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
     "duplicate shape"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"\\u0064ata_offsets\":[0,1]}}",
     1, "duplicate data_offsets"},
    /* 7, 8, 9: sizes */
    {ENTRY("\"F32\"", "[4294967296,4294967296]", "[0,4]"), 4, "the number of elements overflows"},
    {ENTRY("\"U8\"", "[3,9223372036854775807]", "[0,4]"), 4, "the number of elements overflows"},
    {ENTRY("\"F32\"", "[4194305,4194305,211106198978564]", "[0,16]"), 16,
     "the number of elements overflows"},
    {ENTRY("\"F64\"", "[2305843009213693952]", "[0,8]"), 8, "the number of elements overflows"},
    {ENTRY("\"F4\"", "[3]", "[0,1]"), 1, "3 elements of F4 do not fill whole bytes"},
    {ENTRY("\"F6_E3M2\"", "[2]", "[0,1]"), 1, "do not fill whole bytes"},
    {ENTRY("\"F32\"", "[2]", "[0,4]"), 4,
     "2 elements of F32 take 8 bytes, but data_offsets give 4"},
    {ENTRY("\"F32\"", "[1]", "[0,8]"), 8,
     "1 elements of F32 take 4 bytes, but data_offsets give 8"},
    {ENTRY("\"F32\"", "[]", "[0,0]"), 0, "1 elements of F32 take 4 bytes"},
    {ENTRY("\"F32\"", "[0]", "[0,4]"), 4, "0 elements of F32 take 0 bytes"},
    /* 10, 11: the whole */
    {ENTRY("\"U8\"", "[1]", "[1,2]"), 2, "leaves a hole after"},
    {ENTRY("\"U8\"", "[1]", "[0,1]"), 2,
     "the tensors end at byte 1 of the data, but the file holds 2"},
    {"{}", 1, "the tensors end at byte 0 of the data, but the file holds 1"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
     "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
     3, "tensor \"b\": its data begin at byte 1, inside"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
     "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
     2, "tensor \"b\": its data begin at byte 0, inside"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
     "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[3,4]}}",
     4, "tensor \"b\": its data begin at byte 3, which leaves a hole"},
    /* stricter than the reference */
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
     "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
     2, "tensor \"a\": two tensors have this name"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
     "\"\\u0061\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
     1, "tensor \"a\": two tensors have this name"},
    {"{\"\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
     "a name must have 1 to 1024 bytes"},
    {"{\"a\\nb\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
     "tensor \"a\\x0ab\": a name must not hold control"},
    {"{\"a\\u007f\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
     "a name must not hold control"},
    {"{\"__metadata__\":{\"a\":1}}", 0, "the values in __metadata__ must be strings"},
    {"{\"__metadata__\":{\"a\":null}}", 0, "the values in __metadata__ must be strings"},
    {"{\"__metadata__\":{\"a\":{\"b\":\"c\"}}}", 0, "the values in __metadata__ must be strings"},
    {"{\"__metadata__\":[]}", 0, "__metadata__ must be an object"},
    {"{\"__metadata__\":[{\"a\":1},{\"b\":2}]}", 0, "__metadata__ must be an object"},
    {"{\"__metadata__\":\"x\"}", 0, "__metadata__ must be an object"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "duplicate __metadata__"},
    {"{\"__metadata__\":{\"a\":\"1\",\"b\":\"\",\"\\u0061\":\"2\"}}", 0,
     "duplicate key \"a\" in __metadata__"},
    {"{\"x\":{\"y\":{\"z\":{\"w\":{}}}}}", 0, "nested deeper than 4 levels"},
    {"{\"x\":{\"y\":[[[[1]]]]}}", 0, "nested deeper than 4 levels"},
};

TEST(safetensors_refuses_each_broken_rule_by_name)
{
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        Safetensors st;
        Err err = {0};
        if (!EXPECT(!open_text(&st, broken[i].header, broken[i].data, &err))) {
            printf("    %s\n", broken[i].header);
            safetensors_close(&st);
            continue;
        }
        EXPECT_INT(err.kind, ERR_FORMAT);
        EXPECT_CONTAINS(err.text, "m.safetensors: ");
        EXPECT_CONTAINS(err.text, broken[i].part);
    }
}

TEST(safetensors_refuses_header_lengths_that_lie)
{
    static const struct {
        uint64_t length;
        const char *part;
    } cases[] = {{100000001, "more than 100000000"},
                 {UINT64_MAX, "more than 100000000"},
                 {UINT64_MAX - 7, "more than 100000000"},
                 {100000000, "but only 2 follow"},
                 {3, "but only 2 follow"},
                 {0, "expected a value"},
                 {1, "expected a key"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FileBytes file = make_file("{}", 2, 0);
        for (int k = 0; k < 8; k++) file.bytes[k] = (unsigned char)(cases[i].length >> 8 * k);
        Safetensors st;
        Err err = {0};
        EXPECT_FAILS(safetensors_parse(&st, file, "m.safetensors", &err), err, cases[i].part);
    }
    for (size_t size = 0; size < 8; size++) {
        FileBytes file = {mem_alloc(9, 1), size};
        Safetensors st;
        Err err = {0};
        EXPECT_FAILS(safetensors_parse(&st, file, "m.safetensors", &err), err,
                     size ? "is not a safetensors file" : "is empty, expected");
    }
    /* Zero bytes as padding: a real writer's bug. */
    Safetensors st;
    Err err = {0};
    EXPECT(!safetensors_parse(&st, make_file("{}\0\0\0\0\0", 8, 0), "m", &err));
    EXPECT_CONTAINS(err.text, "nothing after the value, found byte 0x00");
}

TEST(safetensors_names_of_1024_bytes_are_read_and_longer_ones_refused)
{
    for (size_t length = 1024; length <= 1025; length++) {
        char header[1200];
        char name[1026];
        memset(name, 'n', length);
        name[length] = '\0';
        snprintf(header, sizeof header,
                 "{\"%s\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", name);
        Safetensors st;
        Err err = {0};
        bool ok = open_text(&st, header, 1, &err);
        EXPECT(ok == (length == 1024));
        if (ok) {
            EXPECT(safetensors_find(&st, name) == &st.tensors[0]);
            safetensors_close(&st);
        } else {
            EXPECT_CONTAINS(err.text, "1 to 1024 bytes");
        }
    }
}

/* n empty tensors, so that only the header grows. */
static FileBytes many_tensors(int n)
{
    char *header = malloc((size_t)n * 80 + 16);
    size_t used = (size_t)sprintf(header, "{");
    for (int i = 0; i < n; i++)
        used += (size_t)sprintf(
            header + used, "%s\"t%d\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}",
            i ? "," : "", (int)(i * 7919u % (unsigned)n));
    used += (size_t)sprintf(header + used, "}");
    FileBytes file = make_file(header, used, 0);
    free(header);
    return file;
}

TEST(safetensors_100000_tensors_take_a_moment_and_more_are_refused)
{
    Safetensors st;
    Err err = {0};
    if (EXPECT(safetensors_parse(&st, many_tensors(100000), "m", &err))) {
        EXPECT_INT((long long)st.count, 100000);
        EXPECT(safetensors_find(&st, "t0") != NULL && safetensors_find(&st, "t99999") != NULL);
        EXPECT(safetensors_find(&st, "t100000") == NULL);
        safetensors_close(&st);
    }
    EXPECT_FAILS(safetensors_parse(&st, many_tensors(100001), "m", &err), err,
                 "more than 100000 tensors");
}

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
