/* optim_rules_tpl.h - part of optim_tpl.h: the update rules of tc_optim(), each for one vector of a parameter.
 *
 * A rule sees its numbers s (core.h lists them), the parameter, the gradient that weight decay has been added to, and the
 * vectors of its state, which it changes. Formulas and their order are those of torch.optim's single-tensor loops. */

/* The running average moves as torch.lerp does, from the end that is nearer. */
TC_INLINE vec FN(rule_lerp)(vec from, vec to, T weight)
{
    return weight < (T)0.5 ? from + weight * (to - from) : to - (to - from) * ((T)1 - weight);
}

/* Adamax (Kingma and Ba, 2014): the second moment is an infinity norm. */
TC_INLINE vec FN(rule_adamax)(const T *s, vec p, vec g, vec *exp_avg, vec *exp_inf)
{
    *exp_avg = FN(rule_lerp)(*exp_avg, g, s[0]);
    *exp_inf = FN(op_maximum)(*exp_inf * s[1], FN(op_maximum)(g, -g) + s[2]);
    return p - (s[3] * *exp_avg) / *exp_inf;
}

/* NAdam (Dozat, 2016): Adam with Nesterov momentum. */
TC_INLINE vec FN(rule_nadam)(const T *s, vec p, vec g, vec *exp_avg, vec *exp_avg_sq)
{
    *exp_avg = FN(rule_lerp)(*exp_avg, g, s[0]);
    *exp_avg_sq = *exp_avg_sq * s[1] + (s[2] * g) * g;
    const vec denominator = FN(vsqrt)(*exp_avg_sq / s[3]) + s[4];
    return p - (s[5] * g) / denominator - (s[6] * *exp_avg) / denominator;
}

/* RAdam (Liu et al., 2019): s[5] is 0 while the variance of the adaptive rate is intractable. */
TC_INLINE vec FN(rule_radam)(const T *s, vec p, vec g, vec *exp_avg, vec *exp_avg_sq)
{
    *exp_avg = FN(rule_lerp)(*exp_avg, g, s[0]);
    *exp_avg_sq = *exp_avg_sq * s[1] + (s[2] * g) * g;
    vec step = *exp_avg / s[3] * s[4];
    if (s[5] != 0)
        step = step * (s[6] / (FN(vsqrt)(*exp_avg_sq) + s[7])) * s[5];
    return p - step;
}

/* Adadelta (Zeiler, 2012). */
TC_INLINE vec FN(rule_adadelta)(const T *s, vec p, vec g, vec *square_avg, vec *acc_delta)
{
    *square_avg = *square_avg * s[0] + (s[1] * g) * g;
    const vec delta = FN(vsqrt)(*acc_delta + s[2]) / FN(vsqrt)(*square_avg + s[2]) * g;
    *acc_delta = *acc_delta * s[0] + (s[1] * delta) * delta;
    return p - s[3] * delta;
}

/* Adagrad (Duchi, Hazan and Singer, 2011). */
TC_INLINE vec FN(rule_adagrad)(const T *s, vec p, vec g, vec *sum)
{
    *sum += g * g;
    return p - (s[1] * g) / (FN(vsqrt)(*sum) + s[0]);
}

/* RMSprop (Tieleman and Hinton, 2012; centered: Graves, 2013). grad_avg and momentum_buffer are NULL unless used. */
TC_INLINE vec FN(rule_rmsprop)(const T *s, vec p, vec g, vec *square_avg, vec *grad_avg, vec *momentum_buffer)
{
    vec square = *square_avg = *square_avg * s[0] + (s[1] * g) * g;
    if (grad_avg) {
        *grad_avg = FN(rule_lerp)(*grad_avg, g, s[1]);
        square -= *grad_avg * *grad_avg;
    }
    const vec average = FN(vsqrt)(square) + s[2];
    if (!momentum_buffer)
        return p - (s[3] * g) / average;
    *momentum_buffer = *momentum_buffer * s[4] + g / average;
    return p - s[3] * *momentum_buffer;
}

/* Rprop (Riedmiller and Braun, 1993): where the gradient changed its sign, the step shrinks and is left out once. */
TC_INLINE vec FN(rule_rprop)(const T *s, vec p, vec g, vec *prev, vec *step_size)
{
    const vec product = g * *prev, zero = splat(0);
    const vec factor = select_(product > zero, splat(s[1]), select_(product < zero, splat(s[0]), splat(1)));
    vec step = *step_size * factor;
    step = select_(step < s[2], splat(s[2]), select_(step > s[3], splat(s[3]), step));
    *step_size = step;
    *prev = g = select_(factor == s[0], zero, g);
    return p - select_(g > zero, step, select_(g < zero, -step, zero));
}

/* ASGD (Polyak and Juditsky, 1992): ax is the average of the parameters, which it starts from while s[1] is 1. */
TC_INLINE vec FN(rule_asgd)(const T *s, vec p, vec g, vec *ax)
{
    p = p - s[0] * g;
    if (s[1] == 1)
        *ax = p;
    else
        *ax += (p - *ax) * s[1];
    return p;
}

/* ---- one pass over a stretch of a tensor ---- */

