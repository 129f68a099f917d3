/* What is asked of every operation's four passes, in one call: check_four_passes(&op). The op is
 * described by an adapter and a plain loop in double for its forward formula; everything else is
 * measured against that formula alone:
 *
 *   forward    the formula                          tangent    its central difference
 *   backward   <dy, ydot> = sum <dx, xdot>          backward2  central difference of
 *                                                              <my, y> + <ly, ydot> per input
 *
 * and besides: forward and tangent overwrite, the others add (or overwrite when told to); any output may be NULL; inputs and
 * the memory around outputs stay as they were; the bits are the same for 1, 2, 3 and 8 threads,
 * and for an image alone and in a batch. */
#ifndef DIFFC_TESTS_FOUR_PASSES_H
#define DIFFC_TESTS_FOUR_PASSES_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

enum { MAX_INPUTS = 3 };

typedef struct OpCase OpCase;
struct OpCase {
    const char *name;
    const void *shape;       /* the op's dims; N is taken from below */
    int N;                   /* images */
    int inputs, active;      /* the first `active` inputs have derivatives */
    size_t per[MAX_INPUTS];  /* floats for an image; for a shared input in all */
    bool shared[MAX_INPUTS]; /* one for all images (a parameter) */
    size_t out;              /* floats of y for an image */
    bool sets;               /* backward, backward2 pass passes_set on as `set` */
    bool by_index;           /* an image's result depends on its place in the batch (dropout) */
    void (*prepare)(const OpCase *op, float **x); /* after a fill with N(0,1); may be NULL */
    void (*forward)(const OpCase *op, float *y, float **x);
    void (*tangent)(const OpCase *op, float *ydot, float **x, float **xdot);
    void (*backward)(const OpCase *op, float **dx, float *dy, float **x);
    void (*backward2)(const OpCase *op, float **mx, float *my, float *ly, float **x, float **xdot);
    void (*reference)(const OpCase *op, double *y, double **x);
};

/* ---- buffers with guards on both sides. The odd guard also takes away all alignment. */

enum { GUARD = 7 };

static float guard_value(int i)
{
    return 4321.5f + (float)i;
}

static float *guarded_new(size_t n, float fill)
{
    float *block = test_floats(n + 2 * GUARD);
    for (int i = 0; i < GUARD; i++) {
        block[i] = guard_value(i);
        block[(size_t)GUARD + n + (size_t)i] = guard_value(i);
    }
    for (size_t i = 0; i < n; i++) block[GUARD + i] = fill;
    return block + GUARD;
}

static bool guarded_intact(const float *data, size_t n)
{
    bool ok = true;
    for (int i = 0; i < GUARD; i++)
        ok = ok && data[i - GUARD] == guard_value(i) && data[n + (size_t)i] == guard_value(i);
    return ok;
}

static void guarded_free(float *data)
{
    if (data) free(data - GUARD);
}

/* ---- one set of inputs and outputs */

typedef struct {
    float *x[MAX_INPUTS], *xdot[MAX_INPUTS]; /* in; xdot NULL for inputs without derivative */
    float *dy, *my;                          /* in; dy is also the ly of backward2 */
    float *y, *ydot, *dx[MAX_INPUTS], *mx[MAX_INPUTS]; /* out */
} Passes;

static size_t input_floats(const OpCase *op, int i)
{
    return op->shared[i] ? op->per[i] : (size_t)op->N * op->per[i];
}

static size_t output_floats(const OpCase *op)
{
    return (size_t)op->N * op->out;
}

static void passes_fill(const OpCase *op, Passes *s)
{
    for (int i = 0; i < op->inputs; i++) {
        s->x[i] = guarded_new(input_floats(op, i), 0);
        test_normals(s->x[i], input_floats(op, i), 10 + (unsigned)i, 1);
        if (i >= op->active) continue;
        s->xdot[i] = guarded_new(input_floats(op, i), 0);
        test_normals(s->xdot[i], input_floats(op, i), 20 + (unsigned)i, 1);
    }
    s->dy = guarded_new(output_floats(op), 0);
    s->my = guarded_new(output_floats(op), 0);
    test_normals(s->dy, output_floats(op), 30, 1);
    test_normals(s->my, output_floats(op), 31, 1);
    if (op->prepare) op->prepare(op, s->x);
}

/* What the passes of an op with `sets` are told to overwrite: all, or nothing. */
static unsigned passes_set;

/* Runs all four into fresh outputs of `s`; overwritten ones start as NaN. An output dx[i], mx[i]
 * is wanted where bit i of `wanted` is set. */
static void passes_run(const OpCase *op, Passes *s, unsigned wanted)
{
    s->y = guarded_new(output_floats(op), NAN);
    s->ydot = guarded_new(output_floats(op), NAN);
    float start = passes_set ? NAN : 0;
    for (int i = 0; i < op->active; i++) {
        s->dx[i] = wanted >> i & 1 ? guarded_new(input_floats(op, i), start) : NULL;
        s->mx[i] = wanted >> i & 1 ? guarded_new(input_floats(op, i), start) : NULL;
    }
    op->forward(op, s->y, s->x);
    op->tangent(op, s->ydot, s->x, s->xdot);
    op->backward(op, s->dx, s->dy, s->x);
    op->backward2(op, s->mx, s->my, s->dy, s->x, s->xdot);
}

