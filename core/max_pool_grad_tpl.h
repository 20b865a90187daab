/* max_pool_grad_tpl.h - the gradient of max pooling by pairs of columns, for one float dtype.
 *
 * Where windows are two columns wide and none meets another, a cell gets the gradient of the one window it lies in, if it won
 * there. So a vector of gradients, and of the winners' places, is made twice as wide, and compared with the cells' own places: each
 * cell is written once, where adding value by value to cleared memory waits for each of them. */

/* The cells from `place` on: values for those that won; nothing where relu is not above 0. */
TC_INLINE void FN(place_cells)(const bool masked, ivec lanes, int64_t place, vec values, ivec places, const T *relu, T *dx)
{
    ivec wins = places == lanes + (TI)place;

    if (masked)
        wins &= ~(load(relu + place) <= (T)0);
    store(dx + place, (vec)(wins & (ivec)values) + splat(0)); /* -0 becomes 0, as in a sum */
}

/* The rows of n >= VLEN windows in one plane: the last vector is moved back to end with them. */
TC_INLINE void FN(place_windows)(const bool masked, int64_t w, tc_span rows, int64_t n, const int32_t *indices, const T *dy,
                                 const T *relu, T *dx)
{
    ivec lanes = {0};

    for (int l = 0; l < VLEN; l++)
        lanes[l] = (TI)l;
    for (int64_t j = 0; j < n; j += VLEN) {
        const int64_t at = tc_min(j, n - VLEN);
        vec lower, upper, lower_places, upper_places;

        FN(twice)(load(dy + at), &lower, &upper);
        FN(twice)((vec)__builtin_convertvector(*(const FN(places) *)(indices + at), ivec), &lower_places, &upper_places);
        for (int64_t r = rows.begin; r < rows.end; r++) {
            FN(place_cells)(masked, lanes, r * w + 2 * at, lower, (ivec)lower_places, relu, dx);
            FN(place_cells)(masked, lanes, r * w + 2 * at + VLEN, upper, (ivec)upper_places, relu, dx);
        }
    }
}

/* One plane. Cells that no whole window covers become 0 first; a window that the image's right edge cuts comes last. */
TC_INLINE void FN(max_grad_plane)(const bool masked, const tc_pool2d_params *p, const int32_t *indices, const T *dy, const T *relu,
                                  T *dx)
{
    const int64_t whole = tc_min(p->ow, p->w / 2), rest = p->w - 2 * whole;
    int64_t fresh = 0;

    for (int64_t i = 0; i < p->oh; i++, indices += p->ow, dy += p->ow) {
        const tc_span rows = tc_pool_rows(p, i);

        for (; fresh < rows.begin; fresh++)
            memset(dx + fresh * p->w, 0, (size_t)p->w * sizeof(T));
        FN(place_windows)(masked, p->w, rows, whole, indices, dy, relu, dx);
        for (; fresh < rows.end && rest; fresh++)
            memset(dx + fresh * p->w + 2 * whole, 0, (size_t)rest * sizeof(T));
        fresh = rows.end;
        if (whole < p->ow && indices[whole] >= 0 && !(masked && relu[indices[whole]] <= 0))
            dx[indices[whole]] += dy[whole];
    }
    for (; fresh < p->h; fresh++)
        memset(dx + fresh * p->w, 0, (size_t)p->w * sizeof(T));
}

/* Planes [begin, end); false, and nothing done, where rows are too short for vectors. */
static bool FN(max_grad_pairs)(const tc_pool2d_params *p, int64_t begin, int64_t end, const int32_t *indices, const void *dy,
                               const void *relu, void *dx)
{
    const int64_t in = p->h * p->w, out = p->oh * p->ow;

    if (tc_min(p->ow, p->w / 2) < VLEN)
        return false;
    for (int64_t plane = begin; plane < end; plane++) {
        const T *g = (const T *)dy + plane * out;

        if (relu)
            FN(max_grad_plane)(true, p, indices + plane * out, g, (const T *)relu + plane * in, (T *)dx + plane * in);
        else
            FN(max_grad_plane)(false, p, indices + plane * out, g, NULL, (T *)dx + plane * in);
    }
    return true;
}
