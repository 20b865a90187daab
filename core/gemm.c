/* gemm.c - the matrix product's interface, and the choice between its ways (gemm.h). */
#include "gemm.h"

/* Sums that the dot kernel computes faster than the micro-kernel with a quarter of its lanes (measured: 20 no, 84 yes). */
enum { LONG_SUM = 64 };

static void swap(int64_t *a, int64_t *b)
{
    int64_t t = *a;
    *a = *b;
    *b = t;
}

/* C^T = B^T A^T: the same product with rows and columns changed over. */
static void transpose(gemm_product *g)
{
    const char *a = g->a;
    g->a = g->b;
    g->b = a;
    swap(&g->m, &g->n);
    swap(&g->a_batch, &g->b_batch);
    swap(&g->a_row, &g->b_col);
    swap(&g->a_col, &g->b_row);
    swap(&g->c_row, &g->c_col);
    g->bias_per_row = !g->bias_per_row;
}

int tc_gemm(int dtype, const tc_gemm_params *p, const void *a, const void *b, const void *bias, void *c)
{
    FP_SCOPE caller = fp_enter();
    if (p->batch == 0 || p->m == 0 || p->n == 0)
        return TC_OK;
    gemm_product g = {
        .kernels = tc_kernels_for(dtype)->gemm, .item = tc_itemsize(dtype),
        .batch = p->batch, .m = p->m, .n = p->n, .k = p->k,
        .a = a, .b = b, .bias = bias, .c = c,
        .a_batch = p->a_batch, .a_row = p->a_row, .a_col = p->a_col,
        .b_batch = p->b_batch, .b_row = p->b_row, .b_col = p->b_col,
        .c_batch = p->c_batch, .c_row = p->c_row, .c_col = p->c_col,
        .alpha = p->k > 0 ? p->alpha : 0,       /* an empty sum is 0, even times infinity */
        .beta = p->beta, .bias_per_row = p->bias_per_row != 0,
    };
    /* Kernels write rows of C: make these contiguous, and of a column vector a row. */
    if ((g.c_col != 1 && g.c_row == 1 && g.m > 1) || (g.n == 1 && g.m > 1))
        transpose(&g);
    /* A tile would use a quarter of its columns at most; dot products waste none, where the sums are long enough to repay
     * adding up their lanes. */
    if (g.n < g.m && g.n <= g.kernels->nr / 4 && g.k >= LONG_SUM) {
        transpose(&g);
        if (!gemm_dot_pays(&g))
            transpose(&g);
    }
    if (gemm_dot_pays(&g)) {
        gemm_dot(&g);
        return TC_OK;
    }
    if (gemm_axpy_pays(&g)) {
        gemm_axpy(&g);
        return TC_OK;
    }
    if (gemm_block_pays(&g))
        return gemm_block(&g);
    int status = TC_OK;
    for (int64_t i = 0; i < g.batch && status == TC_OK; i++)
        status = gemm_packed(&g, i);
    return status;
}
