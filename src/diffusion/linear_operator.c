#include "diffusion/linear_operator.h"

#include <string.h>

#include "base/err.h"

typedef struct {
    size_t (*known)(const LinearOperator *a);
    void (*apply)(const LinearOperator *a, const double *x, double *y);
    void (*transpose)(const LinearOperator *a, const double *y, double *x);
    double (*gram)(const LinearOperator *a, size_t i);
} OperatorRow;

static size_t pixels_of(const LinearOperator *a)
{
    return (size_t)a->height * (size_t)a->width;
}

size_t operator_dims(const LinearOperator *a)
{
    return pixels_of(a) * (size_t)a->channels;
}

/* ---- all of it ---- */

static void copy(const LinearOperator *a, const double *from, double *to)
{
    memcpy(to, from, operator_dims(a) * sizeof *from);
}

static double one(const LinearOperator *a, size_t i)
{
    (void)a, (void)i;
    return 1;
}

/* ---- some pixels ---- */

static size_t mask_known(const LinearOperator *a)
{
    size_t kept = 0;
    for (size_t p = 0; p < pixels_of(a); p++) kept += a->kept[p] != 0;
    return kept * (size_t)a->channels;
}

static void mask_apply(const LinearOperator *a, const double *x, double *y)
{
    size_t C = (size_t)a->channels;
    for (size_t p = 0; p < pixels_of(a); p++) {
        if (!a->kept[p]) continue;
        memcpy(y, x + p * C, C * sizeof *x);
        y += C;
    }
}

static void mask_transpose(const LinearOperator *a, const double *y, double *x)
{
    size_t C = (size_t)a->channels;
    for (size_t p = 0; p < pixels_of(a); p++) {
        for (size_t c = 0; c < C; c++) x[p * C + c] = a->kept[p] ? y[c] : 0;
        if (a->kept[p]) y += C;
    }
}

/* ---- the mean of the colours: a row has 1 / colours for each of them, or 1 for alpha ---- */

static size_t colour_outputs(const LinearOperator *a)
{
    return 1 + (size_t)(a->channels - a->colours);
}

static size_t colour_known(const LinearOperator *a)
{
    return pixels_of(a) * colour_outputs(a);
}

static void colour_apply(const LinearOperator *a, const double *x, double *y)
{
    size_t C = (size_t)a->channels, colours = (size_t)a->colours, outputs = colour_outputs(a);
    for (size_t p = 0; p < pixels_of(a); p++) {
        double sum = 0;
        for (size_t c = 0; c < colours; c++) sum += x[p * C + c];
        y[p * outputs] = sum / (double)colours;
        if (outputs > 1) y[p * outputs + 1] = x[p * C + colours];
    }
}

static void colour_transpose(const LinearOperator *a, const double *y, double *x)
{
    size_t C = (size_t)a->channels, colours = (size_t)a->colours, outputs = colour_outputs(a);
    for (size_t p = 0; p < pixels_of(a); p++) {
        for (size_t c = 0; c < colours; c++) x[p * C + c] = y[p * outputs] / (double)colours;
        if (outputs > 1) x[p * C + colours] = y[p * outputs + 1];
    }
}

static double colour_gram(const LinearOperator *a, size_t i)
{
    return i % colour_outputs(a) == 0 ? 1.0 / a->colours : 1;
}

/* ---- the means of blocks: a row has 1 / block^2 for each of its pixels ---- */

static double block_share(const LinearOperator *a)
{
    return 1.0 / ((double)a->block * a->block);
}

static size_t block_known(const LinearOperator *a)
{
    return (size_t)(a->height / a->block) * (size_t)(a->width / a->block) * (size_t)a->channels;
}

/* The value of y that value c of the pixel at (row, column) belongs to. */
static size_t block_of(const LinearOperator *a, int row, int column, int c)
{
    int at = row / a->block * (a->width / a->block) + column / a->block;
    return (size_t)at * (size_t)a->channels + (size_t)c;
}

static void block_apply(const LinearOperator *a, const double *x, double *y)
{
    double share = block_share(a);
    memset(y, 0, block_known(a) * sizeof *y);
    for (int row = 0; row < a->height; row++)
        for (int column = 0; column < a->width; column++)
            for (int c = 0; c < a->channels; c++) y[block_of(a, row, column, c)] += share * *x++;
}

static void block_transpose(const LinearOperator *a, const double *y, double *x)
{
    double share = block_share(a);
    for (int row = 0; row < a->height; row++)
        for (int column = 0; column < a->width; column++)
            for (int c = 0; c < a->channels; c++) *x++ = share * y[block_of(a, row, column, c)];
}

static double block_gram(const LinearOperator *a, size_t i)
{
    (void)i;
    return block_share(a);
}

/* ---- the table ---- */

static const OperatorRow rows[OPERATOR_KINDS] = {
    [OPERATOR_IDENTITY] = {operator_dims, copy, copy, one},
    [OPERATOR_MASK] = {mask_known, mask_apply, mask_transpose, one},
    [OPERATOR_COLOUR_MEAN] = {colour_known, colour_apply, colour_transpose, colour_gram},
    [OPERATOR_BLOCK_MEAN] = {block_known, block_apply, block_transpose, block_gram},
};

size_t operator_known(const LinearOperator *a)
{
    CHECK(a->kind != OPERATOR_BLOCK_MEAN ||
          (a->height % a->block == 0 && a->width % a->block == 0));
    return rows[a->kind].known(a);
}

void operator_apply(const LinearOperator *a, const double *x, double *y)
{
    rows[a->kind].apply(a, x, y);
}

void operator_transpose(const LinearOperator *a, const double *y, double *x)
{
    rows[a->kind].transpose(a, y, x);
}

double operator_gram(const LinearOperator *a, size_t i)
{
    return rows[a->kind].gram(a, i);
}

void operator_pseudo_inverse(const LinearOperator *a, double *y, double *x)
{
    size_t known = operator_known(a);
    for (size_t i = 0; i < known; i++) y[i] /= operator_gram(a, i);
    operator_transpose(a, y, x);
}
