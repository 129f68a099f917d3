/* Checks that every op of ops.h must pass, whatever it computes. A test describes its op as four
 * callbacks over a list of inputs (CheckOp) and calls check_op, which holds it to these promises:
 *
 *   forward      bits of an image are the same alone and in a batch
 *   tangent      agrees with differences of forward; batch independent; zero where a parameter's
 *                direction is NULL
 *   backward     <dy, ydot> = sum over inputs of <d_in, in_dot>
 *   backward2    agrees with differences of <my, y(in)> + <ly, ydot(in, in_dot)>
 *   sets         (where said) the first input's cotangent is overwritten when asked for
 *   all          outputs are overwritten or added to as promised, each wanted or NULL; nothing
 *                beside them is touched; scratch may hold anything; 1, 2, 3 and 8 threads give the
 *                same bits
 *
 * Callbacks take their scratch from check_scratch and give it back with check_free. */
#ifndef DIFFC_TESTS_OPS_CHECK_H
#define DIFFC_TESTS_OPS_CHECK_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#define CHECK_UNUSED __attribute__((unused))

enum { CHECK_INPUTS = 6, CHECK_GUARD = 17, CHECK_IMAGES = 3 };

typedef struct {
    size_t size;    /* floats: per image, or in all when it is a parameter */
    bool parameter; /* shared by the images; its direction is zero in backward2 */
    float scale;    /* of the random values; 0 means 1 */
    float offset;   /* added to them */
} CheckInput;

typedef struct {
    const char *name; /* for messages */
    void *dims;       /* handed to the callbacks */
    int inputs;
    CheckInput in[CHECK_INPUTS];
    size_t out_size; /* floats per image */
    /* All pointers are arrays over the inputs. d, m and, for parameters, dot may hold NULL. */
    void (*forward)(void *dims, int N, float *y, float *const *in);
    void (*backward)(void *dims, int N, float *const *d, const float *dy, float *const *in);
    void (*tangent)(void *dims, int N, float *ydot, float *const *in, float *const *dot);
    void (*backward2)(void *dims, int N, float *const *m, const float *my, const float *ly,
                      float *const *in, float *const *dot);
    bool sets;        /* backward and backward2 pass check_set on as `set` */
    double step;      /* of the differences; 0 means 0.02 */
    double tolerance; /* of the differences, relative; 0 means 2e-3 */
} CheckOp;

/* What the passes of an op with `sets` are told to overwrite; 0 but in the check of that. */
CHECK_UNUSED static unsigned check_set;

/* ---- guarded memory: n floats between two guards, at an address that is only 4-aligned. */

static uint32_t check_guard_word(size_t i)
{
    return 0x7fc0dead + (uint32_t)i; /* a NaN, so that reading it shows */
}

CHECK_UNUSED static float *check_alloc(size_t n)
{
    char *block = malloc(sizeof(size_t) + (n + 2 * CHECK_GUARD) * sizeof(float));
    if (!block) abort();
    memcpy(block, &n, sizeof n);
    float *data = (float *)(void *)(block + sizeof n) + CHECK_GUARD;
    for (size_t i = 0; i < CHECK_GUARD; i++) {
        uint32_t word = check_guard_word(i);
        memcpy(data - CHECK_GUARD + i, &word, sizeof word);
        memcpy(data + n + i, &word, sizeof word);
    }
    for (size_t i = 0; i < n; i++) data[i] = 0;
    return data;
}

/* Fails the case when a guard changed. */
CHECK_UNUSED static void check_free(float *data)
{
    if (!data) return;
    size_t n;
    char *block = (char *)(data - CHECK_GUARD) - sizeof n;
    memcpy(&n, block, sizeof n);
    bool before = true, after = true;
    for (size_t i = 0; i < CHECK_GUARD; i++) {
        uint32_t word = check_guard_word(i);
        before = before && memcmp(data - CHECK_GUARD + i, &word, sizeof word) == 0;
        after = after && memcmp(data + n + i, &word, sizeof word) == 0;
    }
    EXPECT(before && "nothing is written before an output");
    EXPECT(after && "nothing is written behind an output");
    free(block);
}

/* Filled with NaN: an op may not rely on what scratch holds. */
CHECK_UNUSED static float *check_scratch(size_t n)
{
    float *data = check_alloc(n);
    for (size_t i = 0; i < n; i++) data[i] = NAN;
    return data;
}

CHECK_UNUSED static float *check_random(size_t n, unsigned tag, float scale)
{
    float *data = check_alloc(n);
    test_normals(data, n, tag, scale);
    return data;
}

