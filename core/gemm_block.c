/* gemm_block.c - products that one thread computes a block of C at a time, with nothing shared and so nothing to wait for.
 *
 * The micro-kernel reads A where it lies: each element of a tile's rows once for each panel of B, from L2. B's panels are
 * read where they lie if L2 holds their rows, else packed a strip at a time; a strip is packed again for each block of
 * rows, which costs about 1/20 for the fewest rows that a strip's block has unless it is all of C. */
#include "gemm.h"

/* What stays in L2 (of 512 KiB at least): A's part of a block, the same of B if it is read in place, and a strip of B. */
enum { A_BYTES = 256 * 1024, B_BYTES = 256 * 1024, STRIP_BYTES = 128 * 1024 };

/* Rows of B that are packed for all panels of a strip before the next ones: its rows are read as a few long streams. */
enum { STREAMS = 16 };

/* Addresses this far apart share a set of L1 (64 sets of a line), which has 8 ways or more. */
enum { SET_BYTES = 4096, SET_WAYS = 8 };

/* Columns from which on packing all of A costs less than packing B for each block of rows. */
enum { PACKED_COLS = 256 };

typedef struct {
    const gemm_product *g;
    int64_t depth;                      /* length of the sums of one pass over a block */
    int64_t block_rows, row_blocks;
    int64_t strip_cols, strips;
    bool a_in_place, b_in_place;
    int64_t a_size, b_size;             /* elements packed at a time */
    int status;
} job;

/* ---- one block ---- */

static void pack_a(const job *s, const char *a, int64_t rows, int64_t depth, char *panels)
{
    const gemm_product *g = s->g;
    const int mr = g->kernels->mr;
    for (int64_t i = 0; i < rows; i += mr)
        g->kernels->pack(mr, (int)tc_min(mr, rows - i), depth, gemm_at(g, a, i * g->a_row), g->a_row, g->a_col,
                         (char *)gemm_at(g, panels, i * depth));
}

/* Panels of columns [first, cols) of a strip. */
static void pack_b(const job *s, const char *b, int64_t first, int64_t cols, int64_t depth, char *panels)
{
    const gemm_product *g = s->g;
    const int nr = g->kernels->nr;
    const int64_t rows = g->b_col == 1 ? STREAMS : tc_max(depth, 1);
    for (int64_t p = 0; p < depth; p += rows)
        for (int64_t j = first; j < cols; j += nr)
            g->kernels->pack(nr, (int)tc_min(nr, cols - j), tc_min(rows, depth - p),
                             gemm_at(g, b, j * g->b_col + p * g->b_row), g->b_col, g->b_row,
                             (char *)gemm_at(g, panels, (j - first) * depth + p * nr));
}

/* C's rows [i0, i0 + rows) and columns [j0, j0 + cols), sums over [p0, p0 + depth). */
static void multiply_block(const job *s, int64_t which, int64_t i0, int64_t rows, int64_t j0, int64_t cols, int64_t p0,
                           char *room)
{
    const gemm_product *g = s->g;
    const int mr = g->kernels->mr, nr = g->kernels->nr;
    const int64_t depth = tc_min(s->depth, g->k - p0);
    const char *a = gemm_at(g, g->a, which * g->a_batch + i0 * g->a_row + p0 * g->a_col);
    const char *b = gemm_at(g, g->b, which * g->b_batch + j0 * g->b_col + p0 * g->b_row);
    char *c = (char *)gemm_at(g, g->c, which * g->c_batch);
    char *b_panels = room ? room + s->a_size * (int64_t)g->item : NULL; /* no room: both are read in place */
    /* A whole panel may be read in place; the last, narrower one would be read past the end of B. */
    const int64_t in_place = s->b_in_place ? cols / nr * nr : 0;
    pack_b(s, b, in_place, cols, depth, b_panels);
    if (!s->a_in_place)
        pack_a(s, a, rows, depth, room);
    tc_tile t = {.kc = depth, .c_row = g->c_row, .c_col = g->c_col, .alpha = g->alpha};
    if (s->a_in_place) {
        t.a_step = g->a_row;
        t.a_col = g->a_col;
    }
    for (int64_t j = 0; j < cols; j += nr) {
        t.b = j < in_place ? gemm_at(g, b, j) : gemm_at(g, b_panels, (j - in_place) * depth);
        t.b_step = j < in_place ? g->b_row : nr;
        t.cols = (int)tc_min(nr, cols - j);
        for (int64_t i = 0; i < rows; i += mr) {
            t.a = s->a_in_place ? gemm_at(g, a, i * g->a_row) : gemm_at(g, room, i * depth);
            t.rows = (int)tc_min(mr, rows - i);
            gemm_place_tile(g, c, p0 == 0, i0 + i, j0 + j, &t);
            g->kernels->tile(&t);
        }
    }
}

