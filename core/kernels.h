/* kernels.h - the tables of kernels: one struct a family, filled at the end of <family>_tpl.h.
 *
 * A kernel is a single-threaded loop over dense memory, compiled once for each instruction set and dtype from the
 * *_tpl.h files. The .c file of its family checks, blocks, splits over threads and calls it through the table. */
#ifndef TC_KERNELS_H
#define TC_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core.h"

/* One tile of C = alpha * A B + beta * C + bias, as the micro-kernels of gemm_tpl.h take it. Pointers are to the tile's
 * own first elements; a NULL bias is absent. */
typedef struct {
    int rows, cols;             /* of the tile, at most those of the kernel */
    int64_t kc;                 /* length of the sums */
    const void *a, *b;
    int64_t a_step, b_step;     /* tile: between rows of B, and of A if a_col is not 0; dot: between rows of A, columns of B */
    int64_t a_col;              /* tile: between columns of A where it lies; 0: a is a packed panel */
    const int64_t *b_offset;    /* dot: if not NULL, where each column of B starts instead */
    void *c;
    int64_t c_row, c_col;
    double alpha, beta;
    const void *row_bias, *col_bias;
} tc_tile;

typedef struct {
    int mr, nr;                 /* rows and columns of the micro-kernel's tile */
    int dot_rows, dot_cols;     /* the same of the dot kernel */
    int dot_size;               /* elements of its sums: dot_rows x dot_cols, rounded up to whole vectors */
    int kc, mc;                 /* longest sum, and rows of A, of one block */
    /* a: a packed panel, kc x mr, or any strides; b: kc rows of nr adjacent elements */
    void (*tile)(const tc_tile *t);
    void (*dot)(const tc_tile *t, void *sums);  /* a: rows, b: columns, both contiguous along the sum; c is not used */
    void (*finish)(const tc_tile *t, const void *sums, int64_t pitch);  /* the last step alone: c from sums */
    void (*pack)(int width, int valid, int64_t count, const void *src, int64_t i_stride, int64_t p_stride, void *dst);
    void (*axpy)(int64_t n, int64_t count, const void *x, int64_t x_step, const void *rows, int64_t row_step, void *y);
} tc_gemm_kernels;

/* A plane of an image as conv.c packs it: cell (i, j) = pixel (row + i * row_step, col + j * col_step), 0 outside. What stands
 * behind `ahead` follows from the rest (conv_place). */
typedef struct {
    int64_t rows, cols;         /* cells */
    int64_t h, w;               /* pixels */
    int64_t row, col, row_step, col_step;
    int64_t other;              /* cells to a second plane, of the pixels one column on, for a col_step of 2; 0: none */
    int64_t ahead;              /* elements to the plane to be read next, which is asked for meanwhile; 0: the processor
                                 * foresees enough */
    int64_t pixel, count;       /* of a row: its first pixel that has a cell, and how many have one; with `other` */
    int64_t cell, other_cell;   /* pairs of pixels, the first of which goes to cell + n, the second to other_cell + n */
    bool single;                /* a pixel is left over behind the pairs */
    bool padded;                /* there are cells outside of the image */
} tc_plane;

/* For each of the lines: c (rows, cols) = [c or bias] + sum over p < kc of a[i * a_row + a_offset[p]] * b[b_offset[p] + j],
 * then relu if asked. Lines are b_line and c_line apart. Rows of b and c have adjacent elements; those of b are read in whole
 * tiles of gemm.nr where cols are fewer. */
typedef struct {
    int64_t rows, cols, kc, lines, b_line, c_line;
    const void *a, *b;
    int64_t a_row;
    const int64_t *a_offset, *b_offset;
    void *c;
    int64_t c_row;
    const void *bias;           /* one a row, or NULL; not used with `add` */
    bool add, relu;
    bool by_filters;            /* all lines for some filters, then for the next: b stays in L1 whole */
} tc_conv_block;

/* Columns of a panel that are adjacent in the planes. */
typedef struct {
    int64_t from, to;
} tc_conv_piece;

