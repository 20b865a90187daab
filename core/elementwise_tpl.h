/* elementwise_tpl.h - kernels of elementwise.c for one dtype and instruction set: one loop for all operations of one
 * operand, one for those of two, into which an operation on a vec is inlined. */
#include "math_tpl.h"
#include "wide_tpl.h"

/* ---- operations of one operand ---- */

TC_INLINE vec FN(op_neg)(vec x) { return -x; }
TC_INLINE vec FN(op_square)(vec x) { return x * x; }
TC_INLINE vec FN(op_reciprocal)(vec x) { return (T)1 / x; }
TC_INLINE vec FN(op_rsqrt)(vec x) { return (T)1 / FN(vsqrt)(x); }

/* NaN > 0 is false, so that this keeps NaN where x > 0 ? x : 0 would lose it. */
TC_INLINE vec FN(op_relu)(vec x) { return select_(x <= (T)0, splat(0), x); }

TC_INLINE vec FN(op_sign)(vec x)
{
    const vec one = FN(copysign)(splat(1), x);
    return select_((x == (T)0) | (x != x), splat(0), one);
}

/* y = op(x), dense, for an op whose code is short: the last vector is moved back to end with the row, and read first, since x may be
 * y. */
TC_INLINE void FN(map1)(int64_t n, const T *x, T *y, vec (*op)(vec))
{
    int64_t i = 0;
    if (n < VLEN) {
        FN(store_part)(y, n, op(FN(load_part)(x, n, 0)));
        return;
    }
    const vec last = op(load(x + n - VLEN));
    for (; i + VLEN <= n; i += VLEN)
        store(y + i, op(load(x + i)));
    store(y + n - VLEN, last);
}

/* The same for an op whose code is long: it stands here once. The remainder goes through the same loop once more, as one padded
 * vec, so that an element's result does not depend on its place. */
TC_INLINE void FN(map1_once)(int64_t n, const T *x, T *y, vec (*op)(vec))
{
    T last[VLEN] = {0};
    const int64_t rest = n % VLEN, whole = n - rest;
    if (rest)
        memcpy(last, x + whole, (size_t)rest * sizeof(T));
    const T *in = x;
    T *out = y;
    for (int64_t m = whole;; m = VLEN, in = out = last) {
        for (int64_t i = 0; i < m; i += VLEN)
            store(out + i, op(load(in + i)));
        if (out == last || !rest)
            break;
    }
    if (rest)
        memcpy(y + whole, last, (size_t)rest * sizeof(T));
}

static void FN(unary)(int op, int64_t n, const void *x, void *y)
{
    switch (op) {
    case TC_NEG: FN(map1)(n, x, y, FN(op_neg)); break;
    case TC_ABS: FN(map1)(n, x, y, FN(vabs)); break;
    case TC_SIGN: FN(map1)(n, x, y, FN(op_sign)); break;
    case TC_SQRT: FN(map1)(n, x, y, FN(vsqrt)); break;
    case TC_RSQRT: FN(map1)(n, x, y, FN(op_rsqrt)); break;
    case TC_RECIPROCAL: FN(map1)(n, x, y, FN(op_reciprocal)); break;
    case TC_SQUARE: FN(map1)(n, x, y, FN(op_square)); break;
    case TC_FLOOR: FN(map1)(n, x, y, FN(vfloor)); break;
    case TC_CEIL: FN(map1)(n, x, y, FN(vceil)); break;
    case TC_ROUND: FN(map1)(n, x, y, FN(vround)); break;
    case TC_TRUNC: FN(map1)(n, x, y, FN(vtrunc)); break;
    case TC_EXP: FN(map1_once)(n, x, y, FN(vexp)); break;
    case TC_EXPM1: FN(map1_once)(n, x, y, FN(vexpm1)); break;
    case TC_LOG: FN(map1_once)(n, x, y, FN(vlog)); break;
    case TC_LOG1P: FN(map1_once)(n, x, y, FN(vlog1p)); break;
    case TC_SIN: FN(trig)(0, n, x, y); break;
    case TC_COS: FN(trig)(1, n, x, y); break;
    case TC_TANH: FN(map1_once)(n, x, y, FN(vtanh)); break;
    case TC_SIGMOID: FN(map1_once)(n, x, y, FN(vsigmoid)); break;
    case TC_ERF: FN(map1_once)(n, x, y, FN(verf)); break;
    case TC_RELU: FN(map1)(n, x, y, FN(op_relu)); break;
    }
}

/* ---- operations of two operands ---- */

TC_INLINE vec FN(op_add)(vec a, vec b) { return a + b; }
TC_INLINE vec FN(op_sub)(vec a, vec b) { return a - b; }
TC_INLINE vec FN(op_mul)(vec a, vec b) { return a * b; }
TC_INLINE vec FN(op_div)(vec a, vec b) { return a / b; }

/* a NaN in a is kept by a != a; one in b because the comparison is false then. */
TC_INLINE vec FN(op_maximum)(vec a, vec b) { return select_((a > b) | (a != a), a, b); }
TC_INLINE vec FN(op_minimum)(vec a, vec b) { return select_((a < b) | (a != a), a, b); }

