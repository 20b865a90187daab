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

/* rows x nv vectors from filter i and column j of a line on; rows and nv are constants where this is called. Pointers are read
 * again for each tile: from a loop around this the compiler would keep one for each vector, more than there are registers. */
TC_INLINE void FN(block_tile)(const tc_conv_block *t, int rows, int nv, int64_t i, int64_t line, int64_t j)
{
    const int64_t a_row = t->a_row, c_row = t->c_row, *a_offset = t->a_offset, *b_offset = t->b_offset;
    const T *b0 = (const T *)t->b + (line * t->b_line + j), *bias = t->bias, *a[MR];
    T *c = (T *)t->c + (line * t->c_line + i * c_row + j);
    vec acc[MR * NV];
    TC_UNROLL
    for (int r = 0; r < rows; r++)
        a[r] = r ? a[r - 1] + a_row : (const T *)t->a + i * a_row;
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

/* Tiles over all lines and columns, of which there are at least NR. What whole tiles leave is covered by one that overlaps. */
TC_INLINE void FN(block_lines)(const tc_conv_block *t, int rows, int64_t i)
{
    const int64_t lines = t->lines, cols = t->cols;
    for (int64_t line = 0; line < lines; line++)
        for (int64_t j = 0; j < cols; j += NR)
            FN(block_tile)(t, rows, NV, i, line, tc_min(j, cols - NR));
}

/* Rows are a constant in each case, so that a short tile does no work for the rows it lacks. */
NOINLINE void FN(block_switch)(const tc_conv_block *t, int rows, int64_t i)
{
    switch (rows) {
    case 1: FN(block_lines)(t, 1, i); break;
    case 2: FN(block_lines)(t, 2, i); break;
    case 3: FN(block_lines)(t, 3, i); break;
#if MR > 4
    case 4: FN(block_lines)(t, 4, i); break;
    case 5: FN(block_lines)(t, 5, i); break;
#endif
#if MR > 6
    case 6: FN(block_lines)(t, 6, i); break;
    case 7: FN(block_lines)(t, 7, i); break;
#endif
#if MR > 8
    case 8: FN(block_lines)(t, 8, i); break;
    case 9: FN(block_lines)(t, 9, i); break;
    case 10: FN(block_lines)(t, 10, i); break;
    case 11: FN(block_lines)(t, 11, i); break;
    case 12: FN(block_lines)(t, 12, i); break;
    case 13: FN(block_lines)(t, 13, i); break;
#endif
    default: FN(block_lines)(t, MR, i); break;
    }
}

static void FN(block_filters)(const tc_conv_block *t)
{
    const int64_t tiles = tc_ceil_div(t->rows, MR);
    for (int64_t n = 0, i = 0; n < tiles; n++) {
        const int rows = (int)((t->rows - i) / (tiles - n));
        FN(block_switch)(t, rows, i);
        i += rows;
    }
}

/* Columns that may not be added twice, or are fewer than a tile has: by way of a tile in memory. */
NOINLINE void FN(block_edge)(const tc_conv_block *block, int64_t cols)
{
    tc_conv_block t = *block;
    const int64_t tiles = tc_ceil_div(t.rows, MR);
    const size_t bytes = (size_t)cols * sizeof(T);
    T tile[MR * NR] __attribute__((aligned(64))), *c = t.c;
    t.c = tile;
    t.c_row = NR;
    for (int64_t n = 0, i = 0; n < tiles; n++) {
        const int rows = (int)((t.rows - i) / (tiles - n));
        for (int r = 0; r < rows && t.add; r++)
            memcpy(tile + r * NR, c + (i + r) * block->c_row, bytes);
        t.a = (const T *)block->a + i * t.a_row;
        t.bias = block->bias ? (const T *)block->bias + i : NULL;
        FN(block_switch)(&t, rows, 0);
        for (int r = 0; r < rows; r++)
            memcpy(c + (i + r) * block->c_row, tile + r * NR, bytes);
        i += rows;
    }
}

static void FN(move_columns)(tc_conv_block *t, int64_t j)
{
    t->b = (const T *)t->b + j;
    t->c = (T *)t->c + j;
}

/* One line, tile by tile for all filters. */
static void FN(block_line)(const tc_conv_block *t, int64_t line)
{
    const int64_t wide = t->rows == 1 ? 4 * NR : 2 * NR, cols = t->cols;
    tc_conv_block tile = *t;
    tile.b = (const T *)t->b + line * t->b_line;
    tile.c = (T *)t->c + line * t->c_line;
    tile.lines = 1;
    tile.cols = NR;
    int64_t j = 0;
    for (; t->rows <= 2 && j + wide <= cols; j += wide, FN(move_columns)(&tile, wide)) {
        if (t->rows == 1)
            FN(block_tile)(&tile, 1, 4 * NV, 0, 0, 0);
        else
            FN(block_tile)(&tile, 2, 2 * NV, 0, 0, 0);
    }
    for (; j + NR <= cols; j += NR, FN(move_columns)(&tile, NR))
        FN(block_filters)(&tile);
    if (j < cols && !t->add && cols >= NR) {
        FN(move_columns)(&tile, cols - NR - j);
        FN(block_filters)(&tile);
    } else if (j < cols) {
        FN(block_edge)(&tile, cols - j);
    }
}

static void FN(conv_block)(const tc_conv_block *t)
{
    if (t->by_filters && !t->add && t->cols >= NR && t->rows > 2)
        FN(block_filters)(t);
    else
        for (int64_t line = 0; line < t->lines; line++)
            FN(block_line)(t, line);
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
