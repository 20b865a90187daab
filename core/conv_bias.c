/* conv_bias.c - the gradient of a convolution by its bias alone, for a weight gradient that does not see dy by filters. */
#include "conv.h"

/* Elements of dy that repay a hand-over to another thread. */
enum { CHUNK_ELEMENTS = 1 << 16 };

typedef struct {
    const tc_conv2d_params *p;
    const tc_conv_weight_kernels *kernels;
    size_t item;
    const char *dy;
    char *dbias;
} bias_grad;

static void sum_filters(void *ctx, int64_t begin, int64_t end)
{
    const bias_grad *g = ctx;
    const int64_t plane = g->p->oh * g->p->ow;
    for (int64_t f = begin; f < end; f++) {
        char *sum = g->dbias + (size_t)f * g->item;
        memset(sum, 0, g->item);
        for (int64_t n = 0; n < g->p->n; n++)
            g->kernels->add_sums(1, plane, plane, g->dy + (size_t)((n * g->p->k + f) * plane) * g->item, sum);
    }
}

void conv_bias_grad(int dtype, const tc_conv2d_params *p, const void *dy, void *dbias)
{
    bias_grad g = {.p = p, .kernels = tc_kernels_for(dtype)->conv_weight, .item = tc_itemsize(dtype), .dy = dy, .dbias = dbias};
    tc_parallel_for(p->k, tc_max(1, CHUNK_ELEMENTS / tc_max(1, p->n * p->oh * p->ow)), sum_filters, &g);
}
