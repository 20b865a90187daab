/* fold.c - a batch normalisation by known statistics, folded into the weights of the convolution before it. */
#include "internal.h"

/* With y = conv(x, w) + b, (y - mean) / sqrt(var + eps) * gamma + beta is conv(x, s w) + s (b - mean) + beta, where
 * s = gamma / sqrt(var + eps). Each weight is rounded once more and each output once less than without folding; the
 * numbers of a filter are made in double. */
void tc_fold_batch_norm(int dtype, int64_t filters, int64_t depth, double eps, const void *weight, const void *bias,
                        const void *mean, const void *var, const void *gamma, const void *beta, void *folded_weight,
                        void *folded_bias)
{
    FP_SCOPE caller = fp_enter();
    const size_t item = tc_itemsize(dtype);
    for (int64_t k = 0; k < filters; k++) {
        const double scale = tc_value_at(dtype, gamma, k, 1) / sqrt(tc_value_at(dtype, var, k, 1) + eps);
        const double centred = tc_value_at(dtype, bias, k, 0) - tc_value_at(dtype, mean, k, 0);
        const double shift = centred * scale + tc_value_at(dtype, beta, k, 0);
        const size_t at = (size_t)(k * depth) * item;
        tc_binary_scalar(TC_MUL, dtype, depth, (const char *)weight + at, scale, 0, (char *)folded_weight + at);
        if (dtype == TC_F32)
            ((float *)folded_bias)[k] = (float)shift;
        else
            ((double *)folded_bias)[k] = shift;
    }
}
