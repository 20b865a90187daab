/* conv_panels.c - filters over windows (conv.h) by way of panels: the columns of one tile at a time are gathered from the
 * planes, so that tiles are full whatever the width of the image, and a tile may go on in the next image.
 *
 * The outputs of a group form one axis of columns: image after image if several images' planes fit a task, else band of
 * rows after band. A task is a run of tiles of that axis and a block of filters. For each slice of channels it packs the
 * planes of the images that it meets; then, tile by tile, a panel is gathered into L1 and all filters pass by. Outputs are
 * written where they belong; only a tile that is not adjacent there (the end of an image, outputs with a stride) goes through
 * a tile in memory. */
#include "conv.h"

/* Bytes of that tile, which bound the filters of a block: gathering a panel costs what 4 to 8 filters cost. */
enum { SPILL_BYTES = 16 * 1024 };

/* Outputs of a task, which stay in L2 from slice to slice; tiles and filters that are worth a task. */
enum { OUTPUT_BYTES = 256 * 1024, FEW_TILES = 8, FEW_FILTERS = 64 };

/* The widest panel: 2 vectors of 16 floats, with room. */
enum { MOST_PIECES = 64 };

typedef struct {
    const conv_apply_job *job;
    const conv_windows *windows;
    const tc_conv_kernels *conv;
    int dtype, nr;
    size_t item;
    const char *source, *weight, *bias;
    char *out;
    int64_t slice, slices;      /* channels */
    int64_t block, blocks;      /* filters */
    bool merged;                /* the axis takes in all images */
    int64_t band, bands;        /* output rows */
    int64_t tiles, cuts;        /* of a task, and tasks of an axis */
    int64_t together;           /* images whose planes a task packs */
    bool adjacent;              /* outputs of an image follow each other */
    int64_t *filter_offset, *plane_offset, *panel_offset;
    int status;
} panels;

/* A task's columns [j, end) of its axis, which starts at output row i0 of `image`. */
typedef struct {
    int64_t group, image, i0, pixels;
    int64_t j, end;
    int64_t filter, filters;
} columns;

static char *at(const panels *a, const void *base, int64_t elements)
{
    return (char *)base + elements * (int64_t)a->item;
}

static columns find_columns(const panels *a, int64_t task)
{
    const conv_windows *v = a->windows;
    const int64_t block = task % a->blocks, cut = task / a->blocks % a->cuts, rest = task / a->blocks / a->cuts;
    const int64_t axis = rest / v->groups;
    columns c = {.group = rest % v->groups, .filter = block * a->block};
    c.filters = tc_min(a->block, a->job->filters - c.filter);
    int64_t length;
    if (a->merged) {
        c.pixels = v->oh * v->ow;
        length = v->images * c.pixels;
    } else {
        c.image = axis / a->bands;
        c.i0 = axis % a->bands * a->band;
        c.pixels = length = tc_min(a->band, v->oh - c.i0) * v->ow;
    }
    c.j = cut * a->tiles * a->nr;
    c.end = tc_min(length, c.j + a->tiles * a->nr);
    if (a->merged) {
        c.image = c.j / c.pixels;
        c.end -= c.image * c.pixels;
        c.j -= c.image * c.pixels;
    }
    return c;
}

/* ---- a tile ---- */

static void gather(const panels *a, const columns *at_, int64_t j, int64_t end, int64_t kc, const char *planes, char *panel)
{
    const conv_windows *v = a->windows;
    tc_conv_piece piece[MOST_PIECES];
    int pieces = 0;
    for (int64_t k = j; k < end;) {
        const int64_t i = k % at_->pixels / v->ow, col = k % at_->pixels % v->ow;
        const int64_t from = (k / at_->pixels * conv_plane_rows(v, a->band) + i) * v->pitch + col;
        if (pieces == 0 || from - piece[pieces - 1].from != k - j - piece[pieces - 1].to)
            piece[pieces++] = (tc_conv_piece){.from = from, .to = k - j};
        k += v->ow - col;
    }
    a->conv->gather(kc, pieces, piece, a->plane_offset, planes, panel);
}

