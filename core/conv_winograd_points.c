/* conv_winograd_points.c - what the products of Winograd's convolution (conv_winograd.h) share: the switch, the memory they may
 * take, and how tiles of images are brought to points. */
#include "conv_winograd.h"

#include <stdatomic.h>

enum { TILE = TC_WINOGRAD_TILE, SIDE = TC_WINOGRAD_SIDE };

/* Channels and filters from which on it pays. The direct sum of few is also so short that its errors, which grow with the
 * root of the length, are much smaller: a fourth with 3 channels, half with 16. */
enum { MIN_CHANNELS = 8 };

/* Vector operations as long as a multiplication of the direct sum takes: it reaches four fifths of the peak at best. */
#define DIRECT 1.25

/* What a small convolution's outputs and room may take together: both stay in the second cache or, where that is smaller, in
 * what two threads have of the third. The points of 64 filters of 64 channels are 576 KiB. */
enum { SMALL_BYTES = 1 << 20 };

/* ---- the switch ---- */

static atomic_int use = -1;     /* -1: the environment has not been asked */

int tc_get_winograd(void)
{
    int state = atomic_load_explicit(&use, memory_order_relaxed);
    if (state < 0) {
        const char *wanted = getenv("TINYGRAD_CNN_WINOGRAD");
        int unknown = -1;
        state = wanted && strcmp(wanted, "0") == 0 ? TC_WINOGRAD_OFF : TC_WINOGRAD_ON;
        if (!atomic_compare_exchange_strong(&use, &unknown, state))
            state = unknown;
    }
    return state;
}

void tc_set_winograd(int state)
{
    atomic_store(&use, state);
}

/* ---- what the products share ---- */

bool winograd_applies(int dtype, const tc_conv2d_params *p)
{
    const int state = tc_get_winograd();
    const int64_t least = state == TC_WINOGRAD_FORCED ? 1 : MIN_CHANNELS;
    return dtype == TC_F32 && p->r == 3 && p->s == 3 && p->groups == 1 && p->stride_h == 1 && p->stride_w == 1 &&
           p->dilation_h == 1 && p->dilation_w == 1 && p->c >= least && p->k >= least && p->n > 0 && p->h > 0 && p->w > 0 &&
           p->oh > 0 && p->ow > 0 && state != TC_WINOGRAD_OFF;
}

int64_t winograd_room(const tc_conv2d_params *p)
{
    const int64_t outputs = p->n * p->k * p->oh * p->ow * (int64_t)sizeof(float);
    return tc_get_winograd() == TC_WINOGRAD_FORCED ? INT64_MAX : tc_max(outputs / 10, SMALL_BYTES - outputs);
}

int64_t winograd_bytes(int64_t shared, int64_t of_task)
{
    const size_t item = sizeof(float);
    return (int64_t)(tc_alloc_rounded((size_t)shared * item) + WINOGRAD_TASKS * tc_alloc_rounded((size_t)of_task * item));
}

double winograd_direct(const tc_conv2d_params *p, int lanes)
{
    return DIRECT * 9.0 * (double)(p->n * p->oh * p->ow) * (double)p->c * (double)p->k / lanes;
}

bool winograd_pays(double cost, double direct)
{
    return cost > 0 && (cost < direct || tc_get_winograd() == TC_WINOGRAD_FORCED);
}

winograd_piece winograd_first_piece(const winograd_source *s, int64_t tile, int64_t count)
{
    const int64_t row = tile / s->tiles, col = tile % s->tiles;
    winograd_piece piece = {.image = row / s->tile_rows, .row = row % s->tile_rows, .col = col, .rows = 1,
                            .cols = tc_min(count, s->tiles - col)};
    if (piece.cols == s->tiles)
        piece.rows = tc_min(count / s->tiles, s->tile_rows - piece.row);
    return piece;
}

int64_t winograd_piece_rows(const winograd_source *s, int64_t count)
{
    return tc_max(1, tc_min(count / s->tiles, s->tile_rows));
}

/* Rows of pixels that `rows` rows of tiles of one image meet. */
static int64_t pixel_rows(const winograd_source *s, int64_t rows)
{
    return tc_min((rows - 1) * TILE + s->depth, s->h);
}

int64_t winograd_pixels_size(const winograd_source *s, int64_t count, int lanes)
{
    const int64_t columns = ((tc_min(count, s->tiles) - 1) * TILE + s->depth) * SIDE;
    return (columns + (1 + pixel_rows(s, winograd_piece_rows(s, count))) * s->w) * lanes;
}

/* Rows [first, last) of an image with a vector of channels a pixel; of a part of a row of tiles only the columns it meets. */
static void load_pixels(const winograd_source *s, const winograd_piece *piece, const float *image, int64_t channel, int64_t first,
                        int64_t last, float *pixels)
{
    const tc_kernels *kernels = tc_kernels_for(TC_F32);
    const int lanes = kernels->winograd->lanes, valid = (int)tc_min(lanes, s->channels - channel);
    const float *src = image + (channel * s->h + first) * s->w;
    const int64_t left = tc_max(0, piece->col * TILE - s->pad_w);
    const int64_t right = tc_min(s->w, (piece->col + piece->cols - 1) * TILE + s->depth - s->pad_w);
    if (piece->cols == s->tiles && last > first) {
        kernels->gemm->pack(lanes, valid, (last - first) * s->w, src, s->h * s->w, 1, pixels);
        return;
    }
    for (int64_t r = first; r < last && left < right; r++, src += s->w, pixels += s->w * lanes)
        kernels->gemm->pack(lanes, valid, right - left, src + left, s->h * s->w, 1, pixels + left * lanes);
}

void winograd_points(const winograd_source *s, const float *images, int64_t channel, int64_t tile, int64_t count,
                     tc_winograd_row to, float *work)
{
    const tc_winograd_kernels *kernels = tc_kernels_for(TC_F32)->winograd;
    const int64_t lanes = kernels->lanes, row_size = s->w * lanes;
    float *zeros = work, *pixels = zeros + row_size;
    to.columns = pixels + pixel_rows(s, winograd_piece_rows(s, count)) * row_size;
    to.width = s->w;
    memset(zeros, 0, (size_t)row_size * sizeof *zeros);
    while (count > 0) {
        const winograd_piece piece = winograd_first_piece(s, tile, count);
        const int64_t top = piece.row * TILE - s->pad_h, first = tc_max(top, 0);
        const int64_t last = tc_min(top + (piece.rows - 1) * TILE + s->depth, s->h);
        load_pixels(s, &piece, images + piece.image * s->channels * s->h * s->w, channel, first, last, pixels);
        to.col = piece.col * TILE - s->pad_w;
        to.tiles = piece.cols;
        for (int64_t t = 0; t < piece.rows; t++, to.first += piece.cols) {
            for (int64_t d = 0; d < s->depth; d++) {
                const int64_t r = top + t * TILE + d;
                to.row[d] = r >= first && r < last ? pixels + (r - first) * row_size : zeros;
            }
            if (s->depth == SIDE)
                kernels->input(&to);
            else
                kernels->output_grad(&to);
        }
        tile += piece.rows * piece.cols;
        count -= piece.rows * piece.cols;
    }
}
