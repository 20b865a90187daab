/* conv.c - the convolution, its input gradient and its weight gradient, all three as products over windows (conv.h). */
#include "conv.h"
#include "conv_winograd.h"

/* ---- windows ---- */

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

conv_axis conv_make_axis(int64_t taps, int64_t step, int64_t first, int64_t spacing)
{
    conv_axis axis = {.taps = taps, .step = step, .first = first, .spacing = spacing, .phases = 0};
    if (taps == 0)
        return axis;
    /* Taps t and t + step / gcd(step, spacing) meet the same phase, a whole number of cells apart. */
    const int64_t period = step / gcd(step, spacing < 0 ? -spacing : spacing);
    axis.phases = tc_min(taps, period);
    axis.unit = period <= taps ? axis.phases * spacing / step : 0;
    axis.range = (tc_ceil_div(taps, axis.phases) - 1) * (axis.unit < 0 ? -axis.unit : axis.unit);
    axis.low = axis.unit < 0 ? -axis.range : 0;
    return axis;
}

void conv_offsets(const conv_windows *v, int64_t channels, int64_t band, int64_t together, int64_t *offset)
{
    for (int64_t c = 0; c < channels; c++)
        for (int64_t r = 0; r < v->rows.taps; r++)
            for (int64_t s = 0; s < v->cols.taps; s++)
                *offset++ = conv_offset(v, band, together, c, r, s);
}

int64_t conv_shared_columns(const conv_windows *v)
{
    const conv_axis *cols = &v->cols;
    const int64_t cells = v->ow + cols->range;
    int64_t shared = tc_min(cols->range, v->pitch - v->ow);
    for (int64_t s = 0; s < cols->phases; s++) {
        const int64_t pixel = cols->low * cols->step + cols->first + s * cols->spacing;
        const int64_t left = pixel < 0 ? tc_ceil_div(-pixel, cols->step) : 0;
        const int64_t right = cells - (pixel < v->w ? tc_ceil_div(v->w - pixel, cols->step) : 0);
        shared = tc_max(0, tc_min(shared, tc_min(left, right)));
    }
    return shared;
}

/* Columns [*first, *last) of the cells lie in the image, cell 0 at pixel `col`. */
static void columns_inside(const tc_plane *p, int64_t col, int64_t *first, int64_t *last)
{
    *first = tc_min(col >= 0 ? 0 : tc_ceil_div(-col, p->col_step), p->cols);
    *last = tc_max(tc_min(p->w > col ? tc_ceil_div(p->w - col, p->col_step) : 0, p->cols), *first);
}

void conv_place(tc_plane *p)
{
    int64_t first, last, other_first, other_last;
    columns_inside(p, p->col, &first, &last);
    p->padded = first > 0 || last < p->cols || p->row < 0 || p->row + (p->rows - 1) * p->row_step >= p->h;
    p->pixel = p->col + first * p->col_step;
    p->cell = first;
    p->count = last - first;
    p->single = false;
    if (!p->other)
        return;
    columns_inside(p, p->col + 1, &other_first, &other_last);
    p->padded |= other_first > 0 || other_last < p->cols;
    p->other_cell = p->other + other_first;
    /* Whichever plane has the first pixel has as many as the other, or one more. */
    int64_t count = p->count, other_count = other_last - other_first;
    if (other_first < first) {
        p->pixel = p->col + 1 + 2 * other_first;
        p->cell = p->other + other_first;
        p->other_cell = first;
        count = other_count;
        other_count = last - first;
    }
    p->count = tc_min(count, other_count);
    p->single = count > other_count;
}

