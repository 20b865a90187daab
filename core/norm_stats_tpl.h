/* norm_stats_tpl.h - mean and squared deviations of channels over part of a batch, for norm_tpl.h.
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
