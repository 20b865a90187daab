/* gemm_tpl.h - kernels of gemm.c for one dtype and instruction set: the micro-kernel; packing and the dot kernel are included.
 *
 * The micro-kernel keeps a tile of MR rows by NR = NV * VLEN columns of C in registers and adds kc rank-one updates to
 * it. MR and NV are the ISA file's: MR * NV accumulators, NV vectors of B and a broadcast of A must fit the register
 * file, and MR * NV must cover (latency * throughput) of the fused multiply-add, 8 to 10 on today's cores.
 *
 * Every loop over accumulators is unrolled (TC_UNROLL): an array indexed by a variable would live in memory. */
#define MR GEMM_MR
#define NV GEMM_NV
#define NR (NV * VLEN)

#include "gemm_pack_tpl.h"

/* ---- the micro-kernel ---- */

/* C = alpha * tile + beta * C + bias for a tile in memory: edges, and C whose columns are not adjacent. */
static void FN(tile_store)(const tc_tile *t, const void *sums, int64_t pitch)
{
    const T *tile = sums;
    T alpha = (T)t->alpha, beta = (T)t->beta;
    const T *row_bias = t->row_bias, *col_bias = t->col_bias;
    for (int i = 0; i < t->rows; i++)
        for (int j = 0; j < t->cols; j++) {
            T *c = (T *)t->c + i * t->c_row + j * t->c_col;
            T v = alpha * tile[i * pitch + j];
            if (beta != 0)
                v += beta * *c;
            if (row_bias)
                v += row_bias[i];
            if (col_bias)
                v += col_bias[j];
            *c = v;
        }
}

/* The sums of `rows` rows. B's row p stands at b_offset[p] if `indirect`, else at p * b_step. */
static inline __attribute__((always_inline)) void FN(tile_sums)(const tc_tile *t, int rows, bool indirect, vec acc[MR][NV])
{
    const T *a = t->a, *b = t->b;
    const int64_t *offset = t->b_offset;
    TC_UNROLL
    for (int i = 0; i < rows; i++)
        TC_UNROLL
        for (int j = 0; j < NV; j++)
            acc[i][j] = (vec){0};
    for (int64_t p = 0, end = t->kc, step = t->b_step; p < end; p++) {
        const T *row = indirect ? b + offset[p] : b;
        vec bv[NV];
        TC_UNROLL
        for (int j = 0; j < NV; j++)
            bv[j] = load(row + j * VLEN);
        TC_UNROLL
        for (int i = 0; i < rows; i++)
            TC_UNROLL
            for (int j = 0; j < NV; j++)
                acc[i][j] += a[i] * bv[j];
        a += MR;
        b += indirect ? 0 : step;
    }
}

/* C = alpha * acc + beta * C + bias from registers, for whole rows of adjacent columns. */
static inline __attribute__((always_inline)) void FN(tile_write)(const tc_tile *t, int rows, vec acc[MR][NV])
{
    T *c = t->c;
    int64_t c_row = t->c_row;
    T alpha = (T)t->alpha, beta = (T)t->beta;
    TC_UNROLL
    for (int i = 0; i < rows; i++)
        TC_UNROLL
        for (int j = 0; j < NV; j++)
            acc[i][j] *= alpha;
    if (beta != 0)
        TC_UNROLL
        for (int i = 0; i < rows; i++)
            TC_UNROLL
            for (int j = 0; j < NV; j++)
                acc[i][j] += beta * load(c + i * c_row + j * VLEN);
    if (t->row_bias)
        TC_UNROLL
        for (int i = 0; i < rows; i++)
            TC_UNROLL
            for (int j = 0; j < NV; j++)
                acc[i][j] += ((const T *)t->row_bias)[i];
    if (t->col_bias)
        TC_UNROLL
        for (int i = 0; i < rows; i++)
            TC_UNROLL
            for (int j = 0; j < NV; j++)
                acc[i][j] += load((const T *)t->col_bias + j * VLEN);
    TC_UNROLL
    for (int i = 0; i < rows; i++)
        TC_UNROLL
        for (int j = 0; j < NV; j++)
            store(c + i * c_row + j * VLEN, acc[i][j]);
}

