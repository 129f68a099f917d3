#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "data/image.h"

/* Output pixel i is the sum of weight[i * taps + k] * in[first[i] + k]; the weights sum to 1. */
typedef struct {
    int count, taps;
    int *first;
    float *weight;
} Axis;

static void axis_free(Axis *a)
{
    mem_free(a->first);
    mem_free(a->weight);
}

/* `count` output pixels, each `step` input pixels wide, centred in `size` input pixels. Shrinking
 * (step > 1) averages the covered area; enlarging interpolates between pixel centres. */
static bool axis_make(Axis *a, int size, int count, double step)
{
    double start = ((double)size - count * step) / 2;
    a->count = count;
    a->taps = step > 1 ? (int)ceil(step) + 1 : 2;
    if (a->taps > size) a->taps = size;
    a->first = mem_alloc((size_t)count, sizeof *a->first);
    a->weight = mem_floats((size_t)count * (size_t)a->taps);
    if (!a->first || !a->weight) return false;
    for (int i = 0; i < count; i++) {
        double from = start + i * step, to = from + step;
        if (step <= 1) { /* what a pixel-wide box covers is linear interpolation */
            from = (from + to) / 2 - 0.5;
            to = from + 1;
        }
        int first = (int)floor(from);
        if (first > size - a->taps) first = size - a->taps;
        if (first < 0) first = 0;
        a->first[i] = first;
        float *weight = a->weight + (size_t)i * (size_t)a->taps;
        double sum = 0;
        for (int k = 0; k < a->taps; k++) {
            /* What lies beyond the first and last pixel belongs to them. */
            double left = first + k == 0 ? -HUGE_VAL : first + k;
            double right = first + k == size - 1 ? HUGE_VAL : first + k + 1;
            double covered = fmin(to, right) - fmax(from, left);
            weight[k] = (float)fmax(covered, 0);
            sum += (double)weight[k];
        }
        for (int k = 0; k < a->taps; k++) weight[k] = (float)((double)weight[k] / sum);
    }
    return true;
}

/* With alpha, colours are multiplied by it for the sums. */
static void resize_rows(const Image *in, const Axis *a, float *out)
{
    int C = in->channels;
    for (int y = 0; y < in->height; y++)
        for (int x = 0; x < a->count; x++) {
            const float *weight = a->weight + (size_t)x * (size_t)a->taps;
            const unsigned char *from =
                in->pixels + ((size_t)y * (size_t)in->width + (size_t)a->first[x]) * (size_t)C;
            for (int c = 0; c < C; c++) {
                bool by_alpha = image_has_alpha(C) && c < C - 1;
                double sum = 0;
                for (int k = 0; k < a->taps; k++) {
                    const unsigned char *pixel = from + (size_t)k * (size_t)C;
                    double value = (double)pixel[c];
                    if (by_alpha) value *= (double)pixel[C - 1] / 255;
                    sum += (double)weight[k] * value;
                }
                *out++ = (float)sum;
            }
        }
}

/* `width` pixels of C channels a row. */
static void resize_columns(const float *in, int width, int C, const Axis *a, unsigned char *out)
{
    size_t stride = (size_t)width * (size_t)C;
    for (int y = 0; y < a->count; y++) {
        const float *weight = a->weight + (size_t)y * (size_t)a->taps;
        const float *from = in + (size_t)a->first[y] * stride;
        for (int x = 0; x < width; x++, from += C) {
            double alpha = 255;
            for (int c = C - 1; c >= 0; c--) {
                double sum = 0;
                for (int k = 0; k < a->taps; k++)
                    sum += (double)weight[k] * (double)from[(size_t)k * stride + (size_t)c];
                if (image_has_alpha(C) && c == C - 1)
                    alpha = sum;
                else if (image_has_alpha(C))
                    sum = alpha > 0 ? sum * 255 / alpha : 0;
                out[c] = (unsigned char)(fmin(fmax(sum, 0), 255) + 0.5);
            }
            out += C;
        }
    }
}

bool image_resize_crop(const Image *in, int height, int width, Image *out, Err *err)
{
    CHECK(height > 0 && width > 0 && in->height > 0 && in->width > 0);
    size_t stride = (size_t)width * (size_t)in->channels;
    /* The same step on both axes keeps the aspect; the smaller one makes the image cover. */
    double step = fmin((double)in->height / height, (double)in->width / width);
    Axis across = {0}, down = {0};
    float *rows = mem_floats((size_t)in->height * stride);
    bool ok = image_alloc(out, height, width, in->channels) && rows &&
              axis_make(&across, in->width, width, step) &&
              axis_make(&down, in->height, height, step);
    if (ok) {
        resize_rows(in, &across, rows);
        resize_columns(rows, width, in->channels, &down, out->pixels);
    } else {
        err_set(err, ERR_MEMORY, "not enough memory to resize %dx%d pixels to %dx%d", in->width,
                in->height, width, height);
        image_free(out);
    }
    mem_free(rows);
    axis_free(&across);
    axis_free(&down);
    return ok;
}
