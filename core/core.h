/* core.h - the whole interface of the tinygrad_cnn C core: tensors here, the rest in the headers it includes at its end.
 *
 * These files are C, and they are also what cffi reads (build_core.py puts them together and blanks the directive lines that
 * cffi does not know), so they keep to enums, integer #defines, plain structs and prototypes.
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
    TC_EINDEX,  /* an index or a class label is out of range; outputs are undefined */
    TC_ESTOPPED /* whom tc_set_asked names has said so; outputs are undefined */
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

/* ---------------------------------------------------------------- runtime: stop.c ----------------- */

/* Names a function that `thread` (its pthread_self) calls every 50 ms or so while it is in one of those functions on arrays that
 * can take minutes, products, convolutions and max pooling: what it returns is whether to leave that one undone, with TC_ESTOPPED.
 * It may call the core. NULL: nobody is asked, which is how a program starts. */
void tc_set_asked(int (*asked)(void), uintptr_t thread);

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

/* y = g * slope, dense: the slope is `above` where x >= high, `between` where x > low, else (NaN, too) `below`; of 0 it gives
 * 0 whatever g is. The five are rounded to dtype first; y may be g or x. So g is the gradient at the output of a function of
 * straight pieces (leaky_relu, hardtanh), or x itself, which gives the function. */
void tc_bend(int dtype, int64_t n, const void *g, const void *x, double low, double high, double below, double between,
             double above, void *y);

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

#include "core_layers.h"
#include "core_optim.h"
#include "core_ndarray.h"
#if defined(TC_TESTING)
#include "core_testing.h"
#endif

#endif
