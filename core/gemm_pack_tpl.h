/* gemm_pack_tpl.h - part of gemm_tpl.h: shuffles of vectors, and the packing of panels, which is made of them. */

/* ---- shuffles: the interleavings from which transposition and horizontal sums are built ---- */

#if VBYTES / (DTYPE_F32 ? 4 : 8) == 2
#define LOW_LANES 0, 2
#define HIGH_LANES 1, 3
#define LOG_VLEN 1
#elif VBYTES / (DTYPE_F32 ? 4 : 8) == 4
#define LOW_LANES 0, 4, 1, 5
#define HIGH_LANES 2, 6, 3, 7
#define LOG_VLEN 2
#elif VBYTES / (DTYPE_F32 ? 4 : 8) == 8
#define LOW_LANES 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_LANES 4, 12, 5, 13, 6, 14, 7, 15
#define LOG_VLEN 3
#else
#define LOW_LANES 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_LANES 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define LOG_VLEN 4
#endif

/* a0 b0 a1 b1 ... of the lower halves, and of the upper halves. */
static inline __attribute__((always_inline)) vec FN(zip_low)(vec a, vec b)
{
#if defined(__clang__)
    return __builtin_shufflevector(a, b, LOW_LANES);
#else
    return __builtin_shuffle(a, b, (ivec){LOW_LANES});
#endif
}

static inline __attribute__((always_inline)) vec FN(zip_high)(vec a, vec b)
{
#if defined(__clang__)
    return __builtin_shufflevector(a, b, HIGH_LANES);
#else
    return __builtin_shuffle(a, b, (ivec){HIGH_LANES});
#endif
}

/* Transpose VLEN vectors. Each round moves the top bit of the row number to the bottom of the lane number and the top
 * bit of the lane number to the bottom of the row number; after log2(VLEN) rounds the two have changed places. */
static inline __attribute__((always_inline)) void FN(transpose)(vec r[VLEN])
{
    TC_UNROLL
    for (int round = 0; round < LOG_VLEN; round++) {
        vec t[VLEN];
        TC_UNROLL
        for (int i = 0; i < VLEN / 2; i++) {
            t[2 * i] = FN(zip_low)(r[i], r[i + VLEN / 2]);
            t[2 * i + 1] = FN(zip_high)(r[i], r[i + VLEN / 2]);
        }
        TC_UNROLL
        for (int i = 0; i < VLEN; i++)
            r[i] = t[i];
    }
}

/* Lane i of the result is the sum of the lanes of r[i]: the same rounds, adding instead of keeping both halves. */
static inline __attribute__((always_inline)) vec FN(sums)(vec r[VLEN])
{
    TC_UNROLL
    for (int count = VLEN / 2; count > 0; count /= 2)
        TC_UNROLL
        for (int i = 0; i < count; i++)
            r[i] = FN(zip_low)(r[i], r[i + count]) + FN(zip_high)(r[i], r[i + count]);
    return r[0];
}

/* ---- packing ---- */

/* dst[p * width + i] = src[i * i_stride + p * p_stride] for p < count, i < valid; 0 for valid <= i < width.
 * A panel of A has width MR, one of B width NR. */
static void FN(pack_any)(int width, int valid, int64_t count, const T *src, int64_t i_stride, int64_t p_stride, T *dst)
{
    for (int64_t p = 0; p < count; p++) {
        for (int i = 0; i < valid; i++)
            dst[p * width + i] = src[i * i_stride + p * p_stride];
        for (int i = valid; i < width; i++)
            dst[p * width + i] = 0;
    }
}

/* i_stride == 1 and a full panel: rows are copied; width is a constant in each copy of this. */
static inline __attribute__((always_inline)) void FN(pack_rows)(int width, int64_t count, const T *src, int64_t p_stride, T *dst)
{
    for (int64_t p = 0; p < count; p++) {
        const T *s = src + p * p_stride;
        T *d = dst + p * width;
        int i = 0;
        TC_UNROLL
        for (; i + VLEN <= width; i += VLEN)
            store(d + i, load(s + i));
        TC_UNROLL
        for (; i < width; i++)
            d[i] = s[i];
    }
}

/* p_stride == 1: blocks of VLEN x VLEN are transposed in registers. A block whose lanes reach past the panel's width
 * spills into the next row of the panel, so lanes go from right to left, which then overwrites the spill; the last rows
 * are left to pack_any where that happens, so that nothing after the panel is written. */
static void FN(pack_columns)(int width, int valid, int64_t count, const T *src, int64_t i_stride, T *dst)
{
    int64_t whole = (count - (width % VLEN != 0)) / VLEN * VLEN;
    for (int i0 = (width - 1) / VLEN * VLEN; i0 >= 0; i0 -= VLEN)
        for (int64_t p = 0; p < whole; p += VLEN) {
            vec r[VLEN];
            TC_UNROLL
            for (int i = 0; i < VLEN; i++)
                r[i] = i0 + i < valid ? load(src + (i0 + i) * i_stride + p) : (vec){0};
            FN(transpose)(r);
            TC_UNROLL
            for (int i = 0; i < VLEN; i++)
                store(dst + (p + i) * width + i0, r[i]);
        }
    FN(pack_any)(width, valid, count - whole, src + whole, i_stride, 1, dst + whole * width);
}

static void FN(gemm_pack)(int width, int valid, int64_t count, const void *src, int64_t i_stride, int64_t p_stride, void *dst)
{
    if (i_stride == 1 && valid == width && width == NR)
        FN(pack_rows)(NR, count, src, p_stride, dst);
    else if (i_stride == 1 && valid == width && width == MR)
        FN(pack_rows)(MR, count, src, p_stride, dst);
    else if (p_stride == 1 && i_stride != 1)
        FN(pack_columns)(width, valid, count, src, i_stride, dst);
    else
        FN(pack_any)(width, valid, count, src, i_stride, p_stride, dst);
}
