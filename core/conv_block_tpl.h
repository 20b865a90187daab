/* conv_block_tpl.h - part of conv_tpl.h: filters times columns, the products of conv_apply.c and conv_panels.c.
 *
 * The tile of gemm_tpl.h, MR filters by NR = NV * VLEN columns in registers, but neither operand has to be packed: the
 * weights of a step are MR broadcasts at a_offset[p], a stride apart, read where the caller keeps them (a packed copy would
 * be as large as the weights, which may be larger than the output), and the columns start at b_offset[p] anywhere in a
 * plane. Measured with AVX2: 97 % of the speed of packed panels.
 *
 * Filters are shared evenly among the tiles, for MR * NV accumulators cover the latency of the multiply-add and a remainder
 * of one or two filters would not; one or two filters alone take tiles that are wider instead. */
#define MR GEMM_MR
#define NV GEMM_NV
#define NR (NV * VLEN)

/* rows x nv vectors of c from filter i and column j on; both are constants where this is called. */
TC_INLINE void FN(block_tile)(const tc_conv_block *t, int rows, int nv, int64_t i, int64_t j, T *c, int64_t c_row)
{
    const int64_t a_row = t->a_row, *a_offset = t->a_offset, *b_offset = t->b_offset;
    const T *b0 = (const T *)t->b + j, *bias = t->bias, *a[MR];
    vec acc[MR * NV];
    TC_UNROLL
    for (int r = 0; r < rows; r++)
        a[r] = (const T *)t->a + (i + r) * a_row;
    if (t->add) {
        TC_UNROLL
        for (int r = 0; r < rows; r++)
            TC_UNROLL
            for (int v = 0; v < nv; v++)
                acc[r * nv + v] = load(c + r * c_row + v * VLEN);
    } else {
        TC_UNROLL
        for (int r = 0; r < rows; r++)
            TC_UNROLL
            for (int v = 0; v < nv; v++)
                acc[r * nv + v] = splat(bias ? bias[i + r] : 0);
    }
    for (int64_t p = 0, end = t->kc; p < end; p++) {
        const T *b = b0 + b_offset[p];
        const int64_t step = a_offset[p];
        vec bv[4 * NV];
        TC_UNROLL
        for (int v = 0; v < nv; v++)
            bv[v] = load(b + v * VLEN);
        TC_UNROLL
        for (int r = 0; r < rows; r++)
            TC_UNROLL
            for (int v = 0; v < nv; v++)
                acc[r * nv + v] += a[r][step] * bv[v];
    }
    if (t->relu)
        TC_UNROLL
        for (int n = 0; n < rows * nv; n++)
            acc[n] = select_(acc[n] <= (T)0, splat(0), acc[n]);
    TC_UNROLL
    for (int r = 0; r < rows; r++)
        TC_UNROLL
        for (int v = 0; v < nv; v++)
            store(c + r * c_row + v * VLEN, acc[r * nv + v]);
}

/* Rows are a constant in each case, so that a short tile does no work for the rows it lacks. */
NOINLINE void FN(block_switch)(const tc_conv_block *t, int rows, int64_t i, int64_t j, T *c, int64_t c_row)
{
    switch (rows) {
    case 1: FN(block_tile)(t, 1, NV, i, j, c, c_row); break;
    case 2: FN(block_tile)(t, 2, NV, i, j, c, c_row); break;
    case 3: FN(block_tile)(t, 3, NV, i, j, c, c_row); break;
#if MR > 4
    case 4: FN(block_tile)(t, 4, NV, i, j, c, c_row); break;
    case 5: FN(block_tile)(t, 5, NV, i, j, c, c_row); break;
#endif
#if MR > 6
    case 6: FN(block_tile)(t, 6, NV, i, j, c, c_row); break;
    case 7: FN(block_tile)(t, 7, NV, i, j, c, c_row); break;
#endif
#if MR > 8
    case 8: FN(block_tile)(t, 8, NV, i, j, c, c_row); break;
    case 9: FN(block_tile)(t, 9, NV, i, j, c, c_row); break;
    case 10: FN(block_tile)(t, 10, NV, i, j, c, c_row); break;
    case 11: FN(block_tile)(t, 11, NV, i, j, c, c_row); break;
    case 12: FN(block_tile)(t, 12, NV, i, j, c, c_row); break;
    case 13: FN(block_tile)(t, 13, NV, i, j, c, c_row); break;
#endif
    default: FN(block_tile)(t, MR, NV, i, j, c, c_row); break;
    }
}