CHECK_UNUSED static double check_dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

CHECK_UNUSED static double check_norm(const float *a, size_t n)
{
    return sqrt(check_dot(a, a, n));
}

/* ---- one op with its random data */

typedef struct {
    const CheckOp *op;
    int N;
    float *in[CHECK_INPUTS], *dot[CHECK_INPUTS];
    float *dy, *ly; /* cotangents */
} CheckCase;

static size_t check_size(const CheckOp *op, int j, int N)
{
    return op->in[j].parameter ? op->in[j].size : op->in[j].size * (size_t)N;
}

static CheckCase check_case(const CheckOp *op, int N)
{
    CheckCase c = {.op = op, .N = N};
    for (int j = 0; j < op->inputs; j++) {
        size_t n = check_size(op, j, N);
        float scale = op->in[j].scale == 0 ? 1 : op->in[j].scale;
        c.in[j] = check_random(n, 100 + (unsigned)j, scale);
        for (size_t i = 0; i < n; i++) c.in[j][i] += op->in[j].offset;
        c.dot[j] = check_random(n, 200 + (unsigned)j, scale);
    }
    c.dy = check_random(op->out_size * (size_t)N, 300, 1);
    c.ly = check_random(op->out_size * (size_t)N, 301, 1);
    return c;
}

static void check_case_free(CheckCase *c)
{
    for (int j = 0; j < c->op->inputs; j++) {
        check_free(c->in[j]);
        check_free(c->dot[j]);
    }
    check_free(c->dy);
    check_free(c->ly);
}

/* y of fresh, NaN-filled memory; `dot` NULL: forward, else tangent. */
static float *check_apply(const CheckCase *c, float *const *in, float *const *dot)
{
    float *y = check_scratch(c->op->out_size * (size_t)c->N);
    if (dot)
        c->op->tangent(c->op->dims, c->N, y, in, dot);
    else
        c->op->forward(c->op->dims, c->N, y, in);
    return y;
}

/* Fills d with the gradients of `wanted` inputs (bit j), added to random values when `base`. */
static void check_gradients(const CheckCase *c, bool second, unsigned wanted, bool base,
                            float *const *dot, float **d)
{
    const CheckOp *op = c->op;
    for (int j = 0; j < CHECK_INPUTS; j++) d[j] = NULL;
    for (int j = 0; j < op->inputs; j++) {
        if (!(wanted >> j & 1)) continue;
        size_t n = check_size(op, j, c->N);
        d[j] = base ? check_random(n, 400 + (unsigned)j, 1) : check_alloc(n);
    }
    if (second)
        op->backward2(op->dims, c->N, d, c->dy, c->ly, c->in, dot);
    else
        op->backward(op->dims, c->N, d, c->dy, c->in);
}

static void check_free_all(float **d)
{
    for (int j = 0; j < CHECK_INPUTS; j++) check_free(d[j]);
}

/* in + h u for every input. */
static void check_move(const CheckCase *c, float **moved, float *const *u, double h)
{
    for (int j = 0; j < c->op->inputs; j++)
        for (size_t i = 0; i < check_size(c->op, j, c->N); i++)
            moved[j][i] = (float)((double)c->in[j][i] + h * (double)u[j][i]);
}

/* Weights of the difference of fourth order at -2h, -h, h, 2h: error h^4 / 30 f'''''. */
static const double check_weights[4] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};
static const double check_offsets[4] = {-2, -1, 1, 2};

static void check_tangent(const CheckCase *c)
{
    const CheckOp *op = c->op;
    size_t n = op->out_size * (size_t)c->N;
    double h = op->step > 0 ? op->step : 0.02;
    float *ydot = check_apply(c, c->in, c->dot), *difference = check_alloc(n);
    double *sum = calloc(n ? n : 1, sizeof *sum);
    float *moved[CHECK_INPUTS] = {0};
    if (!sum) abort();
    for (int j = 0; j < op->inputs; j++) moved[j] = check_alloc(check_size(op, j, c->N));
    for (int k = 0; k < 4; k++) {
        check_move(c, moved, c->dot, check_offsets[k] * h);
        float *y = check_apply(c, moved, NULL);
        for (size_t i = 0; i < n; i++) sum[i] += check_weights[k] * (double)y[i] / h;
        check_free(y);
    }
    for (size_t i = 0; i < n; i++) difference[i] = (float)sum[i];
    if (!EXPECT_CLOSE(ydot, difference, n, op->tolerance > 0 ? op->tolerance : 2e-3))
        printf("  in the tangent of %s\n", op->name);
    free(sum);
    check_free_all(moved);
    check_free(difference);
    check_free(ydot);
}

