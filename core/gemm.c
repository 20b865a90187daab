/* gemm.c - matrix products: BLIS's five loops around the micro-kernel of gemm_tpl.h.
 *
 * C is cut into super-blocks whose operands, KC deep, are packed into panels by all threads (loops over n, k, m), then
 * multiplied block by block (loops over blocks, columns of B's panels, panels of A). A panel of B stays in L1 while the
 * panels of a block of A, which stays in L2, pass by. Each element of C is summed over k in one order by one thread,
 * whatever the cut, so results do not depend on the number of threads. */
#include "internal.h"

/* Side of a super-block: bounds the packed panels of A and B to KC * SUPER elements each (2 MiB of floats), which L3
 * holds; packing then costs 1/SUPER of the multiplications. */
enum { SUPER = 2048 };

/* Columns of C in a block, at most: a block of A is read from L2 once for each panel in it. */
enum { BLOCK_COLS = 256 };

/* Multiply-adds that repay a hand-over to another thread (about 10 us), and the blocks wanted for a good balance. */
enum { CHUNK_WORK = 1 << 18, WANTED_BLOCKS = 16 };

/* Elements that one chunk packs. */
enum { CHUNK_PACK = 1 << 15 };

/* The operands of one batch item; strides as in tc_gemm_params. */
typedef struct {
    const tc_gemm_kernels *kernels;
    size_t item;
    int64_t m, n, k;
    const char *a, *b, *bias;
    char *c;
    int64_t a_row, a_col, b_row, b_col, c_row, c_col;
    double alpha, beta;
    bool bias_per_row;
    /* The super-block at work. */
    int64_t i0, j0, p0, rows, cols, depth;
    int64_t block_rows, block_cols;
    char *a_panels, *b_panels;
} product;

static const void *offset(const product *g, const void *base, int64_t elements)
{
    return base ? (const char *)base + elements * (int64_t)g->item : NULL;
}

/* ---- the packed product ---- */

/* Panels of A first, then those of B. */
static void pack_panels(void *ctx, int64_t begin, int64_t end)
{
    const product *g = ctx;
    const int mr = g->kernels->mr, nr = g->kernels->nr;
    const int64_t a_count = tc_ceil_div(g->rows, mr);
    for (int64_t panel = begin; panel < end; panel++) {
        if (panel < a_count) {
            int64_t i = panel * mr;
            const void *src = offset(g, g->a, (g->i0 + i) * g->a_row + g->p0 * g->a_col);
            g->kernels->pack(mr, (int)tc_min(mr, g->rows - i), g->depth, src, g->a_row, g->a_col,
                             (char *)offset(g, g->a_panels, i * g->depth));
        } else {
            int64_t j = (panel - a_count) * nr;
            const void *src = offset(g, g->b, (g->j0 + j) * g->b_col + g->p0 * g->b_row);
            g->kernels->pack(nr, (int)tc_min(nr, g->cols - j), g->depth, src, g->b_col, g->b_row,
                             (char *)offset(g, g->b_panels, j * g->depth));
        }
    }
}

/* The first block of k scales C and adds the bias, the later ones add to C. */
static tc_tile tile_template(const product *g)
{
    tc_tile t = {.kc = g->depth, .c_row = g->c_row, .c_col = g->c_col, .alpha = g->alpha, .beta = g->p0 == 0 ? g->beta : 1};
    t.b_step = g->kernels->nr;
    return t;
}

static void place_tile(const product *g, int64_t i, int64_t j, tc_tile *t)
{
    t->c = (char *)offset(g, g->c, i * g->c_row + j * g->c_col);
    t->row_bias = g->p0 == 0 && g->bias_per_row ? offset(g, g->bias, i) : NULL;
    t->col_bias = g->p0 == 0 && !g->bias_per_row ? offset(g, g->bias, j) : NULL;
}

static void multiply_blocks(void *ctx, int64_t begin, int64_t end)
{
    const product *g = ctx;
    const int mr = g->kernels->mr, nr = g->kernels->nr;
    const int64_t row_blocks = tc_ceil_div(g->rows, g->block_rows);
    tc_tile t = tile_template(g);
    for (int64_t block = begin; block < end; block++) {
        int64_t i_first = block % row_blocks * g->block_rows, i_end = tc_min(i_first + g->block_rows, g->rows);
        int64_t j_first = block / row_blocks * g->block_cols, j_end = tc_min(j_first + g->block_cols, g->cols);
        for (int64_t j = j_first; j < j_end; j += nr) {
            t.b = offset(g, g->b_panels, j * g->depth);
            t.cols = (int)tc_min(nr, j_end - j);
            for (int64_t i = i_first; i < i_end; i += mr) {
                t.a = offset(g, g->a_panels, i * g->depth);
                t.rows = (int)tc_min(mr, i_end - i);
                place_tile(g, g->i0 + i, g->j0 + j, &t);
                g->kernels->tile(&t);
            }
        }
    }
}

