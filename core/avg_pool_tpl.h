/* avg_pool_tpl.h - average pooling for one float dtype; avg_pool_grad_tpl.h has the way back.
 *
 * A window is summed down its columns first, which runs over whole rows of the image, then along the row of column sums. Such rows
 * lie end to end in a buffer, zeros where the padding is, each a multiple of the stride long: so windows lie one stride apart
 * through all of them, vectors are full whatever the sizes, and nothing but the division knows of edges. */

/* Elements of the buffer: it stays in L1 (8 or 16 KiB). */
#define AVG_BUFFER 2048

/* Behind the rows, elements that vectors read and write beyond them, apart from a window's own width. */
#define AVG_MARGIN (4 * VLEN)

/* Output columns [begin, end), the image's columns [first, first + cells) that they cover, and how they lie in the buffer: a row is
 * `pitch` long and gives `outs` sums, the image starts at `zeros`. `rows` rows fit. */
typedef struct {
    int64_t begin, end, first, cells;
    int64_t zeros, pitch, outs, rows;
} FN(avg_block);

/* Output columns that fit the buffer as a row, 0 if windows are too wide for it. */
static int64_t FN(avg_block_width)(const tc_pool2d_params *p)
{
    const int64_t room = AVG_BUFFER - AVG_MARGIN - 2 * p->kernel_w - p->stride_w;

    return room < 0 ? 0 : tc_min(room / p->stride_w + 1, p->ow);
}

static FN(avg_block) FN(avg_block_at)(const tc_pool2d_params *p, int64_t begin, int64_t width)
{
    FN(avg_block) b = {.begin = begin, .end = tc_min(begin + width, p->ow)};
    const int64_t left = b.begin * p->stride_w - p->pad_w, right = left + (b.end - b.begin - 1) * p->stride_w + p->kernel_w;

    b.first = tc_min(tc_max(left, 0), p->w);
    b.cells = tc_max(tc_min(right, p->w) - b.first, 0);
    b.zeros = b.first - left;
    b.outs = tc_ceil_div(right - left, p->stride_w);
    b.pitch = b.outs * p->stride_w;
    b.rows = (AVG_BUFFER - AVG_MARGIN - p->kernel_w) / b.pitch;
    return b;
}

/* sums[c] = x[c] + x[c + w] + ..., `height` rows, c < n, two rows in one pass. Whole vectors are written, and read if `whole`. */
TC_INLINE void FN(sum_passes)(const bool whole, int64_t n, int64_t height, int64_t w, const T *x, T *sums)
{
    for (int64_t c = 0; c < n && height % 2; c += VLEN)
        store(sums + c, FN(load_lanes)(x + c, whole ? VLEN : n - c, 0));
    for (int64_t r = height % 2; r < height; r += 2) {
        const T *upper = x + r * w, *lower = upper + w;

        for (int64_t c = 0; c < n; c += VLEN) {
            vec sum = FN(load_lanes)(upper + c, whole ? VLEN : n - c, 0) + FN(load_lanes)(lower + c, whole ? VLEN : n - c, 0);

            if (r > 0)
                sum += load(sums + c);
            store(sums + c, sum);
        }
    }
}

NOINLINE void FN(sum_columns_exactly)(int64_t n, int64_t height, int64_t w, const T *x, T *sums)
{
    FN(sum_passes)(false, n, height, w, x, sums);
}

/* The same; vectors may read on behind a row as long as they end before `limit`. */
TC_INLINE void FN(sum_columns)(int64_t n, int64_t height, int64_t w, const T *x, const T *limit, T *sums)
{
    if ((height - 1) * w + n + VLEN - 1 <= limit - x)
        FN(sum_passes)(true, n, height, w, x, sums);
    else
        FN(sum_columns_exactly)(n, height, w, x, sums);
}

/* Column sums of the output rows [row, row + n), counted through all planes. Each row overwrites what the one before has written too
 * far. */
