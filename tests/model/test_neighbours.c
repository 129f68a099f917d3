/* Nearest neighbours, precision and recall, and nearest training images, on sets with known answers and
 * against plain loops. */

#include "model/nearest_images.h"
#include "model/precision_recall.h"
#include "test.h"

static Features features(const float *values, size_t count, int dims)
{
    return (Features){.count = count, .dims = dims, .values = values};
}

/* ---- neighbours ---- */

static void expect_plain_search(const float *q, size_t queries, const float *x, size_t count,
                                int dims, int k)
{
    Features a = features(q, queries, dims), b = features(x, count, dims);
    NeighbourSearch s = {.best = NULL};
    EXPECT(neighbours_open(&s, &a, k, NULL, NULL));
    /* In two calls. */
    Features first = features(x, count / 3, dims);
    Features rest = features(x + count / 3 * (size_t)dims, count - count / 3, dims);
    EXPECT(neighbours_add(&s, &first, 0, NULL) && neighbours_add(&s, &rest, count / 3, NULL));
    for (size_t i = 0; i < queries; i++) {
        double before = -1;
        size_t index = 0;
        for (int n = 0; n < k; n++) {
            /* The nearest behind the last one found, by distance and then by number. */
            double best = (double)INFINITY;
            size_t found = 0;
            for (size_t j = 0; j < count; j++) {
                double d = squared_distance(a.values + i * (size_t)dims,
                                            b.values + j * (size_t)dims, dims);
                bool later = d > before || (d <= before && d >= before && j > index);
                if (later && d < best) best = d, found = j;
            }
            EXPECT_NEAR(s.best[i * (size_t)k + (size_t)n].squared, best, 0);
            EXPECT_INT((long long)s.best[i * (size_t)k + (size_t)n].index, (long long)found);
            before = best;
            index = found;
        }
    }
    neighbours_close(&s);
}

TEST(neighbours_are_those_of_a_plain_search)
{
    float *x = test_random(2500 * 7, 1, 1), *q = test_random(70 * 7, 2, 1);
    expect_plain_search(q, 70, x, 2500, 7, 3);
}

TEST(twins_come_in_order)
{
    enum { N = 60, D = 3 };
    float *x = test_random(N * D, 1, 1);
    for (int i = 20; i < N; i++) memcpy(x + i * D, x + i % 20 * D, D * sizeof *x);
    expect_plain_search(x, N, x, N, D, 4);
}

/* Far from the origin the products of float32 tell nothing of such small distances. */
TEST(neighbours_far_from_the_origin_are_exact)
{
    enum { N = 200, D = 40 };
    float *x = test_random(N * D, 1, 0.01f);
    for (int i = 0; i < N * D; i++) x[i] += 300;
    expect_plain_search(x, N, x, N, D, 2);
}

TEST(radii_leave_out_the_vector_itself)
{
    const float x[] = {0, 1, 3, 7};
    double radii[4];
    Features f = features(x, 4, 1);
    EXPECT(neighbour_radii(&f, 1, radii, NULL));
    const double nearest[] = {1, 1, 4, 16}, second[] = {9, 4, 9, 36};
    EXPECT_SAME(radii, nearest, sizeof radii);
    EXPECT(neighbour_radii(&f, 2, radii, NULL));
    EXPECT_SAME(radii, second, sizeof radii);
}

/* ---- precision and recall ---- */

static PrecisionRecall score(const float *real, size_t n, const float *made, size_t m, int dims,
                             int k)
{
    PrecisionRecall out = {.precision = -1};
    Features r = features(real, n, dims), s = features(made, m, dims);
    EXPECT(precision_recall(&r, &s, 1, k, NULL, &out, NULL));
    return out;
}

static void expect_score(PrecisionRecall p, double precision, double recall, double density,
                         double coverage)
{
    EXPECT_NEAR(p.precision, precision, 1e-12);
    EXPECT_NEAR(p.recall, recall, 1e-12);
    EXPECT_NEAR(p.density, density, 1e-12);
    EXPECT_NEAR(p.coverage, coverage, 1e-12);
}

TEST(a_set_is_all_of_itself)
{
    float *x = test_random(50 * 4, 1, 1);
    PrecisionRecall p = score(x, 50, x, 50, 4, 3);
    /* Each ball holds the vector, its three neighbours and no other: 4 / 3. */
    expect_score(p, 1, 1, 4.0 / 3, 1);
}

TEST(sets_far_apart_have_nothing_in_common)
{
    float *x = test_random(50 * 4, 1, 1), *y = test_random(40 * 4, 2, 1);
    for (int i = 0; i < 40 * 4; i++) y[i] += 100;
    expect_score(score(x, 50, y, 40, 4, 3), 0, 0, 0, 0);
}

/* Real 0 1 2 3 10 11, k = 1: the balls reach 1 to both sides. Made 0.5 2 2 20, k = 1: they reach 1.5, 0, 0
 * and 18. Precision: 0.5 and both 2. Recall: 0 1 2, from 0.5 and 2, then 3 10 11, from 20. Density: 0.5 lies in
 * 2 balls, each 2 in 3 (1, 2, 3): 8 / (1 x 4). Coverage: 0 1 2 3. */