/* Blocks of MC x BLOCK_COLS, halved (in whole tiles) while there are few of them and each is worth a thread. */
static void choose_blocks(product *g)
{
    const int64_t mr = g->kernels->mr, nr = g->kernels->nr;
    g->block_rows = tc_min(g->kernels->mc, tc_ceil_div(g->rows, mr) * mr);
    g->block_cols = tc_min(BLOCK_COLS / nr * nr, tc_ceil_div(g->cols, nr) * nr);     /* 12 columns do not divide 256 */
    while (tc_ceil_div(g->rows, g->block_rows) * tc_ceil_div(g->cols, g->block_cols) < WANTED_BLOCKS &&
           g->block_rows * g->block_cols * g->depth > 2 * CHUNK_WORK) {
        if (g->block_cols >= 2 * nr && (g->block_cols >= g->block_rows || g->block_rows < 2 * mr))
            g->block_cols = tc_ceil_div(g->block_cols / 2, nr) * nr;
        else if (g->block_rows >= 2 * mr)
            g->block_rows = tc_ceil_div(g->block_rows / 2, mr) * mr;
        else
            break;
    }
}

static void multiply_super_block(product *g)
{
    const int64_t panels = tc_ceil_div(g->rows, g->kernels->mr) + tc_ceil_div(g->cols, g->kernels->nr);
    tc_parallel_for(panels, tc_max(1, CHUNK_PACK / (g->kernels->nr * tc_max(g->depth, 1))), pack_panels, g);
    choose_blocks(g);
    const int64_t blocks = tc_ceil_div(g->rows, g->block_rows) * tc_ceil_div(g->cols, g->block_cols);
    const int64_t work = g->block_rows * g->block_cols * tc_max(g->depth, 1);
    tc_parallel_for(blocks, tc_max(1, CHUNK_WORK / work), multiply_blocks, g);
}

static int multiply_packed(product *g)
{
    /* Equal blocks of k, none longer than KC. k == 0 is one empty block: it still scales C and adds the bias. */
    const int64_t depths = tc_max(1, tc_ceil_div(g->k, g->kernels->kc)), depth = tc_ceil_div(g->k, depths);
    const int64_t mr = g->kernels->mr, nr = g->kernels->nr;
    const int64_t a_rows = tc_ceil_div(tc_min(g->m, SUPER), mr) * mr, b_cols = tc_ceil_div(tc_min(g->n, SUPER), nr) * nr;
    char *panels = tc_alloc((size_t)((a_rows + b_cols) * depth) * g->item);
    if (!panels)
        return TC_ENOMEM;
    g->b_panels = panels;
    g->a_panels = (char *)offset(g, panels, b_cols * depth);
    for (g->j0 = 0; g->j0 < g->n; g->j0 += SUPER)
        for (g->i0 = 0; g->i0 < g->m; g->i0 += SUPER)
            for (int64_t d = 0; d < depths; d++) {
                g->rows = tc_min(SUPER, g->m - g->i0);
                g->cols = tc_min(SUPER, g->n - g->j0);
                g->p0 = d * depth;
                g->depth = tc_max(0, tc_min(depth, g->k - g->p0));
                if (d == 0 || g->depth > 0)
                    multiply_super_block(g);
            }
    tc_free(panels);
    return TC_OK;
}

/* ---- products that need no packing ---- */

/* Room for the sums of any dot kernel. */
enum { DOT_SIZE = 64 };

/* Rows of tiles of the dot kernel: A's rows and B's columns are contiguous along k (x @ weight.T of a small layer). */
static void dot_row_tiles(void *ctx, int64_t begin, int64_t end)
{
    const product *g = ctx;
    const int dot_rows = g->kernels->dot_rows, dot_cols = g->kernels->dot_cols;
    double sums[DOT_SIZE];
    tc_tile t = tile_template(g);
    t.a_step = g->a_row;
    t.b_step = g->b_col;
    for (int64_t i = begin * dot_rows; i < tc_min(end * dot_rows, g->m); i += dot_rows)
        for (int64_t j = 0; j < g->n; j += dot_cols) {
            t.rows = (int)tc_min(dot_rows, g->m - i);
            t.cols = (int)tc_min(dot_cols, g->n - j);
            t.a = offset(g, g->a, i * g->a_row);
            t.b = offset(g, g->b, j * g->b_col);
            place_tile(g, i, j, &t);
            memset(sums, 0, sizeof sums);
            g->kernels->dot(&t, sums);
            g->kernels->finish(&t, sums, dot_cols);
        }
}

