/* conv_winograd_products_tpl.h - part of conv_winograd_tpl.h: the products at one point, in tiles as those of gemm_tpl.h. Both
 * read what the transforms write as it is: of a pixel's channels, or a tile's filters, whole vectors beside each other. */
#define WINO_MR GEMM_MR
#define WINO_NV GEMM_NV

/* Rows of the sums' tile: filters come in powers of two, and no more rows are needed than hide the latency. */
#define WINO_SUM_ROWS (GEMM_MR > 8 ? 8 : GEMM_MR)

/* c(i, :) = sum over p < depth of a(i, p) * b(p, :), added to c if `add`; tile i's channels lie in pieces of VLEN, MR
 * tiles side by side. */
TC_INLINE void FN(wino_product)(int64_t depth, const T *a, const T *b, int vectors, bool add, T *c, int64_t c_row)
{
    vec acc[WINO_MR][WINO_NV];
    TC_UNROLL
    for (int i = 0; i < WINO_MR; i++)
        TC_UNROLL
        for (int j = 0; j < vectors; j++)
            acc[i][j] = (vec){0};
    for (int64_t p = 0; p < depth; p += VLEN, a += (WINO_MR - 1) * VLEN)
        for (const T *end = a + tc_min(VLEN, depth - p); a < end; a++, b += vectors * VLEN) {
            vec bv[WINO_NV];
            TC_UNROLL
            for (int j = 0; j < vectors; j++)
                bv[j] = load(b + j * VLEN);
            TC_UNROLL
            for (int i = 0; i < WINO_MR; i++)
                TC_UNROLL
                for (int j = 0; j < vectors; j++)
                    acc[i][j] += a[i * VLEN] * bv[j];
        }
    TC_UNROLL
    for (int i = 0; i < WINO_MR; i++)
        TC_UNROLL
        for (int j = 0; j < vectors; j++) {
            vec before = {0};
            if (add)
                before = load(c + i * c_row + j * VLEN);
            store(c + i * c_row + j * VLEN, before + acc[i][j]);
        }
}

static void FN(winograd_product)(int64_t depth, const T *a, const T *b, int vectors, bool add, T *c, int64_t c_row)
{
    switch (vectors) {
    case 1: FN(wino_product)(depth, a, b, 1, add, c, c_row); break;
#if WINO_NV > 2
    case 2: FN(wino_product)(depth, a, b, 2, add, c, c_row); break;
#endif
    default: FN(wino_product)(depth, a, b, WINO_NV, add, c, c_row); break;
    }
}

/* c(i, :) += sum over tiles t of a[t * a_step + i] * b[t * b_step, :]. */
TC_INLINE void FN(wino_sums)(const tc_tile *t, int vectors)
{
    const T *a = t->a, *b = t->b;
    T *c = t->c;
    const int64_t a_step = t->a_step, b_step = t->b_step, c_row = t->c_row;
    vec acc[WINO_SUM_ROWS][WINO_NV];
    TC_UNROLL
    for (int i = 0; i < WINO_SUM_ROWS; i++)
        TC_UNROLL
        for (int j = 0; j < vectors; j++)
            acc[i][j] = (vec){0};
    for (int64_t p = 0, end = t->kc; p < end; p++, a += a_step, b += b_step) {
        vec bv[WINO_NV];
        TC_UNROLL
        for (int j = 0; j < vectors; j++)
            bv[j] = load(b + j * VLEN);
        TC_UNROLL
        for (int i = 0; i < WINO_SUM_ROWS; i++)
            TC_UNROLL
            for (int j = 0; j < vectors; j++)
                acc[i][j] += a[i] * bv[j];
    }
    TC_UNROLL
    for (int i = 0; i < WINO_SUM_ROWS; i++)
        TC_UNROLL
        for (int j = 0; j < vectors; j++)
            store(c + i * c_row + j * VLEN, load(c + i * c_row + j * VLEN) + acc[i][j]);
}

static void FN(winograd_sums)(const tc_tile *t, int vectors)
{
    switch (vectors) {
    case 1: FN(wino_sums)(t, 1); break;
#if WINO_NV > 2
    case 2: FN(wino_sums)(t, 2); break;
#endif
    default: FN(wino_sums)(t, WINO_NV); break;
    }
}
