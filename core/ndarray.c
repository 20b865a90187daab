/* ndarray.c - the core's functions on NumPy's arrays, which come as the addresses of their objects (Python's id()).
 *
 * On a small array the arithmetic costs less than to tell C where it lies: Python needs 0.15 us for each pointer, 0.05 us for
 * a dtype, 0.1 us to compare two shapes, and 0.03 us for id(). So the functions through which most of a small program goes
 * read data, shape, strides and dtype from the arrays themselves. They hold no reference: their caller does, while they run. */
#include "ndarray.h"
#include "strided.h"

typedef tc_ndarray_fields ndarray;

/* Of a dtype's object: where its number lies after the head (PyArray_Descr: a pointer and four chars before it), and the
 * core's dtype for NumPy's number, NPY_LONG being int64 wherever long is. */
enum { TYPE_NUM = sizeof(void *) + 4, TYPE_NUMS = 13, UNKNOWN = -1 };
static const int8_t DTYPES[TYPE_NUMS] = {
    TC_BOOL, UNKNOWN, TC_U8, UNKNOWN, UNKNOWN, TC_I32, UNKNOWN, sizeof(long) == 8 ? TC_I64 : TC_I32,
    UNKNOWN, TC_I64, UNKNOWN, TC_F32, TC_F64,
};

/* Bytes of the head that every Python object has (two words, more without a GIL), and the type of arrays, which is its last
 * word: learnt once, before the first array comes. */
static size_t head;
static const void *array_type;

static const ndarray *at(tc_ndarray object)
{
    return (const ndarray *)(object + head);
}

static bool is_array(tc_ndarray object)
{
    return *(const void *const *)(object + head - sizeof(void *)) == array_type;
}

static int dtype_of(const ndarray *a)
{
    int number;
    memcpy(&number, a->descr + head + TYPE_NUM, sizeof number);
    return number >= 0 && number < TYPE_NUMS ? DTYPES[number] : UNKNOWN;
}

int64_t tc_ndarray_size(const ndarray *a)
{
    int64_t n = 1;
    for (int d = 0; d < a->ndim; d++)
        n *= a->shape[d];
    return n;
}

int tc_ndarray_learn(size_t object_head, tc_ndarray probe, const void *data, int64_t rows, int64_t columns)
{
    head = object_head;
    array_type = *(const void *const *)(probe + head - sizeof(void *));
    const ndarray *a = at(probe);
    const bool known = a->data == data && a->ndim == 2 && a->shape[0] == rows && a->shape[1] == columns
        && a->strides[0] == columns * 8 && a->strides[1] == 8 && !a->base && (a->flags & TC_C_CONTIGUOUS)
        && dtype_of(a) == TC_F64;
    return known ? TC_OK : TC_EINVAL;
}

/* ---- arguments ---- */

int tc_ndarray_look(int n, const tc_ndarray *objects, const ndarray **arrays, int first, int last, int *dtype)
{
    for (int i = 0; i < n; i++) {
        if (objects[i] && !is_array(objects[i]))
            return TC_EINVAL;
        arrays[i] = objects[i] ? at(objects[i]) : NULL;
    }
    int known = 0;
    while (!arrays[known])   /* at least one is there */
        known++;
    *dtype = dtype_of(arrays[known]);
    return *dtype >= first && *dtype <= last ? TC_OK : TC_EINVAL;
}

/* A shape as the strided functions take it, and the strides in elements of up to three operands. */
typedef struct {
    int ndim;
    int64_t shape[TC_MAX_DIMS];
    int64_t strides[TC_MAX_OPERANDS][TC_MAX_DIMS];
} layout;

/* Whether all arrays are dense and have the shape of the first one. */
static bool alike(int n, const ndarray *const *arrays)
{
    const ndarray *y = arrays[0];
    for (int i = 0; i < n; i++) {
        const ndarray *x = arrays[i];
        if (!(x->flags & TC_C_CONTIGUOUS) || x->ndim != y->ndim)
            return false;
        for (int d = 0; d < y->ndim; d++)
            if (x->shape[d] != y->shape[d])
                return false;
    }
    return true;
}

/* Broadcasts the n arrays to the shape of y: aligned at the last dimension, what has size 1 is repeated. TC_EINVAL if one does
 * not fit. */
static int broadcast(const ndarray *y, int n, const ndarray *const *arrays, layout *l)
{
    l->ndim = y->ndim;
    for (int d = 0; d < y->ndim; d++)
        l->shape[d] = y->shape[d];
    for (int i = 0; i < n; i++) {
        const ndarray *x = arrays[i];
        const int lead = y->ndim - x->ndim;
        const int64_t itemsize = (int64_t)tc_itemsize(dtype_of(x));
        if (lead < 0)
            return TC_EINVAL;
        for (int d = 0; d < y->ndim; d++) {
            const bool repeated = d < lead || x->shape[d - lead] == 1;
            if (!repeated && x->shape[d - lead] != y->shape[d])
                return TC_EINVAL;
            l->strides[i][d] = repeated ? 0 : x->strides[d - lead] / itemsize;
        }
    }
    return TC_OK;
}

