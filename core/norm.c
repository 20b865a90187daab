/* norm.c - batch normalisation: how (n, c, inner) is cut into tasks, and the few numbers a channel that go between passes.
 *
 * A call has up to three steps: sums over the batch (moments, or the gradient's slopes), the numbers that each channel gets from
 * them, and a map over all elements. (One task doing all steps for a few channels, to find its data in the cache again, was
 * slower: channels lie powers of two apart, and a cache keeps few of such lines.) */
#include "internal.h"

/* Elements in one task: some 10 us of work, and few enough that float sums of inner == 1 stay accurate. */
#define NORM_TASK 32768

/* Channels side by side (inner == 1) that are summed together: four vectors of the widest instruction set. */
#define NORM_COLUMNS 64

/* Elements in a row from which on reading is as fast as it gets; more only means more partial sums. */
#define NORM_RUN 8192

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

    k.channels = tc_max(tc_min(channels, c), 1);
    k.images = tc_max(NORM_TASK / (k.channels * inner), 1);
    k.blocks = tc_ceil_div(c, k.channels);
    k.chunks = tc_ceil_div(n, k.images);
    k.grain = tc_ceil_div(NORM_TASK / 2, k.channels * tc_min(k.images, n) * inner + 1);
    return k;
}

/* For sums: few channels and many images, so that there are few partial sums. */
static norm_cut cut_for_sums(int64_t n, int64_t c, int64_t inner)
{
    return cut(n, c, inner, inner == 1 ? NORM_COLUMNS : NORM_RUN / inner);
}

/* For maps: as much in a row as a task holds. */
static norm_cut cut_for_maps(int64_t n, int64_t c, int64_t inner)
{
    return cut(n, c, inner, NORM_TASK / inner);
}

/* One task: its images, channels, and where its first image lies, in bytes. */
typedef struct {
    int64_t chunk, images, first, last;
    size_t offset;
} norm_part;

typedef struct norm_task {
    int dtype, training, relu;
    int64_t n, c, inner;
    norm_cut cut;
    double eps;
    const char *dy, *x;
    void *mean, *var;        /* found first in training's forward pass, else given */
    const void *weight, *bias;
    char *y;                 /* y or dx */
    double momentum;
    void *running_mean, *running_var;
    void *dweight, *dbias;
    double *first, *second;  /* (chunks, c): partial means and squares, or sums of dy and of dy (x - mean) */
    tc_norm_lines lines;
    /* The steps; NULL where there is none. */
    void (*sums)(const struct norm_task *t, const norm_part *part);
    void (*join)(const struct norm_task *t, int64_t first, int64_t last);
    void (*map)(const struct norm_task *t, const norm_part *part);
} norm_task;

static norm_part part_at(const norm_task *t, int64_t chunk, int64_t block)
{
    norm_part part;

    part.chunk = chunk;
    part.images = tc_min(t->cut.images, t->n - chunk * t->cut.images);
    part.first = block * t->cut.channels;
    part.last = tc_min(part.first + t->cut.channels, t->c);
    part.offset = (size_t)(chunk * t->cut.images * t->c * t->inner) * tc_itemsize(t->dtype);
    return part;
}

static void put(int dtype, void *values, int64_t k, double value)
{
    if (!values)
        return;
    if (dtype == TC_F32)
        ((float *)values)[k] = (float)value;
    else
        ((double *)values)[k] = value;
}

/* ---- numbers of the channels [first, last) ---- */

/* What the maps need: sum and dot are NULL, or the sums S of dy and D of dy (x - mean). With r = 1 / sqrt(var + eps) and M
 * elements of the channel, dx = w r (dy - S / M - (x - mean) r^2 D / M); in evaluation mean and var are constants and only w r dy
 * is left. */
static void put_line(const norm_task *t, int64_t ch, double r, double sum, double dot)
{
    const double count = (double)(t->n * t->inner), scale = r * tc_value_at(t->dtype, t->weight, ch, 1);

    put(t->dtype, t->lines.scale, ch, scale);
    put(t->dtype, t->lines.shift, ch, tc_value_at(t->dtype, t->bias, ch, 0));
    put(t->dtype, t->lines.slope, ch, -scale * r * r * dot / count);
    put(t->dtype, t->lines.rest, ch, -scale * sum / count);
}

