/* conv_winograd_weight.c - Winograd's gradient by the weights (conv_winograd.h).
 *
 * Transposing y = A^T [(G g G^T) . (B^T d B)] A for g gives dg = G^T [(A dy A^T) . (B^T d B)] G, summed over all tiles: at
 * each of the 36 points a product (filters x tiles) times (tiles x channels). Sums over all tiles are kept for all points (U),
 * which is much: a task has slices of the filters and of the channels, and a part of the batch's tiles. It goes through them
 * in blocks, whose tiles are first brought to points and then multiplied.
 *
 * Threads have tasks of their own, which share nothing, if the room holds what two of them need. Else they share one task
 * after the other: first each brings some vectors of channels to points, then each adds the products of some points. Every sum
 * runs over the blocks in order, whoever adds. */
#include "conv_winograd.h"

enum { TILE = TC_WINOGRAD_TILE, SIDE = TC_WINOGRAD_SIDE, POINTS = TC_WINOGRAD_POINTS };

/* Elements of a block's points: with U they should stay in L2. */
enum { BLOCK_SIZE = 128 * 1024 };

/* Tiles in one sum, at most, and sums that are added in U before they go to dweight (or the square root of their number,
 * if that is more). Errors of a sum grow with the root of its length, and G^T makes those of U several times larger, so
 * both are short: one long sum for each part of U would lose three times as much. */
enum { SUM_TILES = 24, MERGE = 16 };

/* Tasks at most: more of them repeat more transforms. */
enum { MOST_TASKS = 16 };

typedef struct {
    winograd_source x, dy;
    const tc_winograd_kernels *kernels;
    int64_t images, filters;
    const float *x_images, *dy_images;
    float *dweight, *extra;                         /* extra: dweight of the parts after the first */
    bool shared;                                    /* threads share a task */
    int64_t in_slices, out_slices, parts;           /* of channels, filters, tiles */
    int64_t in_vectors, out_vectors, out_rows;      /* of a slice: vectors of channels and of filters, rows of U */
    int64_t part, tiles, blocks;                    /* tiles of a part and of a block, blocks of a part */
    int64_t in_step, out_step;                      /* between points */
    int64_t pieces;                                 /* sums of a block */
    int status;
} weight_grad;

/* One task at work. */
typedef struct {
    const weight_grad *g;
    int64_t channel, channels, filter, filters;     /* of the slices: the first, and how many */
    float *in_points, *out_points, *sums, *dweight;
    int64_t first, count;                           /* tiles of the block at work */
    int status;
} work;

/* ---- sizes, by shape alone ---- */

static int64_t all_tiles(const weight_grad *g)
{
    return g->images * g->x.tile_rows * g->x.tiles;
}

static int64_t all_weights(const weight_grad *g)
{
    return g->filters * g->x.channels * 9;
}

static int64_t sums_size(const weight_grad *g)
{
    return POINTS * g->out_rows * g->in_vectors * g->kernels->lanes;
}

/* The last rows of the sums' tile may lie past the last filter: it reads on. */
static int64_t points_size(const weight_grad *g)
{
    return POINTS * (g->in_step + g->out_step) + g->kernels->sum_rows;
}

static int64_t pixels_size(const weight_grad *g)
{
    return tc_max(winograd_pixels_size(&g->x, g->tiles, g->kernels->lanes),
                  winograd_pixels_size(&g->dy, g->tiles, g->kernels->lanes));
}

static int64_t bytes(const weight_grad *g)
{
    const int64_t own = points_size(g) + sums_size(g), extra = (g->parts - 1) * all_weights(g);
    return g->shared ? winograd_bytes(own, pixels_size(g)) : winograd_bytes(extra, own) + winograd_bytes(0, pixels_size(g));
}

static void set_tiles(weight_grad *g, int64_t tiles)
{
    const int64_t lanes = g->kernels->lanes;
    g->tiles = tiles;
    g->blocks = tc_ceil_div(g->part, tiles);
    g->pieces = tc_ceil_div(tiles, SUM_TILES);
    /* One vector more than needed, so that no power of two puts all points into the same sets of the caches. */
    g->in_step = (tiles * g->in_vectors + 1) * lanes;
    g->out_step = (tiles * g->out_vectors + 1) * lanes;
}

