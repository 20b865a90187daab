/* conv_tpl.h - kernels of conv.c for one dtype and instruction set: packing planes of images, products, copies. */

#if VBYTES / (DTYPE_F32 ? 4 : 8) == 2
#define EVEN_LANES 0, 2
#define ODD_LANES 1, 3
#elif VBYTES / (DTYPE_F32 ? 4 : 8) == 4
#define EVEN_LANES 0, 2, 4, 6
#define ODD_LANES 1, 3, 5, 7
#elif VBYTES / (DTYPE_F32 ? 4 : 8) == 8
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14
#define ODD_LANES 1, 3, 5, 7, 9, 11, 13, 15
#else
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD_LANES 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#endif

/* The even, and the odd, elements of a and b, one after the other. */
TC_INLINE vec FN(unzip)(vec a, vec b) { return SHUFFLE(a, b, EVEN_LANES); }
TC_INLINE vec FN(unzip_odd)(vec a, vec b) { return SHUFFLE(a, b, ODD_LANES); }

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

/* Pixels in pairs: the first of each to one row of cells, the second to another. */
static inline void FN(conv_split)(int64_t pairs, const T *src, T *first, T *second)
{
    if (pairs < VLEN) {
        FN(conv_copy)(pairs, src, 2, 0, first);
        FN(conv_copy)(pairs, src + 1, 2, 0, second);
        return;
    }
    for (int64_t j = 0; j < pairs; j += VLEN) {
        const int64_t k = tc_min(j, pairs - VLEN);
        const vec a = load(src + 2 * k), b = load(src + 2 * k + VLEN);
        store(first + k, FN(unzip)(a, b));
        store(second + k, FN(unzip_odd)(a, b));
    }
}

static void FN(conv_pack)(const tc_plane *p, const void *pixels, void *cells)
{
    const T *src = pixels;
    T *dst = cells;
    const int64_t h = p->h, w = p->w, cols = p->cols, other = p->other, ahead = p->ahead, count = p->count, step = p->col_step;
    const size_t bytes = (size_t)(p->rows * cols) * sizeof(T);
    if (p->padded) {
        memset(dst, 0, bytes);
        if (other)
            memset(dst + other, 0, bytes);
    }
    for (int64_t i = 0; i < p->rows; i++, dst += cols) {
        const int64_t row = p->row + i * p->row_step;
        if (row < 0 || row >= h)
            continue;
        const T *line = src + row * w, *first = line + p->pixel;
        if (ahead > 0)
            for (int64_t j = 0; j < w; j += 64 / (int)sizeof(T))
                __builtin_prefetch(line + ahead + j, 0, 2);
        if (!other) {
            FN(conv_copy)(count, first, step, (h - row) * w - p->pixel, dst + p->cell);
            continue;
        }
        FN(conv_split)(count, first, dst + p->cell, dst + p->other_cell);
        if (p->single)
            dst[p->cell + count] = first[2 * count];
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

static const tc_conv_kernels FN(conv_kernels) = {
    .pack = FN(conv_pack),
    .copy = FN(conv_copy_rows),
    .block = FN(conv_block),
    .gather = FN(conv_gather),
};

#undef EVEN_LANES
#undef ODD_LANES
