/* avg_pool_grad_tpl.h - gradients of average pooling for one float dtype: the two steps of avg_pool_tpl.h backwards.
 *
 * All cells of a window get the same addend. So a row of dy is spread over the columns first, several rows in one buffer, where
 * windows lie one stride apart; and then put into each row of the image that its windows reach. */

/* Columns [left, left + n) of the image, and the windows [begin, end) that reach them. In the buffer, window `begin` starts a row, and
 * the column `left` lies at `skip`; the rest is as in avg_block. */
typedef struct {
    int64_t left, n, begin, end;
    int64_t skip, pitch, outs, rows;
} FN(spread_block);

/* Columns that fit the buffer with all windows that reach them, 0 if windows are too wide. */
static int64_t FN(spread_block_width)(const tc_pool2d_params *p)
{
    const int64_t room = AVG_BUFFER - AVG_MARGIN - 4 * p->kernel_w - 3 * p->stride_w;

    return room < VLEN ? 0 : tc_min(room, p->w);
}

static FN(spread_block) FN(spread_block_at)(const tc_pool2d_params *p, int64_t left, int64_t width)
{
    FN(spread_block) b = {.left = left, .n = tc_min(width, p->w - left)};
    const int64_t place = left + p->pad_w, reaches = place - p->kernel_w + 1; /* the first window that reaches `left` starts here or later */

    b.begin = reaches <= 0 ? 0 : tc_min(tc_min(tc_ceil_div(reaches, p->stride_w), place / p->stride_w), p->ow - 1);
    b.end = tc_min((place + b.n - 1) / p->stride_w + 1, p->ow);
    b.skip = place - b.begin * p->stride_w;
    b.outs = tc_ceil_div(tc_max((b.end - b.begin - 1) * p->stride_w + p->kernel_w, b.skip + b.n), p->stride_w);
    b.pitch = b.outs * p->stride_w;
    b.rows = tc_max((AVG_BUFFER - AVG_MARGIN - p->kernel_w) / b.pitch, 1);
    return b;
}

/* Quotients of n rows of dy from `row` on, one every `stride` elements, with zeros between and behind. Each row overwrites what the
 * one before has written too far. */
static void FN(lay_quotients)(const tc_pool2d_params *p, int include_pad, int64_t divisor, const FN(spread_block) *b, int64_t row,
                              int64_t n, int64_t stride, const T *dy, T *firsts)
{
    const bool uniform = tc_avg_uniform(p, include_pad, divisor);
    const int64_t width = b->end - b->begin;
    T divisors[AVG_BUFFER], quotients[AVG_BUFFER];

    store(divisors, splat((T)(divisor ? divisor : p->kernel_h * p->kernel_w)));
    for (int64_t r = row; r < row + n; r++, firsts += b->outs * stride) {
        const T *g = dy + r * p->ow + b->begin;
        const int64_t left = (p->planes * p->oh - r) * p->ow - b->begin;    /* elements from g to the end of dy */
        T *target = stride == 1 ? firsts : quotients;

        if (!uniform)
            FN(avg_divisors)(p, include_pad, divisor, r % p->oh, b->begin, b->end, divisors);
        for (int64_t j = 0; j < width; j += VLEN)
            store(target + j, FN(load_lanes)(g + j, left - j, 0) / load(divisors + (uniform ? 0 : j)));
        for (int64_t c = stride == 1 ? width : 0; c < b->outs * stride; c++)
            firsts[c] = 0;
        for (int64_t j = 0; j < width && stride != 1; j++)
            firsts[j * stride] = quotients[j];
    }
}

/* spread[c] = sum of the quotients of the windows over c, for n rows from `row` on, after kernel_w zeros. With quotients at their
 * windows' first cells and zeros between, that is a sum of as many shifted copies as windows have cells; if kernel and stride are
 * even, half of that with each element twice. Both go backwards, to read before they write. */
