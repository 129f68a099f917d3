/* The formulas of the network's operations and the dims of their rows (op.h), and the losses. Sources
 * of the formulas: the papers named per operation; for tangent and backward2 the derivation in
 * Pearlmutter, "Fast exact multiplication by the Hessian" (1994), written out per operation.
 *
 * Letters: N images, H W height and width, C channels in, K channels out, T tokens (H*W). */
#ifndef DIFFC_OPS_H
#define DIFFC_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- conv2d: y[n,oh,ow,k] = b[k] + sum_{r,s,c} x[n, oh*stride+r-pad_top, ow*stride+s-pad_left, c]
 *                                                  w[r,s,c,k],    zero outside the image.
 * w is [R,S,C,K] in memory (OIHW on disk), b is [K] or NULL. x [N,H,W,C], y [N,OH,OW,K]. */
typedef struct {
    int N, H, W, C; /* input */
    int K;          /* output channels */
    int R, S;       /* kernel height and width */
    int stride;
    int pad_top, pad_bottom, pad_left, pad_right;
} Conv2dDims;
int conv2d_out_height(const Conv2dDims *d); /* (H + pads - R) / stride + 1, rounded down */
int conv2d_out_width(const Conv2dDims *d);
double conv2d_flop(const void *dims); /* of one image: 2 per multiply-add */
/* The reference: seven plain loops, sums in double. */
void conv2d_forward_reference(const Conv2dDims *d, float *y, const float *x, const float *w,
                              const float *b);

/* ---- linear: y[m,:] = x[m,:] w + b.  x [N*T, C], w [C,K] in memory (out x in on disk), y [N*T, K].
 * The rows of all images are one product, of which a row's bits do not depend on the others. b may be
 * NULL. Also serves 1x1 convolutions. forward may be given x in two parts, x[0] [N*T, channels_a] and
 * x[1] [N*T, C-channels_a]: the bits of their concat. */
typedef struct {
    int N, T; /* images, rows per image */
    int C, K;
} LinearDims;

/* ---- groupnorm (Wu & He 2018): per image and group of C/G channels over T positions,
 *   xh = (x - mean) * rstd,  rstd = 1/sqrt(var + eps) (biased variance),  y = w[c] xh + b[c],
 *   and with silu set y = silu(w xh + b) in the same pass.
 * C divisible by G. Sums over 32 rows in float, those of x about a pivot, and these in double.
 * saved: mean [N,G], then rstd [N,G].
 * forward may be given x in two parts, x[0] [N,T,channels_a] and x[1] [N,T,C-channels_a]: the bits of
 * their concat where channels_a is a multiple of 16. And it may be given sums that were made while x
 * was written, for one pass over x instead of two: per image and channel, over T, of x and of x^2:
 * sums_in[0] [N,2,channels_a] for the first channels_a channels and sums_in[1] [N,2,C-channels_a] for
 * the rest (NULL where channels_a is C). */
typedef struct {
    int N, T, C, G;
    float eps;
    bool silu;
} GroupNormDims;

/* ---- silu: y = x sigmoid(x), elementwise over N*size values (size per image).
 * relu: y = the larger of x and 0; its derivative at 0 is 0. NaN stays NaN. */
typedef struct {
    int N;
    size_t size;
} PointDims;

/* ---- attention: scaled dot-product self-attention (Vaswani et al. 2017), heads side by side in
 * the channels (head h owns columns h*D .. h*D+D-1). Inputs q, k, v, and y: [N, T, heads*D].
 *   A = softmax(q k^T / sqrt(D)) per image and head,  y = A v
 * saved: A of every head, where it takes no more room than q and k (T <= 2D; elsewhere nothing). NULL:
 * it is not kept, and the other passes make what they need of it again in scratch, with the same
 * bits. */
typedef struct {
    int N, T, heads, D;
} AttentionDims;

/* ---- resample. upsample: nearest neighbour, factor 2: y [N,2H,2W,C]. tapmeans: for each of the nine
 * places (r, s) that a 3x3 convolution with one pixel of padding reads, the mean over the image of what
 * it reads there: y [N,3,3,C], a row of 9C that times the convolution's weights [3,3,C,K] is the mean of
 * its output. Sums in double. Linear. */
typedef struct {
    int N, H, W, C;
} ResampleDims;

/* ---- pooling over windows of R x S pixels, one pixel of y [N,OH,OW,C] each, of x [N,H,W,C]:
 *   y[n,oh,ow,c] = the largest (maxpool) or the mean (meanpool) of
 *                  x[n, oh*stride+r-pad_h, ow*stride+s-pad_w, c] over r < R and s < S.
 * Only pixels inside the image count, so a window at the edge has fewer; 2 pad_h < R and 2 pad_w < S, so each has one.
 * The derivative of a maximum goes to the first of equal values; NaN is larger than any value. Sums of
 * means in double, rounded once per value. meanpool is linear. */
