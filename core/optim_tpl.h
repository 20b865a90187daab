/* optim_tpl.h - kernels of optim.c for one dtype and instruction set: one pass over a stretch of one tensor.
 *
 * The order of operations is that of torch.optim's single-tensor loops, so that trajectories differ in last bits only (where
 * the compiler fuses another product than PyTorch does). Every branch depends on the options alone and is predicted;
 * memory is what these loops wait for. */

/* The gradient that the step sees: maximize turns it around, weight decay adds to it. */
TC_INLINE vec FN(effective_gradient)(vec g, vec p, int maximize, T weight_decay)
{
    if (maximize)
        g = -g;
    if (weight_decay != 0)
        g = g + weight_decay * p;
    return g;
}

/* ---- SGD ---- */

/* One vec of torch.optim.SGD; buffer is NULL without momentum. usual: neither the first step, nor maximize, nor nesterov; it and,
 * where it is 0, weight_decay are constants in each copy of this. */
TC_INLINE void FN(sgd_step)(bool usual, const tc_sgd_params *o, T weight_decay, T *param, const T *grad, T *buffer)
{
    vec p = load(param), g = FN(effective_gradient)(load(grad), p, !usual && o->maximize, weight_decay);
    if (buffer) {
        const T momentum = (T)o->momentum;
        vec b = g;
        if (usual || !o->first)
            b = load(buffer) * momentum + (T)(1 - o->dampening) * g;
        store(buffer, b);
        if (!usual && o->nesterov)
            g = g + momentum * b;
        else
            g = b;
    }
    store(param, p - (T)o->lr * g);
}

static void FN(sgd)(const tc_sgd_params *options, int64_t n, void *param, const void *grad, void *momentum_buffer)
{
    const tc_sgd_params o = *options;
    T *p = param, *b = momentum_buffer;
    const T *g = grad;
    const int64_t rest = n % VLEN, whole = n - rest;
    const bool usual = b && !o.first && !o.maximize && !o.nesterov;
    const T decay = (T)o.weight_decay;
    if (usual && decay == 0)
        for (int64_t i = 0; i < whole; i += VLEN)
            FN(sgd_step)(true, &o, 0, p + i, g + i, b + i);
    else if (usual)
        for (int64_t i = 0; i < whole; i += VLEN)
            FN(sgd_step)(true, &o, decay, p + i, g + i, b + i);
    else
        for (int64_t i = 0; i < whole; i += VLEN)
            FN(sgd_step)(false, &o, decay, p + i, g + i, b ? b + i : NULL);
    if (!rest)
        return;
    T last[3][VLEN] = {0};
    const size_t bytes = (size_t)rest * sizeof(T);
    memcpy(last[0], p + whole, bytes);
    memcpy(last[1], g + whole, bytes);
    if (b && !o.first)
        memcpy(last[2], b + whole, bytes);
    FN(sgd_step)(false, &o, decay, last[0], last[1], b ? last[2] : NULL);
    memcpy(p + whole, last[0], bytes);
    if (b)
        memcpy(b + whole, last[2], bytes);
}

/* ---- Adam and AdamW ---- */

/* What all elements share, computed in double as PyTorch's scalars are, then rounded. */
typedef struct {
    int maximize;
    T grad_decay, param_decay;          /* Adam's (added to the gradient) or AdamW's (factor of the parameter) */
    T weight1, beta1, beta2, weight2;   /* weight = 1 - beta */
    T root_correction2, eps, step_size;
} FN(adam_scalars);

static FN(adam_scalars) FN(adam_prepare)(const tc_adam_params *o)
{
    const double correction1 = 1 - pow(o->beta1, (double)o->step), correction2 = 1 - pow(o->beta2, (double)o->step);
    FN(adam_scalars) s = {
        .maximize = o->maximize,
        .grad_decay = o->decoupled ? 0 : (T)o->weight_decay,
        .param_decay = o->decoupled ? (T)(1 - o->lr * o->weight_decay) : 1,
        .weight1 = (T)(1 - o->beta1),
        .beta1 = (T)1 - (T)(1 - o->beta1),
        .beta2 = (T)o->beta2,
        .weight2 = (T)(1 - o->beta2),
        .root_correction2 = (T)sqrt(correction2),
        .eps = (T)o->eps,
        .step_size = (T)(o->lr / correction1),
    };
    return s;
}

/* One vec of torch.optim.Adam; max_square is NULL without amsgrad. The first moment moves as torch.lerp does, from the end that
 * is nearer. */
TC_INLINE void FN(adam_step)(const FN(adam_scalars) *s, T *param, const T *grad, T *mean, T *square, T *max_square)
{
    const vec p = load(param) * s->param_decay;
    const vec g = FN(effective_gradient)(load(grad), p, s->maximize, s->grad_decay), m0 = load(mean);
    vec m = m0 + s->weight1 * (g - m0);
    if (s->weight1 >= (T)0.5)
        m = g - (g - m0) * s->beta1;
    vec v = load(square) * s->beta2 + (s->weight2 * g) * g;
    store(mean, m);
    store(square, v);
    if (max_square) {
        v = FN(op_maximum)(load(max_square), v);
        store(max_square, v);
    }
    const vec denominator = FN(vsqrt)(v) / s->root_correction2 + s->eps;
    store(param, p - (s->step_size * m) / denominator);
}

static void FN(adam)(const tc_adam_params *options, int64_t n, void *param, const void *grad, void *exp_avg, void *exp_avg_sq,
                     void *max_exp_avg_sq)
{
    const FN(adam_scalars) s = FN(adam_prepare)(options);
    T *const state[] = {param, exp_avg, exp_avg_sq, max_exp_avg_sq};
    const T *g = grad;
    const int64_t rest = n % VLEN, whole = n - rest;
    for (int64_t i = 0; i < whole; i += VLEN)
        FN(adam_step)(&s, state[0] + i, g + i, state[1] + i, state[2] + i, state[3] ? state[3] + i : NULL);
    if (!rest)
        return;
    T last[5][VLEN] = {0};
    const size_t bytes = (size_t)rest * sizeof(T);
    for (int k = 0; k < 4; k++)
        if (state[k])
            memcpy(last[k], state[k] + whole, bytes);
    memcpy(last[4], g + whole, bytes);
    FN(adam_step)(&s, last[0], last[4], last[1], last[2], state[3] ? last[3] : NULL);
    for (int k = 0; k < 4; k++)
        if (state[k])
            memcpy(state[k] + whole, last[k], bytes);
}

#include "optim_rules_tpl.h"

LANEWISE const tc_optim_kernels LANEWISE_TABLE(optim) = {
    .sgd = FN(sgd),
    .adam = FN(adam),
    .rule = FN(optim_rule),
};
