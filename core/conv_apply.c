/* conv_apply.c - filters over windows (conv.h): the convolution itself, and each phase of its input gradient.
 *
 * Two ways, of which conv_apply() takes the cheaper. Here the columns are read from planes as they stand (conv.h): nothing
 * is copied for each tap, but a few columns are computed in vain and the outputs need sorting. conv_panels.c gathers the
 * columns into panels: full tiles whatever the width of the image, if there are filters enough to repay it.
 *
 * A task here is one image, group, band of output rows and block of filters. Channels come in slices: a slice's planes are
 * packed, then for each tile of outputs, whose part of the planes then lies in L1, all filters of the block pass by (or, if
 * all planes lie in L1, all tiles for some filters). Where rows of outputs fill tiles well, tiles overlap at the end of a row
 * and are written where they belong. Otherwise tiles go on from row to row, over the padding between, to a buffer of the
 * planes' pitch, from which the outputs that exist are copied out. */
#include "conv.h"

/* Filters in a block; planes are packed again for each. */
enum { BLOCK_FILTERS = 96 };

/* What gathering a step of a panel costs, at least and for each piece, and what a vector of outputs costs on its way through the
 * buffer, in vectors of multiply-adds. */
static const double GATHER_COST = 1.5, COPY_COST = 4;

/* Planes of a task that stay in L1 with the weights of a tile's filters. */
enum { L1_BYTES = 16 * 1024 };

typedef struct {
    const conv_apply_job *job;
    conv_windows windows;       /* the job's, rows sharing their padding */
    const tc_conv_kernels *conv;
    int dtype, nr;
    size_t item;
    const char *source, *weight, *bias;
    char *out;
    int64_t shared;             /* cells of padding that two rows share */
    int64_t slice, slices;      /* channels */
    int64_t block, blocks;      /* filters */
    int64_t band, bands;        /* output rows */
    int64_t outputs;            /* elements of a band, in whole tiles */
    bool direct;                /* outputs are adjacent as they are computed */
    bool by_lines;              /* tiles end with the row */
    bool by_filters;            /* all planes stay in L1 */
    int tables;                 /* of offsets: for a slice, and for the last one if that is shorter */
    int64_t *filter_offset[2], *plane_offset[2];
    int status;
} apply;

static char *at(const apply *a, const void *base, int64_t elements)
{
    return (char *)base + elements * (int64_t)a->item;
}

/* ---- one task ---- */

/* Steps [*first, *last) of a sum, in units of one tap row, are those whose pixels for some output row in [i, end) are not
 * all padding. */
static void rows_met(const conv_windows *v, int64_t i, int64_t end, int64_t *first, int64_t *last)
{
    const conv_axis *rows = &v->rows;
    *first = rows->taps;
    *last = 0;
    for (int64_t r = 0; r < rows->taps; r++) {
        const int64_t pixel = rows->first + r * rows->spacing;
        if (pixel + i * rows->step < v->h && pixel + (end - 1) * rows->step >= 0) {
            *first = tc_min(*first, r);
            *last = r + 1;
        }
    }
    *first = tc_min(*first, *last);
}

/* Steps are sorted by tap rows, so that those which meet nothing but padding, above or below the image, are left out. */
static void multiply_tiles(const apply *a, tc_conv_block *t, int64_t i0, int64_t rows, int64_t outputs, const int64_t *filter_offset,
                           const int64_t *plane_offset, int64_t steps_per_row)
{
    const conv_windows *v = &a->windows;
    const char *planes = t->b;
    char *c = t->c;
    for (int64_t j = 0; j < outputs;) {
        int64_t first, last, next_first, next_last, end = j;
        rows_met(v, i0 + j / v->pitch, i0 + tc_min((j + a->nr - 1) / v->pitch + 1, rows), &first, &last);
        do {
            end += a->nr;
            rows_met(v, i0 + tc_min(end / v->pitch, rows - 1), i0 + tc_min((end + a->nr - 1) / v->pitch + 1, rows), &next_first,
                     &next_last);
        } while (end < outputs && next_first == first && next_last == last);
        t->a_offset = filter_offset + first * steps_per_row;
        t->b_offset = plane_offset + first * steps_per_row;
        t->kc = (last - first) * steps_per_row;
        t->b = at(a, planes, j);
        t->c = at(a, c, j);
        t->cols = tc_min(end, outputs) - j;
        a->conv->block(t);
        j = end;
    }
}

/* The same a row at a time; t->c is where the first row belongs. */
static void multiply_lines(const apply *a, tc_conv_block *t, int64_t i0, int64_t rows, const int64_t *filter_offset,
                           const int64_t *plane_offset, int64_t steps_per_row)
{
    const conv_windows *v = &a->windows;
    const char *planes = t->b;
    char *c = t->c;
    for (int64_t i = 0, end; i < rows; i = end) {
        int64_t first, last, next_first, next_last;
        rows_met(v, i0 + i, i0 + i + 1, &first, &last);
        for (end = i + 1; end < rows; end++) {
            rows_met(v, i0 + end, i0 + end + 1, &next_first, &next_last);
            if (next_first != first || next_last != last)
                break;
        }
        t->a_offset = filter_offset + first * steps_per_row;
        t->b_offset = plane_offset + first * steps_per_row;
        t->kc = (last - first) * steps_per_row;
        t->b = at(a, planes, i * v->pitch);
        t->c = at(a, c, i * a->job->out_row);
        t->lines = end - i;
        a->conv->block(t);
    }
}

