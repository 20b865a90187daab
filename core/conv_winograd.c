/* conv_winograd.c - Winograd's convolution (conv_winograd.h) and its input gradient.
 *
 * A task is a block of tiles and some panels of filters: one vector of channels after the other is brought to points (V); then
 * for each panel, 36 products give the outputs' points (M), which go back to outputs. V is written in the order in which the
 * products read it, so nothing is packed. The filters' points (U) are made once; where they do not fit the room, slices of the
 * filters are handled one after the other, and V is made again for each; or the last images are left to be computed directly,
 * and their outputs' memory is the room. */
#include "conv_winograd_apply.h"

enum { TILE = TC_WINOGRAD_TILE, SIDE = TC_WINOGRAD_SIDE, POINTS = TC_WINOGRAD_POINTS, MAX_LANES = 16 };

/* Channels of one sum; longer ones are sums of these, which rounds less. A whole number of vectors. */
enum { SUM_CHANNELS = 32 };

static int64_t panel_vectors(const winograd_apply *a, int64_t panel)
{
    return tc_min(a->kernels->vectors, a->out_vectors - panel * a->kernels->vectors);
}

/* ---- running ---- */

/* Filters' points, one vector of channels of a panel at a time: panel, point, channel, filter. */
static void transform_filters(void *ctx, int64_t begin, int64_t end)
{
    const winograd_apply *a = ctx;
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

static void multiply(const winograd_apply *a, int64_t groups, int64_t panel, const float *v, float *m)
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
static void write_outputs(const winograd_apply *a, int64_t tile, int64_t count, int64_t filter, const float *m, int64_t width,
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
            if (!a->kernels->output(&o))
                __atomic_store_n(a->again + piece.image, 1, __ATOMIC_RELAXED);
        }
        float *y = a->y + ((piece.image * a->filters + filter) * a->oh + i) * a->ow + j;
        const int64_t runs = o.cols == a->ow ? 1 : rows, run = rows / runs * o.cols;
        for (int64_t r = 0; r < runs; r++)
            a->kernels->spread(valid, run, outputs + r * run * lanes, y + r * a->ow, a->oh * a->ow);
        tile += piece.rows * piece.cols;
        count -= piece.rows * piece.cols;
    }
}

static void run_task(const winograd_apply *a, int64_t task, float *v, float *work)
{
    const int64_t block = task / a->parts, first = a->first_panel + task % a->parts * a->part;
    const tc_winograd_kernels *k = a->kernels;
    const int64_t tile = block * a->tiles, tiles = tc_min(a->tiles, winograd_all_tiles(a) - tile);
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
                          work + winograd_m_size(a));
    }
}

static void run_tasks(void *ctx, int64_t begin, int64_t end)
{
    winograd_apply *a = ctx;
    int room = 0;
    float *allocated = NULL, *work;
    while (room < a->borrowed_rooms && __atomic_exchange_n(&a->taken[room], 1, __ATOMIC_ACQUIRE))
        room++;
    if (room < a->borrowed_rooms)
        work = a->rooms + room * winograd_work_size(a);
    else
        work = allocated = tc_alloc((size_t)winograd_work_size(a) * sizeof *work);
    if (!work) {
        __atomic_store_n(&a->status, TC_ENOMEM, __ATOMIC_RELAXED);
        return;
    }
    for (int64_t task = begin; task < end; task++)
        run_task(a, task, work, work + winograd_v_size(a));
    if (!allocated)
        __atomic_store_n(&a->taken[room], 0, __ATOMIC_RELEASE);
    tc_free(allocated);
}

/* The outputs of images that are not computed here are at the end of y: until somebody computes them, they are memory like any
 * other, which is how a batch too small to be granted room for U gets it. */
static int run(winograd_apply *a, const float *x, const float *weight, const float *bias, float *y, uint8_t *again)
{
    float *allocated = NULL;
    a->again = again;
    memset(again, 0, (size_t)a->images);
    a->x = x;
    a->weight = weight;
    a->bias = bias;
    a->y = y;
    if (a->borrowed > 0) {
        const uintptr_t line = WINOGRAD_LINE * sizeof *a->u, end = (uintptr_t)(y + a->images * a->filters * a->oh * a->ow);
        a->u = (float *)((end + line - 1) / line * line);
        a->rooms = a->u + a->slice * a->panel_size;
    } else {
        a->u = allocated = tc_alloc((size_t)(a->slice * a->panel_size) * sizeof *a->u);
    }
    if (!a->u)
        return TC_ENOMEM;
    for (a->first_panel = 0; a->first_panel < a->panels; a->first_panel += a->slice) {
        a->last_panel = tc_min(a->first_panel + a->slice, a->panels);
        tc_parallel_stream((a->last_panel - a->first_panel) * a->in_vectors, 8, transform_filters, a);
        tc_parallel_for(a->blocks * a->parts, 1, run_tasks, a);
    }
    tc_free(allocated);
    return a->status;
}

/* ---- the two products ---- */

static winograd_apply forward_job(const tc_conv2d_params *p)
{
    return (winograd_apply){
        .source = {.channels = p->c, .h = p->h, .w = p->w, .pad_h = p->pad_h, .pad_w = p->pad_w, .depth = SIDE,
                   .tile_rows = tc_ceil_div(p->oh, TILE), .tiles = tc_ceil_div(p->ow, TILE)},
        .images = p->n, .filters = p->k, .oh = p->oh, .ow = p->ow,
        .taps = {.filter = p->c * 9, .row = 3, .col = 1}, .w_channel = 9, .relu = p->relu != 0,
        .kernels = tc_kernels_for(TC_F32)->winograd, .status = TC_OK,
    };
}

/* dx = dy, padded by 2 - pad, with filters turned by half a turn, which are channels now. */
static winograd_apply input_grad_job(const tc_conv2d_params *p)
{
    return (winograd_apply){
        .source = {.channels = p->k, .h = p->oh, .w = p->ow, .pad_h = 2 - p->pad_h, .pad_w = 2 - p->pad_w, .depth = SIDE,
                   .tile_rows = tc_ceil_div(p->h, TILE), .tiles = tc_ceil_div(p->w, TILE)},
        .images = p->n, .filters = p->c, .oh = p->h, .ow = p->w,
        .taps = {.filter = 9, .row = -3, .col = -1}, .w_channel = p->c * 9, .w_first = 8,
        .kernels = tc_kernels_for(TC_F32)->winograd, .status = TC_OK,
    };
}

int64_t conv_winograd_images(int dtype, const tc_conv2d_params *p)
{
    if (!winograd_applies(dtype, p))
        return 0;
    winograd_apply a = forward_job(p);
    return winograd_choose(&a, p);
}

int64_t conv_winograd_images_input_grad(int dtype, const tc_conv2d_params *p)
{
    if (!winograd_applies(dtype, p))
        return 0;
    winograd_apply a = input_grad_job(p);
    return winograd_choose(&a, p);
}

int conv_winograd(const tc_conv2d_params *p, const float *x, const float *weight, const float *bias, float *y, uint8_t *again)
{
    winograd_apply a = forward_job(p);
    winograd_choose(&a, p);
    return run(&a, x, weight, bias, y, again);
}

int conv_winograd_input_grad(const tc_conv2d_params *p, const float *dy, const float *weight, float *dx, uint8_t *again)
{
    winograd_apply a = input_grad_job(p);
    winograd_choose(&a, p);
    return run(&a, dy, weight, NULL, dx, again);
}