/* Moves the columns [j, end) of all filters between the outputs and the tile in memory. */
static void spill(const panels *a, const columns *c, int64_t j, int64_t end, char *out, char *tile, bool back)
{
    const conv_apply_job *job = a->job;
    const int64_t ow = a->windows->ow;
    for (int64_t k = j; k < end;) {
        const int64_t pixel = k % c->pixels, left = a->adjacent ? c->pixels - pixel : ow - pixel % ow, count = tc_min(left, end - k);
        char *y = at(a, out, k / c->pixels * job->out_image + pixel / ow * job->out_row + pixel % ow * job->out_col);
        if (back)
            a->conv->copy(c->filters, count, at(a, tile, k - j), a->nr, 1, y, job->out_filter, job->out_col);
        else
            a->conv->copy(c->filters, count, y, job->out_filter, job->out_col, at(a, tile, k - j), a->nr, 1);
        k += count;
    }
}

static void multiply_tile(const panels *a, const columns *c, tc_conv_block *t, int64_t j, char *out, char *tile)
{
    const int64_t end = tc_min(j + a->nr, c->end);
    if (a->adjacent && j / c->pixels == (end - 1) / c->pixels) {
        t->c = at(a, out, j / c->pixels * a->job->out_image + j % c->pixels);
        t->c_row = a->job->out_filter;
        t->cols = end - j;
        a->conv->block(t);
        return;
    }
    t->c = tile;
    t->c_row = t->cols = a->nr;
    if (t->add)
        spill(a, c, j, end, out, tile, false);
    a->conv->block(t);
    spill(a, c, j, end, out, tile, true);
}

/* ---- a task ---- */

/* Asks for part `n` of `parts` of the weights (filters, channels) at `weight`. They come from L3 if they are many, in runs too
 * short for the processor to foresee, while a slice is multiplied the next one's can be on their way. */
static void prefetch(const panels *a, const char *weight, int64_t filters, int64_t channels, int64_t n, int64_t parts)
{
    const int64_t taps = conv_taps(a->windows), line = 64 / (int64_t)a->item;
    const bool adjacent = a->job->w_channel == taps;    /* the weights of a filter's channels are one run */
    const int64_t runs = adjacent ? 1 : channels, run = adjacent ? channels * taps : taps;
    for (int64_t f = filters * n / parts, end = channels > 0 ? filters * (n + 1) / parts : f; f < end; f++)
        for (int64_t c = 0; c < runs; c++)
            for (int64_t tap = 0; tap < run; tap += line)
                __builtin_prefetch(at(a, weight, f * a->job->w_filter + c * a->job->w_channel + tap), 0, 2);
}

static int64_t planes_size(const panels *a)
{
    return a->slice * a->together * conv_channel_size(a->windows, a->band) + a->nr;
}

static int64_t panel_size(const panels *a)
{
    return (a->slice * conv_taps(a->windows) + 1) * a->nr;
}

