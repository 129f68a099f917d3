/* JSON as it is written. */
#include "base/rng.h"
#include "io/json.h"
#include "test.h"

static Json *parse(const char *text, bool lenient, Err *err)
{
    return json_parse(text, strlen(text), "t", lenient, err);
}

TEST(json_writer_layouts)
{
    JsonWriter w;
    for (int indent = 0; indent <= 2; indent += 2) {
        json_write_init(&w, indent);
        json_begin_object(&w, NULL);
        json_put_string(&w, "s", "a\"\\/\n\t\b\f\r\x01\x1f\x7f\xc3\xa9");
        json_begin_array(&w, "a");
        json_put_int(&w, NULL, INT64_MIN);
        json_put_uint(&w, NULL, UINT64_MAX);
        json_end_array(&w);
        json_begin_row(&w, "r");
        json_put_bool(&w, NULL, true);
        json_put_null(&w, NULL);
        json_end_array(&w);
        json_begin_object(&w, "e");
        json_end_object(&w);
        json_begin_array(&w, "n");
        json_end_array(&w);
        json_end_object(&w);
        EXPECT_TEXT(json_text(&w),
                    indent == 0
                        ? "{\"s\":\"a\\\"\\\\/\\n\\t\\b\\f\\r\\u0001\\u001f\x7f\xc3\xa9\",\"a\":["
                          "-9223372036854775808,18446744073709551615],\"r\":[true,null],\"e\":{},"
                          "\"n\":[]}"
                        : "{\n  \"s\": \"a\\\"\\\\/\\n\\t\\b\\f\\r\\u0001\\u001f\x7f\xc3\xa9\",\n"
                          "  \"a\": [\n    -9223372036854775808,\n    18446744073709551615\n  ],\n"
                          "  \"r\": [true, null],\n  \"e\": {},\n  \"n\": []\n}");
        Err err = {0};
        Json *v = parse(json_text(&w), false, &err);
        EXPECT(v != NULL);
        json_free(v);
        json_write_free(&w);
    }
}

TEST(json_writer_numbers_look_as_expected)
{
    static const struct {
        double value;
        const char *number, *floating;
    } cases[] = {{1, "1", "1.0"},
                 {-0.0, "-0", "-0.0"},
                 {0.02, "0.02", "0.02"},
                 {1e-4, "0.0001", "0.0001"},
                 {1e-6, "1e-06", "1e-06"},
                 {0.1 + 0.2, "0.30000000000000004", "0.30000000000000004"},
                 {9007199254740991.0, "9007199254740991", "9007199254740991.0"},
                 {1e300, "1e+300", "1e+300"},
                 {(double)INFINITY, "null", "null"},
                 {(double)NAN, "null", "null"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        JsonWriter w;
        json_write_init(&w, 0);
        json_put_number(&w, NULL, cases[i].value);
        EXPECT_TEXT(json_text(&w), cases[i].number);
        json_write_free(&w);
        json_put_float(&w, NULL, cases[i].value);
        EXPECT_TEXT(json_text(&w), cases[i].floating);
        json_write_free(&w);
    }
}

TEST(json_any_double_reads_back_to_the_same_bits)
{
    JsonWriter w;
    json_write_init(&w, 0);
    json_begin_array(&w, NULL);
    enum { N = 10000 };
    double *values = malloc(N * sizeof *values);
    for (int i = 0; i < N; i++) {
        uint32_t r[4];
        do {
            rng_block(7, rng_stream(RNG_TEST, 3), (uint64_t)i, r);
            uint64_t bits = (uint64_t)r[0] << 32 | r[1];
            /* Half of them any bits at all, half in the range people write. */
            if (i % 2)
                values[i] = ((double)r[0] / 4294967296.0 - 0.5) * exp2((double)(r[2] % 80) - 40);
            else
                memcpy(&values[i], &bits, 8);
            if (!isfinite(values[i])) values[i] = (double)r[3];
        } while (!isfinite(values[i]));
        json_put_number(&w, NULL, values[i]);
    }
    json_end_array(&w);
    Err err = {0};
    Json *v = parse(json_text(&w), false, &err);
    if (!EXPECT(v != NULL)) return;
    int i = 0, wrong = 0;
    for (const Json *item = json_first(v); item; item = json_next(item), i++) {
        double back = json_number(item);
        if (memcmp(&back, &values[i], 8) != 0) wrong++;
    }
    EXPECT_INT(i, N);
    EXPECT_INT(wrong, 0);
    json_free(v);
    json_write_free(&w);
    free(values);
}

TEST(json_writer_replaces_bytes_that_are_not_utf8)
{
    JsonWriter w;
    json_write_init(&w, 0);
    json_put_string(&w, NULL, "a\xff\xc3(\xed\xa0\x80");
    EXPECT_TEXT(json_text(&w),
                "\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    json_write_free(&w);
}

TEST(json_writer_refuses_misuse)
{
    for (int way = 0; way < 8; way++) {
        JsonWriter w;
        json_write_init(&w, way % 2 ? 2 : 0);
        switch (way) {
        case 0:
            break; /* nothing written */
        case 1:
            json_begin_object(&w, NULL);
            break;
        case 2:
            json_end_object(&w);
            break;
        case 3:
            json_begin_object(&w, NULL);
            json_end_array(&w);
            break;
        case 4:
            json_put_int(&w, NULL, 1);
            json_put_int(&w, NULL, 2);
            break;
        case 5:
            json_begin_object(&w, NULL);
            json_put_int(&w, NULL, 1);
            json_end_object(&w);
            break;
        case 6:
            json_begin_array(&w, NULL);
            json_put_int(&w, "k", 1);
            json_end_array(&w);
            break;
        default:
            for (int i = 0; i < 17; i++) json_begin_array(&w, NULL);
            for (int i = 0; i < 17; i++) json_end_array(&w);
        }
        EXPECT(json_text(&w) == NULL);
        json_write_free(&w);
    }
}
