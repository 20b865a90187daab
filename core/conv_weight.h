/* conv_weight.h - what the files of the weight gradient as outer products share (conv_weight.c says how it is computed). */
#ifndef TC_CONV_WEIGHT_H
#define TC_CONV_WEIGHT_H

#include "conv.h"

typedef struct {
    const tc_conv2d_params *p;
    const tc_conv_weight_kernels *kernels;
    size_t item;
    const char *dy, *x;
    char *dweight, *dbias, *extra;  /* extra: dweight and dbias of the parts after the first */
    int64_t channels, filters;      /* of a group */
    int64_t taps, depth;            /* depth: elements of dweight a filter */
    int64_t slice, slices;          /* channels of a task */
    int64_t block, blocks, panels;  /* filters of a task, and panels of them */
    int64_t together, batches;      /* images of a piece */
    int64_t band, bands, strip, strips;     /* output rows and columns of a piece */
    int64_t pieces, parts, pieces_per_part;
    int64_t cell_rows, cell_cols;   /* of the padded image of a piece */
    int64_t run, runs;              /* lanes beside each other, and such runs of a row of the kernel */
    int64_t tiles;                  /* columns of tiles: all runs' lanes, nv vectors each */
    int64_t *offset, *unit, *index; /* cells of each output; of each vector; place in dweight of each lane */
    int status;
} weight_grad;

static inline char *at(const weight_grad *g, const void *base, int64_t elements)
{
    return (char *)base + elements * (int64_t)g->item;
}

static inline int64_t tasks_per_part(const weight_grad *g)
{
    return g->p->groups * g->blocks * g->slices;
}

static inline int64_t tile_size(const weight_grad *g)
{
    return (int64_t)g->kernels->mr * g->kernels->nv * g->kernels->lanes;
}

static inline int64_t sums_size(const weight_grad *g)
{
    return g->tiles * g->panels * tile_size(g);
}

static inline int64_t cells_size(const weight_grad *g)
{
    return g->together * g->cell_rows * g->cell_cols * g->slice + g->kernels->nv * g->kernels->lanes;
}

static inline int64_t panels_size(const weight_grad *g)
{
    return g->block * g->together * g->band * g->strip + g->kernels->lanes;
}

/* Sums, cells, panels and sums of dy. */
static inline int64_t task_bytes(const weight_grad *g)
{
    return (sums_size(g) + cells_size(g) + panels_size(g) + g->block) * (int64_t)g->item;
}

/* offset, unit and index. */
static inline int64_t table_bytes(const weight_grad *g)
{
    const int64_t outputs = g->together * g->band * g->strip, units = g->tiles * g->kernels->nv;
    return (outputs + units * (1 + g->kernels->lanes)) * (int64_t)sizeof *g->offset;
}

/* conv_weight_layout.c: pieces, slices and blocks, by shape alone, for that many bytes in all; where each output's cells, each
 * vector and each lane lie (offset, unit and index, for which there is room). */
void conv_weight_choose(weight_grad *g, int64_t room);
void conv_weight_fill(const weight_grad *g);

#endif
