/* loss.c - cross-entropy of class indices and negative log-likelihood, with weights, ignore_index and label smoothing. */
#include "internal.h"

/* Logits a thread should get at least (see softmax.c), and targets in the pass that only reads these. */
#define LOSS_GRAIN 8192
#define TARGET_GRAIN 65536

/* Positions of one image that a task handles where inner > 1: a multiple of every VLEN. */
#define LOSS_LANES 256

/* Partial sums of target weights: a bound, so that they fit on the stack, and a function of the shape alone. */
#define MAX_PARTS 64

typedef struct {
    const tc_cross_entropy_params *p;
    int dtype;
    int64_t part; /* targets in one partial sum */
    int64_t g_step;
    union {
        float f32;
        double f64;
    } one_g; /* one for all positions, scaled */
    double weight_sum; /* 0 where no label is smoothed */
    const char *g, *logits, *weight;
    const int64_t *target;
    char *losses, *lse, *dlogits;
    double partial[MAX_PARTS];
    int bad[MAX_PARTS];
} loss_task;

static double weight_at(const loss_task *t, int64_t k)
{
    if (!t->weight)
        return 1;
    return t->dtype == TC_F32 ? (double)((const float *)t->weight)[k] : ((const double *)t->weight)[k];
}

/* One partial sum of weight[target]; notes targets out of range. */
static void total_range(void *ctx, int64_t begin, int64_t end)
{
    loss_task *t = ctx;
    double sum = 0;
    int bad = 0;

    for (int64_t i = begin; i < end; i++) {
        if (t->target[i] == t->p->ignore_index)
            continue;
        if (t->target[i] < 0 || t->target[i] >= t->p->classes)
            bad = 1;
        else
            sum += weight_at(t, t->target[i]);
    }
    t->partial[begin / t->part] = sum;
    t->bad[begin / t->part] = bad;
}

/* Checks every target, before anything is written, and adds up their weights. */
static int check_targets(loss_task *t, double *total)
{
    const int64_t positions = t->p->n * t->p->inner;
    int bad = 0;

    *total = 0;
    if (positions == 0)
        return TC_OK;
    t->part = tc_max(TARGET_GRAIN, tc_ceil_div(positions, MAX_PARTS));
    tc_parallel_for(positions, t->part, total_range, t);
    for (int64_t i = 0; i < tc_ceil_div(positions, t->part); i++) {
        *total += t->partial[i];
        bad |= t->bad[i];
    }
    return bad ? TC_EINDEX : TC_OK;
}

/* Rows (inner == 1) or blocks of LOSS_LANES positions, counted through all images. */
static void cross_entropy_range(void *ctx, int64_t begin, int64_t end)
{
    const loss_task *t = ctx;
    const tc_cross_entropy_params *p = t->p;
    const tc_loss_kernels *kernels = tc_kernels_for(t->dtype)->loss;
    const int64_t size = (int64_t)tc_itemsize(t->dtype), blocks = tc_ceil_div(p->inner, LOSS_LANES);

    if (p->inner == 1) {
        kernels->cross_entropy_rows(p, begin, end, t->logits, t->target, t->weight, t->losses, t->lse);
        return;
    }
    for (int64_t block = begin; block < end; block++) {
        const int64_t image = block / blocks, first = block % blocks * LOSS_LANES, position = image * p->inner;

        kernels->cross_entropy_lanes(p, first, tc_min(first + LOSS_LANES, p->inner), t->logits + position * p->classes * size,
                                     t->target + position, t->weight, t->losses + position * size, t->lse + position * size);
    }
}

static void cross_entropy_grad_range(void *ctx, int64_t begin, int64_t end)
{
    const loss_task *t = ctx;
    const tc_cross_entropy_params *p = t->p;
    const tc_loss_kernels *kernels = tc_kernels_for(t->dtype)->loss;
    const int64_t size = (int64_t)tc_itemsize(t->dtype), blocks = tc_ceil_div(p->inner, LOSS_LANES);

    if (p->inner == 1) {
        kernels->cross_entropy_grad_rows(p, begin, end, t->weight_sum, t->g, t->g_step, t->logits, t->target, t->weight, t->lse,
                                         t->dlogits);
        return;
    }
    for (int64_t block = begin; block < end; block++) {
        const int64_t image = block / blocks, first = block % blocks * LOSS_LANES, position = image * p->inner;

        kernels->cross_entropy_grad_lanes(p, first, tc_min(first + LOSS_LANES, p->inner), t->weight_sum,
                                          t->g + position * t->g_step * size, t->g_step, t->logits + position * p->classes * size,
                                          t->target + position, t->weight, t->lse + position * size,
                                          t->dlogits + position * p->classes * size);
    }
}

/* Sets the gradient of the losses: one for each, or one for all times scale. */
static void set_gradient(loss_task *t, const void *g, int per_position, double scale)
{
    t->g_step = per_position != 0;
    t->g = per_position ? g : (const char *)&t->one_g;
    if (!per_position && t->dtype == TC_F32)
        t->one_g.f32 = *(const float *)g * (float)scale;
    else if (!per_position)
        t->one_g.f64 = *(const double *)g * scale;
}

