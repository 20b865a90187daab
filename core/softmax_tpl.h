/* softmax_tpl.h - softmax and log_softmax for one dtype: along rows, or along a strided dimension with one position a lane.
 *
 * What cross-entropy shares stands first. A NaN is skipped by the maximum and comes back through exp, so that it fills its
 * row, as does a row of -inf (0 / 0), all as in PyTorch. Functions that hold an exp are not inlined: it is long, and they
 * are called once a row. */

/* Elements of the buffer that strided blocks are copied to (16 or 32 KiB, on the stack), and their width at most. */
#define LANES_BUFFER 4096
#define LANES_WIDTH 256

/* Rows up to this length are turned into lanes as well: a row has few vectors then, and the last is mostly empty. */
#define SHORT_ROW 32

TC_INLINE vec FN(larger)(vec a, vec b)
{
    return select_(a > b, a, b);
}

TC_INLINE T FN(scalar_log)(T x)
{
    return DTYPE_F32 ? (T)logf((float)x) : (T)log((double)x);
}

/* ---- one row of n consecutive elements ---- */

NOINLINE T FN(row_max)(int64_t n, const T *x)
{
    vec best[4] = {splat(-(T)INFINITY), splat(-(T)INFINITY), splat(-(T)INFINITY), splat(-(T)INFINITY)};
    T row = -(T)INFINITY;
    int64_t i = 0;

    for (; i + 4 * VLEN <= n; i += 4 * VLEN) /* side by side: each comparison waits for the one before */
        TC_UNROLL
        for (int k = 0; k < 4; k++)
            best[k] = FN(larger)(load(x + i + k * VLEN), best[k]);
    for (; i < n; i += VLEN)
        best[0] = FN(larger)(FN(load_lanes)(x + i, n - i, -(T)INFINITY), best[0]);
    best[0] = FN(larger)(FN(larger)(best[0], best[1]), FN(larger)(best[2], best[3]));
    TC_UNROLL
    for (int l = 0; l < VLEN; l++)
        row = best[0][l] > row ? best[0][l] : row;
    return row;
}

/* Sum of exp(x - shift); the terms are kept in y unless it is NULL. Lanes past the end add exp(-inf) = 0, or a NaN to a
 * row that is NaN anyway. */
NOINLINE T FN(row_exp)(int64_t n, T shift, const T *x, T *y)
{
    const int64_t rest = n % VLEN, whole = n - rest;
    const T *in = x;
    T *out = y, last[VLEN];
    vec sum = splat(0);

    if (rest)
        store(last, FN(load_part)(x + whole, rest, -(T)INFINITY));
    /* The rest goes through the same loop once more: a call inside it would keep exp's constants out of the registers. */
    for (int64_t m = whole;; m = VLEN, in = out = last) {
        for (int64_t i = 0; i < m; i += VLEN) {
            const vec e = FN(vexp_down)(load(in + i) - shift);

            sum += e;
            if (out)
                store(out + i, e);
        }
        if (in == last || !rest)
            break;
    }
    if (rest && y)
        FN(store_part)(y + whole, rest, load(last));
    return FN(lanes_sum)(sum);
}

/* ---- lanes: positions side by side, `len` terms of each `stride` apart; n of VLEN lanes are in use ---- */

NOINLINE vec FN(strided_max)(int64_t len, int64_t stride, int64_t n, const T *x)
{
    vec best = splat(-(T)INFINITY);

    for (int64_t k = 0; k < len; k++)
        best = FN(larger)(FN(load_lanes)(x + k * stride, n, 0), best);
    return best;
}

/* Sums of exp(x - shift); the terms are kept in y, laid out as x, unless it is NULL. */
TC_INLINE vec FN(strided_exp_of)(int64_t len, int64_t stride, int64_t n, vec shift, const T *x, T *y)
{
    vec sum = splat(0);

    for (int64_t k = 0; k < len; k++) {
        const vec e = FN(vexp_down)(FN(load_lanes)(x + k * stride, n, 0) - shift);

        sum += e;
        if (y)
            FN(store_lanes)(y + k * stride, n, e);
    }
    return sum;
}

NOINLINE vec FN(strided_exp)(int64_t len, int64_t stride, int64_t n, vec shift, const T *x, T *y)
{
    /* A loop of its own for whole vectors: a call inside it would keep exp's constants out of the registers. */
    if (n >= VLEN)
        return FN(strided_exp_of)(len, stride, VLEN, shift, x, y);
    return FN(strided_exp_of)(len, stride, n, shift, x, y);
}

/* Positions that fit the buffer together: some cache lines of each term, or one vector where terms are too many. */
TC_INLINE int64_t FN(lanes_width)(int64_t len)
{
    return tc_max(tc_min(LANES_BUFFER / tc_max(len, 1), LANES_WIDTH) / VLEN, 1) * VLEN;
}

