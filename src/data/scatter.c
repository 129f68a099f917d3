#include "data/scatter.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Glyphs of 5x7 pixels for what %g writes; a row's leftmost pixel is bit 4. */
enum { GLYPH_WIDTH = 5, GLYPH_HEIGHT = 7, GLYPH_STEP = 6, LABEL_BYTES = 32 };
static const char glyph_characters[] = "0123456789-.e+";
static const unsigned char glyphs[][GLYPH_HEIGHT] = {
    {0x0E, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0E}, {0x04, 0x0C, 0x04, 0x04, 0x04, 0x04, 0x0E},
    {0x0E, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1F}, {0x1F, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0E},
    {0x02, 0x06, 0x0A, 0x12, 0x1F, 0x02, 0x02}, {0x1F, 0x10, 0x1E, 0x01, 0x01, 0x11, 0x0E},
    {0x06, 0x08, 0x10, 0x1E, 0x11, 0x11, 0x0E}, {0x1F, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08},
    {0x0E, 0x11, 0x11, 0x0E, 0x11, 0x11, 0x0E}, {0x0E, 0x11, 0x11, 0x0F, 0x01, 0x02, 0x0C},
    {0x00, 0x00, 0x00, 0x0E, 0x00, 0x00, 0x00}, {0x00, 0x00, 0x00, 0x00, 0x00, 0x0C, 0x0C},
    {0x00, 0x00, 0x0E, 0x11, 0x1F, 0x10, 0x0E}, {0x00, 0x04, 0x04, 0x1F, 0x04, 0x04, 0x00},
};

typedef struct {
    unsigned char r, g, b;
} Colour;
static const Colour WHITE = {255, 255, 255}, GRID = {235, 237, 240}, ZERO = {205, 209, 214},
                    FRAME = {130, 135, 142}, TEXT = {85, 90, 98};

typedef struct {
    Image *image;
    int left, top, side; /* the square inside the frame, in pixels */
    int zoom;            /* of the glyphs */
    ScatterView view;
} Plot;

ScatterView scatter_view(const float *xy, size_t count)
{
    double low[2] = {HUGE_VAL, HUGE_VAL}, high[2] = {-HUGE_VAL, -HUGE_VAL};
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(xy[2 * i]) || !isfinite(xy[2 * i + 1])) continue;
        for (int d = 0; d < 2; d++) {
            low[d] = fmin(low[d], (double)xy[2 * i + (size_t)d]);
            high[d] = fmax(high[d], (double)xy[2 * i + (size_t)d]);
        }
    }
    if (low[0] > high[0]) return (ScatterView){.reach = 1};
    double half = fmax(high[0] - low[0], high[1] - low[1]) / 2;
    ScatterView view = {.x = (low[0] + high[0]) / 2, .y = (low[1] + high[1]) / 2};
    /* Widens a range that holds one point, or points that differ by less than floats of their size
     * can. */
    double least = 1e-6 * fmax(fabs(view.x), fabs(view.y));
    view.reach = 1.05 * (half > least ? half : fmax(least, half == 0 ? 1 : half));
    return view;
}

/* ---- frame, ticks, numbers */

static void fill(Image *image, int x, int y, int width, int height, Colour c)
{
    for (int row = y < 0 ? 0 : y; row < y + height && row < image->height; row++)
        for (int column = x < 0 ? 0 : x; column < x + width && column < image->width; column++) {
            unsigned char *p =
                image->pixels + 3 * ((size_t)row * (size_t)image->width + (size_t)column);
            p[0] = c.r;
            p[1] = c.g;
            p[2] = c.b;
        }
}

static int text_width(const char *text, int zoom)
{
    return zoom * (GLYPH_STEP * (int)strlen(text) - 1);
}

static void draw_text(Plot *p, int x, int y, const char *text)
{
    for (; *text; text++, x += GLYPH_STEP * p->zoom) {
        const char *found = strchr(glyph_characters, *text);
        CHECK(found);
        const unsigned char *glyph = glyphs[found - glyph_characters];
        for (int row = 0; row < GLYPH_HEIGHT; row++)
            for (int column = 0; column < GLYPH_WIDTH; column++)
                if (glyph[row] >> (GLYPH_WIDTH - 1 - column) & 1)
                    fill(p->image, x + column * p->zoom, y + row * p->zoom, p->zoom, p->zoom, TEXT);
    }
}

