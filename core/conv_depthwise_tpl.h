/* conv_depthwise_tpl.h - kernels of conv_depthwise.c for one dtype and instruction set.
 *
 * Rows of outputs are cut into whole vectors; the last one overlaps the one before it, or is filled in part. */

/* ---- one filter over one plane ---- */

/* `vectors` vectors of outputs side by side, for which a weight is read once. All parameters but t are constants in each copy. */
TC_INLINE void FN(depthwise_sums)(const tc_depthwise_plane *t, int vectors, int64_t row_taps,
                                  int64_t col_taps, const T *cells, vec *acc)
{
    const T *weight = t->weight;
    TC_UNROLL
    for (int v = 0; v < vectors; v++)
        acc[v] = splat((T)t->bias);
#pragma GCC unroll 3
    for (int64_t r = 0; r < row_taps; r++) {
        const T *row = cells + t->row[r];
#pragma GCC unroll 3
        for (int64_t s = 0; s < col_taps; s++) {
            const T w = weight[r * col_taps + s], *x = row + t->col[s];
            TC_UNROLL
            for (int v = 0; v < vectors; v++)
                acc[v] += w * load(x + v * VLEN);
        }
    }
    if (t->relu)
        TC_UNROLL
        for (int v = 0; v < vectors; v++)
            acc[v] = select_(acc[v] <= (T)0, splat(0), acc[v]);
}

/* The first `rows` rows, in groups of vectors that may reach past the end of a row. */
TC_INLINE void FN(depthwise_rows)(const tc_depthwise_plane *t, int64_t rows, int vectors, int64_t row_taps, int64_t col_taps)
{
    for (int64_t i = 0; i < rows; i++) {
        const T *cells = (const T *)t->cells + i * t->pitch;
        T *out = (T *)t->out + i * t->out_row;
        for (int64_t j = 0; j < t->cols; j += vectors * VLEN) {
            vec acc[4];
            FN(depthwise_sums)(t, vectors, row_taps, col_taps, cells + j, acc);
            TC_UNROLL
            for (int v = 0; v < vectors; v++)
                store(out + j + v * VLEN, acc[v]);
        }
    }
}

/* How many rows may be written in groups of `group` outputs: what reaches past a row belongs to the next ones, which are
 * written later, or to nobody. (Where rows of other phases lie between them, it may have been written before.) */
static int64_t FN(depthwise_safe)(const tc_depthwise_plane *t, int64_t group)
{
    const int64_t reach = tc_ceil_div(t->cols, group) * group;
    if (t->room >= reach)
        return t->rows - 1;
    return t->out_row == t->cols ? tc_max(0, t->rows - tc_ceil_div(reach - t->cols, t->cols)) : 0;
}

TC_INLINE void FN(depthwise_any)(const tc_depthwise_plane *t, int64_t row_taps, int64_t col_taps)
{
    const int64_t cols = t->cols, four = tc_ceil_div(cols, 4 * VLEN) * 2, two = tc_ceil_div(cols, 2 * VLEN);
    const int64_t safe = cols <= VLEN ? 0 : FN(depthwise_safe)(t, (four == two ? 4 : 2) * VLEN);
    if (four == two)
        FN(depthwise_rows)(t, safe, 4, row_taps, col_taps);
    else
        FN(depthwise_rows)(t, safe, 2, row_taps, col_taps);
    for (int64_t i = safe; i < t->rows; i++)
        for (int64_t first = 0; first < cols; first += VLEN) {
            const int64_t j = tc_max(0, tc_min(first, cols - VLEN));
            vec acc[1];
            FN(depthwise_sums)(t, 1, row_taps, col_taps, (const T *)t->cells + i * t->pitch + j, acc);
            FN(store_lanes)((T *)t->out + i * t->out_row + j, cols, acc[0]);
        }
}

/* 3x3: weights and offsets in local copies, which no store to out can change, stay in registers. */
static void FN(depthwise_plane)(const tc_depthwise_plane *t)
{
    if (t->row_taps != 3 || t->col_taps != 3) {
        FN(depthwise_any)(t, t->row_taps, t->col_taps);
        return;
    }
    tc_depthwise_plane local = *t;
    T weight[9];
    int64_t row[3], col[3];
    local.weight = memcpy(weight, t->weight, sizeof weight);
    local.row = memcpy(row, t->row, sizeof row);
    local.col = memcpy(col, t->col, sizeof col);
    FN(depthwise_any)(&local, 3, 3);
}

