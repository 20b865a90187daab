/* conv_winograd.c - Winograd's convolution (conv_winograd.h) and its input gradient.
 *
 * A task is a block of tiles: one vector of channels after the other is brought to points (V); then for
 * each panel of filters, 36 products give the outputs' points (M), which go back to outputs. V is written in the order in
 * which the products read it, so nothing is packed. The filters' points (U) are made once; where they do not fit the
 * room, slices of the filters are handled one after the other, and V is made again for each. */
#include "conv_winograd.h"

enum { TILE = TC_WINOGRAD_TILE, SIDE = TC_WINOGRAD_SIDE, POINTS = TC_WINOGRAD_POINTS, MAX_LANES = 16 };

/* Elements that a task keeps in L2. U passes by once for each block, so larger blocks read less of it. */
enum { TASK_SIZE = 80 * 1024 };

/* Tasks wanted for a good balance. */
enum { WANTED_TASKS = 16 };

/* Channels of one sum; longer ones are sums of these, which rounds less. A whole number of vectors. */
enum { SUM_CHANNELS = 32 };

typedef struct {
    winograd_source source;
    int64_t images, filters, oh, ow;
    tc_winograd_taps taps;
    int64_t w_channel, w_first;     /* between channels; the first tap's place */
    bool relu;
    const float *x, *weight, *bias;
    float *y;
    const tc_winograd_kernels *kernels;
    int64_t in_vectors, out_vectors, panels;    /* vectors of channels and filters, panels of filters */
    int64_t slices, slice;          /* panels of a slice */
    int64_t parts, part;            /* panels of a task */
    int64_t tiles, blocks;          /* tiles of a block */
    int64_t groups;                 /* the same, in tiles of the product */
    int64_t point_step;             /* of V */
    int64_t filter_step, panel_size;    /* of U: between points, and panels */
    int64_t first_panel, last_panel;
    float *u;
    int status;
} apply;

static int64_t panel_vectors(const apply *a, int64_t panel)
{
    return tc_min(a->kernels->vectors, a->out_vectors - panel * a->kernels->vectors);
}

/* Elements of a block's V, of its M for one panel, and of its outputs. */
static int64_t v_size(const apply *a)
{
    return a->groups * POINTS * a->point_step;
}

static int64_t m_size(const apply *a)
{
    return a->groups * a->kernels->tiles * POINTS * tc_min(a->kernels->vectors, a->out_vectors) * a->kernels->lanes;
}

static int64_t work_size(const apply *a)
{
    const int64_t outputs = winograd_piece_rows(&a->source, a->tiles) * TILE * a->ow * a->kernels->lanes;
    return v_size(a) + tc_max(winograd_pixels_size(&a->source, a->tiles, a->kernels->lanes), m_size(a) + outputs);
}

/* ---- sizes, by shape alone ---- */

static int64_t all_tiles(const apply *a)
{
    return a->images * a->source.tile_rows * a->source.tiles;
}

static void set_tiles(apply *a, int64_t tiles)
{
    a->tiles = tiles;
    a->blocks = tc_ceil_div(all_tiles(a), tiles);
    a->groups = tc_ceil_div(tiles, a->kernels->tiles);
}

/* Vector operations of the whole, an operation of the transforms counting as a multiply-add. Reading U costs a block as
 * much as some more tiles of products, the pixels that blocks share and rows that they part as some more of transforms. */
static double cost(const apply *a)
{
    const double product = (double)POINTS * (double)a->source.channels * (double)a->out_vectors;
    const double input = 60.0 * (double)(a->slices * a->in_vectors), output = 50.0 * (double)a->out_vectors;
    const double tiles = (double)a->tiles + (a->tiles % a->source.tiles == 0 ? 0.5 : 2.0);
    const double filters = 290.0 * (double)a->source.channels * (double)a->out_vectors;
    return filters + (double)a->blocks * (product * (double)(a->groups * a->kernels->tiles + 2) + (input + output) * tiles);
}

/* Blocks are whole rows of tiles, or whole tiles of the product. */
static bool is_candidate(const apply *a, int64_t tiles)
{
    return tiles % a->source.tiles == 0 || tiles % a->kernels->tiles == 0;
}

/* Few blocks are shared among more tasks by panels of filters. Each task brings the block's tiles to points again, so this ends
 * where that would cost an eighth of its products. */
static void share_panels(apply *a)
{
    const int64_t panel = a->kernels->vectors * a->groups * a->kernels->tiles;
    const double input = 60.0 * (double)a->in_vectors * (double)a->tiles;
    const double product = (double)POINTS * (double)a->source.channels * (double)panel;
    const int64_t least = tc_max(1, (int64_t)ceil(8 * input / product));
    for (a->parts = 1;; a->parts++) {
        a->part = tc_ceil_div(a->slice, a->parts);
        if (a->blocks * a->parts >= WANTED_TASKS || a->part <= least)
            break;
    }
    a->parts = tc_ceil_div(a->slice, a->part);
}

