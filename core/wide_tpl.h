/* wide_tpl.h - functions that are computed in double for either dtype: sin, cos, pow, fmod, remainder.
 *
 * Floats are taken half a vector at a time. What a formula does not serve goes to the C library with its whole group, lane by
 * lane: huge or special operands, and the functions of two doubles, which would need more than double. */

/* Elements of a group. */
#define WIDE (VBYTES / (int)sizeof(double))

typedef double FN(wide) __attribute__((vector_size(VBYTES), aligned(8), may_alias));
typedef int64_t FN(wide_int) __attribute__((vector_size(VBYTES), aligned(8), may_alias));
typedef T FN(group) __attribute__((vector_size(WIDE * sizeof(T)), aligned(sizeof(T)), may_alias));
typedef TI FN(group_int) __attribute__((vector_size(WIDE * sizeof(T)), aligned(sizeof(T)), may_alias));
#define wide FN(wide)
#define wide_int FN(wide_int)

TC_INLINE wide FN(load_wide)(const T *p)
{
    return __builtin_convertvector(*(const FN(group) *)p, wide);
}

TC_INLINE void FN(store_wide)(T *p, wide v)
{
    *(FN(group) *)p = __builtin_convertvector(v, FN(group));
}

TC_INLINE wide FN(wide_select)(wide_int mask, wide a, wide b)
{
    return (wide)((mask & (wide_int)a) | (~mask & (wide_int)b));
}

TC_INLINE wide FN(wide_abs)(wide x)
{
    return (wide)((wide_int)x & INT64_MAX);
}

TC_INLINE bool FN(wide_all)(wide_int mask)
{
    int64_t all = -1;

    for (int l = 0; l < WIDE; l++)
        all &= mask[l];
    return all != 0;
}

/* ---- sin, cos ---- */

/* Up to here q < 2^15, so that q times the first two parts of pi / 2 (33 bits each) is exact. */
#define TRIG_MAX 32768.0

/* sin(r) = r + r z (s0 + s1 z + ...), cos(r) = 1 - z/2 + z^2 (c0 + c1 z + ...), z = r^2: Taylor's, of which the next term is below
 * 2^-28 (f32) or 2^-60 of the result for |r| <= pi / 4. */
#define TRIG_TERMS (DTYPE_F32 ? 4 : 8)
static const double FN(sin_poly)[] = {-1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800,
                                      1.0 / 6227020800, -1.0 / 1307674368000, 1.0 / 355687428096000};
static const double FN(cos_poly)[] = {1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600,
                                      -1.0 / 87178291200, 1.0 / 20922789888000, -1.0 / 6402373705728000};

TC_INLINE wide FN(trig_poly)(const double *c, wide z)
{
    wide y = c[TRIG_TERMS - 1] - (wide){0};

    TC_UNROLL
    for (int i = TRIG_TERMS - 2; i >= 0; i--)
        y = y * z + c[i];
    return y;
}

/* sin(x + quarter pi / 2) for |x| <= TRIG_MAX. x = q pi / 2 + r + rest after Cody and Waite: two exact products, which are enough for
 * a float, and one of which double's rounding is below 2^-56 of the smallest r that a double can leave; rest is what r's own
 * rounding lost. */
TC_INLINE wide FN(wide_sin)(wide x, int64_t quarter)
{
    const double magic = 0x1.8p52;
    const wide shifted = x * 0x1.45f306dc9c883p-1 + magic, q = shifted - magic;
    const wide_int turn = (wide_int)shifted + quarter;
    const wide first = x - q * 0x1.921fb544p+0, second = q * 0x1.0b4611a6p-34, near = first - second;
    wide r = near, sine, cosine;

#if DTYPE_F32
    const wide z = r * r;

    sine = r + r * z * FN(trig_poly)(FN(sin_poly), z);
    cosine = 1 - z * 0.5 + z * z * FN(trig_poly)(FN(cos_poly), z);
#else
    const wide third = q * 0x1.3198a2e037073p-69 - ((first - near) - second);

    r = near - third;
    const wide rest = (near - r) - third, z = r * r, half = z * 0.5, one = 1 - half;

    sine = r + (r * z * FN(trig_poly)(FN(sin_poly), z) + rest);
    cosine = one + (((1 - one) - half) + (z * z * FN(trig_poly)(FN(cos_poly), z) - r * rest));
#endif
    const wide y = FN(wide_select)((turn & 1) == 0, sine, cosine);

    return (wide)((wide_int)y ^ ((turn & 2) << 62));
}

/* One group; below 2^-27 the sine is x, -0 included. */
TC_INLINE void FN(trig_group)(int quarter, const T *x, T *y)
{
    const wide v = FN(load_wide)(x);

    if (!FN(wide_all)(FN(wide_abs)(v) <= TRIG_MAX)) {
        for (int l = 0; l < WIDE; l++)
            y[l] = (T)(quarter ? cos((double)x[l]) : sin((double)x[l]));
        return;
    }
    const wide s = FN(wide_sin)(v, quarter);

    FN(store_wide)(y, quarter ? s : FN(wide_select)(FN(wide_abs)(v) < 0x1p-27, v, s));
}