static void run_task(const panels *a, int64_t task, char *planes, char *panel, char *tile)
{
    const conv_apply_job *job = a->job;
    const conv_windows *v = a->windows;
    const columns c = find_columns(a, task);
    const int64_t images = (c.end - 1) / c.pixels + 1;
    const char *source = at(a, a->source, c.image * job->source_image + c.group * job->source_group);
    const char *weight = at(a, a->weight, c.group * job->w_group + c.filter * job->w_filter);
    char *out = at(a, a->out, c.image * job->out_image + c.group * job->out_group + c.filter * job->out_filter + c.i0 * job->out_row);
    for (int64_t c0 = 0; (c0 == 0 || c0 < v->channels) && !tc_stopped(); c0 += a->slice) {
        const int64_t channels = tc_min(a->slice, v->channels - c0);
        for (int64_t which = 0; which < images; which++)
            conv_pack_planes(a->dtype, v, channels, c.i0, a->band, which, a->together,
                             at(a, source, which * job->source_image + c0 * v->h * v->w), planes);
        tc_conv_block t = {.rows = c.filters, .lines = 1, .kc = channels * conv_taps(v), .a = at(a, weight, c0 * job->w_channel),
                           .a_row = job->w_filter, .a_offset = a->filter_offset, .b = panel, .b_offset = a->panel_offset,
                           .bias = a->bias ? at(a, a->bias, c.group * job->filters + c.filter) : NULL,
                           .add = c0 > 0, .relu = job->relu && c0 + a->slice >= v->channels};
        const int64_t next = tc_min(a->slice, v->channels - c0 - a->slice);
        for (int64_t j = c.j; j < c.end; j += a->nr) {
            prefetch(a, at(a, weight, (c0 + a->slice) * job->w_channel), c.filters, next, (j - c.j) / a->nr, a->tiles);
            gather(a, &c, j, tc_min(j + a->nr, c.end), t.kc, planes, panel);
            multiply_tile(a, &c, &t, j, out, tile);
        }
    }
}

static void run_tasks(void *ctx, int64_t begin, int64_t end)
{
    panels *a = ctx;
    char *planes = tc_alloc((size_t)(planes_size(a) + panel_size(a) + a->block * a->nr) * a->item);
    if (!planes) {
        __atomic_store_n(&a->status, TC_ENOMEM, __ATOMIC_RELAXED);
        return;
    }
    char *panel = at(a, planes, planes_size(a)), *tile = at(a, panel, panel_size(a));
    for (int64_t task = begin; task < end; task++)
        run_task(a, task, planes, panel, tile);
    tc_free(planes);
}

/* ---- sizes, by shape alone ---- */

static int64_t count_tasks(const panels *a)
{
    const int64_t axes = a->merged ? 1 : a->windows->images * a->bands;
    return axes * a->windows->groups * a->cuts * a->blocks;
}

static double task_work(const panels *a)
{
    return (double)a->block * (double)(a->tiles * a->nr) * (double)tc_max(1, a->windows->channels * conv_taps(a->windows));
}

/* Panels no longer than gemm's, or an eighth more: 32 channels of 3x3 are 288 steps. Slices get shorter while the budget
 * does not hold the planes of several images; less than half of that length would read and write outputs too often, and is
 * for wide tiles alone, whose panels would leave no room for a row. */
static int64_t choose_slice(panels *a, int64_t kc, int64_t budget)
{
    const conv_windows *v = a->windows;
    const int64_t taps = tc_max(1, conv_taps(v)), most = kc + kc / 8;
    int64_t left;
    a->slices = tc_max(1, tc_ceil_div(v->channels, tc_max(1, most / taps)));
    for (;; a->slices++) {
        a->slice = tc_max(1, tc_ceil_div(v->channels, a->slices));
        left = budget - (panel_size(a) + a->block * a->nr) * (int64_t)a->item - a->slice * taps * 3 * (int64_t)sizeof(int64_t) / 2;
        const int64_t cells = a->slice * (int64_t)a->item, image = cells * conv_channel_size(v, v->oh);
        const bool enough = left >= 4 * image || (left >= cells * conv_channel_size(v, 1) && (a->slice - 1) * taps < most / 2);
        if (enough || a->slice == 1)
            break;
    }
    a->slices = tc_ceil_div(v->channels, a->slice);
    return left;
}

/* Tiles and cuts of the axes, for at most `most` tiles a task. */
static void cut_axes(panels *a, int64_t most)
{
    const conv_windows *v = a->windows;
    const int64_t tiles = tc_ceil_div((a->merged ? v->images * v->oh : a->band) * v->ow, a->nr);
    a->cuts = tc_ceil_div(tiles, tc_max(1, most));
    a->tiles = tc_ceil_div(tiles, a->cuts);
    a->cuts = tc_ceil_div(tiles, a->tiles);
    a->bands = tc_ceil_div(v->oh, a->band);
}