static int64_t merged_blocks(const weight_grad *g)
{
    return tc_max(1, tc_max(MERGE, (int64_t)sqrt((double)(g->blocks * g->pieces))) / g->pieces);
}

/* As in conv_winograd.c. Loading and storing U for a sum costs as much as some tiles more, threads that wait for each other
 * twice a block some thousand operations; two threads with tasks of their own share an odd number badly. */
static double cost(const weight_grad *g)
{
    const double tiles = (double)g->part, sums = (double)POINTS * (double)g->out_rows * (double)g->in_vectors;
    const double input = 60.0 * (double)g->in_vectors, output = 45.0 * (double)g->out_vectors;
    const double merges = (double)tc_ceil_div(g->blocks, merged_blocks(g));
    const double finish = 350.0 * merges * (double)(g->in_vectors * g->out_vectors * g->kernels->lanes);
    const double meeting = g->shared ? 20000.0 * (double)g->blocks : 0;
    const int64_t tasks = g->in_slices * g->out_slices * g->parts;
    const double count = (double)(g->shared ? tasks : (tasks + 1) / 2 * 2);
    return count * (sums * (tiles + 12.0 * (double)(g->blocks * g->pieces)) + tiles * (input + output) + finish + meeting);
}

/* The largest blocks, of whole rows of tiles or part of one, that fit into `room` bytes and L2; false if none does. */
static bool choose_tiles(weight_grad *g, int64_t room)
{
    const int64_t row = g->x.tiles, each = POINTS * (g->in_vectors + g->out_vectors) * g->kernels->lanes;
    const int64_t most = tc_min(BLOCK_SIZE, room / (int64_t)sizeof(float) / (g->shared ? 1 : WINOGRAD_TASKS)) / each;
    int64_t tiles = tc_max(1, tc_min(most, g->part));
    for (;;) {
        if (tiles > row)
            tiles = tiles / row * row;
        set_tiles(g, tiles);
        if (bytes(g) <= room)
            return true;
        if (--tiles == 0)
            return false;
    }
}

/* Slices, parts and blocks that cost least within `room` bytes; returns the cost, 0 if nothing fits. */
static double choose_sizes(weight_grad *g, int64_t room)
{
    const tc_winograd_kernels *k = g->kernels;
    const int64_t in_vectors = tc_ceil_div(g->x.channels, k->lanes), out_vectors = tc_ceil_div(g->filters, k->lanes);
    weight_grad best = *g;
    double least = 0;
    for (int64_t in = 1; in == 1 || in * k->vectors <= in_vectors; in *= 2)
        for (int64_t out = 1; out <= out_vectors && in * out <= MOST_TASKS; out *= 2) {
            g->in_vectors = tc_ceil_div(in_vectors, in);
            g->out_vectors = tc_ceil_div(out_vectors, out);
            g->in_slices = tc_ceil_div(in_vectors, g->in_vectors);
            g->out_slices = tc_ceil_div(out_vectors, g->out_vectors);
            g->out_rows = tc_ceil_div(tc_min(g->filters, g->out_vectors * k->lanes), k->sum_rows) * k->sum_rows;
            for (int64_t parts = 0; in * out * parts <= MOST_TASKS && parts <= all_tiles(g); parts = parts ? 2 * parts : 1) {
                g->shared = parts == 0;
                g->part = tc_ceil_div(all_tiles(g), tc_max(parts, 1));
                g->parts = tc_ceil_div(all_tiles(g), g->part);
                if (!choose_tiles(g, room))
                    continue;
                const double c = cost(g);
                if (least == 0 || c < least) {
                    least = c;
                    best = *g;
                }
            }
        }
    *g = best;
    return least;
}

/* ---- running ---- */

