/* gemm_packed.c - large products: BLIS's five loops around the micro-kernel of gemm_tpl.h.
 *
 * C is cut into super-blocks whose operands, KC deep, are packed into panels by all threads (loops over n, k, m), then
 * multiplied block by block (loops over blocks, columns of B's panels, panels of A). A panel of B stays in L1 while the
 * panels of a block of A, which stays in L2, pass by. */
#include "gemm.h"

/* Side of a super-block: bounds the packed panels of A and B to KC * SUPER elements each (2 MiB of floats), which L3
 * holds; packing then costs 1/SUPER of the multiplications. */
enum { SUPER = 2048 };

/* Columns of C in a block, at most: a block of A is read from L2 once for each panel in it. */
enum { BLOCK_COLS = 256 };

/* Elements that one chunk packs. */
enum { CHUNK_PACK = 1 << 15 };

typedef struct {
    const gemm_product *g;
    const char *a, *b;
    char *c;
    /* The super-block at work. */
    int64_t i0, j0, p0, rows, cols, depth;
    int64_t block_rows, block_cols;
    char *a_panels, *b_panels;
} packed;

/* Panels of A first, then those of B. */
static void pack_panels(void *ctx, int64_t begin, int64_t end)
{
    const packed *s = ctx;
    const gemm_product *g = s->g;
    const int mr = g->kernels->mr, nr = g->kernels->nr;
    const int64_t a_count = tc_ceil_div(s->rows, mr);
    for (int64_t panel = begin; panel < end; panel++) {
        if (panel < a_count) {
            int64_t i = panel * mr;
            const void *src = gemm_at(g, s->a, (s->i0 + i) * g->a_row + s->p0 * g->a_col);
            g->kernels->pack(mr, (int)tc_min(mr, s->rows - i), s->depth, src, g->a_row, g->a_col,
                             (char *)gemm_at(g, s->a_panels, i * s->depth));
        } else {
            int64_t j = (panel - a_count) * nr;
            const void *src = gemm_at(g, s->b, (s->j0 + j) * g->b_col + s->p0 * g->b_row);
            g->kernels->pack(nr, (int)tc_min(nr, s->cols - j), s->depth, src, g->b_col, g->b_row,
                             (char *)gemm_at(g, s->b_panels, j * s->depth));
        }
    }
}

static void multiply_blocks(void *ctx, int64_t begin, int64_t end)
{
    const packed *s = ctx;
    const gemm_product *g = s->g;
    const int mr = g->kernels->mr, nr = g->kernels->nr;
    const int64_t row_blocks = tc_ceil_div(s->rows, s->block_rows);
    tc_tile t = {.kc = s->depth, .b_step = nr, .c_row = g->c_row, .c_col = g->c_col, .alpha = g->alpha};
    for (int64_t block = begin; block < end; block++) {
        int64_t i_first = block % row_blocks * s->block_rows, i_end = tc_min(i_first + s->block_rows, s->rows);
        int64_t j_first = block / row_blocks * s->block_cols, j_end = tc_min(j_first + s->block_cols, s->cols);
        for (int64_t j = j_first; j < j_end; j += nr) {
            t.b = gemm_at(g, s->b_panels, j * s->depth);
            t.cols = (int)tc_min(nr, j_end - j);
            for (int64_t i = i_first; i < i_end; i += mr) {
                t.a = gemm_at(g, s->a_panels, i * s->depth);
                t.rows = (int)tc_min(mr, i_end - i);
                gemm_place_tile(g, s->c, s->p0 == 0, s->i0 + i, s->j0 + j, &t);
                g->kernels->tile(&t);
            }
        }
    }
}

/* Blocks of MC x BLOCK_COLS, halved (in whole tiles) while there are few of them and each is worth a thread. */
static void choose_blocks(packed *s)
{
    const int64_t mr = s->g->kernels->mr, nr = s->g->kernels->nr;
    s->block_rows = tc_min(s->g->kernels->mc, tc_ceil_div(s->rows, mr) * mr);
    s->block_cols = tc_min(BLOCK_COLS / nr * nr, tc_ceil_div(s->cols, nr) * nr);     /* 12 columns do not divide 256 */
    while (tc_ceil_div(s->rows, s->block_rows) * tc_ceil_div(s->cols, s->block_cols) < WANTED_TASKS &&
           s->block_rows * s->block_cols * s->depth > 2 * TASK_WORK) {
        if (s->block_cols >= 2 * nr && (s->block_cols >= s->block_rows || s->block_rows < 2 * mr))
            s->block_cols = tc_ceil_div(s->block_cols / 2, nr) * nr;
        else if (s->block_rows >= 2 * mr)
            s->block_rows = tc_ceil_div(s->block_rows / 2, mr) * mr;
        else
            break;
    }
}

static void multiply_super_block(packed *s)
{
    const int64_t panels = tc_ceil_div(s->rows, s->g->kernels->mr) + tc_ceil_div(s->cols, s->g->kernels->nr);
    tc_parallel_for(panels, tc_max(1, CHUNK_PACK / (s->g->kernels->nr * tc_max(s->depth, 1))), pack_panels, s);
    choose_blocks(s);
    gemm_run(tc_ceil_div(s->rows, s->block_rows) * tc_ceil_div(s->cols, s->block_cols),
             (double)(s->block_rows * s->block_cols * tc_max(s->depth, 1)), multiply_blocks, s);
}

int gemm_packed(const gemm_product *g, int64_t which)
{
    const int64_t depth = gemm_depth(g->k, g->kernels->kc);
    const int64_t mr = g->kernels->mr, nr = g->kernels->nr;
    const int64_t a_rows = tc_ceil_div(tc_min(g->m, SUPER), mr) * mr, b_cols = tc_ceil_div(tc_min(g->n, SUPER), nr) * nr;
    packed s = {.g = g, .a = gemm_at(g, g->a, which * g->a_batch), .b = gemm_at(g, g->b, which * g->b_batch),
                .c = (char *)gemm_at(g, g->c, which * g->c_batch)};
    char *panels = tc_alloc((size_t)((a_rows + b_cols) * depth) * g->item);
    if (!panels)
        return TC_ENOMEM;
    s.b_panels = panels;
    s.a_panels = (char *)gemm_at(g, panels, b_cols * depth);
    for (s.j0 = 0; s.j0 < g->n; s.j0 += SUPER)
        for (s.i0 = 0; s.i0 < g->m; s.i0 += SUPER)
            for (s.p0 = 0; s.p0 == 0 || s.p0 < g->k; s.p0 += depth) {
                s.rows = tc_min(SUPER, g->m - s.i0);
                s.cols = tc_min(SUPER, g->n - s.j0);
                s.depth = tc_min(depth, g->k - s.p0);
                multiply_super_block(&s);
            }
    tc_free(panels);
    return TC_OK;
}
