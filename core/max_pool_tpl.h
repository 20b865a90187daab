/* max_pool_tpl.h - max and min pooling for one float dtype, vectorised over output columns. */

/* May vectors serve the output columns `cols` of this row? Always if they fill one; if not, where the idle lanes' reads past
 * the row end inside the tensor x. */
TC_INLINE bool FN(lanes_readable)(const tc_pool2d_params *p, tc_span rows, tc_span cols, const T *plane, const T *x)
{
    const int64_t left = cols.begin * p->stride_w - p->pad_w;
    const int64_t last = (rows.end - 1) * p->w + left + (p->kernel_w - 1) * p->dilation_w + (VLEN - 1) * p->stride_w;

    return cols.end - cols.begin >= VLEN || plane - x + last < p->planes * p->h * p->w;
}

/* Minimum is maximum with the sign bits flipped on the way in and out: order reversed, ties and NaN as they were. */
TC_INLINE ivec FN(max_flip)(int smallest)
{
    return (ivec)splat(smallest ? (T)-0.0 : (T)0.0);
}

/* The `width` taps of one window row that starts at cells; *place is the first one's. */
TC_INLINE void FN(max_taps)(const int64_t stride, const int64_t width, int64_t dilation, ivec flip, const T *cells, ivec place,
                            vec *best, ivec *at)
{
    int64_t s = 0;

    for (; stride == 2 && dilation == 1 && s + 2 <= width; s += 2) {
        vec even, odd;

        FN(load_pairs)(cells + s, &even, &odd);
        FN(max_tap)((vec)((ivec)even ^ flip), place, best, at);
        FN(max_tap)((vec)((ivec)odd ^ flip), place + 1, best, at);
        place += 2;
    }
    for (; s < width; s++) {
        FN(max_tap)((vec)((ivec)FN(load_strided)(cells + s * dilation, stride) ^ flip), place, best, at);
        place += (TI)dilation;
    }
}

/* Output columns [begin, end) of one output row, all inside the image's columns; `taps` is kernel_w where the compiler knows it
 * (without dilation), else 0. Places are counted from a window's first cell, which makes them the same in every lane. Starting
 * from -inf at the first cell gives an all -inf window that cell. The last vector is moved back to end at `end`; fewer columns
 * than VLEN are computed with idle lanes, which read on past the row (the caller has seen that there is memory), and write on as
 * far as `room`, where this thread's next rows come. */
TC_INLINE void FN(max_columns)(const bool indexed, const int64_t stride, const int64_t taps, const tc_pool2d_params *p,
                               int smallest, tc_span rows, int64_t begin, int64_t end, int64_t room, const T *x, T *y,
                               int32_t *indices)
{
    const int64_t down = rows.step * p->w, width = taps ? taps : p->kernel_w, dilation = taps ? 1 : p->dilation_w;
    const int64_t first = rows.begin * p->w - p->pad_w;
    const ivec flip = FN(max_flip)(smallest);
    ivec lanes = {0};

    for (int l = 0; l < VLEN; l++)
        lanes[l] = (TI)(l * stride);
    for (int64_t j = begin; j < end; j += VLEN) {
        j = tc_max(tc_min(j, end - VLEN), begin);
        const T *cells = x + first + j * stride;
        ivec place = {0}, at = {0};
        vec best = splat(-(T)INFINITY);

        for (int64_t r = rows.begin; r < rows.end; r += rows.step, cells += down, place += (TI)down)
            FN(max_taps)(stride, width, dilation, flip, cells, place, &best, &at);
        FN(store_lanes)(y + j, room - j, FN(settle)((vec)((ivec)best ^ flip), stride));
        if (indexed)
            FN(store_places)(indices + j, room - j, (ivec)FN(settle)((vec)at, stride) + lanes + (TI)(first + j * stride));
    }
}

/* One window, the same in every lane: which cell wins cannot be predicted, and selection by masks needs no branch. */
TC_INLINE T FN(max_window)(ivec flip, const T *x, int64_t w, tc_span rows, tc_span cols, int32_t *index)
{
    vec best = splat(-(T)INFINITY);
    ivec at = (ivec){0} + (TI)tc_first_cell(rows, cols, w);

    for (int64_t r = rows.begin; r < rows.end; r += rows.step)
        for (int64_t c = cols.begin; c < cols.end; c += cols.step)
            FN(max_tap)((vec)((ivec)splat(x[r * w + c]) ^ flip), (ivec){0} + (TI)(r * w + c), &best, &at);
    if (index)
        *index = (int32_t)at[0];
    return ((vec)((ivec)best ^ flip))[0];
}

