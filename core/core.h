/* core.h - the whole interface of the tinygrad_cnn C core.
 *
 * This file is C, and it is also what cffi reads (build_core.py blanks the directive lines that cffi
 * does not know), so it keeps to enums, integer #defines, plain structs and prototypes.
 *
 * Conventions, true of every function unless its comment says otherwise:
 *   - Tensors are dense, row-major and of one dtype; images are (N, C, H, W). Sizes and strides count
 *     elements, never bytes. Where strides are passed they may be 0 (broadcast) or negative.
 *   - Outputs come before inputs' sizes only in name: the order is parameters, sizes, inputs, outputs.
 *   - Arithmetic is done in TC_F32 and TC_F64. Other dtypes are accepted only where a comment names them.
 *   - The caller has checked shapes, ranges and overflow; kernels trust it. A function that can fail for
 *     another reason (memory, a label out of range) returns a tc_status; the others return nothing.
 *   - Results are bitwise the same for any number of threads, and denormals are flushed to zero inside
 *     kernels and nowhere else (the caller's floating-point state is restored).
 *   - Every function may be called from several threads at once on different outputs.
 */
#ifndef TINYGRAD_CNN_CORE_H
#define TINYGRAD_CNN_CORE_H

#include <stddef.h>
#include <stdint.h>

/* ---------------------------------------------------------------- types and status ---------------- */

/* Element types. TC_BOOL is one byte, 0 or 1. */
enum tc_dtype { TC_F32, TC_F64, TC_I64, TC_I32, TC_U8, TC_BOOL };

/* What a function that can fail returns. */
enum tc_status {
    TC_OK,      /* done */
    TC_ENOMEM,  /* the allocator had no memory; outputs are undefined */
    TC_EINVAL,  /* an argument that the C side does check is wrong (an unknown ISA, a negative size) */
    TC_EINDEX   /* an index or a class label is out of range; outputs are undefined */
};

/* One sentence for a tc_status, for error messages. */
const char *tc_strerror(int status);

/* The largest number of dimensions that a strided function takes (NumPy's and PyTorch's limit). */
#define TC_MAX_DIMS 64

/* ---------------------------------------------------------------- runtime: cpu.c ------------------ */

/* Version of the core, and the compiler and flags that built it. */
const char *tc_version(void);
const char *tc_compiler(void);

/* The instruction set in use ("generic", "avx2", "avx512", "neon"), detected once; the environment variable
 * TINYGRAD_CNN_ISA forces another. If it names one that this CPU or build lacks, the best one is used and
 * tc_isa_rejected() returns the refused name (NULL otherwise), so that the caller can raise. */
const char *tc_isa(void);
const char *tc_isa_rejected(void);

/* Names of all instruction sets that this machine can run, best last, separated by spaces. */
const char *tc_isa_available(void);

/* Switch tables at run time (tests, benchmarks). TC_EINVAL if not available. Not while kernels run. */
int tc_set_isa(const char *name);

/* ---------------------------------------------------------------- runtime: threads.c, cpus.c ------ */

/* Threads that a kernel may use, the caller included. Default: OMP_NUM_THREADS if set, else the CPUs that
 * affinity and the cgroup quota give this process. tc_set_num_threads clamps to 1...256. */
int tc_get_num_threads(void);
void tc_set_num_threads(int n);

/* ---------------------------------------------------------------- runtime: alloc.c ---------------- */

/* Caching allocator: 64-byte aligned, uninitialised, blocks kept in size buckets for reuse; large blocks ask
 * for huge pages. tc_alloc returns NULL when there is no memory (after dropping its own cache and trying
 * again); 0 bytes is a valid request. tc_free takes NULL. Thread-safe; every allocation of the core, and every
 * large tensor, comes from here. */
void *tc_alloc(size_t bytes);
void tc_free(void *block);

/* The same allocator as NumPy takes it for the memory of arrays: a PyDataMem_Handler (NEP 49), and the name of the
 * capsule that it goes in. Both live as long as the process. */
const void *tc_numpy_handler(void);
const char *tc_numpy_capsule(void);

/* Give cached blocks (and with glibc, what its heap has free) back to the system; bound what the cache may hold (default 1 GiB). */
void tc_alloc_trim(void);
void tc_alloc_set_cap(size_t bytes);