static double inverse_deviation(const norm_task *t, int64_t ch)
{
    return 1 / sqrt(tc_value_at(t->dtype, t->var, ch, 0) + t->eps);
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

/* The running value moved towards the batch's. */
static void move(const norm_task *t, void *running, int64_t ch, double value)
{
    put(t->dtype, running, ch, (1 - t->momentum) * tc_value_at(t->dtype, running, ch, 0) + t->momentum * value);
}

static void join_moments(const norm_task *t, int64_t first, int64_t last)
{
    const double count = (double)(t->n * t->inner);

    for (int64_t ch = first; ch < last; ch++) {
        double mean, var;

        join_chunks(t, ch, &mean, &var);
        put(t->dtype, t->mean, ch, mean);
        put(t->dtype, t->var, ch, var);
        move(t, t->running_mean, ch, mean);
        move(t, t->running_var, ch, var * (count / (count - 1)));
        if (t->map)
            put_line(t, ch, inverse_deviation(t, ch), 0, 0);
    }
}

static void join_slopes(const norm_task *t, int64_t first, int64_t last)
{
    for (int64_t ch = first; ch < last; ch++) {
        const double r = inverse_deviation(t, ch);
        double sum = 0, dot = 0;

        for (int64_t k = 0; k < t->cut.chunks; k++) {
            sum += t->first[k * t->c + ch];
            dot += t->second[k * t->c + ch];
        }
        put(t->dtype, t->dweight, ch, dot * r);
        put(t->dtype, t->dbias, ch, sum);
        if (t->map)
            put_line(t, ch, r, t->training ? sum : 0, t->training ? dot : 0);
    }
}

/* ---- the kernels on one part ---- */

static void moments_part(const norm_task *t, const norm_part *p)
{
    tc_kernels_for(t->dtype)->norm->moments(p->images, t->c, t->inner, p->first, p->last, t->x + p->offset,
                                            t->first + p->chunk * t->c, t->second + p->chunk * t->c);
}

static void slopes_part(const norm_task *t, const norm_part *p)
{
    tc_kernels_for(t->dtype)->norm->slopes(p->images, t->c, t->inner, p->first, p->last, &t->lines, t->dy + p->offset,
                                           t->x + p->offset, t->first + p->chunk * t->c, t->second + p->chunk * t->c);
}

static void apply_part(const norm_task *t, const norm_part *p)
{
    tc_kernels_for(t->dtype)->norm->apply(p->images, t->c, t->inner, p->first, p->last, &t->lines, t->x + p->offset,
                                          t->y + p->offset);
}

static void grad_part(const norm_task *t, const norm_part *p)
{
    tc_kernels_for(t->dtype)->norm->grad(p->images, t->c, t->inner, p->first, p->last, &t->lines, t->dy + p->offset,
                                         t->x + p->offset, t->y + p->offset);
}

/* ---- the steps ---- */

static void sums_range(void *ctx, int64_t begin, int64_t end)
{
    const norm_task *t = ctx;

    for (int64_t index = begin; index < end; index++) {
        const norm_part part = part_at(t, index / t->cut.blocks, index % t->cut.blocks);

        t->sums(t, &part);
    }
}

static void map_range(void *ctx, int64_t begin, int64_t end)
{
    const norm_task *t = ctx;

    for (int64_t index = begin; index < end; index++) {
        const norm_part part = part_at(t, index / t->cut.blocks, index % t->cut.blocks);

        t->map(t, &part);
    }
}

static void run(norm_task *t)
{
    if (t->sums) {
        tc_parallel_for(t->cut.blocks * t->cut.chunks, t->cut.grain, sums_range, t);
        t->join(t, 0, t->c);
    }
    t->cut = cut_for_maps(t->n, t->c, t->inner);
    if (t->map)
        tc_parallel_for(t->cut.blocks * t->cut.chunks, t->cut.grain, map_range, t);
}

/* Runs the steps with the memory that they share; lines that need no sums are put down first. */
static int run_steps(norm_task *t)
{
    FP_SCOPE caller = fp_enter();
    const size_t partials = (size_t)(t->cut.chunks * t->c), line = (size_t)t->c * tc_itemsize(t->dtype);
    char *memory = tc_alloc(2 * partials * sizeof(double) + 4 * line);

    if (!memory)
        return TC_ENOMEM;
    t->first = (double *)memory;
    t->second = t->first + partials;
    memory += 2 * partials * sizeof(double);
    t->lines = (tc_norm_lines){t->relu, t->mean, memory, memory + line, memory + 2 * line, memory + 3 * line};
    if (t->sums != moments_part)
        for (int64_t ch = 0; ch < t->c; ch++)
            put_line(t, ch, inverse_deviation(t, ch), 0, 0);
    run(t);
    tc_free(t->first);
    return TC_OK;
}

int tc_batch_norm_stats(int dtype, int64_t n, int64_t c, int64_t inner, double momentum, const void *x, void *running_mean,
                        void *running_var, void *mean, void *var)
{
    norm_task task = {.dtype = dtype, .n = n, .c = c, .inner = inner, .cut = cut_for_sums(n, c, inner), .x = x, .mean = mean,
                      .var = var, .momentum = momentum, .running_mean = running_mean, .running_var = running_var,
                      .sums = moments_part, .join = join_moments};

    return run_steps(&task);
}

int tc_batch_norm(int relu, int dtype, int64_t n, int64_t c, int64_t inner, double eps, const void *x, const void *mean,
                  const void *var, const void *weight, const void *bias, void *y)
{
    norm_task task = {.dtype = dtype, .relu = relu, .n = n, .c = c, .inner = inner, .eps = eps, .x = x, .mean = (void *)mean,
                      .var = (void *)var, .weight = weight, .bias = bias, .y = y, .map = apply_part};

    return run_steps(&task);
}

int tc_batch_norm_grad(int training, int relu, int dtype, int64_t n, int64_t c, int64_t inner, double eps, const void *dy,
                       const void *x, const void *mean, const void *var, const void *weight, const void *bias, void *dx,
                       void *dweight, void *dbias)
{
    const bool sums = training || dweight || dbias;
    norm_task task = {.dtype = dtype, .training = training, .relu = relu, .n = n, .c = c, .inner = inner,
                      .cut = cut_for_sums(n, c, inner), .eps = eps, .dy = dy, .x = x, .mean = (void *)mean, .var = (void *)var,
                      .weight = weight, .bias = bias, .y = dx, .dweight = dweight, .dbias = dbias,
                      .sums = sums ? slopes_part : NULL, .join = join_slopes, .map = dx ? grad_part : NULL};

    return run_steps(&task);
}
