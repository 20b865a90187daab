/* conv_depthwise.c - convolutions with one channel a group, plane by plane: no channel is added to another, so there is no
 * product of matrices, and memory is the limit.
 *
 * A plane is copied into cells padded with zeros (conv.h), a band of rows at a time that stays in L1, and each filter of its
 * group computes its outputs from there, row by row. The input gradient of stride 1 is the same with the taps turned round;
 * with a stride, each phase of the rows and columns of dx (modulo the stride) meets its own taps, and the phases of columns
 * are computed side by side and interleaved. The weight gradient has a file of its own. */
#include "conv.h"

/* Cells and outputs of a band: half of a L1 of 48 KiB, three quarters of one of 32 KiB. */
enum { BAND_BYTES = 24 * 1024 };

/* Multiply-adds that repay a hand-over to another thread. */
enum { CHUNK_WORK = 1 << 17 };

typedef struct {
    const tc_conv2d_params *p;
    const tc_depthwise_kernels *kernels;
    const tc_conv_kernels *conv;
    int dtype;
    size_t item;
    int64_t filters;                /* of a group */
    conv_windows windows;           /* forward */
    int64_t band, bands;
    int64_t *row, *col;             /* cell of each tap: row[r] + col[s] */
    const char *x, *weight, *bias, *dy;
    char *y, *dx;
    /* Input gradient: the taps that phase `a` of an axis meets, at [start[a], start[a + 1]), ordered by their cells. */
    int64_t *row_start, *col_start, *row_tap, *col_tap;
    int64_t row_low, col_low, pitch, cell_rows, phase_rows, phase_cols, phase_width;
    int status;
} depthwise;

static char *at(const depthwise *g, const void *base, int64_t elements)
{
    return (char *)base + elements * (int64_t)g->item;
}

static double element(const depthwise *g, const char *base, int64_t i)
{
    if (!base)
        return 0;
    return g->dtype == TC_F32 ? ((const float *)(const void *)base)[i] : ((const double *)(const void *)base)[i];
}

/* A buffer for a thread, or NULL, which the job then reports. */
static char *thread_buffer(depthwise *g, int64_t elements)
{
    char *memory = tc_alloc((size_t)elements * g->item);
    if (!memory)
        __atomic_store_n(&g->status, TC_ENOMEM, __ATOMIC_RELAXED);
    return memory;
}

/* Room behind the last cell for the kernels' last vectors. */
static int64_t slack(const depthwise *g)
{
    return g->kernels->sums;
}

/* ---- forward ---- */

static void forward_tasks(void *ctx, int64_t begin, int64_t end)
{
    depthwise *g = ctx;
    const tc_conv2d_params *p = g->p;
    char *cells = thread_buffer(g, conv_channel_size(&g->windows, g->band) + slack(g));
    if (!cells)
        return;
    tc_depthwise_plane t = {.cols = p->ow, .row_taps = p->r, .col_taps = p->s, .row = g->row, .col = g->col, .cells = cells,
                            .pitch = g->windows.pitch, .relu = p->relu != 0, .out_row = p->ow};
    for (int64_t task = begin; task < end; task++) {
        const int64_t plane = task / g->bands, i0 = task % g->bands * g->band, channel = plane % p->c;
        t.rows = tc_min(g->band, p->oh - i0);
        conv_pack_planes(g->dtype, &g->windows, 1, i0, g->band, 0, 1, at(g, g->x, plane * p->h * p->w), cells);
        for (int64_t f = 0; f < g->filters; f++) {
            const int64_t filter = channel * g->filters + f;
            t.weight = at(g, g->weight, filter * p->r * p->s);
            t.bias = element(g, g->bias, filter);
            t.out = at(g, g->y, ((plane * g->filters + f) * p->oh + i0) * p->ow);
            g->kernels->plane(&t);
        }
    }
    tc_free(cells);
}

/* conv_offsets of one channel is a sum of one term for the row and one for the column. */
int64_t *conv_depthwise_taps(const tc_conv2d_params *p, const conv_windows *v, int64_t band)
{
    int64_t *offset = tc_alloc((size_t)(p->r * p->s) * sizeof *offset);
    int64_t *row = tc_alloc((size_t)(p->r + p->s) * sizeof *row);
    if (offset && row) {
        conv_offsets(v, 1, band, 1, offset);
        for (int64_t r = 0; r < p->r; r++)
            row[r] = offset[r * p->s];
        for (int64_t s = 0; s < p->s; s++)
            row[p->r + s] = offset[s] - offset[0];
    } else {
        tc_free(row);
        row = NULL;
    }
    tc_free(offset);
    return row;
}

