/* pool_2x2_tpl.h - pooling over 2x2 cells two columns apart without padding, which most networks have. These windows take so few
 * operations that what windows of all kinds need, loops over taps or sums in a buffer, would cost more than the operations. */

typedef int32_t FN(places) __attribute__((vector_size(VLEN * 4), aligned(4), may_alias));

/* Stores n of VLEN indices, or all if there is room. */
TC_INLINE void FN(store_places)(int32_t *indices, int64_t n, ivec at)
{
    const FN(places) places = __builtin_convertvector(at, FN(places));

    if (n >= VLEN)
        *(FN(places) *)indices = places;
    else
        memcpy(indices, &places, (size_t)n * 4);
}

/* One cell of each lane's window: v from `place` against the best so far, which lies `at`. */
TC_INLINE void FN(max_tap)(vec v, ivec place, vec *best, ivec *at)
{
    const ivec wins = (v > *best) | (v != v);

    *best = select_(wins, v, *best);
    *at = (wins & place) | (~wins & *at);
}

/* Are the windows such, and all of them inside the image? */
TC_INLINE bool FN(windows_2x2)(const tc_pool2d_params *p)
{
    return p->kernel_h == 2 && p->kernel_w == 2 && p->stride_w == 2 && p->pad_h == 0 && p->pad_w == 0 && p->dilation_h == 1 &&
           p->dilation_w == 1 && 2 * p->ow <= p->w && (p->oh - 1) * p->stride_h + 2 <= p->h;
}

/* Means of VLEN windows, not settled: columns are added first, as avg_rows_block does it. */
TC_INLINE vec FN(mean_2x2)(const T *upper, const T *lower, vec divisor)
{
    vec even, odd;

    FN(split_pairs)(load(upper) + load(lower), load(upper + VLEN) + load(lower + VLEN), &even, &odd);
    return (even + odd) / divisor;
}

/* Maxima of VLEN windows, and where they lie, counted from a window's first cell; not settled. */
TC_INLINE vec FN(max_2x2)(const T *upper, const T *lower, int64_t w, ivec *at)
{
    vec best, second, third, fourth;

    FN(load_pairs)(upper, &best, &second);
    FN(load_pairs)(lower, &third, &fourth);
    *at = (ivec){0};
    FN(max_tap)(second, (ivec){0} + 1, &best, at);
    FN(max_tap)(third, (ivec){0} + (TI)w, &best, at);
    FN(max_tap)(fourth, (ivec){0} + (TI)(w + 1), &best, at);
    return best;
}

/* The output rows [begin, end), counted through all planes: means, or maxima and, if `indexed`, their indices. A row's last vector
 * is moved back to end with it. Rows shorter than a vector are computed with idle lanes, which read on past the row and write on where
 * this thread's next rows come. Returns the first row that is left: there such lanes would read past the tensor's end. */
TC_INLINE int64_t FN(pool_rows_2x2)(const bool mean, const bool indexed, const tc_pool2d_params *p, vec divisor, int64_t begin,
                                    int64_t end, const T *x, T *y, int32_t *indices)
{
    const T *plane = x + begin / p->oh * p->h * p->w, *limit = x + p->planes * p->h * p->w;
    int64_t i = begin % p->oh, row;
    ivec lanes = {0}, at = {0};

    for (int l = 0; l < VLEN; l++)
        lanes[l] = (TI)(2 * l);
    for (row = begin; row < end; row++) {
        const int64_t first = i * p->stride_h * p->w, room = (end - row) * p->ow;
        const T *upper = plane + first, *lower = upper + p->w;

        if (limit - lower < 2 * tc_max(p->ow, VLEN))
            break;
        for (int64_t j = 0; j < p->ow; j += VLEN) {
            j = tc_max(tc_min(j, p->ow - VLEN), 0);
            const vec pooled = mean ? FN(mean_2x2)(upper + 2 * j, lower + 2 * j, divisor)
                                    : FN(max_2x2)(upper + 2 * j, lower + 2 * j, p->w, &at);
            FN(store_lanes)(y + row * p->ow + j, room - j, FN(settle)(pooled, 2));
            if (indexed)
                FN(store_places)(indices + row * p->ow + j, room - j,
                                 (ivec)FN(settle)((vec)at, 2) + lanes + (TI)(first + 2 * j));
        }
        if (++i == p->oh) {
            i = 0;
            plane += p->h * p->w;
        }
    }
    return row;
}

NOINLINE int64_t FN(max_rows_2x2)(const tc_pool2d_params *p, int64_t begin, int64_t end, const T *x, T *y, int32_t *indices)
{
    return indices ? FN(pool_rows_2x2)(false, true, p, splat(1), begin, end, x, y, indices)
                   : FN(pool_rows_2x2)(false, false, p, splat(1), begin, end, x, y, NULL);
}

NOINLINE int64_t FN(avg_rows_2x2)(const tc_pool2d_params *p, int64_t divisor, int64_t begin, int64_t end, const T *x, T *y)
{
    return FN(pool_rows_2x2)(true, false, p, splat((T)(divisor ? divisor : 4)), begin, end, x, y, NULL);
}
