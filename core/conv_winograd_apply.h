/* conv_winograd_apply.h - what the files of Winograd's convolution and its input gradient share: conv_winograd.c and, which
 * chooses the sizes, conv_winograd_layout.c. */
#ifndef TC_CONV_WINOGRAD_APPLY_H
#define TC_CONV_WINOGRAD_APPLY_H

#include "conv_winograd.h"

/* Floats of a line of the caches. */
enum { WINOGRAD_LINE = 16 };

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
    int64_t borrowed;               /* images whose outputs lend their memory to U and some tasks, and are not computed */
    int64_t borrowed_rooms;         /* of tasks */
    float *u, *rooms;
    uint8_t *again;                 /* of each image: whether there are outputs that are not finite */
    int taken[WINOGRAD_TASKS];      /* which of them are in use */
    int status;
} winograd_apply;

/* Elements of a block's V, of its M for one panel, and of all that a task needs. */
static inline int64_t winograd_v_size(const winograd_apply *a)
{
    return a->groups * TC_WINOGRAD_POINTS * a->point_step;
}

static inline int64_t winograd_m_size(const winograd_apply *a)
{
    return a->groups * a->kernels->tiles * TC_WINOGRAD_POINTS * tc_min(a->kernels->vectors, a->out_vectors) * a->kernels->lanes;
}

static inline int64_t winograd_work_size(const winograd_apply *a)
{
    const int64_t outputs = winograd_piece_rows(&a->source, a->tiles) * TC_WINOGRAD_TILE * a->ow * a->kernels->lanes;
    const int64_t pixels = winograd_pixels_size(&a->source, a->tiles, a->kernels->lanes);
    return winograd_v_size(a) + tc_max(pixels, winograd_m_size(a) + outputs);
}

static inline int64_t winograd_all_tiles(const winograd_apply *a)
{
    return a->images * a->source.tile_rows * a->source.tiles;
}

/* Chooses the sizes by the shape alone; returns how many images are to be computed so. */
int64_t winograd_choose(winograd_apply *a, const tc_conv2d_params *p);

#endif
