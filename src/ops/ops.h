/* The operations of the network. Each op is its passes side by side in one file of src/ops:
 *
 *   forward    y from x
 *   backward   cotangents: dx, dw, ... += J^T dy
 *   tangent    directional derivative for fixed parameters: ydot = J xdot
 *   backward2  backward of the tangent pass, for exact second-order gradients. The tangent pass
 *              maps (x, xdot) to (y, ydot). Given the cotangents my of y and ly of ydot it adds the
 *              cotangent of x to mx and the parameters' gradients to dw, db. (The cotangent of xdot
 *              equals backward's dx from dy = ly; it is not made again.)
 *
 * An op that is linear in x has the first two only: its tangent is forward of xdot (without a bias),
 * its backward2 is backward of my. The rows of op.h say which passes an op has.
 *
 * Sources of the formulas: the papers named per op; for tangent and backward2 the derivation in
 * Pearlmutter, "Fast exact multiplication by the Hessian" (1994), written out per op.
 *
 * Rules. Layout is NHWC, float32, dense. Arguments in this order: dims, outputs, inputs, saved
 * values, scratch. forward and tangent OVERWRITE their outputs; backward and backward2 ADD to
 * theirs, each of which may be NULL (not wanted); where they take `set`, bit k of it says that the
 * cotangent of input k is overwritten instead (a NaN there is as good as a zero). Optional inputs (a
 * bias b) may be NULL where said. No output may alias an input unless said. Ops allocate nothing,
 * print nothing, keep no state and cannot fail. `scratch` holds at least OP_scratch_floats(dims, threads)
 * floats, contents free. Parallel by OpenMP over images and
 * fixed tiles of an image; same bits for any number of threads; forward and tangent give an image the
 * same bits whatever batch it is in.
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
size_t conv2d_scratch_floats(const Conv2dDims *d, int threads);
double conv2d_flop(const Conv2dDims *d); /* of one image: 2 per multiply-add */
void conv2d_forward(const Conv2dDims *d, float *y, const float *x, const float *w, const float *b,
                    float *scratch);
/* The same bits from w in the form in which the products read it, made once for many passes. Floats
 * 0: these dims are computed without such a form. */
size_t conv2d_packed_floats(const Conv2dDims *d);
void conv2d_pack(const Conv2dDims *d, float *packed, const float *w);
void conv2d_forward_packed(const Conv2dDims *d, float *y, const float *x, const float *packed,
                           const float *b, float *scratch);
void conv2d_backward(const Conv2dDims *d, float *dx, float *dw, float *db, const float *dy,
                     const float *x, const float *w, float *scratch);
void conv2d_backward2(const Conv2dDims *d, float *mx, float *dw, float *db, const float *my,
                      const float *ly, const float *x, const float *xdot, const float *w,
                      float *scratch);
/* The reference: seven plain loops, sums in double. */
void conv2d_forward_reference(const Conv2dDims *d, float *y, const float *x, const float *w,
                              const float *b);

/* ---- linear: y[m,:] = x[m,:] w + b.  x [N*T, C], w [C,K] in memory (out x in on disk), y [N*T, K].
 * The rows of all images are one product, of which a row's bits do not depend on the others.
 * b may be NULL. Also serves 1x1 convolutions. */
typedef struct {
    int N, T; /* images, rows per image */
    int C, K;
} LinearDims;
/* w in the form that products read, made once for many passes: for forward and tangent, or for the
 * backward passes. The bits equal those without it (packed NULL: made in each pass). */
size_t linear_packed_floats(const LinearDims *d);
void linear_pack(const LinearDims *d, float *packed, const float *w, bool back);
size_t linear_scratch_floats(const LinearDims *d, int threads);
void linear_forward(const LinearDims *d, float *y, const float *x, const float *w,
                    const float *packed, const float *b, float *scratch);
/* The same for the concat of a [N*T, channels_a] and b [N*T, C-channels_a], both with at least one
 * channel, without making it; the same bits. */
