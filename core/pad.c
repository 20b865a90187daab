/* pad.c - padding by index maps: constant, reflect, replicate and circular are only different maps. */
#include "internal.h"

/* Output bytes a thread should get at least: this is a copy, at some 10 GB/s. */
#define PAD_GRAIN 65536

typedef struct {
    int64_t h, w, oh, ow;
    const int64_t *rows, *cols;
    int64_t run, run_end; /* the longest range of output columns that lie on consecutive cells */
    int dtype;
    size_t size;
    char value[8]; /* the constant as an element */
    const char *x;
    char *y;
} pad_task;

/* Find the longest run of consecutive columns: the image itself, in every mode. What is beside it is a few cells. */
static void find_run(pad_task *t)
{
    t->run = t->run_end = 0;
    for (int64_t begin = 0, end; begin < t->ow; begin = end) {
        end = begin + 1;
        if (t->cols[begin] < 0)
            continue;
        while (end < t->ow && t->cols[end] == t->cols[end - 1] + 1)
            end++;
        if (end - begin > t->run_end - t->run) {
            t->run = begin;
            t->run_end = end;
        }
    }
}

/* Output columns [begin, end), from source, or constant where it is NULL. */
TC_INLINE void pad_columns(size_t size, const pad_task *t, int64_t begin, int64_t end, const char *source, char *target)
{
    for (int64_t j = begin; j < end; j++) {
        const int64_t c = source ? t->cols[j] : -1;

        memcpy(target + (size_t)j * size, c < 0 ? t->value : source + (size_t)c * size, size);
    }
}

/* A few elements, at least 16 bytes and at most 64: two or four moves that may overlap, sooner done than a call. */
TC_INLINE void copy_short(size_t bytes, const char *source, char *target)
{
    typedef char chunk[16];
    chunk first, last, second, third;
    const size_t half = bytes <= 32 ? 0 : 16;

    memcpy(first, source, 16);
    memcpy(second, source + half, 16);
    memcpy(third, source + bytes - 16 - half, 16);
    memcpy(last, source + bytes - 16, 16);
    memcpy(target, first, 16);
    memcpy(target + half, second, 16);
    memcpy(target + bytes - 16 - half, third, 16);
    memcpy(target + bytes - 16, last, 16);
}

/* Output rows [begin, end), counted through all planes, of elements of a size that the compiler knows: copies are moves then. */
TC_INLINE void pad_rows(size_t size, const pad_task *t, int64_t begin, int64_t end)
{
    const size_t bytes = (size_t)(t->run_end - t->run) * size, from = bytes ? (size_t)t->cols[t->run] * size : 0;
    const size_t row_bytes = (size_t)t->w * size;
    const char *plane = t->x + (size_t)(begin / t->oh * t->h) * row_bytes;
    char *target = t->y + (size_t)(begin * t->ow) * size;
    int64_t i = begin % t->oh;

    for (int64_t row = begin; row < end; row++, target += (size_t)t->ow * size) {
        const char *source = t->rows[i] < 0 ? NULL : plane + (size_t)t->rows[i] * row_bytes;

        if (!source) {
            pad_columns(size, t, 0, t->ow, NULL, target);
        } else {
            pad_columns(size, t, 0, t->run, source, target);
            if (bytes >= 16 && bytes <= 64)
                copy_short(bytes, source + from, target + (size_t)t->run * size);
            else
                memcpy(target + (size_t)t->run * size, source + from, bytes);
            pad_columns(size, t, t->run_end, t->ow, source, target);
        }
        if (++i == t->oh) {
            i = 0;
            plane += (size_t)t->h * row_bytes;
        }
    }
}

static void pad_range(void *ctx, int64_t begin, int64_t end)
{
    const pad_task *t = ctx;

    if (t->size == 4)
        pad_rows(4, t, begin, end);
    else if (t->size == 8)
        pad_rows(8, t, begin, end);
    else
        pad_rows(1, t, begin, end);
}

/* `value` as an element of dtype. */
static void store_value(int dtype, double value, char *element)
{
    const float f32 = (float)value;
    const int64_t i64 = dtype == TC_F32 || dtype == TC_F64 ? 0 : (int64_t)value;
    const int32_t i32 = (int32_t)i64;
    const uint8_t u8 = dtype == TC_BOOL ? value != 0 : (uint8_t)i64;

    switch (dtype) {
    case TC_F32:
        memcpy(element, &f32, sizeof f32);
        break;
    case TC_F64:
        memcpy(element, &value, sizeof value);
        break;
    case TC_I64:
        memcpy(element, &i64, sizeof i64);
        break;
    case TC_I32:
        memcpy(element, &i32, sizeof i32);
        break;
    default:
        memcpy(element, &u8, sizeof u8);
    }
}

void tc_pad2d(int dtype, int64_t planes, int64_t h, int64_t w, int64_t oh, int64_t ow, const int64_t *rows, const int64_t *cols,
              double value, const void *x, void *y)
{
    FP_SCOPE caller = fp_enter_gradual();
    pad_task task = {h, w, oh, ow, rows, cols, 0, 0, dtype, tc_itemsize(dtype), {0}, x, y};

    store_value(dtype, value, task.value);
    find_run(&task);
    tc_parallel_stream(planes * oh, tc_ceil_div(PAD_GRAIN, ow * (int64_t)task.size + 1), pad_range, &task);
}

/* Planes [begin, end) of the gradient. */
static void pad_grad_range(void *ctx, int64_t begin, int64_t end)
{
    const pad_task *t = ctx;
    const size_t in = (size_t)(t->h * t->w) * t->size, out = (size_t)(t->oh * t->ow) * t->size;

    memset(t->y + (size_t)begin * in, 0, (size_t)(end - begin) * in);
    for (int64_t plane = begin; plane < end; plane++)
        tc_kernels_for(t->dtype)->pool->pad_grad(t->w, t->oh, t->ow, t->rows, t->cols, t->run, t->run_end,
                                                 t->x + (size_t)plane * out, t->y + (size_t)plane * in);
}

/* Fills inverse[k] with the i of map[i] == k, or -1; false if two i have the same. */
static bool invert(int64_t n, const int64_t *map, int64_t size, int64_t *inverse)
{
    for (int64_t k = 0; k < size; k++)
        inverse[k] = -1;
    for (int64_t i = 0; i < n; i++) {
        if (map[i] < 0)
            continue;
        if (inverse[map[i]] >= 0)
            return false;
        inverse[map[i]] = i;
    }
    return true;
}

/* Where no cell was copied twice, as in padding by a constant, the gradient is a copy as well, through the inverse maps. */
int tc_pad2d_grad(int dtype, int64_t planes, int64_t h, int64_t w, int64_t oh, int64_t ow, const int64_t *rows,
                  const int64_t *cols, const void *dy, void *dx)
{
    pad_task task = {h, w, oh, ow, rows, cols, 0, 0, dtype, tc_itemsize(dtype), {0}, dy, dx};
    int64_t *inverse = tc_alloc((size_t)(h + w) * sizeof *inverse);

    if (!inverse)
        return TC_ENOMEM;
    if (invert(oh, rows, h, inverse) && invert(ow, cols, w, inverse + h)) {
        tc_pad2d(dtype, planes, oh, ow, h, w, inverse, inverse + h, 0, dy, dx);
    } else {
        find_run(&task);
        tc_parallel_stream(planes, tc_ceil_div(PAD_GRAIN, oh * ow * (int64_t)task.size + 1), pad_grad_range, &task);
    }
    tc_free(inverse);
    return TC_OK;
}
