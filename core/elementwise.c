/* elementwise.c - unary and binary arithmetic, comparisons, where and fill. */
#include "strided.h"
#include "target.h"

/* Elements of one chunk of work: about 10 microseconds for what one load and one store bound, and for what costs
 * tens of instructions an element. */
enum { CHEAP_GRAIN = 32 * 1024, COSTLY_GRAIN = 4 * 1024 };

/* ---- unary ---- */

typedef struct {
    void (*kernel)(int op, int64_t n, const void *x, void *y);
    int op;
    size_t itemsize;
    const char *x;
    char *y;
} unary_job;

static void unary_range(void *ctx, int64_t begin, int64_t end)
{
    const unary_job *job = ctx;
    const size_t at = (size_t)begin * job->itemsize;
    job->kernel(job->op, end - begin, job->x + at, job->y + at);
}

void tc_unary(int op, int dtype, int64_t n, const void *x, void *y)
{
    unary_job job = {tc_kernels_for(dtype)->elementwise->unary, op, tc_itemsize(dtype), x, y};
    const bool costly = op >= TC_EXP && op <= TC_ERF;
    if (costly)
        tc_parallel_for(n, COSTLY_GRAIN, unary_range, &job);
    else
        tc_parallel_stream(n, CHEAP_GRAIN, unary_range, &job);
}

/* ---- binary and comparisons ---- */

static void map2(tc_map_fn kernel, size_t itemsize, size_t y_itemsize, int ndim, const int64_t *shape, const void *a,
                 const int64_t *a_strides, const void *b, const int64_t *b_strides, void *y)
{
    tc_strided s;
    tc_strided_init(&s, ndim, shape, 2, (const int64_t *const[]){a_strides, b_strides});
    const size_t itemsizes[] = {itemsize, itemsize, y_itemsize};
    tc_map(&s, itemsizes, (const void *const[]){a, b}, kernel, y);
}

void tc_binary(int op, int dtype, int ndim, const int64_t *shape, const void *a, const int64_t *a_strides,
               const void *b, const int64_t *b_strides, void *y)
{
    const size_t itemsize = tc_itemsize(dtype);
    map2(tc_kernels_for(dtype)->elementwise->binary[op], itemsize, itemsize, ndim, shape, a, a_strides, b, b_strides, y);
}

void tc_binary_scalar(int op, int dtype, int64_t n, const void *x, double s, int scalar_first, void *y)
{
    FP_SCOPE caller = fp_enter();
    const int64_t one = 1, zero = 0;
    const float s32 = (float)s;
    const void *scalar = dtype == TC_F32 ? (const void *)&s32 : (const void *)&s;
    if (scalar_first)
        tc_binary(op, dtype, 1, &n, scalar, &zero, x, &one, y);
    else
        tc_binary(op, dtype, 1, &n, x, &one, scalar, &zero, y);
}

void tc_add_scaled(int dtype, int ndim, const int64_t *shape, const void *a, const int64_t *a_strides,
                   const void *b, const int64_t *b_strides, double alpha, void *y)
{
    FP_SCOPE caller = fp_enter();
    static const int64_t none[TC_MAX_DIMS];
    const float alpha32 = (float)alpha;
    const void *scale = dtype == TC_F32 ? (const void *)&alpha32 : (const void *)&alpha;
    const size_t itemsize = tc_itemsize(dtype);
    tc_strided s;
    tc_strided_init(&s, ndim, shape, 3, (const int64_t *const[]){a_strides, b_strides, none});
    const size_t itemsizes[] = {itemsize, itemsize, itemsize, itemsize};
    tc_map(&s, itemsizes, (const void *const[]){a, b, scale}, tc_kernels_for(dtype)->elementwise->add_scaled, y);
}

void tc_bend(int dtype, int64_t n, const void *g, const void *x, double low, double high, double below, double between,
             double above, void *y)
{
    FP_SCOPE caller = fp_enter();
    const int64_t one = 1, none = 0;
    const double pieces[] = {low, high, below, between, above};
    const float pieces32[] = {(float)low, (float)high, (float)below, (float)between, (float)above};
    const void *bend = dtype == TC_F32 ? (const void *)pieces32 : (const void *)pieces;
    const size_t itemsize = tc_itemsize(dtype);
    tc_strided s;
    tc_strided_init(&s, 1, &n, 3, (const int64_t *const[]){&one, &one, &none});
    const size_t itemsizes[] = {itemsize, itemsize, itemsize, itemsize};
    tc_map(&s, itemsizes, (const void *const[]){g, x, bend}, tc_kernels_for(dtype)->elementwise->bend, y);
}