/* Where the terms of positions lie: term k of position l at k * term + l * lane; term or lane is 1. */
typedef struct {
    int64_t len, term, lane;
} FN(layout);

/* Copies n <= lanes_width positions to the buffer, side by side, with zeros up to a whole vector, and sets *stride to the way
 * between terms: rows are panels of GEMM, packed by its transposition. Strides are often powers of two, of which a cache
 * keeps only a few lines: without the copy each pass would fetch them again. With too many terms for the buffer x itself is
 * returned. */
NOINLINE const T *FN(gather_lanes)(const FN(layout) *a, int64_t *stride, int64_t n, const T *x, T *buffer)
{
    const int64_t filled = (n + VLEN - 1) / VLEN * VLEN;

    *stride = a->term;
    if (a->len * FN(lanes_width)(a->len) > LANES_BUFFER)
        return x;
    *stride = filled;
    if (a->lane != 1) {
        FN(pack_columns)((int)filled, (int)n, a->len, x, a->lane, buffer);
        return buffer;
    }
    for (int64_t k = 0; k < a->len; k++) {
        memcpy(buffer + k * filled, x + k * a->term, (size_t)n * sizeof(T));
        memset(buffer + k * filled + n, 0, (size_t)(filled - n) * sizeof(T));
    }
    return buffer;
}

/* The way back, from the buffer to y. */
NOINLINE void FN(scatter_lanes)(const FN(layout) *a, int64_t stride, int64_t n, const T *buffer, T *y)
{
    if (a->lane != 1 && a->len > 0)
        FN(pack_columns)((int)a->len, (int)a->len, n, buffer, stride, y);
    for (int64_t k = 0; a->lane == 1 && k < a->len; k++)
        memcpy(y + k * a->term, buffer + k * stride, (size_t)n * sizeof(T));
}

/* ---- softmax ---- */

/* One vector of positions, x to y of one stride. */
TC_INLINE void FN(softmax_vector)(int logarithm, int64_t len, int64_t stride, int64_t n, const T *x, T *y)
{
    const vec best = FN(strided_max)(len, stride, n, x);
    const vec sum = FN(strided_exp)(len, stride, n, best, x, logarithm ? NULL : y);
    const vec log_sum = FN(vlog)(sum), scale = (T)1 / sum;

    for (int64_t k = 0; k < len; k++) {
        vec v = FN(load_lanes)((logarithm ? x : y) + k * stride, n, 0);

        if (logarithm)
            v = (v - best) - log_sum;
        else
            v *= scale;
        FN(store_lanes)(y + k * stride, n, v);
    }
}

/* y = softmax or log_softmax of the positions [begin, end). */
static void FN(softmax_turned)(int logarithm, const FN(layout) *a, int64_t begin, int64_t end, const T *x, T *y)
{
    const int64_t width = FN(lanes_width)(a->len);
    T buffer[LANES_BUFFER];

    for (int64_t at = begin; at < end; at += width) {
        const int64_t count = tc_min(width, end - at);
        int64_t stride;
        const T *in = FN(gather_lanes)(a, &stride, count, x + at * a->lane, buffer);
        T *out = in == buffer ? buffer : y + at * a->lane;

        for (int64_t l = 0; l < count; l += VLEN)
            FN(softmax_vector)(logarithm, a->len, stride, in == buffer ? VLEN : count - l, in + l, out + l);
        if (in == buffer)
            FN(scatter_lanes)(a, stride, count, buffer, y + at * a->lane);
    }
}

static void FN(softmax_lanes)(int logarithm, int64_t len, int64_t inner, int64_t begin, int64_t end, const void *x, void *y)
{
    FN(softmax_turned)(logarithm, &(FN(layout)){len, inner, 1}, begin, end, x, y);
}

/* The same of `rows` rows of len elements. */
static void FN(softmax_rows)(int logarithm, int64_t rows, int64_t len, const void *x, void *y)
{
    if (len <= SHORT_ROW) {
        FN(softmax_turned)(logarithm, &(FN(layout)){len, 1, len}, 0, rows, x, y);
        return;
    }
    for (int64_t row = 0; row < rows; row++) {
        const T *in = (const T *)x + row * len;
        T *out = (T *)y + row * len;
        const T best = FN(row_max)(len, in);
        const T sum = FN(row_exp)(len, best, in, logarithm ? NULL : out);
        const T *source = logarithm ? in : out;
        const T shift = logarithm ? best : 0, scale = logarithm ? 1 : 1 / sum, log_sum = logarithm ? FN(scalar_log)(sum) : 0;

        for (int64_t i = 0; i < len; i += VLEN)
            FN(store_lanes)(out + i, len - i, (FN(load_lanes)(source + i, len - i, 0) - shift) * scale - log_sum);
    }
}

