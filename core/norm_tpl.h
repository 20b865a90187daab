/* norm_tpl.h - batch normalisation for one dtype: the two maps, with or without ReLU behind them, and the sums that the
 * gradient needs. Images as in norm_stats_tpl.h. */
#include "norm_stats_tpl.h"

/* What a run of elements needs of its channel, in every lane the same, or of VLEN channels side by side. */
typedef struct {
    vec mean, scale, shift, slope, rest, limit;
    ivec sloping;   /* whether there is a slope: 0 times an infinity would be NaN */
} FN(line);

/* y <= limit becomes 0: with ReLU that is 0; without it NaN, to which nothing compares, so that one code serves both. */
TC_INLINE vec FN(limit)(const tc_norm_lines *l)
{
    return splat(l->relu ? 0 : (T)NAN);
}

TC_INLINE FN(line) FN(channel_line)(const tc_norm_lines *l, int64_t ch)
{
    const vec slope = splat(((const T *)l->slope)[ch]);

    return (FN(line)){splat(((const T *)l->mean)[ch]), splat(((const T *)l->scale)[ch]), splat(((const T *)l->shift)[ch]),
                      slope, splat(((const T *)l->rest)[ch]), FN(limit)(l), slope != 0};
}

/* The channels from ch on, n of them in use. */
TC_INLINE FN(line) FN(column_line)(const tc_norm_lines *l, int64_t ch, int64_t n)
{
    const vec slope = FN(load_lanes)((const T *)l->slope + ch, n, 0);

    return (FN(line)){FN(load_lanes)((const T *)l->mean + ch, n, 0), FN(load_lanes)((const T *)l->scale + ch, n, 0),
                      FN(load_lanes)((const T *)l->shift + ch, n, 0), slope, FN(load_lanes)((const T *)l->rest + ch, n, 0),
                      FN(limit)(l), slope != 0};
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

    return l->scale * g + ((vec)((ivec)(l->slope * d) & l->sloping) + l->rest);
}

/* Adds to *sum and *dot a vector of dy and of dy (x - mean). */
TC_INLINE void FN(slopes_vector)(const FN(line) *l, vec dy, vec x, vec *sum, vec *dot)
{
    const vec d = x - l->mean, g = FN(cut)(l, FN(uncut)(l, d), dy);

    *sum += g;
    *dot += g * d;
}

/* Adds sum dy and sum dy (x - mean) of rows of len elements of a channel to *sum and *dot. The lanes past the end have dy 0. */
NOINLINE void FN(block_slopes)(int64_t rows, int64_t stride, int64_t len, const tc_norm_lines *lines, int64_t k, const T *dy,
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
TC_INLINE void FN(column_slopes)(const int vectors, int64_t rows, int64_t stride, const tc_norm_lines *lines, int64_t first,
                                 const T *dy, const T *x, double *sum, double *dot)
{
    vec sums[4], dots[4];

    TC_UNROLL
    for (int k = 0; k < vectors; k++)
        sums[k] = dots[k] = splat(0);
    for (int64_t r = 0; r < rows; r++)
        TC_UNROLL
        for (int k = 0; k < vectors; k++) {
            const FN(line) l = FN(column_line)(lines, first + k * VLEN, VLEN);

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
    if (inner == 1 && last - first >= VLEN) {
        for (int64_t ch = first; ch < last;) {
            const T *g = (const T *)dy, *in = (const T *)x;

            if (last - ch >= 4 * VLEN) {
                FN(column_slopes)(4, images, c, lines, ch, g + ch, in + ch, sum + ch, dot + ch);
                ch += 4 * VLEN;
                continue;
            }
            ch = tc_min(ch, last - VLEN); /* the last vector does some channels again */
            FN(column_slopes)(1, images, c, lines, ch, g + ch, in + ch, sum + ch, dot + ch);
            ch += VLEN;
        }
        return;
    }
    for (int64_t ch = first; ch < last; ch++) {
        sum[ch] = dot[ch] = 0;
        for (int64_t image = 0; image < images; image += rows) {
            for (int64_t at = 0; at < inner; at += length) {
                const int64_t offset = (image * c + ch) * inner + at;

                FN(block_slopes)(tc_min(rows, images - image), c * inner, tc_min(length, inner - at), lines, ch,
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

/* inner == 1: VLEN channels at a time. */
NOINLINE void FN(column_apply)(int64_t images, int64_t c, int64_t first, int64_t last, const tc_norm_lines *lines, const T *x, T *y)
{
    const tc_norm_lines own = *lines; /* which stores to y cannot change */

    for (int64_t image = 0; image < images; image++) {
        const T *in = x + image * c;
        T *out = y + image * c;
        int64_t ch = first;

        for (; ch + VLEN <= last; ch += VLEN) {
            const FN(line) l = FN(column_line)(&own, ch, VLEN);

            store(out + ch, FN(apply_vector)(&l, load(in + ch)));
        }
        if (ch < last) {
            const FN(line) l = FN(column_line)(&own, ch, last - ch);

            FN(store_lanes)(out + ch, last - ch, FN(apply_vector)(&l, FN(load_lanes)(in + ch, last - ch, 0)));
        }
    }
}

static void FN(norm_apply)(int64_t images, int64_t c, int64_t inner, int64_t first, int64_t last, const tc_norm_lines *lines,
                           const void *x, void *y)
{
    if (inner == 1) {
        FN(column_apply)(images, c, first, last, lines, x, y);
        return;
    }
    for (int64_t image = 0; image < images; image++) {
        for (int64_t ch = first; ch < last; ch++) {
            const int64_t at = (image * c + ch) * inner;
            const FN(line) l = FN(channel_line)(lines, ch);

            FN(apply_run)(inner, &l, (const T *)x + at, (T *)y + at);
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

NOINLINE void FN(column_grad)(int64_t images, int64_t c, int64_t first, int64_t last, const tc_norm_lines *lines, const T *dy,
                              const T *x, T *dx)
{
    const tc_norm_lines own = *lines;

    for (int64_t image = 0; image < images; image++) {
        const T *g = dy + image * c, *in = x + image * c;
        T *out = dx + image * c;
        int64_t ch = first;

        for (; ch + VLEN <= last; ch += VLEN) {
            const FN(line) l = FN(column_line)(&own, ch, VLEN);

            store(out + ch, FN(grad_vector)(&l, load(g + ch), load(in + ch)));
        }
        if (ch < last) {
            const int64_t n = last - ch;
            const FN(line) l = FN(column_line)(&own, ch, n);

            FN(store_lanes)(out + ch, n, FN(grad_vector)(&l, FN(load_lanes)(g + ch, n, 0), FN(load_lanes)(in + ch, n, 0)));
        }
    }
}

static void FN(norm_grad)(int64_t images, int64_t c, int64_t inner, int64_t first, int64_t last, const tc_norm_lines *lines,
                          const void *dy, const void *x, void *dx)
{
    if (inner == 1) {
        FN(column_grad)(images, c, first, last, lines, dy, x, dx);
        return;
    }
    for (int64_t image = 0; image < images; image++) {
        for (int64_t ch = first; ch < last; ch++) {
            const int64_t at = (image * c + ch) * inner;
            const FN(line) l = FN(channel_line)(lines, ch);

            FN(grad_run)(inner, &l, (const T *)dy + at, (const T *)x + at, (T *)dx + at);
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
