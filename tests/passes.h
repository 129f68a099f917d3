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

#include "base/parallel.h"
#include "guarded.h"
#include "ops/op.h"
#include "test.h"

/* Inputs of the row, then weights and bias. */
enum { WEIGHTS = OP_INPUTS, BIAS, TENSORS };

typedef struct PassCase PassCase;
struct PassCase {
    const Op *op;
    const void *dims;    /* of the row; N is taken from below */
    int N;               /* images */
    int inputs, active;  /* the first `active` inputs have derivatives */
    size_t per[TENSORS]; /* floats of an input for an image; of a parameter in all (0: none) */
    size_t out;          /* floats of y for an image */
    bool frozen;         /* the parameters have no gradient */
    bool by_index;       /* an image's result depends on its place in the batch (dropout) */
    bool without_saved;  /* the passes are given no place for saved values */
    bool packed;         /* the passes are given packed weights */
    float offset, scale; /* of the random values of input 0; scale 0: 1 */
    void (*prepare)(const PassCase *c, float **x); /* after a fill with N(0,1); may be NULL */
    void (*formula)(const PassCase *c, double *y, double **x); /* y is zero at first */
};

/* One set of inputs and outputs. */
typedef struct {
    float *x[TENSORS], *xdot[OP_INPUTS];         /* in */
    float *dy, *my;                              /* in; dy is also the ly of backward2 */
    float *y, *ydot, *dx[TENSORS], *mx[TENSORS]; /* out */
} Passes;

static bool is_parameter(int tensor)
{
    return tensor >= WEIGHTS;
}

static size_t tensor_floats(const PassCase *c, int tensor)
{
    return is_parameter(tensor) ? c->per[tensor] : (size_t)c->N * c->per[tensor];
}

static bool has_tensor(const PassCase *c, int tensor)
{
    return is_parameter(tensor) ? c->per[tensor] > 0 : tensor < c->inputs;
}

static bool has_gradient(const PassCase *c, int tensor)
{
    return has_tensor(c, tensor) && (is_parameter(tensor) ? !c->frozen : tensor < c->active);
}

static size_t output_floats(const PassCase *c)
{
    return (size_t)c->N * c->out;
}

static void passes_fill(const PassCase *c, Passes *s)
{
    for (int j = 0; j < TENSORS; j++) {
        if (!has_tensor(c, j)) continue;
        size_t n = tensor_floats(c, j);
        s->x[j] = check_random(n, 10 + (unsigned)j, j == 0 && c->scale != 0 ? c->scale : 1);
        for (size_t i = 0; j == 0 && i < n; i++) s->x[0][i] += c->offset;
        if (j < c->active) s->xdot[j] = check_random(n, 20 + (unsigned)j, 1);
    }
    s->dy = check_random(output_floats(c), 30, 1);
    s->my = check_random(output_floats(c), 31, 1);
    if (c->prepare) c->prepare(c, s->x);
}

/* ---- running a row */

typedef struct {
    OpCall call;
    float *forward, *back; /* packed weights */
} Running;

static float *packed_new(const PassCase *c, const void *dims, const float *w, bool back)
{
    size_t floats = c->packed && c->op->packed_floats ? c->op->packed_floats(dims) : 0;
    if (!floats || (back && !c->op->packs_back)) return NULL;
    float *packed = check_aligned(floats);
    c->op->pack(dims, packed, w, back);
    return packed;
}

static Running passes_begin(const PassCase *c, const Passes *s)
{
    Running r = {.call = {.w = s->x[WEIGHTS], .b = s->x[BIAS]}};
    int *dims = calloc(1, c->op->dims_bytes);
    if (!dims) abort();
    memcpy(dims, c->dims, c->op->dims_bytes);
    dims[0] = c->N;
    r.call.dims = dims;
    size_t scratch = c->op->scratch_floats ? c->op->scratch_floats(dims, parallel_threads()) : 0;
    size_t saved = c->op->saved_floats && !c->without_saved ? c->op->saved_floats(dims) : 0;
    r.call.scratch = scratch ? check_aligned(scratch) : NULL;
    r.call.saved = saved ? check_scratch(saved) : NULL;
    r.forward = packed_new(c, dims, s->x[WEIGHTS], false);
    r.back = packed_new(c, dims, s->x[WEIGHTS], true);
    for (int j = 0; j < c->inputs; j++) r.call.x[j] = s->x[j];
    return r;
}