static void check_adjoint(const CheckCase *c)
{
    const CheckOp *op = c->op;
    size_t n = op->out_size * (size_t)c->N;
    float *ydot = check_apply(c, c->in, c->dot), *d[CHECK_INPUTS];
    check_gradients(c, false, ~0u, false, c->dot, d);
    double left = check_dot(c->dy, ydot, n), right = 0;
    for (int j = 0; j < op->inputs; j++)
        right += check_dot(d[j], c->dot[j], check_size(op, j, c->N));
    double scale = check_norm(c->dy, n) * check_norm(ydot, n);
    if (!EXPECT_NEAR(right, left, 1e-6 * scale)) printf("  in the backward pass of %s\n", op->name);
    check_free_all(d);
    check_free(ydot);
}

/* <my, y(in)> + <ly, ydot(in, dot)> */
static double check_second_functional(const CheckCase *c, float *const *in, float *const *dot)
{
    size_t n = c->op->out_size * (size_t)c->N;
    float *y = check_apply(c, in, NULL), *ydot = check_apply(c, in, dot);
    double value = check_dot(c->dy, y, n) + check_dot(c->ly, ydot, n);
    check_free(y);
    check_free(ydot);
    return value;
}

/* One input at a time along three random directions, so that a wrong term cannot hide. */
static void check_backward2(const CheckCase *c, float *const *dot)
{
    const CheckOp *op = c->op;
    double h = op->step > 0 ? op->step : 0.02;
    float *m[CHECK_INPUTS], *moved[CHECK_INPUTS] = {0}, *u[CHECK_INPUTS] = {0};
    check_gradients(c, true, ~0u, false, dot, m);
    for (int j = 0; j < op->inputs; j++) {
        moved[j] = check_alloc(check_size(op, j, c->N));
        u[j] = check_alloc(check_size(op, j, c->N));
    }
    for (int j = 0; j < op->inputs; j++) {
        size_t n = check_size(op, j, c->N);
        for (unsigned direction = 0; direction < 3; direction++) {
            test_normals(u[j], n, 500 + direction, 1);
            double difference = 0;
            for (int k = 0; k < 4; k++) {
                check_move(c, moved, u, check_offsets[k] * h);
                difference += check_weights[k] * check_second_functional(c, moved, dot) / h;
            }
            /* <m, u> of a random u has the size of |m|. */
            double tolerance = (op->tolerance > 0 ? op->tolerance : 2e-3) * check_norm(m[j], n);
            if (!EXPECT_NEAR(check_dot(m[j], u[j], n), difference, tolerance + 1e-5))
                printf("  in backward2 of %s, input %d, direction %u\n", op->name, j, direction);
        }
        memset(u[j], 0, n * sizeof(float));
    }
    check_free_all(m);
    check_free_all(moved);
    check_free_all(u);
}

/* Gradients are added, and the same whichever of them are wanted. */
static void check_outputs(const CheckCase *c, bool second, float *const *dot)
{
    const CheckOp *op = c->op;
    float *all[CHECK_INPUTS], *some[CHECK_INPUTS];
    check_gradients(c, second, 0, false, dot, some);
    check_gradients(c, second, ~0u, false, dot, all);
    for (int j = 0; j < op->inputs; j++) {
        size_t n = check_size(op, j, c->N);
        check_gradients(c, second, 1u << j, false, dot, some);
        if (!EXPECT_SAME(some[j], all[j], n * sizeof(float)))
            printf("  in %s, only input %d wanted\n", op->name, j);
        check_free_all(some);
    }
    check_gradients(c, second, ~0u, true, dot, some);
    for (int j = 0; j < op->inputs; j++) {
        size_t n = check_size(op, j, c->N);
        float *sum = check_random(n, 400 + (unsigned)j, 1);
        for (size_t i = 0; i < n; i++) sum[i] += all[j][i];
        if (!EXPECT_CLOSE(some[j], sum, n, 2e-6)) printf("  in %s, input %d\n", op->name, j);
        check_free(sum);
    }
    check_free_all(some);
    check_free_all(all);
}

