/* conv_weight_dot.c - the weight gradient of few channels, as dot products: dy's planes are read where they are.
 *
 * conv_weight.c fills the lanes of a vector with channels, of which a first layer has one or three. Here they are outputs:
 * each channel is copied once for each column of the kernel, shifted (and, with a stride, thinned out) so that its rows are
 * as long as dy's, and dweight(k, c, r, s) is the dot product of a band of dy's plane k and of copy (c, s) from row r on.
 * A task has a block of filters and a part of the batch; parts are added in order, as in conv_weight.c. */
#include "conv.h"

/* Outputs of a piece: the tile's planes of dy and copies of x stay in L1 while all taps pass by. */
enum { PIECE_BYTES = 4 * 1024 };

/* Filters of a task, whose planes stay in L2. */
enum { BLOCK_FILTERS = 32 };

/* The longest filters that come here: the copies of their channels stay in L2. */
enum { MOST_DEPTH = 192 };

/* Adding up the lanes of a tile's sums costs about as much as this many vectors of outputs. */
enum { FINISH_VECTORS = 16 };

enum { CHUNK_WORK = 1 << 18 };

typedef struct {
    const tc_conv2d_params *p;
    const tc_gemm_kernels *gemm;
    const tc_conv_weight_kernels *kernels;
    int dtype;
    size_t item;
    const char *dy, *x;
    char *dweight, *dbias, *extra;  /* extra: dweight and dbias of the parts after the first */
    conv_windows windows;           /* one column phase for each tap of a row */
    int64_t filters, depth;         /* of a group; of a filter */
    int64_t block, blocks, band, bands, pieces, parts, pieces_per_part;
    int64_t tiles;                  /* along the depth */
    int64_t *offset;
    int status;
} weight_dot;

static char *at(const weight_dot *g, const void *base, int64_t elements)
{
    return (char *)base + elements * (int64_t)g->item;
}

static int64_t sums_size(const weight_dot *g)
{
    return tc_ceil_div(g->block, g->gemm->dot_rows) * g->tiles * g->gemm->dot_size;
}

static int64_t planes_size(const weight_dot *g)
{
    return g->windows.channels * conv_channel_size(&g->windows, g->band);
}

static int64_t part_size(const weight_dot *g)
{
    return g->p->k * (g->depth + 1);
}

/* ---- a task ---- */

/* Filters of the next tile, of the `filters` that are left: shared evenly, for a tile of two rows alone waits for its sums. */
static int64_t tile_rows(const weight_dot *g, int64_t filters)
{
    return filters / tc_ceil_div(filters, g->gemm->dot_rows);
}

/* A band of `outputs` adjacent outputs of each filter with all taps; bias has room for the sums of dy. */
static void add_piece(const weight_dot *g, int64_t filters, int64_t outputs, const char *dy, const char *planes, char *sums,
                      char *bias)
{
    const int dot_cols = g->gemm->dot_cols;
    const int64_t plane = g->p->oh * g->p->ow;
    tc_tile t = {.kc = outputs, .a_step = plane, .b = planes};
    for (int64_t f = 0; f < filters; f += t.rows) {
        t.a = at(g, dy, f * plane);
        t.rows = (int)tile_rows(g, filters - f);
        if (g->dbias)
            g->kernels->add_sums(t.rows, outputs, plane, t.a, at(g, bias, f));
        for (int64_t j = 0; j < g->depth; j += dot_cols, sums = at(g, sums, g->gemm->dot_size)) {
            t.b_offset = g->offset + j;
            t.cols = (int)tc_min(dot_cols, g->depth - j);
            g->gemm->dot(&t, sums);
        }
    }
}

static void finish_task(const weight_dot *g, int64_t first, int64_t filters, int64_t part, const char *sums, const char *bias)
{
    const int dot_cols = g->gemm->dot_cols;
    char *dweight = part == 0 ? g->dweight : at(g, g->extra, (part - 1) * part_size(g));
    char *dbias = part == 0 ? g->dbias : at(g, dweight, g->p->k * g->depth);
    tc_tile t = {.c_row = g->depth, .c_col = 1, .alpha = 1};
    for (int64_t f = 0; f < filters; f += t.rows) {
        t.rows = (int)tile_rows(g, filters - f);
        for (int64_t j = 0; j < g->depth; j += dot_cols, sums = at(g, sums, g->gemm->dot_size)) {
            t.cols = (int)tc_min(dot_cols, g->depth - j);
            t.c = at(g, dweight, (first + f) * g->depth + j);
            g->gemm->finish(&t, sums, dot_cols);
        }
    }
    if (g->dbias)
        memcpy(at(g, dbias, first), bias, (size_t)filters * g->item);
}

