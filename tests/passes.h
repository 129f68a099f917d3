/* What is asked of the passes of every operation, in one call: check_passes(&c). A case names the
 * operation's row, its dims, the sizes of its tensors, and a plain loop in double for the formula of
 * forward; everything else is measured against that formula:
 *
 *   forward    the formula                          tangent    its central difference
 *   backward   <dy, ydot> = sum <dx, xdot>; of a parameter, the central difference of <dy, y>
 *   backward2  central difference of <my, y> + <ly, ydot>, for each input and parameter
 *
 * and besides: forward and tangent overwrite, the others add (or overwrite where the row says they
 * can); any gradient may be NULL; inputs stay as they were and nothing is written beside an output;
 * scratch may hold anything; the bits are the same for 1, 2, 3 and 8 threads, and for an image alone
 * and in a batch. */
#ifndef DIFFC_TESTS_PASSES_H
#define DIFFC_TESTS_PASSES_H

#include "passes_run.h"

/* ---- the formula and its differences, in double */

/* The formula at x + a u + b v; directions (or single tensors of them) may be NULL. */
static double *formula_at(const PassCase *c, float *const *x, double a, float *const *u, double b,
                          float *const *v)
{
    double *at[TENSORS] = {0}, *y = calloc(output_floats(c), sizeof *y);
    if (!y) abort();
    for (int j = 0; j < TENSORS; j++) {
        if (!has_tensor(c, j)) continue;
        const float *along_u = u ? u[j] : NULL, *along_v = v && j < OP_INPUTS ? v[j] : NULL;
        at[j] = calloc(tensor_floats(c, j), sizeof *at[j]);
        if (!at[j]) abort();
        for (size_t i = 0; i < tensor_floats(c, j); i++)
            at[j][i] = (double)x[j][i] + (along_u ? a * (double)along_u[i] : 0) +
                       (along_v ? b * (double)along_v[i] : 0);
    }
    c->formula(c, y, at);
    for (int j = 0; j < TENSORS; j++) free(at[j]);
    return y;
}

/* <w, formula at x + a u + b v> */
static double dot_formula(const PassCase *c, const float *w, float *const *x, double a,
                          float *const *u, double b, float *const *v)
{
    double *y = formula_at(c, x, a, u, b, v), sum = 0;
    for (size_t i = 0; i < output_floats(c); i++) sum += (double)w[i] * y[i];
    free(y);
    return sum;
}

static const double STEP = 2e-4; /* halfway between truncation and rounding of second differences */

static bool check_values(const PassCase *c, const Passes *s)
{
    size_t n = output_floats(c);
    float *expected = test_floats(n);
    double *y = formula_at(c, s->x, 0, NULL, 0, NULL);
    for (size_t i = 0; i < n; i++) expected[i] = (float)y[i];
    bool ok = EXPECT_CLOSE(s->y, expected, n, 2e-6);
    double *above = formula_at(c, s->x, 0, NULL, STEP, s->xdot);
    double *below = formula_at(c, s->x, 0, NULL, -STEP, s->xdot);
    for (size_t i = 0; i < n; i++) expected[i] = (float)((above[i] - below[i]) / (2 * STEP));
    ok &= EXPECT_CLOSE(s->ydot, expected, n, 5e-6);
    free(y);
    free(above);
    free(below);
    return ok;
}

static bool check_adjoint(const PassCase *c, const Passes *s)
{
    size_t n = output_floats(c);
    double out = test_dot(s->dy, s->ydot, n), in = 0;
    for (int j = 0; j < c->active; j++) in += test_dot(s->dx[j], s->xdot[j], tensor_floats(c, j));
    return EXPECT_NEAR(in, out, 1e-6 * check_norm(s->dy, n) * check_norm(s->ydot, n));
}

/* <gradient, u> of a random u against the central difference of what it is the gradient of. */
static bool check_gradient(const PassCase *c, const Passes *s, int j, bool second)
{
    bool ok = true;
    const float *gradient = second ? s->mx[j] : s->dx[j];
    size_t n = tensor_floats(c, j);
    for (unsigned trial = 0; trial < 2; trial++) {
        float *u[TENSORS] = {0};
        u[j] = test_random(n, 40 + trial, 1);
        double expected = 0, h = STEP;
        for (int sign = -1; sign <= 1; sign += 2) {
            double f = sign / (2 * h);
            expected += f * dot_formula(c, second ? s->my : s->dy, s->x, sign * h, u, 0, NULL);
            if (!second) continue;
            expected += f / (2 * h) * dot_formula(c, s->dy, s->x, sign * h, u, h, s->xdot);
            expected -= f / (2 * h) * dot_formula(c, s->dy, s->x, sign * h, u, -h, s->xdot);
        }
        double size = check_norm(gradient, n) * check_norm(u[j], n);
        ok &= EXPECT_NEAR(test_dot(gradient, u[j], n), expected, 2e-6 * size + 1e-12);
    }
    if (!ok) printf("  %s of tensor %d\n", second ? "backward2" : "backward", j);
    return ok;
}

/* ---- the rules of ops.h */

