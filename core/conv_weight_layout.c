/* conv_weight_layout.c - how the weight gradient of conv_weight.c is cut, and where its factors lie. */
#include "conv_weight.h"

/* Outputs of a piece, the length of a tile's sums, at most: loading and storing its nv * mr vectors is then about 1/50 of its
 * work, and a vector of x's cells for each output, 8 KiB (AVX2), and the panel of dy stay in L1 for a column of tiles. Half as
 * many lose little, and come before smaller blocks, for which everything is packed again. */
enum { PIECE = 192, SHORT_PIECE = PIECE / 2 };

/* Bytes of channels that a packed pixel has: two or more vectors. More would be of no use to a tile and spread its cells
 * over fewer sets of L1. And filters of a task, whose dy is packed once a slice: the larger both are, the more
 * multiplications repay the packing of a piece, which costs about 1/2 cycle an element. */
enum { SLICE_BYTES = 128, BLOCK_FILTERS = 48 };

/* Sums of a task, in L2 with its piece. */
enum { SUMS_BYTES = 64 * 1024 };

/* A weight gradient may take a tenth of dy's memory, or this. */
enum { LEAST_ROOM = 40 * 1024 };

/* Tasks wanted for a good balance, and multiply-adds that repay a part of the batch. */
enum { WANTED_TASKS = 16, PART_WORK = 1 << 20 };

/* ---- sizes, by shape alone ---- */

static void choose_pieces(weight_grad *g, int64_t most_outputs)
{
    const tc_conv2d_params *p = g->p;
    g->strips = tc_ceil_div(p->ow, 2 * most_outputs);
    g->strip = tc_ceil_div(p->ow, g->strips);
    g->bands = tc_ceil_div(p->oh, tc_max(1, most_outputs / g->strip));
    g->band = tc_ceil_div(p->oh, g->bands);
    g->bands = tc_ceil_div(p->oh, g->band);
    const int64_t most = tc_max(1, tc_min(p->n, most_outputs / (p->oh * p->ow)));
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

/* Halves the slice or the block, whole panels, whichever takes more memory besides the sums; false if neither can be. */
static bool shrink_blocks(weight_grad *g)
{
    const bool slices = g->slice > g->kernels->lanes, blocks = g->panels > 1;
    if (slices && (!blocks || cells_size(g) > panels_size(g)))
        set_blocks(g, tc_ceil_div(g->slice, 2), g->block);
    else if (blocks)
        set_blocks(g, g->slice, g->kernels->mr * tc_ceil_div(g->panels, 2));
    return slices || blocks;
}

int64_t conv_weight_room(int dtype, const tc_conv2d_params *p)
{
    return tc_max(LEAST_ROOM, p->n * p->k * p->oh * p->ow * (int64_t)tc_itemsize(dtype) / 10);
}

/* A power of two, so that few tasks share out evenly. What two tasks leave of the room holds the parts of dweight beside the
 * first. */
int64_t conv_weight_parts(int dtype, const tc_conv2d_params *p, int64_t tasks, int64_t pieces, int64_t task_bytes)
{
    const double depth = (double)(p->c / p->groups) * (double)(p->r * p->s), outputs = (double)(p->n * p->oh * p->ow);
    const int64_t part_bytes = p->k * ((int64_t)depth + 1) * (int64_t)tc_itemsize(dtype);
    const int64_t room = conv_weight_room(dtype, p) - 2 * (int64_t)tc_alloc_rounded((size_t)task_bytes);
    const int64_t most = tc_min(pieces, tc_ceil_div(WANTED_TASKS, tasks));
    int64_t parts = 1;
    while (2 * parts <= most && outputs * (double)p->k * depth >= (double)(2 * parts) * PART_WORK &&
           (int64_t)tc_alloc_rounded((size_t)((2 * parts - 1) * part_bytes)) <= room)
        parts *= 2;
    return parts;
}

/* Whether two tasks and the tables fit, and beside them some parts of dweight if these are small. */
static bool fits(const weight_grad *g, int64_t room)
{
    const int64_t part = g->p->k * (g->depth + 1) * (int64_t)g->item;
    const int64_t tasks = 2 * (int64_t)tc_alloc_rounded((size_t)task_bytes(g)) + (int64_t)tc_alloc_rounded((size_t)table_bytes(g));
    return tasks + (part <= room / 3 ? tc_min(3 * part, room / 3) : 0) <= room;
}

void conv_weight_choose(weight_grad *g, int64_t room)
{
    set_blocks(g, tc_min(g->channels, SLICE_BYTES / (int64_t)g->item), tc_min(g->filters, BLOCK_FILTERS));
    choose_pieces(g, PIECE);
    while (sums_size(g) * (int64_t)g->item > SUMS_BYTES && shrink_blocks(g))
        ;
    do {
        choose_pieces(g, PIECE);
        if (!fits(g, room) && (g->bands > 1 || g->together > 1))     /* images are not cut for this */
            choose_pieces(g, SHORT_PIECE);
    } while (!fits(g, room) && shrink_blocks(g));
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