NOINLINE void FN(spread_rows)(const tc_pool2d_params *p, int include_pad, int64_t divisor, const FN(spread_block) *b, int64_t row,
                              int64_t n, const T *dy, T *spread)
{
    int64_t kernel = p->kernel_w, stride = p->stride_w, length;

    for (; kernel % 2 == 0 && stride % 2 == 0; kernel /= 2)
        stride /= 2;
    memset(spread, 0, (size_t)p->kernel_w * sizeof(T));
    spread += p->kernel_w;
    FN(lay_quotients)(p, include_pad, divisor, b, row, n, stride, dy, spread);
    length = n * b->outs * stride;
    memset(spread + length, 0, VLEN * sizeof(T));
    for (int64_t c = (length - 1) / VLEN * VLEN; kernel > 1 && c >= 0; c -= VLEN) {
        vec sum = load(spread + c);

        for (int64_t s = 1; s < kernel; s++)
            sum += load(spread + c - s);
        store(spread + c, sum);
    }
    for (; stride < p->stride_w; stride *= 2, length *= 2)
        for (int64_t c = (length - 1) / VLEN * VLEN; c >= 0; c -= VLEN) {
            vec lower, upper;

            FN(twice)(load(spread + c), &lower, &upper);
            store(spread + 2 * c, lower);
            store(spread + 2 * c + VLEN, upper);
        }
}

/* dx[i * w + c] = spread[c] for i < height, c < n. */
TC_INLINE void FN(put_rows)(int64_t n, int64_t height, int64_t w, const T *spread, T *dx)
{
    for (int64_t i = 0; i < height; i++, dx += w) {
        if (n < VLEN) {
            FN(store_part)(dx, n, load(spread));
            continue;
        }
        for (int64_t c = 0; c + VLEN <= n; c += VLEN)
            store(dx + c, load(spread + c));
        if (n % VLEN)
            store(dx + n - VLEN, load(spread + n - VLEN));
    }
}

/* dx[i * w + c] += spread[c]; the last vector, which overlaps others, is read first. */
TC_INLINE void FN(add_rows)(int64_t n, int64_t height, int64_t w, const T *spread, T *dx)
{
    for (int64_t i = 0; i < height; i++, dx += w) {
        if (n < VLEN) {
            FN(store_part)(dx, n, FN(load_part)(dx, n, 0) + load(spread));
            continue;
        }
        const vec last = load(dx + n - VLEN) + load(spread + n - VLEN);

        for (int64_t c = 0; c + VLEN <= n; c += VLEN)
            store(dx + c, load(dx + c) + load(spread + c));
        store(dx + n - VLEN, last);
    }
}

/* Row i of the output, spread over n columns from dx on, into one plane: stored in rows that no window before has touched (from
 * `fresh` on), added in the others, and zeros in rows between and behind windows. */
TC_INLINE void FN(put_window)(const tc_pool2d_params *p, int64_t i, tc_span rows, int64_t n, const T *spread, T *dx, int64_t *fresh)
{
    const size_t bytes = (size_t)n * sizeof(T);

    if (i == 0)
        *fresh = 0;
    for (; *fresh < rows.begin; ++*fresh)
        memset(dx + *fresh * p->w, 0, bytes);
    FN(add_rows)(n, tc_min(*fresh, rows.end) - rows.begin, p->w, spread, dx + rows.begin * p->w);
    FN(put_rows)(n, rows.end - *fresh, p->w, spread, dx + *fresh * p->w);
    *fresh = tc_max(*fresh, rows.end);
    for (; i == p->oh - 1 && *fresh < p->h; ++*fresh)
        memset(dx + *fresh * p->w, 0, bytes);
}

static void FN(avg_grad_block)(const tc_pool2d_params *p, int include_pad, int64_t divisor, const FN(spread_block) *b, int64_t begin,
                               int64_t end, const T *dy, T *dx)
{
    int64_t i = 0, fresh = 0;
    T spread[AVG_BUFFER];

    dx += begin * p->h * p->w + b->left;
    for (int64_t row = begin * p->oh; row < end * p->oh; row += b->rows) {
        const int64_t n = tc_min(b->rows, end * p->oh - row);

        FN(spread_rows)(p, include_pad, divisor, b, row, n, dy, spread);
        for (int64_t r = 0; r < n; r++) {
            FN(put_window)(p, i, tc_pool_rows(p, i), b->n, spread + p->kernel_w + r * b->pitch + b->skip, dx, &fresh);
            if (++i == p->oh) {
                i = 0;
                dx += p->h * p->w;
            }
        }
    }
}

