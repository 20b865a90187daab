/* gemm_vector.c - products with so few rows that packing B would cost as much as the product: each element of B is read
 * once or a few times, where it lies. */
#include "gemm.h"

/* ---- A's rows and B's columns contiguous along k: dot products (x @ weight.T of a small batch) ---- */

/* Columns of B in a task, in tiles of the dot kernel, and the length of sums after which the next rows' turn comes: the
 * columns of a tile stay in L1 for all rows. */
enum { DOT_TILES = 8, DOT_DEPTH = 1024 };

/* Tiles of rows at most, and room for the sums of any dot kernel. */
enum { DOT_ROW_TILES = 3, DOT_SIZE = 64 };

static int64_t dot_strips(const gemm_product *g)
{
    return tc_ceil_div(g->n, DOT_TILES * g->kernels->dot_cols);
}

/* All rows of C, `cols` columns from j on. */
static void dot_tiles(const gemm_product *g, const char *a, const char *b, char *c, int64_t j, int cols)
{
    const int64_t dot_rows = g->kernels->dot_rows;
    double sums[DOT_ROW_TILES][DOT_SIZE];
    tc_tile t = {.cols = cols, .a_step = g->a_row, .b_step = g->b_col, .c_row = g->c_row, .c_col = g->c_col, .alpha = g->alpha};
    memset(sums, 0, sizeof sums);
    for (int64_t p = 0; p < g->k; p += DOT_DEPTH) {
        t.kc = tc_min(DOT_DEPTH, g->k - p);
        t.b = gemm_at(g, b, j * g->b_col + p);
        for (int64_t i = 0; i < g->m; i += dot_rows) {
            t.rows = (int)tc_min(dot_rows, g->m - i);
            t.a = gemm_at(g, a, i * g->a_row + p);
            g->kernels->dot(&t, sums[i / dot_rows]);
        }
    }
    for (int64_t i = 0; i < g->m; i += dot_rows) {
        t.rows = (int)tc_min(dot_rows, g->m - i);
        gemm_place_tile(g, c, true, i, j, &t);
        g->kernels->finish(&t, sums[i / dot_rows], g->kernels->dot_cols);
    }
}

static void dot_tasks(void *ctx, int64_t begin, int64_t end)
{
    const gemm_product *g = ctx;
    const int64_t dot_cols = g->kernels->dot_cols, strip = DOT_TILES * dot_cols, strips = dot_strips(g);
    for (int64_t task = begin; task < end; task++) {
        const int64_t which = task / strips, first = task % strips * strip, last = tc_min(first + strip, g->n);
        for (int64_t j = first; j < last; j += dot_cols)
            dot_tiles(g, gemm_at(g, g->a, which * g->a_batch), gemm_at(g, g->b, which * g->b_batch),
                      (char *)gemm_at(g, g->c, which * g->c_batch), j, (int)tc_min(dot_cols, last - j));
    }
}

bool gemm_dot_pays(const gemm_product *g)
{
    return g->a_col == 1 && g->b_row == 1 && g->k > 0 && g->m <= DOT_ROW_TILES * g->kernels->dot_rows;
}

void gemm_dot(const gemm_product *g)
{
    const double work = (double)g->m * (double)(DOT_TILES * g->kernels->dot_cols) * (double)g->k;
    gemm_run(g->batch * dot_strips(g), work, dot_tasks, (void *)g);
}

/* ---- a row vector times a matrix with adjacent columns: the sum of B's rows, AXPY_COLS columns at a time ---- */

enum { AXPY_COLS = 512 };

static void axpy_tasks(void *ctx, int64_t begin, int64_t end)
{
    const gemm_product *g = ctx;
    const int64_t strips = tc_ceil_div(g->n, AXPY_COLS);
    double sums[AXPY_COLS];
    tc_tile t = {.rows = 1, .c_row = g->c_row, .c_col = g->c_col, .alpha = g->alpha};
    for (int64_t task = begin; task < end; task++) {
        const int64_t which = task / strips, j = task % strips * AXPY_COLS;
        t.cols = (int)tc_min(AXPY_COLS, g->n - j);
        memset(sums, 0, sizeof sums);
        g->kernels->axpy(t.cols, g->k, gemm_at(g, g->a, which * g->a_batch), g->a_col,
                         gemm_at(g, g->b, which * g->b_batch + j), g->b_row, sums);
        gemm_place_tile(g, (char *)gemm_at(g, g->c, which * g->c_batch), true, 0, j, &t);
        g->kernels->finish(&t, sums, AXPY_COLS);
    }
}

bool gemm_axpy_pays(const gemm_product *g)
{
    return g->m == 1 && g->b_col == 1 && g->k > 0;
}

void gemm_axpy(const gemm_product *g)
{
    /* Memory-bound: a multiply-add takes the time of four. */
    const double work = 4. * (double)tc_min(g->n, AXPY_COLS) * (double)g->k;
    gemm_run(g->batch * tc_ceil_div(g->n, AXPY_COLS), work, axpy_tasks, (void *)g);
}