/* Told to overwrite the first input's cotangent, a pass leaves what it adds to zeros. */
static void check_overwrites(const CheckCase *c, bool second, float *const *dot)
{
    float *added[CHECK_INPUTS], *put[CHECK_INPUTS] = {0};
    size_t n = check_size(c->op, 0, c->N);
    check_gradients(c, second, 1, false, dot, added);
    put[0] = check_scratch(n);
    check_set = 1;
    if (second)
        c->op->backward2(c->op->dims, c->N, put, c->dy, c->ly, c->in, dot);
    else
        c->op->backward(c->op->dims, c->N, put, c->dy, c->in);
    check_set = 0;
    if (!EXPECT_SAME(put[0], added[0], n * sizeof(float)))
        printf("  overwriting in %s\n", c->op->name);
    check_free_all(added);
    check_free_all(put);
}

/* A parameter's direction NULL means zero. */
static void check_null_directions(const CheckCase *c)
{
    const CheckOp *op = c->op;
    float *zero[CHECK_INPUTS] = {0}, *none[CHECK_INPUTS] = {0};
    for (int j = 0; j < op->inputs; j++) {
        zero[j] = check_alloc(check_size(op, j, c->N));
        if (op->in[j].parameter) continue;
        none[j] = c->dot[j];
        memcpy(zero[j], c->dot[j], check_size(op, j, c->N) * sizeof(float));
    }
    float *a = check_apply(c, c->in, none), *b = check_apply(c, c->in, zero);
    EXPECT_CLOSE(a, b, op->out_size * (size_t)c->N, 1e-6);
    check_free(a);
    check_free(b);
    check_free_all(zero);
}

static void check_threads(const CheckCase *c, float *const *dot)
{
    const CheckOp *op = c->op;
    size_t bytes = op->out_size * (size_t)c->N * sizeof(float);
    float *y[2], *ydot[2], *d[2][CHECK_INPUTS], *m[2][CHECK_INPUTS];
    FOR_THREADS(threads)
    {
        int at = threads > 1;
        y[at] = check_apply(c, c->in, NULL);
        ydot[at] = check_apply(c, c->in, c->dot);
        check_gradients(c, false, ~0u, true, c->dot, d[at]);
        check_gradients(c, true, ~0u, true, dot, m[at]);
        if (!at) continue;
        bool ok = EXPECT_SAME(y[1], y[0], bytes) && EXPECT_SAME(ydot[1], ydot[0], bytes);
        for (int j = 0; j < op->inputs; j++) {
            size_t n = check_size(op, j, c->N) * sizeof(float);
            ok = ok && EXPECT_SAME(d[1][j], d[0][j], n) && EXPECT_SAME(m[1][j], m[0][j], n);
        }
        if (!ok) printf("  in %s with %d threads\n", op->name, threads);
        check_free(y[1]);
        check_free(ydot[1]);
        check_free_all(d[1]);
        check_free_all(m[1]);
    }
    check_free(y[0]);
    check_free(ydot[0]);
    check_free_all(d[0]);
    check_free_all(m[0]);
    test_thread_count(1);
}

static void check_batch_independence(const CheckCase *c)
{
    const CheckOp *op = c->op;
    float *y = check_apply(c, c->in, NULL), *ydot = check_apply(c, c->in, c->dot);
    for (int n = 0; n < c->N; n++) {
        CheckCase one = {.op = op, .N = 1};
        for (int j = 0; j < op->inputs; j++) {
            size_t at = op->in[j].parameter ? 0 : (size_t)n * op->in[j].size;
            one.in[j] = c->in[j] + at;
            one.dot[j] = c->dot[j] + at;
        }
        float *y1 = check_apply(&one, one.in, NULL), *ydot1 = check_apply(&one, one.in, one.dot);
        size_t at = (size_t)n * op->out_size;
        if (!EXPECT_SAME(y1, y + at, op->out_size * sizeof(float)) ||
            !EXPECT_SAME(ydot1, ydot + at, op->out_size * sizeof(float)))
            printf("  in %s, image %d alone\n", op->name, n);
        check_free(y1);
        check_free(ydot1);
    }
    check_free(y);
    check_free(ydot);
}

CHECK_UNUSED static void check_op(const CheckOp *op)
{
    CheckCase c = check_case(op, CHECK_IMAGES);
    /* backward2 sees parameters that stand still. */
    float *dot[CHECK_INPUTS] = {0};
    for (int j = 0; j < op->inputs; j++)
        if (!op->in[j].parameter) dot[j] = c.dot[j];
    check_tangent(&c);
    check_adjoint(&c);
    check_backward2(&c, dot);
    check_outputs(&c, false, dot);
    check_outputs(&c, true, dot);
    for (int second = 0; op->sets && second < 2; second++) check_overwrites(&c, second, dot);
    check_null_directions(&c);
    check_threads(&c, dot);
    check_batch_independence(&c);
    check_case_free(&c);
}

#endif
