/* loss_tpl.h - cross-entropy and negative log-likelihood for one dtype (softmax_tpl.h has the passes they share).
 *
 * With e = label_smoothing, C classes, weights w, target t and z = lse - x >= 0 (the negative log-probabilities):
 *     loss = (1 - e) w_t z_t + e / C * sum_c w_c z_c,
 *     d loss / d x_k = p_k ((1 - e) w_t + e / C * sum_c w_c) - (1 - e) w_t [k = t] - e / C * w_k,   p = softmax(x). */

/* Loss of the target class with logit x and weight w (NULL: 1). `shift` is the row's maximum, subtracted first so that large
 * logits lose no digits. */
TC_INLINE T FN(target_loss)(const tc_cross_entropy_params *p, T x, const T *w, T shift, T log_sum)
{
    const T loss = log_sum - (x - shift);

    return (T)(1 - p->label_smoothing) * (w ? *w * loss : loss);
}

/* One vector of n <= VLEN positions: x has its own stride and `wide` lanes to read, the rest are beside each other. */
NOINLINE void FN(cross_entropy_vector)(const tc_cross_entropy_params *p, int64_t stride, int64_t wide, int64_t n, const T *x,
                                       const int64_t *target, const T *w, T *losses, T *lse)
{
    const T smoothing = (T)(p->label_smoothing / (double)p->classes);
    const vec best = FN(strided_max)(p->classes, stride, wide, x);
    const vec log_sum = FN(vlog)(FN(strided_exp)(p->classes, stride, wide, best, x, NULL));
    T shift[VLEN], log_sums[VLEN], smooths[VLEN];
    vec smooth = splat(0);

    FN(store_lanes)(lse, n, best + log_sum);
    if (smoothing != 0)
        for (int64_t k = 0; k < p->classes; k++)
            smooth += (w ? w[k] : (T)1) * (log_sum - (FN(load_lanes)(x + k * stride, wide, 0) - best));
    store(shift, best);
    store(log_sums, log_sum);
    store(smooths, smooth);
    for (int64_t l = 0; l < n; l++) {
        const int64_t t = target[l];

        losses[l] = 0;
        if (t == p->ignore_index)
            continue;
        losses[l] = FN(target_loss)(p, x[t * stride + l], w ? w + t : NULL, shift[l], log_sums[l]);
        if (smoothing != 0)
            losses[l] += smoothing * smooths[l];
    }
}

/* The positions [begin, end) of a layout that starts at logits. */
static void FN(cross_entropy_turned)(const tc_cross_entropy_params *p, const FN(layout) *a, int64_t begin, int64_t end,
                                     const T *logits, const int64_t *target, const T *weight, T *losses, T *lse)
{
    const int64_t width = FN(lanes_width)(a->len);
    T buffer[LANES_BUFFER];

    for (int64_t at = begin; at < end; at += width) {
        const int64_t count = tc_min(width, end - at);
        int64_t stride;
        const T *x = FN(gather_lanes)(a, &stride, count, logits + at * a->lane, buffer);

        for (int64_t l = 0; l < count; l += VLEN)
            FN(cross_entropy_vector)(p, stride, x == buffer ? VLEN : count - l, tc_min(VLEN, count - l), x + l, target + at + l,
                                     weight, losses + at + l, lse + at + l);
    }
}

/* The positions [begin, end) of one image; all pointers are the image's. */
static void FN(cross_entropy_lanes)(const tc_cross_entropy_params *p, int64_t begin, int64_t end, const void *logits,
                                    const int64_t *target, const void *weight, void *losses, void *lse)
{
    FN(cross_entropy_turned)(p, &(FN(layout)){p->classes, p->inner, 1}, begin, end, logits, target, weight, losses, lse);
}

/* The sum over a row of w times the loss of each class; weighted is a constant where this is called. */
TC_INLINE T FN(smooth_sum)(bool weighted, int64_t classes, const T *x, const T *w, T best, T log_sum)
{
    enum { BLOCK = 64 };
    T terms[BLOCK], sum = 0;

    for (int64_t k = 0; k < classes; k += BLOCK) {
        const int64_t n = tc_min(BLOCK, classes - k);

        TC_SIMD
        for (int64_t j = 0; j < n; j++)
            terms[j] = (weighted ? w[k + j] : (T)1) * (log_sum - (x[k + j] - best));
        for (int64_t j = 0; j < n; j++)
            sum += terms[j];
    }
    return sum;
}