/* The layout of y = f(arrays[1], ...), arrays[0] being y: one dimension if all are alike. */
static int lay_out(int n, const ndarray *const *arrays, layout *l)
{
    if (!alike(n, arrays))
        return broadcast(arrays[0], n - 1, arrays + 1, l);
    l->ndim = 1;
    l->shape[0] = tc_ndarray_size(arrays[0]);
    for (int i = 0; i < n - 1; i++)
        l->strides[i][0] = 1;
    return TC_OK;
}

/* ---- elementwise ---- */

int tc_ndarray_copy(tc_ndarray x, tc_ndarray y)
{
    const ndarray *a[2];
    int dtype;
    layout l;
    if (tc_ndarray_look(2, (const tc_ndarray[]){y, x}, a, TC_F32, TC_BOOL, &dtype) != TC_OK
        || broadcast(a[0], 2, a, &l) != TC_OK)
        return TC_EINVAL;
    tc_copy(dtype, l.ndim, l.shape, a[1]->data, l.strides[1], a[0]->data, l.strides[0]);
    return TC_OK;
}

int tc_ndarray_pack(tc_ndarray x, void **copy)
{
    const ndarray *a = at(x);
    const int dtype = dtype_of(a);
    layout l;
    if (dtype == UNKNOWN)
        return TC_EINVAL;
    broadcast(a, 1, &a, &l);
    int64_t strides[TC_MAX_DIMS], step = 1;
    for (int d = l.ndim - 1; d >= 0; step *= l.shape[d--])
        strides[d] = step;
    *copy = tc_alloc((size_t)step * tc_itemsize(dtype));
    if (!*copy)
        return TC_ENOMEM;
    tc_copy(dtype, l.ndim, l.shape, a->data, l.strides[0], *copy, strides);
    return TC_OK;
}

int tc_ndarray_unary(int op, tc_ndarray x, tc_ndarray y)
{
    const ndarray *a[2];
    int dtype;
    if (tc_ndarray_look(2, (const tc_ndarray[]){y, x}, a, TC_F32, TC_F64, &dtype) != TC_OK)
        return TC_EINVAL;
    const bool dense = alike(2, a);
    if (!dense && tc_ndarray_copy(x, y) != TC_OK)
        return TC_EINVAL;
    tc_unary(op, dtype, tc_ndarray_size(a[0]), a[dense]->data, a[0]->data);
    return TC_OK;
}

int tc_ndarray_binary(int op, tc_ndarray x1, tc_ndarray x2, tc_ndarray y)
{
    const ndarray *a[3];
    int dtype;
    layout l;
    if (tc_ndarray_look(3, (const tc_ndarray[]){y, x1, x2}, a, TC_F32, TC_F64, &dtype) != TC_OK
        || lay_out(3, a, &l) != TC_OK)
        return TC_EINVAL;
    tc_binary(op, dtype, l.ndim, l.shape, a[1]->data, l.strides[0], a[2]->data, l.strides[1], a[0]->data);
    return TC_OK;
}

int tc_ndarray_binary_scalar(int op, tc_ndarray x, double s, int scalar_first, tc_ndarray y)
{
    const ndarray *a[2];
    int dtype;
    if (tc_ndarray_look(2, (const tc_ndarray[]){y, x}, a, TC_F32, TC_F64, &dtype) != TC_OK)
        return TC_EINVAL;
    const bool dense = alike(2, a);
    if (!dense && tc_ndarray_copy(x, y) != TC_OK)
        return TC_EINVAL;
    tc_binary_scalar(op, dtype, tc_ndarray_size(a[0]), a[dense]->data, s, scalar_first, a[0]->data);
    return TC_OK;
}

int tc_ndarray_add_scaled(tc_ndarray x1, tc_ndarray x2, double alpha, tc_ndarray y)
{
    const ndarray *a[3];
    int dtype;
    layout l;
    if (tc_ndarray_look(3, (const tc_ndarray[]){y, x1, x2}, a, TC_F32, TC_F64, &dtype) != TC_OK
        || lay_out(3, a, &l) != TC_OK)
        return TC_EINVAL;
    tc_add_scaled(dtype, l.ndim, l.shape, a[1]->data, l.strides[0], a[2]->data, l.strides[1], alpha, a[0]->data);
    return TC_OK;
}