/* A unit is one vector of channels of x, or of filters of dy. */
static void transform(void *ctx, int64_t begin, int64_t end)
{
    work *w = ctx;
    const weight_grad *g = w->g;
    const int lanes = g->kernels->lanes;
    float *pixels = tc_alloc((size_t)pixels_size(g) * sizeof *pixels);
    if (!pixels) {
        __atomic_store_n(&w->status, TC_ENOMEM, __ATOMIC_RELAXED);
        return;
    }
    const int64_t in_vectors = tc_ceil_div(w->channels, lanes);
    for (int64_t unit = begin; unit < end; unit++) {
        const bool of_x = unit < in_vectors;
        const int64_t vector = of_x ? unit : unit - in_vectors;
        const tc_winograd_row to = {.out = (of_x ? w->in_points : w->out_points) + vector * lanes, .group = 1,
                                    .group_step = (of_x ? g->in_vectors : g->out_vectors) * lanes,
                                    .point_step = of_x ? g->in_step : g->out_step};
        winograd_points(of_x ? &g->x : &g->dy, of_x ? g->x_images : g->dy_images,
                        (of_x ? w->channel : w->filter) + vector * lanes, w->first, w->count, to, pixels);
    }
    tc_free(pixels);
}

static void add_products(void *ctx, int64_t begin, int64_t end)
{
    const work *w = ctx;
    const weight_grad *g = w->g;
    const tc_winograd_kernels *k = g->kernels;
    const int64_t in_width = g->in_vectors * k->lanes, in_vectors = tc_ceil_div(w->channels, k->lanes);
    const int64_t pieces = tc_ceil_div(w->count, SUM_TILES), piece = tc_ceil_div(w->count, pieces);
    tc_tile t = {.a_step = g->out_vectors * k->lanes, .b_step = in_width, .c_row = in_width};
    for (int64_t q = begin; q < end; q++)
        for (int64_t first = 0; first < w->count; first += piece) {
            t.kc = tc_min(piece, w->count - first);
            for (int64_t i = 0; i < w->filters; i += k->sum_rows)
                for (int64_t j = 0; j < in_vectors; j += k->vectors) {
                    t.a = w->out_points + q * g->out_step + first * t.a_step + i;
                    t.b = w->in_points + q * g->in_step + first * t.b_step + j * k->lanes;
                    t.c = w->sums + (q * g->out_rows + i) * in_width + j * k->lanes;
                    k->sums(&t, (int)tc_min(k->vectors, in_vectors - j));
                }
        }
}

/* Adds what U has of filters [begin, end) of the slice to dweight, and clears it. */
static void merge(void *ctx, int64_t begin, int64_t end)
{
    work *w = ctx;
    const weight_grad *g = w->g;
    const tc_winograd_kernels *k = g->kernels;
    const tc_winograd_taps taps = {.filter = 9, .row = 3, .col = 1};
    const int64_t in_width = g->in_vectors * k->lanes;
    for (int64_t f = begin; f < end; f++) {
        for (int64_t c = 0; c < w->channels; c += k->lanes)
            k->filter_grad(&taps, (int)tc_min(k->lanes, w->channels - c), w->sums + f * in_width + c, g->out_rows * in_width,
                           w->dweight + ((w->filter + f) * g->x.channels + w->channel + c) * 9);
        for (int64_t q = 0; q < POINTS; q++)
            memset(w->sums + (q * g->out_rows + f) * in_width, 0, (size_t)in_width * sizeof *w->sums);
    }
}

