/* avg_pool_tpl.h - average pooling for one float dtype, vectorised over output columns. */

/* Columns that the gradient spreads at a time: the block stays on the stack and in L1, and longer rows only cost a
 * few windows done twice. */
#define AVG_BLOCK 256

/* Width up to which a window is added as that many vectors; wider ones are added one by one. */
#define AVG_NARROW 8

/* Output columns [begin, end) of one row, as max_columns has them. The order of addition is that of sum_cell, so that
 * narrow windows round alike at the edges and inside. */
TC_INLINE void FN(avg_columns)(const int64_t stride, const tc_pool2d_params *p, tc_span rows, int64_t begin, int64_t end,
                               T divisor, const T *x, T *y)
{
    for (int64_t j = begin; j < end; j += VLEN) {
        j = tc_max(tc_min(j, end - VLEN), begin);
        vec sum = splat(0);

        for (int64_t r = rows.begin; r < rows.end; r++) {
            const T *cells = x + r * p->w + j * stride - p->pad_w;
            int64_t s = 0;

            for (; stride == 2 && s + 2 <= p->kernel_w; s += 2) {
                vec even, odd;

                FN(load_pairs)(cells + s, &even, &odd);
                sum = (sum + even) + odd;
            }
            for (; s < p->kernel_w; s++)
                sum += FN(load_strided)(cells + s, stride);
        }
        FN(store_lanes)(y + j, end - j, FN(settle)(sum, stride) / divisor);
    }
}

/* Sum of n consecutive elements: four chains, to hide the latency of addition and to round less. */
NOINLINE T FN(pool_sum)(int64_t n, const T *x)
{
    vec sum[4] = {splat(0), splat(0), splat(0), splat(0)};
    int64_t i = 0;
    T rest = 0;

    for (; i + 4 * VLEN <= n; i += 4 * VLEN)
        TC_UNROLL
        for (int k = 0; k < 4; k++)
            sum[k] += load(x + i + k * VLEN);
    for (; i + VLEN <= n; i += VLEN)
        sum[0] += load(x + i);
    for (; i < n; i++)
        rest += x[i];
    return FN(lanes_sum)((sum[0] + sum[1]) + (sum[2] + sum[3])) + rest;
}

/* Sum of a window: plain where it is narrow, by vectors where rows are long or, being whole, follow one another. */
NOINLINE T FN(sum_window)(const T *x, int64_t w, tc_span rows, tc_span cols)
{
    const int64_t width = cols.end - cols.begin;
    T sum = 0;

    if (width == w)
        return FN(pool_sum)((rows.end - rows.begin) * w, x + rows.begin * w);
    if (width < 2 * VLEN)
        return FN(sum_cell)(x, w, rows, cols);
    for (int64_t r = rows.begin; r < rows.end; r++)
        sum += FN(pool_sum)(width, x + r * w + cols.begin);
    return sum;
}

/* Output columns [begin, end) of row i, window by window. */
NOINLINE void FN(avg_edge)(const tc_pool2d_params *p, int include_pad, int64_t divisor, int64_t i, int64_t begin, int64_t end,
                                const T *x, T *y)
{
    const tc_span rows = tc_pool_rows(p, i);

    for (int64_t j = begin; j < end; j++) {
        const int64_t cells = divisor ? divisor : tc_avg_height(p, i, include_pad) * tc_avg_width(p, j, include_pad);

        y[j] = FN(sum_window)(x, p->w, rows, tc_pool_columns(p, j)) / (T)cells;
    }
}

/* Output columns [begin, end) inside the image, in the order of avg_columns. */
NOINLINE void FN(avg_plain)(const tc_pool2d_params *p, tc_span rows, int64_t begin, int64_t end, T divisor, const T *x, T *y)
{
    for (int64_t j = begin; j < end; j++)
        y[j] = FN(sum_cell)(x, p->w, rows, tc_pool_columns(p, j)) / divisor;
}