typedef struct {
    void (*pack)(const tc_plane *p, const void *pixels, void *cells);
    /* y[i * y_row + j * y_col] = x[i * x_row + j * x_col] for i < rows, j < cols. */
    void (*copy)(int64_t rows, int64_t cols, const void *x, int64_t x_row, int64_t x_col, void *y, int64_t y_row, int64_t y_col);
    void (*block)(const tc_conv_block *t);
    /* panel[p * nr + to + j] = planes[offset[p] + from + j] for p < kc, pieces in rising order of `to`, and j up to the next
     * piece. Reads up to nr elements past a piece, and writes as many past the panel. */
    void (*gather)(int64_t kc, int pieces, const tc_conv_piece *piece, const int64_t *offset, const void *planes, void *panel);
} tc_conv_kernels;

/* sums(i, j) += sum over p < count of a[p * rows + i] * vector at b[unit[j] + offset[p]], for i < rows, j < nv: the outer
 * products of conv_weight.c. unit says where each vector's cells lie at the first pixel, offset where a pixel lies. */
typedef struct {
    int rows;
    int64_t count;
    const void *a, *b;
    const int64_t *unit, *offset;
    void *sums;
} tc_outer_tile;

typedef struct {
    int mr, nv, lanes;          /* most rows of a tile; its vectors; elements of a vector */
    /* dst[q * width + c] = src[c * plane + q] for q < count, c < channels; anything for channels <= c < width. `readable`
     * elements of each plane may be read; up to lanes - 1 elements after dst are overwritten. */
    void (*pixels)(int64_t channels, int64_t width, int64_t plane, int64_t count, int64_t readable, const void *src, void *dst);
    void (*outer)(const tc_outer_tile *t);
    /* dst[i * depth + index[l]] = sums[i * lanes + l] for i < rows and each l < lanes whose index is below limit. */
    void (*scatter)(int rows, int64_t lanes, const int64_t *index, int64_t limit, const void *sums, int64_t depth, void *dst);
    void (*add)(int64_t n, const void *x, void *y);     /* y += x */
    /* y[i] += sum of x[i * step + q] over q < n, for i < rows: the gradient by the bias. */
    void (*add_sums)(int64_t rows, int64_t n, int64_t step, const void *x, void *y);
} tc_conv_weight_kernels;

/* One filter over one plane. Output (i, j) meets tap (r, s) at cells[i * pitch + j + row[r] + col[s]]. */
typedef struct {
    int64_t rows, cols;         /* outputs */
    int64_t row_taps, col_taps;
    const int64_t *row, *col;
    const void *cells;
    int64_t pitch;
    const void *weight;         /* row_taps x col_taps */
    double bias;
    bool relu;
    void *out;                  /* dot: dy, which is read */
    int64_t out_row;
    int64_t room;               /* elements of a row of out that may be overwritten; 0: only its outputs */
} tc_depthwise_plane;

typedef struct {
    int group;                  /* outputs that `plane` computes at a time, at most */
    int block, sums;            /* taps along each axis of one call of dot; elements of its sums */
    void (*plane)(const tc_depthwise_plane *t);     /* reads up to a group behind the last cell */
    /* sums += products of dy with the cells of block x block taps, and dy alone: a vector for each, unfinished. */
    void (*dot)(const tc_depthwise_plane *t, void *sums);
    /* The sum of each of n vectors. */
    void (*finish)(int64_t n, const void *vectors, void *sums);
    /* out[j] = phases[j % step * phase + j / step] for j < n. */
    void (*interleave)(int64_t n, int64_t step, const void *phases, int64_t phase, void *out);
} tc_depthwise_kernels;

/* Rows and planes are counted through the whole batch. */
typedef struct {
    void (*max_rows)(const tc_pool2d_params *p, int smallest, int64_t begin, int64_t end, const void *x, void *y, int32_t *indices);
    void (*adaptive_max_rows)(const tc_pool2d_params *p, int smallest, int64_t begin, int64_t end, const void *x, void *y,
                              int32_t *indices);
    /* For windows two columns wide, side by side from the first column on, in rows that do not meet; relu may be NULL.
     * false: nothing done, rows are too short. */
    bool (*max_grad_pairs)(const tc_pool2d_params *p, int64_t begin, int64_t end, const int32_t *indices, const void *dy,
                           const void *relu, void *dx);
    void (*avg_rows)(const tc_pool2d_params *p, int include_pad, int64_t divisor, int64_t begin, int64_t end, const void *x, void *y);
    void (*avg_grad)(const tc_pool2d_params *p, int include_pad, int64_t divisor, int64_t begin, int64_t end, const void *dy, void *dx);
    void (*adaptive_avg_rows)(const tc_pool2d_params *p, int64_t begin, int64_t end, const void *x, void *y);
    void (*adaptive_avg_grad)(const tc_pool2d_params *p, int64_t begin, int64_t end, const void *dy, void *dx);
    void (*global_avg)(int64_t begin, int64_t end, int64_t cells, const void *x, void *y);
    void (*global_avg_grad)(int64_t begin, int64_t end, int64_t cells, const void *dy, void *dx);
    void (*pad_grad)(int64_t w, int64_t oh, int64_t ow, const int64_t *rows, const int64_t *cols, int64_t run, int64_t run_end,
                     const void *dy, void *dx);
} tc_pool_kernels;

