/* Which memory the transforms of the Winograd convolution need after the products of a panel: y and the residual of
 * that panel, whose lines lie far apart, and the input of the next block. The products fetch it into L2 while
 * they run. */
#include "ops/winograd_table.h"

enum { LINE_FLOATS = 16 };

/* Pixels that lie one after another, counted through all images. */
typedef struct {
    size_t first, count;
} Pixels;

/* The rows of images of this size that begin `shift` below the block's tiles; none where a block does not hold whole
 * rows of tiles. */
static Pixels block_pixels(const WinogradPlan *p, int block, int height, int width, int shift)
{
    int first = block * p->block_segments, last = first + p->block_segments - 1;
    if (p->block_segments % p->row_segments != 0 || first >= p->segments) return (Pixels){0, 0};
    WinogradSegment a = winograd_segment(p, first);
    WinogradSegment b = winograd_segment(p, last < p->segments ? last : p->segments - 1);
    int top = a.row > 0 ? a.row * p->tile + shift : 0, bottom = (b.row + 1) * p->tile + shift;
    if (bottom > height) bottom = height;
    size_t begin = (size_t)(a.n * height + top) * (size_t)width;
    size_t end = (size_t)(b.n * height + bottom) * (size_t)width;
    return (Pixels){begin, end > begin ? end - begin : 0};
}

void winograd_set_soon(const WinogradPlan *p, WinogradStretch *s, const WinogradOutput *y,
                       const WinogradInput *x, int block, int panel)
{
    Pixels out = block_pixels(p, block, p->H, p->W, 0);
    size_t parts = y->upsampled ? 4 : 1, channels = (size_t)p->K;
    size_t at = out.first / parts * channels + (size_t)(panel * p->panel_vectors * p->lanes);
    WinogradLines lines = {.count = out.count / parts, .step = channels};
    lines.from = y->y + at, s->soon[2] = lines;
    if (y->residual) lines.from = y->residual + at, s->soon[1] = lines;
    if (!x) return;
    Pixels in = block_pixels(p, block + 1, p->in_H, p->in_W, 2 - p->pad);
    parts = x->upsampled ? 4 : 1;
    size_t share = in.count / parts * (size_t)p->C / LINE_FLOATS / (size_t)p->panels;
    const float *from =
        x->x + in.first / parts * (size_t)p->C + (size_t)panel * share * LINE_FLOATS;
    s->soon[0] = (WinogradLines){.from = from, .count = share, .step = LINE_FLOATS};
}
