/* reduce.c - sums, means, products, extremes over any dimensions; argmax and argmin.
 *
 * Neighbouring dimensions of one kind are merged; then the last reduced group is reduced, as the middle of (outer, len, inner),
 * until none is left. A long middle is cut into chunks whose results are reduced again. Every cut depends on the
 * shape alone. */
#include "internal.h"

/* Elements of a chunk of a long reduction, and of the work that is worth a thread. */
enum { CHUNK = 32 * 1024 };

/* One pass: x (outer, len, inner) to y (outer, chunks, inner), each chunk of chunk_len or less. */
typedef struct {
    const tc_reduce_kernels *kernels;
    int op;
    size_t itemsize;
    int64_t outer, len, inner, chunk_len, chunks, strips;
    const char *x;
    char *y;
} pass_job;

/* Units of inner == 1: the chunks of all rows. */
static void row_range(void *ctx, int64_t begin, int64_t end)
{
    const pass_job *job = ctx;
    const int64_t size = (int64_t)job->itemsize;
    if (job->chunks == 1) {
        job->kernels->rows(job->op, end - begin, job->len, job->x + begin * job->len * size, job->y + begin * size);
        return;
    }
    for (int64_t u = begin; u < end; u++) {
        const int64_t row = u / job->chunks, first = u % job->chunks * job->chunk_len;
        const int64_t len = tc_min(job->chunk_len, job->len - first);
        job->kernels->rows(job->op, 1, len, job->x + (row * job->len + first) * size, job->y + u * size);
    }
}

/* Units of inner > 1: outer, then chunks of rows, then strips of columns. */
static void column_range(void *ctx, int64_t begin, int64_t end)
{
    const pass_job *job = ctx;
    const int64_t size = (int64_t)job->itemsize;
    for (int64_t u = begin; u < end; u++) {
        const int64_t strip = u % job->strips, place = u / job->strips;
        const int64_t left = strip * job->inner / job->strips, right = (strip + 1) * job->inner / job->strips;
        const int64_t first = place % job->chunks * job->chunk_len;
        const int64_t len = tc_min(job->chunk_len, job->len - first);
        const int64_t at = (place / job->chunks * job->len + first) * job->inner + left;
        job->kernels->columns(job->op, len, right - left, job->inner, job->x + at * size,
                              job->y + (place * job->inner + left) * size);
    }
}

/* y (outer, inner) = reduction of the middle of x (outer, len, inner), nothing of it empty. */
static int reduce_middle(const tc_reduce_kernels *kernels, int op, size_t itemsize, int64_t outer, int64_t len, int64_t inner,
                         const void *x, void *y)
{
    pass_job job = {kernels, op, itemsize, outer, len, inner, len, 1, tc_ceil_div(inner, TC_STRIP), x, y};
    const int64_t width = tc_ceil_div(inner, job.strips);
    if (len > 2 * (CHUNK / width)) {
        job.chunk_len = CHUNK / width;
        job.chunks = tc_ceil_div(len, job.chunk_len);
        job.y = tc_alloc((size_t)(outer * job.chunks * inner) * itemsize);
        if (!job.y)
            return TC_ENOMEM;
    }
    const int64_t grain = tc_max(1, CHUNK / (job.chunk_len * width));
    tc_parallel_for(outer * job.chunks * job.strips, grain, inner == 1 ? row_range : column_range, &job);
    if (job.chunks == 1)
        return TC_OK;
    const int status = reduce_middle(kernels, op, itemsize, outer, job.chunks, inner, job.y, y);
    tc_free(job.y);
    return status;
}

/* Merged dimensions, alternately kept and reduced; returns their number. */
static int merge_dims(int ndim, const int64_t *shape, const uint8_t *reduced, int64_t *sizes, bool *kinds)
{
    int n = 0;
    for (int d = 0; d < ndim; d++) {
        if (shape[d] == 1)
            continue;
        if (n == 0 || kinds[n - 1] != (reduced[d] != 0)) {
            sizes[n] = 1;
            kinds[n++] = reduced[d] != 0;
        }
        sizes[n - 1] *= shape[d];
    }
    return n;
}