void conv_pack_planes(int dtype, const conv_windows *v, int64_t channels, int64_t i0, int64_t band, int64_t which,
                      int64_t together, const void *pixels, void *planes)
{
    const tc_conv_kernels *kernels = tc_kernels_for(dtype)->conv;
    const size_t item = tc_itemsize(dtype);
    const conv_axis *rows = &v->rows, *cols = &v->cols;
    tc_plane plane = {.rows = conv_plane_rows(v, band), .cols = v->pitch, .h = v->h, .w = v->w,
                      .row_step = rows->step, .col_step = cols->step};
    const size_t plane_bytes = (size_t)(plane.rows * plane.cols) * item;
    const char *src = pixels;
    char *dst = (char *)planes + (size_t)which * plane_bytes;
    const bool paired = cols->step == 2 && cols->phases == 2 && cols->spacing == 1;
    const int64_t passes = paired ? 1 : cols->phases, planes_per_pass = paired ? 2 * together : together;
    if (paired)
        plane.other = together * plane.rows * plane.cols;
    for (int64_t c = 0; c < channels; c++, src += (size_t)(v->h * v->w) * item)
        for (int64_t r = 0; r < rows->phases; r++)
            for (int64_t s = 0; s < passes; s++, dst += (size_t)planes_per_pass * plane_bytes) {
                plane.row = (i0 + rows->low) * rows->step + rows->first + r * rows->spacing;
                plane.col = cols->low * cols->step + cols->first + s * cols->spacing;
                plane.ahead = v->groups > 1 && s == 0 ? v->h * v->w : 0;
                conv_place(&plane);
                kernels->pack(&plane, src, dst);
            }
}

int64_t conv_choose_band(int64_t oh, int64_t bytes_per_row, int64_t budget)
{
    const int64_t most = tc_max(1, tc_min(oh, budget / tc_max(1, bytes_per_row)));
    return tc_ceil_div(oh, tc_ceil_div(oh, most));
}

static conv_windows make_windows(const tc_conv2d_params *p, int64_t channels, int64_t h, int64_t w, int64_t oh, int64_t ow,
                                 conv_axis rows, conv_axis cols)
{
    return (conv_windows){.images = p->n, .groups = p->groups, .channels = channels / p->groups, .h = h, .w = w,
                          .rows = rows, .cols = cols, .oh = oh, .ow = ow, .pitch = ow + cols.range};
}

static conv_windows forward_windows(const tc_conv2d_params *p)
{
    return make_windows(p, p->c, p->h, p->w, p->oh, p->ow, conv_make_axis(p->r, p->stride_h, -p->pad_h, p->dilation_h),
                        conv_make_axis(p->s, p->stride_w, -p->pad_w, p->dilation_w));
}

/* ---- 1x1 kernels that see each pixel once: a product of matrices for each image ---- */

static bool is_pointwise(const tc_conv2d_params *p)
{
    return p->r == 1 && p->s == 1 && p->groups == 1 && p->stride_h == 1 && p->stride_w == 1 && p->pad_h == 0 && p->pad_w == 0 &&
           p->oh == p->h && p->ow == p->w;
}

/* out (n, rows, pixels) = W (rows, depth; strides w_row, w_col) * in (n, depth, pixels) + bias. */
static int pointwise(int dtype, const tc_conv2d_params *p, int64_t rows, int64_t depth, int64_t w_row, int64_t w_col,
                     const void *weight, const void *in, const void *bias, void *out)
{
    const int64_t pixels = p->h * p->w;
    const tc_gemm_params g = {
        .batch = p->n, .m = rows, .n = pixels, .k = depth,
        .a_row = w_row, .a_col = w_col,
        .b_batch = depth * pixels, .b_row = pixels, .b_col = 1,
        .c_batch = rows * pixels, .c_row = pixels, .c_col = 1,
        .alpha = 1, .bias_per_row = 1,
    };
    return tc_gemm(dtype, &g, weight, in, bias, out);
}

/* ---- kernels as large as the image, so that there is one output: a product of matrices for the whole batch ---- */

static bool is_product(const tc_conv2d_params *p)
{
    return p->oh == 1 && p->ow == 1 && p->r == p->h && p->s == p->w && p->pad_h == 0 && p->pad_w == 0 && p->groups == 1 &&
           (p->r == 1 || p->dilation_h == 1) && (p->s == 1 || p->dilation_w == 1);
}

/* out (n, cols) = in (n, depth) * W (depth, cols; strides w_row, w_col) + bias. */
static int product(int dtype, const tc_conv2d_params *p, int64_t cols, int64_t depth, int64_t w_row, int64_t w_col,
                   const void *weight, const void *in, const void *bias, void *out)
{
    const tc_gemm_params g = {
        .batch = 1, .m = p->n, .n = cols, .k = depth,
        .a_row = depth, .a_col = 1, .b_row = w_row, .b_col = w_col, .c_row = cols, .c_col = 1,
        .alpha = 1,
    };
    return tc_gemm(dtype, &g, in, weight, bias, out);
}

