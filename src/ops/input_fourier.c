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

/* y = [x, sin of all channels for the first n, cos of them, sin for the second n, ...]; or with xdot
 * its tangent, [xdot, w cos xdot, -w sin xdot, ...]. */
static void write_features(const OpCall *c, float *y, const float *xdot)
{
    const InputFourierDims *d = c->dims;
    int C = d->C, K = out_channels(d);
#pragma omp parallel for schedule(static)
    for (int row = 0; row < d->N * d->T; row++) {
        float *to = y + (size_t)row * (size_t)K;
        const float *from = c->x[0] + (size_t)row * (size_t)C;
        const float *dot = xdot ? xdot + (size_t)row * (size_t)C : NULL;
        memcpy(to, dot ? dot : from, (size_t)C * sizeof *to);
        for (int f = 0; f < d->F; f++)
            for (int k = 0; k < C; k++) {
                Wave v = wave_at(d->n[f], from[k]);
                to[C * (1 + 2 * f) + k] = (float)(dot ? v.w * v.c * (double)dot[k] : v.s);
                to[C * (2 + 2 * f) + k] = (float)(dot ? -v.w * v.s * (double)dot[k] : v.c);
            }
    }
}

static void input_fourier_forward(const OpCall *c)
{
    write_features(c, c->y, NULL);
}

static void input_fourier_tangent(const OpCall *c)
{
    write_features(c, c->ydot, c->xdot[0]);
}

/* dx += dy_x + sum_f w (dy_sin cos - dy_cos sin), and in backward2
 * dx -= sum_f w^2 (ly_sin sin + ly_cos cos) xdot */
static void input_fourier_backward(const OpCall *c)
{
    const InputFourierDims *d = c->dims;
    int C = d->C, K = out_channels(d);
    if (!c->dx[0]) return;
#pragma omp parallel for schedule(static)
    for (int row = 0; row < d->N * d->T; row++) {
        const float *dy = c->dy + (size_t)row * (size_t)K;
        const float *ly = c->ly ? c->ly + (size_t)row * (size_t)K : NULL;
        for (int k = 0; k < C; k++) {
            size_t at = (size_t)row * (size_t)C + (size_t)k;
            double first = (double)dy[k], second = 0;
            for (int f = 0; f < d->F; f++) {
                int of_sin = C * (1 + 2 * f) + k, of_cos = of_sin + C;
                Wave v = wave_at(d->n[f], c->x[0][at]);
                first += v.w * ((double)dy[of_sin] * v.c - (double)dy[of_cos] * v.s);
                if (ly) second += v.w * v.w * ((double)ly[of_sin] * v.s + (double)ly[of_cos] * v.c);
            }
            c->dx[0][at] += (float)first;
            if (ly) c->dx[0][at] -= (float)(second * (double)c->xdot[0][at]);
        }
    }
}

const Op op_input_fourier = {.name = "input_fourier",
                             .dims_bytes = sizeof(InputFourierDims),
                             .forward = input_fourier_forward,
                             .backward = input_fourier_backward,
                             .tangent = input_fourier_tangent,
                             .backward2 = input_fourier_backward,
                             .reads = OP_X0};