static void run_task(const apply *a, int64_t task, char *planes, char *buffer)
{
    const conv_apply_job *job = a->job;
    const conv_windows *v = &a->windows;
    const int64_t block = task % a->blocks, rest = task / a->blocks;
    const int64_t i0 = rest % a->bands * a->band, group = rest / a->bands % v->groups, image = rest / a->bands / v->groups;
    const int64_t rows = tc_min(a->band, v->oh - i0), outputs = conv_band_size(v, rows);
    const int64_t filter = block * a->block, filters = tc_min(a->block, job->filters - filter);
    const char *source = at(a, a->source, image * job->source_image + group * job->source_group);
    const char *weight = at(a, a->weight, group * job->w_group + filter * job->w_filter);
    char *out = at(a, a->out, image * job->out_image + group * job->out_group + filter * job->out_filter + i0 * job->out_row);
    for (int64_t c0 = 0; (c0 == 0 || c0 < v->channels) && !tc_stopped(); c0 += a->slice) {
        const int64_t channels = tc_min(a->slice, v->channels - c0);
        const bool last = c0 + a->slice >= v->channels;
        conv_pack_planes(a->dtype, v, channels, i0, a->band, 0, 1, at(a, source, c0 * v->h * v->w), planes);
        /* The last tile reads on, for outputs that nobody keeps; the last row, for the padding it shares with no other. */
        memset(at(a, planes, channels * conv_channel_size(v, a->band)), 0, (size_t)(a->nr + a->shared) * a->item);
        const bool in_place = a->direct || a->by_lines;
        const int table = last && a->tables > 1;
        tc_conv_block t = {.rows = filters, .a = at(a, weight, c0 * job->w_channel), .a_row = job->w_filter, .b = planes,
                           .c = in_place ? out : buffer, .c_row = in_place ? job->out_filter : a->outputs, .cols = v->ow,
                           .lines = 1, .b_line = v->pitch, .c_line = job->out_row,
                           .bias = a->bias ? at(a, a->bias, group * job->filters + filter) : NULL,
                           .add = c0 > 0, .relu = job->relu && last, .by_filters = a->by_filters};
        if (a->by_lines)
            multiply_lines(a, &t, i0, rows, a->filter_offset[table], a->plane_offset[table], channels * v->cols.taps);
        else
            multiply_tiles(a, &t, i0, rows, a->direct ? outputs : tc_ceil_div(outputs, a->nr) * a->nr, a->filter_offset[table],
                           a->plane_offset[table], channels * v->cols.taps);
    }
    for (int64_t f = 0; f < filters && !a->direct && !a->by_lines; f++)
        a->conv->copy(rows, v->ow, at(a, buffer, f * a->outputs), v->pitch, 1, at(a, out, f * job->out_filter), job->out_row,
                      job->out_col);
}

static void run_tasks(void *ctx, int64_t begin, int64_t end)
{
    apply *a = ctx;
    const int64_t planes_size = a->slice * conv_channel_size(&a->windows, a->band) + a->nr + a->shared;
    const int64_t buffer_size = a->direct || a->by_lines ? 0 : a->block * a->outputs;
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
    return a->windows.images * a->windows.groups * a->bands * a->blocks;
}

/* Outputs that are computed for each that is asked for, and their copies in units of a step of their sums: over the planes,
 * and in whole rows. The latter may not be added to, for tiles overlap, so channels may not come in slices; and one or two
 * filters want tiles that are wider than rows are as a rule (conv_block_tpl.h). */
static double planes_cost(const apply *a)
{
    const conv_windows *v = &a->windows;
    const double outputs = ceil((double)conv_band_size(v, v->oh) / a->nr) * a->nr / (double)(v->oh * v->ow);
    return outputs + (a->direct ? 0 : COPY_COST / (double)tc_max(1, v->channels * conv_taps(v)));
}

static double lines_cost(const apply *a)
{
    const int64_t ow = a->windows.ow;
    if (a->slices > 1 || a->job->out_col != 1 || ow < a->nr || a->job->filters <= 2)
        return INFINITY;
    return (double)(tc_ceil_div(ow, a->nr) * a->nr) / (double)ow;
}

static void choose_way(apply *a, int64_t kc)
{
    const conv_windows *v = &a->windows;
    /* Planes overlap from tap to tap, so sums twice as long as those of packed panels leave as much of L1. */
    const int64_t most = tc_max(1, 2 * kc / tc_max(1, conv_taps(v)));
    a->slices = tc_max(1, tc_ceil_div(v->channels, most));
    a->slice = tc_max(1, tc_ceil_div(v->channels, a->slices));
    a->direct = v->pitch == v->ow && a->job->out_col == 1 && a->job->out_row == v->ow;
    a->by_lines = lines_cost(a) < planes_cost(a);
}

