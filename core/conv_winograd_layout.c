/* conv_winograd_layout.c - how Winograd's convolution is cut into blocks, slices and tasks, by its shape alone. */
#include "conv_winograd_apply.h"

enum { POINTS = TC_WINOGRAD_POINTS };

/* Elements that a task keeps in L2. U passes by once for each block, so larger blocks read less of it. */
enum { TASK_SIZE = 80 * 1024 };

/* Tasks wanted for a good balance. */
enum { WANTED_TASKS = 16 };

static void set_tiles(winograd_apply *a, int64_t tiles)
{
    a->tiles = tiles;
    a->blocks = tc_ceil_div(winograd_all_tiles(a), tiles);
    a->groups = tc_ceil_div(tiles, a->kernels->tiles);
}

/* Vector operations of the whole, an operation of the transforms counting as a multiply-add. Reading U costs a block as
 * much as some more tiles of products, the pixels that blocks share and rows that they part as some more of transforms. */
static double cost(const winograd_apply *a)
{
    const double product = (double)POINTS * (double)a->source.channels * (double)a->out_vectors;
    const double input = 60.0 * (double)(a->slices * a->in_vectors), output = 50.0 * (double)a->out_vectors;
    const double tiles = (double)a->tiles + (a->tiles % a->source.tiles == 0 ? 0.5 : 2.0);
    const double filters = 290.0 * (double)a->source.channels * (double)a->out_vectors;
    return filters + (double)a->blocks * (product * (double)(a->groups * a->kernels->tiles + 2) + (input + output) * tiles);
}

/* Blocks are whole rows of tiles, or whole tiles of the product. */
static bool is_candidate(const winograd_apply *a, int64_t tiles)
{
    return tiles % a->source.tiles == 0 || tiles % a->kernels->tiles == 0;
}

/* Few blocks are shared among more tasks by panels of filters. Each task brings the block's tiles to points again, so this ends
 * where that would cost an eighth of its products. */
static void share_panels(winograd_apply *a)
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

/* How many images have to lend their outputs, so that what is needed beside the operands fits in `room` bytes: they hold U, and
 * as many tasks as do not fit. */
static void set_borrowed(winograd_apply *a, int64_t room)
{
    const int64_t u = a->slice * a->panel_size, work = winograd_work_size(a);
    a->borrowed = a->borrowed_rooms = 0;
    if (winograd_bytes(u, work) <= room)
        return;
    const int64_t allocated = room / (int64_t)tc_alloc_rounded((size_t)work * sizeof(float));
    a->borrowed_rooms = tc_max(0, WINOGRAD_TASKS - allocated);
    a->borrowed = tc_ceil_div(WINOGRAD_LINE + u + a->borrowed_rooms * work, a->filters * a->oh * a->ow);
}

/* The numbers of slices and of tiles in a block that cost least with `room` bytes, and how many images are computed so if one
 * costs `direct` otherwise; returns the cost of all, 0 if nothing fits. */
static double choose_sizes(winograd_apply *a, int64_t room, double direct)
{
    const int64_t images = a->images;
    const tc_winograd_kernels *k = a->kernels;
    const int64_t channels = a->source.channels;
    a->in_vectors = tc_ceil_div(channels, k->lanes);
    a->out_vectors = tc_ceil_div(a->filters, k->lanes);
    a->panels = tc_ceil_div(a->out_vectors, k->vectors);
    /* One vector more than needed, so that no power of two puts all points into the same sets of the caches. */
    a->point_step = (a->in_vectors * k->tiles + 1) * k->lanes;
    a->filter_step = (channels * tc_min(k->vectors, a->out_vectors) + 1) * k->lanes;
    a->panel_size = POINTS * a->filter_step;
    winograd_apply best = *a;
    double least = 0;
    for (a->slices = 1; a->slices <= a->panels; a->slices++) {
        a->slice = tc_ceil_div(a->panels, a->slices);
        a->images = images;
        const int64_t most = tc_max(k->tiles, winograd_all_tiles(a) / WANTED_TASKS);
        for (int64_t tiles = 1, found = 0; tiles <= most; tiles++) {
            if (!is_candidate(a, tiles))
                continue;
            set_tiles(a, tiles);
            set_borrowed(a, room);
            if (a->borrowed >= images || (winograd_work_size(a) > TASK_SIZE && found++))
                break;
            a->images = images - a->borrowed;
            set_tiles(a, tiles);
            const double c = cost(a) + direct * (double)a->borrowed;
            a->images = images;
            if (least == 0 || c < least) {
                least = c;
                best = *a;
                best.images = images - best.borrowed;
            }
        }
    }
    *a = best;
    if (least > 0)
        share_panels(a);
    return least;
}

int64_t winograd_choose(winograd_apply *a, const tc_conv2d_params *p)
{
    const double direct = winograd_direct(p, a->kernels->lanes);
    const double least = choose_sizes(a, winograd_room(p), direct / (double)p->n);
    return winograd_pays(least, direct) ? a->images : 0;
}
