/* ndarray_layers.c - the functions of layers on NumPy's arrays (ndarray.c says why): convolution, pooling, normalisation,
 * softmax, losses. Their kernels take dense memory, so inputs of other strides are copied first. */
#include "ndarray.h"

/* ---- dense memory ---- */

int tc_dense_open(tc_dense *d, int outputs, int n, const tc_ndarray *objects, int first, int last)
{
    d->n = 0;
    int status = tc_ndarray_look(n, objects, d->array, first, last, &d->dtype);
    for (int i = 0; i < n && status == TC_OK; i++, d->n++) {
        const tc_ndarray_fields *a = d->array[i];
        d->data[i] = a ? a->data : NULL;
        if (!a || a->flags & TC_C_CONTIGUOUS)
            continue;
        if (i < outputs) {
            status = TC_EINVAL;
            break;
        }
        status = tc_ndarray_pack(objects[i], &d->data[i]);
    }
    if (status != TC_OK)
        tc_dense_close(d);
    return status;
}

void tc_dense_close(tc_dense *d)
{
    for (int i = 0; i < d->n; i++)
        if (d->array[i] && d->data[i] != d->array[i]->data)
            tc_free(d->data[i]);
}

/* The product of an array's sizes from dimension `first` up to `end`, and of all from `first` on. */
static int64_t product(const tc_ndarray_fields *a, int first, int end)
{
    int64_t n = 1;
    for (int d = first; d < end; d++)
        n *= a->shape[d];
    return n;
}

static int64_t inner(const tc_ndarray_fields *a, int first)
{
    return product(a, first, a->ndim);
}

/* ---- convolution ---- */

int tc_ndarray_conv2d(const tc_conv2d_params *p, tc_ndarray x, tc_ndarray weight, tc_ndarray bias, tc_ndarray y)
{
    tc_dense d;
    int status = tc_dense_open(&d, 1, 4, (const tc_ndarray[]){y, x, weight, bias}, TC_F32, TC_F64);
    if (status != TC_OK)
        return status;
    tc_stoppable call;
    tc_stoppable_begin(&call);
    status = tc_stoppable_end(&call, tc_conv2d(d.dtype, p, d.data[1], d.data[2], d.data[3], d.data[0]));
    tc_dense_close(&d);
    return status;
}

int tc_ndarray_conv2d_input_grad(const tc_conv2d_params *p, tc_ndarray dy, tc_ndarray weight, tc_ndarray dx)
{
    tc_dense d;
    int status = tc_dense_open(&d, 1, 3, (const tc_ndarray[]){dx, dy, weight}, TC_F32, TC_F64);
    if (status != TC_OK)
        return status;
    tc_stoppable call;
    tc_stoppable_begin(&call);
    status = tc_stoppable_end(&call, tc_conv2d_input_grad(d.dtype, p, d.data[1], d.data[2], d.data[0]));
    tc_dense_close(&d);
    return status;
}

int tc_ndarray_conv2d_weight_grad(const tc_conv2d_params *p, tc_ndarray dy, tc_ndarray x, tc_ndarray dweight, tc_ndarray dbias)
{
    tc_dense d;
    int status = tc_dense_open(&d, 2, 4, (const tc_ndarray[]){dweight, dbias, dy, x}, TC_F32, TC_F64);
    if (status != TC_OK)
        return status;
    tc_stoppable call;
    tc_stoppable_begin(&call);
    status = tc_stoppable_end(&call, tc_conv2d_weight_grad(d.dtype, p, d.data[2], d.data[3], d.data[0], d.data[1]));
    tc_dense_close(&d);
    return status;
}

/* ---- pooling ---- */

