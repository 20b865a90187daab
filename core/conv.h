/* conv.h - what the convolution files share: how the columns of the implicit im2col matrix are found in packed planes.
 *
 * All three products of a convolution read a source image through windows: output (i, j) and tap (r, s) meet pixel
 *     (i * step + first + r * spacing, the same along the other axis).
 * A row of the im2col matrix is one channel and tap; its columns are the outputs. It is never written out: each channel is
 * copied once into planes padded with zeros, of pitch = output columns + range, in which the outputs stand at
 * t = i * pitch + j. Then the row of EVERY tap is the same plane read from another offset, and the micro-kernels take such
 * rows as they are (tc_tile.b_offset). The pitch - ow outputs between two rows are computed and dropped: 2 in 30 for a 3x3
 * kernel on 28 columns, less than the copying of nine shifted images would cost.
 *
 * With step > 1 the pixels are sorted into one plane for each phase (pixel modulo step) that a tap meets, which makes every
 * convolution one of step 1. */
#ifndef TC_CONV_H
#define TC_CONV_H

#include "internal.h"

/* One axis of the windows. */
typedef struct {
    int64_t taps, step, first, spacing;
    int64_t phases;     /* planes: tap t lies in plane t % phases */
    int64_t unit;       /* cells between taps t and t + phases */
    int64_t low;        /* the cell of output 0, at tap t < phases, is cell -low of its plane; low <= 0 */
    int64_t range;      /* cells by which a plane is longer than the outputs */
} conv_axis;

/* A source seen through windows: images of `channels` planes (h, w) a group. */
typedef struct {
    int64_t images, groups, channels;
    int64_t h, w;
    conv_axis rows, cols;
    int64_t oh, ow;     /* outputs */
    int64_t pitch;
} conv_windows;

conv_axis conv_make_axis(int64_t taps, int64_t step, int64_t first, int64_t spacing);

static inline int64_t conv_taps(const conv_windows *v) { return v->rows.taps * v->cols.taps; }
static inline int64_t conv_plane_rows(const conv_windows *v, int64_t band) { return band + v->rows.range; }

/* Elements of the planes of one channel for a band of output rows, and of the outputs of a band. */
static inline int64_t conv_channel_size(const conv_windows *v, int64_t band)
{
    return v->rows.phases * v->cols.phases * conv_plane_rows(v, band) * v->pitch;
}
static inline int64_t conv_band_size(const conv_windows *v, int64_t band)
{
    return (band - 1) * v->pitch + v->ow;
}

/* offset[c * taps + tap] for `channels` channels, where the planes of `together` images stand one after the other. */
void conv_offsets(const conv_windows *v, int64_t channels, int64_t band, int64_t together, int64_t *offset);

/* Where channel c's row of tap (r, s) starts. */
static inline int64_t conv_offset(const conv_windows *v, int64_t band, int64_t together, int64_t c, int64_t r, int64_t s)
{
    const conv_axis *rows = &v->rows, *cols = &v->cols;
    const int64_t plane = (c * rows->phases + r % rows->phases) * cols->phases + s % cols->phases;
    const int64_t i = r / rows->phases * rows->unit - rows->low, j = s / cols->phases * cols->unit - cols->low;
    return (plane * together * conv_plane_rows(v, band) + i) * v->pitch + j;
}

/* Cells by which the pitch may be shortened: the padding at the end of a row then is that at the start of the next, and
 * the last row of the last plane needs as many cells of 0 behind it. */
int64_t conv_shared_columns(const conv_windows *v);

/* Packs the planes of `channels` channels of one image, the `which`-th of `together`, from pixels (the first channel), for
 * output rows [i0, i0 + band). */
void conv_pack_planes(int dtype, const conv_windows *v, int64_t channels, int64_t i0, int64_t band, int64_t which,
                      int64_t together, const void *pixels, void *planes);

/* Fills the rest of a tc_plane whose first part says what is asked for. */
void conv_place(tc_plane *p);

/* The largest number of rows, in equal bands, whose `bytes_per_row` fit `budget`. */
int64_t conv_choose_band(int64_t oh, int64_t bytes_per_row, int64_t budget);