/* The last columns, fewer than a tile has: by way of a tile in memory. */
NOINLINE void FN(block_edge)(const tc_conv_block *t, int rows, int64_t i, int64_t j)
{
    T tile[MR * NR] __attribute__((aligned(64)));
    T *c = (T *)t->c + i * t->c_row + j;
    const size_t bytes = (size_t)(t->cols - j) * sizeof(T);
    for (int r = 0; r < rows && t->add; r++)
        memcpy(tile + r * NR, c + r * t->c_row, bytes);
    FN(block_switch)(t, rows, i, j, tile, NR);
    for (int r = 0; r < rows; r++)
        memcpy(c + r * t->c_row, tile + r * NR, bytes);
}

static void FN(conv_block)(const tc_conv_block *t)
{
    const int64_t tiles = tc_ceil_div(t->rows, MR), wide = t->rows == 1 ? 4 * NR : 2 * NR;
    T *c = t->c;
    int64_t j = 0;
    for (; t->rows <= 2 && j + wide <= t->cols; j += wide) {
        if (t->rows == 1)
            FN(block_tile)(t, 1, 4 * NV, 0, j, c + j, t->c_row);
        else
            FN(block_tile)(t, 2, 2 * NV, 0, j, c + j, t->c_row);
    }
    for (; j < t->cols; j += NR)
        for (int64_t n = 0, i = 0; n < tiles; n++) {
            const int rows = (int)((t->rows - i) / (tiles - n));
            if (j + NR <= t->cols)
                FN(block_switch)(t, rows, i, j, c + i * t->c_row + j, t->c_row);
            else
                FN(block_edge)(t, rows, i, j);
            i += rows;
        }
}

/* Rows of a panel by `count` vectors each. What a vector spills over the end of its piece the next one, or the next row,
 * overwrites. */
TC_INLINE void FN(gather_rows)(int64_t kc, int count, const int64_t *from, const int64_t *to, const int64_t *offset,
                               const T *planes, T *row)
{
    for (int64_t p = 0; p < kc; p++, row += NR) {
        const T *cells = planes + offset[p];
        TC_UNROLL
        for (int n = 0; n < count; n++)
            store(row + to[n], load(cells + from[n]));
    }
}

static void FN(conv_gather)(int64_t kc, int pieces, const tc_conv_piece *piece, const int64_t *offset, const void *planes, void *panel)
{
    int64_t from[2 * NR], to[2 * NR];   /* a piece of n columns takes at most n / VLEN + 1 vectors */
    int count = 0;
    for (int s = 0; s < pieces; s++) {
        const int64_t end = s + 1 < pieces ? piece[s + 1].to : NR;
        for (int64_t j = piece[s].to; j < end; j += VLEN, count++) {
            from[count] = piece[s].from + j - piece[s].to;
            to[count] = j;
        }
    }
    switch (count) {
    case NV: FN(gather_rows)(kc, NV, from, to, offset, planes, panel); break;
    case NV + 1: FN(gather_rows)(kc, NV + 1, from, to, offset, planes, panel); break;
    case NV + 2: FN(gather_rows)(kc, NV + 2, from, to, offset, planes, panel); break;
    default: {
        T *row = panel;
        for (int64_t p = 0; p < kc; p++, row += NR)
            for (int n = 0; n < count; n++)
                store(row + to[n], load((const T *)planes + offset[p] + from[n]));
    }
    }
}

#undef MR
#undef NV
#undef NR
