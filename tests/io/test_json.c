#include "base/fsio.h"
#include "base/rng.h"
#include "io/json.h"
#include "test.h"

static Json *parse(const char *text, bool lenient, Err *err)
{
    return json_parse(text, strlen(text), "t", lenient, err);
}

TEST(json_accepts_what_the_standard_allows)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "1",
        "-1",
        "123456789",
        "1.5",
        "-0.25",
        "1e3",
        "1E3",
        "1e+3",
        "1E-3",
        "0e1",
        "0.0",
        "1.0e-10",
        "-1.7976931348623157e308",
        "5e-324",
        "123e-10000000",
        "-0.000000000000000000000000000000000000000000000000000000000000000000000000000001",
        "true",
        "false",
        "null",
        "\"\"",
        "\"a\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u0041\"",
        "\"\\u00e9\\uD83D\\uDE00\\udbff\\udfff\"",
        "\"\\u0001\\u001f\\uffff\"",
        "\"\xc3\xa9\"",
        "\"\xe2\x82\xac\"",
        "\"\xf0\x9f\x98\x80\"",
        "\"\xf4\x8f\xbf\xbf\"",
        "\"\xee\x80\x80\"",
        "\"\x7f\"",
        "\"\xef\xbb\xbf inside\"",
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "{\"a\":[]}",
        "[1]",
        "[1,2]",
        " [ 1 , 2 ] ",
        "\t\r\n[\t\r\n1\t\r\n]\t\r\n",
        "{\"a\":1}",
        "{\"\":1}",
        "{\"a\":1,\"b\":2}",
        "{\"a\":1,\"A\":2}",
        "{ \"a\" : { \"a\" : { \"a\" : null } } }",
        "[true,false,null]",
        "[\"\",\"\"]",
        "{\"a\\tb\":\"c\"}",
        "[0,-1,1e2,\"x\",{},[]]",
        "[-123]",
        "[1,null,null,null,2]",
        "{\"min\": -1.0e+28, \"max\": 1.0e+28}",
        "\"\\\\u0000\"",
        "[[[[[[[[[[1]]]]]]]]]]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        Err err = {0};
        Json *v = parse(texts[i], false, &err);
        if (!EXPECT(v != NULL)) printf("    %s: %s\n", texts[i], err.text);
        json_free(v);
    }
}