int64_t conv_depthwise_band(int dtype, const tc_conv2d_params *p, const conv_windows *v)
{
    return conv_choose_band(p->oh, v->rows.phases * v->cols.phases * v->pitch * (int64_t)tc_itemsize(dtype), BAND_BYTES);
}

static int64_t chunk(double work)
{
    return tc_max(1, (int64_t)(CHUNK_WORK / work));
}

int conv_depthwise(int dtype, const tc_conv2d_params *p, const conv_windows *v, const void *x, const void *weight,
                   const void *bias, void *y)
{
    depthwise g = {.p = p, .kernels = tc_kernels_for(dtype)->depthwise, .dtype = dtype, .item = tc_itemsize(dtype),
                   .filters = p->k / p->groups, .windows = *v, .x = x, .weight = weight, .bias = bias, .y = y, .status = TC_OK};
    g.band = conv_depthwise_band(dtype, p, v);
    g.bands = tc_ceil_div(p->oh, g.band);
    g.row = conv_depthwise_taps(p, v, g.band);
    if (!g.row)
        return TC_ENOMEM;
    g.col = g.row + p->r;
    tc_parallel_for(p->n * p->c * g.bands, chunk((double)(g.band * p->ow) * (double)(g.filters * p->r * p->s)),
                    forward_tasks, &g);
    tc_free(g.row);
    return g.status;
}

/* ---- input gradient, of one filter a group ---- */

/* Phase a of dx meets tap r where a + pad - r * dilation is a multiple of the stride, in row i + that / stride of dy for its
 * i-th row. Fills start, tap and the cells, from the lowest of all taps on; returns how many cells lie between the ends. */
static int64_t place_phases(int64_t phases, int64_t taps, int64_t stride, int64_t pad, int64_t dilation, int64_t *start,
                            int64_t *tap, int64_t *cell, int64_t *low)
{
    int64_t count = 0, high = 0;
    *low = 0;
    for (int64_t a = 0; a < phases; a++) {
        start[a] = count;
        for (int64_t r = taps - 1; r >= 0; r--) {
            const int64_t distance = a + pad - r * dilation;
            if (distance % stride != 0)
                continue;
            tap[count] = r;
            cell[count] = distance / stride;
            *low = count == 0 ? cell[count] : tc_min(*low, cell[count]);
            high = count == 0 ? cell[count] : tc_max(high, cell[count]);
            count++;
        }
    }
    start[phases] = count;
    for (int64_t i = 0; i < count; i++)
        cell[i] -= *low;
    return high - *low;
}

/* Phase b of the columns, for one phase of the rows, beside the other phases or in dx itself. */
static void add_phase(const depthwise *g, tc_depthwise_plane *t, int64_t a, int64_t b, const char *filter, char *weight)
{
    const int64_t first_row = g->row_start[a], first_col = g->col_start[b];
    t->row = g->row + first_row;
    t->col = g->col + first_col;
    t->row_taps = g->row_start[a + 1] - first_row;
    t->col_taps = g->col_start[b + 1] - first_col;
    t->cols = tc_ceil_div(g->p->w - b, g->p->stride_w);
    t->weight = weight;
    for (int64_t r = 0; r < t->row_taps; r++)
        for (int64_t s = 0; s < t->col_taps; s++, weight += g->item)
            memcpy(weight, at(g, filter, g->row_tap[first_row + r] * g->p->s + g->col_tap[first_col + s]), g->item);
    g->kernels->plane(t);
}