/* One row of dy spread over n columns from `left` on, window by window. */
static void FN(spread_windows)(const tc_pool2d_params *p, bool adaptive, int include_pad, int64_t divisor, int64_t i, int64_t left,
                               int64_t n, const T *dy, T *spread)
{
    const tc_span rows = tc_adaptive_span(i, p->oh, p->h);

    memset(spread, 0, (size_t)n * sizeof(T));
    for (int64_t j = 0; j < p->ow; j++) {
        const tc_span cols = adaptive ? tc_adaptive_span(j, p->ow, p->w) : tc_pool_columns(p, j);
        const int64_t begin = tc_max(cols.begin - left, 0), end = tc_min(cols.end - left, n);
        T cells;

        if (begin >= end)
            continue;
        if (adaptive)
            cells = (T)((rows.end - rows.begin) * (cols.end - cols.begin));
        else
            FN(avg_divisors)(p, include_pad, divisor, i, j, j + 1, &cells);
        for (int64_t c = begin; c < end; c++)
            spread[c] += dy[j] / cells;
    }
}

/* The planes [begin, end) by such rows: for adaptive windows, and for those too wide to be laid out side by side. */
static void FN(avg_grad_windows)(const tc_pool2d_params *p, bool adaptive, int include_pad, int64_t divisor, int64_t begin,
                                 int64_t end, const T *dy, T *dx)
{
    T spread[AVG_BUFFER];

    if (p->oh == 0)
        memset(dx + begin * p->h * p->w, 0, (size_t)((end - begin) * p->h * p->w) * sizeof(T));
    for (int64_t left = 0; left < p->w; left += AVG_BUFFER - VLEN) {
        const int64_t n = tc_min(AVG_BUFFER - VLEN, p->w - left);
        int64_t fresh = 0;

        for (int64_t row = begin * p->oh; row < end * p->oh; row++) {
            const int64_t i = row % p->oh;
            const tc_span rows = adaptive ? tc_adaptive_span(i, p->oh, p->h) : tc_pool_rows(p, i);

            FN(spread_windows)(p, adaptive, include_pad, divisor, i, left, n, dy + row * p->ow, spread);
            FN(put_window)(p, i, rows, n, spread, dx + row / p->oh * p->h * p->w + left, &fresh);
        }
    }
}

/* Gradient of the planes [begin, end). */
static void FN(avg_grad)(const tc_pool2d_params *p, int include_pad, int64_t divisor, int64_t begin, int64_t end,
                         const void *dy, void *dx)
{
    const int64_t width = FN(spread_block_width)(p);

    if (width == 0)
        FN(avg_grad_windows)(p, false, include_pad, divisor, begin, end, dy, dx);
    for (int64_t left = 0; width && left < p->w; left += width) {
        const FN(spread_block) b = FN(spread_block_at)(p, left, width);

        FN(avg_grad_block)(p, include_pad, divisor, &b, begin, end, dy, dx);
    }
}

static void FN(adaptive_avg_grad)(const tc_pool2d_params *p, int64_t begin, int64_t end, const void *dy, void *dx)
{
    FN(avg_grad_windows)(p, true, 0, 0, begin, end, dy, dx);
}

/* All cells of a plane get the same. */
static void FN(global_avg_grad)(int64_t begin, int64_t end, int64_t cells, const void *dy, void *dx)
{
    for (int64_t plane = begin; plane < end; plane++) {
        T g[VLEN];

        store(g, splat(((const T *)dy)[plane] / (T)cells));
        for (int64_t i = 0; i < cells; i += VLEN)
            FN(store_lanes)((T *)dx + plane * cells + i, cells - i, load(g));
    }
}

#undef AVG_MARGIN
#undef AVG_BUFFER