/* The numbers of slices and of tiles in a block that cost least within `room` bytes; returns the cost, 0 if none fits. */
static double choose_sizes(apply *a, int64_t room)
{
    const tc_winograd_kernels *k = a->kernels;
    const int64_t channels = a->source.channels;
    a->in_vectors = tc_ceil_div(channels, k->lanes);
    a->out_vectors = tc_ceil_div(a->filters, k->lanes);
    a->panels = tc_ceil_div(a->out_vectors, k->vectors);
    /* One vector more than needed, so that no power of two puts all points into the same sets of the caches. */
    a->point_step = (a->in_vectors * k->tiles + 1) * k->lanes;
    a->filter_step = (channels * tc_min(k->vectors, a->out_vectors) + 1) * k->lanes;
    a->panel_size = POINTS * a->filter_step;
    apply best = *a;
    double least = 0;
    for (a->slices = 1; a->slices <= a->panels; a->slices++) {
        a->slice = tc_ceil_div(a->panels, a->slices);
        const int64_t most = tc_max(k->tiles, all_tiles(a) / WANTED_TASKS);
        for (int64_t tiles = 1, found = 0; tiles <= most; tiles++) {
            if (!is_candidate(a, tiles))
                continue;
            set_tiles(a, tiles);
            const int64_t size = work_size(a);
            if (winograd_bytes(a->slice * a->panel_size, size) > room || (size > TASK_SIZE && found++))
                break;
            const double c = cost(a);
            if (least == 0 || c < least) {
                least = c;
                best = *a;
            }
        }
    }
    *a = best;
    if (least > 0)
        share_panels(a);
    return least;
}

/* ---- running ---- */

/* Filters' points, one vector of channels of a panel at a time: panel, point, channel, filter. */
static void transform_filters(void *ctx, int64_t begin, int64_t end)
{
    const apply *a = ctx;
    const int lanes = a->kernels->lanes;
    for (int64_t unit = begin; unit < end; unit++) {
        const int64_t panel = a->first_panel + unit / a->in_vectors, c0 = unit % a->in_vectors * lanes;
        const int64_t width = panel_vectors(a, panel) * lanes;
        float *u = a->u + unit / a->in_vectors * a->panel_size;
        for (int64_t c = c0; c < tc_min(c0 + lanes, a->source.channels); c++)
            for (int64_t v = 0; v < width; v += lanes) {
                const int64_t filter = panel * a->kernels->vectors * lanes + v;
                const float *weight = a->weight + a->w_first + filter * a->taps.filter + c * a->w_channel;
                a->kernels->filter(&a->taps, (int)tc_min(lanes, a->filters - filter), weight, u + c * width + v,
                                   a->filter_step);
            }
    }
}

static void multiply(const apply *a, int64_t groups, int64_t panel, const float *v, float *m)
{
    const tc_winograd_kernels *k = a->kernels;
    const int64_t vectors = panel_vectors(a, panel), width = vectors * k->lanes, channels = a->source.channels;
    const float *u = a->u + (panel - a->first_panel) * a->panel_size;
    for (int64_t q = 0; q < POINTS; q++, u += a->filter_step)
        for (int64_t c = 0; c < channels; c += SUM_CHANNELS)
            for (int64_t g = 0; g < groups; g++)
                k->product(tc_min(SUM_CHANNELS, channels - c), v + (g * POINTS + q) * a->point_step + c * k->tiles, u + c * width,
                           (int)vectors, c > 0, m + (g * k->tiles * POINTS + q) * width, POINTS * width);
}

/* The outputs of one vector of filters, from `filter` on, of the tiles [tile, tile + count). */
static void write_outputs(const apply *a, int64_t tile, int64_t count, int64_t filter, const float *m, int64_t width,
                          float *outputs)
{
    const int lanes = a->kernels->lanes, valid = (int)tc_min(lanes, a->filters - filter);
    float bias[MAX_LANES] = {0};
    if (a->bias)
        memcpy(bias, a->bias + filter, (size_t)valid * sizeof *bias);
    tc_winograd_outputs o = {.points = m, .tile_step = POINTS * width, .point_step = width, .bias = bias, .relu = a->relu};
    while (count > 0) {
        const winograd_piece piece = winograd_first_piece(&a->source, tile, count);
        const int64_t i = piece.row * TILE, j = piece.col * TILE, rows = tc_min(piece.rows * TILE, a->oh - i);
        o.tiles = piece.cols;
        o.cols = tc_min(piece.cols * TILE, a->ow - j);
        for (int64_t t = 0; t < piece.rows; t++, o.points += o.tiles * o.tile_step) {
            o.rows = rows - t * TILE;
            o.out = outputs + t * TILE * o.cols * lanes;
            a->kernels->output(&o);
        }
        float *y = a->y + ((piece.image * a->filters + filter) * a->oh + i) * a->ow + j;
        const int64_t runs = o.cols == a->ow ? 1 : rows, run = rows / runs * o.cols;
        for (int64_t r = 0; r < runs; r++)
            a->kernels->spread(valid, run, outputs + r * run * lanes, y + r * a->ow, a->oh * a->ow);
        tile += piece.rows * piece.cols;
        count -= piece.rows * piece.cols;
    }
}

