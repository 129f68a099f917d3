#include "cli/html_text.h"
#include "cli/report_axis.h"
#include "cli/report_chart.h"
#include "cli/report_curve.h"
#include "test.h"

/* ---- text ---- */

TEST(words_of_files_are_no_markup)
{
    TextBuffer h = {0};
    html_words(&h, "<script>alert('\"&\x01\xff')</script>é");
    EXPECT_TEXT(
        h.text,
        "&lt;script&gt;alert(&#39;&quot;&amp;\xEF\xBF\xBD\xEF\xBF\xBD&#39;)&lt;/script&gt;é");
    text_buffer_free(&h);
}

/* RFC 4648, section 10. */
TEST(base64_of_the_test_vectors)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        TextBuffer h = {0};
        html_base64(&h, (const unsigned char *)pairs[i][0], strlen(pairs[i][0]));
        html_markup(&h, ".");
        EXPECT_INT((long long)h.size, (long long)strlen(pairs[i][1]) + 1);
        EXPECT(strncmp(h.text, pairs[i][1], strlen(pairs[i][1])) == 0);
        text_buffer_free(&h);
    }
}

/* ---- axes ---- */

/* "0 20 40 " */
static const char *ticks_of(Axis a, int wanted)
{
    static char text[512];
    Tick ticks[MOST_TICKS];
    int count = axis_ticks(&a, wanted, ticks);
    text[0] = '\0';
    for (int i = 0; i < count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", ticks[i].label);
    return text;
}

TEST(linear_ticks_are_1_2_5_times_powers_of_ten)
{
    EXPECT_TEXT(ticks_of((Axis){.low = 0, .high = 100}, 5), "0 20 40 60 80 100 ");
    EXPECT_TEXT(ticks_of((Axis){.low = 0, .high = 1600}, 5), "0 500 1000 1500 ");
    EXPECT_TEXT(ticks_of((Axis){.low = 0, .high = 52000}, 5), "0 10k 20k 30k 40k 50k ");
    EXPECT_TEXT(ticks_of((Axis){.low = 0, .high = 2e6}, 4), "0 0.5M 1.0M 1.5M 2.0M ");
    EXPECT_TEXT(ticks_of((Axis){.low = 0.14, .high = 0.22}, 4), "0.14 0.16 0.18 0.20 0.22 ");
    EXPECT_TEXT(ticks_of((Axis){.low = -1, .high = 1}, 4), "−1.0 −0.5 0 0.5 1.0 ");
    EXPECT_TEXT(ticks_of((Axis){.low = 0, .high = 2e-4}, 4), "0 5e-5 1e-4 1.5e-4 2e-4 ");
}

TEST(logarithmic_ticks_are_decades_with_2_and_5_where_there_is_room)
{
    EXPECT_TEXT(ticks_of((Axis){.low = 0.1, .high = 2, .log = true}, 5), "0.1 0.2 0.5 1 2 ");
    EXPECT_TEXT(ticks_of((Axis){.low = 0.005, .high = 700, .log = true}, 5), "0.01 0.1 1 10 100 ");
    EXPECT_TEXT(ticks_of((Axis){.low = 1e-8, .high = 1, .log = true}, 5), "1e-8 1e-6 1e-4 0.01 1 ");
    EXPECT_TEXT(ticks_of((Axis){.low = 900, .high = 3e5, .log = true}, 5), "1000 10k 100k ");
    EXPECT_TEXT(ticks_of((Axis){.low = 0.31, .high = 0.38, .log = true}, 4),
                "0.32 0.34 0.36 0.38 ");
}

TEST(places_are_even_in_the_value_or_in_its_logarithm)
{
    Axis even = {.low = 10, .high = 20, .from = 100, .to = 0};
    Axis logs = {.low = 0.01, .high = 100, .from = 0, .to = 400, .log = true};
    EXPECT_NEAR(axis_place(&even, 12.5), 75, 1e-12);
    EXPECT_NEAR(axis_place(&logs, 1), 200, 1e-9);
    EXPECT_NEAR(axis_place(&logs, 10), 300, 1e-9);
}

TEST(ends_are_moved_outwards_to_ticks)
{
    Axis a = {.low = 0.143, .high = 0.987}, flat = {.low = 3, .high = 3}, zero = {.low = 0};
    axis_round_outwards(&a, 5);
    EXPECT_NEAR(a.low, 0, 1e-12);
    EXPECT_NEAR(a.high, 1, 1e-12);
    axis_round_outwards(&flat, 5);
    EXPECT(flat.low < 3 && flat.high > 3);
    axis_round_outwards(&zero, 5);
    EXPECT(zero.low < 0 && zero.high > 0);
}

TEST(values_have_four_digits)
{
    static const struct {
        double value;
        const char *shown;
    } cases[] = {{0, "0"},          {0.15234, "0.1523"}, {1600, "1,600"},  {1234567.4, "1,234,567"},
                 {12.345, "12.35"}, {-0.5, "−0.5"},      {3, "3"},         {1.25e-5, "1.25e-5"},
                 {2e15, "2e15"},    {(double)NAN, "–"},  {999.96, "1,000"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[VALUE_BYTES];
        axis_show_value(cases[i].value, out);
        EXPECT_TEXT(out, cases[i].shown);
    }
}

/* ---- curves ---- */

enum { MANY = 1000000, SMALL = 100 };

TEST(a_straight_line_is_smoothed_to_itself_but_at_its_end)
{
    double y[SMALL], out[SMALL], scratch[2 * (SMALL + 1)];
    for (int i = 0; i < SMALL; i++) y[i] = 3 - 0.5 * i;
    curve_smooth(y, SMALL, out, scratch);
    for (int i = 0; i < SMALL - 4; i++) EXPECT_NEAR(out[i], y[i], 1e-9);
}

TEST(smoothing_reduces_noise_and_keeps_gaps)
{
    double y[SMALL], out[SMALL], scratch[2 * (SMALL + 1)], rough = 0, even = 0;
    float noise[SMALL];
    test_normals(noise, SMALL, 1, 1);
    for (int i = 0; i < SMALL; i++) y[i] = i == 40 ? (double)NAN : (double)noise[i];
    curve_smooth(y, SMALL, out, scratch);
    for (int i = 20; i < 80; i++) {
        if (i == 40) continue;
        EXPECT(isfinite(out[i]));
        rough += y[i] * y[i];
        even += out[i] * out[i];
    }
    EXPECT(isnan(out[40]));
    /* Two means of five values leave 0.175 of the variance; three sigma of 60 values. */
    EXPECT(even < 0.4 * rough);
}

TEST(few_points_are_kept_as_they_are)
{
    const double x[] = {1, 2, 3, 4}, y[] = {5, (double)NAN, 7, 8};
    CurvePoint out[8];
    EXPECT_INT((long long)curve_thin(x, y, 4, 4, out), 3);
    EXPECT(!out[0].gap && out[1].gap && !out[2].gap);
    EXPECT_NEAR(out[1].x, 3, 0);
}

TEST(missing_lines_are_a_gap_and_another_interval_is_none)
{
    const double lost[] = {10, 20, 30, 400, 410, 420}, wider[] = {1, 2, 3, 4, 104, 204, 304};
    const double y[] = {1, 1, 1, 1, 1, 1, 1};
    CurvePoint out[16];
    EXPECT_INT((long long)curve_thin(lost, y, 6, 8, out), 6);
    for (int i = 0; i < 6; i++) EXPECT_INT(out[i].gap, i == 3);
    EXPECT_INT((long long)curve_thin(wider, y, 7, 8, out), 7);
    for (int i = 0; i < 7; i++) EXPECT(!out[i].gap);
}

/* Of a million values the picture keeps the extremes of each part, so no spike is lost, in rising x. */
TEST(a_million_points_are_thinned_to_the_extremes)
{
    enum { PARTS = 100, SPIKE = 456789, FIRST_LOST = 700000, LOST = 30000 };
    double *x = malloc(MANY * sizeof *x), *y = malloc(MANY * sizeof *y);
    CurvePoint out[2 * PARTS];
    if (!EXPECT(x && y)) return;
    for (int i = 0; i < MANY; i++) {
        x[i] = i;
        y[i] = sin(1e-4 * i);
    }
    y[SPIKE] = 50;
    for (int i = FIRST_LOST; i < FIRST_LOST + LOST; i++) y[i] = (double)NAN;
    size_t count = curve_thin(x, y, MANY, PARTS, out);
    bool spike = false;
    int gaps = 0;
    EXPECT(count > PARTS && count <= 2 * PARTS);
    for (size_t i = 0; i < count; i++) {
        spike = spike || (out[i].x == SPIKE && out[i].y == 50);
        gaps += out[i].gap;
        EXPECT(i == 0 || out[i].x > out[i - 1].x);
    }
    EXPECT(spike);
    EXPECT_INT(gaps, 1);
    free(x);
    free(y);
}

TEST(the_last_value_up_to_a_place_is_found)
{
    const double x[] = {1, 5, 9};
    EXPECT_INT((long long)curve_find(x, 3, 0), 0);
    EXPECT_INT((long long)curve_find(x, 3, 5), 1);
    EXPECT_INT((long long)curve_find(x, 3, 8.9), 1);
    EXPECT_INT((long long)curve_find(x, 3, 100), 2);
}

/* ---- charts ---- */

static TextBuffer draw(double *x, double *y, size_t n)
{
    TextBuffer h = {0};
    ChartLine line = {.style = "c0", .name = "<b>", .n = n, .x = x, .y = y};
    Chart c = {.title = "A & B", .note = "", .x_high = 10, .line = &line, .lines = 1};
    EXPECT(chart_draw(&h, &c));
    return h;
}

TEST(a_chart_without_values_is_left_out)
{
    double x[] = {1, 2}, y[] = {(double)NAN, (double)NAN};
    TextBuffer h = draw(x, y, 2);
    EXPECT_INT((long long)h.size, 0);
    text_buffer_free(&h);
}

TEST(a_chart_has_no_number_that_is_not_finite)
{
    double x[] = {1, 2, 3, 10}, y[] = {1e300, (double)NAN, -1e300, 0};
    TextBuffer h = draw(x, y, 4);
    EXPECT_CONTAINS(h.text, "A &amp; B");
    EXPECT(!strstr(h.text, "nan") && !strstr(h.text, "inf"));
    text_buffer_free(&h);
}

TEST(values_over_a_factor_of_five_get_a_logarithmic_axis)
{
    double x[] = {1, 2, 3}, wide[] = {1, 0.1, 0.01}, narrow[] = {1, 0.9, 0.8},
           signs[] = {1, 0.1, -1};
    TextBuffer h = draw(x, wide, 3);
    EXPECT_CONTAINS(h.text, "Logarithmic axis");
    text_buffer_free(&h);
    h = draw(x, narrow, 3);
    EXPECT(!strstr(h.text, "Logarithmic axis"));
    text_buffer_free(&h);
    h = draw(x, signs, 3);
    EXPECT(!strstr(h.text, "Logarithmic axis"));
    text_buffer_free(&h);
}
