/* conv_weight.c - the gradient of a convolution by its weights, as a sum of outer products.
 *
 *     dweight(k, c, r, s) = sum over outputs p of dy(k, p) * x(c, pixel of p at tap (r, s))
 *
 * is a product of matrices whose summed axis are the outputs. Both factors are turned so that an output's elements are
 * adjacent: dy to panels of at most mr filters (broadcast), x to padded images whose pixels hold a slice of channels. The
 * taps of a row of the kernel and their channels are then one run of lanes beside each other, of which a tile takes nv
 * vectors ("units") at a time; where an output's pixel lies is read from a list, the same for every tap, so strides and the
 * ends of rows cost nothing, and pixels in the padding meet only outputs whose windows hold them.
 *
 * A task has a block of filters, a slice of channels and a part of the batch, and goes through its part in pieces (images,
 * bands of rows, strips of columns). The first part of the batch is summed in dweight, the others beside it, and these are
 * added in order: all of it depends on the shape alone. */
#include "conv_weight.h"

/* Multiply-adds that repay a hand-over to another thread. */
enum { CHUNK_WORK = 1 << 18 };

/* ---- packing ---- */

/* Rows of a packed image that no window meets are left as they are: strides larger than the kernel. */
static bool row_is_met(const tc_conv2d_params *p, int64_t row)
{
    for (int64_t r = 0; r < p->r; r++)
        if ((row - r * p->dilation_h) % p->stride_h == 0)
            return true;
    return false;
}

/* One image's pixels from (row0, col0) on, zeros outside of it; x points to the slice's first plane. */
static void pack_image(const weight_grad *g, int64_t channels, int64_t row0, int64_t col0, const char *x, char *cells)
{
    const tc_conv2d_params *p = g->p;
    const int64_t plane = p->h * p->w, left = tc_min(tc_max(0, -col0), g->cell_cols);
    const int64_t right = tc_max(left, tc_min(p->w - col0, g->cell_cols)), row_size = g->cell_cols * g->slice;
    for (int64_t i = 0; i < g->cell_rows; i++, cells = at(g, cells, row_size)) {
        const int64_t row = row0 + i, first = row * p->w + col0 + left;
        if (!row_is_met(p, i))
            continue;
        if (row < 0 || row >= p->h || left == right) {
            memset(cells, 0, (size_t)row_size * g->item);
            continue;
        }
        g->kernels->pixels(channels, g->slice, plane, right - left, plane - first, at(g, x, first), at(g, cells, left * g->slice));
        memset(cells, 0, (size_t)(left * g->slice) * g->item);
        memset(at(g, cells, right * g->slice), 0, (size_t)((g->cell_cols - right) * g->slice) * g->item);
    }
}

static int64_t panel_start(const weight_grad *g, int64_t filters, int64_t panel)
{
    return panel * filters / g->panels;
}

/* The panels of the outputs of a piece; dy points to the first. What a panel spills over, the next one overwrites. */
static void pack_outputs(const weight_grad *g, int64_t filters, int64_t images, int64_t rows, int64_t cols, const char *dy,
                         char *panels)
{
    const int64_t plane = g->p->oh * g->p->ow, image = g->p->k * plane, count = images * rows * cols;
    if (cols == g->p->ow) {
        cols *= rows;
        rows = 1;
    }
    for (int64_t q = 0; q < g->panels; q++) {
        const int64_t f = panel_start(g, filters, q), width = panel_start(g, filters, q + 1) - f;
        char *dst = at(g, panels, f * count);
        for (int64_t n = 0; n < images && width > 0; n++)
            for (int64_t i = 0; i < rows; i++, dst = at(g, dst, cols * width))
                g->kernels->pixels(width, width, plane, cols, cols, at(g, dy, n * image + f * plane + i * g->p->ow), dst);
    }
}

/* ---- a task ---- */

typedef struct {
    char *cells, *panels, *sums;
    char *bias;                     /* sums of dy of each filter; NULL if nobody asks */
} buffers;