static void run_task(const apply *a, int64_t task, float *v, float *work)
{
    const int64_t block = task / a->parts, first = a->first_panel + task % a->parts * a->part;
    const tc_winograd_kernels *k = a->kernels;
    const int64_t tile = block * a->tiles, tiles = tc_min(a->tiles, all_tiles(a) - tile);
    for (int64_t i = 0; i < a->in_vectors; i++) {
        const tc_winograd_row to = {.out = v + i * k->tiles * k->lanes, .group = k->tiles, .group_step = POINTS * a->point_step,
                                    .tile_step = k->lanes, .point_step = a->point_step};
        winograd_points(&a->source, a->x, i * k->lanes, tile, tiles, to, work);
    }
    for (int64_t panel = first; panel < tc_min(first + a->part, a->last_panel); panel++) {
        const int64_t vectors = panel_vectors(a, panel);
        multiply(a, tc_ceil_div(tiles, k->tiles), panel, v, work);
        for (int64_t i = 0; i < vectors; i++)
            write_outputs(a, tile, tiles, (panel * k->vectors + i) * k->lanes, work + i * k->lanes, vectors * k->lanes,
                          work + m_size(a));
    }
}

static void run_tasks(void *ctx, int64_t begin, int64_t end)
{
    apply *a = ctx;
    float *work = tc_alloc((size_t)work_size(a) * sizeof *work);
    if (!work) {
        __atomic_store_n(&a->status, TC_ENOMEM, __ATOMIC_RELAXED);
        return;
    }
    for (int64_t task = begin; task < end; task++)
        run_task(a, task, work, work + v_size(a));
    tc_free(work);
}

static int run(apply *a, const float *x, const float *weight, const float *bias, float *y)
{
    a->x = x;
    a->weight = weight;
    a->bias = bias;
    a->y = y;
    a->u = tc_alloc((size_t)(a->slice * a->panel_size) * sizeof *a->u);
    if (!a->u)
        return TC_ENOMEM;
    for (a->first_panel = 0; a->first_panel < a->panels; a->first_panel += a->slice) {
        a->last_panel = tc_min(a->first_panel + a->slice, a->panels);
        tc_parallel_for((a->last_panel - a->first_panel) * a->in_vectors, 2, transform_filters, a);
        tc_parallel_for(a->blocks * a->parts, 1, run_tasks, a);
    }
    tc_free(a->u);
    return a->status;
}

/* ---- the two products ---- */

static apply forward_job(const tc_conv2d_params *p)
{
    return (apply){
        .source = {.channels = p->c, .h = p->h, .w = p->w, .pad_h = p->pad_h, .pad_w = p->pad_w, .depth = SIDE,
                   .tile_rows = tc_ceil_div(p->oh, TILE), .tiles = tc_ceil_div(p->ow, TILE)},
        .images = p->n, .filters = p->k, .oh = p->oh, .ow = p->ow,
        .taps = {.filter = p->c * 9, .row = 3, .col = 1}, .w_channel = 9, .relu = p->relu != 0,
        .kernels = tc_kernels_for(TC_F32)->winograd, .status = TC_OK,
    };
}

/* dx = dy, padded by 2 - pad, with filters turned by half a turn, which are channels now. */
static apply input_grad_job(const tc_conv2d_params *p)
{
    return (apply){
        .source = {.channels = p->k, .h = p->oh, .w = p->ow, .pad_h = 2 - p->pad_h, .pad_w = 2 - p->pad_w, .depth = SIDE,
                   .tile_rows = tc_ceil_div(p->h, TILE), .tiles = tc_ceil_div(p->w, TILE)},
        .images = p->n, .filters = p->c, .oh = p->h, .ow = p->w,
        .taps = {.filter = 9, .row = -3, .col = -1}, .w_channel = p->c * 9, .w_first = 8,
        .kernels = tc_kernels_for(TC_F32)->winograd, .status = TC_OK,
    };
}

bool conv_winograd_suits(int dtype, const tc_conv2d_params *p)
{
    if (!winograd_applies(dtype, p))
        return false;
    apply a = forward_job(p);
    return winograd_pays(choose_sizes(&a, winograd_room(p)), p, a.kernels->lanes);
}

bool conv_winograd_suits_input_grad(int dtype, const tc_conv2d_params *p)
{
    if (!winograd_applies(dtype, p))
        return false;
    apply a = input_grad_job(p);
    return winograd_pays(choose_sizes(&a, winograd_room(p)), p, a.kernels->lanes);
}

int conv_winograd(const tc_conv2d_params *p, const float *x, const float *weight, const float *bias, float *y)
{
    apply a = forward_job(p);
    choose_sizes(&a, winograd_room(p));
    return run(&a, x, weight, bias, y);
}

int conv_winograd_input_grad(const tc_conv2d_params *p, const float *dy, const float *weight, float *dx)
{
    apply a = input_grad_job(p);
    choose_sizes(&a, winograd_room(p));
    return run(&a, dy, weight, NULL, dx);
}
