/* conv_weight.c - the gradient of a convolution by its weights.
 *
 * dweight(k, c, r, s) is the dot product of dy's plane k and the plane of channel c read from tap (r, s)'s offset (conv.h),
 * dy being spread to the planes' pitch with zeros between its rows. Both are contiguous, so the dot kernel needs nothing
 * else. A task sums some pieces (bands of an image, or several small images) into its own part of dweight; parts are added
 * in order. Tasks and pieces depend on the shape alone. */
#include "conv.h"

/* Outputs of a piece: dot_rows planes of dy and one of x stay in L1 while every tap passes by. */
enum { PIECE_BYTES = 4 * 1024 };

/* Filters and channels of a task: their planes stay in L2 (32 planes of PIECE_BYTES each). */
enum { TASK_FILTERS = 32, TASK_PLANES_BYTES = 128 * 1024 };

/* Tasks wanted for a good balance, multiply-adds that repay a part of dweight, and elements that all parts may have. */
enum { WANTED_TASKS = 16, PART_WORK = 1 << 20, PARTS_SIZE = 1 << 20 };

typedef struct {
    const conv_windows *windows;
    const tc_gemm_kernels *gemm;
    const tc_conv_kernels *conv;
    int dtype;
    size_t item;
    const char *dy, *x;
    char *dweight;
    int64_t filters;                /* of a group */
    int64_t band, bands;            /* output rows of a piece */
    int64_t together, groups_of;    /* images of a piece, and how many such groups there are */
    int64_t dy_rows;                /* rows of an image in the spread dy */
    int64_t block, blocks;          /* filters of a task */
    int64_t slice, slices;          /* channels of a task */
    int64_t parts, pieces_per_part;
    int64_t tiles;                  /* dot tiles along the taps and channels of a slice */
    int64_t *offset;
    char *sums;                     /* part, group, block, slice; then tile rows, tiles, dot_size */
    int status;
} weight_grad;

static char *at(const weight_grad *g, const void *base, int64_t elements)
{
    return (char *)base + elements * (int64_t)g->item;
}

/* Elements of the sums of one task. */
static int64_t task_size(const weight_grad *g)
{
    return tc_ceil_div(g->block, g->gemm->dot_rows) * g->tiles * g->gemm->dot_size;
}

static int64_t tasks_per_part(const weight_grad *g)
{
    return g->windows->groups * g->blocks * g->slices;
}

/* dy's planes at the pitch of x's, the `which`-th image; conv.pack puts zeros between the rows and below the last. */
static void spread_dy(const weight_grad *g, const char *dy, int64_t filters, int64_t i0, int64_t which, char *spread)
{
    const conv_windows *v = g->windows;
    const tc_plane plane = {.rows = g->dy_rows, .cols = v->pitch, .h = tc_min(v->oh, i0 + g->band), .w = v->ow,
                            .row = i0, .row_step = 1, .col_step = 1};
    for (int64_t f = 0; f < filters; f++)
        g->conv->pack(&plane, at(g, dy, f * v->oh * v->ow), at(g, spread, (f * g->together + which) * g->dy_rows * v->pitch));
}

/* The sums run over `images` images, from the first output of the first to the last of the last. */
static void add_piece(const weight_grad *g, int64_t filters, int64_t channels, int64_t images, const char *spread,
                      const char *planes, char *sums)
{
    const conv_windows *v = g->windows;
    const int dot_rows = g->gemm->dot_rows, dot_cols = g->gemm->dot_cols;
    const int64_t columns = channels * conv_taps(v), pitch = g->together * g->dy_rows * v->pitch;
    tc_tile t = {.kc = (images - 1) * g->dy_rows * v->pitch + conv_band_size(v, g->band), .a_step = pitch, .b = planes};
    for (int64_t f = 0; f < filters; f += dot_rows) {
        t.a = at(g, spread, f * pitch);
        t.rows = (int)tc_min(dot_rows, filters - f);
        char *row_sums = at(g, sums, f / dot_rows * g->tiles * g->gemm->dot_size);
        for (int64_t j = 0; j < columns; j += dot_cols) {
            t.b_offset = g->offset + j;
            t.cols = (int)tc_min(dot_cols, columns - j);
            g->gemm->dot(&t, row_sums);
            row_sums = at(g, row_sums, g->gemm->dot_size);
        }
    }
}

static void run_task(const weight_grad *g, int64_t task, char *planes, char *spread)
{
    const conv_windows *v = g->windows;
    const int64_t slice = task % g->slices, block = task / g->slices % g->blocks;
    const int64_t group = task / g->slices / g->blocks % v->groups, part = task / tasks_per_part(g);
    const int64_t c0 = slice * g->slice, channels = tc_min(g->slice, v->channels - c0);
    const int64_t f0 = block * g->block, filters = tc_min(g->block, g->filters - f0);
    char *sums = at(g, g->sums, task * task_size(g));
    memset(sums, 0, (size_t)task_size(g) * g->item);
    const int64_t first = part * g->pieces_per_part, last = tc_min(first + g->pieces_per_part, g->groups_of * g->bands);
    for (int64_t piece = first; piece < last; piece++) {
        const int64_t image = piece / g->bands * g->together, i0 = piece % g->bands * g->band;
        const int64_t images = tc_min(g->together, v->images - image);
        for (int64_t which = 0; which < images; which++) {
            const int64_t source = (image + which) * v->groups + group;
            conv_pack_planes(g->dtype, v, channels, i0, g->band, which, g->together,
                             at(g, g->x, (source * v->channels + c0) * v->h * v->w), planes);
            spread_dy(g, at(g, g->dy, (source * g->filters + f0) * v->oh * v->ow), filters, i0, which, spread);
        }
        add_piece(g, filters, channels, images, spread, planes, sums);
    }
}

