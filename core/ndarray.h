/* ndarray.h - what the functions on NumPy's arrays share: how an array looks, and its memory as kernels take it, dense. */
#ifndef TC_NDARRAY_H
#define TC_NDARRAY_H

#include "internal.h"

/* What comes after the head of an array's object: the start of NumPy's PyArrayObject_fields, which is part of its ABI. */
typedef struct {
    char *data;
    int ndim;
    const intptr_t *shape, *strides;   /* strides in bytes */
    const void *base;
    const char *descr;
    int flags;
} tc_ndarray_fields;

enum { TC_C_CONTIGUOUS = 1 };   /* NPY_ARRAY_C_CONTIGUOUS */

/* Finds the arrays, and the dtype of the first one, which must be one of first...last; TC_EINVAL for anything else. An address of
 * 0 is an array that is not there: its entry becomes NULL. */
int tc_ndarray_look(int n, const tc_ndarray *objects, const tc_ndarray_fields **arrays, int first, int last, int *dtype);

int64_t tc_ndarray_size(const tc_ndarray_fields *a);

/* Sets *copy to new memory (tc_free) with the elements of an array, dense. */
int tc_ndarray_pack(tc_ndarray x, void **copy);

/* Arrays as kernels take them: data[i] is dense memory with the elements of array[i], NULL if that is not there. Memory of
 * other strides was copied. */
enum { TC_MOST_ARRAYS = 10 };
typedef struct {
    int n, dtype;
    const tc_ndarray_fields *array[TC_MOST_ARRAYS];
    void *data[TC_MOST_ARRAYS];
} tc_dense;

/* Fills d from n arrays, the first `outputs` of which have to be dense, and whose first one that is there has one of the dtypes first...last.
 * TC_EINVAL for anything else, TC_ENOMEM. What it returns TC_OK for must be closed. */
int tc_dense_open(tc_dense *d, int outputs, int n, const tc_ndarray *objects, int first, int last);
void tc_dense_close(tc_dense *d);

#endif
