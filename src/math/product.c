#include "math/product.h"

#include <stdint.h>

#include "base/err.h"
#include "base/parallel.h"
#include "math/product_table.h"
#include "math/vec.h"

enum {
    ALIGN_FLOATS = 16,
    WIDEST = 16,         /* lanes of the widest level */
    PACK_ROWS = 96,      /* from here on packing B costs less than it saves */
    BLOCK_ROWS = 112,    /* rows of A that pass over a panel of B while it is in L1 */
    PACK_COST = 8,       /* packing an element of B takes as long as so many multiply-adds */
    SMALL_WORK = 1 << 19 /* multiply-adds below which another thread wakes too late to help */
};

bool product_follows_shape(void)
{
    return vec_uses_blas();
}

/* By shape, and the same when B is packed and when it is used. */
static const ProductTable *kernels(const Product *p)
{
    int rows = p->image_rows > 0 ? p->image_rows : p->M;
    return vec_uses_blas() && rows >= PRODUCT_LIBRARY_ROWS && p->K > 0 ? &product_table_blas
                                                                       : &SIMD_TABLE(product_table);
}

static int divide_up(int a, int b)
{
    return (a + b - 1) / b;
}

static int panel_count(const ProductTable *t, int N)
{
    return divide_up(N, PRODUCT_PANEL * t->lanes);
}

size_t product_packed_floats(int N, int K)
{
    return (size_t)divide_up(N, WIDEST) * WIDEST * (size_t)K;
}

size_t product_scratch_here_floats(int N, int K)
{
    return product_packed_floats(N, K) + ALIGN_FLOATS;
}

size_t product_scratch_floats(int N, int K, int threads)
{
    return (size_t)threads * product_scratch_here_floats(N, K);
}

static float *align(float *scratch)
{
    uintptr_t at = (uintptr_t)scratch;
    return scratch + (-at & (ALIGN_FLOATS * sizeof *scratch - 1)) / sizeof *scratch;
}

static bool wants_packing(const ProductTable *t, const Product *p)
{
    if (p->packed || t->library) return false;
    return p->transpose_b || p->N % t->lanes != 0 || p->M >= PACK_ROWS;
}

bool product_is_small(int M, int N, int K)
{
    return (double)M * (double)N * (double)K < SMALL_WORK;
}

void product_pack_here(const Product *p, float *packed)
{
    const ProductTable *t = kernels(p);
    for (int panel = 0; panel < panel_count(t, p->N); panel++) t->pack(p, packed, panel);
}

void product_pack(const Product *p, float *packed)
{
    const ProductTable *t = kernels(p);
    bool small = product_is_small(PACK_COST, p->N, p->K);
#pragma omp parallel for num_threads(parallel_threads()) schedule(static) if (!small)
    for (int panel = 0; panel < panel_count(t, p->N); panel++) t->pack(p, packed, panel);
}

/* A library's calls: each image's rows in blocks of t->rows, times panels. */
static int library_blocks(const ProductTable *t, const Product *p, int *image_rows)
{
    *image_rows = p->image_rows > 0 && p->image_rows < p->M ? p->image_rows : p->M;
    return divide_up(p->M, *image_rows) * divide_up(*image_rows, t->rows);
}

static void library_unit(const ProductTable *t, const Product *p, int block, int panel)
{
    int image_rows;
    library_blocks(t, p, &image_rows);
    int blocks = divide_up(image_rows, t->rows), end = (block / blocks + 1) * image_rows;
    int row = block / blocks * image_rows + block % blocks * t->rows;
    if (end > p->M) end = p->M;
    if (row >= end) return;
    t->run(p, p->packed, row, row + t->rows < end ? row + t->rows : end, panel, panel + 1);
}

static void run_by_library(const ProductTable *t, const Product *p)
{
    int image_rows, panels = panel_count(t, p->N), blocks = library_blocks(t, p, &image_rows);
#pragma omp parallel for num_threads(parallel_threads()) schedule(dynamic)
    for (int unit = 0; unit < blocks * panels; unit++)
        library_unit(t, p, unit / panels, unit % panels);
}

static void run_by_library_here(const ProductTable *t, const Product *p)
{
    int image_rows, panels = panel_count(t, p->N), blocks = library_blocks(t, p, &image_rows);
    for (int unit = 0; unit < blocks * panels; unit++)
        library_unit(t, p, unit / panels, unit % panels);
}

void product_run_here(const Product *p, float *scratch)
{
    CHECK(!(p->a_rest && p->transpose_a));
    if (p->M <= 0 || p->N <= 0) return;
    const ProductTable *t = kernels(p);
    if (t->library) {
        run_by_library_here(t, p);
        return;
    }
    const float *packed = p->packed;
    if (wants_packing(t, p)) {
        float *mine = align(scratch);
        product_pack_here(p, mine);
        packed = mine;
    }
    int panels = panel_count(t, p->N);
    for (int row = 0; row < p->M; row += BLOCK_ROWS) {
        int last = p->M - row < BLOCK_ROWS ? p->M : row + BLOCK_ROWS;
        t->run(p, packed, row, last, 0, panels);
    }
}

/* How many blocks of rows and groups of panels the threads share; the bits do not depend on it. Few
 * rows are not divided, because each block would read all of B. */
static void divide(const ProductTable *t, const Product *p, int *blocks, int *groups)
{
    int threads = parallel_threads(), panels = panel_count(t, p->N);
    *blocks = 1, *groups = 1;
    if (p->M < 2 * t->rows * threads && panels >= threads)
        *groups = panels;
    else
        *blocks = divide_up(divide_up(p->M, BLOCK_ROWS), threads) * threads;
}

void product_run(const Product *p, float *scratch)
{
    if (parallel_threads() == 1 || product_is_small(p->M, p->N, p->K)) {
        product_run_here(p, scratch);
        return;
    }
    CHECK(!(p->a_rest && p->transpose_a));
    const ProductTable *t = kernels(p);
    if (t->library) {
        run_by_library(t, p);
        return;
    }
    bool packs = wants_packing(t, p);
    int panels = panel_count(t, p->N), blocks, groups;
    divide(t, p, &blocks, &groups);
#pragma omp parallel num_threads(parallel_threads())
    {
        const float *packed = p->packed;
        if (packs) {
            size_t floats = product_scratch_here_floats(p->N, p->K);
            float *mine = align(scratch + (size_t)parallel_thread() * floats);
            product_pack_here(p, mine);
            packed = mine;
        }
#pragma omp for schedule(static) nowait
        for (int unit = 0; unit < blocks * groups; unit++) {
            int block = unit / groups, group = unit % groups;
            int row = (int)((long)p->M * block / blocks);
            int last = (int)((long)p->M * (block + 1) / blocks);
            t->run(p, packed, row, last, panels * group / groups, panels * (group + 1) / groups);
        }
    }
}