static void passes_free_outputs(const OpCase *op, Passes *s)
{
    guarded_free(s->y);
    guarded_free(s->ydot);
    for (int i = 0; i < op->active; i++) {
        guarded_free(s->dx[i]);
        guarded_free(s->mx[i]);
    }
}

static void passes_free(const OpCase *op, Passes *s)
{
    passes_free_outputs(op, s);
    for (int i = 0; i < op->inputs; i++) {
        guarded_free(s->x[i]);
        guarded_free(s->xdot[i]);
    }
    guarded_free(s->dy);
    guarded_free(s->my);
}

/* Same bits in every output that both sets have. */
static bool passes_same(const OpCase *op, const Passes *a, const Passes *b)
{
    size_t n = output_floats(op) * sizeof(float);
    bool ok = EXPECT_SAME(a->y, b->y, n);
    ok &= EXPECT_SAME(a->ydot, b->ydot, n);
    for (int i = 0; i < op->active; i++) {
        size_t bytes = input_floats(op, i) * sizeof(float);
        if (a->dx[i] && b->dx[i]) ok &= EXPECT_SAME(a->dx[i], b->dx[i], bytes);
        if (a->mx[i] && b->mx[i]) ok &= EXPECT_SAME(a->mx[i], b->mx[i], bytes);
    }
    return ok;
}

/* ---- the formula and its differences, in double */

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* The formula at x + a u + b v; directions (or single inputs of them) may be NULL. */
static double *formula_at(const OpCase *op, float *const *x, double a, float *const *u, double b,
                          float *const *v)
{
    double *at[MAX_INPUTS] = {0}, *y = calloc(output_floats(op), sizeof *y);
    for (int i = 0; i < op->inputs; i++) {
        at[i] = calloc(input_floats(op, i), sizeof *at[i]);
        for (size_t k = 0; k < input_floats(op, i); k++)
            at[i][k] = (double)x[i][k] + (u && u[i] ? a * (double)u[i][k] : 0) +
                       (v && v[i] ? b * (double)v[i][k] : 0);
    }
    op->reference(op, y, at);
    for (int i = 0; i < op->inputs; i++) free(at[i]);
    return y;
}

/* sum += factor <w, formula at x + a u + b v> */
static void sum_formula(const OpCase *op, double *sum, double factor, const float *w,
                        float *const *x, double a, float *const *u, double b, float *const *v)
{
    double *y = formula_at(op, x, a, u, b, v);
    for (size_t i = 0; i < output_floats(op); i++) *sum += factor * (double)w[i] * y[i];
    free(y);
}

static const double STEP = 2e-4; /* halfway between truncation and rounding of second differences */

static bool check_values(const OpCase *op, const Passes *s)
{
    size_t n = output_floats(op);
    float *expected = test_floats(n);
    double *y = formula_at(op, s->x, 0, NULL, 0, NULL);
    for (size_t i = 0; i < n; i++) expected[i] = (float)y[i];
    bool ok = EXPECT_CLOSE(s->y, expected, n, 2e-6);
    double *above = formula_at(op, s->x, STEP, s->xdot, 0, NULL);
    double *below = formula_at(op, s->x, -STEP, s->xdot, 0, NULL);
    for (size_t i = 0; i < n; i++) expected[i] = (float)((above[i] - below[i]) / (2 * STEP));
    ok &= EXPECT_CLOSE(s->ydot, expected, n, 5e-6);
    free(y);
    free(above);
    free(below);
    free(expected);
    return ok;
}

static bool check_adjoint(const OpCase *op, const Passes *s)
{
    size_t n = output_floats(op);
    double out = dot(s->dy, s->ydot, n), in = 0;
    for (int i = 0; i < op->active; i++) in += dot(s->dx[i], s->xdot[i], input_floats(op, i));
    double size = sqrt(dot(s->dy, s->dy, n) * dot(s->ydot, s->ydot, n));
    return EXPECT_NEAR(in, out, 1e-6 * size);
}

static bool check_second_order(const OpCase *op, const Passes *s)
{
    bool ok = true;
    for (int i = 0; i < op->active; i++) {
        size_t n = input_floats(op, i);
        for (unsigned trial = 0; trial < 2; trial++) {
            float *u[MAX_INPUTS] = {0};
            u[i] = test_random(n, 40 + trial, 1);
            double expected = 0, h = STEP;
            for (int sign = -1; sign <= 1; sign += 2) {
                double f = sign / (2 * h);
                sum_formula(op, &expected, f, s->my, s->x, sign * h, u, 0, NULL);
                sum_formula(op, &expected, f / (2 * h), s->dy, s->x, sign * h, u, h, s->xdot);
                sum_formula(op, &expected, -f / (2 * h), s->dy, s->x, sign * h, u, -h, s->xdot);
            }
            double size = sqrt(dot(s->mx[i], s->mx[i], n) * dot(u[i], u[i], n));
            ok &= EXPECT_NEAR(dot(s->mx[i], u[i], n), expected, 2e-6 * size + 1e-12);
            free(u[i]);
        }
    }
    return ok;
}

