/* norm_tpl.h - batch normalisation for one dtype: the two maps, with or without ReLU behind them, and the sums that the
 * gradient needs. Images as in norm_stats_tpl.h. */
#include "norm_stats_tpl.h"

/* What a run of elements needs of its channel, in every lane the same, or of VLEN channels side by side. */
typedef struct {
    vec mean, scale, shift, slope, rest, limit;
} FN(line);

/* tc_norm_lines in T, with room for the last channels to be loaded whole. */
typedef struct {
    T mean[NORM_CHANNELS + VLEN], scale[NORM_CHANNELS + VLEN], shift[NORM_CHANNELS + VLEN], slope[NORM_CHANNELS + VLEN],
        rest[NORM_CHANNELS + VLEN];
    T limit;
} FN(lines);

/* y <= limit becomes 0: with ReLU that is 0; without it NaN, to which nothing compares, so that one code serves both. */
NOINLINE void FN(prepare_lines)(const tc_norm_lines *from, int64_t first, int64_t count, FN(lines) *to)
{
    memset(to, 0, sizeof *to);
    to->limit = from->relu ? 0 : (T)NAN;
    for (int64_t k = 0; k < count; k++) {
        to->mean[k] = ((const T *)from->mean)[first + k];
        to->scale[k] = (T)from->scale[k];
        to->shift[k] = (T)from->shift[k];
        to->slope[k] = (T)from->slope[k];
        to->rest[k] = (T)from->rest[k];
    }
}

TC_INLINE FN(line) FN(channel_line)(const FN(lines) *l, int64_t k)
{
    return (FN(line)){splat(l->mean[k]), splat(l->scale[k]), splat(l->shift[k]), splat(l->slope[k]), splat(l->rest[k]),
                      splat(l->limit)};
}

TC_INLINE FN(line) FN(column_line)(const FN(lines) *l, int64_t k)
{
    return (FN(line)){load(l->mean + k), load(l->scale + k), load(l->shift + k), load(l->slope + k), load(l->rest + k),
                      splat(l->limit)};
}

/* Which y are cut to 0. d = x - mean; subtracting the mean first keeps the digits that x * scale + (shift - mean * scale) would
 * lose where the mean is large. The gradient asks again rather than read y, and gets the same bits. */
TC_INLINE vec FN(uncut)(const FN(line) *l, vec d)
{
    return d * l->scale + l->shift;
}

TC_INLINE vec FN(cut)(const FN(line) *l, vec y, vec v)
{
    return (vec)((ivec)v & ~(y <= l->limit));
}

TC_INLINE vec FN(apply_vector)(const FN(line) *l, vec x)
{
    const vec y = FN(uncut)(l, x - l->mean);

    return FN(cut)(l, y, y);
}

TC_INLINE vec FN(grad_vector)(const FN(line) *l, vec dy, vec x)
{
    const vec d = x - l->mean, g = FN(cut)(l, FN(uncut)(l, d), dy);

    return l->scale * g + (l->slope * d + l->rest);
}

/* Adds to *sum and *dot a vector of dy and of dy (x - mean). */
TC_INLINE void FN(slopes_vector)(const FN(line) *l, vec dy, vec x, vec *sum, vec *dot)
{
    const vec d = x - l->mean, g = FN(cut)(l, FN(uncut)(l, d), dy);

    *sum += g;
    *dot += g * d;
}

/* Adds sum dy and sum dy (x - mean) of rows of len elements of a channel to *sum and *dot. The lanes past the end have dy 0. */
NOINLINE void FN(block_slopes)(int64_t rows, int64_t stride, int64_t len, const FN(lines) *lines, int64_t k, const T *dy,
                               const T *x, double *sum, double *dot)
{
    const FN(line) l = FN(channel_line)(lines, k);
    vec sums[2] = {splat(0), splat(0)}, dots[2] = {splat(0), splat(0)};

    for (int64_t r = 0; r < rows; r++) {
        const T *g = dy + r * stride, *row = x + r * stride;
        int64_t i = 0;

        for (; i + 2 * VLEN <= len; i += 2 * VLEN) {
            FN(slopes_vector)(&l, load(g + i), load(row + i), sums, dots);
            FN(slopes_vector)(&l, load(g + i + VLEN), load(row + i + VLEN), sums + 1, dots + 1);
        }
        for (; i < len; i += VLEN)
            FN(slopes_vector)(&l, FN(load_lanes)(g + i, len - i, 0), FN(load_lanes)(row + i, len - i, 0), sums, dots);
    }
    *sum += (double)FN(lanes_sum)(sums[0] + sums[1]);
    *dot += (double)FN(lanes_sum)(dots[0] + dots[1]);
}

/* The same of `vectors` * VLEN channels side by side. */
TC_INLINE void FN(column_slopes)(const int vectors, int64_t rows, int64_t stride, const FN(lines) *lines, int64_t first,
                                 const T *dy, const T *x, double *sum, double *dot)
{
    vec sums[4], dots[4];

    TC_UNROLL
    for (int k = 0; k < vectors; k++)
        sums[k] = dots[k] = splat(0);
    for (int64_t r = 0; r < rows; r++)
        TC_UNROLL
        for (int k = 0; k < vectors; k++) {
            const FN(line) l = FN(column_line)(lines, first + k * VLEN);

            FN(slopes_vector)(&l, load(dy + r * stride + k * VLEN), load(x + r * stride + k * VLEN), sums + k, dots + k);
        }
    for (int k = 0; k < vectors; k++) {
        for (int l = 0; l < VLEN; l++) {
            sum[k * VLEN + l] = (double)sums[k][l];
            dot[k * VLEN + l] = (double)dots[k][l];
        }
    }
}

