/* conv_winograd_tpl.h - kernels of conv_winograd.c: minimal filtering F(4x4, 3x3), for f32 and one instruction set.
 *
 * Winograd 1980, Lavin & Gray 2016. A tile of 4x4 outputs meets 6x6 pixels; seen as polynomials, filter and outputs are
 * multiplied by evaluating both at six points, multiplying there, and interpolating (Toom-Cook, transposed):
 *     y = A^T [(G g G^T) . (B^T d B)] A.
 * For points 0, a, -a, b, -b and infinity, with s = a^2 + b^2, p = a^2 b^2:
 *
 *          p  0 -s  0  1  0           1/p                                1  1  1  1  1  0
 *          0 -ab^2 -b^2  a  1  0      ca (1  a  a^2)                     0  a -a  b -b  0
 *   B^T =  0  ab^2 -b^2 -a  1  0   G = ca (1 -a  a^2)             A^T =  0 a^2 a^2 b^2 b^2  0
 *          0 -ba^2 -a^2  b  1  0      cb (1  b  b^2)                     0 a^3 -a^3 b^3 -b^3  1
 *          0  ba^2 -a^2 -b  1  0      cb (1 -b  b^2)
 *          0  p  0 -s  0  1           0 0 1
 *
 * where ca = 1 / (2 a^2 (a^2 - b^2)), cb = 1 / (2 b^2 (b^2 - a^2)). Row k of B^T are the coefficients of the product of
 * (x - q) over the other points q; that of infinity has all five. The usual points 1 and 2 lose 2.5 bits more than the
 * direct sum in float32; of all pairs of sixteenths up to 2, a = 11/16 and b = 3/2 lose least, 1.2 bits (Vincent et al.
 * 2017, Barabasz et al. 2018 on how points are searched). All constants of A and B are exact in float32.
 *
 * Lanes are channels (filters on the way out): the transforms then need no shuffles and no gathers, wherever a tile lies,
 * and what they write is what the products read. Pixels are brought into lanes, and back, by transposed blocks. */
#include "conv_winograd_kernels.h"

#define A1 0.6875f
#define A2 (A1 * A1)
#define A3 (A2 * A1)
#define B1 1.5f
#define B2 (B1 * B1)
#define B3 (B2 * B1)
#define SUM2 (A2 + B2)
#define MUL2 (A2 * B2)
#define G0 (1 / MUL2)
#define GA (1 / (2 * A2 * (A2 - B2)))
#define GB (1 / (2 * B2 * (B2 - A2)))

enum { WINO_SIDE = TC_WINOGRAD_SIDE, WINO_TILE = TC_WINOGRAD_TILE, WINO_TAPS = WINO_SIDE - WINO_TILE + 1 };

/* ---- one axis of each transform ---- */

/* v = B^T d. */
TC_INLINE void FN(wino_input)(const vec *d, vec *v)
{
    const vec even_a = d[4] - B2 * d[2], odd_a = d[3] - B2 * d[1];
    const vec even_b = d[4] - A2 * d[2], odd_b = d[3] - A2 * d[1];
    v[0] = MUL2 * d[0] + (d[4] - SUM2 * d[2]);
    v[1] = even_a + A1 * odd_a;
    v[2] = even_a - A1 * odd_a;
    v[3] = even_b + B1 * odd_b;
    v[4] = even_b - B1 * odd_b;
    v[5] = MUL2 * d[1] + (d[5] - SUM2 * d[3]);
}

/* y = A^T m. */
TC_INLINE void FN(wino_output)(const vec *m, vec *y)
{
    const vec even_a = m[1] + m[2], odd_a = m[1] - m[2];
    const vec even_b = m[3] + m[4], odd_b = m[3] - m[4];
    y[0] = m[0] + even_a + even_b;
    y[1] = A1 * odd_a + B1 * odd_b;
    y[2] = A2 * even_a + B2 * even_b;
    y[3] = A3 * odd_a + (B3 * odd_b + m[5]);
}

/* m = A y. */
TC_INLINE void FN(wino_output_grad)(const vec *y, vec *m)
{
    const vec even_a = y[0] + A2 * y[2], odd_a = y[1] + A2 * y[3];
    const vec even_b = y[0] + B2 * y[2], odd_b = y[1] + B2 * y[3];
    m[0] = y[0];
    m[1] = even_a + A1 * odd_a;
    m[2] = even_a - A1 * odd_a;
    m[3] = even_b + B1 * odd_b;
    m[4] = even_b - B1 * odd_b;
    m[5] = y[3];
}

