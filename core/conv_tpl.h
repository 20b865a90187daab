/* conv_tpl.h - kernels of conv.c for one dtype and instruction set: packing planes of images, products, copies. */

#if VBYTES / (DTYPE_F32 ? 4 : 8) == 2
#define EVEN_LANES 0, 2
#elif VBYTES / (DTYPE_F32 ? 4 : 8) == 4
#define EVEN_LANES 0, 2, 4, 6
#elif VBYTES / (DTYPE_F32 ? 4 : 8) == 8
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14
#else
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#endif

/* The even elements of a and b, one after the other. */
TC_INLINE vec FN(unzip)(vec a, vec b)
{
#if defined(__clang__)
    return __builtin_shufflevector(a, b, EVEN_LANES);
#else
    return __builtin_shuffle(a, b, (ivec){EVEN_LANES});
#endif
}

/* count cells from pixels `step` apart, of which `readable` elements exist. What whole vectors leave is covered by one that
 * overlaps; with a step of 2, a vector of cells reads one pixel more than it needs, so that the last may have to go singly. */
static inline void FN(conv_copy)(int64_t count, const T *src, int64_t step, int64_t readable, T *dst)
{
    if (step == 1 && count >= VLEN) {
        for (int64_t j = 0; j + VLEN <= count; j += VLEN)
            store(dst + j, load(src + j));
        store(dst + count - VLEN, load(src + count - VLEN));
    } else if (step == 2) {
        const int64_t last = count - VLEN;
        int64_t j = 0;
        for (; j < count && last >= 0 && 2 * (tc_min(j, last) + VLEN) <= readable; j += VLEN) {
            const T *pixels = src + 2 * tc_min(j, last);
            store(dst + tc_min(j, last), FN(unzip)(load(pixels), load(pixels + VLEN)));
        }
        for (; j < count; j++)
            dst[j] = src[2 * j];
    } else {
        for (int64_t j = 0; j < count; j++)
            dst[j] = src[j * step];
    }
}

static void FN(conv_pack)(const tc_plane *p, const void *pixels, void *cells)
{
    const T *src = pixels;
    T *dst = cells;
    /* Columns [first, last) of the cells lie in the image. */
    int64_t first = p->col >= 0 ? 0 : tc_ceil_div(-p->col, p->col_step);
    int64_t last = p->w > p->col ? tc_ceil_div(p->w - p->col, p->col_step) : 0;
    int64_t last_row = p->row + (p->rows - 1) * p->row_step;
    first = tc_min(first, p->cols);
    last = tc_max(tc_min(last, p->cols), first);
    if (first > 0 || last < p->cols || p->row < 0 || last_row >= p->h)
        memset(dst, 0, (size_t)(p->rows * p->cols) * sizeof(T));
    if (first == last)
        return;
    const int64_t col = p->col + first * p->col_step;
    for (int64_t i = 0; i < p->rows; i++, dst += p->cols) {
        int64_t row = p->row + i * p->row_step;
        if (row >= 0 && row < p->h) {
            if (p->ahead > 0)
                for (int64_t j = 0; j < p->w; j += 64 / (int)sizeof(T))
                    __builtin_prefetch(src + row * p->w + p->ahead + j, 0, 2);
            FN(conv_copy)(last - first, src + row * p->w + col, p->col_step, (p->h - row) * p->w - col, dst + first);
        }
    }
}

/* y[2 * l] = v[l]; the elements between keep their values. */
TC_INLINE void FN(store_even)(T *y, vec v)
{
    const ivec odd = (ivec)FN(zip_low)((vec)(ivec){0}, (vec)~(ivec){0});
    store(y, select_(odd, load(y), FN(zip_low)(v, v)));
    store(y + VLEN, select_(odd, load(y + VLEN), FN(zip_high)(v, v)));
}

static void FN(conv_copy_rows)(int64_t rows, int64_t cols, const void *x_, int64_t x_row, int64_t x_col, void *y_, int64_t y_row,
                               int64_t y_col)
{
    const T *x = x_;
    T *y = y_;
    for (int64_t i = 0; i < rows; i++, x += x_row, y += y_row) {
        int64_t j = 0;
        if (y_col == 1) {
            FN(conv_copy)(cols, x, x_col, (cols - 1) * x_col + 1, y);
            continue;
        }
        for (; x_col == 1 && y_col == 2 && j + VLEN < cols; j += VLEN)
            FN(store_even)(y + 2 * j, load(x + j));
        for (; j < cols; j++)
            y[j * y_col] = x[j * x_col];
    }
}

#include "conv_block_tpl.h"

static void FN(conv_add)(int64_t n, const void *x_, void *y_)
{
    const T *x = x_;
    T *y = y_;
    for (int64_t i = 0; i < n; i += VLEN)
        store(y + i, load(y + i) + load(x + i));
}

static const tc_conv_kernels FN(conv_kernels) = {
    .pack = FN(conv_pack),
    .copy = FN(conv_copy_rows),
    .block = FN(conv_block),
    .gather = FN(conv_gather),
    .add = FN(conv_add),
};

#undef EVEN_LANES
