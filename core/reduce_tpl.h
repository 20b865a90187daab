/* reduce_tpl.h - kernels of reduce.c for one dtype and instruction set.
 *
 * Sums are pairwise: leaves of a fixed size are added straight, and their sums in a binary tree, kept as a binary counter:
 * there is a level for each set bit k of the number of leaves, with the sum of 2^k of them. The error then grows with the
 * logarithm of the length. The other operations share the code. */

/* Levels of a tree over 2^40 leaves, more than memory has. */
enum { FN(LEVELS) = 40 };

TC_INLINE T FN(sum2_scalar)(T a, T b) { return a + b; }
TC_INLINE T FN(prod2_scalar)(T a, T b) { return a * b; }
TC_INLINE T FN(max2_scalar)(T a, T b) { return a > b || a != a ? a : b; }
TC_INLINE T FN(min2_scalar)(T a, T b) { return a < b || a != a ? a : b; }

/* ---- along rows ---- */

/* Vecs in a leaf: enough to hide the tree's cost, few enough for the error (3 additions to a lane). ACCUMULATORS of them are
 * combined side by side, because each operation waits for the one before. */
enum { FN(LEAF) = 32, FN(ACCUMULATORS) = 8 };

TC_INLINE vec FN(leaf)(const T *x, vec (*op)(vec, vec))
{
    vec sum[FN(ACCUMULATORS)];
#pragma GCC unroll 8
    for (int a = 0; a < FN(ACCUMULATORS); a++)
        sum[a] = load(x + a * VLEN);
    for (int i = FN(ACCUMULATORS); i < FN(LEAF); i += FN(ACCUMULATORS)) {
#pragma GCC unroll 8
        for (int a = 0; a < FN(ACCUMULATORS); a++)
            sum[a] = op(sum[a], load(x + (i + a) * VLEN));
    }
    return op(op(op(sum[0], sum[1]), op(sum[2], sum[3])), op(op(sum[4], sum[5]), op(sum[6], sum[7])));
}

TC_INLINE T FN(row)(int64_t len, const T *x, vec (*op)(vec, vec), T (*op_scalar)(T, T), T identity)
{
    vec level[FN(LEVELS)];
    int depth = 0;
    for (int64_t leaf = 0; len >= FN(LEAF) * VLEN; leaf++, len -= FN(LEAF) * VLEN, x += FN(LEAF) * VLEN) {
        vec v = FN(leaf)(x, op);
        for (int64_t n = leaf; n & 1; n >>= 1)
            v = op(level[--depth], v);
        level[depth++] = v;
    }
    vec v = splat(identity);
    for (; len >= VLEN; len -= VLEN, x += VLEN)
        v = op(v, load(x));
    T lane[VLEN];
    if (len > 0) {
        store(lane, splat(identity));
        memcpy(lane, x, (size_t)len * sizeof(T));
        v = op(v, load(lane));
    }
    while (depth > 0)
        v = op(level[--depth], v);
    store(lane, v);
    TC_UNROLL
    for (int width = VLEN / 2; width > 0; width /= 2)
        TC_UNROLL
        for (int l = 0; l < width; l++)
            lane[l] = op_scalar(lane[l], lane[l + width]);
    return lane[0];
}

/* A row too short for vecs, four elements side by side. */
TC_INLINE T FN(short_row)(int64_t len, const T *x, T (*op)(T, T), T identity)
{
    T sum[4] = {identity, identity, identity, identity};
    int64_t i = 0;
    for (; i + 4 <= len; i += 4) {
#pragma GCC unroll 4
        for (int a = 0; a < 4; a++)
            sum[a] = op(sum[a], x[i + a]);
    }
    for (; i < len; i++)
        sum[0] = op(sum[0], x[i]);
    return op(op(sum[0], sum[1]), op(sum[2], sum[3]));
}

/* Rows up to this length are taken by short_row, or turned into columns. */
enum { FN(SHORT) = 32 };

static void FN(arg_rows)(int smallest, int64_t rows, int64_t len, const void *x, void *values, int64_t *indices);

TC_INLINE void FN(all_rows)(int64_t rows, int64_t len, const T *x, T *y, vec (*op)(vec, vec), T (*op_scalar)(T, T), T identity)
{
    for (int64_t r = 0; r < rows; r++)
        y[r] = FN(row)(len, x + r * len, op, op_scalar, identity);
}

TC_INLINE void FN(short_rows)(int64_t rows, int64_t len, const T *x, T *y, T (*op)(T, T), T identity)
{
    for (int64_t r = 0; r < rows; r++)
        y[r] = FN(short_row)(len, x + r * len, op, identity);
}

