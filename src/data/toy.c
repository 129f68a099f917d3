#include "data/toy.h"

#include <math.h>

#include "base/err.h"
#include "base/rng.h"

const char *const toy_words[] = {[TOY_NONE] = "none",
                                 [TOY_TWO_MODES] = "two-modes",
                                 [TOY_RING] = "ring",
                                 [TOY_SWISS_ROLL] = "swiss-roll",
                                 [TOY_CHECKERBOARD] = "checkerboard",
                                 NULL};

static const double PI = 3.14159265358979323846;

/* two-modes */
static const double MODE_PLACE = 5, FIRST_MODE_WEIGHT = 0.8;
/* ring */
enum { RING_MODES = 8 };
static const double RING_RADIUS = 2, RING_STD = 0.15;
/* swiss-roll */
static const double ROLL_SCALE = 5, ROLL_STD = 0.1;
/* checkerboard */
enum { BOARD_CELLS = 4 };

static const struct {
    const char *formula;
    double reach;
} toys[] = {
    [TOY_NONE] = {"no toy", 0},
    [TOY_TWO_MODES] = {"0.8 N((5,5), I) + 0.2 N((-5,-5), I)", 10},
    [TOY_RING] = {"8 Gaussians of standard deviation 0.15 on a circle of radius 2", 3},
    [TOY_SWISS_ROLL] = {"a spiral of one and a half turns, standard deviation 0.1", 3.5},
    [TOY_CHECKERBOARD] = {"the 8 dark cells of a 4x4 board of side 4", 2.5},
};

const char *toy_formula(ToyKind kind)
{
    return toys[kind].formula;
}

double toy_reach(ToyKind kind)
{
    return toys[kind].reach;
}

/* A whole number 0 .. n-1 from a uniform u. */
static int pick(double u, int n)
{
    return (int)(u * n);
}

void toy_point(ToyKind kind, uint64_t seed, bool held_out, uint64_t k, float xy[TOY_DIMS])
{
    /* Blocks 0 and 1 of the point's stream give u and v, block 2 (words 8..11) the normals. */
    uint64_t stream = rng_stream(RNG_TOY, 2 * k + held_out);
    double u = rng_uniform(seed, stream, 0), v = rng_uniform(seed, stream, 1), z[TOY_DIMS];
    rng_normals(z, TOY_DIMS, seed, stream, 8);
    double x = 0, y = 0;
    switch (kind) {
    case TOY_NONE:
        CHECK(!"a toy has a kind");
        break;
    case TOY_TWO_MODES:
        x = y = u < FIRST_MODE_WEIGHT ? MODE_PLACE : -MODE_PLACE;
        x += z[0];
        y += z[1];
        break;
    case TOY_RING: {
        double angle = 2 * PI * pick(u, RING_MODES) / RING_MODES;
        x = RING_RADIUS * cos(angle) + RING_STD * z[0];
        y = RING_RADIUS * sin(angle) + RING_STD * z[1];
        break;
    }
    case TOY_SWISS_ROLL: {
        double angle = 1.5 * PI * (1 + 2 * u);
        x = angle * cos(angle) / ROLL_SCALE + ROLL_STD * z[0];
        y = angle * sin(angle) / ROLL_SCALE + ROLL_STD * z[1];
        break;
    }
    case TOY_CHECKERBOARD: {
        int cell = pick(rng_uniform(seed, stream, 3), BOARD_CELLS * BOARD_CELLS / 2);
        int i = cell / 2, j = 2 * (cell % 2) + i % 2;
        x = i + u - BOARD_CELLS / 2.0;
        y = j + v - BOARD_CELLS / 2.0;
        break;
    }
    }
    xy[0] = (float)x;
    xy[1] = (float)y;
}
