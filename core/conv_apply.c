/* conv_apply.c - filters over windows (conv.h): the convolution itself, and each phase of its input gradient.
 *
 * A task is one image, group, band of output rows and block of filters. Channels come in slices: a slice's planes are
 * packed, then for each tile of outputs, whose part of the planes then lies in L1, all filters of the block pass by. Tiles
 * go to a buffer of the planes' pitch, from which the outputs that exist are copied out. */
#include "conv.h"

/* What a task keeps in L2: planes of a slice and outputs of a block. */
enum { TASK_BYTES = 192 * 1024 };

/* Filters in a block; planes are packed again for each. */
enum { BLOCK_FILTERS = 96 };

/* Multiply-adds that repay a hand-over to another thread, and the tasks wanted for a good balance. */
enum { CHUNK_WORK = 1 << 18, WANTED_TASKS = 16 };

typedef struct {
    const conv_apply_job *job;
    const tc_gemm_kernels *gemm;
    const tc_conv_kernels *conv;
    int dtype;
    size_t item;
    const char *source, *weight, *bias;
    char *out;
    int64_t depth;              /* channels * taps: length of the sums */
    int64_t slice, slices;      /* channels */
    int64_t block, blocks;      /* filters */
    int64_t band, bands;        /* output rows */
    int64_t outputs;            /* elements of a band, in whole tiles */
    bool single;                /* so few filters that one at a time is quicker */
    bool direct;                /* outputs are adjacent as they are computed */
    char *panels;               /* packed weights: group, panel of mr filters, depth */
    int64_t *offset;
    int status;
} apply;

static char *at(const apply *a, const void *base, int64_t elements)
{
    return (char *)base + elements * (int64_t)a->item;
}

static int64_t panels_per_group(const apply *a)
{
    return tc_ceil_div(a->job->filters, a->gemm->mr);
}

/* ---- weights ---- */

/* Taps and channels that follow each other at one stride are packed in one go. */
static void pack_filters(void *ctx, int64_t begin, int64_t end)
{
    const apply *a = ctx;
    const conv_apply_job *job = a->job;
    const int mr = a->gemm->mr;
    int64_t channels = job->windows.channels, rows = job->windows.rows.taps, run = job->windows.cols.taps;
    const int64_t channel_depth = rows * run;
    if (job->w_row == run * job->w_col) {
        run *= rows;
        rows = 1;
        if (job->w_channel == run * job->w_col) {
            run *= channels;
            channels = 1;
        }
    }
    for (int64_t panel = begin; panel < end; panel++) {
        const int64_t group = panel / panels_per_group(a), filter = panel % panels_per_group(a) * mr;
        const int valid = (int)tc_min(mr, job->filters - filter);
        const char *src = at(a, a->weight, group * job->w_group + filter * job->w_filter);
        char *dst = at(a, a->panels, panel * mr * a->depth);
        for (int64_t c = 0; c < channels; c++)
            for (int64_t r = 0; r < rows; r++)
                a->gemm->pack(mr, valid, run, at(a, src, c * job->w_channel + r * job->w_row), job->w_filter, job->w_col,
                              at(a, dst, (c * channel_depth + r * run) * mr));
    }
}

/* ---- one task ---- */

static void multiply_tiles(const apply *a, int64_t group, int64_t filter, int64_t filters, int64_t outputs, int64_t c0,
                           const char *planes, char *c, int64_t c_row)
{
    const int mr = a->gemm->mr, nr = a->gemm->nr;
    const int64_t taps = conv_taps(&a->job->windows);
    tc_tile t = {.kc = tc_min(a->slice, a->job->windows.channels - c0) * taps, .b_offset = a->offset, .c_row = c_row, .c_col = 1,
                 .alpha = 1, .beta = c0 > 0};
    const char *panels = at(a, a->panels, (group * panels_per_group(a) * mr + filter) * a->depth + c0 * taps * mr);
    const char *bias = a->bias && c0 == 0 ? at(a, a->bias, group * a->job->filters + filter) : NULL;
    for (int64_t j = 0; j < outputs; j += nr) {
        t.b = at(a, planes, j);
        t.cols = (int)tc_min(nr, outputs - j);
        for (int64_t i = 0; i < filters; i += mr) {
            t.a = at(a, panels, i * a->depth);
            t.rows = (int)tc_min(mr, filters - i);
            t.c = at(a, c, i * c_row + j);
            t.row_bias = bias ? at(a, bias, i) : NULL;
            a->gemm->tile(&t);
        }
    }
}

