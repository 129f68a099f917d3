/* Scatter plots: dots stand where the points are, frame and numbers where a reader looks. */
#include "data/scatter.h"

#include "data/toy.h"
#include "test.h"

enum { SIZE = 512 };

static const ScatterView unit_view = {.reach = 1};

static Image plot(const float *xy, size_t count, ScatterView view, int size, size_t *outside)
{
    Image image;
    Err err = {0};
    if (!EXPECT(scatter_plot(xy, count, &view, size, &image, outside, &err))) abort();
    return image;
}

static const unsigned char *pixel(const Image *image, int x, int y)
{
    return image->pixels + 3 * ((size_t)y * (size_t)image->width + (size_t)x);
}

static bool same_colour(const unsigned char *a, const unsigned char *b)
{
    return memcmp(a, b, 3) == 0;
}

/* The centre of what differs between two pictures, in pixels; false when nothing does. */
static bool centre_of_change(const Image *a, const Image *b, double *x, double *y)
{
    double sum = 0, sum_x = 0, sum_y = 0;
    for (int row = 0; row < a->height; row++)
        for (int column = 0; column < a->width; column++) {
            double change = abs(pixel(a, column, row)[0] - pixel(b, column, row)[0]);
            sum += change;
            sum_x += change * (column + 0.5);
            sum_y += change * (row + 0.5);
        }
    *x = sum_x / sum;
    *y = sum_y / sum;
    return sum > 0;
}

/* The square inside the frame, found from outside: the frame's line is the darkest grey. */
typedef struct {
    int left, top, side;
} Square;

static Square find_square(const Image *image)
{
    Square s = {0};
    int middle = image->height / 2, right = image->width - 1;
    /* Coming from the right nothing but white stands before the frame. */
    while (pixel(image, right, middle + 3)[0] > 200) right--;
    while (pixel(image, right - 1, s.top)[0] > 200) s.top++;
    s.top++;
    int bottom = s.top;
    while (pixel(image, right - 1, bottom)[0] > 200) bottom++;
    s.side = bottom - s.top;
    s.left = right - s.side;
    return s;
}

TEST(a_point_is_drawn_at_its_place)
{
    Image empty = plot(NULL, 0, unit_view, SIZE, NULL);
    Square s = find_square(&empty);
    EXPECT(s.side > SIZE * 3 / 4 && s.left > 0 && s.left + s.side < SIZE);
    static const float points[][2] = {{0, 0}, {0.5f, 0.25f}, {-0.7f, 0.9f}, {0.31f, -0.83f}};
    for (int i = 0; i < 4; i++) {
        Image image = plot(points[i], 1, unit_view, SIZE, NULL);
        double x, y;
        EXPECT(centre_of_change(&image, &empty, &x, &y));
        EXPECT_NEAR(x, s.left + ((double)points[i][0] + 1) / 2 * s.side, 0.3);
        EXPECT_NEAR(y, s.top + (1 - (double)points[i][1]) / 2 * s.side, 0.3);
        image_free(&image);
    }
    image_free(&empty);
}

TEST(the_view_moves_and_scales_the_points)
{
    ScatterView view = {.x = 100, .y = -30, .reach = 8};
    Image empty = plot(NULL, 0, view, SIZE, NULL);
    Square s = find_square(&empty);
    float point[2] = {104, -36};
    Image image = plot(point, 1, view, SIZE, NULL);
    double x, y;
    EXPECT(centre_of_change(&image, &empty, &x, &y));
    EXPECT_NEAR(x, s.left + 0.75 * s.side, 0.3);
    EXPECT_NEAR(y, s.top + 0.875 * s.side, 0.3);
    image_free(&image);
    image_free(&empty);
}

TEST(points_outside_are_counted_and_not_drawn)
{
    float xy[] = {1.01f, 0,        0,         -1.5f, NAN,   0,     0,    -NAN,
                  0.5f,  INFINITY, -INFINITY, 0,     3e38f, 3e38f, 0.2f, 0.2f};
    size_t outside = 0;
    Image empty = plot(NULL, 0, unit_view, SIZE, &outside);
    EXPECT_INT((long long)outside, 0);
    Image image = plot(xy, 7, unit_view, SIZE, &outside);
    EXPECT_INT((long long)outside, 7);
    EXPECT_SAME(image.pixels, empty.pixels, 3u * SIZE * SIZE);
    image_free(&image);
    image = plot(xy, 8, unit_view, SIZE, &outside);
    EXPECT_INT((long long)outside, 7);
    EXPECT(memcmp(image.pixels, empty.pixels, 3u * SIZE * SIZE) != 0);
    image_free(&image);
    image_free(&empty);
}