/* Where C has so few rows or columns that packing would cost as much as the product. */
static bool dot_pays(const product *g)
{
    const bool contiguous = (g->a_col == 1 || g->k == 1) && (g->b_row == 1 || g->k == 1);
    return contiguous && g->k > 0 && tc_min(g->m, g->n) <= g->kernels->dot_rows;
}

/* Columns of a row vector times a matrix with adjacent columns, AXPY_COLS at a time. */
enum { AXPY_COLS = 512 };

static void axpy_columns(void *ctx, int64_t begin, int64_t end)
{
    const product *g = ctx;
    double sums[AXPY_COLS];
    tc_tile t = tile_template(g);
    for (int64_t block = begin; block < end; block++) {
        const int64_t j = block * AXPY_COLS;
        t.rows = 1;
        t.cols = (int)tc_min(AXPY_COLS, g->n - j);
        memset(sums, 0, sizeof sums);
        g->kernels->axpy(t.cols, g->k, g->a, g->a_col, offset(g, g->b, j), g->b_row, sums);
        place_tile(g, 0, j, &t);
        g->kernels->finish(&t, sums, AXPY_COLS);
    }
}

/* ---- choosing ---- */

static void swap(int64_t *a, int64_t *b)
{
    int64_t t = *a;
    *a = *b;
    *b = t;
}

/* C^T = B^T A^T: the same product with rows and columns changed over. */
static void transpose(product *g)
{
    const char *a = g->a;
    g->a = g->b;
    g->b = a;
    swap(&g->m, &g->n);
    swap(&g->a_row, &g->b_col);
    swap(&g->a_col, &g->b_row);
    swap(&g->c_row, &g->c_col);
    g->bias_per_row = !g->bias_per_row;
}

static int multiply(product *g)
{
    /* Kernels write rows of C: make these contiguous, and of a column vector a row. */
    if ((g->c_col != 1 && g->c_row == 1 && g->m > 1) || (g->n == 1 && g->m > 1))
        transpose(g);
    g->i0 = g->j0 = g->p0 = 0;
    g->depth = g->k;
    if (dot_pays(g)) {
        const int64_t work = g->kernels->dot_rows * g->n * g->k;
        tc_parallel_for(tc_ceil_div(g->m, g->kernels->dot_rows), tc_max(1, CHUNK_WORK / work), dot_row_tiles, g);
        return TC_OK;
    }
    if (g->m == 1 && g->b_col == 1 && g->k > 0) {
        tc_parallel_for(tc_ceil_div(g->n, AXPY_COLS), tc_max(1, CHUNK_WORK / 4 / (AXPY_COLS * g->k)), axpy_columns, g);
        return TC_OK;
    }
    return multiply_packed(g);
}

/* ---- batches ---- */

typedef struct {
    const tc_gemm_params *params;
    const product *first;
    int status;
} batch_job;

static void multiply_batch(void *ctx, int64_t begin, int64_t end)
{
    batch_job *job = ctx;
    for (int64_t i = begin; i < end; i++) {
        product g = *job->first;
        g.a = offset(&g, g.a, i * job->params->a_batch);
        g.b = offset(&g, g.b, i * job->params->b_batch);
        g.c = (char *)offset(&g, g.c, i * job->params->c_batch);
        if (multiply(&g) != TC_OK)
            __atomic_store_n(&job->status, TC_ENOMEM, __ATOMIC_RELAXED);
    }
}

int tc_gemm(int dtype, const tc_gemm_params *p, const void *a, const void *b, const void *bias, void *c)
{
    if (p->batch == 0 || p->m == 0 || p->n == 0)
        return TC_OK;
    const product first = {
        .kernels = tc_kernels_for(dtype)->gemm, .item = tc_itemsize(dtype),
        .m = p->m, .n = p->n, .k = p->k,
        .a = a, .b = b, .bias = bias, .c = c,
        .a_row = p->a_row, .a_col = p->a_col, .b_row = p->b_row, .b_col = p->b_col, .c_row = p->c_row, .c_col = p->c_col,
        .alpha = p->k > 0 ? p->alpha : 0,       /* an empty sum is 0, even times infinity */
        .beta = p->beta, .bias_per_row = p->bias_per_row != 0,
    };
    batch_job job = {p, &first, TC_OK};
    /* Many small products are split between threads whole; large ones inside, one after the other. */
    const double work = (double)p->m * (double)p->n * (double)tc_max(p->k, 1);
    if (p->batch > 1 && work < WANTED_BLOCKS * CHUNK_WORK)
        tc_parallel_for(p->batch, tc_max(1, (int64_t)(CHUNK_WORK / work)), multiply_batch, &job);
    else
        multiply_batch(&job, 0, p->batch);
    return job.status;
}
