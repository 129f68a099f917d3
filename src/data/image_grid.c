#include <math.h>
#include <string.h>

#include "data/image.h"

unsigned char image_byte(float value)
{
    double v = 127.5 * ((double)value + 1);
    if (!(v > 0)) return 0; /* NaN too */
    return v >= 255 ? 255 : (unsigned char)nearbyint(v);
}

void image_bytes(unsigned char *bytes, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) bytes[i] = image_byte(x[i]);
}

bool image_grid_size(int count, int H, int W, int columns, int gap, int *height, int *width,
                     Err *err)
{
    CHECK(count > 0 && H > 0 && W > 0 && columns >= 0 && gap >= 0);
    if (columns == 0)
        while ((long long)columns * columns < count) columns++;
    if (columns > count) columns = count;
    int rows = (count - 1) / columns + 1;
    long long high = (long long)rows * H + (long long)(rows - 1) * gap;
    long long wide = (long long)columns * W + (long long)(columns - 1) * gap;
    if (high > IMAGE_MAX_PIXELS || wide > IMAGE_MAX_PIXELS / high)
        return err_set(err, ERR_USAGE,
                       "a picture of %d images has %lldx%lld pixels, more than the limit of %d; "
                       "write fewer images",
                       count, wide, high, IMAGE_MAX_PIXELS);
    *height = (int)high;
    *width = (int)wide;
    return true;
}

bool image_grid(const unsigned char *pixels, int count, int H, int W, int C, int columns, int gap,
                Image *out, Err *err)
{
    int height, width;
    CHECK(C >= 1 && C <= IMAGE_MAX_CHANNELS);
    *out = (Image){0};
    if (!image_grid_size(count, H, W, columns, gap, &height, &width, err)) return false;
    columns = (width + gap) / (W + gap);
    size_t stride = (size_t)width * (size_t)C, bytes = (size_t)height * stride;
    if (!image_alloc(out, height, width, C))
        return err_set(err, ERR_MEMORY, "not enough memory for a picture of %zu bytes", bytes);
    memset(out->pixels, 255, bytes);
    for (int i = 0; i < count; i++) {
        size_t top = (size_t)(i / columns) * (size_t)(H + gap);
        size_t left = (size_t)(i % columns) * (size_t)(W + gap);
        for (int y = 0; y < H; y++) {
            unsigned char *to = out->pixels + (top + (size_t)y) * stride + left * (size_t)C;
            memcpy(to, pixels, (size_t)W * (size_t)C);
            pixels += W * C;
        }
    }
    return true;
}
