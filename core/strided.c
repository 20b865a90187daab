/* strided.c - merging dimensions, cursors, and the elementwise driver for broadcast and strided operands. */
#include "strided.h"

/* Whether dimension d, outside, and e, inside, are one dimension for every operand. */
static bool mergeable(const tc_strided *s, int d, int64_t inner_size, const int64_t *inner_stride)
{
    for (int i = 0; i < s->operands; i++)
        if (s->stride[i][d] != inner_stride[i] * inner_size)
            return false;
    return true;
}

void tc_strided_init(tc_strided *s, int ndim, const int64_t *shape, int operands, const int64_t *const *strides)
{
    s->ndim = 0;
    s->operands = operands;
    s->total = 1;
    for (int d = 0; d < ndim; d++) {
        int64_t stride[TC_MAX_OPERANDS];
        s->total *= shape[d];
        if (shape[d] == 1)
            continue;
        for (int i = 0; i < operands; i++)
            stride[i] = strides[i][d];
        const bool merge = s->ndim > 0 && mergeable(s, s->ndim - 1, shape[d], stride);
        if (!merge)
            s->shape[s->ndim++] = 1;
        s->shape[s->ndim - 1] *= shape[d];
        for (int i = 0; i < operands; i++)
            s->stride[i][s->ndim - 1] = stride[i];
    }
    if (s->ndim == 0) {
        s->ndim = 1;
        s->shape[0] = 1;
        for (int i = 0; i < operands; i++)
            s->stride[i][0] = 1;
    }
}

void tc_cursor_seek(const tc_strided *s, int inner, int64_t position, tc_cursor *c)
{
    c->ndim = s->ndim - inner;
    for (int i = 0; i < s->operands; i++)
        c->offset[i] = 0;
    for (int d = c->ndim - 1; d >= 0; d--) {
        c->index[d] = position % s->shape[d];
        position /= s->shape[d];
        for (int i = 0; i < s->operands; i++)
            c->offset[i] += c->index[d] * s->stride[i][d];
    }
}

void tc_cursor_next(const tc_strided *s, tc_cursor *c)
{
    for (int d = c->ndim - 1; d >= 0; d--) {
        const bool carry = ++c->index[d] == s->shape[d];
        if (carry)
            c->index[d] = 0;
        for (int i = 0; i < s->operands; i++)
            c->offset[i] += carry ? -(s->shape[d] - 1) * s->stride[i][d] : s->stride[i][d];
        if (!carry)
            return;
    }
}

/* ---- tc_map ---- */

/* Elements that are gathered at a time: three buffers of doubles stay within half of a 32 KiB L1 cache. */
enum { BLOCK = 512 };
/* From this row length on rows go to the kernel one by one; shorter ones are gathered to blocks first, since a call for
 * a few elements costs more than copying them. */
enum { LONG_ROW = 128 };
/* Elements of one chunk of work; less is not worth waking a thread. */
enum { GRAIN = 32 * 1024 };

typedef struct {
    const tc_strided *s;
    const size_t *itemsize;
    const char *in[TC_MAX_OPERANDS];
    bool dense[TC_MAX_OPERANDS];    /* the operand is laid out like y */
    bool same_rows[TC_MAX_OPERANDS];
    bool direct;                    /* rows of every operand have stride 0 or 1, as kernels take them */
    tc_map_fn kernel;
    char *y;
} map_job;

/* Copies n elements, `stride` elements apart, to dense memory. */
static void gather(size_t itemsize, int64_t n, const char *x, int64_t stride, char *y)
{
    if (itemsize == 4) {
        for (int64_t i = 0; i < n; i++)
            ((uint32_t *)y)[i] = ((const uint32_t *)x)[i * stride];
    } else if (itemsize == 8) {
        for (int64_t i = 0; i < n; i++)
            ((uint64_t *)y)[i] = ((const uint64_t *)x)[i * stride];
    } else {
        for (int64_t i = 0; i < n; i++)
            y[i] = x[i * stride];
    }
}

/* One row, or a part of it, with a stride that kernels do not take. */
static void map_row(const map_job *job, int64_t n, const char *const *in, const int64_t *stride, char *y)
{
    _Alignas(64) char buffer[TC_MAX_OPERANDS][BLOCK * 8];
    const int operands = job->s->operands;
    for (int64_t at = 0; at < n; at += BLOCK) {
        const int64_t m = tc_min(BLOCK, n - at);
        const void *row[TC_MAX_OPERANDS];
        int64_t step[TC_MAX_OPERANDS];
        for (int i = 0; i < operands; i++) {
            const char *x = in[i] + at * stride[i] * (int64_t)job->itemsize[i];
            row[i] = x;
            step[i] = stride[i];
            if (stride[i] != 0 && stride[i] != 1) {
                gather(job->itemsize[i], m, x, stride[i], buffer[i]);
                row[i] = buffer[i];
                step[i] = 1;
            }
        }
        job->kernel(m, row, step, y + at * (int64_t)job->itemsize[operands]);
    }
}