void linear_forward_pair(const LinearDims *d, float *y, const float *xa, int channels_a,
                         const float *xb, const float *w, const float *packed, const float *b,
                         float *scratch);
void linear_backward(const LinearDims *d, unsigned set, float *dx, float *dw, float *db,
                     const float *dy, const float *x, const float *w, const float *packed,
                     float *scratch);
void linear_backward2(const LinearDims *d, unsigned set, float *mx, float *dw, float *db,
                      const float *my, const float *ly, const float *x, const float *xdot,
                      const float *w, const float *packed, float *scratch);

/* ---- groupnorm (Wu & He 2018): per image and group of C/G channels over T positions,
 *   xh = (x - mean) * rstd,  rstd = 1/sqrt(var + eps) (biased variance),  y = w[c] xh + b[c],
 *   and with silu set y = silu(w xh + b) in the same pass.
 * C divisible by G. Sums over 32 rows in float, those of x about a pivot, and these in double.
 * mean, rstd: [N,G], written by forward, read by the rest. */
typedef struct {
    int N, T, C, G;
    float eps;
    bool silu;
} GroupNormDims;
size_t groupnorm_scratch_floats(const GroupNormDims *d, int threads);
/* The input of the norm, in one or two parts. */
typedef struct {
    /* b NULL: a is [N,T,C]; else a [N,T,channels_a], b [N,T,C-channels_a]: the bits of their concat
     * where channels_a is a multiple of 16. */
    const float *a, *b;
    /* Not NULL: sums that were made while x was written, per image and channel, over T, of x and of
     * x^2: sums_a [N,2,channels_a] for the first channels_a channels and sums_b [N,2,C-channels_a]
     * for the rest (NULL when there are none). One pass over x instead of two. */
    const double *sums_a, *sums_b;
    int channels_a; /* C where there is one part */
} NormInput;
void groupnorm_forward(const GroupNormDims *d, float *y, float *mean, float *rstd,
                       const NormInput *x, const float *w, const float *b, float *scratch);
void groupnorm_backward(const GroupNormDims *d, unsigned set, float *dx, float *dw, float *db,
                        const float *dy, const float *x, const float *w, const float *b,
                        const float *mean, const float *rstd, float *scratch);
void groupnorm_tangent(const GroupNormDims *d, float *ydot, const float *x, const float *xdot,
                       const float *w, const float *b, const float *mean, const float *rstd,
                       float *scratch);
void groupnorm_backward2(const GroupNormDims *d, unsigned set, float *mx, float *dw, float *db,
                         const float *my, const float *ly, const float *x, const float *xdot,
                         const float *w, const float *b, const float *mean, const float *rstd,
                         float *scratch);

/* ---- silu: y = x sigmoid(x), elementwise over N*size values (size per image). */
typedef struct {
    int N;
    size_t size;
} PointDims;
void silu_forward(const PointDims *d, float *y, const float *x);
void silu_backward(const PointDims *d, float *dx, const float *dy, const float *x);
void silu_tangent(const PointDims *d, float *ydot, const float *x, const float *xdot);
void silu_backward2(const PointDims *d, float *mx, const float *my, const float *ly, const float *x,
                    const float *xdot);

/* ---- attention: scaled dot-product self-attention (Vaswani et al. 2017), heads side by side in
 * the channels (head h owns columns h*D .. h*D+D-1). q, k, v, y: [N, T, heads*D].
 *   A = softmax(q k^T / sqrt(D)) per image and head,  y = A v
 * saved: A of every head, written by forward for the rest, where it takes no more room than q and k
 * (T <= 2D; elsewhere attention_saved_floats is 0). NULL: it is not kept, and the rest make what
 * they need of it again in scratch, with the same bits. */
typedef struct {
    int N, T, heads, D;
} AttentionDims;
size_t attention_saved_floats(const AttentionDims *d);
size_t attention_scratch_floats(const AttentionDims *d, int threads);
void attention_forward(const AttentionDims *d, float *y, float *saved, const float *q,
                       const float *k, const float *v, float *scratch);