/* Output rows [begin, end), counted through all planes. */
static void FN(avg_rows)(const tc_pool2d_params *p, int include_pad, int64_t divisor, int64_t begin, int64_t end,
                         const void *x, void *y)
{
    const tc_span inside = tc_pool_interior(p);
    const T *plane = (const T *)x + begin / p->oh * p->h * p->w;
    int64_t i = begin % p->oh;

    for (int64_t row = begin; row < end; row++) {
        T *out = (T *)y + row * p->ow;
        const tc_span rows = tc_pool_rows(p, i);
        const T cells = (T)(divisor ? divisor : tc_avg_height(p, i, include_pad) * p->kernel_w);
        tc_span cols = inside;

        if (p->ow == 1)
            cols.end = cols.begin; /* sum_window has vectors along the window */
        if (cols.begin > 0)
            FN(avg_edge)(p, include_pad, divisor, i, 0, cols.begin, plane, out);
        if (!FN(lanes_readable)(p, rows, cols, plane, (const T *)x)) /* the last rows of a batch, which must not round otherwise */
            FN(avg_plain)(p, rows, cols.begin, cols.end, cells, plane, out);
        else if (p->stride_w == 1)
            FN(avg_columns)(1, p, rows, cols.begin, cols.end, cells, plane, out);
        else if (p->stride_w == 2)
            FN(avg_columns)(2, p, rows, cols.begin, cols.end, cells, plane, out);
        else
            FN(avg_columns)(p->stride_w, p, rows, cols.begin, cols.end, cells, plane, out);
        if (cols.end < p->ow)
            FN(avg_edge)(p, include_pad, divisor, i, cols.end, p->ow, plane, out);
        if (++i == p->oh) {
            i = 0;
            plane += p->h * p->w;
        }
    }
}

/* Columns [left, left + n) of the image, and the windows [begin, end) that reach them. */
typedef struct {
    int64_t left, n, begin, end;
    tc_span inside;
} FN(avg_block);

/* Spreads row i of dy over the columns of a block: spread[c] = sum of dy / divisor of the windows over c. With the
 * quotients laid out at their windows' first cells, zeros between, narrow windows are a sum of kernel_w shifted copies. */
static inline void FN(avg_spread)(const tc_pool2d_params *p, int include_pad, int64_t divisor, int64_t i, const FN(avg_block) *b,
                                  const T *dy, T *spread)
{
    const bool narrow = p->kernel_w <= AVG_NARROW;
    const int64_t height = tc_avg_height(p, i, include_pad), origin = b->left + p->pad_w - p->kernel_w + 1;
    const T cells = (T)(divisor ? divisor : height * p->kernel_w);
    T firsts[AVG_BLOCK + AVG_NARROW + VLEN];

    memset(narrow ? firsts : spread, 0, (size_t)(narrow ? b->n + AVG_NARROW + VLEN : b->n) * sizeof(T));
    for (int64_t j = b->begin; j < b->end; j++) {
        const int64_t at = j * p->stride_w - origin; /* the first cell is at - kernel_w + 1 in spread */
        const bool edge = !divisor && (j < b->inside.begin || j >= b->inside.end);
        const T g = dy[j] / (edge ? (T)(height * tc_avg_width(p, j, include_pad)) : cells);

        if (narrow)
            firsts[at] = g;
        else
            for (int64_t c = tc_max(at - p->kernel_w + 1, 0); c < tc_min(at + 1, b->n); c++)
                spread[c] += g;
    }
    for (int64_t c = 0; narrow && c < b->n; c += VLEN) {
        vec sum = load(firsts + c);

        for (int64_t s = 1; s < p->kernel_w; s++)
            sum += load(firsts + c + s);
        store(spread + c, sum);
    }
}

/* Gradient of a block of columns of one plane. A window's rows all get the same addend, so a row of dy is spread over
 * columns once and then put into each of them: stored in rows that no window before touched (from `fresh` on), added in the
 * others, and zeros in rows between windows. */
static inline void FN(avg_grad_block)(const tc_pool2d_params *p, int include_pad, int64_t divisor, const FN(avg_block) *b,
                                      const T *dy, T *dx)
{
    const size_t bytes = (size_t)b->n * sizeof(T);
    T spread[AVG_BLOCK];
    int64_t fresh = 0;

    for (int64_t i = 0; i < p->oh; i++) {
        const tc_span rows = tc_pool_rows(p, i);

        FN(avg_spread)(p, include_pad, divisor, i, b, dy + i * p->ow, spread);
        for (; fresh < rows.begin; fresh++)
            memset(dx + fresh * p->w + b->left, 0, bytes);
        for (int64_t r = rows.begin; r < rows.end; r++) {
            T *row = dx + r * p->w + b->left;

            if (r >= fresh)
                memcpy(row, spread, bytes);
            else
                for (int64_t c = 0; c < b->n; c += VLEN)
                    FN(store_lanes)(row + c, b->n - c, FN(load_lanes)(row + c, b->n - c, 0) + load(spread + c));
        }
        fresh = tc_max(fresh, rows.end);
    }
    for (; fresh < p->h; fresh++)
        memset(dx + fresh * p->w + b->left, 0, bytes);
}

