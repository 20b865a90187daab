/* conv_strided.c - the input gradient of a 1x1 convolution with strides: the shortcut of a residual network. Only every
 * stride-th pixel meets an output: a product of matrices for each image, whose rows are spread among zeros. */
#include "conv.h"

/* Multiply-adds that repay a hand-over to another thread. */
enum { CHUNK_WORK = 1 << 18 };

typedef struct {
    const tc_conv2d_params *p;
    int dtype;
    size_t item;
    const char *dy, *weight;
    char *dx;
    int status;
} strided;

/* One image: `product` is (c, oh, ow); `row` has stride_w phases of ow elements, all but the first zero. */
static void spread_image(const strided *g, const char *product, char *row, char *dx)
{
    const tc_conv2d_params *p = g->p;
    const tc_depthwise_kernels *kernels = tc_kernels_for(g->dtype)->depthwise;
    const size_t out_bytes = (size_t)p->w * g->item, row_bytes = (size_t)p->ow * g->item;
    for (int64_t c = 0; c < p->c; c++)
        for (int64_t i = 0; i < p->h; i++, dx += out_bytes) {
            if (i % p->stride_h != 0 || i / p->stride_h >= p->oh) {
                memset(dx, 0, out_bytes);
                continue;
            }
            memcpy(row, product, row_bytes);
            product += row_bytes;
            /* Pixels past the last output's phases, if the stride leaves any, meet nothing. */
            const int64_t cols = tc_min(p->w, p->ow * p->stride_w);
            kernels->interleave(cols, p->stride_w, row, p->ow, dx);
            memset(dx + (size_t)cols * g->item, 0, (size_t)(p->w - cols) * g->item);
        }
}

static void run_images(void *ctx, int64_t begin, int64_t end)
{
    strided *g = ctx;
    const tc_conv2d_params *p = g->p;
    const int64_t outputs = p->oh * p->ow, product = p->c * outputs;
    const tc_gemm_params gemm = {.batch = 1, .m = p->c, .n = outputs, .k = p->k, .a_row = 1, .a_col = p->c, .b_row = outputs,
                                 .b_col = 1, .c_row = outputs, .c_col = 1, .alpha = 1};
    char *memory = tc_alloc((size_t)(product + p->stride_w * p->ow) * g->item);
    int status = memory ? TC_OK : TC_ENOMEM;
    if (memory)
        memset(memory + (size_t)product * g->item, 0, (size_t)(p->stride_w * p->ow) * g->item);
    for (int64_t n = begin; n < end && status == TC_OK; n++) {
        status = tc_gemm(g->dtype, &gemm, g->weight, g->dy + (size_t)(n * p->k * outputs) * g->item, NULL, memory);
        if (status == TC_OK)
            spread_image(g, memory, memory + (size_t)product * g->item, g->dx + (size_t)(n * p->c * p->h * p->w) * g->item);
    }
    if (status != TC_OK)
        __atomic_store_n(&g->status, status, __ATOMIC_RELAXED);
    tc_free(memory);
}

/* For one image a thread: several are enough for all. */
bool conv_strided_suits(const tc_conv2d_params *p)
{
    return p->r == 1 && p->s == 1 && p->groups == 1 && p->pad_h == 0 && p->pad_w == 0 && p->n >= 8 &&
           p->stride_h * p->stride_w > 1 && (p->oh - 1) * p->stride_h < p->h && (p->ow - 1) * p->stride_w < p->w;
}

int conv_strided_input_grad(int dtype, const tc_conv2d_params *p, const void *dy, const void *weight, void *dx)
{
    strided g = {.p = p, .dtype = dtype, .item = tc_itemsize(dtype), .dy = dy, .weight = weight, .dx = dx, .status = TC_OK};
    const double work = (double)(p->c * p->k) * (double)(p->oh * p->ow);
    tc_parallel_for(p->n, tc_max(1, (int64_t)(CHUNK_WORK / work)), run_images, &g);
    return g.status;
}
