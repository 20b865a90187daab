/* copy.c - the strided copy.
 *
 * Dimensions are put into the order of the destination's strides and merged. What is left is planes of rows and columns, columns
 * being the destination's fastest dimension: copied row by row, or in tiles where the source runs along the rows. */
#include "strided.h"

/* Elements of one unit of work, and of the work that is worth a thread; sides of a plane's piece in a transposition. */
enum { UNIT = 8 * 1024, GRAIN = 32 * 1024, PIECE = 128 };

/* A tile's side: 32 elements are one or more whole cache lines of either side, and a tile of doubles fits the L1 cache. */
enum { TILE = 32, SQUARE = 4 };

enum { SRC, DST };

/* ---- planes: size is a constant in each copy of these, so that memcpy is one move ---- */

TC_INLINE void strided_plane(size_t size, int64_t rows, int64_t cols, const char *src, int64_t src_row, int64_t src_col,
                             char *dst, int64_t dst_row, int64_t dst_col)
{
    for (int64_t r = 0; r < rows; r++) {
        const char *from = src + r * src_row * (int64_t)size;
        char *to = dst + r * dst_row * (int64_t)size;
        for (int64_t c = 0; c < cols; c++)
            memcpy(to + c * dst_col * (int64_t)size, from + c * src_col * (int64_t)size, size);
    }
}

/* The SQUARE x SQUARE elements at tile, columns TILE elements apart, turned into rows at `to`. Wide elements are turned in
 * registers; compilers make shuffles of these initialisers. */
TC_INLINE void turn_square(size_t size, const char *tile, char *to, int64_t row)
{
    typedef uint32_t four __attribute__((vector_size(16), aligned(1), may_alias));
    if (size == 4) {
        const int64_t col = TILE * 4;
        const four a = *(const four *)tile, b = *(const four *)(tile + col), c = *(const four *)(tile + 2 * col),
                   d = *(const four *)(tile + 3 * col);
        const four ab = {a[0], b[0], a[1], b[1]}, cd = {c[0], d[0], c[1], d[1]};
        const four ab2 = {a[2], b[2], a[3], b[3]}, cd2 = {c[2], d[2], c[3], d[3]};
        *(four *)to = (four){ab[0], ab[1], cd[0], cd[1]};
        *(four *)(to + row) = (four){ab[2], ab[3], cd[2], cd[3]};
        *(four *)(to + 2 * row) = (four){ab2[0], ab2[1], cd2[0], cd2[1]};
        *(four *)(to + 3 * row) = (four){ab2[2], ab2[3], cd2[2], cd2[3]};
    } else {
        for (int r = 0; r < SQUARE; r++)
            for (int c = 0; c < SQUARE; c++)
                memcpy(to + r * row + c * (int64_t)size, tile + (c * TILE + r) * (int64_t)size, size);
    }
}

/* Source columns and destination rows are dense. A tile is read along the source and written along the destination, so that
 * both see whole cache lines; the turn happens in a buffer, where no stride makes lines collide. */
TC_INLINE void turn_tile(size_t size, int64_t rows, int64_t cols, const char *src, int64_t src_col, char *dst, int64_t dst_row)
{
    char tile[TILE * TILE * 8];
    for (int64_t c = 0; c < cols; c++) {
        const char *from = src + c * src_col * (int64_t)size;
        char *to = tile + c * TILE * (int64_t)size;
        if (rows == TILE)
            memcpy(to, from, TILE * size);
        else
            for (int64_t r = 0; r < rows; r++)
                memcpy(to + r * (int64_t)size, from + r * (int64_t)size, size);
    }
    const int64_t whole_rows = rows / SQUARE * SQUARE, whole_cols = cols / SQUARE * SQUARE;
    for (int64_t r = 0; r < rows; r++) {
        char *to = dst + r * dst_row * (int64_t)size;
        int64_t c = 0;
        if (r < whole_rows) {
            for (; r % SQUARE == 0 && c < whole_cols; c += SQUARE)
                turn_square(size, tile + (c * TILE + r) * (int64_t)size, to + c * (int64_t)size, dst_row * (int64_t)size);
            c = whole_cols;
        }
        for (; c < cols; c++)
            memcpy(to + c * (int64_t)size, tile + (c * TILE + r) * (int64_t)size, size);
    }
}

TC_INLINE void transposed_plane(size_t size, int64_t rows, int64_t cols, const char *src, int64_t src_col, char *dst,
                                int64_t dst_row)
{
    for (int64_t r = 0; r < rows; r += TILE)
        for (int64_t c = 0; c < cols; c += TILE)
            turn_tile(size, tc_min(TILE, rows - r), tc_min(TILE, cols - c), src + (r + c * src_col) * (int64_t)size, src_col,
                      dst + (r * dst_row + c) * (int64_t)size, dst_row);
}

TC_INLINE void plane(size_t size, int64_t rows, int64_t cols, const char *src, int64_t src_row, int64_t src_col, char *dst,
                     int64_t dst_row, int64_t dst_col)
{
    if (dst_col == 1 && src_col == 1) {
        for (int64_t r = 0; r < rows; r++)
            memcpy(dst + r * dst_row * (int64_t)size, src + r * src_row * (int64_t)size, (size_t)cols * size);
    } else if (dst_col == 1 && src_row == 1 && rows >= SQUARE && cols >= SQUARE) {
        transposed_plane(size, rows, cols, src, src_col, dst, dst_row);
    } else if (dst_col == 1 && src_col == 0) {
        strided_plane(size, rows, cols, src, src_row, 0, dst, dst_row, 1);
    } else {
        strided_plane(size, rows, cols, src, src_row, src_col, dst, dst_row, dst_col);
    }
}