/* Tiles of one column read the same cells, those of the next column the same panels. */
static void add_piece(const weight_grad *g, int64_t filters, int64_t count, const buffers *to)
{
    tc_outer_tile t = {.count = count, .b = to->cells, .unit = g->unit, .offset = g->offset, .sums = to->sums};
    for (int64_t column = 0; column < g->tiles; column++, t.unit += g->kernels->nv)
        for (int64_t q = 0; q < g->panels; q++, t.sums = at(g, t.sums, tile_size(g))) {
            const int64_t f = panel_start(g, filters, q);
            t.rows = (int)(panel_start(g, filters, q + 1) - f);
            t.a = at(g, to->panels, f * count);
            if (t.rows > 0)
                g->kernels->outer(&t);
        }
}

/* Sums of a band of an image are of adjacent outputs: it has all columns, or is one row. */
static void run_piece(const weight_grad *g, int64_t piece, int64_t group, int64_t f0, int64_t filters, int64_t c0,
                      int64_t channels, const buffers *to)
{
    const tc_conv2d_params *p = g->p;
    const int64_t j0 = piece % g->strips * g->strip, i0 = piece / g->strips % g->bands * g->band;
    const int64_t image = piece / g->strips / g->bands * g->together, images = tc_min(g->together, p->n - image);
    const int64_t rows = tc_min(g->band, p->oh - i0), cols = tc_min(g->strip, p->ow - j0), count = images * rows * cols;
    for (int64_t n = 0; n < images; n++)
        pack_image(g, channels, i0 * p->stride_h - p->pad_h, j0 * p->stride_w - p->pad_w,
                   at(g, g->x, ((image + n) * p->c + group * g->channels + c0) * p->h * p->w),
                   at(g, to->cells, n * g->cell_rows * g->cell_cols * g->slice));
    const char *dy = at(g, g->dy, (image * p->k + group * g->filters + f0) * p->oh * p->ow + i0 * p->ow + j0);
    for (int64_t n = 0; n < images && to->bias; n++)
        g->kernels->add_sums(filters, rows * cols, p->oh * p->ow, at(g, dy, n * p->k * p->oh * p->ow), to->bias);
    pack_outputs(g, filters, images, rows, cols, dy, to->panels);
    add_piece(g, filters, count, to);
}

static int64_t part_size(const weight_grad *g)
{
    return g->p->k * (g->depth + 1);
}

static void run_task(const weight_grad *g, int64_t task, const buffers *all)
{
    const int64_t slice = task % g->slices, block = task / g->slices % g->blocks;
    const int64_t group = task / g->slices / g->blocks % g->p->groups, part = task / tasks_per_part(g);
    const int64_t c0 = slice * g->slice, channels = tc_min(g->slice, g->channels - c0);
    const int64_t f0 = block * g->block, filters = tc_min(g->block, g->filters - f0);
    buffers own = *all, *to = &own;
    if (c0 > 0)                     /* dy is summed by the tasks of the first slice */
        to->bias = NULL;
    memset(to->sums, 0, (size_t)sums_size(g) * g->item);
    if (to->bias)
        memset(to->bias, 0, (size_t)g->block * g->item);
    const int64_t first = part * g->pieces_per_part, last = tc_min(first + g->pieces_per_part, g->pieces);
    for (int64_t piece = first; piece < last && !tc_stopped(); piece++)
        run_piece(g, piece, group, f0, filters, c0, channels, to);
    char *out = part == 0 ? g->dweight : at(g, g->extra, (part - 1) * part_size(g));
    char *bias = part == 0 ? g->dbias : at(g, out, g->p->k * g->depth);
    if (to->bias)
        memcpy(at(g, bias, group * g->filters + f0), to->bias, (size_t)filters * g->item);
    const char *sums = to->sums;
    for (int64_t column = 0; column < g->tiles; column++)
        for (int64_t q = 0; q < g->panels; q++, sums = at(g, sums, tile_size(g))) {
            const int64_t f = panel_start(g, filters, q), row = group * g->filters + f0 + f;
            const int64_t lanes = g->kernels->nv * g->kernels->lanes;
            g->kernels->scatter((int)(panel_start(g, filters, q + 1) - f), lanes, g->index + column * lanes, channels * g->taps,
                                sums, g->depth, at(g, out, row * g->depth + c0 * g->taps));
        }
}