/* Elements [begin, end) of y by rows. */
static void map_long_rows(const map_job *job, int64_t begin, int64_t end)
{
    const tc_strided *s = job->s;
    const int last = s->ndim - 1;
    const void *in[TC_MAX_OPERANDS];
    int64_t stride[TC_MAX_OPERANDS];
    tc_cursor c;
    tc_cursor_seek(s, 1, begin / s->shape[last], &c);
    for (int i = 0; i < s->operands; i++)
        stride[i] = s->stride[i][last];
    for (int64_t at = begin, column = begin % s->shape[last]; at < end; column = 0) {
        const int64_t n = tc_min(s->shape[last] - column, end - at);
        char *y = job->y + at * (int64_t)job->itemsize[s->operands];
        for (int i = 0; i < s->operands; i++)
            in[i] = job->in[i] + (c.offset[i] + column * stride[i]) * (int64_t)job->itemsize[i];
        if (job->direct)
            job->kernel(n, in, stride, y);
        else
            map_row(job, n, (const char *const *)in, stride, y);
        at += n;
        tc_cursor_next(s, &c);
    }
}

/* Copies rows of few elements to dense memory; size is a constant in each copy of this, so that memcpy is one move. */
TC_INLINE void gather_rows(size_t size, int64_t rows, int64_t cols, const char *x, int64_t row_stride, int64_t col_stride,
                           char *y)
{
    for (int64_t r = 0; r < rows; r++, x += row_stride * (int64_t)size)
        for (int64_t c = 0; c < cols; c++, y += size)
            memcpy(y, x + c * col_stride * (int64_t)size, size);
}

/* Fills the buffer of operand i with `rows` rows from the cursor's place and `row` on. */
static void fill(const map_job *job, int i, const tc_cursor *place, int64_t row, int64_t rows, char *buffer)
{
    const tc_strided *s = job->s;
    const int last = s->ndim - 1;
    const int64_t down = s->stride[i][last - 1], across = s->stride[i][last], cols = s->shape[last];
    const char *x = job->in[i] + (place->offset[i] + row * down) * (int64_t)job->itemsize[i];
    switch (job->itemsize[i]) {
    case 1: gather_rows(1, rows, cols, x, down, across, buffer); break;
    case 4: gather_rows(4, rows, cols, x, down, across, buffer); break;
    default: gather_rows(8, rows, cols, x, down, across, buffer); break;
    }
}

/* Rows [begin, end) of y, which are short: blocks of whole rows are gathered. An operand that is the same in every row is
 * gathered once. */
static void map_short_rows(const map_job *job, int64_t begin, int64_t end)
{
    _Alignas(64) char buffer[TC_MAX_OPERANDS][BLOCK * 8];
    static const int64_t ones[TC_MAX_OPERANDS] = {1, 1, 1};
    const tc_strided *s = job->s;
    const int64_t cols = s->shape[s->ndim - 1], plane = s->shape[s->ndim - 2], block = BLOCK / cols;
    tc_cursor place;
    tc_cursor_seek(s, 2, begin / plane, &place);
    int64_t row = begin % plane;
    for (int64_t at = begin; at < end;) {
        const int64_t m = tc_min(block, end - at);
        for (int64_t filled = 0; filled < m;) {
            const int64_t rows = tc_min(plane - row, m - filled);
            for (int i = 0; i < s->operands; i++)
                if (!job->dense[i] && !(job->same_rows[i] && at + filled >= begin + block))
                    fill(job, i, &place, row, rows, buffer[i] + (size_t)(filled * cols) * job->itemsize[i]);
            filled += rows;
            row += rows;
            if (row == plane) {
                row = 0;
                tc_cursor_next(s, &place);
            }
        }
        const void *in[TC_MAX_OPERANDS];
        for (int i = 0; i < s->operands; i++)
            in[i] = job->dense[i] ? job->in[i] + at * cols * (int64_t)job->itemsize[i] : buffer[i];
        job->kernel(m * cols, in, ones, job->y + at * cols * (int64_t)job->itemsize[s->operands]);
        at += m;
    }
}

static void map_long_range(void *ctx, int64_t begin, int64_t end) { map_long_rows(ctx, begin, end); }
static void map_short_range(void *ctx, int64_t begin, int64_t end) { map_short_rows(ctx, begin, end); }

void tc_map(const tc_strided *s, const size_t *itemsize, const void *const *in, tc_map_fn kernel, void *y)
{
    map_job job = {.s = s, .itemsize = itemsize, .direct = true, .kernel = kernel, .y = y};
    for (int i = 0; i < s->operands; i++) {
        int64_t expected = 1;
        job.in[i] = in[i];
        job.dense[i] = job.same_rows[i] = true;
        job.direct &= s->stride[i][s->ndim - 1] == 0 || s->stride[i][s->ndim - 1] == 1;
        for (int d = s->ndim - 1; d >= 0; d--) {
            job.dense[i] &= s->stride[i][d] == expected;
            job.same_rows[i] &= d == s->ndim - 1 || s->stride[i][d] == 0;
            expected *= s->shape[d];
        }
    }
    const int64_t cols = s->shape[s->ndim - 1];
    if (s->ndim == 1 || cols >= LONG_ROW || s->total == 0)
        tc_parallel_stream(s->total, GRAIN, map_long_range, &job);
    else
        tc_parallel_stream(s->total / cols, GRAIN / cols, map_short_range, &job);
}