/* conv_apply.c: for each image and group, outputs of `filters` filters over the windows. Output (i, j) of filter m is written
 * to out[m * out_filter + i * out_row + j * out_col] of the image and group. Filter m's weight for channel c, tap (r, s) is
 * weight[m * w_filter + c * w_channel + r * w_row + s * w_col]. `relu` sets negative outputs to 0. */
typedef struct {
    conv_windows windows;
    int64_t filters;
    int64_t source_image, source_group;
    int64_t out_image, out_group, out_filter, out_row, out_col;
    int64_t w_group, w_filter, w_channel, w_row, w_col;
    int64_t budget;     /* bytes of a task: conv_budget of the whole convolution */
    bool relu;
} conv_apply_job;
int conv_apply(int dtype, const conv_apply_job *job, const void *source, const void *weight, const void *bias, void *out);

/* What a task keeps in L2: of a large convolution; of a smaller one so much that two threads' tasks, tables of offsets and the
 * allocator's rounding included, need a tenth of the memory of its output (the convolution's output in the input gradient,
 * too) or, where that is more, what makes CONV_SMALL_BYTES together with its output: seven eighths of an L2 of 512 KiB. */
enum { CONV_TASK_BYTES = 192 * 1024, CONV_SMALL_BYTES = 448 * 1024 };
static inline int64_t conv_budget(int64_t output_bytes)
{
    return tc_min(CONV_TASK_BYTES, tc_max(output_bytes, (CONV_SMALL_BYTES - output_bytes) * 10) / 25);
}

/* Multiply-adds that repay a hand-over to another thread, and the tasks wanted for a good balance. */
enum { CONV_CHUNK_WORK = 1 << 18, CONV_TASKS = 16 };

/* conv_panels.c: the same by panels. */
int conv_panels(int dtype, const conv_apply_job *job, const void *source, const void *weight, const void *bias, void *out);

/* conv_weight.c: tc_conv2d_weight_grad for sizes of at least one; dbias may be NULL. It leaves to conv_weight_dot.c what costs
 * less there, in vectors of multiplications for each filter and output. */
int conv_weight_grad(int dtype, const tc_conv2d_params *p, const void *dy, const void *x, void *dweight, void *dbias);
int conv_weight_grad_dot(int dtype, const tc_conv2d_params *p, const void *dy, const void *x, void *dweight, void *dbias);
double conv_weight_dot_cost(int dtype, const tc_conv2d_params *p);

/* conv_weight_layout.c: bytes that a weight gradient may take beside its operands; and into how many parts of the batch one of
 * that many tasks and pieces is cut, two of whose tasks run at once and take so many bytes each. */
int64_t conv_weight_room(int dtype, const tc_conv2d_params *p);
int64_t conv_weight_parts(int dtype, const tc_conv2d_params *p, int64_t tasks, int64_t pieces, int64_t task_bytes);

/* conv_bias.c: the sum of dy for each filter. */
void conv_bias_grad(int dtype, const tc_conv2d_params *p, const void *dy, void *dbias);

/* conv_strided.c: tc_conv2d_input_grad of 1x1 kernels with strides, where it suits; k and outputs are at least one. */
bool conv_strided_suits(const tc_conv2d_params *p);
int conv_strided_input_grad(int dtype, const tc_conv2d_params *p, const void *dy, const void *weight, void *dx);

/* conv_depthwise.c: the three functions for one channel a group, and sizes of at least one; v is the forward windows. The input
 * gradient is for one filter a group. */
int conv_depthwise(int dtype, const tc_conv2d_params *p, const conv_windows *v, const void *x, const void *weight,
                   const void *bias, void *y);
int conv_depthwise_input_grad(int dtype, const tc_conv2d_params *p, const void *dy, const void *weight, void *dx);
int conv_depthwise_weight_grad(int dtype, const tc_conv2d_params *p, const conv_windows *v, const void *dy, const void *x,
                               void *dweight, void *dbias);

/* Output rows of a band; the cells of its taps, (r, s) at row[r] + row[p->r + s], for tc_free, or NULL without memory. */
int64_t conv_depthwise_band(int dtype, const tc_conv2d_params *p, const conv_windows *v);
int64_t *conv_depthwise_taps(const tc_conv2d_params *p, const conv_windows *v, int64_t band);

#endif