/* y[i] = f(in[0][i * step[0]], in[1][i * step[1]], ...) for n elements; steps are 0 (one value for all) or 1. */
typedef void (*tc_map_fn)(int64_t n, const void *const *in, const int64_t *step, void *y);

typedef struct {
    void (*unary)(int op, int64_t n, const void *x, void *y);      /* dense; x may be y */
    tc_map_fn binary[TC_BINARY_COUNT];                              /* an operand with step 1 may be y */
    tc_map_fn add_scaled;                                           /* in[2] is one value, alpha; in[0] may be y */
    tc_map_fn bend;     /* of dense g and x; in[2] is five values, the bounds and slopes; in[0] or in[1] may be y */
    tc_map_fn compare[TC_COMPARE_COUNT];                            /* y in bytes; only TC_EQ, NE, LT and LE */
} tc_elementwise_kernels;

/* The widest strip of columns that a column kernel takes. */
enum { TC_STRIP = 128 };

typedef struct {
    /* y[r] = op over row r of x (rows, len). TC_MEAN is a sum here, as below. */
    void (*rows)(int op, int64_t rows, int64_t len, const void *x, void *y);
    /* y[j] = op over i < len of x[i * stride + j], j < width <= TC_STRIP. */
    void (*columns)(int op, int64_t len, int64_t width, int64_t stride, const void *x, void *y);
    /* y[i] /= divisor. */
    void (*divide)(int64_t n, double divisor, void *y);
    /* Value and index of the extreme of each row of (rows, len); of each column as above. Outputs may be NULL. */
    void (*arg_rows)(int smallest, int64_t rows, int64_t len, const void *x, void *values, int64_t *indices);
    void (*arg_columns)(int smallest, int64_t len, int64_t width, int64_t stride, const void *x, void *values,
                        int64_t *indices);
} tc_reduce_kernels;

/* Rows of consecutive elements, or positions [begin, end) side by side whose elements lie `inner` apart. */
typedef struct {
    void (*rows)(int logarithm, int64_t rows, int64_t len, const void *x, void *y);
    void (*lanes)(int logarithm, int64_t len, int64_t inner, int64_t begin, int64_t end, const void *x, void *y);
    void (*grad_rows)(int logarithm, int64_t rows, int64_t len, const void *dy, const void *y, void *dx);
    void (*grad_lanes)(int logarithm, int64_t len, int64_t inner, int64_t begin, int64_t end, const void *dy, const void *y, void *dx);
} tc_softmax_kernels;

/* Positions [begin, end): rows where inner == 1, else side by side in one image, which the pointers are moved to. */
typedef struct {
    void (*cross_entropy_rows)(const tc_cross_entropy_params *p, int64_t begin, int64_t end, const void *logits,
                               const int64_t *target, const void *weight, void *losses, void *lse);
    void (*cross_entropy_lanes)(const tc_cross_entropy_params *p, int64_t begin, int64_t end, const void *logits,
                                const int64_t *target, const void *weight, void *losses, void *lse);
    void (*cross_entropy_grad_rows)(const tc_cross_entropy_params *p, int64_t begin, int64_t end, double weight_sum, const void *g,
                                    int64_t g_step, const void *logits, const int64_t *target, const void *weight, const void *lse,
                                    void *dlogits);
    void (*cross_entropy_grad_lanes)(const tc_cross_entropy_params *p, int64_t begin, int64_t end, double weight_sum, const void *g,
                                     int64_t g_step, const void *logits, const int64_t *target, const void *weight, const void *lse,
                                     void *dlogits);
    void (*nll)(const tc_cross_entropy_params *p, int64_t begin, int64_t end, const void *logp, const int64_t *target,
                const void *weight, void *losses);
    void (*nll_grad)(const tc_cross_entropy_params *p, int64_t begin, int64_t end, const void *g, int64_t g_step,
                     const int64_t *target, const void *weight, void *dlogp);
} tc_loss_kernels;