static int run_task(const weight_grad *g, int64_t task)
{
    const int64_t in_slice = task % g->in_slices, out_slice = task / g->in_slices % g->out_slices;
    const int64_t part = task / g->in_slices / g->out_slices, lanes = g->kernels->lanes;
    work w = {.g = g, .channel = in_slice * g->in_vectors * lanes, .filter = out_slice * g->out_vectors * lanes,
              .dweight = part == 0 ? g->dweight : g->extra + (part - 1) * all_weights(g), .status = TC_OK};
    w.channels = tc_min(g->in_vectors * lanes, g->x.channels - w.channel);
    w.filters = tc_min(g->out_vectors * lanes, g->filters - w.filter);
    const int64_t points = points_size(g), all = points + sums_size(g);
    w.in_points = tc_alloc((size_t)all * sizeof *w.in_points);
    if (!w.in_points)
        return TC_ENOMEM;
    w.out_points = w.in_points + POINTS * g->in_step;
    w.sums = w.in_points + points;
    memset(w.out_points, 0, (size_t)(all - POINTS * g->in_step) * sizeof *w.in_points);
    const int64_t merged = merged_blocks(g), end = tc_min((part + 1) * g->part, all_tiles(g));
    for (int64_t block = 0; block < g->blocks && w.status == TC_OK; block++) {
        w.first = part * g->part + block * g->tiles;
        w.count = tc_min(g->tiles, end - w.first);
        if (w.count <= 0 || tc_stopped())
            break;
        tc_parallel_for(tc_ceil_div(w.channels, lanes) + tc_ceil_div(w.filters, lanes), 1, transform, &w);
        if (w.status == TC_OK)
            tc_parallel_for(POINTS, 1, add_products, &w);
        if (w.status == TC_OK && (block % merged == merged - 1 || w.first + w.count == end))
            tc_parallel_for(w.filters, 8, merge, &w);
    }
    tc_free(w.in_points);
    return w.status;
}

static void run_tasks(void *ctx, int64_t begin, int64_t end)
{
    weight_grad *g = ctx;
    for (int64_t task = begin; task < end; task++) {
        const int status = run_task(g, task);
        if (status != TC_OK)
            __atomic_store_n(&g->status, status, __ATOMIC_RELAXED);
    }
}

static weight_grad make_job(const tc_conv2d_params *p)
{
    const int64_t tile_rows = tc_ceil_div(p->oh, TILE), tiles = tc_ceil_div(p->ow, TILE);
    return (weight_grad){
        .x = {.channels = p->c, .h = p->h, .w = p->w, .pad_h = p->pad_h, .pad_w = p->pad_w, .depth = SIDE,
              .tile_rows = tile_rows, .tiles = tiles},
        .dy = {.channels = p->k, .h = p->oh, .w = p->ow, .depth = TILE, .tile_rows = tile_rows, .tiles = tiles},
        .images = p->n, .filters = p->k, .kernels = tc_kernels_for(TC_F32)->winograd, .status = TC_OK,
    };
}

static int run(weight_grad *g)
{
    const int64_t weights = all_weights(g), tasks = g->in_slices * g->out_slices * g->parts;
    g->extra = tc_alloc((size_t)((g->parts - 1) * weights) * sizeof *g->extra);
    if (!g->extra)
        return TC_ENOMEM;
    memset(g->dweight, 0, (size_t)weights * sizeof *g->dweight);
    memset(g->extra, 0, (size_t)((g->parts - 1) * weights) * sizeof *g->extra);
    if (g->shared)
        run_tasks(g, 0, tasks);     /* the regions are inside */
    else
        tc_parallel_for(tasks, 1, run_tasks, g);
    for (int64_t part = 1; part < g->parts; part++)
        tc_kernels_for(TC_F32)->conv_weight->add(weights, g->extra + (part - 1) * weights, g->dweight);
    tc_free(g->extra);
    return g->status;
}

/* The bits of infinities and NaN without their sign are the largest. */
static bool all_finite(int64_t n, const float *x)
{
    uint32_t most = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        most = tc_max(most, bits & 0x7fffffff);
    }
    return most < 0x7f800000;
}

int conv_winograd_weight_grad(int dtype, const tc_conv2d_params *p, const void *dy, const void *x, void *dweight, bool *done)
{
    *done = false;
    if (!winograd_applies(dtype, p))
        return TC_OK;
    weight_grad g = make_job(p);
    if (!winograd_pays(choose_sizes(&g, winograd_room(p)), winograd_direct(p, g.kernels->lanes)))
        return TC_OK;
    g.dy_images = dy;
    g.x_images = x;
    g.dweight = dweight;
    const int status = run(&g);
    *done = status == TC_OK && all_finite(all_weights(&g), dweight);
    return status;
}
