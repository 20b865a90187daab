/* norm.c - batch normalisation: how (n, c, inner) is cut into tasks, and the few numbers a channel that go between passes. */
#include "internal.h"

/* Elements in one task: some 10 us of work, and few enough that float sums of inner == 1 stay accurate. */
#define NORM_TASK 32768

/* How the batch is cut: blocks of channels times chunks of images, by shape alone, so that partial sums, combined in
 * the order of the chunks, never depend on threads. */
typedef struct {
    int64_t channels, images; /* of one task */
    int64_t blocks, chunks;
    int64_t grain;
} norm_cut;

static norm_cut cut(int64_t n, int64_t c, int64_t inner, int64_t channels)
{
    norm_cut k;

    k.channels = tc_max(tc_min(channels, NORM_CHANNELS), 1);
    k.images = tc_max(NORM_TASK / (k.channels * inner), 1);
    k.blocks = tc_ceil_div(c, k.channels);
    k.chunks = tc_ceil_div(n, k.images);
    k.grain = tc_ceil_div(NORM_TASK / 2, k.channels * tc_min(k.images, n) * inner + 1);
    return k;
}

/* For sums: few channels and many images, so that there are few partial sums; 2048 elements in a row keep reading fast. */
static norm_cut cut_for_sums(int64_t n, int64_t c, int64_t inner)
{
    return cut(n, c, inner, inner == 1 ? NORM_CHANNELS : 2048 / inner);
}

/* For maps: as much in a row as a task holds. */
static norm_cut cut_for_maps(int64_t n, int64_t c, int64_t inner)
{
    return cut(n, c, inner, tc_max(tc_min(c, NORM_TASK / inner), 1));
}

typedef struct {
    int dtype, training, relu;
    int64_t n, c, inner;
    norm_cut cut;
    double eps;
    const char *dy, *x;
    const void *mean, *var, *weight, *bias;
    char *y;                 /* y or dx */
    double *first, *second;  /* (chunks, c): partial means and squares, or sums of dy and of dy (x - mean) */
    double *sum, *dot;       /* (c): the sums over the batch */
} norm_task;

/* One task: its images, channels, and where its first image lies, in bytes. */
typedef struct {
    int64_t chunk, images, first, last;
    size_t offset;
} norm_part;

static norm_part part_at(const norm_task *t, int64_t index)
{
    norm_part part;

    part.chunk = index / t->cut.blocks;
    part.images = tc_min(t->cut.images, t->n - part.chunk * t->cut.images);
    part.first = index % t->cut.blocks * t->cut.channels;
    part.last = tc_min(part.first + t->cut.channels, t->c);
    part.offset = (size_t)(part.chunk * t->cut.images * t->c * t->inner) * tc_itemsize(t->dtype);
    return part;
}

static double value_at(int dtype, const void *values, int64_t k, double otherwise)
{
    if (!values)
        return otherwise;
    return dtype == TC_F32 ? (double)((const float *)values)[k] : ((const double *)values)[k];
}

static void put(int dtype, void *values, int64_t k, double value)
{
    if (dtype == TC_F32)
        ((float *)values)[k] = (float)value;
    else
        ((double *)values)[k] = value;
}

static double inverse_deviation(const norm_task *t, int64_t ch)
{
    return 1 / sqrt(value_at(t->dtype, t->var, ch, 0) + t->eps);
}

/* The lines of the channels [first, last). With r = 1 / sqrt(var + eps), S = sum dy, D = sum dy (x - mean) over M elements of the
 * channel: dx = w r (dy - S / M - (x - mean) r^2 D / M); in evaluation mean and var are constants and only w r dy is left. */
static void find_lines(const norm_task *t, int64_t first, int64_t last, tc_norm_lines *lines)
{
    const double count = (double)(t->n * t->inner);

    lines->relu = t->relu;
    lines->mean = t->mean;
    for (int64_t k = 0; k < last - first; k++) {
        const double r = inverse_deviation(t, first + k), scale = r * value_at(t->dtype, t->weight, first + k, 1);
        const bool through = t->sum && t->training;

        lines->scale[k] = scale;
        lines->shift[k] = value_at(t->dtype, t->bias, first + k, 0);
        lines->slope[k] = through ? -scale * r * r * t->dot[first + k] / count : 0;
        lines->rest[k] = through ? -scale * t->sum[first + k] / count : 0;
    }
}

static void run(norm_task *t, tc_range_fn fn)
{
    tc_parallel_for(t->cut.blocks * t->cut.chunks, t->cut.grain, fn, t);
}

static void moments_range(void *ctx, int64_t begin, int64_t end)
{
    const norm_task *t = ctx;

    for (int64_t index = begin; index < end; index++) {
        const norm_part part = part_at(t, index);

        tc_kernels_for(t->dtype)->norm->moments(part.images, t->c, t->inner, part.first, part.last, t->x + part.offset,
                                                t->first + part.chunk * t->c, t->second + part.chunk * t->c);
    }
}

