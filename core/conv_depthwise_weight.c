/* conv_depthwise_weight.c - the weight gradient of convolutions with one channel a group: dot products of dy's rows with the
 * cells of each tap (conv_depthwise.c). A task has one channel and a part of the images; the first part is written to
 * dweight and dbias, the others beside them, and these are added in order. */
#include "conv.h"

/* Tasks wanted for a good balance, and multiply-adds that repay a hand-over to another thread. */
enum { WANTED_TASKS = 16, CHUNK_WORK = 1 << 17 };

typedef struct {
    const tc_conv2d_params *p;
    const tc_depthwise_kernels *kernels;
    const conv_windows *windows;
    int dtype;
    size_t item;
    int64_t filters, taps;          /* of a group; of a filter */
    int64_t row_blocks, col_blocks; /* of taps, as the kernel takes them */
    int64_t band, bands, parts, images_per_part;
    const int64_t *row, *col;
    const char *dy, *x;
    char *dweight, *dbias, *extra;  /* extra: dweight and dbias of each part after the first */
    int status;
} weight_grad;

static char *at(const weight_grad *g, const void *base, int64_t elements)
{
    return (char *)base + elements * (int64_t)g->item;
}

static int64_t sums_size(const weight_grad *g)
{
    return g->row_blocks * g->col_blocks * g->kernels->sums;
}

/* One filter's dy with the cells of its channel, for all taps. */
static void add_filter(const weight_grad *g, int64_t image, int64_t filter, int64_t i0, const char *cells, char *sums)
{
    const tc_conv2d_params *p = g->p;
    tc_depthwise_plane t = {.rows = tc_min(g->band, p->oh - i0), .cols = p->ow, .cells = cells, .pitch = g->windows->pitch,
                            .out = at(g, g->dy, ((image * p->k + filter) * p->oh + i0) * p->ow), .out_row = p->ow};
    const int64_t block = g->kernels->block;
    for (int64_t r = 0; r < p->r; r += block)
        for (int64_t s = 0; s < p->s; s += block) {
            t.row = g->row + r;
            t.col = g->col + s;
            t.row_taps = p->r - r;
            t.col_taps = p->s - s;
            g->kernels->dot(&t, sums);
            sums = at(g, sums, g->kernels->sums);
        }
}

/* dweight and dbias of one filter and part. */
static void finish_filter(const weight_grad *g, int64_t part, int64_t filter, const char *vectors, char *sums)
{
    const tc_conv2d_params *p = g->p;
    const int64_t block = g->kernels->block, part_size = p->k * (g->taps + 1);
    char *dweight = part == 0 ? g->dweight : at(g, g->extra, (part - 1) * part_size);
    char *dbias = part == 0 ? g->dbias : at(g, g->extra, (part - 1) * part_size + p->k * g->taps);
    for (int64_t r0 = 0; r0 < p->r; r0 += block)
        for (int64_t s0 = 0; s0 < p->s; s0 += block, vectors = at(g, vectors, g->kernels->sums)) {
            g->kernels->finish(block * block + 1, vectors, sums);
            for (int64_t r = 0; r < tc_min(block, p->r - r0); r++)
                memcpy(at(g, dweight, filter * g->taps + (r0 + r) * p->s + s0), at(g, sums, r * block),
                       (size_t)tc_min(block, p->s - s0) * g->item);
        }
    if (dbias)
        memcpy(at(g, dbias, filter), at(g, sums, block * block), g->item);
}

static void run_tasks(void *ctx, int64_t begin, int64_t end)
{
    weight_grad *g = ctx;
    const tc_conv2d_params *p = g->p;
    const int64_t cells = conv_channel_size(g->windows, g->band) + g->kernels->sums, sums = g->filters * sums_size(g);
    char *memory = tc_alloc((size_t)(cells + sums + g->kernels->sums) * g->item);
    if (!memory) {
        __atomic_store_n(&g->status, TC_ENOMEM, __ATOMIC_RELAXED);
        return;
    }
    char *vectors = at(g, memory, cells);
    for (int64_t task = begin; task < end; task++) {
        const int64_t channel = task % p->c, part = task / p->c, first = part * g->images_per_part;
        memset(vectors, 0, (size_t)sums * g->item);
        for (int64_t image = first; image < tc_min(first + g->images_per_part, p->n); image++)
            for (int64_t band = 0; band < g->bands && !tc_stopped(); band++) {
                const int64_t i0 = band * g->band;
                conv_pack_planes(g->dtype, g->windows, 1, i0, g->band, 0, 1,
                                 at(g, g->x, (image * p->c + channel) * p->h * p->w), memory);
                for (int64_t f = 0; f < g->filters; f++)
                    add_filter(g, image, channel * g->filters + f, i0, memory, at(g, vectors, f * sums_size(g)));
            }
        for (int64_t f = 0; f < g->filters; f++)
            finish_filter(g, part, channel * g->filters + f, at(g, vectors, f * sums_size(g)), at(g, vectors, sums));
    }
    tc_free(memory);
}

static void add_parts(const weight_grad *g)
{
    const tc_conv_weight_kernels *kernels = tc_kernels_for(g->dtype)->conv_weight;
    const int64_t weights = g->p->k * g->taps, part_size = weights + g->p->k;
    for (int64_t part = 1; part < g->parts; part++) {
        const char *extra = at(g, g->extra, (part - 1) * part_size);
        kernels->add(weights, extra, g->dweight);
        if (g->dbias)
            kernels->add(g->p->k, at(g, extra, weights), g->dbias);
    }
}

int conv_depthwise_weight_grad(int dtype, const tc_conv2d_params *p, const conv_windows *v, const void *dy, const void *x,
                               void *dweight, void *dbias)
{
    weight_grad g = {.p = p, .kernels = tc_kernels_for(dtype)->depthwise, .windows = v, .dtype = dtype,
                     .item = tc_itemsize(dtype), .filters = p->k / p->groups, .taps = p->r * p->s, .dy = dy, .x = x,
                     .dweight = dweight, .dbias = dbias, .status = TC_OK};
    g.row_blocks = tc_ceil_div(p->r, g.kernels->block);
    g.col_blocks = tc_ceil_div(p->s, g.kernels->block);
    g.band = conv_depthwise_band(dtype, p, v);
    g.bands = tc_ceil_div(p->oh, g.band);
    g.images_per_part = tc_ceil_div(p->n, tc_min(p->n, tc_ceil_div(WANTED_TASKS, p->c)));
    g.parts = tc_ceil_div(p->n, g.images_per_part);
    int64_t *row = conv_depthwise_taps(p, v, g.band);
    g.extra = tc_alloc((size_t)((g.parts - 1) * p->k * (g.taps + 1)) * g.item);
    if (row && g.extra) {
        g.row = row;
        g.col = row + p->r;
        const double work = (double)(g.images_per_part * p->oh * p->ow) * (double)(g.filters * g.taps);
        tc_parallel_for(p->c * g.parts, tc_max(1, (int64_t)(CHUNK_WORK / work)), run_tasks, &g);
        if (g.status == TC_OK)
            add_parts(&g);
    } else {
        g.status = TC_ENOMEM;
    }
    tc_free(g.extra);
    tc_free(row);
    return g.status;
}