/* The positions [begin, end) of inner == 1. */
static void FN(cross_entropy_rows)(const tc_cross_entropy_params *p, int64_t begin, int64_t end, const void *logits,
                                   const int64_t *target, const void *weight, void *losses, void *lse)
{
    const T *w = weight, smoothing = (T)(p->label_smoothing / (double)p->classes);

    if (p->classes <= SHORT_ROW) {
        FN(cross_entropy_turned)(p, &(FN(layout)){p->classes, 1, p->classes}, begin, end, logits, target, weight, losses, lse);
        return;
    }
    for (int64_t row = begin; row < end; row++) {
        const T *x = (const T *)logits + row * p->classes;
        const T best = FN(row_max)(p->classes, x);
        const T log_sum = FN(scalar_log)(FN(row_exp)(p->classes, best, x, NULL));
        T loss = 0, smooth = 0;

        ((T *)lse)[row] = best + log_sum;
        if (target[row] != p->ignore_index) {
            loss = FN(target_loss)(p, x[target[row]], w ? w + target[row] : NULL, best, log_sum);
            if (smoothing != 0) {
                smooth = w ? FN(smooth_sum)(true, p->classes, x, w, best, log_sum)
                           : FN(smooth_sum)(false, p->classes, x, w, best, log_sum);
                loss += smoothing * smooth;
            }
        }
        ((T *)losses)[row] = loss;
    }
}

/* dx[k] = dx[k] * scale - gain * smoothing * w[k] where kept, else 0; the first two are constants where this is called. */
TC_INLINE void FN(cross_entropy_slopes)(bool smoothed, bool weighted, int64_t classes, int64_t stride, int64_t wide, ivec kept,
                                        vec scale, vec gain, T smoothing, const T *w, T *dx)
{
    for (int64_t k = 0; k < classes; k++) {
        vec slope = FN(load_lanes)(dx + k * stride, wide, 0) * scale;

        if (smoothed)
            slope -= gain * (smoothing * (weighted ? w[k] : (T)1));
        FN(store_lanes)(dx + k * stride, wide, select_(kept, slope, splat(0)));
    }
}

/* Gradient of one vector of n <= VLEN positions, x to dx of one stride and with `wide` lanes. */
NOINLINE void FN(cross_entropy_grad_vector)(const tc_cross_entropy_params *p, int64_t stride, int64_t wide, int64_t n,
                                            double weight_sum, const T *g, int64_t g_step, const T *x, const int64_t *target, const T *w,
                                            const T *lse, T *dx)
{
    const T smoothing = (T)(p->label_smoothing / (double)p->classes);
    const vec sum = FN(strided_exp)(p->classes, stride, wide, FN(load_lanes)(lse, n, 0), x, dx);
    T owns[VLEN] = {0}, gains[VLEN] = {0};
    TI keeps[VLEN] = {0};

    for (int64_t l = 0; l < n; l++) {
        if (target[l] == p->ignore_index)
            continue;
        keeps[l] = -1;
        gains[l] = g[l * g_step];
        owns[l] = (T)(1 - p->label_smoothing) * (w ? w[target[l]] : (T)1);
    }
    const vec own = load(owns), gain = load(gains);
    const ivec kept = *(const ivec *)keeps;
    const vec scale = gain * (own + smoothing * (T)weight_sum) / sum;

    if (smoothing == 0)
        FN(cross_entropy_slopes)(false, false, p->classes, stride, wide, kept, scale, gain, smoothing, w, dx);
    else if (w)
        FN(cross_entropy_slopes)(true, true, p->classes, stride, wide, kept, scale, gain, smoothing, w, dx);
    else
        FN(cross_entropy_slopes)(true, false, p->classes, stride, wide, kept, scale, gain, smoothing, w, dx);
    for (int64_t l = 0; l < n; l++)
        if (keeps[l])
            dx[target[l] * stride + l] -= gains[l] * owns[l];
}

/* Gradient at the positions [begin, end) of a layout that starts at logits and dlogits. */
static void FN(cross_entropy_grad_turned)(const tc_cross_entropy_params *p, const FN(layout) *a, int64_t begin, int64_t end,
                                          double weight_sum, const T *g, int64_t g_step, const T *logits, const int64_t *target,
                                          const T *weight, const T *lse, T *dlogits)
{
    const int64_t width = FN(lanes_width)(a->len);
    T buffer[LANES_BUFFER];

    for (int64_t at = begin; at < end; at += width) {
        const int64_t count = tc_min(width, end - at);
        int64_t stride;
        const T *x = FN(gather_lanes)(a, &stride, count, logits + at * a->lane, buffer);
        T *dx = x == buffer ? buffer : dlogits + at * a->lane;

        for (int64_t l = 0; l < count; l += VLEN)
            FN(cross_entropy_grad_vector)(p, stride, x == buffer ? VLEN : count - l, tc_min(VLEN, count - l), weight_sum,
                                          g + (at + l) * g_step, g_step, x + l, target + at + l, weight, lse + at + l, dx + l);
        if (x == buffer)
            FN(scatter_lanes)(a, stride, count, buffer, dlogits + at * a->lane);
    }
}