static void run_task(const weight_dot *g, int64_t task, char *planes, char *sums, char *bias)
{
    const tc_conv2d_params *p = g->p;
    const conv_windows *v = &g->windows;
    const int64_t block = task % g->blocks, group = task / g->blocks % p->groups, part = task / g->blocks / p->groups;
    const int64_t f0 = block * g->block, filters = tc_min(g->block, g->filters - f0), first = group * g->filters + f0;
    memset(sums, 0, (size_t)(sums_size(g) + g->block) * g->item);      /* and the bias's, which follow */
    const int64_t last = tc_min((part + 1) * g->pieces_per_part, g->pieces);
    for (int64_t piece = part * g->pieces_per_part; piece < last && !tc_stopped(); piece++) {
        const int64_t image = piece / g->bands, i0 = piece % g->bands * g->band;
        conv_pack_planes(g->dtype, v, v->channels, i0, g->band, 0, 1,
                         at(g, g->x, (image * p->groups + group) * v->channels * p->h * p->w), planes);
        add_piece(g, filters, tc_min(g->band, p->oh - i0) * p->ow,
                  at(g, g->dy, ((image * p->k + first) * p->oh + i0) * p->ow), planes, sums, bias);
    }
    finish_task(g, first, filters, part, sums, bias);
}

static void run_tasks(void *ctx, int64_t begin, int64_t end)
{
    weight_dot *g = ctx;
    const int64_t planes = planes_size(g), sums = sums_size(g);
    char *memory = tc_alloc((size_t)(planes + sums + g->block) * g->item);
    if (!memory) {
        __atomic_store_n(&g->status, TC_ENOMEM, __ATOMIC_RELAXED);
        return;
    }
    for (int64_t task = begin; task < end; task++)
        run_task(g, task, memory, at(g, memory, planes), at(g, memory, planes + sums));
    tc_free(memory);
}

static void add_parts(const weight_dot *g)
{
    for (int64_t part = 1; part < g->parts; part++) {
        const char *extra = at(g, g->extra, (part - 1) * part_size(g));
        g->kernels->add(g->p->k * g->depth, extra, g->dweight);
        if (g->dbias)
            g->kernels->add(g->p->k, at(g, extra, g->p->k * g->depth), g->dbias);
    }
}

/* ---- sizes, by shape alone ---- */

static int64_t choose_band(const tc_conv2d_params *p, size_t item)
{
    return conv_choose_band(p->oh, p->ow * (int64_t)item, PIECE_BYTES);
}

/* A tap costs 1 / lanes of a multiplication for each filter and output, and its share of finishing a piece. */
double conv_weight_dot_cost(int dtype, const tc_conv2d_params *p)
{
    const int64_t depth = p->c / p->groups * p->r * p->s, lanes = tc_kernels_for(dtype)->conv_weight->lanes;
    const double vectors = (double)(choose_band(p, tc_itemsize(dtype)) * p->ow) / (double)lanes;
    return depth > MOST_DEPTH ? INFINITY : (double)depth / (double)lanes * (1 + FINISH_VECTORS / vectors);
}

int conv_weight_grad_dot(int dtype, const tc_conv2d_params *p, const void *dy, const void *x, void *dweight, void *dbias)
{
    const tc_kernels *kernels = tc_kernels_for(dtype);
    weight_dot g = {.p = p, .gemm = kernels->gemm, .kernels = kernels->conv_weight, .dtype = dtype,
                    .item = tc_itemsize(dtype), .dy = dy, .x = x, .dweight = dweight, .dbias = dbias,
                    .filters = p->k / p->groups, .depth = p->c / p->groups * p->r * p->s, .status = TC_OK};
    const conv_axis cols = {.taps = p->s, .step = p->stride_w, .first = -p->pad_w, .spacing = p->dilation_w, .phases = p->s};
    g.windows = (conv_windows){.images = p->n, .groups = p->groups, .channels = p->c / p->groups, .h = p->h, .w = p->w,
                               .rows = conv_make_axis(p->r, p->stride_h, -p->pad_h, p->dilation_h), .cols = cols,
                               .oh = p->oh, .ow = p->ow, .pitch = p->ow};
    g.band = choose_band(p, g.item);
    g.bands = tc_ceil_div(p->oh, g.band);
    g.pieces = p->n * g.bands;
    g.blocks = tc_ceil_div(g.filters, BLOCK_FILTERS);
    g.block = tc_ceil_div(g.filters, g.blocks);
    g.blocks = tc_ceil_div(g.filters, g.block);
    g.tiles = tc_ceil_div(g.depth, g.gemm->dot_cols);
    g.parts = conv_weight_parts(dtype, p, g.blocks * p->groups, g.pieces,
                                (planes_size(&g) + sums_size(&g) + g.block) * (int64_t)g.item);
    g.pieces_per_part = tc_ceil_div(g.pieces, g.parts);
    g.parts = tc_ceil_div(g.pieces, g.pieces_per_part);
    g.offset = tc_alloc((size_t)g.depth * sizeof *g.offset);
    g.extra = tc_alloc((size_t)((g.parts - 1) * part_size(&g)) * g.item);
    if (g.offset && g.extra) {
        conv_offsets(&g.windows, g.windows.channels, g.band, 1, g.offset);
        const double work = (double)g.pieces_per_part * (double)(g.band * p->ow) * (double)(g.block * g.depth);
        tc_parallel_for(g.blocks * p->groups * g.parts, tc_max(1, (int64_t)(CHUNK_WORK / work)), run_tasks, &g);
        if (g.status == TC_OK)
            add_parts(&g);
    } else {
        g.status = TC_ENOMEM;
    }
    tc_free(g.extra);
    tc_free(g.offset);
    return g.status;
}