typedef struct {
    size_t in_use;        /* bytes handed out now, as rounded up to a bucket */
    size_t peak;          /* the largest in_use so far, or since tc_alloc_reset_peak */
    size_t cached;        /* bytes kept for reuse */
    uint64_t requests;    /* tc_alloc calls */
    uint64_t hits;        /* requests served from the cache */
} tc_alloc_stats;
void tc_get_alloc_stats(tc_alloc_stats *stats);

/* Count the peak anew, from what is in use now. */
void tc_alloc_reset_peak(void);

/* Fault injection for tests: the n-th tc_alloc from now (1 = the next) returns NULL, and with sticky != 0 every
 * later one too. n = 0 turns it off. */
void tc_alloc_fail_at(int64_t n, int sticky);

/* ---------------------------------------------------------------- elementwise.c ------------------- */

/* y[i] = op(x[i]). y may be x. Dense, n elements. NaN in, NaN out. TC_ROUND is to even, TC_SIGN of 0 and NaN is 0.
 * exp, expm1, log, log1p, tanh, sin, cos, erf are within 2 ulp of the true value over the whole range, sigmoid within 2.5. */
enum tc_unary_op {
    TC_NEG, TC_ABS, TC_SIGN, TC_SQRT, TC_RSQRT, TC_RECIPROCAL, TC_SQUARE, TC_FLOOR, TC_CEIL, TC_ROUND, TC_TRUNC,
    TC_EXP, TC_EXPM1, TC_LOG, TC_LOG1P, TC_SIN, TC_COS, TC_TANH, TC_SIGMOID, TC_ERF, TC_RELU,
    TC_UNARY_COUNT
};
void tc_unary(int op, int dtype, int64_t n, const void *x, void *y);

/* y = op(a, b), broadcast and strided: ndim sizes in shape, strides of a and b in elements (0 broadcasts);
 * y is dense of that shape, and may be a (or b) if that one is dense too. TC_MAXIMUM/TC_MINIMUM propagate NaN;
 * TC_REMAINDER has the divisor's sign (Python's %), TC_FMOD the dividend's; TC_POW as C's pow;
 * TC_RELU_GRAD(dy, y) = y <= 0 ? 0 : dy; TC_ADD_RELU(a, b) = relu(a + b). */
enum tc_binary_op {
    TC_ADD, TC_SUB, TC_MUL, TC_DIV, TC_MAXIMUM, TC_MINIMUM, TC_POW, TC_FMOD, TC_REMAINDER, TC_ATAN2, TC_RELU_GRAD,
    TC_ADD_RELU, TC_BINARY_COUNT
};
void tc_binary(int op, int dtype, int ndim, const int64_t *shape, const void *a, const int64_t *a_strides,
               const void *b, const int64_t *b_strides, void *y);

/* The same with a scalar, dense x: y = op(x, s), or op(s, x) if scalar_first. s is rounded to dtype first. */
void tc_binary_scalar(int op, int dtype, int64_t n, const void *x, double s, int scalar_first, void *y);

/* y (TC_BOOL, dense) = a op b, broadcast and strided as tc_binary. Comparisons with NaN are false, TC_NE true. */
enum tc_compare_op { TC_EQ, TC_NE, TC_LT, TC_LE, TC_GT, TC_GE, TC_COMPARE_COUNT };
void tc_compare(int op, int dtype, int ndim, const int64_t *shape, const void *a, const int64_t *a_strides,
                const void *b, const int64_t *b_strides, void *y);

/* y = a + alpha * b, broadcast and strided as tc_binary; alpha is rounded to dtype first, product and sum are one
 * operation where the instruction set has it. */
void tc_add_scaled(int dtype, int ndim, const int64_t *shape, const void *a, const int64_t *a_strides,
                   const void *b, const int64_t *b_strides, double alpha, void *y);

/* y = cond ? a : b, broadcast and strided; cond is TC_BOOL. Any dtype of a 1-, 4- or 8-byte element. */
void tc_where(int dtype, int ndim, const int64_t *shape, const void *cond, const int64_t *cond_strides,
              const void *a, const int64_t *a_strides, const void *b, const int64_t *b_strides, void *y);