static const struct {
    const char *text, *part; /* part: what the message must say */
} rejected[] = {
    {"", "expected a value, found the end"},
    {" \n ", "line 2, column 2: expected a value"},
    {"[", "found the end"},
    {"[1", "expected , or ]"},
    {"[1,", "expected a value"},
    {"[1,]", "expected a value, found ']'"},
    {"[,1]", "found ','"},
    {"[1,,2]", "found ','"},
    {"[,]", "found ','"},
    {"[1 2]", "expected , or ], found '2'"},
    {"[1:2]", "expected , or ]"},
    {"]", "found ']'"},
    {"[1}", "expected , or ]"},
    {"[[1]", "expected , or ]"},
    {"[1]]", "nothing after the value"},
    {"[1] x", "column 5: expected nothing after the value, found 'x'"},
    {"[][]", "nothing after the value"},
    {"1 2", "nothing after the value"},
    {"{", "expected a key in quotes or }"},
    {"{\"a\"", "expected : after the key"},
    {"{\"a\":", "expected a value"},
    {"{\"a\":}", "expected a value, found '}'"},
    {"{\"a\" 1}", "expected : after the key"},
    {"{\"a\",1}", "expected : after the key"},
    {"{\"a\":1", "expected , or }"},
    {"{\"a\":1,", "expected a key in quotes"},
    {"{\"a\":1,}", "expected a key in quotes, found '}'"},
    {"{\"a\":1,,\"b\":2}", "expected a key in quotes"},
    {"{\"a\":1 \"b\":2}", "expected , or }"},
    {"{,\"a\":1}", "expected a key in quotes or }"},
    {"{a:1}", "expected a key in quotes or }, found 'a'"},
    {"{'a':1}", "found '''"},
    {"{1:1}", "expected a key"},
    {"{[]:1}", "expected a key"},
    {"{null:1}", "expected a key"},
    {"{\"a\":1]", "expected , or }"},
    {"{\"a\":1}}", "nothing after the value"},
    {"{\"a\":1}#", "nothing after the value"},
    {"{\"a\":/*c*/1}", "expected a value, found '/'"},
    {"// c\n1", "expected a value, found '/'"},
    {"tru", "unexpected word tru"},
    {"True", "unexpected word True"},
    {"TRUE", "unexpected word TRUE"},
    {"nul", "unexpected word nul"},
    {"nulll", "unexpected word nulll"},
    {"truefalse", "unexpected word truefalse"},
    {"true1", "nothing after the value"},
    {"undefined", "unexpected word"},
    {"[a]", "unexpected word a"},
    {"NaN", "NaN is not a JSON number"},
    {"[Infinity]", "Infinity is not a JSON number"},
    {"[-Infinity]", "-Infinity is not a JSON number"},
    {"nan", "unexpected word nan"},
    {"inf", "unexpected word inf"},
    {"-nan", "expected a digit, found 'n'"},
    {"-Inf", "unexpected word -Inf"},
    {"01", "must not begin with 0"},
    {"-01", "must not begin with 0"},
    {"00", "must not begin with 0"},
    {"[012]", "must not begin with 0"},
    {"+1", "expected a value, found '+'"},
    {"++1", "found '+'"},
    {"-", "expected a digit"},
    {"--1", "expected a digit, found '-'"},
    {"- 1", "expected a digit, found byte 0x20"},
    {".5", "found '.'"},
    {"-.5", "expected a digit, found '.'"},
    {"1.", "digit after the decimal point"},
    {"[1.]", "digit after the decimal point, found ']'"},
    {"1.e3", "digit after the decimal point, found 'e'"},
    {"1e", "digit in the exponent"},
    {"1e+", "digit in the exponent"},
    {"1e-", "digit in the exponent"},
    {"1eE2", "digit in the exponent"},
    {"1.5e", "digit in the exponent"},
    {"0e", "digit in the exponent"},
    {"1.2.3", "nothing after the value, found '.'"},
    {"1e3.5", "nothing after the value"},
    {"0x1F", "nothing after the value, found 'x'"},
    {"1_000", "nothing after the value"},
    {"1,5", "nothing after the value"},
    {"1a", "nothing after the value, found 'a'"},
    {"[1-2]", "expected , or ]"},
    {"1f", "nothing after the value"},
    {"\xef\xbc\x91", "expected a value"},
    {"1e400", "the number 1e400 is too large"},
    {"[-1e309]", "too large"},
    {"\"", "no closing quote"},
    {"\"abc", "no closing quote"},
    {"[\"a", "no closing quote"},
    {"\"\\\"", "no closing quote"},
    {"\"\\", "expected an escape"},
    {"\"\\a\"", "after a backslash, found 'a'"},
    {"\"\\x41\"", "after a backslash, found 'x'"},
    {"\"\\'\"", "after a backslash"},
    {"\"\\0\"", "after a backslash"},
    {"\"\\U0041\"", "after a backslash"},
    {"\"\\u\"", "four hexadecimal digits"},
    {"\"\\u0\"", "four hexadecimal digits"},
    {"\"\\u00\"", "four hexadecimal digits"},
    {"\"\\u004\"", "four hexadecimal digits"},
    {"\"\\u004", "four hexadecimal digits"},
    {"\"\\u00g1\"", "four hexadecimal digits"},
    {"\"\\u 041\"", "four hexadecimal digits"},
    {"\"\\u0000\"", "\\u0000 is not accepted"},
    {"{\"\\u0000\":1}", "\\u0000 is not accepted"},
    {"\"\\ud800\"", "half of a surrogate pair"},
    {"\"\\udc00\"", "half of a surrogate pair"},
    {"\"\\ud800x\"", "half of a surrogate pair"},
    {"\"\\ud800\\n\"", "half of a surrogate pair"},
    {"\"\\ud800\\u0041\"", "half of a surrogate pair"},
    {"\"\\ud800\\ud800\"", "half of a surrogate pair"},
    {"\"\\udc00\\ud800\"", "half of a surrogate pair"},
    {"\"\\ud800\\u\"", "half of a surrogate pair"},
    {"\"\\ud800\\udc0\"", "half of a surrogate pair"},
    {"\"\n\"", "control character 0x0a"},
    {"\"a\tb\"", "control character 0x09"},
    {"\"\x01\"", "control character 0x01"},
    {"\"\x1f\"", "control character 0x1f"},
    {"{\"a\nb\":1}", "control character 0x0a"},
    {"\"\x80\"", "byte 0x80 is not valid UTF-8"},
    {"\"\xff\"", "byte 0xff is not valid UTF-8"},
    {"\"\xc0\x80\"", "not valid UTF-8"},
    {"\"\xc1\xbf\"", "not valid UTF-8"},
    {"\"\xc3\"", "not valid UTF-8"},
    {"\"\xc3", "not valid UTF-8"},
    {"\"\xc3\x28\"", "not valid UTF-8"},
    {"\"\xe0\x80\xaf\"", "not valid UTF-8"},
    {"\"\xe0\x9f\xbf\"", "not valid UTF-8"},
    {"\"\xe2\x82\"", "not valid UTF-8"},
    {"\"\xed\xa0\x80\"", "not valid UTF-8"},
    {"\"\xed\xbf\xbf\"", "not valid UTF-8"},
    {"\"\xf0\x80\x80\x80\"", "not valid UTF-8"},
    {"\"\xf0\x8f\xbf\xbf\"", "not valid UTF-8"},
    {"\"\xf4\x90\x80\x80\"", "not valid UTF-8"},
    {"\"\xf5\x80\x80\x80\"", "not valid UTF-8"},
    {"\"\xf8\x88\x80\x80\x80\"", "not valid UTF-8"},
    {"\xef\xbb\xbf{}", "byte order mark"},
    {"\xef\xbb\xbf", "byte order mark"},
    {"\xff\xfe[\x01", "expected a value, found byte 0xff"},
    {"\xe2\x80\x8b[]", "expected a value"},
    {"[\f1]", "found byte 0x0c"},
    {"[1\v]", "found byte 0x0b"},
    {"\xc2\xa0[]", "expected a value"},
    {"[1]\f", "nothing after the value"},
    {"<a>", "found '<'"},
    {"'a'", "found '''"},
    {"*", "found '*'"},
    {"{\"a\":1,\"a\":2}", "duplicate key \"a\" in one object"},
    {"{\"a\":1,\"a\":1}", "duplicate key \"a\""},
    {"{\"a\":1,\"\\u0061\":2}", "duplicate key \"a\""},
    {"{\"x\":{\"b\":1,\"c\":2,\"b\":3}}", "duplicate key \"b\" in \"x\""},
    {"[[{\"q\":[{\"\":0,\"\":0}]}]]", "duplicate key \"\""},
    {"{\n\"a\": 1,\n\"b\" 2}", "t: line 3, column 5: expected :"},
};