static void add_band(const depthwise *g, int64_t plane, int64_t q0, char *cells, char *phases, char *weight)
{
    const tc_conv2d_params *p = g->p;
    tc_plane source = {.rows = g->cell_rows, .cols = g->pitch, .h = p->oh, .w = p->ow, .row = q0 + g->row_low,
                       .col = g->col_low, .row_step = 1, .col_step = 1, .ahead = p->oh * p->ow};
    conv_place(&source);
    g->conv->pack(&source, at(g, g->dy, plane * p->oh * p->ow), cells);
    const char *filter = at(g, g->weight, plane % p->k * p->r * p->s);
    const int64_t step = g->phase_cols, width = g->phase_width;
    for (int64_t a = 0; a < g->phase_rows; a++) {
        tc_depthwise_plane t = {.rows = tc_min(g->band, tc_ceil_div(p->h - a, p->stride_h) - q0), .cells = cells,
                                .pitch = g->pitch, .room = p->stride_w == 1 ? 0 : width};
        char *out = at(g, g->dx, (plane * p->h + q0 * p->stride_h + a) * p->w);
        t.out_row = p->stride_w == 1 ? p->stride_h * p->w : step * width;
        for (int64_t b = 0; b < step && t.rows > 0; b++) {
            t.out = p->stride_w == 1 ? out : at(g, phases, b * width);
            add_phase(g, &t, a, b, filter, weight);
        }
        for (int64_t i = 0; i < t.rows && p->stride_w > 1; i++)
            g->kernels->interleave(p->w, p->stride_w, at(g, phases, i * t.out_row), width, at(g, out, i * p->stride_h * p->w));
    }
}

static void input_tasks(void *ctx, int64_t begin, int64_t end)
{
    depthwise *g = ctx;
    const int64_t cells = g->cell_rows * g->pitch + slack(g), taps = g->p->r * g->p->s;
    const int64_t phases = g->p->stride_w == 1 ? 0 : g->band * g->phase_cols * g->phase_width;
    char *memory = thread_buffer(g, cells + phases + taps);
    if (!memory)
        return;
    memset(memory, 0, (size_t)cells * g->item);
    for (int64_t task = begin; task < end; task++)
        add_band(g, task / g->bands, task % g->bands * g->band, memory, at(g, memory, cells), at(g, memory, cells + phases));
    tc_free(memory);
}

int conv_depthwise_input_grad(int dtype, const tc_conv2d_params *p, const void *dy, const void *weight, void *dx)
{
    depthwise g = {.p = p, .kernels = tc_kernels_for(dtype)->depthwise, .conv = tc_kernels_for(dtype)->conv, .dtype = dtype,
                   .item = tc_itemsize(dtype), .dy = dy, .weight = weight, .dx = dx, .status = TC_OK};
    g.phase_rows = tc_min(p->stride_h, p->h);
    g.phase_cols = tc_min(p->stride_w, p->w);
    int64_t *memory = tc_alloc((size_t)(2 * p->r + 2 * p->s + g.phase_rows + g.phase_cols + 2) * sizeof *memory);
    if (!memory)
        return TC_ENOMEM;
    g.row = memory;
    g.col = g.row + p->r;
    g.row_tap = g.col + p->s;
    g.col_tap = g.row_tap + p->r;
    g.row_start = g.col_tap + p->s;
    g.col_start = g.row_start + g.phase_rows + 1;
    const int64_t rows = tc_ceil_div(p->h, p->stride_h);
    const int64_t range = place_phases(g.phase_rows, p->r, p->stride_h, p->pad_h, p->dilation_h, g.row_start, g.row_tap,
                                       g.row, &g.row_low);
    g.pitch = tc_ceil_div(p->w, p->stride_w) + place_phases(g.phase_cols, p->s, p->stride_w, p->pad_w, p->dilation_w,
                                                            g.col_start, g.col_tap, g.col, &g.col_low);
    /* A phase's row has room for whole groups of vectors. */
    g.phase_width = tc_ceil_div(tc_ceil_div(p->w, p->stride_w), g.kernels->group) * g.kernels->group;
    const int64_t row_cells = g.pitch + (p->stride_w == 1 ? 0 : g.phase_cols * g.phase_width);
    g.band = conv_choose_band(rows, row_cells * (int64_t)g.item, BAND_BYTES);
    g.bands = tc_ceil_div(rows, g.band);
    g.cell_rows = g.band + range;
    for (int64_t r = 0; r < g.row_start[g.phase_rows]; r++)
        g.row[r] *= g.pitch;
    const double work = (double)(g.band * p->w) * (double)(p->r * p->s);
    tc_parallel_for(p->n * p->c * g.bands, chunk(work), input_tasks, &g);
    tc_free(memory);
    return g.status;
}
