/* core_ndarray.h - the functions that take NumPy's arrays. Part of core.h, whose conventions hold; cffi reads it, too. */
#ifndef TINYGRAD_CNN_CORE_NDARRAY_H
#define TINYGRAD_CNN_CORE_NDARRAY_H

#include "core.h"

/* ---------------------------------------------------------------- ndarray.c, ndarray_layers.c ------ */

/* The same functions on NumPy's arrays: a tc_ndarray is the address of an array's object, 0 for one that is not there. Data,
 * dtype, shape and strides are read from it. Inputs may have any strides unless a comment says otherwise, and are broadcast to
 * the shape of the output, the last argument, which is dense; it may be the first input if that one is dense. All of one dtype.
 * TC_EINVAL for what is no array, or none of a dtype that the function knows. */
typedef uintptr_t tc_ndarray;

/* Must be called first: how many bytes an object's head has, and a dense array of doubles, of which is known where its data
 * is and that it has these sizes. TC_EINVAL if it does not look like that: then the layout is one that the core does not know. */
int tc_ndarray_learn(size_t object_head, tc_ndarray probe, const void *data, int64_t rows, int64_t columns);

int tc_ndarray_copy(tc_ndarray x, tc_ndarray y);      /* any dtype; y, too, may have any strides; they do not overlap */
int tc_ndarray_unary(int op, tc_ndarray x, tc_ndarray y);
int tc_ndarray_binary(int op, tc_ndarray a, tc_ndarray b, tc_ndarray y);
int tc_ndarray_binary_scalar(int op, tc_ndarray x, double s, int scalar_first, tc_ndarray y);
int tc_ndarray_add_scaled(tc_ndarray a, tc_ndarray b, double alpha, tc_ndarray y);
/* Of g and x dense and of the shape of y alone. */
int tc_ndarray_bend(tc_ndarray g, tc_ndarray x, double low, double high, double below, double between, double above,
                    tc_ndarray y);
int tc_ndarray_compare(int op, tc_ndarray a, tc_ndarray b, tc_ndarray y);
int tc_ndarray_where(tc_ndarray condition, tc_ndarray a, tc_ndarray b, tc_ndarray y);
int tc_ndarray_reduce(int op, uint64_t dims, tc_ndarray x, tc_ndarray y);   /* bit d of dims: d is reduced */

/* c = a b (+ bias, one dense value for each column): matrices, or as many matrices in each of a, b and c. */
int tc_ndarray_gemm(tc_ndarray a, tc_ndarray b, tc_ndarray bias, tc_ndarray c);

/* Of layers: sizes come from the arrays where nothing else says them; inputs that are not dense are copied first (TC_ENOMEM). Only
 * cross-entropy takes arrays without elements. */
int tc_ndarray_conv2d(const tc_conv2d_params *p, tc_ndarray x, tc_ndarray weight, tc_ndarray bias, tc_ndarray y);
int tc_ndarray_conv2d_input_grad(const tc_conv2d_params *p, tc_ndarray dy, tc_ndarray weight, tc_ndarray dx);
int tc_ndarray_conv2d_weight_grad(const tc_conv2d_params *p, tc_ndarray dy, tc_ndarray x, tc_ndarray dweight, tc_ndarray dbias);
int tc_ndarray_max_pool2d(int op, int adaptive, const tc_pool2d_params *p, tc_ndarray x, tc_ndarray y, tc_ndarray indices);
int tc_ndarray_pool_gather(tc_ndarray indices, tc_ndarray x, tc_ndarray y);
int tc_ndarray_pool_scatter(const tc_pool2d_params *windows /* of tc_max_pool2d, or NULL */, tc_ndarray indices, tc_ndarray dy,
                            tc_ndarray relu, tc_ndarray dx);
int tc_ndarray_batch_norm_stats(double momentum, tc_ndarray x, tc_ndarray running_mean, tc_ndarray running_var, tc_ndarray mean,
                                tc_ndarray var);
int tc_ndarray_batch_norm(int relu, double eps, tc_ndarray x, tc_ndarray mean, tc_ndarray var, tc_ndarray weight,
                          tc_ndarray bias, tc_ndarray y);
int tc_ndarray_batch_norm_grad(int training, int relu, double eps, tc_ndarray dy, tc_ndarray x, tc_ndarray mean, tc_ndarray var,
                               tc_ndarray weight, tc_ndarray bias, tc_ndarray dx, tc_ndarray dweight, tc_ndarray dbias);
int tc_ndarray_softmax(int logarithm, int dim, tc_ndarray x, tc_ndarray y);
int tc_ndarray_softmax_grad(int logarithm, int dim, tc_ndarray dy, tc_ndarray y, tc_ndarray dx);
int tc_ndarray_cross_entropy(int reduction, int64_t ignore_index, double label_smoothing, tc_ndarray logits, tc_ndarray target,
                             tc_ndarray weight, tc_ndarray losses, tc_ndarray lse, double *total);
int tc_ndarray_cross_entropy_grad(double scale, int64_t ignore_index, double label_smoothing, tc_ndarray g, tc_ndarray logits,
                                  tc_ndarray target, tc_ndarray weight, tc_ndarray lse, tc_ndarray dlogits);

#endif