/* y = sin(x), or cos(x) for quarter = 1. x may be y. */
static void FN(trig)(int quarter, int64_t n, const T *x, T *y)
{
    T last[WIDE] = {0};
    int64_t i = 0;

    for (; i + WIDE <= n; i += WIDE)
        FN(trig_group)(quarter, x + i, y + i);
    if (i < n) {
        memcpy(last, x + i, (size_t)(n - i) * sizeof(T));
        FN(trig_group)(quarter, last, last);
        memcpy(y + i, last, (size_t)(n - i) * sizeof(T));
    }
}

/* ---- pow, fmod, remainder: one group each ---- */

/* |a|^b = exp(b log |a|) for finite a != 0 and b: the exponent is at most 104 where a float results, so that its error stays below
 * 2^-44. A negative a takes integers b only; the last bit of b, rounded by adding 1.5 * 2^52, gives the sign. */
TC_INLINE void FN(pow_group)(const T *a, const T *b, T *y)
{
#if DTYPE_F32
    const wide base = FN(load_wide)(a), size = FN(wide_abs)(base), power = FN(load_wide)(b);

    if (FN(wide_all)((size > 0) & (size < INFINITY) & (FN(wide_abs)(power) < 0x1p31))) {
        const wide result = vexp_f64(power * vlog_f64(size)), shifted = power + 0x1.8p52, nan = NAN - (wide){0};
        const wide_int negative = base < 0, odd = (wide_int)shifted << 63, whole = shifted - 0x1.8p52 == power;
        const wide turned = FN(wide_select)(whole, (wide)((wide_int)result ^ odd), nan);

        FN(store_wide)(y, FN(wide_select)(negative, turned, result));
        return;
    }
#endif
    for (int l = 0; l < WIDE; l++)
        y[l] = DTYPE_F32 ? (T)powf((float)a[l], (float)b[l]) : (T)pow((double)a[l], (double)b[l]);
}

/* With q = a / b rounded to the nearest integer, |q| <= 2^29, q b is exact in double (29 + 24 bits), a - q b as well, and at most
 * |b| / 2; where its sign is not a's, one |b| is missing. */
TC_INLINE void FN(fmod_group)(const T *a, const T *b, T *y)
{
#if DTYPE_F32
    const wide x = FN(load_wide)(a), by = FN(load_wide)(b), ratio = x / by, magic = 0x1.8p52 - (wide){0};

    if (FN(wide_all)((FN(wide_abs)(ratio) <= 0x1p29) & (FN(wide_abs)(by) < INFINITY))) {
        const wide q = (ratio + magic) - magic, rest = x - q * by;
        const wide_int sign = (wide_int)x & INT64_MIN, flipped = (rest != 0) & (((wide_int)rest ^ (wide_int)x) < 0);
        const wide signed_by = (wide)((wide_int)FN(wide_abs)(by) | sign), moved = FN(wide_select)(flipped, rest + signed_by, rest);

        FN(store_wide)(y, (wide)((wide_int)FN(wide_abs)(moved) | sign));
        return;
    }
#endif
    for (int l = 0; l < WIDE; l++)
        y[l] = DTYPE_F32 ? (T)fmodf((float)a[l], (float)b[l]) : (T)fmod((double)a[l], (double)b[l]);
}

/* fmod, moved by one divisor where the signs differ. */
TC_INLINE void FN(remainder_group)(const T *a, const T *b, T *y)
{
    T rest[WIDE];

    FN(fmod_group)(a, b, rest);
    const FN(group) r = *(const FN(group) *)rest, by = *(const FN(group) *)b, moved = r + by;
    const FN(group_int) moves = (r != 0) & ((r < 0) ^ (by < 0));

    *(FN(group) *)y = (FN(group))((moves & (FN(group_int))moved) | (~moves & (FN(group_int))r));
}

/* y = op(a, b) by groups; steps 0 or 1 as everywhere. An operand with step 1 may be y. */
TC_INLINE void FN(wide_map2)(int64_t n, const void *const *in, const int64_t *step, T *y, void (*op)(const T *, const T *, T *))
{
    T spread[2][WIDE], last[2][WIDE] = {0};
    const T *operand[2] = {in[0], in[1]};
    int64_t i = 0;

    for (int k = 0; k < 2; k++) {
        for (int l = 0; l < WIDE && !step[k]; l++)
            spread[k][l] = operand[k][0];
        if (!step[k])
            operand[k] = spread[k];
    }
    for (; i + WIDE <= n; i += WIDE)
        op(operand[0] + i * step[0], operand[1] + i * step[1], y + i);
    if (i < n) {
        for (int k = 0; k < 2; k++)
            memcpy(last[k], operand[k] + i * step[k], (size_t)(n - i) * sizeof(T));
        op(last[0], last[1], last[0]);
        memcpy(y + i, last[0], (size_t)(n - i) * sizeof(T));
    }
}

static void FN(power)(int64_t n, const void *const *in, const int64_t *step, void *y)
{
    FN(wide_map2)(n, in, step, y, FN(pow_group));
}
static void FN(fmod)(int64_t n, const void *const *in, const int64_t *step, void *y)
{
    FN(wide_map2)(n, in, step, y, FN(fmod_group));
}
static void FN(remainder)(int64_t n, const void *const *in, const int64_t *step, void *y)
{
    FN(wide_map2)(n, in, step, y, FN(remainder_group));
}

#undef TRIG_MAX
#undef TRIG_TERMS
#undef WIDE
#undef wide
#undef wide_int