TEST(balls_on_a_line_have_the_counted_scores)
{
    const float real[] = {0, 1, 2, 3, 10, 11}, made[] = {0.5f, 2, 2, 20};
    expect_score(score(real, 6, made, 4, 1, 1), 3.0 / 4, 1, 2, 4.0 / 6);
}

/* One of two modes alone: all of it is real, half of the real is missing. */
TEST(a_mode_that_is_missing_costs_recall_and_not_precision)
{
    enum { N = 40 };
    float real[2 * N], made[N];
    for (int i = 0; i < N; i++) {
        real[i] = (float)i;
        real[N + i] = 1000 + (float)i;
        made[i] = (float)i + 0.25f;
    }
    PrecisionRecall p = score(real, 2 * N, made, N, 1, 3);
    EXPECT_NEAR(p.precision, 1, 0);
    EXPECT_NEAR(p.recall, 0.5, 0);
    EXPECT_NEAR(p.coverage, 0.5, 0);
}

/* The same far from the origin, where nothing but exact distances decides. */
TEST(scores_do_not_depend_on_the_place_of_the_origin)
{
    enum { N = 120, D = 6 };
    float *real = test_random(N * D, 1, 1), *made = test_random(N * D, 2, 1.2f);
    for (int i = 0; i < N * D; i++) {
        real[i] = nearbyintf(64 * real[i]) / 64;
        made[i] = nearbyintf(64 * made[i]) / 64;
    }
    PrecisionRecall here = score(real, N, made, N, D, 3);
    EXPECT(here.precision > 0.2 && here.precision < 1 && here.recall > 0.2 && here.recall < 1);
    for (int i = 0; i < N * D; i++) real[i] += 4096, made[i] += 4096;
    PrecisionRecall there = score(real, N, made, N, D, 3);
    expect_score(there, here.precision, here.recall, here.density, here.coverage);
}

/* Of two draws of one distribution density has the expectation 1. */
TEST(density_of_a_second_draw_is_one)
{
    enum { N = 1500, D = 5 };
    float *real = test_random(N * D, 1, 1), *made = test_random(N * D, 2, 1);
    EXPECT_NEAR(score(real, N, made, N, D, 3).density, 1, 0.1);
}

/* ---- nearest training images ---- */

enum { SIDE = 4, PIXELS = SIDE * SIDE };

static ImageSet images_of(const unsigned char *pixels, size_t count)
{
    return (ImageSet){(Shape){.H = SIDE, .W = SIDE, .C = 1}, count, pixels, NULL};
}

/* Plain images of these greys. */
static void fill(unsigned char *pixels, const int *greys, int count)
{
    for (int i = 0; i < count; i++) memset(pixels + i * PIXELS, greys[i], PIXELS);
}

TEST(nearest_images_and_how_near_their_own_are)
{
    const int known[] = {0, 10, 100, 140, 255}, drawn[] = {4, 119, 10, 250, 170};
    unsigned char training[5 * PIXELS], pictures[5 * PIXELS];
    fill(training, known, 5);
    fill(pictures, drawn, 5);
    ImageSet a = images_of(pictures, 5), b = images_of(training, 5);
    NearestImages n;
    EXPECT(nearest_images_find(&a, &b, 3, NULL, &n, NULL));
    const size_t nearest[] = {0, 2, 1, 4, 3}, second[] = {1, 3, 0, 3, 2};
    const double own[] = {10, 40, 10, 115, 40};
    for (size_t i = 0; i < 5; i++) {
        EXPECT_INT((long long)n.nearest[3 * i].index, (long long)nearest[i]);
        EXPECT_INT((long long)n.nearest[3 * i + 1].index, (long long)second[i]);
        EXPECT_NEAR(n.own[i], PIXELS * (own[i] / 255) * (own[i] / 255), 1e-5);
        EXPECT(nearest_images_is_nearer(&n, i));
    }
    EXPECT_INT((long long)n.nearer, 5);
    nearest_images_free(&n);
}

/* A copy is nearer than any neighbour, an image of its own kind is not. */
TEST(copies_are_counted)
{
    const int known[] = {0, 2, 100, 102}, drawn[] = {2, 100, 200, 51};
    unsigned char training[4 * PIXELS], pictures[4 * PIXELS];
    fill(training, known, 4);
    fill(pictures, drawn, 4);
    ImageSet a = images_of(pictures, 4), b = images_of(training, 4);
    NearestImages n;
    EXPECT(nearest_images_find(&a, &b, 1, NULL, &n, NULL));
    EXPECT_INT((long long)n.nearer, 2);
    EXPECT(nearest_images_is_nearer(&n, 0) && nearest_images_is_nearer(&n, 1));
    EXPECT_NEAR(n.nearest[0].squared, 0, 0);
    nearest_images_free(&n);
}

static bool stop(void *context, double part)
{
    (void)context;
    return part < 0.5;
}

TEST(an_interruption_ends_the_search)
{
    unsigned char training[4 * PIXELS] = {0};
    ImageSet a = images_of(training, 4);
    WorkProgress progress = {NULL, stop};
    NearestImages n;
    Err err = {0};
    EXPECT_REFUSED(nearest_images_find(&a, &a, 1, &progress, &n, &err), err, ERR_INTERRUPTED,
                   "interrupted");
    nearest_images_free(&n);
}
