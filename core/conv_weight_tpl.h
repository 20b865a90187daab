/* conv_weight_tpl.h - kernels of conv_weight.c for one dtype and instruction set.
 *
 * The micro-kernel is the GEMM's, but each of its NV vectors of B comes from a place of its own: a vector is a piece of one
 * tap's channels, and a tile may hold pieces of two taps. Registers are those of the GEMM's tile (gemm_tpl.h). */
#define MR GEMM_MR
#define NV GEMM_NV

/* ---- pixels: planes to pixels whose channels are adjacent ---- */

/* Planes are read side by side, a few lines each at a time, which no hardware prefetcher foresees. */
#define PIXELS_AHEAD (256 / (int)sizeof(T))

/* `count` of VLEN pixels. Lanes that no channel fills repeat the last one: nobody uses them. */
TC_INLINE void FN(pixels_block)(int64_t lanes, int64_t plane, int count, const T *src, int64_t width, T *dst)
{
    vec r[VLEN];
    TC_UNROLL
    for (int l = 0; l < VLEN; l++) {
        const T *pixels = src + tc_min(l, lanes - 1) * plane;
        r[l] = load(pixels);
        __builtin_prefetch(pixels + PIXELS_AHEAD);
    }
    FN(transpose)(r);
    TC_UNROLL
    for (int l = 0; l < VLEN; l++)
        if (l < count)
            store(dst + l * width, r[l]);
}

NOINLINE void FN(pixels_part)(int64_t lanes, int64_t plane, int count, const T *src, int64_t width, T *dst)
{
    FN(pixels_block)(lanes, plane, count, src, width, dst);
}

/* A vector whose lanes reach past `width` spills into the next pixel, so channels go from the last to the first and pixels
 * upwards, and each spill is overwritten but the last: up to VLEN - 1 elements behind the last pixel. */
static void FN(conv_pixels)(int64_t channels, int64_t width, int64_t plane, int64_t count, int64_t readable, const void *src_,
                            void *dst_)
{
    for (int64_t first = (channels - 1) / VLEN * VLEN; first >= 0; first -= VLEN) {
        const T *src = (const T *)src_ + first * plane;
        T *dst = (T *)dst_ + first;
        const int64_t lanes = tc_min(VLEN, channels - first);
        int64_t q = 0;
        for (; q + VLEN <= count; q += VLEN)
            FN(pixels_block)(lanes, plane, VLEN, src + q, width, dst + q * width);
        if (q < count && q + VLEN <= readable) {
            FN(pixels_part)(lanes, plane, (int)(count - q), src + q, width, dst + q * width);
            q = count;
        }
        for (; q < count; q++)
            for (int64_t l = 0; l < lanes; l++)
                dst[q * width + l] = src[l * plane + q];
    }
}

/* ---- the micro-kernel ---- */

TC_INLINE void FN(outer_rows)(const tc_outer_tile *t, int rows)
{
    vec acc[MR][NV];
    T *sums = t->sums;
    const T *a = t->a, *b[NV];
    const int64_t *offset = t->offset;
    TC_UNROLL
    for (int j = 0; j < NV; j++)
        b[j] = (const T *)t->b + t->unit[j];
    TC_UNROLL
    for (int i = 0; i < rows; i++)
        TC_UNROLL
        for (int j = 0; j < NV; j++)
            acc[i][j] = (vec){0};
    for (int64_t p = 0, end = t->count; p < end; p++, a += rows) {
        vec bv[NV];
        TC_UNROLL
        for (int j = 0; j < NV; j++)
            bv[j] = load(b[j] + offset[p]);
        TC_UNROLL
        for (int i = 0; i < rows; i++)
            TC_UNROLL
            for (int j = 0; j < NV; j++)
                acc[i][j] += a[i] * bv[j];
    }
    TC_UNROLL
    for (int i = 0; i < rows; i++)
        TC_UNROLL
        for (int j = 0; j < NV; j++)
            store(sums + (i * NV + j) * VLEN, load(sums + (i * NV + j) * VLEN) + acc[i][j]);
}

static void FN(conv_outer)(const tc_outer_tile *t)
{
    switch (t->rows) {
    case 1: FN(outer_rows)(t, 1); break;
    case 2: FN(outer_rows)(t, 2); break;
    case 3: FN(outer_rows)(t, 3); break;
#if MR > 4
    case 4: FN(outer_rows)(t, 4); break;
    case 5: FN(outer_rows)(t, 5); break;
#endif
#if MR > 6
    case 6: FN(outer_rows)(t, 6); break;
    case 7: FN(outer_rows)(t, 7); break;
#endif
#if MR > 8
    case 8: FN(outer_rows)(t, 8); break;
    case 9: FN(outer_rows)(t, 9); break;
    case 10: FN(outer_rows)(t, 10); break;
    case 11: FN(outer_rows)(t, 11); break;
    case 12: FN(outer_rows)(t, 12); break;
    case 13: FN(outer_rows)(t, 13); break;
#endif
    default: FN(outer_rows)(t, MR); break;
    }
}

/* ---- the sums' way to the gradient ---- */

static void FN(conv_scatter)(int rows, int64_t lanes, const int64_t *index, int64_t limit, const void *sums_, int64_t depth,
                             void *dst_)
{
    const T *sums = sums_;
    T *dst = dst_;
    for (int i = 0; i < rows; i++, sums += lanes, dst += depth)
        for (int64_t l = 0; l < lanes; l++)     /* lanes of no channel have a place past the limit */
            if (index[l] < limit)
                dst[index[l]] = sums[l];
}

static void FN(conv_add_part)(int64_t n, const void *x_, void *y_)
{
    const T *x = x_;
    T *y = y_;
    TC_SIMD
    for (int64_t i = 0; i < n; i++)
        y[i] += x[i];
}

/* A short sum in SUM_VECTORS vectors at a time, which cover the latency of an addition; such sums are added in double. */
#define SUM_VECTORS 4
#define SHORT_SUM (64 * SUM_VECTORS * VLEN)

static void FN(conv_add_sums)(int64_t rows, int64_t n, int64_t step, const void *x_, void *y_)
{
    T *y = y_;
    for (int64_t i = 0; i < rows; i++) {
        const T *x = (const T *)x_ + i * step;
        double sum = 0;
        for (int64_t left = n; left > 0;) {
            const int64_t count = tc_min(left, SHORT_SUM);
            vec acc[SUM_VECTORS] = {0};
            int64_t q = 0;
            for (; q + SUM_VECTORS * VLEN <= count; q += SUM_VECTORS * VLEN)
                TC_UNROLL
                for (int v = 0; v < SUM_VECTORS; v++)
                    acc[v] += load(x + q + v * VLEN);
            for (; q < count; q += VLEN)
                acc[0] += FN(load_lanes)(x + q, count - q, 0);
            sum += (double)FN(lanes_sum)((acc[0] + acc[1]) + (acc[2] + acc[3]));
            x += count;
            left -= count;
        }
        y[i] += (T)sum;
    }
}

static const tc_conv_weight_kernels FN(conv_weight_kernels) = {
    .mr = MR,
    .nv = NV,
    .lanes = VLEN,
    .pixels = FN(conv_pixels),
    .outer = FN(conv_outer),
    .scatter = FN(conv_scatter),
    .add = FN(conv_add_part),
    .add_sums = FN(conv_add_sums),
};

#undef MR
#undef NV
#undef PIXELS_AHEAD
#undef SUM_VECTORS
#undef SHORT_SUM