/* ---- the three functions ---- */

/* One channel a group. A single one with many filters is a product of matrices all the same. */
static bool is_depthwise(const tc_conv2d_params *p)
{
    return p->groups == p->c && p->k / p->groups <= 2 && p->r > 0 && p->s > 0;
}

static int64_t output_budget(int dtype, const tc_conv2d_params *p)
{
    return conv_budget(p->n * p->k * p->oh * p->ow * (int64_t)tc_itemsize(dtype));
}

/* Where so many elements end. */
static const char *skip(int dtype, const void *data, int64_t elements)
{
    return (const char *)data + elements * (int64_t)tc_itemsize(dtype);
}

/* Which images are left to be computed directly: of the first `quick` those that conv_winograd() marks, and all others. */
static uint8_t *make_marks(int64_t images, int64_t quick)
{
    uint8_t *left = tc_alloc((size_t)images);
    if (left)
        memset(left + quick, 1, (size_t)(images - quick));
    return left;
}

/* Runs the job on the images that are left; on all if `left` is NULL. */
static int apply_to_left(int dtype, conv_apply_job job, const uint8_t *left, const void *source, const void *weight,
                         const void *bias, void *out)
{
    const int64_t images = job.windows.images;
    int status = TC_OK;
    for (int64_t i = 0, end = left ? 0 : images; i < images && status == TC_OK; i = end) {
        while (end < images && left[end] == left[i])
            end++;
        if (left && !left[i])
            continue;
        job.windows.images = end - i;
        status = conv_apply(dtype, &job, skip(dtype, source, i * job.source_image), weight, bias,
                            (char *)skip(dtype, out, i * job.out_image));
    }
    return status;
}

int tc_conv2d(int dtype, const tc_conv2d_params *p, const void *x, const void *weight, const void *bias, void *y)
{
    FP_SCOPE caller = fp_enter();
    if (p->n == 0 || p->k == 0 || p->oh == 0 || p->ow == 0)
        return TC_OK;
    const int64_t image = p->c * p->h * p->w;
    if (is_product(p) && !p->relu)
        return product(dtype, p, p->k, image, 1, image, weight, x, bias, y);
    if (is_pointwise(p) && !p->relu)
        return pointwise(dtype, p, p->k, p->c, p->c, 1, weight, x, bias, y);
    if (is_depthwise(p)) {
        const conv_windows windows = forward_windows(p);
        return conv_depthwise(dtype, p, &windows, x, weight, bias, y);
    }
    const int64_t quick = conv_winograd_images(dtype, p);
    uint8_t *left = NULL;
    if (quick > 0) {
        left = make_marks(p->n, quick);
        const int status = left ? conv_winograd(p, x, weight, bias, y, left) : TC_ENOMEM;
        if (status != TC_OK) {
            tc_free(left);
            return status;
        }
    }
    const int64_t channels = p->c / p->groups, filters = p->k / p->groups, taps = p->r * p->s;
    const conv_apply_job job = {
        .windows = forward_windows(p), .filters = filters,
        .source_image = p->c * p->h * p->w, .source_group = channels * p->h * p->w,
        .out_image = p->k * p->oh * p->ow, .out_group = filters * p->oh * p->ow, .out_filter = p->oh * p->ow,
        .out_row = p->ow, .out_col = 1,
        .w_group = filters * channels * taps, .w_filter = channels * taps, .w_channel = taps, .w_row = p->s, .w_col = 1,
        .budget = output_budget(dtype, p), .relu = p->relu != 0,
    };
    const int status = apply_to_left(dtype, job, left, x, weight, bias, y);
    tc_free(left);
    return status;
}

/* Rows a, a + stride, ... of dx: taps r with (a + pad - r * dilation) divisible by stride meet row
 * i + (a + pad - r * dilation) / stride of dy. These r are r0, r0 + q, ...: a window of step 1 over dy. */
typedef struct {
    conv_axis axis;
    int64_t r0, q;
} phase_taps;

static phase_taps input_phase(int64_t a, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation)
{
    phase_taps phase = {.r0 = 0, .q = stride / gcd(stride, dilation)};
    while (phase.r0 < tc_min(kernel, phase.q) && (a + pad - phase.r0 * dilation) % stride != 0)
        phase.r0++;
    const bool none = phase.r0 >= tc_min(kernel, phase.q);
    const int64_t taps = none ? 0 : tc_ceil_div(kernel - phase.r0, phase.q);
    const int64_t first = none ? 0 : (a + pad - phase.r0 * dilation) / stride;
    phase.axis = conv_make_axis(taps, 1, first, -(phase.q * dilation / stride));
    return phase;
}