TC_INLINE vec FN(op_add_relu)(vec a, vec b) { return FN(op_relu)(a + b); }

/* Where y is NaN the gradient passes, as in PyTorch. */
TC_INLINE vec FN(op_relu_grad)(vec dy, vec y) { return select_(y <= (T)0, splat(0), dy); }

/* The C library's, lane by lane: accurate for all arguments, and rare in a training step. */
TC_INLINE vec FN(op_atan2)(vec a, vec b)
{
    for (int l = 0; l < VLEN; l++)
        a[l] = DTYPE_F32 ? (T)atan2f((float)a[l], (float)b[l]) : (T)atan2((double)a[l], (double)b[l]);
    return a;
}

/* An operand with step 0 is one value: it is spread over a vec once, which the loop then reads again and again. */
TC_INLINE const T *FN(operand)(const void *x, int64_t step, T *spread)
{
    if (step)
        return x;
    store(spread, splat(*(const T *)x));
    return spread;
}

/* y = op(a, b) for an op that costs little; steps 0 or 1; as map1. */
TC_INLINE void FN(map2)(int64_t n, const void *const *in, const int64_t *step, T *y, vec (*op)(vec, vec))
{
    T spread[2][VLEN];
    const T *a = FN(operand)(in[0], step[0], spread[0]), *b = FN(operand)(in[1], step[1], spread[1]);
    const int64_t sa = step[0], sb = step[1];
    int64_t i = 0;
    if (n < VLEN) {
        FN(store_part)(y, n, op(FN(load_part)(a, n, 0), FN(load_part)(b, n, 0)));
        return;
    }
    const vec last = op(load(a + (n - VLEN) * sa), load(b + (n - VLEN) * sb));
    for (; i + VLEN <= n; i += VLEN)
        store(y + i, op(load(a + i * sa), load(b + i * sb)));
    store(y + n - VLEN, last);
}

/* The same for an op whose code is long, as map1_once. */
TC_INLINE void FN(map2_once)(int64_t n, const void *const *in, const int64_t *step, T *y, vec (*op)(vec, vec))
{
    T spread[2][VLEN], last[3][VLEN] = {0};
    const T *a = FN(operand)(in[0], step[0], spread[0]), *b = FN(operand)(in[1], step[1], spread[1]);
    const int64_t sa = step[0], sb = step[1], rest = n % VLEN, whole = n - rest;
    if (rest) {
        memcpy(last[0], a + whole * sa, (size_t)rest * sizeof(T));
        memcpy(last[1], b + whole * sb, (size_t)rest * sizeof(T));
    }
    T *out = y;
    for (int64_t m = whole;; m = VLEN, a = last[0], b = last[1], out = last[2]) {
        for (int64_t i = 0; i < m; i += VLEN)
            store(out + i, op(load(a + i * sa), load(b + i * sb)));
        if (out == last[2] || !rest)
            break;
    }
    if (rest)
        memcpy(y + whole, last[2], (size_t)rest * sizeof(T));
}

static void FN(add)(int64_t n, const void *const *in, const int64_t *step, void *y) { FN(map2)(n, in, step, y, FN(op_add)); }
static void FN(sub)(int64_t n, const void *const *in, const int64_t *step, void *y) { FN(map2)(n, in, step, y, FN(op_sub)); }
static void FN(mul)(int64_t n, const void *const *in, const int64_t *step, void *y) { FN(map2)(n, in, step, y, FN(op_mul)); }
static void FN(div)(int64_t n, const void *const *in, const int64_t *step, void *y) { FN(map2)(n, in, step, y, FN(op_div)); }
static void FN(maximum)(int64_t n, const void *const *in, const int64_t *step, void *y)
{
    FN(map2)(n, in, step, y, FN(op_maximum));
}
static void FN(minimum)(int64_t n, const void *const *in, const int64_t *step, void *y)
{
    FN(map2)(n, in, step, y, FN(op_minimum));
}
static void FN(atan2)(int64_t n, const void *const *in, const int64_t *step, void *y) { FN(map2_once)(n, in, step, y, FN(op_atan2)); }
static void FN(relu_grad)(int64_t n, const void *const *in, const int64_t *step, void *y)
{
    FN(map2)(n, in, step, y, FN(op_relu_grad));
}

static void FN(add_relu)(int64_t n, const void *const *in, const int64_t *step, void *y)
{
    FN(map2)(n, in, step, y, FN(op_add_relu));
}