/* The largest of 1, 2, 5 times a power of ten that gives at least four ticks. */
static double tick_step(double reach)
{
    double power = pow(10, floor(log10(reach)));
    static const double steps[] = {1, 0.5, 0.2, 0.1};
    for (int i = 0; i < 4; i++)
        if (2 * reach / (power * steps[i]) >= 4) return power * steps[i];
    return power * steps[3];
}

static int pixel_of(const Plot *p, double offset)
{
    return (int)lround((offset / p->view.reach + 1) / 2 * p->side);
}

/* The ticks of an axis stand at whole multiples of the step, from *first on. */
static int ticks_of_axis(const ScatterView *view, int axis, double *first)
{
    double step = tick_step(view->reach), centre = axis ? view->y : view->x;
    *first = ceil((centre - view->reach) / step);
    return (int)(floor((centre + view->reach) / step) - *first) + 1;
}

static void tick_label(char out[LABEL_BYTES], double value)
{
    /* Adding 0 makes 0 of -0. */
    snprintf(out, LABEL_BYTES, "%.6g", value + 0);
}

static int widest_label(const ScatterView *view, int axis, int zoom)
{
    double first;
    int ticks = ticks_of_axis(view, axis, &first), widest = 0;
    for (int i = 0; i < ticks; i++) {
        char label[LABEL_BYTES];
        tick_label(label, (first + i) * tick_step(view->reach));
        int width = text_width(label, zoom);
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* Line, tick and number of a value on an axis; `at` counts pixels from the axis' start. */
static void draw_tick(Plot *p, int axis, int at, double value)
{
    char label[LABEL_BYTES];
    tick_label(label, value);
    Colour line = value == 0 ? ZERO : GRID;
    int width = text_width(label, p->zoom), bottom = p->top + p->side, tick = 2 * p->zoom;
    if (axis == 0) {
        fill(p->image, p->left + at, p->top, 1, p->side, line);
        fill(p->image, p->left + at, bottom, 1, tick, FRAME);
        draw_text(p, p->left + at - width / 2, bottom + 2 * tick, label);
    } else {
        fill(p->image, p->left, bottom - at, p->side, 1, line);
        fill(p->image, p->left - tick, bottom - at, tick, 1, FRAME);
        draw_text(p, p->left - 2 * tick - width, bottom - at - GLYPH_HEIGHT * p->zoom / 2, label);
    }
}

static void draw_ticks(Plot *p)
{
    for (int axis = 0; axis < 2; axis++) {
        double first, centre = axis ? p->view.y : p->view.x;
        int ticks = ticks_of_axis(&p->view, axis, &first);
        for (int i = 0; i < ticks; i++) {
            double value = (first + i) * tick_step(p->view.reach);
            draw_tick(p, axis, pixel_of(p, value - centre), value);
        }
    }
}

/* Numbers left of the square and below it; those at its corners are centred there. */
static void place_square(Plot *p, int size)
{
    int half = widest_label(&p->view, 0, p->zoom) / 2, gap = 2 * p->zoom;
    p->left = widest_label(&p->view, 1, p->zoom) + 3 * gap;
    if (p->left < half + gap) p->left = half + gap;
    int right = half + gap, bottom = 3 * gap + GLYPH_HEIGHT * p->zoom;
    p->top = GLYPH_HEIGHT * p->zoom / 2 + gap;
    int width = size - p->left - right, height = size - p->top - bottom;
    p->side = width < height ? width : height;
}

static void draw_frame(Plot *p)
{
    fill(p->image, p->left - 1, p->top - 1, p->side + 2, 1, FRAME);
    fill(p->image, p->left - 1, p->top + p->side, p->side + 2, 1, FRAME);
    fill(p->image, p->left - 1, p->top - 1, 1, p->side + 2, FRAME);
    fill(p->image, p->left + p->side, p->top - 1, 1, p->side + 2, FRAME);
}

/* ---- dots */

/* Radius and opacity of a dot among `count` on a square of `side` pixels. The share of the square
 * that the dots would cover if they lay evenly shrinks slowly as they get more. */
static void dot_style(size_t count, int side, double *radius, double *opacity)
{
    double share = 1000.0 / (double)(count > 100 ? count : 100);
    *radius = side / 420.0 * fmin(3, fmax(0.8, 2 * pow(share, 0.25)));
    *opacity = fmin(0.85, fmax(0.08, 0.55 * pow(share, 0.3)));
}

/* clear[] holds how much of the ground shines through, a product over the dots. */
static void draw_dot(float *clear, int side, double x, double y, double radius, double opacity)
{
    int x0 = (int)floor(x - radius - 1), y0 = (int)floor(y - radius - 1);
    int x1 = (int)ceil(x + radius + 1), y1 = (int)ceil(y + radius + 1);
    for (int row = y0 < 0 ? 0 : y0; row <= y1 && row < side; row++)
        for (int column = x0 < 0 ? 0 : x0; column <= x1 && column < side; column++) {
            double distance = hypot(column + 0.5 - x, row + 0.5 - y);
            double covered = fmin(1, fmax(0, radius + 0.5 - distance));
            clear[(size_t)row * (size_t)side + (size_t)column] *= (float)(1 - opacity * covered);
        }
}

/* Maps the amount of ink to a colour: from the background over light blue to dark blue. */
static void ink_pixel(unsigned char *p, double clear)
{
    static const double light[3] = {88, 145, 214}, dark[3] = {10, 38, 96};
    double ink = 1 - clear;
    for (int c = 0; c < 3; c++) {
        double blue = light[c] + (dark[c] - light[c]) * ink * ink;
        double cover = fmin(1, 1.25 * ink);
        p[c] = (unsigned char)lround(p[c] + (blue - p[c]) * cover);
    }
}

static size_t draw_points(Plot *p, float *clear, const float *xy, size_t count)
{
    double radius, opacity;
    dot_style(count, p->side, &radius, &opacity);
    size_t outside = 0;
    for (size_t i = 0; i < count; i++) {
        double x = ((double)xy[2 * i] - p->view.x) / p->view.reach;
        double y = ((double)xy[2 * i + 1] - p->view.y) / p->view.reach;
        if (fabs(x) <= 1 && fabs(y) <= 1)
            draw_dot(clear, p->side, (x + 1) / 2 * p->side, (1 - y) / 2 * p->side, radius, opacity);
        else
            outside++;
    }
    for (int row = 0; row < p->side; row++)
        for (int column = 0; column < p->side; column++) {
            size_t at = (size_t)(p->top + row) * (size_t)p->image->width + (size_t)p->left;
            double through = (double)clear[(size_t)row * (size_t)p->side + (size_t)column];
            ink_pixel(p->image->pixels + 3 * (at + (size_t)column), through);
        }
    return outside;
}

bool scatter_plot(const float *xy, size_t count, const ScatterView *view, int size, Image *out,
                  size_t *outside, Err *err)
{
    CHECK(size >= SCATTER_LEAST && size <= SCATTER_MOST && view->reach > 0);
    Plot p = {.image = out, .view = *view};
    p.zoom = size < 480 ? 1 : (size + 160) / 320;
    place_square(&p, size);
    size_t square = (size_t)p.side * (size_t)p.side;
    float *clear = mem_floats(square);
    if (!image_alloc(out, size, size, 3) || !clear) {
        mem_free(clear);
        image_free(out);
        return err_set(err, ERR_MEMORY, "not enough memory for a scatter plot of %dx%d pixels",
                       size, size);
    }
    for (size_t i = 0; i < square; i++) clear[i] = 1;
    fill(out, 0, 0, size, size, WHITE);
    draw_ticks(&p);
    size_t left_out = draw_points(&p, clear, xy, count);
    draw_frame(&p);
    if (outside) *outside = left_out;
    mem_free(clear);
    return true;
}
