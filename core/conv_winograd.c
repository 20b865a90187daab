/* conv_winograd.c - Winograd's convolution (conv_winograd.h) and its input gradient; what all three products share.
 *
 * A task is a block of some rows of tiles: one vector of channels after the other is brought to points (V); then for
 * each panel of filters, 36 products give the outputs' points (M), which go back to outputs. V is written in the order in
 * which the products read it, so nothing is packed. The filters' points (U) are made once; where they do not fit the
 * room, slices of the filters are handled one after the other, and V is made again for each. */
#include "conv_winograd.h"

#include <stdatomic.h>

enum { TILE = TC_WINOGRAD_TILE, SIDE = TC_WINOGRAD_SIDE, POINTS = TC_WINOGRAD_POINTS, MAX_LANES = 16 };

/* Elements that a task keeps in L2. U passes by once for each block, so larger blocks read less of it. */
enum { TASK_SIZE = 80 * 1024 };

/* Tasks that run at once in the room of a convolution; with more threads each takes as much again. */
enum { TASKS_AT_ONCE = 2 };

/* Tasks wanted for a good balance. */
enum { WANTED_TASKS = 16 };

/* Channels of one sum; longer ones are sums of these, which rounds less. A whole number of vectors. */
enum { SUM_CHANNELS = 32 };

/* Channels and filters from which on it pays. The direct sum of few is also so short that its errors, which grow with the
 * root of the length, are much smaller: a fourth with 3 channels, half with 16. */
enum { MIN_CHANNELS = 8 };

/* ---- the switch ---- */

static atomic_int use = -1;     /* -1: the environment has not been asked */

int tc_get_winograd(void)
{
    int state = atomic_load_explicit(&use, memory_order_relaxed);
    if (state < 0) {
        const char *wanted = getenv("TINYGRAD_CNN_WINOGRAD");
        int unknown = -1;
        state = wanted && strcmp(wanted, "0") == 0 ? TC_WINOGRAD_OFF : TC_WINOGRAD_ON;
        if (!atomic_compare_exchange_strong(&use, &unknown, state))
            state = unknown;
    }
    return state;
}

void tc_set_winograd(int state)
{
    atomic_store(&use, state);
}

/* ---- what the products share ---- */

bool winograd_applies(int dtype, const tc_conv2d_params *p)
{
    const int state = tc_get_winograd();
    const int64_t least = state == TC_WINOGRAD_FORCED ? 1 : MIN_CHANNELS;
    return dtype == TC_F32 && p->r == 3 && p->s == 3 && p->groups == 1 && p->stride_h == 1 && p->stride_w == 1 &&
           p->dilation_h == 1 && p->dilation_w == 1 && p->c >= least && p->k >= least && p->n > 0 && p->h > 0 && p->w > 0 &&
           p->oh > 0 && p->ow > 0 && state != TC_WINOGRAD_OFF;
}

int64_t winograd_room(const tc_conv2d_params *p)
{
    return tc_get_winograd() == TC_WINOGRAD_FORCED ? INT64_MAX : p->n * p->k * p->oh * p->ow / 10 * 4 / 5;
}

bool winograd_pays(double cost, const tc_conv2d_params *p, int lanes)
{
    const double direct = 9.0 * (double)(p->n * p->oh * p->ow) * (double)p->c * (double)p->k / lanes;
    return cost > 0 && (cost < direct || tc_get_winograd() == TC_WINOGRAD_FORCED);
}

/* Rows of pixels that `rows` rows of tiles of one image meet. */
static int64_t pixel_rows(const winograd_source *s, int64_t rows)
{
    return tc_min((tc_min(rows, s->tile_rows) - 1) * TILE + s->depth, s->h);
}

int64_t winograd_pixels_size(const winograd_source *s, int64_t rows, int lanes)
{
    const int64_t columns = ((s->tiles - 1) * TILE + s->depth) * SIDE;
    return (columns + (1 + pixel_rows(s, rows)) * s->w) * lanes;
}