typedef struct {
    int maximize;
    T grad_decay, shrink, s[TC_OPTIM_NUMBERS];
} FN(rule_scalars);

/* One vector: rule is a constant where this is called. */
TC_INLINE void FN(rule_step)(int rule, const FN(rule_scalars) *o, T *param, const T *grad, T *const *state, int64_t i)
{
    vec p = load(param + i), st[TC_OPTIM_STATES];
    const vec g = FN(effective_gradient)(load(grad + i), p, o->maximize, o->grad_decay);
    p = p * o->shrink;
    TC_UNROLL
    for (int k = 0; k < TC_OPTIM_STATES; k++)
        st[k] = state[k] ? load(state[k] + i) : splat(0);
    switch (rule) {
    case TC_OPTIM_ADAMAX: p = FN(rule_adamax)(o->s, p, g, &st[0], &st[1]); break;
    case TC_OPTIM_NADAM: p = FN(rule_nadam)(o->s, p, g, &st[0], &st[1]); break;
    case TC_OPTIM_RADAM: p = FN(rule_radam)(o->s, p, g, &st[0], &st[1]); break;
    case TC_OPTIM_ADADELTA: p = FN(rule_adadelta)(o->s, p, g, &st[0], &st[1]); break;
    case TC_OPTIM_ADAGRAD: p = FN(rule_adagrad)(o->s, p, g, &st[0]); break;
    case TC_OPTIM_RMSPROP: p = FN(rule_rmsprop)(o->s, p, g, &st[0], state[1] ? &st[1] : NULL, state[2] ? &st[2] : NULL); break;
    case TC_OPTIM_RPROP: p = FN(rule_rprop)(o->s, p, g, &st[0], &st[1]); break;
    default: p = FN(rule_asgd)(o->s, p, g, &st[0]); break;
    }
    store(param + i, p);
    TC_UNROLL
    for (int k = 0; k < TC_OPTIM_STATES; k++)
        if (state[k])
            store(state[k] + i, st[k]);
}

/* Whole vectors only; each case has its rule as a constant. */
NOINLINE void FN(rule_loop)(int rule, const FN(rule_scalars) *o, int64_t n, T *param, const T *grad, T *const *state)
{
    switch (rule) {
    case TC_OPTIM_ADAMAX: for (int64_t i = 0; i < n; i += VLEN) FN(rule_step)(TC_OPTIM_ADAMAX, o, param, grad, state, i); break;
    case TC_OPTIM_NADAM: for (int64_t i = 0; i < n; i += VLEN) FN(rule_step)(TC_OPTIM_NADAM, o, param, grad, state, i); break;
    case TC_OPTIM_RADAM: for (int64_t i = 0; i < n; i += VLEN) FN(rule_step)(TC_OPTIM_RADAM, o, param, grad, state, i); break;
    case TC_OPTIM_ADADELTA: for (int64_t i = 0; i < n; i += VLEN) FN(rule_step)(TC_OPTIM_ADADELTA, o, param, grad, state, i); break;
    case TC_OPTIM_ADAGRAD: for (int64_t i = 0; i < n; i += VLEN) FN(rule_step)(TC_OPTIM_ADAGRAD, o, param, grad, state, i); break;
    case TC_OPTIM_RMSPROP: for (int64_t i = 0; i < n; i += VLEN) FN(rule_step)(TC_OPTIM_RMSPROP, o, param, grad, state, i); break;
    case TC_OPTIM_RPROP: for (int64_t i = 0; i < n; i += VLEN) FN(rule_step)(TC_OPTIM_RPROP, o, param, grad, state, i); break;
    default: for (int64_t i = 0; i < n; i += VLEN) FN(rule_step)(TC_OPTIM_ASGD, o, param, grad, state, i); break;
    }
}

static void FN(optim_rule)(const tc_optim_params *options, int64_t n, void *param, const void *grad, void *const *state)
{
    FN(rule_scalars) o = {.maximize = options->maximize, .grad_decay = (T)options->weight_decay, .shrink = (T)options->shrink};
    for (int k = 0; k < TC_OPTIM_NUMBERS; k++)
        o.s[k] = (T)options->numbers[k];
    T *const arrays[2 + TC_OPTIM_STATES] = {param, (T *)grad, state[0], state[1], state[2]};
    const int64_t rest = n % VLEN, whole = n - rest;
    FN(rule_loop)(options->rule, &o, whole, arrays[0], arrays[1], arrays + 2);
    if (!rest)
        return;
    T last[2 + TC_OPTIM_STATES][VLEN] = {0}, *padded[2 + TC_OPTIM_STATES];
    const size_t bytes = (size_t)rest * sizeof(T);
    for (int k = 0; k < 2 + TC_OPTIM_STATES; k++) {
        padded[k] = arrays[k] ? last[k] : NULL;
        if (arrays[k])
            memcpy(last[k], arrays[k] + whole, bytes);
    }
    FN(rule_loop)(options->rule, &o, VLEN, padded[0], padded[1], padded + 2);
    for (int k = 0; k < 2 + TC_OPTIM_STATES; k++)
        if (arrays[k] && k != 1)
            memcpy(arrays[k] + whole, last[k], bytes);
}
