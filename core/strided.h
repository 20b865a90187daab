/* strided.h - walking several strided operands of one shape together: dimensions merged, then row by row. */
#ifndef TC_STRIDED_H
#define TC_STRIDED_H

#include "internal.h"

enum { TC_MAX_OPERANDS = 3 };

/* A shape without dimensions of size 1 and with neighbours merged where every operand allows it; at least one
 * dimension. Strides are in elements. */
typedef struct {
    int ndim, operands;
    int64_t total;                 /* elements of the shape */
    int64_t shape[TC_MAX_DIMS];
    int64_t stride[TC_MAX_OPERANDS][TC_MAX_DIMS];
} tc_strided;

/* A position in the outer dimensions (all but the last `inner`) and the operands' offsets there. */
typedef struct {
    int ndim;
    int64_t index[TC_MAX_DIMS];
    int64_t offset[TC_MAX_OPERANDS];
} tc_cursor;

/* Fills s from a shape and the strides of `operands` operands. */
void tc_strided_init(tc_strided *s, int ndim, const int64_t *shape, int operands, const int64_t *const *strides);

/* Sets c to the position-th place of the outer dimensions, in row-major order. */
void tc_cursor_seek(const tc_strided *s, int inner, int64_t position, tc_cursor *c);

/* To the next place; past the last one it wraps to the first. */
void tc_cursor_next(const tc_strided *s, tc_cursor *c);

/* y = kernel(in[0], in[1], ...), elementwise: rows of operand elements are handed to the kernel as they lie, or gathered
 * first. itemsize has the bytes of each operand's element, then of y's. */
void tc_map(const tc_strided *s, const size_t *itemsize, const void *const *in, tc_map_fn kernel, void *y);

#endif
