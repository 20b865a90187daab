/* norm_tpl.h - batch normalisation for one dtype: per-channel sums over part of a batch, and the two maps that apply them.
 *
 * x points at the part's first image; an image is (c, inner), and kernels handle its channels [first, last). */

/* Elements summed in T before the sum goes on in double: short enough that float keeps 6 digits and that the second pass
 * over a block finds it in L1 (8 or 16 KiB). */
#define NORM_BLOCK 2048

/* Mean and sum of squared deviations from sums of deviations from `centre`, a rounded mean: `rest`, the sum of the
 * deviations themselves, would be 0 without the rounding and corrects both. An infinite centre stays. */
NOINLINE void FN(correct_moments)(double count, T centre, double rest, double square, double *mean, double *squares)
{
    *mean = (double)centre + (rest == rest ? rest / count : 0);
    *squares = square - rest * rest / count;
    if (*squares < 0)
        *squares = 0;
}

/* Mean and sum of squared deviations of `rows` rows of len elements. */
NOINLINE void FN(block_moments)(int64_t rows, int64_t stride, int64_t len, const T *x, double *mean, double *squares)
{
    const double count = (double)(rows * len);
    vec sum[2] = {splat(0), splat(0)}, square = splat(0);
    T tail = 0, tail_square = 0;

    for (int64_t r = 0; r < rows; r++) {
        const T *row = x + r * stride;
        int64_t i = 0;

        for (; i + 2 * VLEN <= len; i += 2 * VLEN) {
            sum[0] += load(row + i);
            sum[1] += load(row + i + VLEN);
        }
        for (; i < len; i++)
            tail += row[i];
    }
    const T centre = (T)(((double)FN(lanes_sum)(sum[0] + sum[1]) + (double)tail) / count);

    sum[0] = sum[1] = splat(0);
    tail = 0;
    for (int64_t r = 0; r < rows; r++) {
        const T *row = x + r * stride;
        int64_t i = 0;

        for (; i + VLEN <= len; i += VLEN) {
            const vec d = load(row + i) - centre;

            sum[0] += d;
            square += d * d;
        }
        for (; i < len; i++) {
            const T d = row[i] - centre;

            tail += d;
            tail_square += d * d;
        }
    }
    FN(correct_moments)(count, centre, (double)FN(lanes_sum)(sum[0]) + (double)tail,
                        (double)FN(lanes_sum)(square) + (double)tail_square, mean, squares);
}

/* Join the moments of `more` elements to those of `count`: the update of Chan, Golub and LeVeque (1979). */
NOINLINE void FN(join_moments)(double count, double *mean, double *squares, double more, double other, double other_squares)
{
    const double delta = other - *mean, total = count + more;

    *mean = (*mean * count + other * more) / total;
    *squares += other_squares + (count > 0 ? delta * delta * (count * more / total) : 0);
}

/* Moments of `vectors` * VLEN channels side by side (inner == 1), `rows` values of each. Four vectors hide the latency of
 * addition, and use whole cache lines. */
TC_INLINE void FN(column_moments)(const int vectors, int64_t rows, int64_t stride, const T *x, double *mean, double *squares)
{
    vec centre[4], sum[4], square[4];

    TC_UNROLL
    for (int k = 0; k < vectors; k++)
        centre[k] = sum[k] = square[k] = splat(0);
    for (int64_t r = 0; r < rows; r++)
        TC_UNROLL
        for (int k = 0; k < vectors; k++)
            centre[k] += load(x + r * stride + k * VLEN);
    TC_UNROLL
    for (int k = 0; k < vectors; k++)
        centre[k] /= (T)rows;
    for (int64_t r = 0; r < rows; r++)
        TC_UNROLL
        for (int k = 0; k < vectors; k++) {
            const vec d = load(x + r * stride + k * VLEN) - centre[k];

            sum[k] += d;
            square[k] += d * d;
        }
    for (int k = 0; k < vectors; k++)
        for (int l = 0; l < VLEN; l++)
            FN(correct_moments)((double)rows, centre[k][l], (double)sum[k][l], (double)square[k][l], mean + k * VLEN + l,
                                squares + k * VLEN + l);
}