void attention_backward(const AttentionDims *d, unsigned set, float *dq, float *dk, float *dv,
                        const float *dy, const float *q, const float *k, const float *v,
                        const float *saved, float *scratch);
void attention_tangent(const AttentionDims *d, float *ydot, const float *q, const float *k,
                       const float *v, const float *qdot, const float *kdot, const float *vdot,
                       const float *saved, float *scratch);
void attention_backward2(const AttentionDims *d, unsigned set, float *mq, float *mk, float *mv,
                         const float *my, const float *ly, const float *q, const float *k,
                         const float *v, const float *qdot, const float *kdot, const float *vdot,
                         const float *saved, float *scratch);

/* ---- resample. upsample: nearest neighbour, factor 2: y [N,2H,2W,C]. tapmeans: for each of the nine
 * places (r, s) that a 3x3 convolution with one pixel of padding reads, the mean over the image of what
 * it reads there: y [N,3,3,C], a row of 9C that times the convolution's weights [3,3,C,K] is the mean of
 * its output. Sums in double. Linear. */
typedef struct {
    int N, H, W, C;
} ResampleDims;
void upsample_forward(const ResampleDims *d, float *y, const float *x);
void upsample_backward(const ResampleDims *d, float *dx, const float *dy);
void tapmeans_forward(const ResampleDims *d, float *y, const float *x);
void tapmeans_backward(const ResampleDims *d, float *dx, const float *dy);

/* ---- cumsum: y[n,k] = sum_{c<=k} x[n,c], x and y [N,C]; sums in double, rounded once per value.
 * Linear. */
typedef struct {
    int N, C;
} CumsumDims;
void cumsum_forward(const CumsumDims *d, float *y, const float *x);
void cumsum_backward(const CumsumDims *d, float *dx, const float *dy);

/* ---- join. concat: y [N,T,A+B] = channels of a [N,T,A] then of b [N,T,B].
 * add: y = a + b over N*size values.
 * shift: y[n,t,c] = x[n,t,c] + e[n,c]   (time embedding; e [N,C]).
 * modulate: y[n,t,c] = x[n,t,c] (1 + e[n,c]) + e[n,C+c]   (scale and shift; e [N,2C]). Bilinear in
 * x and e, so its tangent and backward2 take both; e may have tangent NULL (zero).
 * scale: y = factor * x. */
typedef struct {
    int N, T, A, B;
} ConcatDims;
void concat_forward(const ConcatDims *d, float *y, const float *a, const float *b);
void concat_backward(const ConcatDims *d, unsigned set, float *da, float *db, const float *dy);
void add_forward(const PointDims *d, float *y, const float *a, const float *b);
void add_backward(const PointDims *d, unsigned set, float *da, float *db, const float *dy);
typedef struct {
    int N, T, C;
} ShiftDims;
void shift_forward(const ShiftDims *d, float *y, const float *x, const float *e);
void shift_backward(const ShiftDims *d, float *dx, float *de, const float *dy);
void modulate_forward(const ShiftDims *d, float *y, const float *x, const float *e);
void modulate_backward(const ShiftDims *d, float *dx, float *de, const float *dy, const float *x,
                       const float *e);
void modulate_tangent(const ShiftDims *d, float *ydot, const float *x, const float *xdot,
                      const float *e, const float *edot);
void modulate_backward2(const ShiftDims *d, float *mx, float *me, const float *my, const float *ly,
                        const float *x, const float *xdot, const float *e, const float *edot);
typedef struct {
    PointDims point;
    float factor, offset;
} ScaleDims; /* of the rows of scale and affine */
void scale_forward(const PointDims *d, float factor, float *y, const float *x);
void scale_backward(const PointDims *d, float factor, float *dx, const float *dy);