static void passes_end(Running *r)
{
    check_free(r->call.saved);
    free(r->call.scratch);
    free(r->forward);
    free(r->back);
    free((void *)(size_t)r->call.dims);
}

static void pass_forward(const PassCase *c, Running *r, float *y)
{
    OpCall call = r->call;
    call.packed = r->forward;
    call.y = y;
    c->op->forward(&call);
}

/* Takes the inputs away that a pass must not read. */
static void read_only(OpCall *call, unsigned reads)
{
    for (int j = 0; j < OP_INPUTS; j++)
        if (!(reads >> j & 1)) call->x[j] = NULL;
}

static void pass_tangent(const PassCase *c, Running *r, float *ydot, float *const *xdot)
{
    OpCall call = r->call;
    call.packed = r->forward;
    if (c->active == 0) {
        memset(ydot, 0, output_floats(c) * sizeof *ydot);
    } else if (c->op->tangent) {
        for (int j = 0; j < c->active; j++) call.xdot[j] = xdot[j];
        read_only(&call, c->op->reads);
        call.ydot = ydot;
        c->op->tangent(&call);
    } else {
        for (int j = 0; j < c->active; j++) call.x[j] = xdot[j];
        call.b = NULL;
        call.y = ydot;
        c->op->forward(&call);
    }
}

static void pass_backward(const PassCase *c, Running *r, const Passes *s, bool second, unsigned set)
{
    OpCall call = r->call;
    float *const *dx = second ? s->mx : s->dx;
    read_only(&call, c->op->reads);
    call.packed = r->back;
    call.set = set & c->op->overwrites;
    call.dw = dx[WEIGHTS];
    call.db = dx[BIAS];
    call.dy = second ? s->my : s->dy;
    for (int j = 0; j < c->active; j++) call.dx[j] = dx[j];
    if (second && c->op->backward2) {
        for (int j = 0; j < c->active; j++) call.xdot[j] = s->xdot[j];
        call.ly = s->dy;
        c->op->backward2(&call);
    } else {
        c->op->backward(&call);
    }
}

/* Runs all passes into fresh outputs of `s`; overwritten ones start as NaN. A gradient dx[j], mx[j] is
 * wanted where bit j of `wanted` is set, and overwritten where bit j of `set` is. */
static void passes_run(const PassCase *c, Passes *s, unsigned wanted, unsigned set)
{
    s->y = check_scratch(output_floats(c));
    s->ydot = check_scratch(output_floats(c));
    for (int j = 0; j < TENSORS; j++) {
        size_t n = tensor_floats(c, j);
        bool want = has_gradient(c, j) && (wanted >> j & 1);
        bool fill = set & c->op->overwrites & 1u << j;
        s->dx[j] = !want ? NULL : fill ? check_scratch(n) : check_alloc(n);
        s->mx[j] = !want ? NULL : fill ? check_scratch(n) : check_alloc(n);
    }
    Running r = passes_begin(c, s);
    pass_forward(c, &r, s->y);
    pass_backward(c, &r, s, false, set);
    pass_tangent(c, &r, s->ydot, s->xdot);
    pass_backward(c, &r, s, true, set);
    passes_end(&r);
}

static void passes_free_outputs(Passes *s)
{
    check_free(s->y);
    check_free(s->ydot);
    for (int j = 0; j < TENSORS; j++) {
        check_free(s->dx[j]);
        check_free(s->mx[j]);
    }
}

static void passes_free(Passes *s)
{
    passes_free_outputs(s);
    for (int j = 0; j < TENSORS; j++) check_free(s->x[j]);
    for (int j = 0; j < OP_INPUTS; j++) check_free(s->xdot[j]);
    check_free(s->dy);
    check_free(s->my);
}

/* Same bits in every output that both sets have. */
static bool passes_same(const PassCase *c, const Passes *a, const Passes *b)
{
    size_t n = output_floats(c) * sizeof(float);
    bool ok = EXPECT_SAME(a->y, b->y, n);
    ok &= EXPECT_SAME(a->ydot, b->ydot, n);
    for (int j = 0; j < TENSORS; j++) {
        size_t bytes = tensor_floats(c, j) * sizeof(float);
        if (a->dx[j] && b->dx[j]) ok &= EXPECT_SAME(a->dx[j], b->dx[j], bytes);
        if (a->mx[j] && b->mx[j]) ok &= EXPECT_SAME(a->mx[j], b->mx[j], bytes);
    }
    return ok;
}

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
