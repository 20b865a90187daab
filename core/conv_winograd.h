/* conv_winograd.h - 3x3 convolutions of stride 1 in float32 with a quarter of the multiplications (conv_winograd_tpl.h).
 *
 * All three products of such a convolution are sums of products at the 36 points of each tile of 4x4 outputs:
 *   the outputs     (tiles x channels) times (channels x filters),
 *   the input's gradient, which is the same with filters turned round and channels for filters,
 *   the weights' gradient (filters x tiles) times (tiles x channels).
 * Whether that is used for a convolution depends on its shape, the switch and nothing else. */
#ifndef TC_CONV_WINOGRAD_H
#define TC_CONV_WINOGRAD_H

#include "conv_winograd_kernels.h"

/* How many images of the batch, from the first on, are computed quicker so, in the memory that a convolution may take. The
 * outputs of the others, which are to be computed directly afterwards, are memory for it. */
int64_t conv_winograd_images(int dtype, const tc_conv2d_params *p);
int64_t conv_winograd_images_input_grad(int dtype, const tc_conv2d_params *p);

/* The products, as tc_conv2d and its gradients, of so many images. Sums of tiles mix what is kept apart by direct ones: a NaN or an
 * infinity spreads over its tile, and large numbers overflow sooner. Images with such outputs are to be computed again: their
 * bytes of again become 1, those of the others 0. */
int conv_winograd(const tc_conv2d_params *p, const float *x, const float *weight, const float *bias, float *y, uint8_t *again);
int conv_winograd_input_grad(const tc_conv2d_params *p, const float *dy, const float *weight, float *dx, uint8_t *again);

/* The gradient by the weights, if it is quicker so and finite (*done). */
int conv_winograd_weight_grad(int dtype, const tc_conv2d_params *p, const void *dy, const void *x, void *dweight, bool *done);

/* ---- what the files share ---- */

/* Whether F(4x4, 3x3) applies at all: its kernel, its dtype, the switch. */
bool winograd_applies(int dtype, const tc_conv2d_params *p);

/* Bytes that a convolution may take beside its operands: a tenth of the outputs' memory, or what makes SMALL_BYTES together with
 * them if that is more; no limit where it is forced. What it takes for blocks of so many elements, the first once, the second as
 * often as tasks run at once (WINOGRAD_TASKS are reckoned with; further threads take as much again each). */
enum { WINOGRAD_TASKS = 2 };
int64_t winograd_room(const tc_conv2d_params *p);
int64_t winograd_bytes(int64_t shared, int64_t of_task);

/* What the direct way costs, in vector operations, and whether one that costs so many (0: it finds no room) is quicker, or
 * forced. */
double winograd_direct(const tc_conv2d_params *p, int lanes);
bool winograd_pays(double cost, double direct);

/* Images as tiles meet them. Tiles are counted through the rows of an image and the images of the batch. */
typedef struct {
    int64_t channels, h, w;
    int64_t pad_h, pad_w;       /* the first tile's first pixel is (-pad_h, -pad_w) */
    int64_t depth;              /* pixels of a tile: SIDE, or TILE for the outputs' gradient */
    int64_t tile_rows, tiles;   /* rows of tiles in an image, tiles in a row */
} winograd_source;

/* Tiles that are handled together: whole rows of one image, or a part of a row. */
typedef struct {
    int64_t image, row, col;    /* of the first tile */
    int64_t rows, cols;         /* tiles */
} winograd_piece;

/* The first piece of the tiles [tile, tile + count), count > 0. */
winograd_piece winograd_first_piece(const winograd_source *s, int64_t tile, int64_t count);

/* Most rows of a piece of `count` tiles. */
int64_t winograd_piece_rows(const winograd_source *s, int64_t count);

/* Elements of work space that winograd_points needs for `count` tiles. */
int64_t winograd_pixels_size(const winograd_source *s, int64_t count, int lanes);

/* Brings the tiles [tile, tile + count) of one vector of channels, from `channel` on, to points, as `to` says (out, steps,
 * and `first` of the first tile). */
void winograd_points(const winograd_source *s, const float *images, int64_t channel, int64_t tile, int64_t count,
                     tc_winograd_row to, float *work);

#endif