/* dst = src, both strided; any dtype. The strided-copy kernel: contiguous(), cat, permuted writes. */
void tc_copy(int dtype, int ndim, const int64_t *shape, const void *src, const int64_t *src_strides,
             void *dst, const int64_t *dst_strides);

/* y[i] = value, dense; f32 and f64. */
void tc_fill(int dtype, int64_t n, double value, void *y);

/* ---------------------------------------------------------------- reduce.c ------------------------ */

/* y = reduction of dense x over the dimensions d with reduced[d] != 0; y is dense over the others, in order.
 * TC_SUM and TC_MEAN add in blocks of a fixed size and then pairwise, so that the error grows with log n and the
 * result does not depend on threads; TC_AMAX and TC_AMIN propagate NaN. An empty reduction gives 0, NaN (mean), 1 (prod);
 * for amax and amin the caller has refused it. */
enum tc_reduce_op { TC_SUM, TC_MEAN, TC_PROD, TC_AMAX, TC_AMIN, TC_REDUCE_COUNT };
int tc_reduce(int op, int dtype, int ndim, const int64_t *shape, const uint8_t *reduced, const void *x, void *y);

/* Value and index of the largest (smallest) along the middle of x (outer, len, inner), len > 0: the first one wins,
 * a NaN wins over numbers (the first NaN). values or indices may be NULL. f32 and f64. */
void tc_argmax(int smallest, int dtype, int64_t outer, int64_t len, int64_t inner, const void *x,
               void *values, int64_t *indices);

/* ---------------------------------------------------------------- gemm.c -------------------------- */

/* For each i < batch: C_i = alpha * A_i B_i + beta * C_i (+ bias), A_i (m, k), B_i (k, n), C_i (m, n) with any
 * strides: element (r, c) of A_i is a[i * a_batch + r * a_row + c * a_col], and so on, hence no transposition flags.
 * beta == 0 overwrites C without reading it. bias is NULL, or n values (bias_per_row = 0) or m values
 * (bias_per_row = 1) added to each row or column. k == 0 gives beta * C + bias. Fails only for memory. */
typedef struct {
    int64_t batch, m, n, k;
    int64_t a_batch, a_row, a_col;
    int64_t b_batch, b_row, b_col;
    int64_t c_batch, c_row, c_col;
    double alpha, beta;
    int32_t bias_per_row;
} tc_gemm_params;
int tc_gemm(int dtype, const tc_gemm_params *p, const void *a, const void *b, const void *bias, void *c);

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
 * TINYGRAD_CNN_WINOGRAD=0; FORCED (wherever it can be used) is for tests. What is not finite spreads: a NaN or infinity in a
 * tile of 6x6 pixels may make all its 4x4 outputs NaN. */
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


/* ---------------------------------------------------------------- optim.c ------------------------- */

/* One optimizer step over `count` dense tensors in one call: params[i], grads[i] and the state arrays have sizes[i]
 * elements, all of one dtype. Formulas and their order are PyTorch's (torch.optim.SGD, Adam, AdamW). */
typedef struct {
    double lr, momentum, dampening, weight_decay;
    int32_t nesterov, maximize;
    int32_t first;                 /* momentum buffers are new: buffer = gradient */
} tc_sgd_params;
void tc_sgd(int dtype, const tc_sgd_params *p, int64_t count, const int64_t *sizes, void *const *params, void *const *grads,
            void *const *momentum_buffers /* NULL if momentum == 0 */);

typedef struct {
    double lr, beta1, beta2, eps, weight_decay;
    int32_t decoupled;             /* 1: AdamW's weight decay, 0: Adam's (added to the gradient) */
    int32_t amsgrad, maximize;
    int64_t step;                  /* 1 at the first step */
} tc_adam_params;
void tc_adam(int dtype, const tc_adam_params *p, int64_t count, const int64_t *sizes, void *const *params, void *const *grads,
             void *const *exp_avgs, void *const *exp_avg_sqs, void *const *max_exp_avg_sqs /* NULL unless amsgrad */);