int tc_ndarray_max_pool2d(int op, int adaptive, const tc_pool2d_params *p, tc_ndarray x, tc_ndarray y, tc_ndarray indices)
{
    tc_dense d;
    const int status = tc_dense_open(&d, 2, 3, (const tc_ndarray[]){y, indices, x}, TC_F32, TC_U8);
    if (status != TC_OK)
        return status;
    tc_stoppable call;
    tc_stoppable_begin(&call);
    (adaptive ? tc_adaptive_max_pool2d : tc_max_pool2d)(op, d.dtype, p, d.data[2], d.data[0], d.data[1]);
    tc_dense_close(&d);
    return tc_stoppable_end(&call, TC_OK);
}

int tc_ndarray_pool_gather(tc_ndarray indices, tc_ndarray x, tc_ndarray y)
{
    tc_dense d;
    const int status = tc_dense_open(&d, 1, 3, (const tc_ndarray[]){y, x, indices}, TC_F32, TC_U8);
    if (status != TC_OK)
        return status;
    const int64_t in = inner(d.array[1], d.array[1]->ndim - 2), out = inner(d.array[0], d.array[0]->ndim - 2);
    tc_pool_gather(d.dtype, product(d.array[1], 0, d.array[1]->ndim - 2), in, out, d.data[2], d.data[1], d.data[0]);
    tc_dense_close(&d);
    return TC_OK;
}

int tc_ndarray_pool_scatter(const tc_pool2d_params *windows, tc_ndarray indices, tc_ndarray dy, tc_ndarray relu, tc_ndarray dx)
{
    tc_dense d;
    const int status = tc_dense_open(&d, 1, 4, (const tc_ndarray[]){dx, dy, indices, relu}, TC_F32, TC_U8);
    if (status != TC_OK)
        return status;
    const int64_t in = inner(d.array[0], d.array[0]->ndim - 2), out = inner(d.array[1], d.array[1]->ndim - 2);
    if (windows)
        tc_max_pool2d_grad(d.dtype, windows, d.data[2], d.data[1], d.data[3], d.data[0]);
    else
        tc_pool_scatter(d.dtype, product(d.array[0], 0, d.array[0]->ndim - 2), in, out, d.data[2], d.data[1], d.data[3], d.data[0]);
    tc_dense_close(&d);
    return TC_OK;
}

/* ---- batch normalisation ---- */

int tc_ndarray_batch_norm_stats(double momentum, tc_ndarray x, tc_ndarray running_mean, tc_ndarray running_var, tc_ndarray mean,
                                tc_ndarray var)
{
    tc_dense d;
    int status = tc_dense_open(&d, 4, 5, (const tc_ndarray[]){mean, var, running_mean, running_var, x}, TC_F32, TC_F64);
    if (status != TC_OK)
        return status;
    const tc_ndarray_fields *a = d.array[4];
    status = tc_batch_norm_stats(d.dtype, a->shape[0], a->shape[1], inner(a, 2), momentum, d.data[4], d.data[2], d.data[3],
                                 d.data[0], d.data[1]);
    tc_dense_close(&d);
    return status;
}

int tc_ndarray_batch_norm(int relu, double eps, tc_ndarray x, tc_ndarray mean, tc_ndarray var, tc_ndarray weight,
                          tc_ndarray bias, tc_ndarray y)
{
    tc_dense d;
    int status = tc_dense_open(&d, 1, 6, (const tc_ndarray[]){y, x, mean, var, weight, bias}, TC_F32, TC_F64);
    if (status != TC_OK)
        return status;
    const tc_ndarray_fields *a = d.array[0];
    status = tc_batch_norm(relu, d.dtype, a->shape[0], a->shape[1], inner(a, 2), eps, d.data[1], d.data[2], d.data[3],
                           d.data[4], d.data[5], d.data[0]);
    tc_dense_close(&d);
    return status;
}