/* ---- the rules of ops.h */

static bool check_guards(const OpCase *op, const Passes *s, const Passes *before)
{
    size_t n = output_floats(op);
    bool ok = EXPECT(guarded_intact(s->y, n) && guarded_intact(s->ydot, n));
    ok &= EXPECT_SAME(s->dy, before->dy, n * sizeof(float));
    ok &= EXPECT_SAME(s->my, before->my, n * sizeof(float));
    for (int i = 0; i < op->inputs; i++) {
        size_t floats = input_floats(op, i);
        ok &= EXPECT_SAME(s->x[i], before->x[i], floats * sizeof(float));
        if (i >= op->active) continue;
        ok &= EXPECT_SAME(s->xdot[i], before->xdot[i], floats * sizeof(float));
        ok &= EXPECT(guarded_intact(s->dx[i], floats) && guarded_intact(s->mx[i], floats));
    }
    return ok;
}

/* A second run into the same gradients doubles them. */
static bool check_accumulates(const OpCase *op, Passes *s)
{
    bool ok = true;
    float *twice[2 * MAX_INPUTS];
    for (int i = 0; i < op->active; i++) {
        size_t n = input_floats(op, i);
        twice[2 * i] = test_floats(n);
        twice[2 * i + 1] = test_floats(n);
        for (size_t k = 0; k < n; k++) {
            twice[2 * i][k] = 2 * s->dx[i][k];
            twice[2 * i + 1][k] = 2 * s->mx[i][k];
        }
    }
    op->backward(op, s->dx, s->dy, s->x);
    op->backward2(op, s->mx, s->my, s->dy, s->x, s->xdot);
    for (int i = 0; i < op->active; i++) {
        ok &= EXPECT_CLOSE(s->dx[i], twice[2 * i], input_floats(op, i), 1e-6);
        ok &= EXPECT_CLOSE(s->mx[i], twice[2 * i + 1], input_floats(op, i), 1e-6);
        free(twice[2 * i]);
        free(twice[2 * i + 1]);
    }
    return ok;
}

/* With `s` as the inputs, other outputs wanted or overwritten, or other threads, change no bit. */
static bool check_same_bits(const OpCase *op, const Passes *s)
{
    bool ok = true;
    for (unsigned wanted = 0; wanted < 1u << op->active; wanted++) {
        Passes other = *s;
        passes_run(op, &other, wanted);
        ok &= passes_same(op, &other, s);
        passes_free_outputs(op, &other);
    }
    if (op->sets) {
        Passes other = *s;
        passes_set = ~0u;
        passes_run(op, &other, ~0u);
        passes_set = 0;
        ok &= passes_same(op, &other, s);
        passes_free_outputs(op, &other);
    }
    FOR_THREADS(threads)
    {
        Passes other = *s;
        passes_run(op, &other, ~0u);
        if (!passes_same(op, &other, s)) {
            printf("  with %d threads\n", threads);
            ok = false;
        }
        passes_free_outputs(op, &other);
    }
    test_thread_count(4);
    return ok;
}

static bool check_image_alone(const OpCase *op, const Passes *s)
{
    bool ok = true;
    OpCase one = *op;
    one.N = 1;
    for (int n = 0; n < op->N; n++) {
        float *x[MAX_INPUTS] = {0}, *xdot[MAX_INPUTS] = {0};
        for (int i = 0; i < op->inputs; i++) {
            size_t at = op->shared[i] ? 0 : (size_t)n * op->per[i];
            x[i] = s->x[i] + at;
            if (i < op->active) xdot[i] = s->xdot[i] + at;
        }
        float *y = guarded_new(op->out, NAN);
        op->forward(&one, y, x);
        ok &= EXPECT_SAME(y, s->y + (size_t)n * op->out, op->out * sizeof *y);
        op->tangent(&one, y, x, xdot);
        ok &= EXPECT_SAME(y, s->ydot + (size_t)n * op->out, op->out * sizeof *y);
        guarded_free(y);
    }
    return ok;
}

static void check_four_passes(const OpCase *op)
{
    Passes s = {0}, before = {0};
    passes_fill(op, &before);
    passes_fill(op, &s);
    passes_run(op, &s, ~0u);
    bool ok = check_guards(op, &s, &before);
    ok &= check_values(op, &s);
    ok &= check_adjoint(op, &s);
    ok &= check_second_order(op, &s);
    ok &= check_same_bits(op, &s);
    if (!op->by_index) ok &= check_image_alone(op, &s);
    ok &= check_accumulates(op, &s);
    if (!ok) printf("  in %s\n", op->name);
    passes_free(op, &s);
    passes_free(op, &before);
}

#endif