/* Moments of a channel over all chunks: the mean of means, then the squares about it, which loses nothing. */
static void join_chunks(const norm_task *t, int64_t ch, double *mean, double *var)
{
    double sum = 0, squares = 0;

    for (int64_t k = 0; k < t->cut.chunks; k++)
        sum += t->first[k * t->c + ch] * (double)tc_min(t->cut.images, t->n - k * t->cut.images);
    *mean = sum / (double)t->n;
    for (int64_t k = 0; k < t->cut.chunks; k++) {
        const double delta = t->first[k * t->c + ch] - *mean;

        squares += t->second[k * t->c + ch] +
                   delta * delta * (double)(tc_min(t->cut.images, t->n - k * t->cut.images) * t->inner);
    }
    *var = squares / (double)(t->n * t->inner);
}

int tc_batch_norm_stats(int dtype, int64_t n, int64_t c, int64_t inner, const void *x, void *mean, void *var)
{
    norm_task task = {.dtype = dtype, .n = n, .c = c, .inner = inner, .cut = cut_for_sums(n, c, inner), .x = x};
    const size_t partials = (size_t)(task.cut.chunks * c);

    task.first = tc_alloc(2 * partials * sizeof(double));
    if (!task.first)
        return TC_ENOMEM;
    task.second = task.first + partials;
    run(&task, moments_range);
    for (int64_t ch = 0; ch < c; ch++) {
        double m, v;

        join_chunks(&task, ch, &m, &v);
        put(dtype, mean, ch, m);
        put(dtype, var, ch, v);
    }
    tc_free(task.first);
    return TC_OK;
}

static void apply_range(void *ctx, int64_t begin, int64_t end)
{
    const norm_task *t = ctx;

    for (int64_t index = begin; index < end; index++) {
        const norm_part part = part_at(t, index);
        tc_norm_lines lines;

        find_lines(t, part.first, part.last, &lines);
        tc_kernels_for(t->dtype)->norm->apply(part.images, t->c, t->inner, part.first, part.last, &lines, t->x + part.offset,
                                              t->y + part.offset);
    }
}

void tc_batch_norm(int relu, int dtype, int64_t n, int64_t c, int64_t inner, double eps, const void *x, const void *mean,
                   const void *var, const void *weight, const void *bias, void *y)
{
    norm_task task = {.dtype = dtype, .relu = relu, .n = n, .c = c, .inner = inner, .cut = cut_for_maps(n, c, inner), .eps = eps,
                      .x = x, .mean = mean, .var = var, .weight = weight, .bias = bias, .y = y};

    run(&task, apply_range);
}

static void slopes_range(void *ctx, int64_t begin, int64_t end)
{
    const norm_task *t = ctx;

    for (int64_t index = begin; index < end; index++) {
        const norm_part part = part_at(t, index);
        tc_norm_lines lines;

        find_lines(t, part.first, part.last, &lines);
        tc_kernels_for(t->dtype)->norm->slopes(part.images, t->c, t->inner, part.first, part.last, &lines, t->dy + part.offset,
                                               t->x + part.offset, t->first + part.chunk * t->c, t->second + part.chunk * t->c);
    }
}

static void grad_range(void *ctx, int64_t begin, int64_t end)
{
    const norm_task *t = ctx;

    for (int64_t index = begin; index < end; index++) {
        const norm_part part = part_at(t, index);
        tc_norm_lines lines;

        find_lines(t, part.first, part.last, &lines);
        tc_kernels_for(t->dtype)->norm->grad(part.images, t->c, t->inner, part.first, part.last, &lines, t->dy + part.offset,
                                             t->x + part.offset, t->y + part.offset);
    }
}

/* Fills t->sum and t->dot. */
static void sum_slopes(norm_task *t)
{
    run(t, slopes_range);
    t->sum = t->second + t->cut.chunks * t->c;
    t->dot = t->sum + t->c;
    for (int64_t ch = 0; ch < t->c; ch++) {
        t->sum[ch] = t->dot[ch] = 0;
        for (int64_t k = 0; k < t->cut.chunks; k++) {
            t->sum[ch] += t->first[k * t->c + ch];
            t->dot[ch] += t->second[k * t->c + ch];
        }
    }
}

int tc_batch_norm_grad(int training, int relu, int dtype, int64_t n, int64_t c, int64_t inner, double eps, const void *dy,
                       const void *x, const void *mean, const void *var, const void *weight, const void *bias, void *dx,
                       void *dweight, void *dbias)
{
    norm_task task = {.dtype = dtype, .training = training, .relu = relu, .n = n, .c = c, .inner = inner,
                      .cut = cut_for_sums(n, c, inner), .eps = eps, .dy = dy, .x = x, .mean = mean, .var = var,
                      .weight = weight, .bias = bias, .y = dx};
    const size_t partials = (size_t)(task.cut.chunks * c);

    if (training || dweight || dbias) {
        task.first = tc_alloc(2 * (partials + (size_t)c) * sizeof(double));
        if (!task.first)
            return TC_ENOMEM;
        task.second = task.first + partials;
        sum_slopes(&task);
    }
    for (int64_t ch = 0; ch < c; ch++) {
        if (dweight)
            put(dtype, dweight, ch, task.dot[ch] * inverse_deviation(&task, ch));
        if (dbias)
            put(dtype, dbias, ch, task.sum[ch]);
    }
    task.cut = cut_for_maps(n, c, inner);
    if (dx)
        run(&task, grad_range);
    tc_free(task.first);
    return TC_OK;
}