/* The other rules of torch.optim: weight_decay times the parameter is added to the gradient, the parameter multiplied by
 * shrink (1 - lr * weight_decay where the decay is decoupled), then the rule applied. Its numbers and states, in this order:
 *
 *   ADAMAX    1 - beta1, beta2, eps, lr / (1 - beta1^t); exp_avg, exp_inf
 *   NADAM     1 - beta1, beta2, 1 - beta2, 1 - beta2^t, eps, factor of the gradient, factor of the average; exp_avg, exp_avg_sq
 *   RADAM     1 - beta1, beta2, 1 - beta2, 1 - beta1^t, lr, rectification or 0, sqrt(1 - beta2^t), eps; exp_avg, exp_avg_sq
 *   ADADELTA  rho, 1 - rho, eps, lr; square_avg, acc_delta
 *   ADAGRAD   eps, lr; sum
 *   RMSPROP   alpha, 1 - alpha, eps, lr, momentum; square_avg, grad_avg or NULL, momentum_buffer or NULL
 *   RPROP     eta-, eta+, smallest step, largest step; prev, step_size
 *   ASGD      eta, mu; ax */
#define TC_OPTIM_ADAMAX 0
#define TC_OPTIM_NADAM 1
#define TC_OPTIM_RADAM 2
#define TC_OPTIM_ADADELTA 3
#define TC_OPTIM_ADAGRAD 4
#define TC_OPTIM_RMSPROP 5
#define TC_OPTIM_RPROP 6
#define TC_OPTIM_ASGD 7
#define TC_OPTIM_NUMBERS 8
#define TC_OPTIM_STATES 3
typedef struct {
    int32_t rule, maximize;
    double weight_decay, shrink;
    double numbers[TC_OPTIM_NUMBERS];
} tc_optim_params;
void tc_optim(int dtype, const tc_optim_params *p, int64_t count, const int64_t *sizes, void *const *params, void *const *grads,
              void *const *const *states /* TC_OPTIM_STATES arrays of count tensors, NULL where the rule has none */);

/* ---------------------------------------------------------------- random.c ------------------------ */

/* PyTorch's CPU generator: MT19937 and the spare normal that Box-Muller leaves. Same seed, same numbers as torch. */
typedef struct {
    uint32_t state[624];
    int32_t next;                  /* index of the next word of state; 624: regenerate first */
    int32_t has_spare;
    double spare;
    uint64_t seed;
} tc_generator;
void tc_generator_seed(tc_generator *g, uint64_t seed);
uint32_t tc_random32(tc_generator *g);
uint64_t tc_random64(tc_generator *g);

/* Bit for bit torch's, as compiled for x86-64 with AVX2 (f64 normal numbers as far as the C library's log, sin and cos are the
 * same): uniform_(from, to) and normal_(mean, std) in f32 and f64; random_(low, low + range), where range 0 means all 64-bit
 * numbers; bernoulli_(prob) in any dtype (torch on Intel CPUs calls MKL instead, whose stream differs); randperm(n). */
void tc_uniform(tc_generator *g, int dtype, int64_t n, double from, double to, void *y);
void tc_normal(tc_generator *g, int dtype, int64_t n, double mean, double std, void *y);
void tc_random_range(tc_generator *g, int64_t n, int64_t low, uint64_t range, int64_t *y);
void tc_bernoulli(tc_generator *g, int dtype, int64_t n, double prob, void *y);
void tc_randperm(tc_generator *g, int64_t n, int64_t *y);

/* Dropout with Philox 4x32-10 keyed by `key` (counter = element index / 4, so that any thread can make any part):
 * mask[i] = 1 with probability 1 - p, y = x * mask / (1 - p). And its derivative: y = x * mask * scale. */
void tc_dropout(int dtype, int64_t n, double p, uint64_t key, const void *x, void *y, uint8_t *mask);
void tc_mask_scale(int dtype, int64_t n, double scale, const uint8_t *mask, const void *x, void *y);

/* ---------------------------------------------------------------- ndarray.c, ndarray_layers.c ------ */

/* The same functions on NumPy's arrays: a tc_ndarray is the address of an array's object, 0 for one that is not there. Data,
 * dtype, shape and strides are read from it. Inputs may have any strides unless a comment says otherwise, and are broadcast to
 * the shape of the output, the last argument, which is dense; it may be the first input if that one is dense. All of one dtype.
 * TC_EINVAL for what is no array, or none of a dtype that the function knows. */