static void run_tasks(void *ctx, int64_t begin, int64_t end)
{
    weight_grad *g = ctx;
    const int64_t bias = cells_size(g) + panels_size(g) + sums_size(g);
    char *memory = tc_alloc((size_t)task_bytes(g));
    if (!memory) {
        __atomic_store_n(&g->status, TC_ENOMEM, __ATOMIC_RELAXED);
        return;
    }
    const buffers to = {.sums = memory, .cells = at(g, memory, sums_size(g)), .panels = at(g, memory, sums_size(g) + cells_size(g)),
                        .bias = g->dbias ? at(g, memory, bias) : NULL};
    /* The lanes behind a run, up to a whole vector, are read and dropped: at the last pixel they are no cells. */
    memset(to.cells, 0, (size_t)cells_size(g) * g->item);
    for (int64_t task = begin; task < end; task++)
        run_task(g, task, &to);
    tc_free(memory);
}

enum { ADD_CHUNK = 1 << 13 };

static void add_parts(void *ctx, int64_t begin, int64_t end)
{
    const weight_grad *g = ctx;
    for (int64_t part = 1; part < g->parts; part++) {
        const char *extra = at(g, g->extra, (part - 1) * part_size(g));
        g->kernels->add(end - begin, at(g, extra, begin), at(g, g->dweight, begin));
        if (g->dbias && begin == 0)
            g->kernels->add(g->p->k, at(g, extra, g->p->k * g->depth), g->dbias);
    }
}

/* Vectors of multiplications for each filter and output, to compare with conv_weight_dot_cost. */
static double cost(const weight_grad *g)
{
    return (double)(g->slices * g->tiles * g->kernels->nv);
}

int conv_weight_grad(int dtype, const tc_conv2d_params *p, const void *dy, const void *x, void *dweight, void *dbias)
{
    weight_grad g = {.p = p, .kernels = tc_kernels_for(dtype)->conv_weight,
                     .item = tc_itemsize(dtype), .dy = dy, .x = x, .dweight = dweight, .dbias = dbias,
                     .channels = p->c / p->groups, .filters = p->k / p->groups, .taps = p->r * p->s, .status = TC_OK};
    g.depth = g.channels * g.taps;
    conv_weight_choose(&g, conv_weight_room(dtype, p));
    if (conv_weight_dot_cost(dtype, p) < cost(&g))
        return conv_weight_grad_dot(dtype, p, dy, x, dweight, dbias);
    g.parts = conv_weight_parts(dtype, p, tasks_per_part(&g), g.pieces, task_bytes(&g));
    g.pieces_per_part = tc_ceil_div(g.pieces, g.parts);
    g.parts = tc_ceil_div(g.pieces, g.pieces_per_part);
    const int64_t units = g.tiles * g.kernels->nv, outputs = g.together * g.band * g.strip;
    g.offset = tc_alloc((size_t)table_bytes(&g));
    g.extra = tc_alloc((size_t)((g.parts - 1) * part_size(&g)) * g.item);
    if (g.offset && g.extra) {
        g.unit = g.offset + outputs;
        g.index = g.unit + units;
        conv_weight_fill(&g);
        const double work = (double)g.pieces_per_part * (double)outputs * (double)(g.block * g.slice * g.taps);
        tc_parallel_for(g.parts * tasks_per_part(&g), tc_max(1, (int64_t)(CHUNK_WORK / work)), run_tasks, &g);
        if (g.status == TC_OK && g.parts > 1)
            tc_parallel_for(p->k * g.depth, ADD_CHUNK, add_parts, &g);
    } else {
        g.status = TC_ENOMEM;
    }
    tc_free(g.extra);
    tc_free(g.offset);
    return g.status;
}
