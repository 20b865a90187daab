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

/* ---- C from sums in memory: edges, C whose columns are not adjacent, and alpha ---- */

/* alpha * sum + beta * C + bias of row i, columns [j, j + n), n <= VLEN; c is where C's are, adjacent. */
NOINLINE vec FN(finish_lanes)(const tc_tile *t, const T *sums, const T *c, int i, int j, int n)
{
    vec v = (T)t->alpha * FN(load_lanes)(sums + j, n, 0);
    if (t->beta != 0)
        v += (T)t->beta * FN(load_lanes)(c, n, 0);
    if (t->row_bias)
        v += ((const T *)t->row_bias)[i];
    if (t->col_bias)
        v += FN(load_lanes)((const T *)t->col_bias + j, n, 0);
    return v;
}

/* Adjacent columns: the last vector may overlap the one before it, so it is computed before that is stored. */
static void FN(store_row)(const tc_tile *t, const T *sums, int i)
{
    const int last = t->cols > VLEN ? t->cols - VLEN : 0;
    T *c = (T *)t->c + i * t->c_row;
    const vec end = FN(finish_lanes)(t, sums, c + last, i, last, t->cols - last);
    for (int j = 0; j < last; j += VLEN)
        store(c + j, FN(finish_lanes)(t, sums, c + j, i, j, VLEN));
    FN(store_lanes)(c + last, t->cols - last, end);
}

static void FN(store_strided_row)(const tc_tile *t, const T *sums, int i)
{
    for (int j = 0; j < t->cols; j += VLEN) {
        const int n = (int)tc_min(VLEN, t->cols - j);
        T *c = (T *)t->c + i * t->c_row + j * t->c_col;
        T lanes[VLEN];
        for (int l = 0; t->beta != 0 && l < n; l++)
            lanes[l] = c[l * t->c_col];
        vec v = FN(finish_lanes)(t, sums, lanes, i, j, n);
        for (int l = 0; l < n; l++)
            c[l * t->c_col] = v[l];
    }
}

static void FN(tile_store)(const tc_tile *t, const void *sums, int64_t pitch)
{
    for (int i = 0; i < t->rows; i++)
        if (t->c_col == 1)
            FN(store_row)(t, (const T *)sums + i * pitch, i);
        else
            FN(store_strided_row)(t, (const T *)sums + i * pitch, i);
}

/* ---- the micro-kernel ---- */

/* What a copy of the kernel knows of A: that it is packed, or nothing. Packed panels with fewer rows than MR go the last way
 * too. */
typedef enum { FN(PACKED), FN(STRIDED) } FN(access);

/* The rows of A are addressed from a pointer for each ROW_GROUP of them: that many multiples of a step in a register the
 * processor adds by itself, while a pointer for each row would not fit in the registers. */
#define ROW_GROUP 4
#define ROW_GROUPS ((MR + ROW_GROUP - 1) / ROW_GROUP)

/* The sums of `rows` rows. */
TC_INLINE void FN(tile_sums)(const tc_tile *t, int rows, FN(access) access, vec acc[MR][NV])
{
    const T *b = t->b, *a[ROW_GROUPS];
    const bool packed = access != FN(STRIDED) || t->a_col == 0;
    const int64_t a_row = packed ? 1 : t->a_step, a_col = packed ? MR : t->a_col;
    const int64_t a_multiple[ROW_GROUP] = {0, a_row, 2 * a_row, 3 * a_row};
    TC_UNROLL
    for (int g = 0; g < ROW_GROUPS; g++)
        a[g] = (const T *)t->a + g * ROW_GROUP * a_row;
    TC_UNROLL
    for (int i = 0; i < rows; i++)
        TC_UNROLL
        for (int j = 0; j < NV; j++)
            acc[i][j] = (vec){0};
    for (int64_t p = 0, end = t->kc, step = t->b_step; p < end; p++) {
        vec bv[NV];
        TC_UNROLL
        for (int j = 0; j < NV; j++)
            bv[j] = load(b + j * VLEN);
        TC_UNROLL
        for (int i = 0; i < rows; i++)
            TC_UNROLL
            for (int j = 0; j < NV; j++)
                acc[i][j] += a[i / ROW_GROUP][a_multiple[i % ROW_GROUP]] * bv[j];
        TC_UNROLL
        for (int g = 0; g < ROW_GROUPS; g++)
            a[g] += a_col;
        b += step;
    }
}

/* C = acc + beta * C + bias from registers, for whole rows of adjacent columns. */
TC_INLINE void FN(tile_write)(const tc_tile *t, int rows, vec acc[MR][NV])
{
    T *c = t->c;
    int64_t c_row = t->c_row;
    T beta = (T)t->beta;
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

TC_INLINE void FN(tile_rows)(const tc_tile *t, int rows, FN(access) access)
{
    vec acc[MR][NV];
    /* C comes from afar while the sums are made. */
    TC_UNROLL
    for (int i = 0; i < rows; i++)
        __builtin_prefetch((const T *)t->c + i * t->c_row, 1);
    FN(tile_sums)(t, rows, access, acc);
    if (t->cols == NR && t->c_col == 1 && t->alpha == 1) {
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
TC_INLINE void FN(tile_switch)(const tc_tile *t, FN(access) access)
{
    switch (t->rows) {
    case 1: FN(tile_rows)(t, 1, access); break;
    case 2: FN(tile_rows)(t, 2, access); break;
    case 3: FN(tile_rows)(t, 3, access); break;
#if MR > 4
    case 4: FN(tile_rows)(t, 4, access); break;
    case 5: FN(tile_rows)(t, 5, access); break;
#endif
#if MR > 6
    case 6: FN(tile_rows)(t, 6, access); break;
    case 7: FN(tile_rows)(t, 7, access); break;
#endif
#if MR > 8
    case 8: FN(tile_rows)(t, 8, access); break;
    case 9: FN(tile_rows)(t, 9, access); break;
    case 10: FN(tile_rows)(t, 10, access); break;
    case 11: FN(tile_rows)(t, 11, access); break;
    case 12: FN(tile_rows)(t, 12, access); break;
    case 13: FN(tile_rows)(t, 13, access); break;
#endif
    default: FN(tile_rows)(t, MR, access); break;
    }
}

static void FN(gemm_tile)(const tc_tile *t)
{
    if (t->a_col == 0 && t->rows == MR)
        FN(tile_rows)(t, MR, FN(PACKED));
    else
        FN(tile_switch)(t, FN(STRIDED));
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
#undef ROW_GROUP
#undef ROW_GROUPS
#undef NV
#undef NR
#undef DOT_ROWS
#undef DOT_COLS
#undef DOT_GROUPS
#undef LOW_LANES
#undef HIGH_LANES
#undef LANES_128
#undef LOW_BLOCKS
#undef HIGH_BLOCKS
