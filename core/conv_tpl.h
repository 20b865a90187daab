/* conv_tpl.h - kernels of conv.c for one dtype and instruction set: packing planes of images, and rows of one filter. */

/* count cells from pixels `step` apart, never past either end: what whole vectors leave is covered by one that overlaps. */
static inline void FN(conv_copy)(int64_t count, const T *src, int64_t step, T *dst)
{
    if (step == 1 && count >= VLEN) {
        for (int64_t j = 0; j + VLEN <= count; j += VLEN)
            store(dst + j, load(src + j));
        store(dst + count - VLEN, load(src + count - VLEN));
    } else if (step == 2) {
        for (int64_t j = 0; j < count; j++)
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
    for (int64_t i = 0; i < p->rows; i++, dst += p->cols) {
        int64_t row = p->row + i * p->row_step;
        if (row >= 0 && row < p->h)
            FN(conv_copy)(last - first, src + row * p->w + p->col + first * p->col_step, p->col_step, dst + first);
    }
}

static void FN(conv_unpack)(int64_t rows, int64_t cols, const void *x_, int64_t x_row, void *y_, int64_t y_row, int64_t y_col)
{
    const T *x = x_;
    T *y = y_;
    for (int64_t i = 0; i < rows; i++, x += x_row, y += y_row) {
        if (y_col == 1) {
            FN(conv_copy)(cols, x, 1, y);
        } else {
            for (int64_t j = 0; j < cols; j++)
                y[j * y_col] = x[j];
        }
    }
}

static void FN(conv_relu)(int64_t n, void *y_)
{
    T *y = y_;
    int64_t j = 0;
    for (; j + VLEN <= n; j += VLEN)
        store(y + j, select_(load(y + j) <= (T)0, splat(0), load(y + j)));
    for (; j < n; j++)
        y[j] = y[j] <= 0 ? 0 : y[j];
}

/* One filter: ROW_VECS accumulators in flight hide the latency of the multiply-add; each loads its own pixels. */
#define ROW_VECS 8

static void FN(conv_row)(int64_t count, int64_t taps, const void *weight_, int64_t weight_step, const int64_t *offset,
                         const void *x_, double bias, void *y_)
{
    const T *weight = weight_, *x = x_;
    T *y = y_;
    int64_t t = 0;
    for (; t + ROW_VECS * VLEN <= count; t += ROW_VECS * VLEN) {
        vec acc[ROW_VECS];
        TC_UNROLL
        for (int j = 0; j < ROW_VECS; j++)
            acc[j] = splat((T)bias);
        for (int64_t p = 0; p < taps; p++) {
            const T *row = x + offset[p] + t;
            T w = weight[p * weight_step];
            TC_UNROLL
            for (int j = 0; j < ROW_VECS; j++)
                acc[j] += w * load(row + j * VLEN);
        }
        TC_UNROLL
        for (int j = 0; j < ROW_VECS; j++)
            store(y + t + j * VLEN, acc[j]);
    }
    for (; t < count; t += VLEN) {
        vec acc = splat((T)bias);
        for (int64_t p = 0; p < taps; p++)
            acc += weight[p * weight_step] * load(x + offset[p] + t);
        store(y + t, acc);
    }
}

static void FN(conv_add)(int64_t n, const void *x_, void *y_)
{
    const T *x = x_;
    T *y = y_;
    for (int64_t i = 0; i < n; i += VLEN)
        store(y + i, load(y + i) + load(x + i));
}

static const tc_conv_kernels FN(conv_kernels) = {
    .pack = FN(conv_pack),
    .relu = FN(conv_relu),
    .unpack = FN(conv_unpack),
    .row = FN(conv_row),
    .add = FN(conv_add),
};

#undef ROW_VECS