typedef struct {
    int N, H, W, C; /* input */
    int R, S;       /* window */
    int stride, pad_h, pad_w;
} PoolDims;
int pool_out_height(const PoolDims *d); /* (H + 2 pad_h - R) / stride + 1, rounded down */
int pool_out_width(const PoolDims *d);

/* ---- cumsum: y[n,k] = sum_{c<=k} x[n,c], x and y [N,C]; sums in double, rounded once per value.
 * Linear. */
typedef struct {
    int N, C;
} CumsumDims;

/* ---- concat: y [N,T,A+B] = channels of a [N,T,A] then of b [N,T,B]. */
typedef struct {
    int N, T, A, B;
} ConcatDims;

/* ---- add (PointDims): y = a + b over N*size values.
 * divide (PointDims): y[n,i] = x[n,i] / t[n], t [N] not zero (Song et al. 2021: a network conditioned
 * on ln(sigma) divides its output by sigma). t may have tangent NULL (zero).
 * affine: y = factor * x + offset. */
typedef struct {
    PointDims point;
    float factor, offset;
} AffineDims;

/* ---- shift: y[n,t,c] = x[n,t,c] + e[n,c]   (time embedding; e [N,C]).
 * modulate: y[n,t,c] = x[n,t,c] (1 + e[n,c]) + e[n,C+c]   (scale and shift; e [N,2C]). Bilinear in
 * x and e; e may have tangent NULL (zero). */
typedef struct {
    int N, T, C;
} ShiftDims;

/* ---- time_features: t [N] -> y [N,F], from double arithmetic rounded once.
 *   positional (Vaswani 2017; DDPM): F features, half = F/2,
 *     w_i = exp(-ln(10000) i / (half - freq_shift)),  [sin(t w), cos(t w)], or [cos, sin] with
 *     flip_sin_to_cos; odd F: one zero appended.
 *   fourier (Tancik et al. 2020; Song et al. 2021): a_i = 2 pi ln(t) w[i], w [F/2] a parameter that
 *     is not trained (backward and tangent never touch it), y = [sin a, cos a]; t > 0.
 *   fourier_linear: the same with a_i = 2 pi t w[i]; any t. */
typedef enum {
    TIME_UNSET, /* not set yet */
    TIME_POSITIONAL,
    TIME_FOURIER,
    TIME_FOURIER_LINEAR,
    TIME_FOURIER_LINEAR_999 /* the same features, for networks whose label is 999 t (network_label) */
} TimeFeatureKind;
typedef struct {
    int N, F;
    TimeFeatureKind kind;
    bool flip_sin_to_cos;
    double freq_shift;
} TimeDims;

/* ---- class embedding: y[n,:] = w[label[n],:], w [classes,F]; labels are floats holding integers
 * (so that they are ordinary inputs), clamped to 0 .. classes-1; no derivative to them. */
typedef struct {
    int N, F, classes;
} ClassDims;

/* ---- input_fourier: the image with Fourier features of itself (Kingma et al. 2021, appendix C), by which a
 * network sees differences of a level of grey: x [N,T,C] -> y [N,T,C(1+2F)],
 *   y = [x, sin(2^n[0] pi x), cos(2^n[0] pi x), sin(2^n[1] pi x), ...], C channels each. */
enum { INPUT_FOURIER_MAX = 8 };
typedef struct {
    int N, T, C, F;
    int n[INPUT_FOURIER_MAX]; /* [F] */
} InputFourierDims;

/* ---- dropout: y = x * keep / (1 - p), keep drawn by counter from (seed, stream, element), so all
 * four passes see the same mask and nothing is stored. p = 0 copies; y may be x. The mask of an
 * element is word w of rng_block b compared with p, where i = 64 (b / 16) + 16 w + b mod 16. */
typedef struct {
    int N;
    size_t size;
    float p; /* 0 <= p < 1 */
    uint64_t seed, stream;
    float rate; /* p while a network trains; else p is 0 (net_set_dropout) */
} DropoutDims;

/* ---- losses, one a sample: loss [N]. Backward adds dloss times the gradient of their sum to dx.
 * xent: log-softmax cross-entropy, logits x [N,C], target class [N]:
 *   loss = logsumexp(x) - x[target], sums in double.
 * mse: weighted squared error, loss[n] = weight[n] / size * sum_i (x - target)^2; weight NULL: 1.
 * target and weight have no gradient. */
typedef struct {
    int N, C;
} XentDims;
void xent_forward(const XentDims *d, float *loss, const float *x, const int *target);
void xent_backward(const XentDims *d, float *dx, float dloss, const float *x, const int *target);
void mse_forward(const PointDims *d, float *loss, const float *x, const float *target,
                 const float *weight);
void mse_backward(const PointDims *d, float *dx, float dloss, const float *x, const float *target,
                  const float *weight);

#endif