/* Gradient at the positions [begin, end) of one image. */
static void FN(cross_entropy_grad_lanes)(const tc_cross_entropy_params *p, int64_t begin, int64_t end, double weight_sum,
                                         const void *g, int64_t g_step, const void *logits, const int64_t *target,
                                         const void *weight, const void *lse, void *dlogits)
{
    FN(cross_entropy_grad_turned)(p, &(FN(layout)){p->classes, p->inner, 1}, begin, end, weight_sum, g, g_step, logits, target,
                                  weight, lse, dlogits);
}

/* The same of a row: dx = dx * scale - share * w; weighted is a constant where this is called. */
TC_INLINE void FN(cross_entropy_row_slopes)(bool weighted, int64_t classes, T scale, T share, const T *w, T *dx)
{
    for (int64_t k = 0; k < classes; k += VLEN) {
        const int64_t n = classes - k;
        const vec slope = FN(load_lanes)(dx + k, n, 0) * scale;

        FN(store_lanes)(dx + k, n, weighted ? slope - share * FN(load_lanes)(w + k, n, 0) : slope - share);
    }
}

/* Gradient at the positions [begin, end) of inner == 1; g_step is 0 where one g serves all, weight_sum = sum of w. The
 * probabilities are exp(x - lse) divided by their own sum: lse is rounded, and that takes its error out again. */
static void FN(cross_entropy_grad_rows)(const tc_cross_entropy_params *p, int64_t begin, int64_t end, double weight_sum,
                                        const void *g, int64_t g_step, const void *logits, const int64_t *target,
                                        const void *weight, const void *lse, void *dlogits)
{
    const T *w = weight, smoothing = (T)(p->label_smoothing / (double)p->classes);

    if (p->classes <= SHORT_ROW) {
        FN(cross_entropy_grad_turned)(p, &(FN(layout)){p->classes, 1, p->classes}, begin, end, weight_sum, g, g_step, logits,
                                      target, weight, lse, dlogits);
        return;
    }
    for (int64_t row = begin; row < end; row++) {
        T *dx = (T *)dlogits + row * p->classes;
        const T gain = ((const T *)g)[row * g_step], share = smoothing != 0 ? gain * smoothing : 0;

        if (target[row] == p->ignore_index) {
            memset(dx, 0, (size_t)p->classes * sizeof(T));
            continue;
        }
        const T own = (T)(1 - p->label_smoothing) * (w ? w[target[row]] : (T)1);
        const T sum = FN(row_exp)(p->classes, ((const T *)lse)[row], (const T *)logits + row * p->classes, dx);
        const T scale = gain * (own + smoothing * (T)weight_sum) / sum;

        if (smoothing != 0 && w)
            FN(cross_entropy_row_slopes)(true, p->classes, scale, share, w, dx);
        else
            FN(cross_entropy_row_slopes)(false, p->classes, scale, share, w, dx);
        dx[target[row]] -= gain * own;
    }
}

/* Negative log-likelihood at the positions [begin, end), counted through all images. */
static void FN(nll)(const tc_cross_entropy_params *p, int64_t begin, int64_t end, const void *logp, const int64_t *target,
                    const void *weight, void *losses)
{
    const T *w = weight;

    for (int64_t at = begin; at < end; at++) {
        const bool ignored = target[at] == p->ignore_index;
        const int64_t t = ignored ? 0 : target[at], place = (at / p->inner * p->classes + t) * p->inner + at % p->inner;

        ((T *)losses)[at] = ignored ? 0 : -(w ? w[t] : (T)1) * ((const T *)logp)[place];
    }
}

/* Its gradient, into dlogp that is zero already. */
static void FN(nll_grad)(const tc_cross_entropy_params *p, int64_t begin, int64_t end, const void *g, int64_t g_step,
                         const int64_t *target, const void *weight, void *dlogp)
{
    const T *w = weight;

    for (int64_t at = begin; at < end; at++) {
        const bool ignored = target[at] == p->ignore_index;
        const int64_t t = ignored ? 0 : target[at], place = (at / p->inner * p->classes + t) * p->inner + at % p->inner;

        if (!ignored)
            ((T *)dlogp)[place] = -(w ? w[t] : (T)1) * ((const T *)g)[at * g_step];
    }
}

static const tc_loss_kernels FN(loss_kernels) = {
    .cross_entropy_rows = FN(cross_entropy_rows),
    .cross_entropy_lanes = FN(cross_entropy_lanes),
    .cross_entropy_grad_rows = FN(cross_entropy_grad_rows),
    .cross_entropy_grad_lanes = FN(cross_entropy_grad_lanes),
    .nll = FN(nll),
    .nll_grad = FN(nll_grad),
};
