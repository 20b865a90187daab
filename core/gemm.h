/* gemm.h - what the files of the matrix product share: gemm.c chooses between
 *
 *   gemm_packed.c  both operands packed by all threads: large in both directions
 *   gemm_block.c   blocks of C on their own: A read where it lies, B packed a strip at a time or not at all
 *   gemm_vector.c  dot products and sums of rows: few rows, matrix times vector
 *
 * Each cuts C by its shape alone and sums every element over k in one order, so that results depend neither on the number
 * of threads nor on which of them computes what. */
#ifndef TC_GEMM_H
#define TC_GEMM_H

#include "internal.h"

/* Multiply-adds that repay a hand-over to another thread, those of a whole product that repay waking it, and the tasks wanted
 * for a good balance. */
enum { TASK_WORK = 1 << 17, PARALLEL_WORK = 1 << 19, WANTED_TASKS = 16 };

/* `batch` products of one shape; strides as in tc_gemm_params. */
typedef struct {
    const tc_gemm_kernels *kernels;
    size_t item;
    int64_t batch, m, n, k;
    const char *a, *b, *bias;
    char *c;
    int64_t a_batch, a_row, a_col, b_batch, b_row, b_col, c_batch, c_row, c_col;
    double alpha, beta;
    bool bias_per_row;
} gemm_product;

static inline const char *gemm_at(const gemm_product *g, const char *base, int64_t elements)
{
    return base + elements * (int64_t)g->item;
}

/* Points t at C's tile from row i, column j of a product of the batch. The first block of k scales C and adds the bias, the
 * later ones add to C. */
static inline void gemm_place_tile(const gemm_product *g, char *c, bool first, int64_t i, int64_t j, tc_tile *t)
{
    t->c = c + (i * g->c_row + j * g->c_col) * (int64_t)g->item;
    t->beta = first ? g->beta : 1;
    const bool biased = first && g->bias;
    t->row_bias = biased && g->bias_per_row ? gemm_at(g, g->bias, i) : NULL;
    t->col_bias = biased && !g->bias_per_row ? gemm_at(g, g->bias, j) : NULL;
}

/* Length of the sums in one go: equal blocks of k, none longer than `most`. At least 1: k == 0 is one block too, an empty one
 * that still scales C and adds the bias. */
static inline int64_t gemm_depth(int64_t k, int64_t most)
{
    return k > 0 ? tc_ceil_div(k, tc_ceil_div(k, most)) : 1;
}

/* tc_parallel_for over tasks of a shape: `work` multiply-adds each on average. */
static inline void gemm_run(int64_t tasks, double work, tc_range_fn fn, void *ctx)
{
    const bool pays = (double)tasks * work >= PARALLEL_WORK;
    tc_parallel_for(tasks, pays ? tc_max(1, (int64_t)(TASK_WORK / work)) : tasks, fn, ctx);
}

/* One product of the batch, by packed panels. */
int gemm_packed(const gemm_product *g, int64_t which);

/* The whole batch; gemm_block_pays() tells where this is better than packing everything. */
bool gemm_block_pays(const gemm_product *g);
int gemm_block(const gemm_product *g);

/* The whole batch, where gemm_dot_pays() or gemm_axpy_pays() says so. */
bool gemm_dot_pays(const gemm_product *g);
void gemm_dot(const gemm_product *g);
bool gemm_axpy_pays(const gemm_product *g);
void gemm_axpy(const gemm_product *g);

#endif