int tc_ndarray_bend(tc_ndarray g, tc_ndarray x, double low, double high, double below, double between, double above,
                    tc_ndarray y)
{
    const ndarray *a[3];
    int dtype;
    if (tc_ndarray_look(3, (const tc_ndarray[]){y, g, x}, a, TC_F32, TC_F64, &dtype) != TC_OK || !alike(3, a))
        return TC_EINVAL;
    tc_bend(dtype, tc_ndarray_size(a[0]), a[1]->data, a[2]->data, low, high, below, between, above, a[0]->data);
    return TC_OK;
}

int tc_ndarray_compare(int op, tc_ndarray x1, tc_ndarray x2, tc_ndarray y)
{
    const ndarray *a[3];
    int dtype;
    layout l;
    if (tc_ndarray_look(3, (const tc_ndarray[]){y, x1, x2}, a, TC_BOOL, TC_BOOL, &dtype) != TC_OK
        || lay_out(3, a, &l) != TC_OK)
        return TC_EINVAL;
    tc_compare(op, dtype_of(a[1]), l.ndim, l.shape, a[1]->data, l.strides[0], a[2]->data, l.strides[1], a[0]->data);
    return TC_OK;
}

int tc_ndarray_where(tc_ndarray condition, tc_ndarray x1, tc_ndarray x2, tc_ndarray y)
{
    const ndarray *a[4];
    int dtype;
    layout l;
    if (tc_ndarray_look(4, (const tc_ndarray[]){y, condition, x1, x2}, a, TC_F32, TC_BOOL, &dtype) != TC_OK
        || lay_out(4, a, &l) != TC_OK)
        return TC_EINVAL;
    tc_where(dtype, l.ndim, l.shape, a[1]->data, l.strides[0], a[2]->data, l.strides[1], a[3]->data, l.strides[2],
             a[0]->data);
    return TC_OK;
}

/* ---- reductions and products ---- */

int tc_ndarray_reduce(int op, uint64_t dims, tc_ndarray x, tc_ndarray y)
{
    const ndarray *a[2];
    int dtype;
    if (tc_ndarray_look(2, (const tc_ndarray[]){y, x}, a, TC_F32, TC_F64, &dtype) != TC_OK)
        return TC_EINVAL;
    int64_t shape[TC_MAX_DIMS];
    uint8_t reduced[TC_MAX_DIMS];
    for (int d = 0; d < a[1]->ndim; d++) {
        shape[d] = a[1]->shape[d];
        reduced[d] = dims >> d & 1;
    }
    if (a[1]->flags & TC_C_CONTIGUOUS)
        return tc_reduce(op, dtype, a[1]->ndim, shape, reduced, a[1]->data, a[0]->data);
    void *dense;
    int status = tc_ndarray_pack(x, &dense);
    if (status == TC_OK) {
        status = tc_reduce(op, dtype, a[1]->ndim, shape, reduced, dense, a[0]->data);
        tc_free(dense);
    }
    return status;
}

int tc_ndarray_gemm(tc_ndarray a, tc_ndarray b, tc_ndarray bias, tc_ndarray c)
{
    const ndarray *x[4];
    int dtype;
    if (tc_ndarray_look(4, (const tc_ndarray[]){c, a, b, bias}, x, TC_F32, TC_F64, &dtype) != TC_OK)
        return TC_EINVAL;
    const int row = x[0]->ndim - 2, column = row + 1;
    int64_t strides[3][3];   /* of c, a and b: from matrix to matrix, row to row, column to column */
    for (int i = 0; i < 3; i++) {
        strides[i][0] = row ? x[i]->strides[0] / (int64_t)tc_itemsize(dtype) : 0;
        strides[i][1] = x[i]->strides[row] / (int64_t)tc_itemsize(dtype);
        strides[i][2] = x[i]->strides[column] / (int64_t)tc_itemsize(dtype);
    }
    const tc_gemm_params p = {
        .batch = row ? x[0]->shape[0] : 1, .m = x[0]->shape[row], .n = x[0]->shape[column], .k = x[1]->shape[column],
        .a_batch = strides[1][0], .a_row = strides[1][1], .a_col = strides[1][2],
        .b_batch = strides[2][0], .b_row = strides[2][1], .b_col = strides[2][2],
        .c_batch = strides[0][0], .c_row = strides[0][1], .c_col = strides[0][2],
        .alpha = 1.0, .beta = 0.0, .bias_per_row = 0,
    };
    tc_stoppable call;
    tc_stoppable_begin(&call);
    return tc_stoppable_end(&call, tc_gemm(dtype, &p, x[1]->data, x[2]->data, x[3] ? x[3]->data : NULL, x[0]->data));
}