static bool check_inputs(const PassCase *c, const Passes *s, const Passes *before)
{
    size_t n = output_floats(c);
    bool ok = EXPECT_SAME(s->dy, before->dy, n * sizeof(float));
    ok &= EXPECT_SAME(s->my, before->my, n * sizeof(float));
    for (int j = 0; j < TENSORS; j++)
        if (s->x[j]) ok &= EXPECT_SAME(s->x[j], before->x[j], tensor_floats(c, j) * sizeof(float));
    for (int j = 0; j < c->active; j++)
        ok &= EXPECT_SAME(s->xdot[j], before->xdot[j], tensor_floats(c, j) * sizeof(float));
    return ok;
}

/* A second run into the same gradients doubles them. */
static bool check_accumulates(const PassCase *c, Passes *s)
{
    bool ok = true;
    Passes once = *s;
    for (int j = 0; j < TENSORS; j++) {
        if (!s->dx[j]) continue;
        size_t n = tensor_floats(c, j);
        once.dx[j] = test_floats(n);
        once.mx[j] = test_floats(n);
        for (size_t i = 0; i < n; i++) {
            once.dx[j][i] = 2 * s->dx[j][i];
            once.mx[j][i] = 2 * s->mx[j][i];
        }
    }
    float *y = check_scratch(output_floats(c));
    Running r = passes_begin(c, s);
    pass_forward(c, &r, y);
    pass_backward(c, &r, s, false, 0);
    pass_backward(c, &r, s, true, 0);
    passes_end(&r);
    check_free(y);
    for (int j = 0; j < TENSORS; j++) {
        if (!s->dx[j]) continue;
        ok &= EXPECT_CLOSE(s->dx[j], once.dx[j], tensor_floats(c, j), 1e-6);
        ok &= EXPECT_CLOSE(s->mx[j], once.mx[j], tensor_floats(c, j), 1e-6);
    }
    return ok;
}

static bool check_again(const PassCase *c, const Passes *s, unsigned wanted, unsigned set)
{
    Passes other = *s;
    passes_run(c, &other, wanted, set);
    bool ok = passes_same(c, &other, s);
    passes_free_outputs(&other);
    return ok;
}

/* With `s` as the inputs, other outputs wanted or overwritten, or other threads, change no bit. */
static bool check_same_bits(const PassCase *c, const Passes *s)
{
    bool ok = true;
    for (int j = 0; j < TENSORS; j++) {
        if (!has_gradient(c, j)) continue;
        ok &= check_again(c, s, 1u << j, 0);
        ok &= check_again(c, s, ~(1u << j), 0);
        if (c->op->overwrites >> j & 1) ok &= check_again(c, s, ~0u, 1u << j);
    }
    FOR_THREADS(threads)
    {
        if (check_again(c, s, ~0u, 0)) continue;
        printf("  with %d threads\n", threads);
        ok = false;
    }
    test_thread_count(4);
    return ok;
}

static bool check_image_alone(const PassCase *c, const Passes *s)
{
    bool ok = true;
    PassCase one = *c;
    one.N = 1;
    for (int n = 0; n < c->N; n++) {
        Passes image = *s;
        for (int j = 0; j < c->inputs; j++) {
            size_t at = (size_t)n * c->per[j];
            image.x[j] = s->x[j] + at;
            if (j < c->active) image.xdot[j] = s->xdot[j] + at;
        }
        float *y = check_scratch(c->out), *ydot = check_scratch(c->out);
        Running r = passes_begin(&one, &image);
        pass_forward(&one, &r, y);
        pass_tangent(&one, &r, ydot, image.xdot);
        passes_end(&r);
        ok &= EXPECT_SAME(y, s->y + (size_t)n * c->out, c->out * sizeof *y);
        ok &= EXPECT_SAME(ydot, s->ydot + (size_t)n * c->out, c->out * sizeof *y);
        check_free(y);
        check_free(ydot);
    }
    return ok;
}

static void check_passes(const PassCase *c)
{
    Passes s = {0}, before = {0};
    passes_fill(c, &before);
    passes_fill(c, &s);
    passes_run(c, &s, ~0u, 0);
    bool ok = check_inputs(c, &s, &before);
    ok &= check_values(c, &s);
    ok &= check_adjoint(c, &s);
    for (int j = 0; j < TENSORS; j++) {
        if (!has_gradient(c, j)) continue;
        ok &= check_gradient(c, &s, j, true);
        if (is_parameter(j)) ok &= check_gradient(c, &s, j, false);
    }
    ok &= check_same_bits(c, &s);
    if (!c->by_index) ok &= check_image_alone(c, &s);
    ok &= check_accumulates(c, &s);
    if (!ok) printf("  in %s\n", c->op->name);
    passes_free(&s);
    passes_free(&before);
}

/* Packed weights change no bit. */
UNUSED static void check_packed(PassCase c)
{
    Passes plain = {0}, packed;
    passes_fill(&c, &plain);
    passes_run(&c, &plain, ~0u, 0);
    packed = plain;
    c.packed = true;
    passes_run(&c, &packed, ~0u, 0);
    passes_same(&c, &packed, &plain);
    passes_free_outputs(&packed);
    passes_free(&plain);
}

UNUSED static float *scratch_for(const Op *op, const void *dims)
{
    return check_scratch(op->scratch_floats(dims, parallel_threads()));
}

#endif