static void choose_sizes(apply *a)
{
    const conv_windows *v = &a->windows;
    const int64_t taps = conv_taps(v), item = (int64_t)a->item;
    a->blocks = tc_ceil_div(a->job->filters, BLOCK_FILTERS);
    a->block = tc_ceil_div(a->job->filters, a->blocks);
    a->tables = a->slices > 1 && a->slices * a->slice != v->channels ? 2 : 1;
    const int64_t tables_bytes = a->tables * a->slice * taps * 2 * (int64_t)sizeof(int64_t);
    const int64_t planes_row = a->slice * v->rows.phases * v->cols.phases * v->pitch * item;
    const int64_t buffer_row = a->direct || a->by_lines ? 0 : a->block * v->pitch * item;
    /* What does not grow with the band: tables, rows that taps reach, and what tiles read and write past the last row. */
    const int64_t tiles = (a->nr + a->shared + (buffer_row > 0 ? a->block * (a->nr - 1) : 0)) * item;
    a->band = conv_choose_band(v->oh, planes_row + buffer_row,
                               a->job->budget - tables_bytes / 2 - planes_row * v->rows.range - tiles);
    for (;;) {
        a->bands = tc_ceil_div(v->oh, a->band);
        if (count_tasks(a) >= CONV_TASKS || a->band == 1 || conv_band_size(v, a->band) < 8 * a->nr)
            break;
        a->band = tc_ceil_div(a->band, 2);
    }
    a->outputs = tc_ceil_div(conv_band_size(v, a->band), a->nr) * a->nr;
    a->by_filters = a->slice * conv_channel_size(v, a->band) * item <= L1_BYTES;
}

/* ---- the two ways ---- */

static void fill_offsets(const apply *a, int64_t channels, int64_t *filter, int64_t *plane)
{
    const conv_apply_job *job = a->job;
    const conv_windows *v = &a->windows;
    for (int64_t r = 0; r < v->rows.taps; r++)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t s = 0; s < v->cols.taps; s++) {
                *filter++ = c * job->w_channel + r * job->w_row + s * job->w_col;
                *plane++ = conv_offset(v, a->band, 1, c, r, s);
            }
}

static int from_planes(apply *a)
{
    choose_sizes(a);
    const conv_windows *v = &a->windows;
    const int64_t taps = conv_taps(v), last = v->channels - (a->slices - 1) * a->slice, steps = a->slice * taps;
    int64_t *offset = tc_alloc((size_t)(2 * a->tables * steps) * sizeof *offset);
    if (!offset)
        return TC_ENOMEM;
    for (int n = 0; n < a->tables; n++) {
        a->filter_offset[n] = offset + 2 * n * steps;
        a->plane_offset[n] = a->filter_offset[n] + steps;
        fill_offsets(a, n ? last : a->slice, a->filter_offset[n], a->plane_offset[n]);
    }
    const double work = (double)a->block * (double)a->outputs * (double)tc_max(1, v->channels * taps);
    tc_parallel_for(count_tasks(a), tc_max(1, (int64_t)(CONV_CHUNK_WORK / work)), run_tasks, a);
    tc_free(offset);
    return a->status;
}

/* In vector instructions, for a step of the sums and a tile of outputs: a filter costs one multiply-add a vector. Where the
 * outputs go costs about as much either way: short runs straight to memory, or a copy in the cache and longer runs. */
static bool panels_are_cheaper(const apply *a)
{
    const conv_windows *v = &a->windows;
    const double filters = (double)a->job->filters, nr = a->nr;
    const double pieces = 1 + (v->pitch == v->ow ? 0 : nr / (double)v->ow);
    const double outputs = ceil((double)conv_band_size(v, v->oh) / nr) * nr / (double)(v->oh * v->ow);
    return filters + GATHER_COST * (1 + pieces) < filters * fmin(outputs, lines_cost(a));
}

int conv_apply(int dtype, const conv_apply_job *job, const void *source, const void *weight, const void *bias, void *out)
{
    apply a = {.job = job, .windows = job->windows, .conv = tc_kernels_for(dtype)->conv, .dtype = dtype,
               .nr = tc_kernels_for(dtype)->gemm->nr, .item = tc_itemsize(dtype), .source = source, .weight = weight,
               .bias = bias, .out = out, .status = TC_OK};
    const conv_windows *v = &job->windows;
    if (v->oh == 0 || v->ow == 0 || v->images == 0 || job->filters == 0)
        return TC_OK;
    a.shared = conv_shared_columns(v);
    a.windows.pitch -= a.shared;
    choose_way(&a, tc_kernels_for(dtype)->gemm->kc);
    if (panels_are_cheaper(&a))
        return conv_panels(dtype, job, source, weight, bias, out);
    return from_planes(&a);
}