void winograd_points(const winograd_source *s, const float *images, int64_t channel, int64_t row, int64_t rows,
                     tc_winograd_row to, float *work)
{
    const tc_kernels *kernels = tc_kernels_for(TC_F32);
    const int lanes = kernels->winograd->lanes;
    float *zeros = work, *pixels = zeros + s->w * lanes;
    to.columns = pixels + pixel_rows(s, rows) * s->w * lanes;
    to.col = -s->pad_w;
    to.width = s->w;
    to.tiles = s->tiles;
    memset(zeros, 0, (size_t)(s->w * lanes) * sizeof *zeros);
    const int valid = (int)tc_min(lanes, s->channels - channel);
    while (rows > 0) {
        const int64_t image = row / s->tile_rows, i = row % s->tile_rows, count = tc_min(rows, s->tile_rows - i);
        const int64_t top = i * TILE - s->pad_h, first = tc_max(top, 0);
        const int64_t last = tc_min(top + (count - 1) * TILE + s->depth, s->h);
        const float *src = images + ((image * s->channels + channel) * s->h + first) * s->w;
        if (last > first)
            kernels->gemm->pack(lanes, valid, (last - first) * s->w, src, s->h * s->w, 1, pixels);
        for (int64_t t = 0; t < count; t++, to.first += s->tiles) {
            for (int64_t d = 0; d < s->depth; d++) {
                const int64_t r = top + t * TILE + d;
                to.row[d] = r >= first && r < last ? pixels + (r - first) * s->w * lanes : zeros;
            }
            if (s->depth == SIDE)
                kernels->winograd->input(&to);
            else
                kernels->winograd->output_grad(&to);
        }
        row += count;
        rows -= count;
    }
}

/* ---- the convolution: filters over a source ---- */

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
    int64_t rows, blocks;           /* rows of tiles of a block */
    int64_t groups;                 /* tiles of a block, in tiles of the product */
    int64_t point_step;             /* of V */
    int64_t panel_size;             /* of U */
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
    const int64_t outputs = tc_min(tc_min(a->rows, a->source.tile_rows) * TILE, a->oh) * a->ow * a->kernels->lanes;
    return v_size(a) + tc_max(winograd_pixels_size(&a->source, a->rows, a->kernels->lanes), m_size(a) + outputs);
}

/* ---- sizes, by shape alone ---- */

static void set_rows(apply *a, int64_t rows)
{
    a->rows = rows;
    a->blocks = tc_ceil_div(a->images * a->source.tile_rows, rows);
    a->groups = tc_ceil_div(rows * a->source.tiles, a->kernels->tiles);
}

/* Vector operations of the whole, an operation of the transforms counting as a multiply-add. */
static double cost(const apply *a)
{
    const double tiles = (double)(a->images * a->source.tile_rows * a->source.tiles);
    const double blocks = tiles / (double)(a->rows * a->source.tiles);
    const double product = (double)POINTS * (double)a->source.channels * (double)a->out_vectors;
    const double input = 60.0 * (double)(a->slices * a->in_vectors), output = 50.0 * (double)a->out_vectors;
    return blocks * product * (double)(a->groups * a->kernels->tiles + 2) + tiles * (input + output);
}

/* The numbers of slices and of rows in a block that cost least within `room` elements; returns the cost, 0 if none fits. */
static double choose_sizes(apply *a, int64_t room)
{
    const tc_winograd_kernels *k = a->kernels;
    const int64_t channels = a->source.channels, tile_rows = a->images * a->source.tile_rows;
    a->in_vectors = tc_ceil_div(channels, k->lanes);
    a->out_vectors = tc_ceil_div(a->filters, k->lanes);
    a->panels = tc_ceil_div(a->out_vectors, k->vectors);
    a->panel_size = POINTS * channels * tc_min(k->vectors, a->out_vectors) * k->lanes;
    /* One vector more than needed, so that no power of two puts all points into the same sets of the caches. */
    a->point_step = (a->in_vectors * k->tiles + 1) * k->lanes;
    apply best = *a;
    double least = 0;
    for (a->slices = 1; a->slices <= a->panels; a->slices++) {
        a->slice = tc_ceil_div(a->panels, a->slices);
        const int64_t left = (room - a->slice * a->panel_size) / TASKS_AT_ONCE;
        for (int64_t rows = 1; rows <= tc_max(1, tile_rows / WANTED_TASKS); rows++) {
            set_rows(a, rows);
            const int64_t size = work_size(a);
            if (size > left || (size > TASK_SIZE && rows > 1))
                break;
            const double c = cost(a);
            if (least == 0 || c < least) {
                least = c;
                best = *a;
            }
        }
    }
    *a = best;
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
        const int64_t width = panel_vectors(a, panel) * lanes, step = a->source.channels * width;
        float *u = a->u + unit / a->in_vectors * a->panel_size;
        for (int64_t c = c0; c < tc_min(c0 + lanes, a->source.channels); c++)
            for (int64_t v = 0; v < width; v += lanes) {
                const int64_t filter = panel * a->kernels->vectors * lanes + v;
                const float *weight = a->weight + a->w_first + filter * a->taps.filter + c * a->w_channel;
                a->kernels->filter(&a->taps, (int)tc_min(lanes, a->filters - filter), weight, u + c * width + v, step);
            }
    }
}