/* y = a + alpha b, alpha the first value of in[2]; as map2. */
static void FN(add_scaled)(int64_t n, const void *const *in, const int64_t *step, void *y)
{
    T spread[2][VLEN], last[3][VLEN] = {0};
    const vec alpha = splat(*(const T *)in[2]);
    const T *a = FN(operand)(in[0], step[0], spread[0]), *b = FN(operand)(in[1], step[1], spread[1]);
    const int64_t sa = step[0], sb = step[1], rest = n % VLEN, whole = n - rest;
    if (rest) {
        memcpy(last[0], a + whole * sa, (size_t)rest * sizeof(T));
        memcpy(last[1], b + whole * sb, (size_t)rest * sizeof(T));
    }
    T *out = y;
    for (int64_t m = whole;; m = VLEN, a = last[0], b = last[1], out = last[2]) {
        for (int64_t i = 0; i < m; i += VLEN)
            store(out + i, load(a + i * sa) + alpha * load(b + i * sb));
        if (out == last[2] || !rest)
            break;
    }
    if (rest)
        memcpy((T *)y + whole, last[2], (size_t)rest * sizeof(T));
}

/* y = g times the slope at x, as tc_bend says; g and x are in[0] and in[1], with steps of 1. */
static void FN(bend)(int64_t n, const void *const *in, const int64_t *step, void *y)
{
    (void)step;
    const T *const at = in[2];
    const vec low = splat(at[0]), high = splat(at[1]), below = splat(at[2]), between = splat(at[3]), above = splat(at[4]);
    T last[3][VLEN] = {0};
    const T *g = in[0], *x = in[1];
    T *out = y;
    const int64_t rest = n % VLEN, whole = n - rest;
    memcpy(last[0], g + whole, (size_t)rest * sizeof(T));
    memcpy(last[1], x + whole, (size_t)rest * sizeof(T));
    for (int64_t m = whole;; m = VLEN, g = last[0], x = last[1], out = last[2]) {
        for (int64_t i = 0; i < m; i += VLEN) {
            const vec place = load(x + i), slope = select_(place >= high, above, select_(place > low, between, below));
            store(out + i, select_(slope == (T)0, splat(0), load(g + i) * slope));
        }
        if (out == last[2] || !rest)
            break;
    }
    memcpy((T *)y + whole, last[2], (size_t)rest * sizeof(T));
}

/* ---- comparisons ---- */

TC_INLINE vec FN(op_eq)(vec a, vec b) { return (vec)(a == b); }
TC_INLINE vec FN(op_ne)(vec a, vec b) { return (vec)(a != b); }
TC_INLINE vec FN(op_lt)(vec a, vec b) { return (vec)(a < b); }
TC_INLINE vec FN(op_le)(vec a, vec b) { return (vec)(a <= b); }

/* Masks of 0 and -1 to bytes of 0 and 1. A loop over an array, because compilers pack that well and a single vec badly. */
static __attribute__((noinline)) void FN(pack_masks)(int64_t n, const TI *masks, uint8_t *y)
{
    TC_SIMD
    for (int64_t i = 0; i < n; i++)
        y[i] = (uint8_t)(masks[i] & 1);
}

/* y[i] = 0 or 1 in a byte; steps 0 or 1. By blocks, whose masks are stored first. */
TC_INLINE void FN(compare)(int64_t n, const void *const *in, const int64_t *step, uint8_t *y, vec (*op)(vec, vec))
{
    enum { BLOCK = 512 };
    union {
        T vecs[BLOCK];
        TI masks[BLOCK];
    } block;
    for (int64_t i = 0; i < n; i += BLOCK) {
        const int64_t m = tc_min(BLOCK, n - i);
        const void *const part[] = {(const T *)in[0] + i * step[0], (const T *)in[1] + i * step[1]};
        FN(map2)(m, part, step, block.vecs, op);
        FN(pack_masks)(m, block.masks, y + i);
    }
}

static void FN(eq)(int64_t n, const void *const *in, const int64_t *step, void *y) { FN(compare)(n, in, step, y, FN(op_eq)); }
static void FN(ne)(int64_t n, const void *const *in, const int64_t *step, void *y) { FN(compare)(n, in, step, y, FN(op_ne)); }
static void FN(lt)(int64_t n, const void *const *in, const int64_t *step, void *y) { FN(compare)(n, in, step, y, FN(op_lt)); }
static void FN(le)(int64_t n, const void *const *in, const int64_t *step, void *y) { FN(compare)(n, in, step, y, FN(op_le)); }

/* ---- the table ---- */

LANEWISE const tc_elementwise_kernels LANEWISE_TABLE(elementwise) = {
    .unary = FN(unary),
    .binary = {
        [TC_ADD] = FN(add), [TC_SUB] = FN(sub), [TC_MUL] = FN(mul), [TC_DIV] = FN(div),
        [TC_MAXIMUM] = FN(maximum), [TC_MINIMUM] = FN(minimum), [TC_POW] = FN(power), [TC_FMOD] = FN(fmod),
        [TC_REMAINDER] = FN(remainder), [TC_ATAN2] = FN(atan2), [TC_RELU_GRAD] = FN(relu_grad),
        [TC_ADD_RELU] = FN(add_relu),
    },
    .add_scaled = FN(add_scaled),
    .bend = FN(bend),
    .compare = {[TC_EQ] = FN(eq), [TC_NE] = FN(ne), [TC_LT] = FN(lt), [TC_LE] = FN(le)},
};