static double bias_of(const apply *a, int64_t filter)
{
    if (!a->bias)
        return 0;
    return a->dtype == TC_F32 ? ((const float *)(const void *)a->bias)[filter] : ((const double *)(const void *)a->bias)[filter];
}

/* The weights of filter f are lane f % mr of its panel. */
static void multiply_rows(const apply *a, int64_t group, int64_t outputs, const char *planes, char *c)
{
    const int mr = a->gemm->mr;
    for (int64_t f = 0; f < a->job->filters; f++) {
        const char *weight = at(a, a->panels, (group * panels_per_group(a) + f / mr) * mr * a->depth + f % mr);
        a->conv->row(outputs, a->depth, weight, mr, a->offset, planes, bias_of(a, group * a->job->filters + f),
                     at(a, c, f * a->outputs));
    }
}

static void run_task(const apply *a, int64_t task, char *planes, char *buffer)
{
    const conv_apply_job *job = a->job;
    const conv_windows *v = &job->windows;
    const int64_t block = task % a->blocks, rest = task / a->blocks;
    const int64_t i0 = rest % a->bands * a->band, group = rest / a->bands % v->groups, image = rest / a->bands / v->groups;
    const int64_t rows = tc_min(a->band, v->oh - i0), outputs = conv_band_size(v, rows);
    const int64_t filter = block * a->block, filters = tc_min(a->block, job->filters - filter);
    const char *source = at(a, a->source, image * job->source_image + group * job->source_group);
    char *out = at(a, a->out, image * job->out_image + group * job->out_group + filter * job->out_filter + i0 * job->out_row);
    for (int64_t c0 = 0; c0 == 0 || c0 < v->channels; c0 += a->slice) {
        const int64_t channels = tc_min(a->slice, v->channels - c0);
        conv_pack_planes(a->dtype, v, channels, i0, a->band, 0, 1, at(a, source, c0 * v->h * v->w), planes);
        /* The last tile reads on, for outputs that nobody keeps. */
        memset(at(a, planes, channels * conv_channel_size(v, a->band)), 0, (size_t)a->gemm->nr * a->item);
        if (a->single)
            multiply_rows(a, group, outputs, planes, buffer);
        else if (a->direct)
            multiply_tiles(a, group, filter, filters, outputs, c0, planes, out, job->out_filter);
        else
            multiply_tiles(a, group, filter, filters, tc_ceil_div(outputs, a->gemm->nr) * a->gemm->nr, c0, planes, buffer,
                           a->outputs);
    }
    /* While the outputs are in L2. */
    for (int64_t f = 0; f < filters && job->relu; f++)
        a->conv->relu(outputs, a->direct ? at(a, out, f * job->out_filter) : at(a, buffer, f * a->outputs));
    for (int64_t f = 0; f < filters && !a->direct; f++)
        a->conv->unpack(rows, v->ow, at(a, buffer, f * a->outputs), v->pitch, at(a, out, f * job->out_filter), job->out_row,
                        job->out_col);
}