/* sum[ch] = sum dy, dot[ch] = sum dy (x - mean[ch]). */
static void FN(norm_slopes)(int64_t images, int64_t c, int64_t inner, int64_t first, int64_t last, const tc_norm_lines *lines,
                            const void *dy, const void *x, double *sum, double *dot)
{
    const int64_t rows = tc_max(NORM_BLOCK / inner, 1), length = tc_min(inner, NORM_BLOCK);
    FN(lines) prepared;

    FN(prepare_lines)(lines, first, last - first, &prepared);
    if (inner == 1 && last - first >= VLEN) {
        for (int64_t ch = first; ch < last;) {
            const T *g = (const T *)dy, *in = (const T *)x;

            if (last - ch >= 4 * VLEN) {
                FN(column_slopes)(4, images, c, &prepared, ch - first, g + ch, in + ch, sum + ch, dot + ch);
                ch += 4 * VLEN;
                continue;
            }
            ch = tc_min(ch, last - VLEN); /* the last vector does some channels again */
            FN(column_slopes)(1, images, c, &prepared, ch - first, g + ch, in + ch, sum + ch, dot + ch);
            ch += VLEN;
        }
        return;
    }
    for (int64_t ch = first; ch < last; ch++) {
        sum[ch] = dot[ch] = 0;
        for (int64_t image = 0; image < images; image += rows) {
            for (int64_t at = 0; at < inner; at += length) {
                const int64_t offset = (image * c + ch) * inner + at;

                FN(block_slopes)(tc_min(rows, images - image), c * inner, tc_min(length, inner - at), &prepared, ch - first,
                                 (const T *)dy + offset, (const T *)x + offset, sum + ch, dot + ch);
            }
        }
    }
}

/* The last vector of a run is moved back to end with it, and read first: the output may be the input. */
TC_INLINE void FN(apply_run)(int64_t n, const FN(line) *l, const T *x, T *y)
{
    if (n < VLEN) {
        FN(store_part)(y, n, FN(apply_vector)(l, FN(load_part)(x, n, 0)));
        return;
    }
    const vec last = FN(apply_vector)(l, load(x + n - VLEN));

    for (int64_t i = 0; i + VLEN <= n; i += VLEN)
        store(y + i, FN(apply_vector)(l, load(x + i)));
    store(y + n - VLEN, last);
}

static void FN(norm_apply)(int64_t images, int64_t c, int64_t inner, int64_t first, int64_t last, const tc_norm_lines *lines,
                           const void *x, void *y)
{
    const int64_t width = last - first;
    FN(lines) prepared;

    FN(prepare_lines)(lines, first, width, &prepared);
    for (int64_t image = 0; image < images; image++) {
        const T *in = (const T *)x + (image * c + first) * inner;
        T *out = (T *)y + (image * c + first) * inner;

        for (int64_t k = 0; inner == 1 && k < width; k += VLEN) {
            const FN(line) l = FN(column_line)(&prepared, k);

            FN(store_lanes)(out + k, width - k, FN(apply_vector)(&l, FN(load_lanes)(in + k, width - k, 0)));
        }
        for (int64_t k = 0; inner > 1 && k < width; k++) {
            const FN(line) l = FN(channel_line)(&prepared, k);

            FN(apply_run)(inner, &l, in + k * inner, out + k * inner);
        }
    }
}

TC_INLINE void FN(grad_run)(int64_t n, const FN(line) *l, const T *dy, const T *x, T *dx)
{
    if (n < VLEN) {
        FN(store_part)(dx, n, FN(grad_vector)(l, FN(load_part)(dy, n, 0), FN(load_part)(x, n, 0)));
        return;
    }
    const vec last = FN(grad_vector)(l, load(dy + n - VLEN), load(x + n - VLEN));

    for (int64_t i = 0; i + VLEN <= n; i += VLEN)
        store(dx + i, FN(grad_vector)(l, load(dy + i), load(x + i)));
    store(dx + n - VLEN, last);
}

static void FN(norm_grad)(int64_t images, int64_t c, int64_t inner, int64_t first, int64_t last, const tc_norm_lines *lines,
                          const void *dy, const void *x, void *dx)
{
    const int64_t width = last - first;
    FN(lines) prepared;

    FN(prepare_lines)(lines, first, width, &prepared);
    for (int64_t image = 0; image < images; image++) {
        const int64_t offset = (image * c + first) * inner;
        const T *g = (const T *)dy + offset, *in = (const T *)x + offset;
        T *out = (T *)dx + offset;

        for (int64_t k = 0; inner == 1 && k < width; k += VLEN) {
            const FN(line) l = FN(column_line)(&prepared, k);
            const int64_t n = width - k;

            FN(store_lanes)(out + k, n, FN(grad_vector)(&l, FN(load_lanes)(g + k, n, 0), FN(load_lanes)(in + k, n, 0)));
        }
        for (int64_t k = 0; inner > 1 && k < width; k++) {
            const FN(line) l = FN(channel_line)(&prepared, k);

            FN(grad_run)(inner, &l, g + k * inner, in + k * inner, out + k * inner);
        }
    }
}

static const tc_norm_kernels FN(norm_kernels) = {
    .moments = FN(norm_moments),
    .slopes = FN(norm_slopes),
    .apply = FN(norm_apply),
    .grad = FN(norm_grad),
};

#undef NORM_BLOCK