/* Gradient of the planes [begin, end). */
static void FN(avg_grad)(const tc_pool2d_params *p, int include_pad, int64_t divisor, int64_t begin, int64_t end,
                         const void *dy, void *dx)
{
    FN(avg_block) b = {.inside = tc_pool_interior(p)};

    for (b.left = 0; b.left < p->w; b.left += AVG_BLOCK) {
        const int64_t origin = b.left + p->pad_w - p->kernel_w + 1;

        b.n = tc_min(AVG_BLOCK, p->w - b.left);
        b.begin = origin <= 0 ? 0 : (origin - 1) / p->stride_w + 1;
        b.end = tc_min((b.left + b.n - 1 + p->pad_w) / p->stride_w + 1, p->ow);
        for (int64_t plane = begin; plane < end; plane++)
            FN(avg_grad_block)(p, include_pad, divisor, &b, (const T *)dy + plane * p->oh * p->ow, (T *)dx + plane * p->h * p->w);
    }
}

/* Output rows [begin, end) of adaptive average pooling; spans in blocks as in max_rows_plain. */
static void FN(adaptive_avg_rows)(const tc_pool2d_params *p, int64_t begin, int64_t end, const void *x, void *y)
{
    tc_span cols[POOL_SPANS];

    for (int64_t first = 0; first < p->ow; first += POOL_SPANS) {
        const int64_t n = tc_min(POOL_SPANS, p->ow - first);

        for (int64_t j = 0; j < n; j++)
            cols[j] = tc_adaptive_span(first + j, p->ow, p->w);
        for (int64_t row = begin; row < end; row++) {
            const T *plane = (const T *)x + row / p->oh * p->h * p->w;
            const tc_span rows = tc_adaptive_span(row % p->oh, p->oh, p->h);

            for (int64_t j = 0; j < n; j++) {
                const int64_t cells = (rows.end - rows.begin) * (cols[j].end - cols[j].begin);

                ((T *)y)[row * p->ow + first + j] = FN(sum_window)(plane, p->w, rows, cols[j]) / (T)cells;
            }
        }
    }
}

/* Its gradient for the planes [begin, end). */
static void FN(adaptive_avg_grad)(const tc_pool2d_params *p, int64_t begin, int64_t end, const void *dy, void *dx)
{
    tc_span cols[POOL_SPANS];

    memset((T *)dx + begin * p->h * p->w, 0, (size_t)((end - begin) * p->h * p->w) * sizeof(T));
    for (int64_t first = 0; first < p->ow; first += POOL_SPANS) {
        const int64_t n = tc_min(POOL_SPANS, p->ow - first);

        for (int64_t j = 0; j < n; j++)
            cols[j] = tc_adaptive_span(first + j, p->ow, p->w);
        for (int64_t row = begin * p->oh; row < end * p->oh; row++) {
            T *plane = (T *)dx + row / p->oh * p->h * p->w;
            const tc_span rows = tc_adaptive_span(row % p->oh, p->oh, p->h);

            for (int64_t j = 0; j < n; j++) {
                const T cells = (T)((rows.end - rows.begin) * (cols[j].end - cols[j].begin));
                const T g = ((const T *)dy)[row * p->ow + first + j] / cells;

                for (int64_t r = rows.begin; r < rows.end; r++)
                    for (int64_t c = cols[j].begin; c < cols[j].end; c++)
                        plane[r * p->w + c] += g;
            }
        }
    }
}

/* Means of the planes [begin, end) of `cells` cells: global average pooling, the end of most networks. */
static void FN(global_avg)(int64_t begin, int64_t end, int64_t cells, const void *x, void *y)
{
    for (int64_t plane = begin; plane < end; plane++)
        ((T *)y)[plane] = FN(pool_sum)(cells, (const T *)x + plane * cells) / (T)cells;
}

static void FN(global_avg_grad)(int64_t begin, int64_t end, int64_t cells, const void *dy, void *dx)
{
    for (int64_t plane = begin; plane < end; plane++) {
        const vec g = splat(((const T *)dy)[plane] / (T)cells);

        for (int64_t i = 0; i < cells; i += VLEN)
            FN(store_lanes)((T *)dx + plane * cells + i, cells - i, g);
    }
}

#undef AVG_NARROW
#undef AVG_BLOCK