int tc_ndarray_batch_norm_grad(int training, int relu, double eps, tc_ndarray dy, tc_ndarray x, tc_ndarray mean, tc_ndarray var,
                               tc_ndarray weight, tc_ndarray bias, tc_ndarray dx, tc_ndarray dweight, tc_ndarray dbias)
{
    tc_dense d;
    int status = tc_dense_open(&d, 3, 9, (const tc_ndarray[]){dx, dweight, dbias, dy, x, mean, var, weight, bias}, TC_F32, TC_F64);
    if (status != TC_OK)
        return status;
    const tc_ndarray_fields *a = d.array[4];
    status = tc_batch_norm_grad(training, relu, d.dtype, a->shape[0], a->shape[1], inner(a, 2), eps, d.data[3], d.data[4],
                                d.data[5], d.data[6], d.data[7], d.data[8], d.data[0], d.data[1], d.data[2]);
    tc_dense_close(&d);
    return status;
}

/* ---- softmax and cross-entropy ---- */

int tc_ndarray_softmax(int logarithm, int dim, tc_ndarray x, tc_ndarray y)
{
    tc_dense d;
    int status = tc_dense_open(&d, 1, 2, (const tc_ndarray[]){y, x}, TC_F32, TC_F64);
    if (status != TC_OK)
        return status;
    const tc_ndarray_fields *a = d.array[0];
    const int64_t length = a->ndim ? a->shape[dim] : 1, after = inner(a, dim + 1);
    status = tc_softmax(logarithm, d.dtype, product(a, 0, dim), length, after, d.data[1], d.data[0]);
    tc_dense_close(&d);
    return status;
}

int tc_ndarray_softmax_grad(int logarithm, int dim, tc_ndarray dy, tc_ndarray y, tc_ndarray dx)
{
    tc_dense d;
    int status = tc_dense_open(&d, 1, 3, (const tc_ndarray[]){dx, dy, y}, TC_F32, TC_F64);
    if (status != TC_OK)
        return status;
    const tc_ndarray_fields *a = d.array[0];
    const int64_t length = a->ndim ? a->shape[dim] : 1, after = inner(a, dim + 1);
    status = tc_softmax_grad(logarithm, d.dtype, product(a, 0, dim), length, after, d.data[1], d.data[2],
                             d.data[0]);
    tc_dense_close(&d);
    return status;
}

static tc_cross_entropy_params entropy_params(const tc_ndarray_fields *logits, int64_t ignore_index, double label_smoothing,
                                              int reduction)
{
    return (tc_cross_entropy_params){
        logits->shape[0], logits->shape[1], inner(logits, 2), ignore_index, label_smoothing, reduction};
}

int tc_ndarray_cross_entropy(int reduction, int64_t ignore_index, double label_smoothing, tc_ndarray logits, tc_ndarray target,
                             tc_ndarray weight, tc_ndarray losses, tc_ndarray lse, double *total)
{
    tc_dense d;
    int status = tc_dense_open(&d, 2, 5, (const tc_ndarray[]){losses, lse, logits, target, weight}, TC_F32, TC_F64);
    if (status != TC_OK)
        return status;
    const tc_cross_entropy_params p = entropy_params(d.array[2], ignore_index, label_smoothing, reduction);
    status = tc_cross_entropy(d.dtype, &p, d.data[2], d.data[3], d.data[4], d.data[0], d.data[1], total);
    tc_dense_close(&d);
    return status;
}

int tc_ndarray_cross_entropy_grad(double scale, int64_t ignore_index, double label_smoothing, tc_ndarray g, tc_ndarray logits,
                                  tc_ndarray target, tc_ndarray weight, tc_ndarray lse, tc_ndarray dlogits)
{
    tc_dense d;
    int status = tc_dense_open(&d, 1, 6, (const tc_ndarray[]){dlogits, g, logits, target, weight, lse}, TC_F32, TC_F64);
    if (status != TC_OK)
        return status;
    const tc_cross_entropy_params p = entropy_params(d.array[0], ignore_index, label_smoothing, TC_LOSS_NONE);
    status = tc_cross_entropy_grad(d.dtype, &p, d.data[1], d.array[1]->ndim > 0, scale, d.data[2], d.data[3], d.data[4], d.data[5],
                                   d.data[0]);
    tc_dense_close(&d);
    return status;
}