/* ---- embed. time_features: t [N] -> y [N,F], from double arithmetic rounded once.
 *   positional (Vaswani 2017; DDPM): F features, half = F/2,
 *     w_i = exp(-ln(10000) i / (half - freq_shift)),  [sin(t w), cos(t w)], or [cos, sin] with
 *     flip_sin_to_cos; odd F: one zero appended.
 *   fourier (Tancik et al. 2020; Song et al. 2021): a_i = 2 pi ln(t) w[i], w [F/2] a parameter that
 *     is not trained (backward and tangent never touch it), y = [sin a, cos a]; t > 0.
 *   fourier_linear: the same with a_i = 2 pi t w[i]; any t.
 * A tangent with respect to t (tdot [N], may be NULL: zero) exists, and dt.
 *   class embedding: y[n,:] = w[label[n],:], w [classes,F]; labels are floats holding integers
 *     (so that they are ordinary inputs), clamped to 0 .. classes-1; no derivative to them. */
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
void time_features_forward(const TimeDims *d, float *y, const float *t, const float *w);
void time_features_backward(const TimeDims *d, float *dt, const float *dy, const float *t,
                            const float *w);
void time_features_tangent(const TimeDims *d, float *ydot, const float *t, const float *tdot,
                           const float *w);
void time_features_backward2(const TimeDims *d, float *mt, const float *my, const float *ly,
                             const float *t, const float *tdot, const float *w);
typedef struct {
    int N, F, classes;
} ClassDims;
void class_embed_forward(const ClassDims *d, float *y, const float *label, const float *w);
void class_embed_backward(const ClassDims *d, float *dw, const float *dy, const float *label);

/* ---- input_fourier: the image with Fourier features of itself (Kingma et al. 2021, appendix C), by which a
 * network sees differences of a level of grey: x [N,T,C] -> y [N,T,C(1+2F)],
 *   y = [x, sin(2^n[0] pi x), cos(2^n[0] pi x), sin(2^n[1] pi x), ...], C channels each. */
enum { INPUT_FOURIER_MAX = 8 };
typedef struct {
    int N, T, C, F;
    int n[INPUT_FOURIER_MAX]; /* [F] */
} InputFourierDims;
void input_fourier_forward(const InputFourierDims *d, float *y, const float *x);
void input_fourier_backward(const InputFourierDims *d, float *dx, const float *dy, const float *x);
void input_fourier_tangent(const InputFourierDims *d, float *ydot, const float *x,
                           const float *xdot);
void input_fourier_backward2(const InputFourierDims *d, float *mx, const float *my, const float *ly,
                             const float *x, const float *xdot);

/* ---- dropout: y = x * keep / (1 - p), keep drawn by counter from (seed, stream, element), so all
 * four passes see the same mask and nothing is stored. p = 0 copies. The mask of an element is
 * word w of rng_block b compared with p, where i = 64 (b / 16) + 16 w + b mod 16. */
typedef struct {
    int N;
    size_t size;
    float p; /* 0 <= p < 1 */
    uint64_t seed, stream;
    float rate; /* p while a network trains; else p is 0 (net_set_dropout) */
} DropoutDims;
void dropout_forward(const DropoutDims *d, float *y, const float *x); /* y may be x */
void dropout_backward(const DropoutDims *d, float *dx, const float *dy);

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

/* ---- affine: y = factor * x + offset (its other passes are those of scale).
 * divide: y[n,i] = x[n,i] / t[n], t [N] not zero (Song et al. 2021: a network conditioned on
 * ln(sigma) divides its output by sigma). t may have tangent NULL (zero). */
void affine_forward(const PointDims *d, float factor, float offset, float *y, const float *x);
void divide_forward(const PointDims *d, float *y, const float *x, const float *t);
void divide_backward(const PointDims *d, float *dx, float *dt, const float *dy, const float *x,
                     const float *t);
void divide_tangent(const PointDims *d, float *ydot, const float *x, const float *xdot,
                    const float *t, const float *tdot);
void divide_backward2(const PointDims *d, float *mx, float *mt, const float *my, const float *ly,
                      const float *x, const float *xdot, const float *t, const float *tdot);

#endif
