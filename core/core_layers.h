/* core_layers.h - what layers are made of: convolution, pooling, softmax, losses, normalisation. Part of core.h, whose conventions hold; cffi reads it, too. */
#ifndef TINYGRAD_CNN_CORE_LAYERS_H
#define TINYGRAD_CNN_CORE_LAYERS_H

#include "core.h"

/* ---------------------------------------------------------------- conv.c -------------------------- */

/* A two-dimensional convolution (cross-correlation, as PyTorch's): x (n, c, h, w), weight (k, c / groups, r, s),
 * y (n, k, oh, ow). pad_h and pad_w are rows above and columns left of x; what is below and to the right follows from
 * oh and ow, so that asymmetric padding needs no copy. c and k are multiples of groups; strides and dilations >= 1. */
typedef struct {
    int64_t n, c, h, w;
    int64_t k, r, s;
    int64_t oh, ow;
    int64_t stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
    int64_t groups;
    int32_t relu;       /* of tc_conv2d alone: 1 gives max(y, 0) (NaN stays), 0 y as it is */
} tc_conv2d_params;

/* y[n,k,i,j] = bias[k] + sum_{c,r,s} x[n, c, i*stride - pad + r*dilation, ...] * weight[k,c,r,s], then relu where asked;
 * bias may be NULL. */
int tc_conv2d(int dtype, const tc_conv2d_params *p, const void *x, const void *weight, const void *bias, void *y);

/* dx = gradient of sum(y * dy) by x (that is, conv_transpose2d of dy). dx is overwritten. */
int tc_conv2d_input_grad(int dtype, const tc_conv2d_params *p, const void *dy, const void *weight, void *dx);

/* dweight = gradient of sum(y * dy) by weight, and dbias (k, or NULL) that by the bias, while dy is in the cache; both are
 * overwritten. Images are added in parts and an order that the shape decides. */
int tc_conv2d_weight_grad(int dtype, const tc_conv2d_params *p, const void *dy, const void *x, void *dweight, void *dbias);

/* 3x3 convolutions of stride 1 in float32, and their gradients, by Winograd's minimal filtering: about a quarter of the
 * multiplications and two to three times the rounding errors. ON (where it is quicker, and takes no more memory than a tenth
 * of the outputs or, where that is more, than makes 1 MiB together with them) is the default unless the environment has
 * TINYGRAD_CNN_WINOGRAD=0; FORCED (wherever it can be used) is for tests. Images with outputs that are not finite are computed
 * once more, directly: a NaN stays in the windows that hold it. */
enum tc_winograd { TC_WINOGRAD_OFF, TC_WINOGRAD_ON, TC_WINOGRAD_FORCED };
int tc_get_winograd(void);
void tc_set_winograd(int state);

/* ---------------------------------------------------------------- pool.c -------------------------- */

/* Pooling of `planes` = N * C images (h, w) to (oh, ow). Window (i, j) covers rows i*stride_h - pad_h + r*dilation_h,
 * r < kernel_h, as far as they lie in the image, and likewise columns. A dilated window may lie wholly in the padding. */
typedef struct {
    int64_t planes, h, w, oh, ow;
    int64_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
} tc_pool2d_params;

/* y = maximum (TC_POOL_MIN: minimum) of each window; indices (int32, may be NULL) = r * w + c of the winner in its plane
 * (h * w < 2^31). First of equals wins; NaN propagates and the last NaN gives the index (rule: v > best or v is NaN).
 * A window without cells gives the lowest (minimum: highest) value of the dtype and index -1. All dtypes but TC_BOOL. */
enum tc_pool_op { TC_POOL_MAX, TC_POOL_MIN };
void tc_max_pool2d(int op, int dtype, const tc_pool2d_params *p, const void *x, void *y, int32_t *indices);

/* The same over adaptive windows: rows [floor(i*h/oh), ceil((i+1)*h/oh)), columns alike. Uses planes, h, w, oh, ow. */
void tc_adaptive_max_pool2d(int op, int dtype, const tc_pool2d_params *p, const void *x, void *y, int32_t *indices);

/* The pair that makes max pooling differentiable twice, over `planes` planes of `in` and `out` cells:
 * gather y[p, o] = x[p, indices[p, o]] (0 for index -1), and scatter dx = 0, dx[p, indices[p, o]] += dy[p, o] (not for -1).
 * relu is NULL, or (f32 and f64) the output, of `in` cells, of a ReLU before the pooling, whose gradient is taken along: where it is
 * <= 0, nothing is added. */
void tc_pool_gather(int dtype, int64_t planes, int64_t in, int64_t out, const int32_t *indices, const void *x, void *y);
void tc_pool_scatter(int dtype, int64_t planes, int64_t in, int64_t out, const int32_t *indices, const void *dy,
                     const void *relu, void *dx);

/* That scatter for the indices that tc_max_pool2d gave for p, sooner where windows allow it. */
void tc_max_pool2d_grad(int dtype, const tc_pool2d_params *p, const int32_t *indices, const void *dy, const void *relu, void *dx);

/* y = sum of the window / divisor; divisor = divisor_override if not 0, else the cells of the window clipped to
 * [-pad, size + pad) (count_include_pad) or to the image (not). f32, f64, and TC_I64 (quotient truncated toward zero). */
void tc_avg_pool2d(int dtype, const tc_pool2d_params *p, int count_include_pad, int64_t divisor_override, const void *x, void *y);
void tc_avg_pool2d_grad(int dtype, const tc_pool2d_params *p, int count_include_pad, int64_t divisor_override,
                        const void *dy, void *dx);

