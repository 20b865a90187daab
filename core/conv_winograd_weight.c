/* conv_winograd_weight.c - Winograd's gradient by the weights (conv_winograd.h).
 *
 * Transposing y = A^T [(G g G^T) . (B^T d B)] A for g gives dg = G^T [(A dy A^T) . (B^T d B)] G, summed over all tiles: at
 * each of the 36 points a product (filters x tiles) times (tiles x channels). Sums over all tiles of the batch are kept
 * for all points (U), so what a thread could have of its own would be large; instead the threads share one block of tiles
 * at a time. First each brings some vectors of channels to points, then each adds the products of some points. Every sum
 * runs over the blocks in order, whoever adds. */
#include "conv_winograd.h"

enum { TILE = TC_WINOGRAD_TILE, SIDE = TC_WINOGRAD_SIDE, POINTS = TC_WINOGRAD_POINTS };

/* Elements of a block's points: with U they should stay in L2. */
enum { BLOCK_SIZE = 128 * 1024 };

/* Tiles in one sum, at most, and sums that are added in U before they go to dweight (or the square root of their number,
 * if that is more). Errors of a sum grow with the root of its length, and G^T makes those of U several times larger, so
 * both are short: one long sum for each part of U would lose three times as much. */
enum { SUM_TILES = 24, MERGE = 16 };

typedef struct {
    winograd_source x, dy;
    const tc_winograd_kernels *kernels;
    int64_t images, filters;
    const float *x_images, *dy_images;
    float *dweight;
    int64_t in_vectors, out_vectors, out_rows;      /* vectors of channels and of filters, rows of U */
    int64_t tiles, blocks;                          /* tiles of a block */
    int64_t in_step, out_step;                      /* between points */
    int64_t parts;                                  /* sums of a block */
    float *in_points, *out_points, *sums;
    int64_t first, count;                           /* tiles of the block at work */
    int status;
} weight_grad;

/* ---- sizes, by shape alone ---- */

static int64_t sums_size(const weight_grad *g)
{
    return POINTS * g->out_rows * g->in_vectors * g->kernels->lanes;
}

/* The last rows of the sums' tile may lie past the last filter: it reads on. */
static int64_t points_size(const weight_grad *g)
{
    return POINTS * (g->in_step + g->out_step) + g->kernels->sum_rows;
}

static int64_t work_size(const weight_grad *g)
{
    return tc_max(winograd_pixels_size(&g->x, g->tiles, g->kernels->lanes),
                  winograd_pixels_size(&g->dy, g->tiles, g->kernels->lanes));
}

static int64_t all_tiles(const weight_grad *g)
{
    return g->images * g->x.tile_rows * g->x.tiles;
}

static void set_tiles(weight_grad *g, int64_t tiles)
{
    const int64_t lanes = g->kernels->lanes;
    g->tiles = tiles;
    g->blocks = tc_ceil_div(all_tiles(g), tiles);
    g->parts = tc_ceil_div(tiles, SUM_TILES);
    /* One vector more than needed, so that no power of two puts all points into the same sets of the caches. */
    g->in_step = (tiles * g->in_vectors + 1) * lanes;
    g->out_step = (tiles * g->out_vectors + 1) * lanes;
}

/* As in conv_winograd.c; loading and storing U for a sum costs as much as some tiles more. */
static double cost(const weight_grad *g)
{
    const double tiles = (double)all_tiles(g);
    const double sums = (double)POINTS * (double)g->out_rows * (double)g->in_vectors;
    const double input = 60.0 * (double)g->in_vectors, output = 45.0 * (double)g->out_vectors;
    return sums * (tiles + 12.0 * (double)(g->blocks * g->parts)) + tiles * (input + output);
}

/* The tiles of a block, whole rows or part of one, that cost least within `room` bytes; returns the cost, 0 if none fits. */
static double choose_sizes(weight_grad *g, int64_t room)
{
    const tc_winograd_kernels *k = g->kernels;
    g->in_vectors = tc_ceil_div(g->x.channels, k->lanes);
    g->out_vectors = tc_ceil_div(g->filters, k->lanes);
    g->out_rows = tc_ceil_div(g->filters, k->sum_rows) * k->sum_rows;
    int64_t best = 0;
    double least = 0;
    for (int64_t tiles = 1; tiles <= all_tiles(g); tiles += tiles < g->x.tiles ? 1 : g->x.tiles) {
        set_tiles(g, tiles);
        const int64_t points = points_size(g);
        if (winograd_bytes(points + sums_size(g), work_size(g)) > room || (points > BLOCK_SIZE && best > 0))
            break;
        const double c = cost(g);
        if (best == 0 || c < least) {
            best = tiles;
            least = c;
        }
    }
    if (best > 0)
        set_tiles(g, best);
    return least;
}

/* ---- running ---- */