/* All passes, innermost first; the last one writes y. */
static int reduce_all(const tc_reduce_kernels *kernels, int op, size_t itemsize, int n, int64_t *sizes, const bool *kinds,
                      const void *x, void *y)
{
    void *previous = NULL;
    int64_t inner = 1;
    int status = TC_OK;
    for (int d = n - 1; d >= 0 && status == TC_OK; d--) {
        if (!kinds[d]) {
            inner *= sizes[d];
            continue;
        }
        int64_t outer = 1;
        for (int e = 0; e < d; e++)
            outer *= sizes[e];
        void *out = d <= 1 ? y : tc_alloc((size_t)(outer * inner) * itemsize);
        status = out ? reduce_middle(kernels, op, itemsize, outer, sizes[d], inner, x, out) : TC_ENOMEM;
        tc_free(previous);
        previous = out == y ? NULL : out;
        x = out;
    }
    tc_free(previous);
    return status;
}

/* ---- the mean's division, after the sum ---- */

typedef struct {
    const tc_reduce_kernels *kernels;
    size_t itemsize;
    double divisor;
    char *y;
} divide_job;

static void divide_range(void *ctx, int64_t begin, int64_t end)
{
    const divide_job *job = ctx;
    job->kernels->divide(end - begin, job->divisor, job->y + (size_t)begin * job->itemsize);
}

int tc_reduce(int op, int dtype, int ndim, const int64_t *shape, const uint8_t *reduced, const void *x, void *y)
{
    const tc_reduce_kernels *kernels = tc_kernels_for(dtype)->reduce;
    const size_t itemsize = tc_itemsize(dtype);
    int64_t sizes[TC_MAX_DIMS], outputs = 1, count = 1;
    bool kinds[TC_MAX_DIMS];
    for (int d = 0; d < ndim; d++)
        *(reduced[d] ? &count : &outputs) *= shape[d];
    if (outputs == 0)
        return TC_OK;
    if (count == 0) {
        tc_fill(dtype, outputs, op == TC_PROD ? 1 : op == TC_MEAN ? NAN : 0, y);
        return TC_OK;
    }
    const int n = merge_dims(ndim, shape, reduced, sizes, kinds);
    if (count == 1) {
        memcpy(y, x, (size_t)outputs * itemsize);
        return TC_OK;
    }
    const int status = reduce_all(kernels, op, itemsize, n, sizes, kinds, x, y);
    if (status == TC_OK && op == TC_MEAN) {
        divide_job job = {kernels, itemsize, (double)count, y};
        tc_parallel_for(outputs, CHUNK, divide_range, &job);
    }
    return status;
}

/* ---- argmax, argmin ---- */

typedef struct {
    const tc_reduce_kernels *kernels;
    int smallest;
    size_t itemsize;
    int64_t len, inner, strips;
    const char *x;
    char *values;
    int64_t *indices;
} arg_job;

/* Units of inner == 1: rows. */
static void arg_row_range(void *ctx, int64_t begin, int64_t end)
{
    const arg_job *job = ctx;
    const int64_t size = (int64_t)job->itemsize;
    job->kernels->arg_rows(job->smallest, end - begin, job->len, job->x + begin * job->len * size,
                           job->values ? job->values + begin * size : NULL, job->indices ? job->indices + begin : NULL);
}

/* Units of inner > 1: outer, then strips of columns. */
static void arg_column_range(void *ctx, int64_t begin, int64_t end)
{
    const arg_job *job = ctx;
    const int64_t size = (int64_t)job->itemsize;
    for (int64_t u = begin; u < end; u++) {
        const int64_t outer = u / job->strips, strip = u % job->strips;
        const int64_t left = strip * job->inner / job->strips, right = (strip + 1) * job->inner / job->strips;
        const char *x = job->x + (outer * job->len * job->inner + left) * size;
        const int64_t at = outer * job->inner + left;
        job->kernels->arg_columns(job->smallest, job->len, right - left, job->inner, x,
                                  job->values ? job->values + at * size : NULL, job->indices ? job->indices + at : NULL);
    }
}

void tc_argmax(int smallest, int dtype, int64_t outer, int64_t len, int64_t inner, const void *x, void *values,
               int64_t *indices)
{
    if (outer == 0 || inner == 0)
        return;
    arg_job job = {tc_kernels_for(dtype)->reduce, smallest, tc_itemsize(dtype), len, inner, tc_ceil_div(inner, TC_STRIP),
                   x, values, indices};
    const int64_t width = tc_ceil_div(inner, job.strips);
    tc_parallel_for(outer * job.strips, tc_max(1, CHUNK / (len * width)),
                    inner == 1 ? arg_row_range : arg_column_range, &job);
}