static void run_tasks(void *ctx, int64_t begin, int64_t end)
{
    weight_grad *g = ctx;
    const int64_t planes_size = g->slice * g->together * conv_channel_size(g->windows, g->band);
    const int64_t spread_size = g->block * g->together * g->dy_rows * g->windows->pitch;
    char *planes = tc_alloc((size_t)(planes_size + spread_size) * g->item);
    if (!planes) {
        __atomic_store_n(&g->status, TC_ENOMEM, __ATOMIC_RELAXED);
        return;
    }
    for (int64_t task = begin; task < end; task++)
        run_task(g, task, planes, at(g, planes, planes_size));
    tc_free(planes);
}

/* Adds the parts, in order, into the first; then its tiles go to dweight. */
static void finish_tasks(void *ctx, int64_t begin, int64_t end)
{
    weight_grad *g = ctx;
    const conv_windows *v = g->windows;
    const int dot_rows = g->gemm->dot_rows, dot_cols = g->gemm->dot_cols;
    const int64_t taps = conv_taps(v), depth = v->channels * taps;
    for (int64_t task = begin; task < end; task++) {
        const int64_t c0 = task % g->slices * g->slice, columns = tc_min(g->slice, v->channels - c0) * taps;
        const int64_t f0 = task / g->slices % g->blocks * g->block, filters = tc_min(g->block, g->filters - f0);
        const int64_t group = task / g->slices / g->blocks;
        char *sums = at(g, g->sums, task * task_size(g));
        for (int64_t part = 1; part < g->parts; part++)
            g->conv->add(task_size(g), at(g, sums, part * tasks_per_part(g) * task_size(g)), sums);
        tc_tile t = {.c_row = depth, .c_col = 1, .alpha = 1};
        for (int64_t f = 0; f < filters; f += dot_rows)
            for (int64_t j = 0; j < columns; j += dot_cols) {
                const int64_t tile = f / dot_rows * g->tiles + j / dot_cols;
                t.rows = (int)tc_min(dot_rows, filters - f);
                t.cols = (int)tc_min(dot_cols, columns - j);
                t.c = at(g, g->dweight, (group * g->filters + f0 + f) * depth + c0 * taps + j);
                g->gemm->finish(&t, at(g, sums, tile * g->gemm->dot_size), dot_cols);
            }
    }
}

static void choose_sizes(weight_grad *g)
{
    const conv_windows *v = g->windows;
    const int64_t taps = conv_taps(v), item = (int64_t)g->item, dot_rows = g->gemm->dot_rows;
    g->band = conv_choose_band(v->oh, v->pitch * item, PIECE_BYTES);
    g->bands = tc_ceil_div(v->oh, g->band);
    /* Whole small images side by side, their planes' pitch being that of x: longer sums, fewer of them to finish. */
    const int64_t plane_bytes = conv_plane_rows(v, v->oh) * v->pitch * item;
    g->together = g->bands > 1 ? 1 : tc_max(1, tc_min(v->images, PIECE_BYTES / plane_bytes));
    g->groups_of = tc_ceil_div(v->images, g->together);
    g->dy_rows = g->together > 1 ? conv_plane_rows(v, g->band) : g->band;
    g->blocks = tc_ceil_div(g->filters, TASK_FILTERS);
    g->block = tc_ceil_div(tc_ceil_div(g->filters, g->blocks), dot_rows) * dot_rows;
    g->blocks = tc_ceil_div(g->filters, g->block);
    const int64_t most = tc_max(1, TASK_PLANES_BYTES / (g->together * conv_channel_size(v, g->band) * item));
    g->slices = tc_ceil_div(v->channels, most);
    g->slice = tc_ceil_div(v->channels, g->slices);
    g->tiles = tc_ceil_div(g->slice * taps, g->gemm->dot_cols);
    const int64_t pieces = g->groups_of * g->bands, tasks = tasks_per_part(g);
    const double work = (double)(v->images * v->oh * v->ow) * (double)g->filters * (double)(v->groups * v->channels * taps);
    int64_t parts = tc_min(tc_ceil_div(WANTED_TASKS, tasks), pieces);
    parts = tc_min(parts, (int64_t)(work / PART_WORK));
    parts = tc_max(1, tc_min(parts, PARTS_SIZE / (tasks * task_size(g))));
    g->pieces_per_part = tc_ceil_div(pieces, parts);
    g->parts = tc_ceil_div(pieces, g->pieces_per_part);
}

int conv_weight_grad(int dtype, const conv_windows *v, int64_t filters, const void *dy, const void *x, void *dweight)
{
    weight_grad g = {.windows = v, .gemm = tc_kernels_for(dtype)->gemm, .conv = tc_kernels_for(dtype)->conv, .dtype = dtype,
                     .item = tc_itemsize(dtype), .dy = dy, .x = x, .dweight = dweight, .filters = filters, .status = TC_OK};
    choose_sizes(&g);
    g.sums = tc_alloc((size_t)(g.parts * tasks_per_part(&g) * task_size(&g)) * g.item);
    g.offset = tc_alloc((size_t)(g.slice * conv_taps(v)) * sizeof *g.offset);
    if (g.sums && g.offset) {
        conv_offsets(v, g.slice, g.band, g.together, g.offset);
        tc_parallel_for(g.parts * tasks_per_part(&g), 1, run_tasks, &g);
        if (g.status == TC_OK)
            tc_parallel_for(tasks_per_part(&g), tc_max(1, (1 << 14) / task_size(&g)), finish_tasks, &g);
    } else {
        g.status = TC_ENOMEM;
    }
    tc_free(g.sums);
    tc_free(g.offset);
    return g.status;
}