/* A unit is one vector of channels of x, or of filters of dy. */
static void transform(void *ctx, int64_t begin, int64_t end)
{
    weight_grad *g = ctx;
    const int lanes = g->kernels->lanes;
    float *work = tc_alloc((size_t)work_size(g) * sizeof *work);
    if (!work) {
        __atomic_store_n(&g->status, TC_ENOMEM, __ATOMIC_RELAXED);
        return;
    }
    for (int64_t unit = begin; unit < end; unit++) {
        const bool of_x = unit < g->in_vectors;
        const int64_t vector = of_x ? unit : unit - g->in_vectors;
        const tc_winograd_row to = {.out = (of_x ? g->in_points : g->out_points) + vector * lanes, .group = 1,
                                    .group_step = (of_x ? g->in_vectors : g->out_vectors) * lanes,
                                    .point_step = of_x ? g->in_step : g->out_step};
        winograd_points(of_x ? &g->x : &g->dy, of_x ? g->x_images : g->dy_images, vector * lanes, g->first, g->count,
                        to, work);
    }
    tc_free(work);
}

static void add_products(void *ctx, int64_t begin, int64_t end)
{
    const weight_grad *g = ctx;
    const tc_winograd_kernels *k = g->kernels;
    const int64_t in_width = g->in_vectors * k->lanes;
    const int64_t parts = tc_ceil_div(g->count, SUM_TILES), part = tc_ceil_div(g->count, parts);
    tc_tile t = {.a_step = g->out_vectors * k->lanes, .b_step = in_width, .c_row = in_width};
    for (int64_t q = begin; q < end; q++)
        for (int64_t first = 0; first < g->count; first += part) {
            t.kc = tc_min(part, g->count - first);
            for (int64_t i = 0; i < g->out_rows; i += k->sum_rows)
                for (int64_t j = 0; j < g->in_vectors; j += k->vectors) {
                    t.a = g->out_points + q * g->out_step + first * t.a_step + i;
                    t.b = g->in_points + q * g->in_step + first * t.b_step + j * k->lanes;
                    t.c = g->sums + (q * g->out_rows + i) * in_width + j * k->lanes;
                    k->sums(&t, (int)tc_min(k->vectors, g->in_vectors - j));
                }
        }
}

/* Adds what U has of filters [begin, end) to dweight, and clears it. */
static void merge(void *ctx, int64_t begin, int64_t end)
{
    weight_grad *g = ctx;
    const tc_winograd_kernels *k = g->kernels;
    const tc_winograd_taps taps = {.filter = 9, .row = 3, .col = 1};
    const int64_t in_width = g->in_vectors * k->lanes, channels = g->x.channels;
    for (int64_t f = begin; f < end; f++) {
        for (int64_t c = 0; c < channels; c += k->lanes)
            k->filter_grad(&taps, (int)tc_min(k->lanes, channels - c), g->sums + f * in_width + c, g->out_rows * in_width,
                           g->dweight + (f * channels + c) * 9);
        for (int64_t q = 0; q < POINTS; q++)
            memset(g->sums + (q * g->out_rows + f) * in_width, 0, (size_t)in_width * sizeof *g->sums);
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

bool conv_winograd_suits_weight_grad(int dtype, const tc_conv2d_params *p)
{
    if (!winograd_applies(dtype, p))
        return false;
    weight_grad g = make_job(p);
    return winograd_pays(choose_sizes(&g, winograd_room(p)), winograd_direct(p, g.kernels->lanes));
}

int conv_winograd_weight_grad(const tc_conv2d_params *p, const float *dy, const float *x, float *dweight)
{
    weight_grad g = make_job(p);
    choose_sizes(&g, winograd_room(p));
    g.dy_images = dy;
    g.x_images = x;
    g.dweight = dweight;
    const int64_t points = points_size(&g), all = points + sums_size(&g);
    g.in_points = tc_alloc((size_t)all * sizeof *g.in_points);
    if (!g.in_points)
        return TC_ENOMEM;
    g.out_points = g.in_points + POINTS * g.in_step;
    g.sums = g.in_points + points;
    memset(g.out_points, 0, (size_t)(all - POINTS * g.in_step) * sizeof *g.in_points);
    memset(dweight, 0, (size_t)(p->k * p->c * 9) * sizeof *dweight);
    const int64_t merged = tc_max(1, tc_max(MERGE, (int64_t)sqrt((double)(g.blocks * g.parts))) / g.parts);    /* blocks */
    for (int64_t block = 0; block < g.blocks && g.status == TC_OK; block++) {
        g.first = block * g.tiles;
        g.count = tc_min(g.tiles, all_tiles(&g) - g.first);
        tc_parallel_for(g.in_vectors + g.out_vectors, 1, transform, &g);
        if (g.status == TC_OK)
            tc_parallel_for(POINTS, 1, add_products, &g);
        if (g.status == TC_OK && (block % merged == merged - 1 || block == g.blocks - 1))
            tc_parallel_for(g.filters, 8, merge, &g);
    }
    tc_free(g.in_points);
    return g.status;
}
