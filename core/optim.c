/* optim.c - one optimizer step over many tensors, cut into equal stretches of their concatenation, so that a model of many
 * small tensors costs one parallel loop. */
#include "internal.h"

/* Elements of one stretch. */
enum { GRAIN = 16 * 1024 };

/* Calls step(ctx, i, first, n) for the parts of the tensors that make up elements [begin, end) of all of them in a row. */
static void for_parts(const int64_t *sizes, int64_t begin, int64_t end, void *ctx,
                      void (*step)(void *ctx, int64_t i, int64_t first, int64_t n))
{
    int64_t i = 0;
    for (; begin >= sizes[i]; i++) {
        begin -= sizes[i];
        end -= sizes[i];
    }
    for (; end > 0; i++) {
        const int64_t n = tc_min(sizes[i], end) - begin;
        if (n > 0)
            step(ctx, i, begin, n);
        end -= sizes[i];
        begin = 0;
    }
}

static int64_t total_size(int64_t count, const int64_t *sizes)
{
    int64_t total = 0;
    for (int64_t i = 0; i < count; i++)
        total += sizes[i];
    return total;
}

/* Element `first` of tensor i of an array of tensors, or NULL where there is no such array. */
static void *part(void *const *tensors, int64_t i, int64_t first, size_t itemsize)
{
    return tensors ? (char *)tensors[i] + (size_t)first * itemsize : NULL;
}

/* ---- SGD ---- */

typedef struct {
    const tc_sgd_params *options;
    const tc_optim_kernels *kernels;
    size_t itemsize;
    const int64_t *sizes;
    void *const *params, *const *grads, *const *momentum_buffers;
} sgd_job;

static void sgd_part(void *ctx, int64_t i, int64_t first, int64_t n)
{
    const sgd_job *job = ctx;
    job->kernels->sgd(job->options, n, part(job->params, i, first, job->itemsize), part(job->grads, i, first, job->itemsize),
                      part(job->momentum_buffers, i, first, job->itemsize));
}

static void sgd_range(void *ctx, int64_t begin, int64_t end)
{
    for_parts(((const sgd_job *)ctx)->sizes, begin, end, ctx, sgd_part);
}

void tc_sgd(int dtype, const tc_sgd_params *p, int64_t count, const int64_t *sizes, void *const *params, void *const *grads,
            void *const *momentum_buffers)
{
    sgd_job job = {p, tc_kernels_for(dtype)->optim, tc_itemsize(dtype), sizes, params, grads, momentum_buffers};
    if (p->momentum == 0)
        job.momentum_buffers = NULL;
    tc_parallel_stream(total_size(count, sizes), GRAIN, sgd_range, &job);
}

/* ---- Adam ---- */

typedef struct {
    const tc_adam_params *options;
    const tc_optim_kernels *kernels;
    size_t itemsize;
    const int64_t *sizes;
    void *const *params, *const *grads, *const *exp_avgs, *const *exp_avg_sqs, *const *max_exp_avg_sqs;
} adam_job;

static void adam_part(void *ctx, int64_t i, int64_t first, int64_t n)
{
    const adam_job *job = ctx;
    job->kernels->adam(job->options, n, part(job->params, i, first, job->itemsize), part(job->grads, i, first, job->itemsize),
                       part(job->exp_avgs, i, first, job->itemsize), part(job->exp_avg_sqs, i, first, job->itemsize),
                       part(job->max_exp_avg_sqs, i, first, job->itemsize));
}

static void adam_range(void *ctx, int64_t begin, int64_t end)
{
    for_parts(((const adam_job *)ctx)->sizes, begin, end, ctx, adam_part);
}

void tc_adam(int dtype, const tc_adam_params *p, int64_t count, const int64_t *sizes, void *const *params, void *const *grads,
             void *const *exp_avgs, void *const *exp_avg_sqs, void *const *max_exp_avg_sqs)
{
    adam_job job = {p,        tc_kernels_for(dtype)->optim, tc_itemsize(dtype), sizes, params, grads,
                    exp_avgs, exp_avg_sqs,                  p->amsgrad ? max_exp_avg_sqs : NULL};
    tc_parallel_stream(total_size(count, sizes), GRAIN, adam_range, &job);
}

/* ---- the other rules ---- */

typedef struct {
    const tc_optim_params *options;
    const tc_optim_kernels *kernels;
    size_t itemsize;
    const int64_t *sizes;
    void *const *params, *const *grads, *const *const *states;
} rule_job;

static void rule_part(void *ctx, int64_t i, int64_t first, int64_t n)
{
    const rule_job *job = ctx;
    void *states[TC_OPTIM_STATES];
    for (int k = 0; k < TC_OPTIM_STATES; k++)
        states[k] = part(job->states[k], i, first, job->itemsize);
    job->kernels->rule(job->options, n, part(job->params, i, first, job->itemsize), part(job->grads, i, first, job->itemsize), states);
}

static void rule_range(void *ctx, int64_t begin, int64_t end)
{
    for_parts(((const rule_job *)ctx)->sizes, begin, end, ctx, rule_part);
}

void tc_optim(int dtype, const tc_optim_params *p, int64_t count, const int64_t *sizes, void *const *params, void *const *grads,
              void *const *const *states)
{
    rule_job job = {p, tc_kernels_for(dtype)->optim, tc_itemsize(dtype), sizes, params, grads, states};
    tc_parallel_stream(total_size(count, sizes), GRAIN, rule_range, &job);
}
