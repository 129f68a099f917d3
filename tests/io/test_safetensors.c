#include "safetensors_case.h"

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