/* Halves the tasks: their columns while they are many, then their filters, then what is left. */
static bool split_tasks(panels *a)
{
    if (a->merged ? a->tiles > FEW_TILES || (a->tiles > 1 && a->block <= FEW_FILTERS) : a->band > 1 && a->tiles > FEW_TILES) {
        if (!a->merged)
            a->band = tc_ceil_div(a->band, 2);
        cut_axes(a, a->merged ? tc_ceil_div(a->tiles, 2) : a->tiles);
        return true;
    }
    if (a->block <= FEW_FILTERS)
        return false;
    a->block = tc_ceil_div(a->block, 2);
    a->blocks = tc_ceil_div(a->job->filters, a->block);
    return true;
}

static void choose_sizes(panels *a, int64_t kc)
{
    const conv_windows *v = a->windows;
    const int64_t item = (int64_t)a->item, pixels = v->oh * v->ow;
    a->blocks = tc_ceil_div(a->job->filters, SPILL_BYTES / (a->nr * item));
    a->block = tc_ceil_div(a->job->filters, a->blocks);
    const int64_t left = choose_slice(a, kc, a->job->budget);
    const int64_t row = a->slice * v->rows.phases * v->cols.phases * v->pitch * item;
    a->together = tc_min(v->images, left / tc_max(1, conv_plane_rows(v, v->oh) * row));
    a->merged = a->together >= 2;
    a->band = a->merged ? v->oh : conv_choose_band(v->oh, row, left - row * v->rows.range);
    /* A run of columns that starts anywhere in an image meets no more than `together` of them. */
    const int64_t reach = a->together == v->images ? v->images * pixels : (a->together - 1) * pixels + 1;
    const int64_t most = OUTPUT_BYTES / (a->block * a->nr * item);
    cut_axes(a, a->merged ? tc_min(most, reach / a->nr) : a->band * v->ow);
    while (count_tasks(a) < CONV_TASKS && task_work(a) >= 2 * (double)CONV_CHUNK_WORK && split_tasks(a))
        ;
    a->together = a->merged ? tc_min(a->together, (a->tiles * a->nr + pixels - 2) / pixels + 1) : 1;
}

int conv_panels(int dtype, const conv_apply_job *job, const void *source, const void *weight, const void *bias, void *out)
{
    const tc_gemm_kernels *gemm = tc_kernels_for(dtype)->gemm;
    const conv_windows *v = &job->windows;
    panels a = {.job = job, .windows = v, .conv = tc_kernels_for(dtype)->conv, .dtype = dtype, .nr = gemm->nr,
                .item = tc_itemsize(dtype), .source = source, .weight = weight, .bias = bias, .out = out, .status = TC_OK};
    a.adjacent = job->out_col == 1 && job->out_row == v->ow;
    choose_sizes(&a, gemm->kc);
    const int64_t steps = a.slice * conv_taps(v);
    a.filter_offset = tc_alloc((size_t)(3 * steps) * sizeof *a.filter_offset);
    if (!a.filter_offset)
        return TC_ENOMEM;
    a.plane_offset = a.filter_offset + steps;
    a.panel_offset = a.plane_offset + steps;
    conv_offsets(v, a.slice, a.band, a.together, a.plane_offset);
    for (int64_t p = 0; p < steps; p++) {
        const int64_t c = p / conv_taps(v), r = p % conv_taps(v) / v->cols.taps, s = p % v->cols.taps;
        a.filter_offset[p] = c * job->w_channel + r * job->w_row + s * job->w_col;
        a.panel_offset[p] = p * a.nr;
    }
    tc_parallel_for(count_tasks(&a), tc_max(1, (int64_t)(CONV_CHUNK_WORK / task_work(&a))), run_tasks, &a);
    tc_free(a.filter_offset);
    return a.status;
}