TEST(dots_stay_inside_the_frame)
{
    /* All along the border, where half of each dot would lie beyond it. */
    enum { SIDE = 200 };
    float xy[4 * SIDE][2];
    for (int i = 0; i < SIDE; i++) {
        float at = -1 + 2 * (float)i / SIDE;
        xy[i][0] = xy[SIDE + i][1] = at;
        xy[2 * SIDE + i][0] = xy[3 * SIDE + i][1] = at;
        xy[i][1] = xy[SIDE + i][0] = 1;
        xy[2 * SIDE + i][1] = xy[3 * SIDE + i][0] = -1;
    }
    Image empty = plot(NULL, 0, unit_view, SIZE, NULL);
    size_t outside;
    Image image = plot(xy[0], (size_t)(4 * SIDE), unit_view, SIZE, &outside);
    EXPECT_INT((long long)outside, 0);
    Square s = find_square(&empty);
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++) {
            bool within = x >= s.left && x < s.left + s.side && y >= s.top && y < s.top + s.side;
            if (!within && !same_colour(pixel(&image, x, y), pixel(&empty, x, y)))
                EXPECT(!"a dot beyond the frame");
        }
    image_free(&image);
    image_free(&empty);
}

TEST(more_points_in_a_place_are_darker_and_blue)
{
    int last = 256;
    Image empty = plot(NULL, 0, unit_view, SIZE, NULL);
    Square s = find_square(&empty);
    int x = s.left + s.side * 3 / 4, y = s.top + s.side / 4;
    for (int copies = 1; copies <= 4; copies++) {
        /* A fixed number of points, so that dots look alike; the others lie elsewhere. */
        float *xy = test_random(2 * 5000, 1, 0.1f);
        for (int i = 0; i < copies; i++) {
            xy[2 * i] = 0.5f;
            xy[2 * i + 1] = 0.5f;
        }
        Image image = plot(xy, 5000, unit_view, SIZE, NULL);
        const unsigned char *p = pixel(&image, x, y);
        EXPECT(p[0] < last);
        EXPECT(p[2] > p[0]);
        last = p[0];
        image_free(&image);
    }
    image_free(&empty);
}

/* The ink of the numbers, in the strip below the frame and the one left of it. */
static int label_pixels(const Image *image, bool below)
{
    Square s = find_square(image);
    int count = 0;
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++)
            if (below ? y > s.top + s.side + 1 : x < s.left - 2)
                count += pixel(image, x, y)[0] == 85;
    return count;
}

TEST(ticks_carry_their_numbers)
{
    /* -1 -0.5 0 0.5 1 in glyphs of 5x7: 1 has 10 pixels, 0 has 19, 5 has 17, "-" 3, "." 4; the
     * strip below counts each number once, in dots of 2x2. */
    Image image = plot(NULL, 0, unit_view, SIZE, NULL);
    int one = 10, nought = 19, five = 17, minus = 3, point = 4;
    int expected = 2 * one + 3 * nought + 2 * five + 2 * minus + 2 * point;
    Square s = find_square(&image);
    int below = 0;
    for (int y = s.top + s.side + 8; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++) below += pixel(&image, x, y)[0] == 85;
    EXPECT_INT(below, 4 * expected);
    EXPECT(label_pixels(&image, false) > 3 * expected);
    image_free(&image);
}

TEST(numbers_fit_their_strip_for_views_of_every_size)
{
    for (int i = 0; i < 14; i++) {
        ScatterView view = {.x = i % 3, .reach = 1.3 * pow(10, i - 4)};
        for (int size = SCATTER_LEAST; size <= 1024; size *= 2) {
            Image image = plot(NULL, 0, view, size, NULL);
            EXPECT(label_pixels(&image, true) > 0);
            EXPECT(label_pixels(&image, false) > 0);
            /* Nothing is cut off at the picture's edge. */
            int cut = 0;
            for (int k = 0; k < size; k++)
                cut += pixel(&image, 0, k)[0] != 255 || pixel(&image, size - 1, k)[0] != 255 ||
                       pixel(&image, k, 0)[0] != 255 || pixel(&image, k, size - 1)[0] != 255;
            EXPECT_INT(cut, 0);
            image_free(&image);
        }
    }
}

TEST(a_view_from_data_holds_every_point)
{
    float *xy = test_random(2 * 500, 3, 4.0f);
    for (int i = 0; i < 500; i++) xy[2 * i] += 50;
    xy[7] = NAN;
    ScatterView view = scatter_view(xy, 500);
    size_t outside;
    Image image = plot(xy, 500, view, SIZE, &outside);
    EXPECT_INT((long long)outside, 1); /* the one that is not finite */
    EXPECT_NEAR(view.x, 50, 2);
    EXPECT(view.reach > 8 && view.reach < 20);
    image_free(&image);

    float alone[] = {3, 3, 3, 3}, nothing[] = {NAN, NAN};
    view = scatter_view(alone, 2);
    EXPECT(view.x == 3 && view.y == 3 && view.reach > 0.5);
    view = scatter_view(nothing, 1);
    EXPECT(view.x == 0 && view.reach == 1);
    float far[] = {1e30f, -1e30f, -3e38f, 3e38f};
    view = scatter_view(far, 2);
    image = plot(far, 2, view, SIZE, &outside);
    EXPECT_INT((long long)outside, 0);
    image_free(&image);
}