static void run_tasks(void *ctx, int64_t begin, int64_t end)
{
    apply *a = ctx;
    const int64_t planes_size = a->slice * conv_channel_size(&a->job->windows, a->band) + a->gemm->nr;
    const int64_t buffer_size = a->direct ? 0 : a->block * a->outputs;
    char *planes = tc_alloc((size_t)(planes_size + buffer_size) * a->item);
    if (!planes) {
        __atomic_store_n(&a->status, TC_ENOMEM, __ATOMIC_RELAXED);
        return;
    }
    for (int64_t task = begin; task < end; task++)
        run_task(a, task, planes, at(a, planes, planes_size));
    tc_free(planes);
}

/* ---- sizes, by shape alone ---- */

static int64_t count_tasks(const apply *a)
{
    return a->job->windows.images * a->job->windows.groups * a->bands * a->blocks;
}

static void choose_sizes(apply *a)
{
    const conv_windows *v = &a->job->windows;
    const int64_t taps = conv_taps(v), mr = a->gemm->mr, nr = a->gemm->nr;
    a->depth = v->channels * taps;
    /* Planes overlap from tap to tap, so sums twice as long as those of packed panels leave as much of L1. */
    const int64_t most = tc_max(1, 2 * a->gemm->kc / tc_max(1, taps));
    a->slices = tc_max(1, tc_ceil_div(v->channels, most));
    a->slice = tc_max(1, tc_ceil_div(v->channels, a->slices));
    /* The tile of one or two filters has too few sums in flight; conv.row has more, of one. */
    a->single = a->job->filters <= 2 && a->slices == 1;
    a->blocks = tc_ceil_div(a->job->filters, BLOCK_FILTERS);
    a->block = tc_ceil_div(tc_ceil_div(a->job->filters, a->blocks), mr) * mr;
    a->blocks = tc_ceil_div(a->job->filters, a->block);
    a->direct = !a->single && v->pitch == v->ow && a->job->out_col == 1 && a->job->out_row == v->ow;
    const int64_t planes_row = a->slice * v->rows.phases * v->cols.phases * v->pitch;
    a->band = conv_choose_band(v->oh, (planes_row + a->block * v->pitch) * (int64_t)a->item, TASK_BYTES);
    for (;;) {
        a->bands = tc_ceil_div(v->oh, a->band);
        if (count_tasks(a) >= WANTED_TASKS || a->band == 1 || conv_band_size(v, a->band) < 8 * nr)
            break;
        a->band = tc_ceil_div(a->band, 2);
    }
    a->outputs = tc_ceil_div(conv_band_size(v, a->band), nr) * nr;
}

int conv_apply(int dtype, const conv_apply_job *job, const void *source, const void *weight, const void *bias, void *out)
{
    apply a = {.job = job, .gemm = tc_kernels_for(dtype)->gemm, .conv = tc_kernels_for(dtype)->conv, .dtype = dtype,
               .item = tc_itemsize(dtype), .source = source, .weight = weight, .bias = bias, .out = out, .status = TC_OK};
    const conv_windows *v = &job->windows;
    if (v->oh == 0 || v->ow == 0 || v->images == 0 || job->filters == 0)
        return TC_OK;
    choose_sizes(&a);
    const int64_t panels = v->groups * panels_per_group(&a), panel_size = a.gemm->mr * a.depth;
    a.panels = tc_alloc((size_t)(panels * panel_size) * a.item);
    a.offset = tc_alloc((size_t)(a.slice * conv_taps(v)) * sizeof *a.offset);
    if (a.panels && a.offset) {
        conv_offsets(v, a.slice, a.band, 1, a.offset);
        tc_parallel_for(panels, tc_max(1, CHUNK_WORK / 16 / tc_max(1, panel_size)), pack_filters, &a);
        const double work = (double)a.block * (double)a.outputs * (double)tc_max(1, a.depth);
        tc_parallel_for(count_tasks(&a), tc_max(1, (int64_t)(CHUNK_WORK / work)), run_tasks, &a);
    } else {
        a.status = TC_ENOMEM;
    }
    tc_free(a.panels);
    tc_free(a.offset);
    return a.status;
}
