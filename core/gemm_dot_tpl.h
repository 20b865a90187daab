/* gemm_dot_tpl.h - part of gemm_tpl.h: the dot kernel. A and B are both contiguous along the sum, so nothing is packed. */

#define DOT_ROWS GEMM_DOT_ROWS
#define DOT_COLS GEMM_DOT_COLS
#define DOT_GROUPS ((DOT_ROWS * DOT_COLS + VLEN - 1) / VLEN)

/* The VLEN elements that end at p + count, but zeros before p: what whole vectors left over, without reading further. Both
 * factors need the zeros: one infinity times 0 would be NaN. */
TC_INLINE vec FN(load_last)(const T *p, int64_t count)
{
    static const TI EDGE[2 * VBYTES / sizeof(TI)] = {[VBYTES / sizeof(TI) ... 2 * VBYTES / sizeof(TI) - 1] = -1};
    ivec mask = *(const ivec *)(EDGE + count);
    return (vec)(mask & (ivec)load(p + count - VLEN));
}

/* Adds the products of the last `rest` < VLEN elements, from `whole` on; `alone` means that none precede. It is a constant
 * in each copy of this: clang does not unroll loops that it splits by a condition first. */
TC_INLINE void FN(dot_rest)(int rows, bool alone, const T *const *a, const T *const *b, int64_t whole, int64_t rest, vec *acc)
{
    vec av[DOT_ROWS];
    TC_UNROLL
    for (int i = 0; i < rows; i++)
        av[i] = alone ? FN(load_part)(a[i], rest, 0) : FN(load_last)(a[i] + whole, rest);
    TC_UNROLL
    for (int j = 0; j < DOT_COLS; j++) {
        vec bv = alone ? FN(load_part)(b[j], rest, 0) : FN(load_last)(b[j] + whole, rest);
        TC_UNROLL
        for (int i = 0; i < rows; i++)
            acc[i * DOT_COLS + j] += av[i] * bv;
    }
}

/* sums(i, j) += sum over p of a[i * a_step + p] * column_j[p] for i < rows, j < DOT_COLS, where column j of B starts at
 * b_offset[j], or at j * b_step. VLEN partial sums an element, added at the end. Columns past t->cols repeat the last. */
TC_INLINE void FN(dot_rows)(const tc_tile *t, T *sums, int rows)
{
    vec acc[DOT_GROUPS * VLEN];
    const T *a[DOT_ROWS], *b[DOT_COLS];
    TC_UNROLL
    for (int i = 0; i < DOT_GROUPS * VLEN; i++)
        acc[i] = (vec){0};
    TC_UNROLL
    for (int i = 0; i < rows; i++)
        a[i] = (const T *)t->a + i * t->a_step;
    TC_UNROLL
    for (int j = 0; j < DOT_COLS; j++) {
        int column = j < t->cols ? j : t->cols - 1;
        b[j] = (const T *)t->b + (t->b_offset ? t->b_offset[column] : column * t->b_step);
    }
    int64_t whole = t->kc / VLEN * VLEN, rest = t->kc - whole;
    for (int64_t p = 0; p < whole; p += VLEN) {
        vec bv[DOT_COLS];
        TC_UNROLL
        for (int j = 0; j < DOT_COLS; j++)
            bv[j] = load(b[j] + p);
        TC_UNROLL
        for (int i = 0; i < rows; i++) {
            vec av = load(a[i] + p);
            TC_UNROLL
            for (int j = 0; j < DOT_COLS; j++)
                acc[i * DOT_COLS + j] += av * bv[j];
        }
    }
    if (rest > 0 && whole > 0)
        FN(dot_rest)(rows, false, a, b, whole, rest, acc);
    else if (rest > 0)
        FN(dot_rest)(rows, true, a, b, 0, rest, acc);
    TC_UNROLL
    for (int g = 0; g < DOT_GROUPS; g++)
        store(sums + g * VLEN, load(sums + g * VLEN) + FN(sums)(acc + g * VLEN));
}

static void FN(gemm_dot)(const tc_tile *t, void *sums)
{
    switch (t->rows) {
    case 1: FN(dot_rows)(t, sums, 1); break;
    case 2: FN(dot_rows)(t, sums, 2); break;
#if DOT_ROWS > 3
    case 3: FN(dot_rows)(t, sums, 3); break;
#endif
#if DOT_ROWS > 4
    case 4: FN(dot_rows)(t, sums, 4); break;
    case 5: FN(dot_rows)(t, sums, 5); break;
#endif
    default: FN(dot_rows)(t, sums, DOT_ROWS); break;
    }
}