static void FN(sum_rows)(const tc_pool2d_params *p, const FN(avg_block) *b, int64_t row, int64_t n, const T *x, T *sums)
{
    const T *limit = x + p->planes * p->h * p->w, *plane = x + row / p->oh * p->h * p->w + b->first;
    const int64_t filled = b->zeros + b->cells;
    int64_t i = row % p->oh;

    for (int64_t r = 0; r < n; r++, sums += b->pitch) {
        const tc_span rows = tc_pool_rows(p, i);

        for (int64_t c = 0; c < b->zeros; c++)
            sums[c] = 0;
        FN(sum_columns)(b->cells, rows.end - rows.begin, p->w, plane + rows.begin * p->w, limit, sums + b->zeros);
        for (int64_t c = filled; c < b->pitch; c++)
            sums[c] = 0;
        if (++i == p->oh) {
            i = 0;
            plane += p->h * p->w;
        }
    }
    memset(sums, 0, (size_t)(AVG_MARGIN + p->kernel_w) * sizeof(T));
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

/* The same, which few elements do not need. */
TC_INLINE T FN(run_sum)(int64_t n, const T *x)
{
    T sum = 0;

    if (n >= 2 * VLEN)
        return FN(pool_sum)(n, x);
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

/* sums[o] = sums[o * stride] + ... + sums[o * stride + kernel - 1] for o < n. What is written was read before. Where both are even,
 * pairs are added first. */
NOINLINE void FN(sum_along)(int64_t n, int64_t kernel, int64_t stride, T *sums)
{
    for (; kernel % 2 == 0 && stride % 2 == 0; kernel /= 2, stride /= 2) {
        for (int64_t c = 0; c < (n - 1) * (stride / 2) + kernel / 2; c += VLEN) {
            vec even, odd;

            FN(load_pairs)(sums + 2 * c, &even, &odd);
            store(sums + c, FN(settle)(even + odd, 2));
        }
    }
    if (stride > 2) {
        for (int64_t o = 0; o < n; o++)
            sums[o] = FN(run_sum)(kernel, sums + o * stride);
        return;
    }
    for (int64_t o = 0; o < n && kernel * stride > 1; o += VLEN) {
        vec sum = splat(0);

        if (stride == 1)
            for (int64_t s = 0; s < kernel; s++)
                sum += load(sums + o + s);
        else
            for (int64_t s = 0; s < kernel; s++)
                sum += FN(load_strided)(sums + 2 * o + s, 2);
        store(sums + o, FN(settle)(sum, stride));
    }
}

/* What the sums of row i are divided by: divisors[j - begin] for the columns [begin, end). */
static void FN(avg_divisors)(const tc_pool2d_params *p, int include_pad, int64_t divisor, int64_t i, int64_t begin, int64_t end,
                             T *divisors)
{
    const int64_t height = tc_avg_height(p, i, include_pad);

    for (int64_t j = begin; j < end; j++)
        divisors[j - begin] = (T)(divisor ? divisor : height * tc_avg_width(p, j, include_pad));
}

/* y = sums / divisors, rows of n elements; `step` is 0 for one vector of divisors. */
TC_INLINE void FN(divide_row)(int64_t n, int64_t step, const T *divisors, const T *sums, T *y)
{
    for (int64_t j = 0; j < n; j += VLEN)
        FN(store_lanes)(y + j, n - j, load(sums + j) / load(divisors + j * step));
}

/* Windows that do not fit the buffer, in the rows [begin, end). */
NOINLINE void FN(avg_rows_wide)(const tc_pool2d_params *p, int include_pad, int64_t divisor, int64_t begin, int64_t end, const T *x,
                                T *y)
{
    for (int64_t o = begin * p->ow; o < end * p->ow; o++) {
        const int64_t row = o / p->ow, i = row % p->oh, j = o % p->ow;
        const tc_span rows = tc_pool_rows(p, i), cols = tc_pool_columns(p, j);
        const T *cells = x + row / p->oh * p->h * p->w + cols.begin;
        T sum = 0;

        for (int64_t r = rows.begin; r < rows.end; r++)
            sum += FN(run_sum)(cols.end - cols.begin, cells + r * p->w);
        FN(avg_divisors)(p, include_pad, divisor, i, j, j + 1, y + o);
        y[o] = sum / y[o];
    }
}

/* The rows [begin, end) of a block of columns. */
static void FN(avg_rows_block)(const tc_pool2d_params *p, int include_pad, int64_t divisor, const FN(avg_block) *b, int64_t begin,
                               int64_t end, const T *x, T *y)
{
    const int64_t width = b->end - b->begin;
    const bool uniform = tc_avg_uniform(p, include_pad, divisor), dense = uniform && width == p->ow && width == b->outs;
    T sums[AVG_BUFFER], divisors[AVG_BUFFER];

    store(divisors, splat((T)(divisor ? divisor : p->kernel_h * p->kernel_w)));
    for (int64_t row = begin; row < end; row += b->rows) {
        const int64_t n = tc_min(b->rows, end - row);

        FN(sum_rows)(p, b, row, n, x, sums);
        FN(sum_along)(n * b->outs, p->kernel_w, p->stride_w, sums);
        if (dense)
            FN(divide_row)(n * width, 0, divisors, sums, y + row * width);
        for (int64_t r = 0; !dense && r < n; r++) {
            if (!uniform)
                FN(avg_divisors)(p, include_pad, divisor, (row + r) % p->oh, b->begin, b->end, divisors);
            FN(divide_row)(width, !uniform, divisors, sums + r * b->outs, y + (row + r) * p->ow + b->begin);
        }
    }
}

/* Output rows [begin, end), counted through all planes. */
static void FN(avg_rows)(const tc_pool2d_params *p, int include_pad, int64_t divisor, int64_t begin, int64_t end,
                         const void *x, void *y)
{
    const int64_t width = FN(avg_block_width)(p);

    if (FN(windows_2x2)(p))
        begin = FN(avg_rows_2x2)(p, divisor, begin, end, x, y);
    if (width == 0)
        FN(avg_rows_wide)(p, include_pad, divisor, begin, end, x, y);
    for (int64_t j = 0; width && j < p->ow; j += width) {
        const FN(avg_block) b = FN(avg_block_at)(p, j, width);

        FN(avg_rows_block)(p, include_pad, divisor, &b, begin, end, x, y);
    }
}

/* Output rows [begin, end) of adaptive average pooling; images too wide for the buffer go by parts that fit it. */
static void FN(adaptive_avg_rows)(const tc_pool2d_params *p, int64_t begin, int64_t end, const void *x, void *y)
{
    const T *limit = (const T *)x + p->planes * p->h * p->w;
    T sums[AVG_BUFFER];

    for (int64_t row = begin; row < end; row++) {
        const tc_span rows = tc_adaptive_span(row % p->oh, p->oh, p->h);
        const T *cells = (const T *)x + (row / p->oh * p->h + rows.begin) * p->w;
        int64_t from = 0, to = 0; /* columns whose sums are in the buffer */

        for (int64_t j = 0; j < p->ow; j++) {
            const tc_span cols = tc_adaptive_span(j, p->ow, p->w);
            T sum = 0;

            for (int64_t c = cols.begin; c < cols.end; c = to) {
                if (cols.end > to || c < from) {
                    from = c;
                    to = tc_min(c + AVG_BUFFER - VLEN, p->w);
                    FN(sum_columns)(to - from, rows.end - rows.begin, p->w, cells + from, limit, sums);
                }
                sum += FN(run_sum)(tc_min(to, cols.end) - c, sums + c - from);
            }
            ((T *)y)[row * p->ow + j] = sum / (T)((rows.end - rows.begin) * (cols.end - cols.begin));
        }
    }
}

/* Means of the planes [begin, end) of `cells` cells: global average pooling, the end of most networks. */
static void FN(global_avg)(int64_t begin, int64_t end, int64_t cells, const void *x, void *y)
{
    for (int64_t plane = begin; plane < end; plane++)
        ((T *)y)[plane] = FN(pool_sum)(cells, (const T *)x + plane * cells) / (T)cells;
}