static void FN(reduce_rows)(int op, int64_t rows, int64_t len, const void *x, void *y)
{
    if (len <= FN(SHORT))
        switch (op) {
        case TC_PROD: FN(short_rows)(rows, len, x, y, FN(prod2_scalar), 1); return;
        case TC_AMAX:
        case TC_AMIN: FN(arg_rows)(op == TC_AMIN, rows, len, x, y, NULL); return;
        default: FN(short_rows)(rows, len, x, y, FN(sum2_scalar), 0); return;
        }
    switch (op) {
    case TC_PROD: FN(all_rows)(rows, len, x, y, FN(op_mul), FN(prod2_scalar), 1); break;
    case TC_AMAX: FN(all_rows)(rows, len, x, y, FN(op_maximum), FN(max2_scalar), -(T)INFINITY); break;
    case TC_AMIN: FN(all_rows)(rows, len, x, y, FN(op_minimum), FN(min2_scalar), (T)INFINITY); break;
    default: FN(all_rows)(rows, len, x, y, FN(op_add), FN(sum2_scalar), 0); break;
    }
}

/* ---- along columns ---- */

/* Rows in a leaf: as many as are read at a time. */
enum { FN(LEAF_ROWS) = 8 };

/* Columns of vecs; the last one overlaps its neighbour unless width is a multiple of VLEN. width >= VLEN. */
TC_INLINE void FN(strip)(int64_t len, int64_t width, int64_t stride, const T *x, T *y, vec (*op)(vec, vec), T identity)
{
    T level[FN(LEVELS)][TC_STRIP];
    int depth = 0;
    int64_t leaf = 0;
    for (; (leaf + 1) * FN(LEAF_ROWS) <= len; leaf++) {
        const T *block = x + leaf * FN(LEAF_ROWS) * stride;
        const int carries = __builtin_ctzll(~(unsigned long long)leaf);
        for (int64_t j = 0; j < width; j += VLEN) {
            const int64_t column = tc_min(j, width - VLEN);
            const T *row = block + column;
            vec pair[FN(LEAF_ROWS) / 2];
#pragma GCC unroll 4
            for (int r = 0; r < FN(LEAF_ROWS) / 2; r++, row += 2 * stride)
                pair[r] = op(load(row), load(row + stride));
            vec v = op(op(pair[0], pair[1]), op(pair[2], pair[3]));
            for (int d = 1; d <= carries; d++)
                v = op(load(&level[depth - d][j]), v);
            store(&level[depth - carries][j], v);
        }
        depth += 1 - carries;
    }
    for (int64_t j = 0; j < width; j += VLEN) {
        const int64_t column = tc_min(j, width - VLEN);
        vec v = splat(identity);
        for (int64_t i = leaf * FN(LEAF_ROWS); i < len; i++)
            v = op(v, load(x + i * stride + column));
        for (int d = depth - 1; d >= 0; d--)
            v = op(load(&level[d][j]), v);
        store(y + column, v);
    }
}

/* y[j] = op(y[j], x[j]), j < n, with op's kernel of elementwise_tpl.h. */
TC_INLINE void FN(combine)(int64_t n, const T *x, T *y, tc_map_fn kernel)
{
    kernel(n, (const void *const[]){y, x}, (const int64_t[]){1, 1}, y);
}

/* Few columns in dense memory: `group` rows are taken as one wide row, whose parts are combined at the end. len > 0. */
TC_INLINE void FN(any_strip)(int64_t len, int64_t width, int64_t stride, const T *x, T *y, vec (*op)(vec, vec), tc_map_fn kernel,
                             T identity)
{
    T wide[TC_STRIP];
    int64_t group = width < TC_STRIP / 2 && stride == width ? TC_STRIP / width : 1;
    if (len < group) {
        memcpy(y, x, (size_t)width * sizeof(T));
        for (int64_t i = 1; i < len; i++)
            FN(combine)(width, x + i * width, y, kernel);
        return;
    }
    const int64_t groups = len / group, rest = len - groups * group;
    FN(strip)(groups, group * width, group * stride, x, group > 1 ? wide : y, op, identity);
    if (group == 1)
        return;
    FN(combine)(rest * width, x + groups * group * width, wide, kernel);
    while (group > 1) {
        const int64_t half = group / 2;
        group -= half;
        FN(combine)(half * width, wide + group * width, wide, kernel);
    }
    memcpy(y, wide, (size_t)width * sizeof(T));
}

static void FN(reduce_columns)(int op, int64_t len, int64_t width, int64_t stride, const void *x, void *y)
{
    switch (op) {
    case TC_PROD: FN(any_strip)(len, width, stride, x, y, FN(op_mul), FN(mul), 1); break;
    case TC_AMAX: FN(any_strip)(len, width, stride, x, y, FN(op_maximum), FN(maximum), -(T)INFINITY); break;
    case TC_AMIN: FN(any_strip)(len, width, stride, x, y, FN(op_minimum), FN(minimum), (T)INFINITY); break;
    default: FN(any_strip)(len, width, stride, x, y, FN(op_add), FN(add), 0); break;
    }
}