static void FN(depthwise_interleave)(int64_t n, int64_t step, const void *phases_, int64_t phase, void *out_)
{
    const T *phases = phases_;
    T *out = out_;
    int64_t done = 0;   /* in each phase */
    if (step == 2)
        for (; 2 * (done + VLEN) <= n; done += VLEN) {
            const vec even = load(phases + done), odd = load(phases + phase + done);
            store(out + 2 * done, FN(zip_low)(even, odd));
            store(out + 2 * done + VLEN, FN(zip_high)(even, odd));
        }
    for (int64_t b = 0; b < step && done * step < n; b++, phases += phase)
        for (int64_t i = done, j = done * step + b; j < n; i++, j += step)
            out[j] = phases[i];
}

/* ---- dy with one plane, for the gradient by the weights ---- */

#define DOT_BLOCK 3

/* The lanes of a row's last vector that count: those that no vector before it had (it ends with the row), or the first
 * `cols` of a row that is shorter than a vector. Both factors need it, since 0 times infinity is no 0. */
TC_INLINE ivec FN(last_lanes)(int64_t cols)
{
    enum { N = VBYTES / sizeof(TI) };
    static const TI EDGES[3 * N] = {[N ... 2 * N - 1] = -1};
    return *(const ivec *)(EDGES + (cols < N ? 2 * N - cols : cols % N));
}

/* Taps that the kernel lacks repeat the last one, and nobody reads their sums. */
static void FN(depthwise_dot)(const tc_depthwise_plane *t, void *sums_)
{
    T *sums = sums_;
    vec acc[DOT_BLOCK][DOT_BLOCK], alone = {0};
    int64_t col[DOT_BLOCK];
    TC_UNROLL
    for (int s = 0; s < DOT_BLOCK; s++)
        col[s] = t->col[tc_min(s, t->col_taps - 1)];
    TC_UNROLL
    for (int r = 0; r < DOT_BLOCK; r++)
        TC_UNROLL
        for (int s = 0; s < DOT_BLOCK; s++)
            acc[r][s] = (vec){0};
    const int64_t cols = t->cols, whole = cols / VLEN * VLEN, last = tc_max(0, cols - VLEN);
    const ivec mask = FN(last_lanes)(cols);
    for (int64_t i = 0; i < t->rows; i++) {
        const T *dy = (const T *)t->out + i * t->out_row;
        const T *row[DOT_BLOCK];
        TC_UNROLL
        for (int r = 0; r < DOT_BLOCK; r++)
            row[r] = (const T *)t->cells + i * t->pitch + t->row[tc_min(r, t->row_taps - 1)];
        for (int64_t j = 0; j < whole; j += VLEN) {
            const vec d = load(dy + j);
            alone += d;
            TC_UNROLL
            for (int r = 0; r < DOT_BLOCK; r++)
                TC_UNROLL
                for (int s = 0; s < DOT_BLOCK; s++)
                    acc[r][s] += d * load(row[r] + (col[s] + j));
        }
        if (whole == cols)
            continue;
        const vec d = (vec)(mask & (ivec)FN(load_lanes)(dy + last, cols, 0));
        alone += d;
        TC_UNROLL
        for (int r = 0; r < DOT_BLOCK; r++)
            TC_UNROLL
            for (int s = 0; s < DOT_BLOCK; s++)
                acc[r][s] += d * (vec)(mask & (ivec)load(row[r] + (col[s] + last)));
    }
    TC_UNROLL
    for (int r = 0; r < DOT_BLOCK; r++)
        TC_UNROLL
        for (int s = 0; s < DOT_BLOCK; s++) {
            T *sum = sums + (r * DOT_BLOCK + s) * VLEN;
            store(sum, load(sum) + acc[r][s]);
        }
    T *sum = sums + DOT_BLOCK * DOT_BLOCK * VLEN;
    store(sum, load(sum) + alone);
}

static void FN(depthwise_finish)(int64_t n, const void *vectors_, void *sums_)
{
    const T *vectors = vectors_;
    T *sums = sums_;
    for (int64_t i = 0; i < n; i++)
        sums[i] = FN(lanes_sum)(load(vectors + i * VLEN));
}

static const tc_depthwise_kernels FN(depthwise_kernels) = {
    .group = 4 * VLEN,
    .block = DOT_BLOCK,
    .sums = (DOT_BLOCK * DOT_BLOCK + 1) * VLEN,
    .plane = FN(depthwise_plane),
    .dot = FN(depthwise_dot),
    .finish = FN(depthwise_finish),
    .interleave = FN(depthwise_interleave),
};

#undef DOT_BLOCK
