#include <math.h>
#include <string.h>

#include "ops/op.h"
#include "ops/ops.h"

static const double PI = 3.14159265358979323846;

static int out_channels(const InputFourierDims *d)
{
    return d->C * (1 + 2 * d->F);
}

/* sin and cos of 2^n pi x, and the frequency. 2^n x and its remainder after whole turns are exact. */
typedef struct {
    double s, c, w;
} Wave;
static Wave wave_at(int n, float x)
{
    double turns = ldexp((double)x, n - 1);
    double angle = 2 * PI * (turns - rint(turns));
    return (Wave){sin(angle), cos(angle), ldexp(PI, n)};
}

/* y = [x, sin of all channels for the first n, cos of them, sin for the second n, ...] */
void input_fourier_forward(const InputFourierDims *d, float *y, const float *x)
{
    int C = d->C, K = out_channels(d);
#pragma omp parallel for schedule(static)
    for (int row = 0; row < d->N * d->T; row++) {
        float *to = y + (size_t)row * (size_t)K;
        const float *from = x + (size_t)row * (size_t)C;
        memcpy(to, from, (size_t)C * sizeof *to);
        for (int f = 0; f < d->F; f++)
            for (int c = 0; c < C; c++) {
                Wave v = wave_at(d->n[f], from[c]);
                to[C * (1 + 2 * f) + c] = (float)v.s;
                to[C * (2 + 2 * f) + c] = (float)v.c;
            }
    }
}

/* dx += dy_x + sum_f w (dy_sin cos - dy_cos sin) */
void input_fourier_backward(const InputFourierDims *d, float *dx, const float *dy, const float *x)
{
    int C = d->C, K = out_channels(d);
    if (!dx) return;
#pragma omp parallel for schedule(static)
    for (int row = 0; row < d->N * d->T; row++) {
        const float *from = dy + (size_t)row * (size_t)K;
        for (int c = 0; c < C; c++) {
            size_t at = (size_t)row * (size_t)C + (size_t)c;
            double sum = (double)from[c];
            for (int f = 0; f < d->F; f++) {
                Wave v = wave_at(d->n[f], x[at]);
                sum += v.w * ((double)from[C * (1 + 2 * f) + c] * v.c -
                              (double)from[C * (2 + 2 * f) + c] * v.s);
            }
            dx[at] += (float)sum;
        }
    }
}

/* ydot = [xdot, w cos xdot, -w sin xdot, ...] */
void input_fourier_tangent(const InputFourierDims *d, float *ydot, const float *x,
                           const float *xdot)
{
    int C = d->C, K = out_channels(d);
#pragma omp parallel for schedule(static)
    for (int row = 0; row < d->N * d->T; row++) {
        float *to = ydot + (size_t)row * (size_t)K;
        const float *from = x + (size_t)row * (size_t)C, *dot = xdot + (size_t)row * (size_t)C;
        memcpy(to, dot, (size_t)C * sizeof *to);
        for (int f = 0; f < d->F; f++)
            for (int c = 0; c < C; c++) {
                Wave v = wave_at(d->n[f], from[c]);
                to[C * (1 + 2 * f) + c] = (float)(v.w * v.c * (double)dot[c]);
                to[C * (2 + 2 * f) + c] = (float)(-v.w * v.s * (double)dot[c]);
            }
    }
}

/* mx += my_x + sum_f w (my_sin cos - my_cos sin) - w^2 (ly_sin sin + ly_cos cos) xdot */
void input_fourier_backward2(const InputFourierDims *d, float *mx, const float *my, const float *ly,
                             const float *x, const float *xdot)
{
    int C = d->C, K = out_channels(d);
    if (!mx) return;
    input_fourier_backward(d, mx, my, x);
#pragma omp parallel for schedule(static)
    for (int row = 0; row < d->N * d->T; row++) {
        const float *from = ly + (size_t)row * (size_t)K;
        for (int c = 0; c < C; c++) {
            size_t at = (size_t)row * (size_t)C + (size_t)c;
            double sum = 0;
            for (int f = 0; f < d->F; f++) {
                Wave v = wave_at(d->n[f], x[at]);
                sum += v.w * v.w *
                       ((double)from[C * (1 + 2 * f) + c] * v.s +
                        (double)from[C * (2 + 2 * f) + c] * v.c);
            }
            mx[at] -= (float)(sum * (double)xdot[at]);
        }
    }
}

static void run_waves_forward(const OpCall *c)
{
    input_fourier_forward(c->dims, c->y, c->x[0]);
}

static void run_waves_backward(const OpCall *c)
{
    input_fourier_backward(c->dims, c->dx[0], c->dy, c->x[0]);
}

static void run_waves_tangent(const OpCall *c)
{
    input_fourier_tangent(c->dims, c->ydot, c->x[0], c->xdot[0]);
}

static void run_waves_backward2(const OpCall *c)
{
    input_fourier_backward2(c->dims, c->mx[0], c->my, c->dy, c->x[0], c->xdot[0]);
}

const Op op_input_fourier = {.name = "input_fourier",
                             .dims_bytes = sizeof(InputFourierDims),
                             .forward = run_waves_forward,
                             .backward = run_waves_backward,
                             .tangent = run_waves_tangent,
                             .backward2 = run_waves_backward2,
                             .backward_values = OP_X0,
                             .tangent_values = OP_X0,
                             .second_values = OP_X0,
                             .second_tangents = OP_X0,
                             .second_lambda = true};
