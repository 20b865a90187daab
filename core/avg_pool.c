/* avg_pool.c - average pooling, adaptive or not, and its gradients. */
#include "internal.h"
#include "pool_windows.h"

/* Input cells a thread should get at least (see pool.c). */
#define POOL_GRAIN 16384

/* The first and the last have as many as any only if none is cut off. */
bool tc_avg_uniform(const tc_pool2d_params *p, int include_pad, int64_t divisor)
{
    return divisor || (tc_avg_height(p, 0, include_pad) == p->kernel_h && tc_avg_height(p, p->oh - 1, include_pad) == p->kernel_h &&
                       tc_avg_width(p, 0, include_pad) == p->kernel_w && tc_avg_width(p, p->ow - 1, include_pad) == p->kernel_w);
}

typedef struct {
    const tc_pool2d_params *p;
    int dtype, include_pad;
    int64_t divisor;
    const void *x;
    void *y;
} avg_task;

/* Output rows of integer pooling. C's division truncates toward zero, as PyTorch's does here. Sums wrap on overflow,
 * as PyTorch's do, hence unsigned addition. */
static void avg_rows_i64(const avg_task *t, int64_t begin, int64_t end)
{
    const tc_pool2d_params *p = t->p;

    for (int64_t row = begin; row < end; row++) {
        const int64_t i = row % p->oh;
        const int64_t *plane = (const int64_t *)t->x + row / p->oh * p->h * p->w;
        const tc_span rows = tc_pool_rows(p, i);

        for (int64_t j = 0; j < p->ow; j++) {
            const tc_span cols = tc_pool_columns(p, j);
            int64_t cells = t->divisor;
            uint64_t sum = 0;

            if (cells == 0)
                cells = tc_avg_height(p, i, t->include_pad) * tc_avg_width(p, j, t->include_pad);

            for (int64_t r = rows.begin; r < rows.end; r++)
                for (int64_t c = cols.begin; c < cols.end; c++)
                    sum += (uint64_t)plane[r * p->w + c];
            ((int64_t *)t->y)[row * p->ow + j] = cells == -1 ? (int64_t)-sum : (int64_t)sum / cells;
        }
    }
}

static void avg_range(void *ctx, int64_t begin, int64_t end)
{
    const avg_task *t = ctx;

    if (t->dtype == TC_I64)
        avg_rows_i64(t, begin, end);
    else
        tc_kernels_for(t->dtype)->pool->avg_rows(t->p, t->include_pad, t->divisor, begin, end, t->x, t->y);
}

void tc_avg_pool2d(int dtype, const tc_pool2d_params *p, int count_include_pad, int64_t divisor_override, const void *x, void *y)
{
    avg_task task = {p, dtype, count_include_pad, divisor_override, x, y};

    tc_parallel_stream(p->planes * p->oh, tc_ceil_div(POOL_GRAIN, p->ow * p->kernel_h * p->kernel_w + 1), avg_range, &task);
}

static void avg_grad_range(void *ctx, int64_t begin, int64_t end)
{
    const avg_task *t = ctx;

    tc_kernels_for(t->dtype)->pool->avg_grad(t->p, t->include_pad, t->divisor, begin, end, t->x, t->y);
}

void tc_avg_pool2d_grad(int dtype, const tc_pool2d_params *p, int count_include_pad, int64_t divisor_override,
                        const void *dy, void *dx)
{
    avg_task task = {p, dtype, count_include_pad, divisor_override, dy, dx};

    tc_parallel_stream(p->planes, tc_ceil_div(POOL_GRAIN, p->h * p->w + p->oh * p->ow * p->kernel_w + 1), avg_grad_range, &task);
}

/* Where the output divides the input, adaptive windows are those of ordinary pooling, which is vectorised. */
static bool even_windows(const tc_pool2d_params *p, tc_pool2d_params *even)
{
    if (p->h % p->oh || p->w % p->ow)
        return false;
    *even = *p;
    even->kernel_h = even->stride_h = p->h / p->oh;
    even->kernel_w = even->stride_w = p->w / p->ow;
    even->pad_h = even->pad_w = 0;
    even->dilation_h = even->dilation_w = 1;
    return true;
}

static void adaptive_avg_range(void *ctx, int64_t begin, int64_t end)
{
    const avg_task *t = ctx;

    tc_kernels_for(t->dtype)->pool->adaptive_avg_rows(t->p, begin, end, t->x, t->y);
}

static void global_avg_range(void *ctx, int64_t begin, int64_t end)
{
    const avg_task *t = ctx;

    tc_kernels_for(t->dtype)->pool->global_avg(begin, end, t->p->h * t->p->w, t->x, t->y);
}

void tc_adaptive_avg_pool2d(int dtype, const tc_pool2d_params *p, const void *x, void *y)
{
    avg_task task = {p, dtype, 0, 0, x, y};
    tc_pool2d_params even;

    if (p->oh == 0 || p->ow == 0)
        return;
    if (p->oh == 1 && p->ow == 1)
        tc_parallel_stream(p->planes, tc_ceil_div(POOL_GRAIN, p->h * p->w + 1), global_avg_range, &task);
    else if (even_windows(p, &even))
        tc_avg_pool2d(dtype, &even, 0, 0, x, y);
    else
        tc_parallel_stream(p->planes * p->oh, tc_ceil_div(POOL_GRAIN, (p->h / p->oh + 2) * (p->w + p->ow)),
                        adaptive_avg_range, &task);
}

static void adaptive_avg_grad_range(void *ctx, int64_t begin, int64_t end)
{
    const avg_task *t = ctx;

    tc_kernels_for(t->dtype)->pool->adaptive_avg_grad(t->p, begin, end, t->x, t->y);
}

static void global_avg_grad_range(void *ctx, int64_t begin, int64_t end)
{
    const avg_task *t = ctx;

    tc_kernels_for(t->dtype)->pool->global_avg_grad(begin, end, t->p->h * t->p->w, t->x, t->y);
}

void tc_adaptive_avg_pool2d_grad(int dtype, const tc_pool2d_params *p, const void *dy, void *dx)
{
    avg_task task = {p, dtype, 0, 0, dy, dx};
    tc_pool2d_params even;

    if (p->oh == 1 && p->ow == 1)
        tc_parallel_stream(p->planes, tc_ceil_div(POOL_GRAIN, p->h * p->w + 1), global_avg_grad_range, &task);
    else if (p->oh && p->ow && even_windows(p, &even))
        tc_avg_pool2d_grad(dtype, &even, 0, 0, dy, dx);
    else
        tc_parallel_stream(p->planes, tc_ceil_div(POOL_GRAIN, p->h * p->w + p->oh * p->ow + 1), adaptive_avg_grad_range, &task);
}
