/* pool_windows.h - where a pooling window lies, shared by the pooling files and their templates. */
#ifndef TC_POOL_WINDOWS_H
#define TC_POOL_WINDOWS_H

#include "internal.h"

/* The rows (or columns) of one window that lie in the image: begin, begin + step, ... below end. */
typedef struct {
    int64_t begin, end, step;
} tc_span;

/* Spans that loops over adaptive windows keep on the stack. */
#define POOL_SPANS 64

/* The span of window `out` along an axis of `size` cells. */
static inline tc_span tc_pool_span(int64_t out, int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation)
{
    int64_t begin = out * stride - pad;
    const int64_t end = tc_min(begin + (kernel - 1) * dilation + 1, size);

    if (begin < 0)
        begin += tc_ceil_div(-begin, dilation) * dilation;
    return (tc_span){begin, end, dilation};
}

static inline tc_span tc_pool_rows(const tc_pool2d_params *p, int64_t i)
{
    return tc_pool_span(i, p->h, p->kernel_h, p->stride_h, p->pad_h, p->dilation_h);
}

static inline tc_span tc_pool_columns(const tc_pool2d_params *p, int64_t j)
{
    return tc_pool_span(j, p->w, p->kernel_w, p->stride_w, p->pad_w, p->dilation_w);
}

/* The place of a window's first cell in its plane (rows of w cells), -1 for a window without cells. */
static inline int64_t tc_first_cell(tc_span rows, tc_span cols, int64_t w)
{
    return rows.begin < rows.end && cols.begin < cols.end ? rows.begin * w + cols.begin : -1;
}

/* The span of cell `out` of `outs` in adaptive pooling of `size` cells:
 * [floor(out * size / outs), ceil((out + 1) * size / outs)). */
static inline tc_span tc_adaptive_span(int64_t out, int64_t outs, int64_t size)
{
    return (tc_span){out * size / outs, tc_ceil_div((out + 1) * size, outs), 1};
}

/* Columns [begin, end) of the output whose windows lie wholly in the image's columns: there kernels need no bounds. */
static inline tc_span tc_pool_interior(const tc_pool2d_params *p)
{
    const int64_t last = p->w + p->pad_w - (p->kernel_w - 1) * p->dilation_w - 1;
    const int64_t begin = tc_min(tc_ceil_div(p->pad_w, p->stride_w), p->ow);
    const int64_t end = last < 0 ? 0 : tc_min(last / p->stride_w + 1, p->ow);

    return (tc_span){begin, tc_max(begin, end), 1};
}

/* Cells of a window that average pooling divides by along one axis: the span inside the image, or (include_pad) inside
 * the image with its padding, which leaves out what only ceil_mode lets hang over. */
static inline int64_t tc_avg_extent(int64_t out, int64_t size, int64_t kernel, int64_t stride, int64_t pad, int include_pad)
{
    const int64_t begin = out * stride - pad, end = tc_min(begin + kernel, size + pad);

    return include_pad ? end - begin : tc_min(end, size) - tc_max(begin, 0);
}

static inline int64_t tc_avg_height(const tc_pool2d_params *p, int64_t i, int include_pad)
{
    return tc_avg_extent(i, p->h, p->kernel_h, p->stride_h, p->pad_h, include_pad);
}

static inline int64_t tc_avg_width(const tc_pool2d_params *p, int64_t j, int include_pad)
{
    return tc_avg_extent(j, p->w, p->kernel_w, p->stride_w, p->pad_w, include_pad);
}

/* Has every window as many cells to divide by? */
bool tc_avg_uniform(const tc_pool2d_params *p, int include_pad, int64_t divisor);

#endif