static inline __attribute__((always_inline)) void FN(tile_rows)(const tc_tile *t, int rows, bool indirect)
{
    vec acc[MR][NV];
    FN(tile_sums)(t, rows, indirect, acc);
    if (t->cols == NR && t->c_col == 1) {
        FN(tile_write)(t, rows, acc);
        return;
    }
    T tile[MR * NR] __attribute__((aligned(64)));
    TC_UNROLL
    for (int i = 0; i < rows; i++)
        TC_UNROLL
        for (int j = 0; j < NV; j++)
            store(tile + i * NR + j * VLEN, acc[i][j]);
    FN(tile_store)(t, tile, NR);
}

/* Rows are a constant in each case, so that a short tile does no work for the rows it lacks. */
static inline __attribute__((always_inline)) void FN(tile_switch)(const tc_tile *t, bool indirect)
{
    switch (t->rows) {
    case 1: FN(tile_rows)(t, 1, indirect); break;
    case 2: FN(tile_rows)(t, 2, indirect); break;
    case 3: FN(tile_rows)(t, 3, indirect); break;
#if MR > 4
    case 4: FN(tile_rows)(t, 4, indirect); break;
    case 5: FN(tile_rows)(t, 5, indirect); break;
#endif
#if MR > 6
    case 6: FN(tile_rows)(t, 6, indirect); break;
    case 7: FN(tile_rows)(t, 7, indirect); break;
#endif
#if MR > 8
    case 8: FN(tile_rows)(t, 8, indirect); break;
    case 9: FN(tile_rows)(t, 9, indirect); break;
    case 10: FN(tile_rows)(t, 10, indirect); break;
    case 11: FN(tile_rows)(t, 11, indirect); break;
    case 12: FN(tile_rows)(t, 12, indirect); break;
    case 13: FN(tile_rows)(t, 13, indirect); break;
#endif
    default: FN(tile_rows)(t, MR, indirect); break;
    }
}

static void FN(gemm_tile)(const tc_tile *t)
{
    if (t->b_offset)
        FN(tile_switch)(t, true);
    else
        FN(tile_switch)(t, false);
}

#include "gemm_dot_tpl.h"

/* ---- matrix times vector: y += sum over p of x[p] * row_p, four rows a pass, so that y is read once for four ---- */

static void FN(gemm_axpy)(int64_t n, int64_t count, const void *x_, int64_t x_step, const void *rows_, int64_t row_step, void *y_)
{
    const T *x = x_, *rows = rows_;
    T *y = y_;
    int64_t p = 0;
    for (; p + 4 <= count; p += 4) {
        const T *r0 = rows + p * row_step, *r1 = r0 + row_step, *r2 = r1 + row_step, *r3 = r2 + row_step;
        T x0 = x[p * x_step], x1 = x[(p + 1) * x_step], x2 = x[(p + 2) * x_step], x3 = x[(p + 3) * x_step];
        int64_t j = 0;
        for (; j + VLEN <= n; j += VLEN)
            store(y + j, load(y + j) + x0 * load(r0 + j) + x1 * load(r1 + j) + x2 * load(r2 + j) + x3 * load(r3 + j));
        for (; j < n; j++)
            y[j] += x0 * r0[j] + x1 * r1[j] + x2 * r2[j] + x3 * r3[j];
    }
    for (; p < count; p++)
        for (int64_t j = 0; j < n; j++)
            y[j] += x[p * x_step] * rows[p * row_step + j];
}

static const tc_gemm_kernels FN(gemm_kernels) = {
    .mr = MR,
    .nr = NR,
    .dot_rows = DOT_ROWS,
    .dot_cols = DOT_COLS,
    .dot_size = DOT_GROUPS * VLEN,
    .kc = GEMM_KC,
    .mc = GEMM_MC / MR * MR,
    .tile = FN(gemm_tile),
    .pack = FN(gemm_pack),
    .dot = FN(gemm_dot),
    .finish = FN(tile_store),
    .axpy = FN(gemm_axpy),
};

#undef MR
#undef NV
#undef NR
#undef DOT_ROWS
#undef DOT_COLS
#undef DOT_GROUPS
#undef LOW_LANES
#undef HIGH_LANES
#undef LOG_VLEN