/* What the gradient sums over a row: softmax dy * y, log_softmax dy. */
TC_INLINE vec FN(softmax_term)(int logarithm, vec dy, vec y)
{
    if (logarithm)
        return dy;
    return dy * y;
}

/* One vector of the gradient: softmax y (dy - sum), log_softmax dy - exp(y) sum. */
TC_INLINE vec FN(softmax_slope)(int logarithm, vec dy, vec y, vec sum)
{
    if (logarithm)
        return dy - FN(vexp_down)(y) * sum;
    return y * (dy - sum);
}

/* One vector of positions of one stride; dx may be dy. logarithm is a constant where this is called. */
TC_INLINE void FN(softmax_grad_vector)(int logarithm, int64_t len, int64_t stride, int64_t n, const T *dy, const T *y, T *dx)
{
    vec sum = splat(0);

    for (int64_t k = 0; k < len; k++)
        sum += FN(softmax_term)(logarithm, FN(load_lanes)(dy + k * stride, n, 0), FN(load_lanes)(y + k * stride, n, 0));
    for (int64_t k = 0; k < len; k++)
        FN(store_lanes)(dx + k * stride, n, FN(softmax_slope)(logarithm, FN(load_lanes)(dy + k * stride, n, 0),
                                                              FN(load_lanes)(y + k * stride, n, 0), sum));
}

/* dx from dy and the output y at the positions [begin, end). */
static void FN(softmax_grad_turned)(int logarithm, const FN(layout) *a, int64_t begin, int64_t end, const T *dy, const T *y, T *dx)
{
    const int64_t width = FN(lanes_width)(a->len);
    T slopes[LANES_BUFFER], outputs[LANES_BUFFER];

    for (int64_t at = begin; at < end; at += width) {
        const int64_t count = tc_min(width, end - at);
        int64_t stride;
        const T *g = FN(gather_lanes)(a, &stride, count, dy + at * a->lane, slopes);
        const T *out = FN(gather_lanes)(a, &stride, count, y + at * a->lane, outputs);
        T *in = g == slopes ? slopes : dx + at * a->lane;

        for (int64_t l = 0; l < count; l += VLEN) {
            const int64_t n = g == slopes ? VLEN : count - l;

            if (logarithm)
                FN(softmax_grad_vector)(1, a->len, stride, n, g + l, out + l, in + l);
            else
                FN(softmax_grad_vector)(0, a->len, stride, n, g + l, out + l, in + l);
        }
        if (g == slopes)
            FN(scatter_lanes)(a, stride, count, slopes, dx + at * a->lane);
    }
}

static void FN(softmax_grad_lanes)(int logarithm, int64_t len, int64_t inner, int64_t begin, int64_t end, const void *dy,
                                   const void *y, void *dx)
{
    FN(softmax_grad_turned)(logarithm, &(FN(layout)){len, inner, 1}, begin, end, dy, y, dx);
}

/* The sum over a row; logarithm is a constant where this is called. */
TC_INLINE T FN(softmax_row_sum)(int logarithm, int64_t len, const T *dy, const T *y)
{
    vec sum = splat(0);

    for (int64_t i = 0; i < len; i += VLEN)
        sum += FN(softmax_term)(logarithm, FN(load_lanes)(dy + i, len - i, 0), FN(load_lanes)(y + i, len - i, 0));
    return FN(lanes_sum)(sum);
}

/* The same by rows. */
static void FN(softmax_grad_rows)(int logarithm, int64_t rows, int64_t len, const void *dy, const void *y, void *dx)
{
    if (len <= SHORT_ROW) {
        FN(softmax_grad_turned)(logarithm, &(FN(layout)){len, 1, len}, 0, rows, dy, y, dx);
        return;
    }
    for (int64_t row = 0; row < rows; row++) {
        const T *g = (const T *)dy + row * len, *out = (const T *)y + row * len;
        T *in = (T *)dx + row * len;
        const vec sum = splat(logarithm ? FN(softmax_row_sum)(1, len, g, out) : FN(softmax_row_sum)(0, len, g, out));

        for (int64_t i = 0; i < len; i += VLEN)
            FN(store_lanes)(in + i, len - i, FN(softmax_slope)(logarithm, FN(load_lanes)(g + i, len - i, 0),
                                                               FN(load_lanes)(out + i, len - i, 0), sum));
    }
}

static const tc_softmax_kernels FN(softmax_kernels) = {
    .rows = FN(softmax_rows),
    .lanes = FN(softmax_lanes),
    .grad_rows = FN(softmax_grad_rows),
    .grad_lanes = FN(softmax_grad_lanes),
};