/* The mean over adaptive windows, and its gradient. */
void tc_adaptive_avg_pool2d(int dtype, const tc_pool2d_params *p, const void *x, void *y);
void tc_adaptive_avg_pool2d_grad(int dtype, const tc_pool2d_params *p, const void *dy, void *dx);

/* Padding by index maps, for every mode at once: y[p,i,j] = x[p, rows[i], cols[j]], or value where rows[i] or cols[j] is
 * -1. x is (planes, h, w), y (planes, oh, ow). The gradient adds dy back through the same maps; dx is overwritten; it fails only
 * for memory. */
void tc_pad2d(int dtype, int64_t planes, int64_t h, int64_t w, int64_t oh, int64_t ow, const int64_t *rows, const int64_t *cols,
              double value, const void *x, void *y);
int tc_pad2d_grad(int dtype, int64_t planes, int64_t h, int64_t w, int64_t oh, int64_t ow, const int64_t *rows,
                  const int64_t *cols, const void *dy, void *dx);

/* ---------------------------------------------------------------- softmax.c ----------------------- */

/* y = softmax (logarithm != 0: log_softmax) over the middle of x (outer, len, inner), the maximum subtracted first. */
int tc_softmax(int logarithm, int dtype, int64_t outer, int64_t len, int64_t inner, const void *x, void *y);

/* dx from dy and the OUTPUT y: softmax y * (dy - sum(dy * y)), log_softmax dy - exp(y) * sum(dy). */
int tc_softmax_grad(int logarithm, int dtype, int64_t outer, int64_t len, int64_t inner, const void *dy, const void *y, void *dx);

/* ---------------------------------------------------------------- loss.c -------------------------- */

/* Cross-entropy of class indices, PyTorch's cross_entropy(input, target, weight, ignore_index, label_smoothing):
 * logits (n, classes, inner), target (n, inner), weight NULL or (classes). Writes the losses (n, inner) (0 where ignored), or one
 * value, their sum or that divided by total; lse (n, inner) = log-sum-exp for the gradient; and total = sum of weight[target]
 * over what is not ignored. TC_EINDEX if a target is neither ignore_index nor in [0, classes). */
enum tc_loss_reduction { TC_LOSS_NONE, TC_LOSS_SUM, TC_LOSS_MEAN };
typedef struct {
    int64_t n, classes, inner;
    int64_t ignore_index;
    double label_smoothing;
    int32_t reduction;
} tc_cross_entropy_params;
int tc_cross_entropy(int dtype, const tc_cross_entropy_params *p, const void *logits, const int64_t *target,
                     const void *weight, void *losses, void *lse, double *total);

/* dlogits = sum over positions of g * d loss / d logits; g (n, inner) if g_per_position, else one value for all, times scale.
 * p->reduction is not used. TC_EINDEX as above: the targets are the caller's, who may have changed them since. */
int tc_cross_entropy_grad(int dtype, const tc_cross_entropy_params *p, const void *g, int g_per_position, double scale,
                          const void *logits, const int64_t *target, const void *weight, const void *lse, void *dlogits);

/* Negative log-likelihood of log-probabilities, same layout: losses = -weight[t] * logp[t]; gradient alike (dlogp dense,
 * overwritten). label_smoothing is not used. */
int tc_nll_loss(int dtype, const tc_cross_entropy_params *p, const void *logp, const int64_t *target, const void *weight,
                void *losses, double *total);
int tc_nll_loss_grad(int dtype, const tc_cross_entropy_params *p, const void *g, int g_per_position, double scale,
                     const int64_t *target, const void *weight, void *dlogp);

/* ---------------------------------------------------------------- norm.c -------------------------- */

/* Batch normalisation of x (n, c, inner) over n and inner. stats: mean and biased variance of each channel (two passes), towards
 * which the running ones move: running_x = (1 - momentum) * running_x + momentum * x for x = mean and the unbiased variance (each
 * may be NULL). */
int tc_batch_norm_stats(int dtype, int64_t n, int64_t c, int64_t inner, double momentum, const void *x, void *running_mean,
                        void *running_var, void *mean, void *var);

/* y = (x - mean) / sqrt(var + eps) * weight + bias; weight and bias may be NULL (1 and 0). relu != 0: negative y become 0. */
int tc_batch_norm(int relu, int dtype, int64_t n, int64_t c, int64_t inner, double eps, const void *x, const void *mean,
                  const void *var, const void *weight, const void *bias, void *y);

/* Gradients; training != 0: mean and var were x's own and are differentiated through. relu and bias are the forward pass's: where
 * that cut y to 0 (found out again from x, so that y need not be kept) dy counts as 0; without relu, bias is not used.
 * dx, dweight, dbias may each be NULL. */
int tc_batch_norm_grad(int training, int relu, int dtype, int64_t n, int64_t c, int64_t inner, double eps, const void *dy,
                       const void *x, const void *mean, const void *var, const void *weight, const void *bias, void *dx,
                       void *dweight, void *dbias);

/* ---------------------------------------------------------------- fold.c -------------------------- */

/* The weights (filters, depth) and biases (filters) with which a convolution gives what it gives with `weight` and `bias`,
 * normalised: (y - mean) / sqrt(var + eps) * gamma + beta. bias, gamma, beta may be NULL. */
void tc_fold_batch_norm(int dtype, int64_t filters, int64_t depth, double eps, const void *weight, const void *bias,
                        const void *mean, const void *var, const void *gamma, const void *beta, void *folded_weight,
                        void *folded_bias);

#endif