void tc_compare(int op, int dtype, int ndim, const int64_t *shape, const void *a, const int64_t *a_strides,
                const void *b, const int64_t *b_strides, void *y)
{
    const size_t itemsize = tc_itemsize(dtype);
    const tc_map_fn *table = tc_kernels_for(dtype)->elementwise->compare;
    if (op == TC_GT || op == TC_GE)             /* a > b is b < a, also for NaN */
        map2(table[op == TC_GT ? TC_LT : TC_LE], itemsize, 1, ndim, shape, b, b_strides, a, a_strides, y);
    else
        map2(table[op], itemsize, 1, ndim, shape, a, a_strides, b, b_strides, y);
}

/* ---- where ---- */

#define WHERE_BLOCK 64

/* An operand with step 0 is one element: it is spread over a block, so that the loop is the same for all. */
static __attribute__((noinline)) const void *spread(const void *x, int64_t step, size_t itemsize, void *block)
{
    for (size_t i = 0; step == 0 && i < WHERE_BLOCK; i++)
        memcpy((char *)block + i * itemsize, x, itemsize);
    return step ? x : block;
}

/* The next m elements of an operand; of an end that is no whole block a copy. */
static __attribute__((noinline)) const void *next_block(const void *x, int64_t at, int64_t m, size_t itemsize, void *block)
{
    const char *from = (const char *)x + (size_t)at * itemsize;
    return m == WHERE_BLOCK ? from : memcpy(block, from, (size_t)m * itemsize);
}

/* One loop for each element size; the three are moves, so that no instruction set's table is needed. They choose by masks:
 * a branch would often be guessed wrong. */
#define WHERE(name, type, vectors) \
    static void name(int64_t n, const void *const *in, const int64_t *step, void *y) \
    { \
        uint8_t conds[2][WHERE_BLOCK]; \
        type blocks[5][WHERE_BLOCK]; \
        const uint8_t *cond = spread(in[0], step[0], 1, conds[0]); \
        const type *a = spread(in[1], step[1], sizeof(type), blocks[0]); \
        const type *b = spread(in[2], step[2], sizeof(type), blocks[1]); \
        for (int64_t i = 0; i < n; i += WHERE_BLOCK) { \
            const int64_t m = tc_min(WHERE_BLOCK, n - i); \
            const uint8_t *c = next_block(cond, i * step[0], m, 1, conds[1]); \
            const type *yes = next_block(a, i * step[1], m, sizeof(type), blocks[2]); \
            const type *no = next_block(b, i * step[2], m, sizeof(type), blocks[3]); \
            vectors \
            for (int j = 0; j < WHERE_BLOCK; j++) \
                blocks[4][j] = (type)-(type)(c[j] != 0); \
            TC_SIMD \
            for (int j = 0; j < WHERE_BLOCK; j++) \
                blocks[4][j] = no[j] ^ ((yes[j] ^ no[j]) & blocks[4][j]); \
            memcpy((type *)y + i, blocks[4], (size_t)m * sizeof(type)); \
        } \
    }

WHERE(where1, uint8_t, )
WHERE(where4, uint32_t, TC_SIMD)
WHERE(where8, uint64_t, )

#undef WHERE

void tc_where(int dtype, int ndim, const int64_t *shape, const void *cond, const int64_t *cond_strides,
              const void *a, const int64_t *a_strides, const void *b, const int64_t *b_strides, void *y)
{
    const size_t itemsize = tc_itemsize(dtype);
    tc_strided s;
    tc_strided_init(&s, ndim, shape, 3, (const int64_t *const[]){cond_strides, a_strides, b_strides});
    const size_t itemsizes[] = {1, itemsize, itemsize, itemsize};
    tc_map(&s, itemsizes, (const void *const[]){cond, a, b}, itemsize == 1 ? where1 : itemsize == 4 ? where4 : where8, y);
}

/* ---- fill ---- */

/* Bytes that are made once and then copied, which the C library does with the widest stores of the machine. */
enum { FILL_BLOCK = 2048 };

typedef struct {
    size_t itemsize;
    bool zero;
    const void *value;
    char *y;
} fill_job;

static void fill_range(void *ctx, int64_t begin, int64_t end)
{
    const fill_job *job = ctx;
    const size_t itemsize = job->itemsize, bytes = (size_t)(end - begin) * itemsize;
    char *y = job->y + (size_t)begin * itemsize, block[FILL_BLOCK];
    if (job->zero) {
        memset(y, 0, bytes);
        return;
    }
    for (size_t at = 0; at < FILL_BLOCK && at < bytes; at += itemsize)
        memcpy(block + at, job->value, itemsize);
    for (size_t at = 0; at < bytes; at += FILL_BLOCK)
        memcpy(y + at, block, bytes - at < FILL_BLOCK ? bytes - at : FILL_BLOCK);
}

void tc_fill(int dtype, int64_t n, double value, void *y)
{
    FP_SCOPE caller = fp_enter_gradual();
    const float value32 = (float)value;
    fill_job job = {tc_itemsize(dtype), value == 0 && !signbit(value), &value, y};
    if (dtype == TC_F32)
        job.value = &value32;
    tc_parallel_stream(n, CHEAP_GRAIN, fill_range, &job);
}
