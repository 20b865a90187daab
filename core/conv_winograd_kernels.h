/* conv_winograd_kernels.h - the kernel table of Winograd's convolution, and what its kernels take. */
#ifndef TC_CONV_WINOGRAD_KERNELS_H
#define TC_CONV_WINOGRAD_KERNELS_H

#include "internal.h"

/* F(4x4, 3x3) in float32 (conv_winograd_tpl.h): the sides of a tile of outputs and of the pixels it meets. */
enum { TC_WINOGRAD_TILE = 4, TC_WINOGRAD_SIDE = 6, TC_WINOGRAD_POINTS = 36 };

/* A row of tiles whose pixels go to points; a pixel is a vector of channels. Point q of tile first + t is written to
 * out[(first + t) / group * group_step + (first + t) % group * tile_step + q * point_step]. */
typedef struct {
    const float *row[TC_WINOGRAD_SIDE];     /* pixels of each row, `width` of them */
    int64_t col, width;                     /* column of the first tile; what lies outside is 0 */
    int64_t tiles, first;
    float *columns;                         /* work space, SIDE vectors for each column of the tiles */
    float *out;
    int64_t group, group_step, tile_step, point_step;
} tc_winograd_row;

/* A row of tiles whose points go to outputs, a vector of filters each, bias and ReLU applied. */
typedef struct {
    const float *points;
    int64_t tiles, tile_step, point_step;
    int64_t rows, cols;                     /* outputs of the image, from the first tile on */
    const float *bias;                      /* a vector */
    bool relu;
    float *out;                             /* cols vectors a row */
} tc_winograd_outputs;

/* Where a 3x3 filter's taps stand: element [lane * filter + r * row + s * col]. */
typedef struct {
    int64_t filter, row, col;
} tc_winograd_taps;

typedef struct tc_winograd_kernels {
    int lanes;                  /* of a vector */
    int tiles, vectors;         /* of the product's tile: rows, and vectors of columns at most */
    int sum_rows;               /* rows of the sums' tile */
    void (*input)(const tc_winograd_row *r);            /* rows of 6 pixels: B^T d B */
    void (*output_grad)(const tc_winograd_row *r);      /* rows of 4: A dy A^T */
    bool (*output)(const tc_winograd_outputs *o);       /* A^T m A; whether all are finite, before ReLU */
    void (*spread)(int lanes, int64_t count, const float *src, float *dst, int64_t plane);  /* dst[l * plane + j] = src[j][l] */
    /* G g G^T of the filters of some lanes. */
    void (*filter)(const tc_winograd_taps *f, int lanes, const float *weight, float *points, int64_t point_step);
    /* Adds G^T u G to dweight. */
    void (*filter_grad)(const tc_winograd_taps *f, int lanes, const float *points, int64_t point_step, float *dweight);
    /* c(i, :) = sum over p < depth of a(i, p) b(p, :), i < tiles, added to c if `add`: a in pieces of `lanes` channels, tiles
     * side by side. */
    void (*product)(int64_t depth, const float *a, const float *b, int vectors, bool add, float *c, int64_t c_row);
    /* c(i, :) += sum over p < kc of a[p * a_step + i] b[p * b_step, :], i < sum_rows; the other fields are not used. */
    void (*sums)(const tc_tile *t, int vectors);
} tc_winograd_kernels;

#endif