typedef uintptr_t tc_ndarray;

/* Must be called first: how many bytes an object's head has, and a dense array of doubles, of which is known where its data
 * is and that it has these sizes. TC_EINVAL if it does not look like that: then the layout is one that the core does not know. */
int tc_ndarray_learn(size_t object_head, tc_ndarray probe, const void *data, int64_t rows, int64_t columns);

int tc_ndarray_copy(tc_ndarray x, tc_ndarray y);      /* any dtype; y, too, may have any strides; they do not overlap */
int tc_ndarray_unary(int op, tc_ndarray x, tc_ndarray y);
int tc_ndarray_binary(int op, tc_ndarray a, tc_ndarray b, tc_ndarray y);
int tc_ndarray_binary_scalar(int op, tc_ndarray x, double s, int scalar_first, tc_ndarray y);
int tc_ndarray_add_scaled(tc_ndarray a, tc_ndarray b, double alpha, tc_ndarray y);
int tc_ndarray_compare(int op, tc_ndarray a, tc_ndarray b, tc_ndarray y);
int tc_ndarray_where(tc_ndarray condition, tc_ndarray a, tc_ndarray b, tc_ndarray y);
int tc_ndarray_reduce(int op, uint64_t dims, tc_ndarray x, tc_ndarray y);   /* bit d of dims: d is reduced */

/* c = a b (+ bias, one dense value for each column): matrices, or as many matrices in each of a, b and c. */
int tc_ndarray_gemm(tc_ndarray a, tc_ndarray b, tc_ndarray bias, tc_ndarray c);

/* Of layers: sizes come from the arrays where nothing else says them; inputs that are not dense are copied first (TC_ENOMEM). Only
 * cross-entropy takes arrays without elements. */
int tc_ndarray_conv2d(const tc_conv2d_params *p, tc_ndarray x, tc_ndarray weight, tc_ndarray bias, tc_ndarray y);
int tc_ndarray_conv2d_input_grad(const tc_conv2d_params *p, tc_ndarray dy, tc_ndarray weight, tc_ndarray dx);
int tc_ndarray_conv2d_weight_grad(const tc_conv2d_params *p, tc_ndarray dy, tc_ndarray x, tc_ndarray dweight, tc_ndarray dbias);
int tc_ndarray_max_pool2d(int op, int adaptive, const tc_pool2d_params *p, tc_ndarray x, tc_ndarray y, tc_ndarray indices);
int tc_ndarray_pool_gather(tc_ndarray indices, tc_ndarray x, tc_ndarray y);
int tc_ndarray_pool_scatter(const tc_pool2d_params *windows /* of tc_max_pool2d, or NULL */, tc_ndarray indices, tc_ndarray dy,
                            tc_ndarray relu, tc_ndarray dx);
int tc_ndarray_batch_norm_stats(double momentum, tc_ndarray x, tc_ndarray running_mean, tc_ndarray running_var, tc_ndarray mean,
                                tc_ndarray var);
int tc_ndarray_batch_norm(int relu, double eps, tc_ndarray x, tc_ndarray mean, tc_ndarray var, tc_ndarray weight,
                          tc_ndarray bias, tc_ndarray y);
int tc_ndarray_batch_norm_grad(int training, int relu, double eps, tc_ndarray dy, tc_ndarray x, tc_ndarray mean, tc_ndarray var,
                               tc_ndarray weight, tc_ndarray bias, tc_ndarray dx, tc_ndarray dweight, tc_ndarray dbias);
int tc_ndarray_softmax(int logarithm, int dim, tc_ndarray x, tc_ndarray y);
int tc_ndarray_softmax_grad(int logarithm, int dim, tc_ndarray dy, tc_ndarray y, tc_ndarray dx);
int tc_ndarray_cross_entropy(int reduction, int64_t ignore_index, double label_smoothing, tc_ndarray logits, tc_ndarray target,
                             tc_ndarray weight, tc_ndarray losses, tc_ndarray lse, double *total);
int tc_ndarray_cross_entropy_grad(double scale, int64_t ignore_index, double label_smoothing, tc_ndarray g, tc_ndarray logits,
                                  tc_ndarray target, tc_ndarray weight, tc_ndarray lse, tc_ndarray dlogits);

#endif