/* mean[ch], squares[ch] of the channels [first, last) over `images` images. */
static void FN(norm_moments)(int64_t images, int64_t c, int64_t inner, int64_t first, int64_t last, const void *x, double *mean,
                             double *squares)
{
    const int64_t rows = tc_max(NORM_BLOCK / inner, 1), length = tc_min(inner, NORM_BLOCK);

    if (inner == 1 && last - first >= VLEN) {
        for (int64_t ch = first; ch < last;) {
            if (last - ch >= 4 * VLEN) {
                FN(column_moments)(4, images, c, (const T *)x + ch, mean + ch, squares + ch);
                ch += 4 * VLEN;
                continue;
            }
            ch = tc_min(ch, last - VLEN); /* the last vector does some channels again */
            FN(column_moments)(1, images, c, (const T *)x + ch, mean + ch, squares + ch);
            ch += VLEN;
        }
        return;
    }
    for (int64_t ch = first; ch < last; ch++) {
        double count = 0;

        mean[ch] = squares[ch] = 0;
        for (int64_t image = 0; image < images; image += rows) {
            for (int64_t at = 0; at < inner; at += length) {
                const int64_t height = tc_min(rows, images - image), width = tc_min(length, inner - at);
                double other, other_squares;

                FN(block_moments)(height, c * inner, width, (const T *)x + (image * c + ch) * inner + at, &other, &other_squares);
                FN(join_moments)(count, mean + ch, squares + ch, (double)(height * width), other, other_squares);
                count += (double)(height * width);
            }
        }
    }
}

/* Adds sum dy and sum dy (x - centre) of rows of len elements to *sum and *dot. */
NOINLINE void FN(block_slopes)(int64_t rows, int64_t stride, int64_t len, const T *dy, const T *x, T centre, double *sum,
                               double *dot)
{
    vec sums[2] = {splat(0), splat(0)}, dots[2] = {splat(0), splat(0)};
    T tail = 0, tail_dot = 0;

    for (int64_t r = 0; r < rows; r++) {
        const T *g = dy + r * stride, *row = x + r * stride;
        int64_t i = 0;

        for (; i + 2 * VLEN <= len; i += 2 * VLEN) {
            sums[0] += load(g + i);
            sums[1] += load(g + i + VLEN);
            dots[0] += load(g + i) * (load(row + i) - centre);
            dots[1] += load(g + i + VLEN) * (load(row + i + VLEN) - centre);
        }
        for (; i < len; i++) {
            tail += g[i];
            tail_dot += g[i] * (row[i] - centre);
        }
    }
    *sum += (double)FN(lanes_sum)(sums[0] + sums[1]) + (double)tail;
    *dot += (double)FN(lanes_sum)(dots[0] + dots[1]) + (double)tail_dot;
}

/* The same of `vectors` * VLEN channels side by side. */
TC_INLINE void FN(column_slopes)(const int vectors, int64_t rows, int64_t stride, const T *dy, const T *x, const T *mean,
                                 double *sum, double *dot)
{
    vec centre[4], sums[4], dots[4];

    TC_UNROLL
    for (int k = 0; k < vectors; k++) {
        centre[k] = load(mean + k * VLEN);
        sums[k] = dots[k] = splat(0);
    }
    for (int64_t r = 0; r < rows; r++)
        TC_UNROLL
        for (int k = 0; k < vectors; k++) {
            const vec g = load(dy + r * stride + k * VLEN);

            sums[k] += g;
            dots[k] += g * (load(x + r * stride + k * VLEN) - centre[k]);
        }
    for (int k = 0; k < vectors; k++) {
        for (int l = 0; l < VLEN; l++) {
            sum[k * VLEN + l] = (double)sums[k][l];
            dot[k * VLEN + l] = (double)dots[k][l];
        }
    }
}

/* sum[ch] = sum dy, dot[ch] = sum dy (x - mean[ch]). */
static void FN(norm_slopes)(int64_t images, int64_t c, int64_t inner, int64_t first, int64_t last, const void *dy, const void *x,
                            const void *mean, double *sum, double *dot)
{
    const int64_t rows = tc_max(NORM_BLOCK / inner, 1), length = tc_min(inner, NORM_BLOCK);

    if (inner == 1 && last - first >= VLEN) {
        for (int64_t ch = first; ch < last;) {
            const T *g = (const T *)dy, *in = (const T *)x, *m = (const T *)mean;

            if (last - ch >= 4 * VLEN) {
                FN(column_slopes)(4, images, c, g + ch, in + ch, m + ch, sum + ch, dot + ch);
                ch += 4 * VLEN;
                continue;
            }
            ch = tc_min(ch, last - VLEN);
            FN(column_slopes)(1, images, c, g + ch, in + ch, m + ch, sum + ch, dot + ch);
            ch += VLEN;
        }
        return;
    }
    for (int64_t ch = first; ch < last; ch++) {
        sum[ch] = dot[ch] = 0;
        for (int64_t image = 0; image < images; image += rows) {
            for (int64_t at = 0; at < inner; at += length) {
                const int64_t offset = (image * c + ch) * inner + at;

                FN(block_slopes)(tc_min(rows, images - image), c * inner, tc_min(length, inner - at), (const T *)dy + offset,
                                 (const T *)x + offset, ((const T *)mean)[ch], sum + ch, dot + ch);
            }
        }
    }
}