TEST(json_refuses_everything_else_and_says_where)
{
    for (size_t i = 0; i < sizeof rejected / sizeof *rejected; i++) {
        Err err = {0};
        Json *v = parse(rejected[i].text, false, &err);
        if (!EXPECT(v == NULL)) printf("    %s\n", rejected[i].text);
        if (!v) EXPECT_CONTAINS(err.text, rejected[i].part);
        EXPECT_INT(err.kind, ERR_FORMAT);
        json_free(v);
    }
}

TEST(json_refuses_a_zero_byte_anywhere)
{
    static const char texts[][8] = {"[1]\0", "\0[1]", "[\0001]", "\"a\0b\"", "[1,\0]"};
    static const size_t sizes[] = {4, 4, 4, 5, 5};
    for (size_t i = 0; i < 5; i++) {
        Err err = {0};
        EXPECT_FAILS(json_parse(texts[i], sizes[i], "t", false, &err), err, "0x00");
    }
}

TEST(json_depth_64_is_read_and_65_is_refused)
{
    char text[400];
    for (int depth = 64; depth <= 65; depth++) {
        Err err = {0};
        for (int i = 0; i < depth; i++) text[i] = '[';
        for (int i = 0; i < depth; i++) text[depth + i] = ']';
        Json *v = json_parse(text, (size_t)(2 * depth), "t", false, &err);
        EXPECT((v != NULL) == (depth == 64));
        if (!v) EXPECT_CONTAINS(err.text, "nested deeper than 64 levels");
        json_free(v);
    }
    /* A hundred thousand brackets must not touch the stack. */
    char *many = malloc(100000);
    memset(many, '[', 100000);
    Err err = {0};
    EXPECT(!json_parse(many, 100000, "t", false, &err));
    free(many);
}

