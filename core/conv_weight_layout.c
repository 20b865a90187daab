/* conv_weight_layout.c - how the weight gradient of conv_weight.c is cut, and where its factors lie. */
#include "conv_weight.h"

/* Outputs of a piece, the length of a tile's sums: loading and storing its nv * mr vectors is then about 1/50 of its work,
 * and a vector of x's cells for each output, 8 KiB (AVX2), and the panel of dy stay in L1 for a column of tiles. */
enum { PIECE = 192 };

/* Bytes of channels that a packed pixel has: two or more vectors. More would be of no use to a tile and spread its cells
 * over fewer sets of L1. And filters of a task, whose dy is packed once a slice: the larger both are, the more
 * multiplications repay the packing of a piece, which costs about 1/2 cycle an element. */
enum { SLICE_BYTES = 128, BLOCK_FILTERS = 48 };

/* Sums of a task, in L2 with its piece. */
enum { SUMS_BYTES = 64 * 1024 };

/* Tasks wanted for a good balance, and multiply-adds that repay a part of the batch. */
enum { WANTED_TASKS = 16, PART_WORK = 1 << 20 };

/* The parts of dweight beside the first have together at most 1/16 of dy's elements. */
enum { PARTS_SHARE = 16 };

/* ---- sizes, by shape alone ---- */

static void choose_pieces(weight_grad *g)
{
    const tc_conv2d_params *p = g->p;
    g->strips = tc_ceil_div(p->ow, 2 * PIECE);
    g->strip = tc_ceil_div(p->ow, g->strips);
    g->bands = tc_ceil_div(p->oh, tc_max(1, PIECE / g->strip));
    g->band = tc_ceil_div(p->oh, g->bands);
    g->bands = tc_ceil_div(p->oh, g->band);
    const int64_t most = tc_max(1, tc_min(p->n, PIECE / (p->oh * p->ow)));
    g->together = g->bands * g->strips > 1 ? 1 : tc_ceil_div(p->n, tc_ceil_div(p->n, most));
    g->batches = tc_ceil_div(p->n, g->together);
    g->pieces = g->batches * g->bands * g->strips;
    g->cell_rows = (g->band - 1) * p->stride_h + (p->r - 1) * p->dilation_h + 1;
    g->cell_cols = (g->strip - 1) * p->stride_w + (p->s - 1) * p->dilation_w + 1;
}

/* Slices and blocks of equal size. The taps of a row are one run if they are adjacent pixels. */
static void set_blocks(weight_grad *g, int64_t slice, int64_t block)
{
    const tc_conv2d_params *p = g->p;
    const int64_t lanes = g->kernels->lanes, nv = g->kernels->nv;
    g->slices = tc_ceil_div(g->channels, slice);
    g->slice = tc_ceil_div(g->channels, g->slices);
    g->slices = tc_ceil_div(g->channels, g->slice);
    g->blocks = tc_ceil_div(g->filters, block);
    g->block = tc_ceil_div(g->filters, g->blocks);
    g->blocks = tc_ceil_div(g->filters, g->block);
    g->panels = tc_ceil_div(g->block, g->kernels->mr);
    g->runs = p->dilation_w == 1 ? 1 : p->s;
    g->run = g->slice * p->s / g->runs;
    g->tiles = tc_ceil_div(p->r * g->runs * tc_ceil_div(g->run, lanes), nv);
}

static void choose_blocks(weight_grad *g)
{
    int64_t slice = tc_min(g->channels, SLICE_BYTES / (int64_t)g->item), block = tc_min(g->filters, BLOCK_FILTERS);
    set_blocks(g, slice, block);
    while (sums_size(g) * (int64_t)g->item > SUMS_BYTES && (slice > g->kernels->lanes || block > g->kernels->mr)) {
        if (block > g->kernels->mr && (block >= slice || slice <= g->kernels->lanes))
            block = tc_ceil_div(block, 2);
        else
            slice = tc_ceil_div(slice, 2);
        set_blocks(g, slice, block);
    }
}

/* A power of two, so that few tasks share out evenly. */
int64_t conv_weight_parts(const tc_conv2d_params *p, int64_t tasks, int64_t pieces)
{
    const double depth = (double)(p->c / p->groups) * (double)(p->r * p->s), weights = (double)p->k * depth;
    const double outputs = (double)p->n * (double)p->k * (double)(p->oh * p->ow);
    const int64_t most = tc_min(pieces, tc_ceil_div(WANTED_TASKS, tasks));
    int64_t parts = 1;
    while (2 * parts <= most && outputs * depth >= (double)(2 * parts) * PART_WORK &&
           (double)(2 * parts - 1) * weights * PARTS_SHARE <= outputs)
        parts *= 2;
    return parts;
}

void conv_weight_choose(weight_grad *g)
{
    choose_pieces(g);
    choose_blocks(g);
}

/* ---- where things lie ---- */

static void fill_offsets(const weight_grad *g)
{
    const tc_conv2d_params *p = g->p;
    int64_t *offset = g->offset;
    for (int64_t n = 0; n < g->together; n++)
        for (int64_t i = 0; i < g->band; i++)
            for (int64_t j = 0; j < g->strip; j++)
                *offset++ = ((n * g->cell_rows + i * p->stride_h) * g->cell_cols + j * p->stride_w) * g->slice;
}

static void fill_units(const weight_grad *g)
{
    const tc_conv2d_params *p = g->p;
    const int64_t lanes = g->kernels->lanes, nv = g->kernels->nv;
    int64_t *unit = g->unit, *index = g->index;
    for (int64_t r = 0; r < p->r; r++)
        for (int64_t run = 0; run < g->runs; run++)
            for (int64_t lane = 0; lane < g->run; lane += lanes) {
                *unit++ = (r * p->dilation_h * g->cell_cols + run * p->dilation_w) * g->slice + lane;
                for (int64_t l = lane; l < lane + lanes; l++)
                    *index++ = l < g->run ? l % g->slice * g->taps + r * p->s + run + l / g->slice : INT64_MAX;
            }
    for (; unit < g->unit + g->tiles * nv; unit++) {
        *unit = 0;
        for (int64_t l = 0; l < lanes; l++)
            *index++ = INT64_MAX;
    }
}

void conv_weight_fill(const weight_grad *g)
{
    fill_offsets(g);
    fill_units(g);
}
