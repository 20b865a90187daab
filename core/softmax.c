/* softmax.c - softmax, log_softmax and their gradients over the middle of (outer, len, inner). */
#include "internal.h"

/* Elements a thread should get at least: exp takes about a nanosecond each. */
#define SOFTMAX_GRAIN 8192

/* Positions of a strided dimension that one task handles: some cache lines side by side, so that each line of x is
 * fetched by one task; a multiple of every VLEN. */
#define SOFTMAX_LANES 256

typedef struct {
    int logarithm, dtype;
    int64_t len, inner, blocks; /* blocks: of SOFTMAX_LANES positions in inner */
    const char *dy;             /* gradient: dy, and x is the output y; forward: NULL */
    const char *x;
    char *y;
} softmax_task;

static void rows_range(void *ctx, int64_t begin, int64_t end)
{
    const softmax_task *t = ctx;
    const tc_softmax_kernels *kernels = tc_kernels_for(t->dtype)->softmax;
    const size_t offset = (size_t)(begin * t->len) * tc_itemsize(t->dtype);

    if (t->dy)
        kernels->grad_rows(t->logarithm, end - begin, t->len, t->dy + offset, t->x + offset, t->y + offset);
    else
        kernels->rows(t->logarithm, end - begin, t->len, t->x + offset, t->y + offset);
}

static void lanes_range(void *ctx, int64_t begin, int64_t end)
{
    const softmax_task *t = ctx;
    const tc_softmax_kernels *kernels = tc_kernels_for(t->dtype)->softmax;

    for (int64_t block = begin; block < end; block++) {
        const size_t offset = (size_t)(block / t->blocks * t->len * t->inner) * tc_itemsize(t->dtype);
        const int64_t first = block % t->blocks * SOFTMAX_LANES, last = tc_min(first + SOFTMAX_LANES, t->inner);

        if (t->dy)
            kernels->grad_lanes(t->logarithm, t->len, t->inner, first, last, t->dy + offset, t->x + offset, t->y + offset);
        else
            kernels->lanes(t->logarithm, t->len, t->inner, first, last, t->x + offset, t->y + offset);
    }
}

static int run(softmax_task *t, int64_t outer)
{
    if (t->len == 0)
        return TC_OK;
    if (t->inner == 1) {
        tc_parallel_for(outer, tc_ceil_div(SOFTMAX_GRAIN, t->len), rows_range, t);
    } else {
        t->blocks = tc_ceil_div(t->inner, SOFTMAX_LANES);
        tc_parallel_for(outer * t->blocks, tc_ceil_div(SOFTMAX_GRAIN, t->len * tc_min(t->inner, SOFTMAX_LANES) + 1),
                        lanes_range, t);
    }
    return TC_OK;
}

int tc_softmax(int logarithm, int dtype, int64_t outer, int64_t len, int64_t inner, const void *x, void *y)
{
    softmax_task task = {logarithm, dtype, len, inner, 0, NULL, x, y};

    return run(&task, outer);
}

int tc_softmax_grad(int logarithm, int dtype, int64_t outer, int64_t len, int64_t inner, const void *dy, const void *y, void *dx)
{
    softmax_task task = {logarithm, dtype, len, inner, 0, dy, y, dx};

    return run(&task, outer);
}