static void FN(divide)(int64_t n, double divisor, void *y)
{
    TC_SIMD
    for (int64_t i = 0; i < n; i++)
        ((T *)y)[i] /= (T)divisor;
}

/* ---- argmax, argmin ---- */

/* Whether v takes the place of the earlier value best. */
TC_INLINE bool FN(better)(int smallest, T v, T best)
{
    return best == best && ((smallest ? v < best : v > best) || v != v);
}

/* Index of the first element that is m, or NaN if m is: whole blocks are skipped without looking at lanes. */
static int64_t FN(find)(int64_t len, const T *x, T m)
{
    int64_t i = 0;
    for (; i + 4 * VLEN <= len; i += 4 * VLEN) {
        ivec hit = {0};
#pragma GCC unroll 4
        for (int a = 0; a < 4; a++) {
            const vec v = load(x + i + a * VLEN);
            hit |= m == m ? v == m : v != v;
        }
        TI any = 0;
        TC_UNROLL
        for (int l = 0; l < VLEN; l++)
            any |= hit[l];
        if (any)
            break;
    }
    while (m == m ? x[i] != m : x[i] == x[i])
        i++;
    return i;
}

/* The extremes of rows [0, len) of a strip, len <= 2^30 so that indices fit a lane. The last vec overlaps its neighbour, which
 * does no harm, since no element beats itself; rows shorter than a vec are padded. best and index have TC_STRIP elements. */
static void FN(arg_strip)(int smallest, int64_t len, int64_t width, int64_t stride, const T *x, T *best, TI *index)
{
    const T sign = smallest ? -1 : 1;
    const int64_t padded = tc_max(width, VLEN);
    T last[VLEN] = {0};
    memset(best, 0, VLEN * sizeof(T));
    memcpy(best, x, (size_t)width * sizeof(T));
    memset(index, 0, (size_t)padded * sizeof(TI));
    for (int64_t i = 1; i < len; i++) {
        const T *row = x + i * stride;
        if (width < VLEN)
            row = memcpy(last, row, (size_t)width * sizeof(T));
        for (int64_t j = 0; j < padded; j += VLEN) {
            const int64_t at = tc_min(j, padded - VLEN);
            const vec v = load(row + at), b = load(best + at);
            const ivec take = ((v * sign > b * sign) | (v != v)) & (b == b), old = *(const ivec *)(index + at);
            store(best + at, select_(take, v, b));
            *(ivec *)(index + at) = (take & (TI)i) | (~take & old);
        }
    }
}

static void FN(arg_columns)(int smallest, int64_t len, int64_t width, int64_t stride, const void *x, void *values,
                            int64_t *indices)
{
    const int64_t segment = (int64_t)1 << 30;
    T best[TC_STRIP], candidate[TC_STRIP];
    TI index[TC_STRIP];
    for (int64_t first = 0; first < len; first += segment) {
        const T *rows = (const T *)x + first * stride;
        FN(arg_strip)(smallest, tc_min(segment, len - first), width, stride, rows, candidate, index);
        for (int64_t j = 0; j < width; j++)
            if (first == 0 || FN(better)(smallest, candidate[j], best[j])) {
                best[j] = candidate[j];
                if (indices)
                    indices[j] = first + index[j];
            }
    }
    if (values)
        memcpy(values, best, (size_t)width * sizeof(T));
}

static void FN(arg_rows)(int smallest, int64_t rows, int64_t len, const void *x, void *values, int64_t *indices)
{
    enum { BATCH = 64 };
    T best[BATCH], turned[BATCH * FN(SHORT)];
    for (int64_t first = 0; first < rows; first += BATCH) {
        const int64_t m = tc_min(BATCH, rows - first), filled = tc_ceil_div(m, VLEN) * VLEN;
        const T *batch = (const T *)x + first * len;
        T *value = values ? (T *)values + first : best;
        int64_t *index = indices ? indices + first : NULL;
        if (len <= FN(SHORT)) { /* the rows side by side: one has few vectors, and branches on it would be guesses */
            FN(pack_columns)((int)filled, (int)m, len, batch, len, turned);
            FN(arg_columns)(smallest, len, m, filled, turned, value, index);
            continue;
        }
        FN(reduce_rows)(smallest ? TC_AMIN : TC_AMAX, m, len, batch, value);
        for (int64_t r = 0; r < m; r++) {
            const int64_t i = FN(find)(len, batch + r * len, value[r]);
            value[r] = batch[r * len + i]; /* of two zeros the first */
            if (index)
                index[r] = i;
        }
    }
}

static const tc_reduce_kernels FN(reduce_kernels) = {
    .rows = FN(reduce_rows),
    .columns = FN(reduce_columns),
    .divide = FN(divide),
    .arg_rows = FN(arg_rows),
    .arg_columns = FN(arg_columns),
};
