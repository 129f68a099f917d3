/* The nearest scores that a mask may have. */
#include "base/rng.h"
#include "diffusion/mask.h"
#include "test.h"

/* The nearest feasible point, from all ways in which the bounds can hold: each value 0, 1, or free
 * (then z - v with one v for all free ones, zero where the sum is not at its limit). */
static void project_by_force(double *best, const double *z, int n, double most)
{
    double least = HUGE_VAL;
    int ways = 1;
    for (int i = 0; i < n; i++) ways *= 3;
    for (int way = 0; way < 2 * ways; way++) {
        double s[8], sum = 0, fixed = 0, distance = 0;
        int state[8], free_count = 0;
        for (int i = 0, left = way / 2; i < n; i++, left /= 3) {
            state[i] = left % 3;
            if (state[i] == 1) fixed += 1;
            if (state[i] == 2) free_count++, sum += z[i];
        }
        double v = way % 2 && free_count > 0 ? (sum + fixed - most) / free_count : 0, total = 0;
        bool feasible = true;
        for (int i = 0; i < n; i++) {
            s[i] = state[i] == 2 ? z[i] - v : state[i];
            feasible = feasible && s[i] >= -1e-12 && s[i] <= 1 + 1e-12;
            total += s[i];
            distance += (s[i] - z[i]) * (s[i] - z[i]);
        }
        if (!feasible || total > most + 1e-12 || distance >= least) continue;
        least = distance;
        memcpy(best, s, (size_t)n * sizeof *s);
    }
}

TEST(the_projection_is_the_nearest_point_found_by_force)
{
    enum { N = 5 };
    static const double limits[] = {0, 0.3, 1, 1.7, 2.5, 4, 5};
    for (int draw = 0; draw < 300; draw++) {
        double z[N], s[N], best[N], most = limits[draw % 7], sum = 0;
        for (int i = 0; i < N; i++)
            z[i] = 3 * rng_uniform(1, rng_stream(RNG_TEST, 2), (uint64_t)(draw * N + i)) - 1;
        if (draw % 5 == 1) z[1] = z[2] = z[0]; /* ties */
        if (draw % 5 == 2)
            for (int i = 0; i < N; i++) z[i] /= 8; /* mostly inside */
        memcpy(s, z, sizeof s);
        mask_project(s, N, most);
        project_by_force(best, z, N, most);
        for (int i = 0; i < N; i++) {
            if (!EXPECT_NEAR(s[i], best[i], 1e-9)) return;
            EXPECT(s[i] >= 0 && s[i] <= 1);
            sum += s[i];
        }
        EXPECT(sum <= most + 1e-9);
    }
}

TEST(the_projection_leaves_points_of_the_set_alone)
{
    double inside[3] = {0.2, 0.3, 0.4}, on[3] = {1, 0.5, 0}, wide[3] = {0.2, 0.3, 0.4};
    mask_project(inside, 3, 1.5);
    EXPECT(inside[0] == 0.2 && inside[1] == 0.3 && inside[2] == 0.4);
    mask_project(on, 3, 1.5);
    EXPECT(on[0] == 1 && on[1] == 0.5 && on[2] == 0);
    mask_project(wide, 3, HUGE_VAL);
    EXPECT(wide[2] == 0.4);
}