/* The losses to one value, as far as p asks for it. */
static int reduce_losses(const loss_task *t, double total, void *result)
{
    const int64_t positions = t->p->n * t->p->inner;
    const uint8_t reduced = 1;
    const int status = tc_reduce(TC_SUM, t->dtype, 1, &positions, &reduced, t->losses, result);

    if (t->p->reduction == TC_LOSS_MEAN && t->dtype == TC_F32)
        *(float *)result /= (float)total;
    else if (t->p->reduction == TC_LOSS_MEAN)
        *(double *)result /= total;
    return status;
}

/* Checks the targets, then computes the losses: to `result` at once, or first to memory of their own. */
static int run_losses(loss_task *t, void (*losses)(loss_task *t), void *result, double *total)
{
    int status = check_targets(t, total);

    if (status != TC_OK)
        return status;
    if (t->p->reduction == TC_LOSS_NONE) {
        t->losses = result;
        losses(t);
        return TC_OK;
    }
    t->losses = tc_alloc((size_t)(t->p->n * t->p->inner) * tc_itemsize(t->dtype));
    if (!t->losses)
        return TC_ENOMEM;
    losses(t);
    status = reduce_losses(t, *total, result);
    tc_free(t->losses);
    return status;
}

static void run(loss_task *t, tc_range_fn fn)
{
    const tc_cross_entropy_params *p = t->p;

    if (p->inner == 1)
        tc_parallel_for(p->n, tc_ceil_div(LOSS_GRAIN, p->classes + 1), fn, t);
    else
        tc_parallel_for(p->n * tc_ceil_div(p->inner, LOSS_LANES),
                        tc_ceil_div(LOSS_GRAIN, p->classes * tc_min(p->inner, LOSS_LANES) + 1), fn, t);
}

static void cross_entropy_losses(loss_task *t)
{
    run(t, cross_entropy_range);
}

int tc_cross_entropy(int dtype, const tc_cross_entropy_params *p, const void *logits, const int64_t *target,
                     const void *weight, void *losses, void *lse, double *total)
{
    FP_SCOPE caller = fp_enter();
    loss_task task = {.p = p, .dtype = dtype, .logits = logits, .target = target, .weight = weight, .lse = lse};

    return run_losses(&task, cross_entropy_losses, losses, total);
}

int tc_cross_entropy_grad(int dtype, const tc_cross_entropy_params *p, const void *g, int g_per_position, double scale,
                          const void *logits, const int64_t *target, const void *weight, const void *lse, void *dlogits)
{
    FP_SCOPE caller = fp_enter();
    loss_task task = {.p = p, .dtype = dtype, .logits = logits, .target = target, .weight = weight, .lse = (char *)lse,
                      .dlogits = dlogits};
    double total;
    const int status = check_targets(&task, &total); /* they may have changed since the forward pass */

    if (status != TC_OK)
        return status;
    set_gradient(&task, g, g_per_position, scale);
    for (int64_t k = 0; p->label_smoothing != 0 && k < p->classes; k++) /* else NaN of a class that no target has counts */
        task.weight_sum += weight_at(&task, k);
    run(&task, cross_entropy_grad_range);
    return TC_OK;
}

static void nll_range(void *ctx, int64_t begin, int64_t end)
{
    const loss_task *t = ctx;

    tc_kernels_for(t->dtype)->loss->nll(t->p, begin, end, t->logits, t->target, t->weight, t->losses);
}

static void nll_losses(loss_task *t)
{
    tc_parallel_for(t->p->n * t->p->inner, LOSS_GRAIN, nll_range, t);
}

int tc_nll_loss(int dtype, const tc_cross_entropy_params *p, const void *logp, const int64_t *target, const void *weight,
                void *losses, double *total)
{
    FP_SCOPE caller = fp_enter();
    loss_task task = {.p = p, .dtype = dtype, .logits = logp, .target = target, .weight = weight};

    return run_losses(&task, nll_losses, losses, total);
}

/* Images [begin, end): zeros first, then the targets. */
static void nll_grad_range(void *ctx, int64_t begin, int64_t end)
{
    const loss_task *t = ctx;
    const tc_cross_entropy_params *p = t->p;
    const size_t image = (size_t)(p->classes * p->inner) * tc_itemsize(t->dtype);

    memset(t->dlogits + (size_t)begin * image, 0, (size_t)(end - begin) * image);
    tc_kernels_for(t->dtype)->loss->nll_grad(p, begin * p->inner, end * p->inner, t->g, t->g_step, t->target, t->weight,
                                             t->dlogits);
}

int tc_nll_loss_grad(int dtype, const tc_cross_entropy_params *p, const void *g, int g_per_position, double scale,
                     const int64_t *target, const void *weight, void *dlogp)
{
    FP_SCOPE caller = fp_enter();
    loss_task task = {.p = p, .dtype = dtype, .target = target, .weight = weight, .dlogits = dlogp};
    double total;
    const int status = check_targets(&task, &total);

    if (status != TC_OK)
        return status;
    set_gradient(&task, g, g_per_position, scale);
    tc_parallel_for(p->n, tc_ceil_div(2 * LOSS_GRAIN, p->classes * p->inner + 1), nll_grad_range, &task);
    return TC_OK;
}