static void multiply_blocks(void *ctx, int64_t begin, int64_t end)
{
    job *s = ctx;
    const gemm_product *g = s->g;
    const int64_t size = s->a_size + s->b_size;
    char *room = size > 0 ? tc_alloc((size_t)size * g->item) : NULL;
    if (size > 0 && !room) {
        __atomic_store_n(&s->status, TC_ENOMEM, __ATOMIC_RELAXED);
        return;
    }
    for (int64_t block = begin; block < end; block++) {
        const int64_t i0 = block % s->row_blocks * s->block_rows, rows = tc_min(s->block_rows, g->m - i0);
        const int64_t j0 = block / s->row_blocks % s->strips * s->strip_cols, cols = tc_min(s->strip_cols, g->n - j0);
        for (int64_t p0 = 0; (p0 == 0 || p0 < g->k) && !tc_stopped(); p0 += s->depth)
            multiply_block(s, block / s->row_blocks / s->strips, i0, rows, j0, cols, p0, room);
    }
    tc_free(room);
}

/* ---- sizes, by shape alone ---- */

static bool in_place_a(const gemm_product *g, int64_t depth)
{
    const int64_t item = (int64_t)g->item;
    if (g->a_col == 0)      /* one column for all: 0 would say that A is packed */
        return false;
    /* Rows along k: a line of each must survive in L1 until its last element. */
    if (g->a_col == 1)
        return g->a_row * item % SET_BYTES != 0 || g->kernels->mr < SET_WAYS;
    return g->a_row == 1 && g->a_col * depth * item <= A_BYTES;
}

static double block_work(const job *s)
{
    return (double)s->block_rows * (double)s->strip_cols * (double)tc_max(s->g->k, 1);
}

static void choose_sizes(job *s)
{
    const gemm_product *g = s->g;
    const int64_t mr = g->kernels->mr, nr = g->kernels->nr, item = (int64_t)g->item;
    s->depth = gemm_depth(g->k, g->kernels->kc);
    s->a_in_place = in_place_a(g, s->depth);
    s->b_in_place = g->b_col == 1 && g->b_row >= 0 && g->b_row * s->depth * item <= B_BYTES;
    const int64_t most_rows = tc_max(mr, A_BYTES / (tc_max(s->depth, 1) * item));
    s->block_rows = tc_ceil_div(tc_ceil_div(g->m, tc_ceil_div(g->m, most_rows)), mr) * mr;
    s->strip_cols = tc_max(1, STRIP_BYTES / (tc_max(s->depth, 1) * nr * item)) * nr;
    s->strip_cols = tc_min(s->strip_cols, tc_ceil_div(g->n, nr) * nr);
    for (;;) {
        s->row_blocks = tc_ceil_div(g->m, s->block_rows);
        s->strips = tc_ceil_div(g->n, s->strip_cols);
        if (g->batch * s->row_blocks * s->strips >= WANTED_TASKS || block_work(s) < 2 * TASK_WORK)
            break;
        /* A is packed again for each strip: then rows are cut first. */
        const bool cut_rows = s->block_rows >= 4 * mr && (!s->a_in_place || s->strip_cols <= nr);
        if (cut_rows)
            s->block_rows = tc_ceil_div(s->block_rows / 2, mr) * mr;
        else if (s->strip_cols > nr)
            s->strip_cols = tc_ceil_div(s->strip_cols / 2, nr) * nr;
        else
            break;
    }
    s->a_size = s->a_in_place ? 0 : s->block_rows * s->depth;
    s->b_size = (s->b_in_place ? g->n % nr != 0 ? nr : 0 : s->strip_cols) * s->depth;
}

bool gemm_block_pays(const gemm_product *g)
{
    const int64_t depth = gemm_depth(g->k, g->kernels->kc);
    return g->n < PACKED_COLS || g->m * depth * (int64_t)g->item <= A_BYTES;
}

int gemm_block(const gemm_product *g)
{
    job s = {.g = g, .status = TC_OK};
    choose_sizes(&s);
    gemm_run(g->batch * s.row_blocks * s.strips, block_work(&s), multiply_blocks, &s);
    return s.status;
}