/* Output columns [begin, end) of one row, window by window. */
NOINLINE void FN(max_edge)(const tc_pool2d_params *p, int smallest, tc_span rows, int64_t begin, int64_t end, const T *x, T *y,
                           int32_t *indices)
{
    for (int64_t j = begin; j < end; j++)
        y[j] = FN(max_window)(FN(max_flip)(smallest), x, p->w, rows, tc_pool_columns(p, j), indices ? indices + j : NULL);
}

/* Output rows [begin, end), counted through all planes, of adaptive pooling. The columns go in blocks whose spans are
 * computed once: they cost divisions. */
static void FN(adaptive_max_rows)(const tc_pool2d_params *p, int smallest, int64_t begin, int64_t end, const void *x, void *y,
                                  int32_t *indices)
{
    tc_span cols[POOL_SPANS];

    for (int64_t first = 0; first < p->ow; first += POOL_SPANS) {
        const int64_t n = tc_min(POOL_SPANS, p->ow - first);

        for (int64_t j = 0; j < n; j++)
            cols[j] = tc_adaptive_span(first + j, p->ow, p->w);
        for (int64_t row = begin; row < end; row++) {
            const T *plane = (const T *)x + row / p->oh * p->h * p->w;
            const tc_span rows = tc_adaptive_span(row % p->oh, p->oh, p->h);
            const int64_t out = row * p->ow + first;

            for (int64_t j = 0; j < n; j++)
                ((T *)y)[out + j] = FN(max_window)(FN(max_flip)(smallest), plane, p->w, rows, cols[j],
                                                   indices ? indices + out + j : NULL);
        }
    }
}

/* The vector kernel, for any windows and for those of most networks: stride 1, and stride 2 with 3 columns, unrolled because their
 * few taps would not hide the loops around them. (Windows of 2x2 have pool_2x2_tpl.h.) */
TC_INLINE void FN(max_interior)(const tc_pool2d_params *p, int smallest, tc_span rows, tc_span cols, int64_t room, const T *x, T *y,
                                int32_t *indices)
{
    const int64_t begin = cols.begin, end = cols.end;
    const bool pairs = p->stride_w == 2 && p->dilation_w == 1;

    if (pairs && p->kernel_w == 3 && indices)
        FN(max_columns)(true, 2, 3, p, smallest, rows, begin, end, room, x, y, indices);
    else if (pairs && p->kernel_w == 3)
        FN(max_columns)(false, 2, 3, p, smallest, rows, begin, end, room, x, y, indices);
    else if (p->stride_w == 1)
        FN(max_columns)(indices != NULL, 1, 0, p, smallest, rows, begin, end, room, x, y, indices);
    else
        FN(max_columns)(indices != NULL, p->stride_w, 0, p, smallest, rows, begin, end, room, x, y, indices);
}

/* Output rows [begin, end), counted through all planes. */
static void FN(max_rows)(const tc_pool2d_params *p, int smallest, int64_t begin, int64_t end, const void *x, void *y,
                         int32_t *indices)
{
    const tc_span inside = tc_pool_interior(p);

    if (!smallest && FN(windows_2x2)(p))
        begin = FN(max_rows_2x2)(p, begin, end, x, y, indices);

    const T *plane = (const T *)x + begin / p->oh * p->h * p->w;
    int64_t i = begin % p->oh;

    for (int64_t row = begin; row < end; row++) {
        const tc_span rows = tc_pool_rows(p, i);
        const int64_t room = (end - row) * p->ow;
        T *out = (T *)y + row * p->ow;
        int32_t *places = indices ? indices + row * p->ow : NULL;
        tc_span cols = inside;

        if (rows.begin >= rows.end || !FN(lanes_readable)(p, rows, cols, plane, (const T *)x))
            cols.end = cols.begin;
        if (cols.begin > 0)
            FN(max_edge)(p, smallest, rows, 0, cols.begin, plane, out, places);
        if (cols.begin < cols.end)
            FN(max_interior)(p, smallest, rows, cols, room, plane, out, places);
        if (cols.end < p->ow)
            FN(max_edge)(p, smallest, rows, cols.end, p->ow, plane, out, places);
        if (++i == p->oh) {
            i = 0;
            plane += p->h * p->w;
        }
    }
}