TEST(json_numbers_longer_than_any_double_are_refused)
{
    char text[700];
    memset(text, '1', sizeof text);
    text[1] = '.';
    Err err = {0};
    EXPECT_FAILS(json_parse(text, sizeof text, "t", false, &err), err,
                 "a number of 700 characters is too long");
    Json *v = json_parse(text, 300, "t", false, &err);
    if (EXPECT(v != NULL)) EXPECT_NEAR(json_number(v), 1.111111111111111, 1e-15);
    json_free(v);
}

TEST(json_reads_types_values_and_order)
{
    Err err = {0};
    Json *v =
        parse("{\"b\":[1,\"x\\n\\u00e9\\ud83d\\ude00\",null],\"a\":true,\"B\":{}}", false, &err);
    if (!EXPECT(v != NULL)) return;
    EXPECT_INT(json_type(v), JSON_OBJECT);
    EXPECT_INT((long long)json_count(v), 3);
    const Json *b = json_get(v, "b");
    EXPECT_TEXT(json_key(json_first(v)), "b");
    EXPECT_INT(json_type(b), JSON_ARRAY);
    EXPECT_TEXT(json_type_name(b), "an array");
    const Json *one = json_first(b), *two = json_next(one), *three = json_next(two);
    EXPECT_NEAR(json_number(one), 1, 0);
    EXPECT_TEXT(json_string(two), "x\n\xc3\xa9\xf0\x9f\x98\x80");
    EXPECT_INT(json_type(three), JSON_NULL);
    EXPECT(json_next(three) == NULL);
    EXPECT(json_bool(json_get(v, "a")));
    EXPECT_INT(json_type(json_get(v, "B")), JSON_OBJECT);
    EXPECT(json_get(v, "A") == NULL);
    EXPECT(json_get(one, "a") == NULL);
    json_free(v);
}

TEST(json_lenient_reads_special_numbers_in_their_places)
{
    Err err = {0};
    Json *v =
        parse("{\"a\":[1,NaN,2],\"lambda_min_clipped\": -Infinity,\"s\":\"NaN\",\"b\":Infinity,"
              "\"c\":-3}",
              true, &err);
    if (!EXPECT(v != NULL)) return;
    const Json *one = json_first(json_get(v, "a"));
    EXPECT_NEAR(json_number(one), 1, 0);
    EXPECT(isnan(json_number(json_next(one))));
    EXPECT_NEAR(json_number(json_next(json_next(one))), 2, 0);
    double low = json_number(json_get(v, "lambda_min_clipped"));
    EXPECT(isinf(low) && low < 0);
    double high = json_number(json_get(v, "b"));
    EXPECT(isinf(high) && high > 0);
    EXPECT_TEXT(json_string(json_get(v, "s")), "NaN");
    EXPECT_NEAR(json_number(json_get(v, "c")), -3, 0);
    json_free(v);
    EXPECT(!parse("[1e400]", true, &err));
    EXPECT(!parse("[-NaN]", true, &err));
    EXPECT(!parse("[NaN NaN]", true, &err));
}

TEST(json_a_hundred_thousand_keys_are_checked_in_a_moment)
{
    enum { KEYS = 100000 };
    char *text = malloc((size_t)KEYS * 16 + 64);
    size_t used = 0;
    text[used++] = '{';
    for (int i = 0; i < KEYS; i++) used += (size_t)sprintf(text + used, "\"k%d\":0,", i);
    used += (size_t)sprintf(text + used, "\"k50000\":1}");
    Err err = {0};
    EXPECT_FAILS(json_parse(text, used, "t", false, &err), err, "duplicate key \"k50000\"");
    free(text);
}

TEST(json_load_names_the_file_and_keeps_the_limit)
{
    char path[PATH_BYTES];
    Err err = {0};
    path_join(path, test_folder(), "a.json", &err);
    EXPECT(file_write(path, "{\"a\":\n tru}", 11, &err));
    EXPECT_FAILS(json_load(path, 100, false, &err), err, "a.json: line 2, column 2");
    EXPECT_FAILS(json_load(path, 5, false, &err), err, "limit");
    EXPECT(!json_load(test_folder(), 100, false, &err));
    EXPECT_INT(err.kind, ERR_IO);
}
