/* pool_cells_tpl.h - pooling of one window for one T in plain C, and the row loops made of it.
 *
 * The vector kernels use the single windows at the image's edges; pool.c instantiates the file once more for the
 * integer dtypes and for what vectors do not help. Expects T and FN(name). */

/* Does v take the place of best? Larger (smaller) numbers do, equal ones do not, a NaN always does (v != w tells it
 * and is plainly false for integers). No branches: which cell wins cannot be predicted. */
static inline bool FN(pool_wins)(bool smallest, T v, T best)
{
    const T w = v;

    return ((v > best) & !smallest) | ((v < best) & smallest) | (v != w);
}

/* Extremum of the window rows x cols of the plane x (rows of w cells), its place in *index; `worst` loses against every
 * number. Starting from the first valid cell is what gives a window of nothing but `worst` a valid index. */
static inline T FN(max_cell)(bool smallest, T worst, const T *x, int64_t w, tc_span rows, tc_span cols, int64_t *index)
{
    T best = worst;
    int64_t at = tc_first_cell(rows, cols, w);

    for (int64_t r = rows.begin; r < rows.end; r += rows.step) {
        for (int64_t c = cols.begin; c < cols.end; c += cols.step) {
            const T v = x[r * w + c];
            const bool wins = FN(pool_wins)(smallest, v, best);

            best = wins ? v : best;
            at = wins ? r * w + c : at;
        }
    }
    *index = at;
    return best;
}

/* Output rows [begin, end), counted through all planes, of max pooling (adaptive windows or p's own). The columns go in
 * blocks whose spans are computed once: they cost divisions. */
static inline __attribute__((unused)) void FN(max_rows_plain)(const tc_pool2d_params *p, int adaptive, int smallest, T worst,
                                                              int64_t begin, int64_t end, const T *x, T *y, int32_t *indices)
{
    tc_span cols[POOL_SPANS];

    for (int64_t first = 0; first < p->ow; first += POOL_SPANS) {
        const int64_t n = tc_min(POOL_SPANS, p->ow - first);

        for (int64_t j = 0; j < n; j++)
            cols[j] = adaptive ? tc_adaptive_span(first + j, p->ow, p->w) : tc_pool_columns(p, first + j);
        for (int64_t row = begin; row < end; row++) {
            const int64_t i = row % p->oh, out = row * p->ow + first;
            const T *plane = x + row / p->oh * p->h * p->w;
            const tc_span rows = adaptive ? tc_adaptive_span(i, p->oh, p->h) : tc_pool_rows(p, i);

            for (int64_t j = 0; j < n; j++) {
                int64_t index;

                y[out + j] = FN(max_cell)(smallest, worst, plane, p->w, rows, cols[j], &index);
                if (indices)
                    indices[out + j] = (int32_t)index;
            }
        }
    }
}

/* Sum of the window rows x cols. */
static inline __attribute__((unused)) T FN(sum_cell)(const T *x, int64_t w, tc_span rows, tc_span cols)
{
    T sum = 0;

    for (int64_t r = rows.begin; r < rows.end; r++)
        for (int64_t c = cols.begin; c < cols.end; c++)
            sum += x[r * w + c];
    return sum;
}

/* dx = 0, dx[indices[o]] += dy[o] for the planes [begin, end); the order is that of o, whatever the threads do. What has
 * no cell (index -1) is dropped, and so is what a ReLU before has cut off, where there is one. */
static inline __attribute__((unused)) void FN(scatter_planes)(int64_t begin, int64_t end, int64_t in, int64_t out,
                                                              const int32_t *indices, const T *dy, const T *relu, T *dx)
{
    memset(dx + begin * in, 0, (size_t)((end - begin) * in) * sizeof(T));
    for (int64_t plane = begin; plane < end; plane++) {
        T *cells = dx + plane * in;

        for (int64_t o = plane * out; relu && o < (plane + 1) * out; o++) {
            const T g = dy[o], y = indices[o] >= 0 ? relu[plane * in + indices[o]] : 0;

            if (indices[o] >= 0)
                cells[indices[o]] += y <= 0 ? 0 : g;
        }
        for (int64_t o = plane * out; !relu && o < (plane + 1) * out; o++)
            if (indices[o] >= 0)
                cells[indices[o]] += dy[o];
    }
}

/* y[o] = x[indices[o]] for the planes [begin, end), 0 where there is no cell. */
static inline __attribute__((unused)) void FN(gather_planes)(int64_t begin, int64_t end, int64_t in, int64_t out,
                                                             const int32_t *indices, const T *x, T *y)
{
    for (int64_t plane = begin; plane < end; plane++)
        for (int64_t o = plane * out; o < (plane + 1) * out; o++)
            y[o] = indices[o] >= 0 ? x[plane * in + indices[o]] : 0;
}