int tc_conv2d_input_grad(int dtype, const tc_conv2d_params *p, const void *dy, const void *weight, void *dx)
{
    FP_SCOPE caller = fp_enter();
    if (p->n == 0 || p->c == 0 || p->h == 0 || p->w == 0)
        return TC_OK;
    const int64_t image = p->c * p->h * p->w;
    if (is_product(p))
        return product(dtype, p, image, p->k, image, 1, weight, dy, NULL, dx);
    if (is_pointwise(p))
        return pointwise(dtype, p, p->c, p->k, 1, p->c, weight, dy, NULL, dx);
    if (is_depthwise(p) && p->k == p->c && p->n > 0 && p->oh > 0 && p->ow > 0)
        return conv_depthwise_input_grad(dtype, p, dy, weight, dx);
    if (conv_strided_suits(p) && p->k > 0 && p->oh > 0 && p->ow > 0)
        return conv_strided_input_grad(dtype, p, dy, weight, dx);
    const int64_t quick = conv_winograd_images_input_grad(dtype, p);
    uint8_t *left = NULL;
    int status = TC_OK;
    if (quick > 0) {
        left = make_marks(p->n, quick);
        status = left ? conv_winograd_input_grad(p, dy, weight, dx, left) : TC_ENOMEM;
    }
    const int64_t channels = p->c / p->groups, filters = p->k / p->groups, taps = p->r * p->s;
    for (int64_t a = 0; a < tc_min(p->stride_h, p->h) && status == TC_OK; a++)
        for (int64_t b = 0; b < tc_min(p->stride_w, p->w) && status == TC_OK; b++) {
            const phase_taps rows = input_phase(a, p->r, p->stride_h, p->pad_h, p->dilation_h);
            const phase_taps cols = input_phase(b, p->s, p->stride_w, p->pad_w, p->dilation_w);
            const conv_apply_job job = {
                .windows = make_windows(p, p->k, p->oh, p->ow, tc_ceil_div(p->h - a, p->stride_h),
                                        tc_ceil_div(p->w - b, p->stride_w), rows.axis, cols.axis),
                .filters = channels,
                .source_image = p->k * p->oh * p->ow, .source_group = filters * p->oh * p->ow,
                .out_image = p->c * p->h * p->w, .out_group = channels * p->h * p->w, .out_filter = p->h * p->w,
                .out_row = p->stride_h * p->w, .out_col = p->stride_w,
                .w_group = filters * channels * taps, .w_filter = taps, .w_channel = channels * taps,
                .w_row = rows.q * p->s, .w_col = cols.q, .budget = output_budget(dtype, p),
            };
            status = apply_to_left(dtype, job, left, dy, skip(dtype, weight, rows.r0 * p->s + cols.r0), NULL,
                                   (char *)skip(dtype, dx, a * p->w + b));
        }
    tc_free(left);
    return status;
}

int tc_conv2d_weight_grad(int dtype, const tc_conv2d_params *p, const void *dy, const void *x, void *dweight, void *dbias)
{
    FP_SCOPE caller = fp_enter();
    const int64_t weights = p->k * (p->c / p->groups) * p->r * p->s;
    if (weights == 0 || p->n == 0 || p->oh == 0 || p->ow == 0) {
        memset(dweight, 0, (size_t)weights * tc_itemsize(dtype));
        if (dbias)
            conv_bias_grad(dtype, p, dy, dbias);
        return TC_OK;
    }
    bool winograd;
    const int status = conv_winograd_weight_grad(dtype, p, dy, x, dweight, &winograd);
    if (status != TC_OK)
        return status;
    if (winograd) {
        if (dbias)
            conv_bias_grad(dtype, p, dy, dbias);
        return TC_OK;
    }
    if (is_depthwise(p)) {
        const conv_windows windows = forward_windows(p);
        return conv_depthwise_weight_grad(dtype, p, &windows, dy, x, dweight, dbias);
    }
    return conv_weight_grad(dtype, p, dy, x, dweight, dbias);
}
