/* gemm_pack_tpl.h - part of gemm_tpl.h: shuffles of vectors, and the packing of panels, which is made of them. */

/* ---- shuffles: the interleavings from which transposition and horizontal sums are built ----
 *
 * Lanes are interleaved within each 128 bits, which costs one instruction everywhere, then blocks of 128 bits. */

#define LANES_128 ((int)(16 / sizeof(T)))

#if VBYTES / (DTYPE_F32 ? 4 : 8) == 2
#define LOW_LANES 0, 2
#define HIGH_LANES 1, 3
#elif VBYTES == 16
#define LOW_LANES 0, 4, 1, 5
#define HIGH_LANES 2, 6, 3, 7
#elif VBYTES == 32 && DTYPE_F32
#define LOW_LANES 0, 8, 1, 9, 4, 12, 5, 13
#define HIGH_LANES 2, 10, 3, 11, 6, 14, 7, 15
#define LOW_BLOCKS 0, 1, 2, 3, 8, 9, 10, 11
#define HIGH_BLOCKS 4, 5, 6, 7, 12, 13, 14, 15
#elif VBYTES == 32
#define LOW_LANES 0, 4, 2, 6
#define HIGH_LANES 1, 5, 3, 7
#define LOW_BLOCKS 0, 1, 4, 5
#define HIGH_BLOCKS 2, 3, 6, 7
#elif DTYPE_F32
#define LOW_LANES 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#define HIGH_LANES 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#define LOW_BLOCKS 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23
#define HIGH_BLOCKS 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31
#else
#define LOW_LANES 0, 8, 2, 10, 4, 12, 6, 14
#define HIGH_LANES 1, 9, 3, 11, 5, 13, 7, 15
#define LOW_BLOCKS 0, 1, 8, 9, 2, 3, 10, 11
#define HIGH_BLOCKS 4, 5, 12, 13, 6, 7, 14, 15
#endif
#if VBYTES == 16     /* one block: never used, but compiled */
#define LOW_BLOCKS LOW_LANES
#define HIGH_BLOCKS HIGH_LANES
#endif

/* a0 b0 a1 b1 ... of lanes within each 128 bits, or of blocks: of the lower halves, and of the upper halves. */
TC_INLINE vec FN(merge_low)(bool blocks, vec a, vec b)
{
    return blocks ? SHUFFLE(a, b, LOW_BLOCKS) : SHUFFLE(a, b, LOW_LANES);
}

TC_INLINE vec FN(merge_high)(bool blocks, vec a, vec b)
{
    return blocks ? SHUFFLE(a, b, HIGH_BLOCKS) : SHUFFLE(a, b, HIGH_LANES);
}

/* a0 b0 a1 b1 ... of the lower halves, and of the upper halves, across the whole vector. */
TC_INLINE vec FN(zip_low)(vec a, vec b)
{
    const vec low = FN(merge_low)(false, a, b);
    return VBYTES == 16 ? low : FN(merge_low)(true, low, FN(merge_high)(false, a, b));
}

TC_INLINE vec FN(zip_high)(vec a, vec b)
{
    const vec high = FN(merge_high)(false, a, b);
    return VBYTES == 16 ? high : FN(merge_high)(true, FN(merge_low)(false, a, b), high);
}

/* Transpose VLEN vectors. A round on rows `step` apart moves that bit of the row number to the bottom of the lane (block)
 * number, and that one's top bit to where the row's was; after all rounds the two numbers have changed places. */
TC_INLINE void FN(transpose)(vec r[VLEN])
{
    TC_UNROLL
    for (int step = VLEN / 2; step > 0; step /= 2)
        TC_UNROLL
        for (int i = 0; i < VLEN; i++)
            if (!(i & step)) {
                const bool blocks = step >= LANES_128;
                vec low = FN(merge_low)(blocks, r[i], r[i + step]);
                r[i + step] = FN(merge_high)(blocks, r[i], r[i + step]);
                r[i] = low;
            }
}

/* Lane i of the result is the sum of the lanes of r[i]: the same rounds, adding instead of keeping both halves. */
TC_INLINE vec FN(sums)(vec r[VLEN])
{
    TC_UNROLL
    for (int count = VLEN / 2; count > 0; count /= 2)
        TC_UNROLL
        for (int i = 0; i < count; i++) {
            const bool blocks = count >= LANES_128;
            r[i] = FN(merge_low)(blocks, r[i], r[i + count]) + FN(merge_high)(blocks, r[i], r[i + count]);
        }
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
TC_INLINE void FN(pack_rows)(int width, int64_t count, const T *src, int64_t p_stride, T *dst)
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
 * spills into the next rows of the panel, so lanes go from right to left, and rows down, which overwrites the spill; the
 * last rows are left to pack_any where that happens, so that nothing after the panel is written. */
static void FN(pack_columns)(int width, int valid, int64_t count, const T *src, int64_t i_stride, T *dst)
{
    const int spilled = (width + VLEN - 1) / VLEN * VLEN - width;
    const int64_t whole = tc_max(count - tc_ceil_div(spilled, width), 0) / VLEN * VLEN;
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
