/* Which source pixels the pixels of a grid see. The forward pass, the data gradient and the weight
 * gradient of a convolution all use this form. Private to src/ops. */
#ifndef DIFFC_CONV2D_WINDOW_H
#define DIFFC_CONV2D_WINDOW_H

/* Grid pixel (i,j) sees the taps_r x taps_s source pixels from (i*step + top, j*step + left) on;
 * those outside the image are zero. */
typedef struct {
    int H, W, C; /* source */
    int rows, cols;
    int step;
    int top, left;
    int taps_r, taps_s;
} Window;

int window_depth(const Window *g); /* taps_r taps_s C */

/* Copies the source pixels left .. left+count-1 of source row ih, zeros outside the image. */
void window_row(const Window *g, float *out, const float *x, int ih, int left, int count);

/* col [count, depth] = windows of the grid pixels first .. first+count-1 of image x. */
void window_gather(const Window *g, float *col, const float *x, int first, int count);

#endif
