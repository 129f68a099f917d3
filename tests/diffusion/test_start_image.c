/* Sampling that begins with an image (sample --from). */
#include "correlated_data.h"

/* What is drawn from noise taken off an image m0 + n is, at strength 1, the data; and the start is alpha m0 + sigma z. */
TEST(a_walk_begins_with_the_noised_image)
{
    static double x[(1 + DIMS) * DIMS];
    double start[DIMS];
    size_t inputs = 1 + DIMS;
    UnitNoise units = {inputs, 1};
    NoiseSource noise = unit_noise(&units);
    Correlated data = data_of(0, SPREAD, 0);
    Err err = {0};
    for (int i = 0; i < DIMS; i++) start[i] = known_y[i];
    Case *c = case_new(&every_process[PROCESS_VP]);
    case_grid(c, "heun", 121);
    int all = c->grid.n;
    EXPECT_OK(level_grid_begin(&c->grid, &c->process, 0.5, false, &err), err);
    EXPECT(c->grid.n < all && c->grid.level[0].time <= 0.5 && c->grid.level[c->grid.n].sigma == 0);
    NoiseLevel first = c->grid.level[0];
    c->run.start = start;
    must(sample("heun", c, correlated_denoiser(&data), noise, (int)inputs, x, &err), &err);
    /* The flow of isotropic data around 0 multiplies by s / sqrt(alpha^2 s^2 + sigma^2). */
    double shrink = SPREAD / hypot(first.alpha * SPREAD, first.sigma);
    for (int i = 0; i < DIMS; i++) {
        EXPECT_NEAR(x[i], shrink * first.alpha * known_y[i], 0.02);
        for (int j = 0; j < DIMS; j++)
            EXPECT_NEAR(x[(1 + j) * DIMS + i] - x[i], i == j ? shrink * first.sigma : 0, 0.02);
    }
}

TEST(strength_is_a_part_of_the_noise_process)
{
    Err err = {0};
    Case *c = case_new(&every_process[PROCESS_DDPM]);
    case_spaced(c, SPACING_EVEN, 1000);
    EXPECT_OK(level_grid_begin(&c->grid, &c->process, 0.6, false, &err), err);
    EXPECT_INT(c->grid.n, 600);
    EXPECT(c->grid.level[0].time == 599);
    case_spaced(c, SPACING_EVEN, 1000);
    EXPECT_OK(level_grid_begin(&c->grid, &c->process, 1, false, &err), err);
    EXPECT_INT(c->grid.n, 1000);
    EXPECT_REFUSED(level_grid_begin(&c->grid, &c->process, 1e-4, false, &err), err, ERR_USAGE,
                   "strength 0.0001");
    case_grid(c, "ode", 0);
    EXPECT_OK(level_grid_begin(&c->grid, &c->process, 0.25, true, &err), err);
    EXPECT_INT(c->grid.n, 2);
    EXPECT_NEAR(c->grid.level[0].time, 249, 1e-9);
}
