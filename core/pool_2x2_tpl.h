/* pool_2x2_tpl.h - pooling over 2x2 cells two columns apart without padding, which most networks have. These windows take so few
 * operations that what windows of all kinds need, loops over taps or sums in a buffer, would cost more than the operations. */

/* Are the windows such, all of them inside the image, and a vector of them in a row? */
TC_INLINE bool FN(windows_2x2)(const tc_pool2d_params *p)
{
    return p->kernel_h == 2 && p->kernel_w == 2 && p->stride_w == 2 && p->pad_h == 0 && p->pad_w == 0 && p->dilation_h == 1 &&
           p->dilation_w == 1 && p->ow >= VLEN && 2 * p->ow <= p->w && (p->oh - 1) * p->stride_h + 2 <= p->h;
}

/* Means of VLEN windows, not settled: columns are added first, as avg_rows_block does it. */
TC_INLINE vec FN(mean_2x2)(const T *upper, const T *lower, vec divisor)
{
    vec even, odd;

    FN(split_pairs)(load(upper) + load(lower), load(upper + VLEN) + load(lower + VLEN), &even, &odd);
    return (even + odd) / divisor;
}

/* The larger cell, as max_tap takes it: the first one of equals, and NaN before all. */
TC_INLINE vec FN(best_cell)(vec best, vec v)
{
    return select_((v > best) | (v != v), v, best);
}

/* Maxima of VLEN windows, not settled. */
TC_INLINE vec FN(max_2x2)(const T *upper, const T *lower)
{
    vec first, second, third, fourth;

    FN(load_pairs)(upper, &first, &second);
    FN(load_pairs)(lower, &third, &fourth);
    return FN(best_cell)(FN(best_cell)(FN(best_cell)(first, second), third), fourth);
}

/* The output rows [begin, end), counted through all planes: means or maxima. A row's last vector is moved back to end with it. */
TC_INLINE void FN(pool_rows_2x2)(const bool mean, const tc_pool2d_params *p, vec divisor, int64_t begin, int64_t end, const T *x, T *y)
{
    const T *plane = x + begin / p->oh * p->h * p->w;
    int64_t i = begin % p->oh;

    for (int64_t row = begin; row < end; row++) {
        const T *upper = plane + i * p->stride_h * p->w, *lower = upper + p->w;

        for (int64_t j = 0; j < p->ow; j += VLEN) {
            j = tc_min(j, p->ow - VLEN);
            const vec pooled = mean ? FN(mean_2x2)(upper + 2 * j, lower + 2 * j, divisor) : FN(max_2x2)(upper + 2 * j, lower + 2 * j);
            store(y + row * p->ow + j, FN(settle)(pooled, 2));
        }
        if (++i == p->oh) {
            i = 0;
            plane += p->h * p->w;
        }
    }
}