/* ---- the work, by pieces of planes ---- */

typedef struct {
    tc_strided s;                   /* outer dimensions, rows, columns */
    size_t itemsize;
    int64_t piece_rows, piece_cols;
    int64_t down, across;           /* pieces of a plane */
    const char *src;
    char *dst;
} copy_job;

static void copy_piece(const copy_job *job, const tc_cursor *place, int64_t piece)
{
    const int last = job->s.ndim - 1;
    const int64_t size = (int64_t)job->itemsize;
    const int64_t *src = job->s.stride[SRC] + last - 1, *dst = job->s.stride[DST] + last - 1;
    const int64_t row = piece / job->across * job->piece_rows, col = piece % job->across * job->piece_cols;
    const int64_t rows = tc_min(job->piece_rows, job->s.shape[last - 1] - row);
    const int64_t cols = tc_min(job->piece_cols, job->s.shape[last] - col);
    const char *from = job->src + (place->offset[SRC] + row * src[0] + col * src[1]) * size;
    char *to = job->dst + (place->offset[DST] + row * dst[0] + col * dst[1]) * size;
    switch (size) {
    case 1: plane(1, rows, cols, from, src[0], src[1], to, dst[0], dst[1]); break;
    case 4: plane(4, rows, cols, from, src[0], src[1], to, dst[0], dst[1]); break;
    default: plane(8, rows, cols, from, src[0], src[1], to, dst[0], dst[1]); break;
    }
}

static void copy_range(void *ctx, int64_t begin, int64_t end)
{
    const copy_job *job = ctx;
    const int64_t pieces = job->down * job->across;
    tc_cursor place;
    tc_cursor_seek(&job->s, 2, begin / pieces, &place);
    for (int64_t u = begin, piece = begin % pieces; u < end; u++) {
        copy_piece(job, &place, piece);
        if (++piece == pieces) {
            piece = 0;
            tc_cursor_next(&job->s, &place);
        }
    }
}

/* ---- choosing the planes ---- */

static int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

/* Fills order with the dimensions by falling |dst stride|, equal ones as they come. */
static void sort_dims(int ndim, const int64_t *dst_strides, int *order)
{
    for (int d = 0; d < ndim; d++) {
        int at = d;
        for (; at > 0 && magnitude(dst_strides[order[at - 1]]) < magnitude(dst_strides[d]); at--)
            order[at] = order[at - 1];
        order[at] = d;
    }
}

/* Moves dimension d of s to place `to` > d. */
static void move_dim(tc_strided *s, int d, int to)
{
    for (; d < to; d++) {
        const int64_t size = s->shape[d];
        s->shape[d] = s->shape[d + 1];
        s->shape[d + 1] = size;
        for (int i = 0; i < s->operands; i++) {
            const int64_t stride = s->stride[i][d];
            s->stride[i][d] = s->stride[i][d + 1];
            s->stride[i][d + 1] = stride;
        }
    }
}

/* Makes rows of the dimension that is dense in the source, if columns are not; there are at least two dimensions then. */
static void choose_rows(tc_strided *s)
{
    if (s->ndim == 1) {
        s->ndim = 2;
        s->shape[1] = s->shape[0];
        s->shape[0] = 1;
        for (int i = 0; i < s->operands; i++) {
            s->stride[i][1] = s->stride[i][0];
            s->stride[i][0] = 0;
        }
    }
    const int last = s->ndim - 1;
    for (int d = 0; d < last - 1; d++)
        if (s->stride[SRC][last] != 1 && s->stride[SRC][d] == 1) {
            move_dim(s, d, last - 1);
            break;
        }
}

void tc_copy(int dtype, int ndim, const int64_t *shape, const void *src, const int64_t *src_strides, void *dst,
             const int64_t *dst_strides)
{
    int order[TC_MAX_DIMS];
    int64_t sizes[TC_MAX_DIMS], from[TC_MAX_DIMS], to[TC_MAX_DIMS];
    sort_dims(ndim, dst_strides, order);
    for (int d = 0; d < ndim; d++) {
        sizes[d] = shape[order[d]];
        from[d] = src_strides[order[d]];
        to[d] = dst_strides[order[d]];
    }
    copy_job job = {.itemsize = tc_itemsize(dtype), .src = src, .dst = dst};
    tc_strided *s = &job.s;
    tc_strided_init(s, ndim, sizes, 2, (const int64_t *const[]){from, to});
    if (s->total == 0)
        return;
    choose_rows(s);
    const int64_t rows = s->shape[s->ndim - 2], cols = s->shape[s->ndim - 1];
    const bool transposed = s->stride[SRC][s->ndim - 1] != 1 && s->stride[SRC][s->ndim - 2] == 1;
    job.piece_cols = tc_min(cols, transposed ? PIECE : UNIT);
    job.piece_rows = tc_min(rows, transposed ? PIECE : UNIT / job.piece_cols);
    job.down = tc_ceil_div(rows, job.piece_rows);
    job.across = tc_ceil_div(cols, job.piece_cols);
    const int64_t grain = transposed ? GRAIN / 4 : GRAIN;       /* an element takes four times as long */
    tc_parallel_stream(s->total / (rows * cols) * job.down * job.across,
                       tc_max(1, grain / (job.piece_rows * job.piece_cols)), copy_range, &job);
}