/* y = (x - mean) * scale + shift. Subtracting the mean first keeps the digits that x * scale + (shift - mean * scale)
 * would lose where the mean is large. The vectors hold a channel's values in every lane, or those of VLEN channels. */
TC_INLINE void FN(apply_run)(int64_t n, const T *x, vec mean, vec scale, vec shift, T *y)
{
    if (n < VLEN) {
        FN(store_part)(y, n, (FN(load_part)(x, n, 0) - mean) * scale + shift);
        return;
    }
    const vec last = (load(x + n - VLEN) - mean) * scale + shift; /* read first: y may be x */

    for (int64_t i = 0; i + VLEN <= n; i += VLEN)
        store(y + i, (load(x + i) - mean) * scale + shift);
    store(y + n - VLEN, last);
}

static void FN(norm_apply)(int64_t images, int64_t c, int64_t inner, int64_t first, int64_t last, const void *x, const void *mean,
                           const double *scale, const double *shift, void *y)
{
    const int64_t width = last - first;
    T values[3][NORM_CHANNELS + VLEN]; /* one vector more: the last channels are loaded whole */

    for (int64_t k = 0; k < width; k++) {
        values[0][k] = ((const T *)mean)[first + k];
        values[1][k] = (T)scale[k];
        values[2][k] = (T)shift[k];
    }
    for (int64_t image = 0; image < images; image++) {
        const T *in = (const T *)x + (image * c + first) * inner;
        T *out = (T *)y + (image * c + first) * inner;

        for (int64_t k = 0; k < width; k += inner == 1 ? VLEN : 1) {
            if (inner == 1)
                FN(apply_run)(tc_min(VLEN, width - k), in + k, load(values[0] + k), load(values[1] + k), load(values[2] + k),
                              out + k);
            else
                FN(apply_run)(inner, in + k * inner, splat(values[0][k]), splat(values[1][k]), splat(values[2][k]),
                              out + k * inner);
        }
    }
}

/* dx = scale * dy + slope * (x - mean) + shift, likewise. */
TC_INLINE void FN(grad_run)(int64_t n, const T *dy, const T *x, vec mean, vec scale, vec slope, vec shift, T *dx)
{
    if (n < VLEN) {
        FN(store_part)(dx, n, scale * FN(load_part)(dy, n, 0) + (slope * (FN(load_part)(x, n, 0) - mean) + shift));
        return;
    }
    const vec last = scale * load(dy + n - VLEN) + (slope * (load(x + n - VLEN) - mean) + shift);

    for (int64_t i = 0; i + VLEN <= n; i += VLEN)
        store(dx + i, scale * load(dy + i) + (slope * (load(x + i) - mean) + shift));
    store(dx + n - VLEN, last);
}

static void FN(norm_grad)(int64_t images, int64_t c, int64_t inner, int64_t first, int64_t last, const void *dy, const void *x,
                          const void *mean, const double *scale, const double *slope, const double *shift, void *dx)
{
    const int64_t width = last - first;
    T values[4][NORM_CHANNELS + VLEN];

    for (int64_t k = 0; k < width; k++) {
        values[0][k] = ((const T *)mean)[first + k];
        values[1][k] = (T)scale[k];
        values[2][k] = (T)slope[k];
        values[3][k] = (T)shift[k];
    }
    for (int64_t image = 0; image < images; image++) {
        const int64_t offset = (image * c + first) * inner;
        const T *g = (const T *)dy + offset, *in = (const T *)x + offset;
        T *out = (T *)dx + offset;

        for (int64_t k = 0; k < width; k += inner == 1 ? VLEN : 1) {
            if (inner == 1)
                FN(grad_run)(tc_min(VLEN, width - k), g + k, in + k, load(values[0] + k), load(values[1] + k),
                             load(values[2] + k), load(values[3] + k), out + k);
            else
                FN(grad_run)(inner, g + k * inner, in + k * inner, splat(values[0][k]), splat(values[1][k]), splat(values[2][k]),
                             splat(values[3][k]), out + k * inner);
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
