/* pool.c - max and min pooling, adaptive or not, and the gather and scatter through its indices. */
#include "internal.h"
#include "pool_windows.h"

/* Input cells a thread should get at least: below that a wake-up costs more than the work (about 10 us). */
#define POOL_GRAIN 16384

#define T int64_t
#define FN(name) name##_i64
#include "pool_cells_tpl.h"
#undef T
#undef FN

#define T int32_t
#define FN(name) name##_i32
#include "pool_cells_tpl.h"
#undef T
#undef FN

#define T uint8_t
#define FN(name) name##_u8
#include "pool_cells_tpl.h"
#undef T
#undef FN

#define T float
#define FN(name) name##_f32
#include "pool_cells_tpl.h"
#undef T
#undef FN

#define T double
#define FN(name) name##_f64
#include "pool_cells_tpl.h"
#undef T
#undef FN

typedef struct {
    const tc_pool2d_params *p;
    int smallest, dtype, adaptive;
    const void *x;
    void *y;
    int32_t *indices;
} max_task;

static void max_range(void *ctx, int64_t begin, int64_t end)
{
    const max_task *t = ctx;

    switch (t->dtype) {
    case TC_I64:
        max_rows_plain_i64(t->p, t->adaptive, t->smallest, t->smallest ? INT64_MAX : INT64_MIN, begin, end, t->x, t->y,
                           t->indices);
        break;
    case TC_I32:
        max_rows_plain_i32(t->p, t->adaptive, t->smallest, t->smallest ? INT32_MAX : INT32_MIN, begin, end, t->x, t->y,
                           t->indices);
        break;
    case TC_U8:
        max_rows_plain_u8(t->p, t->adaptive, t->smallest, t->smallest ? UINT8_MAX : 0, begin, end, t->x, t->y, t->indices);
        break;
    default:
        if (t->adaptive)
            tc_kernels_for(t->dtype)->pool->adaptive_max_rows(t->p, t->smallest, begin, end, t->x, t->y, t->indices);
        else
            tc_kernels_for(t->dtype)->pool->max_rows(t->p, t->smallest, begin, end, t->x, t->y, t->indices);
    }
}

void tc_max_pool2d(int op, int dtype, const tc_pool2d_params *p, const void *x, void *y, int32_t *indices)
{
    max_task task = {p, op == TC_POOL_MIN, dtype, 0, x, y, indices};

    tc_parallel_stream(p->planes * p->oh, tc_ceil_div(POOL_GRAIN, p->ow * p->kernel_h * p->kernel_w + 1), max_range, &task);
}

void tc_adaptive_max_pool2d(int op, int dtype, const tc_pool2d_params *p, const void *x, void *y, int32_t *indices)
{
    max_task task = {p, op == TC_POOL_MIN, dtype, 1, x, y, indices};
    tc_pool2d_params even = *p;

    if (p->oh == 0 || p->ow == 0)
        return;
    if (p->h % p->oh == 0 && p->w % p->ow == 0) { /* all windows alike: ordinary pooling, which is vectorised */
        even.kernel_h = even.stride_h = p->h / p->oh;
        even.kernel_w = even.stride_w = p->w / p->ow;
        even.pad_h = even.pad_w = 0;
        even.dilation_h = even.dilation_w = 1;
        tc_max_pool2d(op, dtype, &even, x, y, indices);
        return;
    }
    tc_parallel_stream(p->planes * p->oh, tc_ceil_div(POOL_GRAIN, (p->h / p->oh + 2) * (p->w + p->ow)), max_range, &task);
}

typedef struct {
    int dtype;
    int64_t in, out;
    const int32_t *indices;
    const void *source, *relu;
    void *target;
} index_task;

/* A gather moves bits, so the dtypes of one size share their code. */
static void gather_range(void *ctx, int64_t begin, int64_t end)
{
    const index_task *t = ctx;

    switch (tc_itemsize(t->dtype)) {
    case 1:
        gather_planes_u8(begin, end, t->in, t->out, t->indices, t->source, t->target);
        break;
    case 4:
        gather_planes_i32(begin, end, t->in, t->out, t->indices, t->source, t->target);
        break;
    default:
        gather_planes_i64(begin, end, t->in, t->out, t->indices, t->source, t->target);
    }
}

void tc_pool_gather(int dtype, int64_t planes, int64_t in, int64_t out, const int32_t *indices, const void *x, void *y)
{
    index_task task = {dtype, in, out, indices, x, NULL, y};

    tc_parallel_stream(planes, tc_ceil_div(POOL_GRAIN, out + 1), gather_range, &task);
}

static void scatter_range(void *ctx, int64_t begin, int64_t end)
{
    const index_task *t = ctx;

    switch (t->dtype) {
    case TC_F32:
        scatter_planes_f32(begin, end, t->in, t->out, t->indices, t->source, t->relu, t->target);
        break;
    case TC_F64:
        scatter_planes_f64(begin, end, t->in, t->out, t->indices, t->source, t->relu, t->target);
        break;
    case TC_I64:
        scatter_planes_i64(begin, end, t->in, t->out, t->indices, t->source, t->relu, t->target);
        break;
    case TC_I32:
        scatter_planes_i32(begin, end, t->in, t->out, t->indices, t->source, t->relu, t->target);
        break;
    default:
        scatter_planes_u8(begin, end, t->in, t->out, t->indices, t->source, t->relu, t->target);
    }
}

void tc_pool_scatter(int dtype, int64_t planes, int64_t in, int64_t out, const int32_t *indices, const void *dy,
                     const void *relu, void *dx)
{
    index_task task = {dtype, in, out, indices, dy, relu, dx};

    tc_parallel_stream(planes, tc_ceil_div(POOL_GRAIN, in + out + 1), scatter_range, &task);
}

typedef struct {
    const tc_pool2d_params *p;
    index_task scatter;
} max_grad_task;

static void max_grad_range(void *ctx, int64_t begin, int64_t end)
{
    const max_grad_task *t = ctx;
    const index_task *s = &t->scatter;

    if (!tc_kernels_for(s->dtype)->pool->max_grad_pairs(t->p, begin, end, s->indices, s->source, s->relu, s->target))
        scatter_range((void *)s, begin, end);
}

void tc_max_pool2d_grad(int dtype, const tc_pool2d_params *p, const int32_t *indices, const void *dy, const void *relu, void *dx)
{
    const int64_t in = p->h * p->w, out = p->oh * p->ow;
    const bool vectors = dtype == TC_F32 || dtype == TC_F64;
    const bool pairs = vectors && p->kernel_w == 2 && p->stride_w == 2 && p->pad_w == 0 && p->dilation_w == 1 && p->dilation_h == 1 &&
                       p->kernel_h <= p->stride_h;
    max_grad_task task = {p, {dtype, in, out, indices, dy, relu, dx}};

    if (pairs)
        tc_parallel_stream(p->planes, tc_ceil_div(POOL_GRAIN, in + out + 1), max_grad_range, &task);
    else
        tc_pool_scatter(dtype, p->planes, in, out, indices, dy, relu, dx);
}