static void multiply(const apply *a, int64_t groups, int64_t panel, const float *v, float *m)
{
    const tc_winograd_kernels *k = a->kernels;
    const int64_t vectors = panel_vectors(a, panel), width = vectors * k->lanes, channels = a->source.channels;
    const float *u = a->u + (panel - a->first_panel) * a->panel_size;
    for (int64_t q = 0; q < POINTS; q++, u += channels * width)
        for (int64_t c = 0; c < channels; c += SUM_CHANNELS)
            for (int64_t g = 0; g < groups; g++)
                k->product(tc_min(SUM_CHANNELS, channels - c), v + (g * POINTS + q) * a->point_step + c * k->tiles, u + c * width,
                           (int)vectors, c > 0, m + (g * k->tiles * POINTS + q) * width, POINTS * width);
}

/* The outputs of one vector of filters, from `filter` on. */
static void write_outputs(const apply *a, int64_t row, int64_t rows, int64_t filter, const float *m, int64_t width,
                          float *outputs)
{
    const int lanes = a->kernels->lanes, valid = (int)tc_min(lanes, a->filters - filter);
    float bias[MAX_LANES] = {0};
    if (a->bias)
        memcpy(bias, a->bias + filter, (size_t)valid * sizeof *bias);
    tc_winograd_outputs o = {.points = m, .tiles = a->source.tiles, .tile_step = POINTS * width, .point_step = width,
                             .cols = a->ow, .bias = bias, .relu = a->relu};
    while (rows > 0) {
        const int64_t image = row / a->source.tile_rows, i = row % a->source.tile_rows;
        const int64_t count = tc_min(rows, a->source.tile_rows - i);
        for (int64_t t = 0; t < count; t++, o.points += o.tiles * o.tile_step) {
            o.rows = a->oh - (i + t) * TILE;
            o.out = outputs + t * TILE * a->ow * lanes;
            a->kernels->output(&o);
        }
        float *y = a->y + ((image * a->filters + filter) * a->oh + i * TILE) * a->ow;
        a->kernels->spread(valid, tc_min(count * TILE, a->oh - i * TILE) * a->ow, outputs, y, a->oh * a->ow);
        row += count;
        rows -= count;
    }
}

static void run_block(const apply *a, int64_t block, float *v, float *work)
{
    const tc_winograd_kernels *k = a->kernels;
    const int64_t row = block * a->rows, rows = tc_min(a->rows, a->images * a->source.tile_rows - row);
    for (int64_t i = 0; i < a->in_vectors; i++) {
        const tc_winograd_row to = {.out = v + i * k->tiles * k->lanes, .group = k->tiles, .group_step = POINTS * a->point_step,
                                    .tile_step = k->lanes, .point_step = a->point_step};
        winograd_points(&a->source, a->x, i * k->lanes, row, rows, to, work);
    }
    for (int64_t panel = a->first_panel; panel < a->last_panel; panel++) {
        const int64_t vectors = panel_vectors(a, panel);
        multiply(a, tc_ceil_div(rows * a->source.tiles, k->tiles), panel, v, work);
        for (int64_t i = 0; i < vectors; i++)
            write_outputs(a, row, rows, (panel * k->vectors + i) * k->lanes, work + i * k->lanes, vectors * k->lanes,
                          work + m_size(a));
    }
}

static void run_blocks(void *ctx, int64_t begin, int64_t end)
{
    apply *a = ctx;
    float *work = tc_alloc((size_t)work_size(a) * sizeof *work);
    if (!work) {
        __atomic_store_n(&a->status, TC_ENOMEM, __ATOMIC_RELAXED);
        return;
    }
    for (int64_t block = begin; block < end; block++)
        run_block(a, block, work, work + v_size(a));
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
        tc_parallel_for(a->blocks, 1, run_blocks, a);
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