/* u = G g. */
TC_INLINE void FN(wino_filter)(const vec *g, vec *u)
{
    const vec even_a = GA * g[0] + (GA * A2) * g[2], odd_a = (GA * A1) * g[1];
    const vec even_b = GB * g[0] + (GB * B2) * g[2], odd_b = (GB * B1) * g[1];
    u[0] = G0 * g[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = g[2];
}

/* g = G^T u. */
TC_INLINE void FN(wino_filter_grad)(const vec *u, vec *g)
{
    const vec even_a = u[1] + u[2], odd_a = u[1] - u[2];
    const vec even_b = u[3] + u[4], odd_b = u[3] - u[4];
    g[0] = G0 * u[0] + (GA * even_a + GB * even_b);
    g[1] = (GA * A1) * odd_a + (GB * B1) * odd_b;
    g[2] = (GA * A2) * even_a + ((GB * B2) * even_b + u[5]);
}

/* ---- tiles of pixels to points ---- */

/* Columns first: what the columns of a row of tiles become is shared by tiles that overlap. */
TC_INLINE void FN(wino_columns)(const tc_winograd_row *r, int depth, void (*axis)(const vec *, vec *))
{
    T *out = r->columns;
    const int64_t count = (r->tiles - 1) * WINO_TILE + depth;
    for (int64_t j = 0; j < count; j++, out += WINO_SIDE * VLEN) {
        const int64_t col = r->col + j;
        vec in[WINO_SIDE], points[WINO_SIDE];
        if (col < 0 || col >= r->width) {
            memset(out, 0, WINO_SIDE * sizeof(vec));
            continue;
        }
        TC_UNROLL
        for (int i = 0; i < depth; i++)
            in[i] = load(r->row[i] + col * VLEN);
        axis(in, points);
        TC_UNROLL
        for (int i = 0; i < WINO_SIDE; i++)
            store(out + i * VLEN, points[i]);
    }
}

TC_INLINE void FN(wino_rows)(const tc_winograd_row *r, int depth, void (*axis)(const vec *, vec *))
{
    const int64_t step = r->point_step;
    for (int64_t t = 0; t < r->tiles; t++) {
        const T *columns = r->columns + t * WINO_TILE * WINO_SIDE * VLEN;
        const int64_t tile = r->first + t;
        T *out = r->out + tile / r->group * r->group_step + tile % r->group * r->tile_step;
        for (int i = 0; i < WINO_SIDE; i++, columns += VLEN, out += WINO_SIDE * step) {
            vec in[WINO_SIDE], points[WINO_SIDE];
            TC_UNROLL
            for (int j = 0; j < depth; j++)
                in[j] = load(columns + j * WINO_SIDE * VLEN);
            axis(in, points);
            TC_UNROLL
            for (int j = 0; j < WINO_SIDE; j++)
                store(out + j * step, points[j]);
        }
    }
}

static void FN(winograd_input)(const tc_winograd_row *r)
{
    FN(wino_columns)(r, WINO_SIDE, FN(wino_input));
    FN(wino_rows)(r, WINO_SIDE, FN(wino_input));
}

static void FN(winograd_output_grad)(const tc_winograd_row *r)
{
    FN(wino_columns)(r, WINO_TILE, FN(wino_output_grad));
    FN(wino_rows)(r, WINO_TILE, FN(wino_output_grad));
}

/* ---- points to tiles of outputs ---- */

/* An infinity or a NaN times 0 is NaN, and stays one in the sum of all. */
static bool FN(winograd_output)(const tc_winograd_outputs *o)
{
    const int64_t step = o->point_step, out_row = o->cols * VLEN;
    const vec bias = load(o->bias);
    const ivec negative = (ivec){0} - (o->relu ? 1 : 0);
    vec nothing = {0};
    for (int64_t t = 0; t < o->tiles; t++) {
        const T *in = o->points + t * o->tile_step;
        T *out = o->out + t * WINO_TILE * VLEN;
        const int64_t cols = o->cols - t * WINO_TILE;
        vec columns[WINO_SIDE * WINO_TILE];
        TC_UNROLL
        for (int j = 0; j < WINO_SIDE; j++) {
            vec m[WINO_SIDE];
            TC_UNROLL
            for (int i = 0; i < WINO_SIDE; i++)
                m[i] = load(in + (i * WINO_SIDE + j) * step);
            FN(wino_output)(m, columns + j * WINO_TILE);
        }
        TC_UNROLL
        for (int i = 0; i < WINO_TILE; i++) {
            vec m[WINO_SIDE], y[WINO_TILE];
            TC_UNROLL
            for (int j = 0; j < WINO_SIDE; j++)
                m[j] = columns[j * WINO_TILE + i];
            FN(wino_output)(m, y);
            TC_UNROLL
            for (int j = 0; j < WINO_TILE; j++) {
                const vec v = y[j] + bias;
                nothing += v * (T)0;
                if (i < o->rows && j < cols)    /* the last tiles reach past the end of the image */
                    store(out + i * out_row + j * VLEN, select_((v < 0) & negative, (vec){0}, v));
            }
        }
    }
    return FN(lanes_sum)(nothing) == 0;
}

/* Lane l of pixel j to dst[l * plane + j], for l < lanes. What whole blocks leave is covered by one that overlaps. */
static void FN(winograd_spread)(int lanes, int64_t count, const T *src, T *dst, int64_t plane)
{
    for (int64_t j = 0; count >= VLEN && j < count; j += VLEN) {
        const int64_t first = tc_min(j, count - VLEN);
        vec r[VLEN];
        TC_UNROLL
        for (int i = 0; i < VLEN; i++)
            r[i] = load(src + (first + i) * VLEN);
        FN(transpose)(r);
        TC_UNROLL
        for (int i = 0; i < VLEN; i++)
            if (i < lanes)
                store(dst + i * plane + first, r[i]);
    }
    for (int64_t j = 0; count < VLEN && j < count; j++)
        for (int i = 0; i < lanes; i++)
            dst[i * plane + j] = src[j * VLEN + i];
}

/* ---- filters ---- */

/* Tap t of all lanes to g[t], from where they lie beside each other: blocks of VLEN taps are transposed if all lanes have one. */
TC_INLINE void FN(wino_taps)(int lanes, const T *first, int64_t filter, vec *g)
{
    const int taps = WINO_TAPS * WINO_TAPS, whole = taps / VLEN * VLEN;
    if (lanes == VLEN)
        TC_UNROLL
        for (int t = 0; t < whole; t += VLEN) {
            TC_UNROLL
            for (int l = 0; l < VLEN; l++)
                g[t + l] = load(first + l * filter + t);
            FN(transpose)(g + t);
        }
    for (int t = lanes == VLEN ? whole : 0; t < taps; t++) {
        T tap[VLEN] = {0};
        for (int l = 0; l < lanes; l++)
            tap[l] = first[l * filter + t];
        g[t] = load(tap);
    }
}

static void FN(winograd_filter)(const tc_winograd_taps *f, int lanes, const T *weight, T *out, int64_t step)
{
    vec taps[WINO_TAPS * WINO_TAPS], columns[WINO_TAPS][WINO_SIDE];
    const int last = WINO_TAPS * WINO_TAPS - 1;
    const bool turned = f->col < 0;
    if (turned)
        weight -= last;
    if (lanes == VLEN)
        FN(wino_taps)(VLEN, weight, f->filter, taps);
    else
        FN(wino_taps)(lanes, weight, f->filter, taps);
    TC_UNROLL
    for (int s = 0; s < WINO_TAPS; s++) {
        vec g[WINO_TAPS];
        TC_UNROLL
        for (int r = 0; r < WINO_TAPS; r++)
            g[r] = taps[turned ? last - r * WINO_TAPS - s : r * WINO_TAPS + s];
        FN(wino_filter)(g, columns[s]);
    }
    TC_UNROLL
    for (int i = 0; i < WINO_SIDE; i++) {
        vec g[WINO_TAPS], u[WINO_SIDE];
        TC_UNROLL
        for (int s = 0; s < WINO_TAPS; s++)
            g[s] = columns[s][i];
        FN(wino_filter)(g, u);
        TC_UNROLL
        for (int j = 0; j < WINO_SIDE; j++)
            store(out + (i * WINO_SIDE + j) * step, u[j]);
    }
}

static void FN(winograd_filter_grad)(const tc_winograd_taps *f, int lanes, const T *points, int64_t step, T *dweight)
{
    vec columns[WINO_TAPS][WINO_SIDE], g[WINO_TAPS];
    for (int j = 0; j < WINO_SIDE; j++) {
        vec u[WINO_SIDE];
        for (int i = 0; i < WINO_SIDE; i++)
            u[i] = load(points + (i * WINO_SIDE + j) * step);
        FN(wino_filter_grad)(u, g);
        for (int r = 0; r < WINO_TAPS; r++)
            columns[r][j] = g[r];
    }
    for (int r = 0; r < WINO_TAPS; r++) {
        FN(wino_filter_grad)(columns[r], g);
        for (int s = 0; s < WINO_TAPS; s++)
            for (int l = 0; l < lanes; l++)
                dweight[l * f->filter + r * f->row + s * f->col] += g[s][l];
    }
}

#include "conv_winograd_products_tpl.h"

static const tc_winograd_kernels FN(winograd_kernels) = {
    .lanes = VLEN,
    .tiles = WINO_MR,
    .vectors = WINO_NV,
    .sum_rows = WINO_SUM_ROWS,
    .input = FN(winograd_input),
    .output = FN(winograd_output),
    .output_grad = FN(winograd_output_grad),
    .spread = FN(winograd_spread),
    .filter = FN(winograd_filter),
    .filter_grad = FN(winograd_filter_grad),
    .product = FN(winograd_product),
    .sums = FN(winograd_sums),
};

#undef A1
#undef A2
#undef A3
#undef B1
#undef B2
#undef B3
#undef SUM2
#undef MUL2
#undef G0
#undef GA
#undef GB
#undef WINO_MR
#undef WINO_NV
#undef WINO_SUM_ROWS