/* What normalisation does to each channel, arrays of the kernels' dtype: y = (x - mean) * scale + shift,
 * dx = dy * scale + (x - mean) * slope + rest; relu: y <= 0 becomes 0, and its dy counts as 0. */
typedef struct {
    int relu;
    void *mean, *scale, *shift, *slope, *rest;
} tc_norm_lines;

/* Images of (c, inner), channels [first, last). */
typedef struct {
    void (*moments)(int64_t images, int64_t c, int64_t inner, int64_t first, int64_t last, const void *x, double *mean,
                    double *squares);
    void (*slopes)(int64_t images, int64_t c, int64_t inner, int64_t first, int64_t last, const tc_norm_lines *lines,
                   const void *dy, const void *x, double *sum, double *dot);
    void (*apply)(int64_t images, int64_t c, int64_t inner, int64_t first, int64_t last, const tc_norm_lines *lines,
                  const void *x, void *y);
    void (*grad)(int64_t images, int64_t c, int64_t inner, int64_t first, int64_t last, const tc_norm_lines *lines,
                 const void *dy, const void *x, void *dx);
} tc_norm_kernels;

typedef struct {
    void (*sgd)(const tc_sgd_params *p, int64_t n, void *param, const void *grad, void *momentum_buffer);
    void (*adam)(const tc_adam_params *p, int64_t n, void *param, const void *grad, void *exp_avg, void *exp_avg_sq,
                 void *max_exp_avg_sq);
    void (*rule)(const tc_optim_params *p, int64_t n, void *param, const void *grad, void *const *state);
} tc_optim_kernels;

typedef struct {
    /* n numbers in [from, to) from n (f32) or 2 n (f64) words. */
    void (*uniform)(int64_t n, const uint32_t *words, double from, double to, void *y);
    /* Uniforms to normal numbers in place, by groups of 16. */
    void (*normal16)(int64_t groups, double mean, double std, void *y);
    /* y = x * mask / (1 - p) for the elements [first, first + n) of a tensor; first is a multiple of 4. */
    void (*dropout)(int64_t first, int64_t n, double p, uint64_t key, const void *x, void *y, uint8_t *mask);
    /* y = x * scale where mask is 1, else x * 0. */
    void (*mask_scale)(int64_t n, double scale, const uint8_t *mask, const void *x, void *y);
} tc_random_kernels;

/* All kernels of one instruction set for one dtype (f32 or f64). */
typedef struct {
    const tc_gemm_kernels *gemm;
    const tc_conv_kernels *conv;
    const tc_conv_weight_kernels *conv_weight;
    const struct tc_winograd_kernels *winograd;     /* conv_winograd_kernels.h; NULL but for f32 */
    const tc_depthwise_kernels *depthwise;
    const tc_pool_kernels *pool;
    const tc_elementwise_kernels *elementwise;
    const tc_reduce_kernels *reduce;
    const tc_softmax_kernels *softmax;
    const tc_loss_kernels *loss;
    const tc_norm_kernels *norm;
    const tc_optim_kernels *optim;
    const tc_random_kernels *random;
} tc_kernels;

/* One instruction set: its name, whether this CPU has it, its tables for TC_F32 and TC_F64. */
typedef struct {
    const char *name;
    bool (*supported)(void);
    const tc_kernels *kernels[2];
} tc_isa_table;

/* Families of AVX2 that AVX-512 uses as well: doubles are rare in training, and another set would be a tenth of its code. */
extern const tc_elementwise_kernels tc_avx2_elementwise_f64;
extern const tc_optim_kernels tc_avx2_optim_f64;
extern const tc_random_kernels tc_avx2_random_f64;

extern const tc_isa_table tc_isa_generic, tc_isa_avx2, tc_isa_avx512, tc_isa_neon;

/* The kernels in use for dtype TC_F32 or TC_F64 (cpu.c). */
const tc_kernels *tc_kernels_for(int dtype);

#endif
