/* math_tpl.h - exp, log and their relatives on a vec, for one dtype and instruction set.
 *
 * Polynomials are minimax fits (Remez exchange in 60 digits) of the functions named beside them, on the interval that
 * the argument reduction leaves; the comments give the error of the fit, which is far below rounding. Everything works
 * without FMA; where the compiler fuses, results only get closer. Arguments and results below the smallest normal
 * number count as zero, as everywhere in the kernels. */

#if DTYPE_F32
#define BITS 23                                             /* of the mantissa */
#define BIAS 127
#define UNSIGNED uint32_t
#define LN2_HI 0.693359375f                                 /* 10 bits, so that k * LN2_HI is exact */
#define LN2_LO -2.12194440054690583e-4f
#define MIN_NORMAL 1.17549435e-38f
#define EXP_MAX 88.7228317f                                 /* exp is infinite above, below MIN_NORMAL under EXP_MIN */
#define EXP_MIN -87.3365448f
#define SQRT_HALF_BITS 0x3f3504f3
static const T FN(exp_poly)[] = {
    5.000000096e-01f, 1.666651884e-01f, 4.166620485e-02f, 8.368889817e-03f, 1.395053785e-03f};
static const T FN(log_poly)[] = {6.666666564e-01f, 4.000033620e-01f, 2.853723917e-01f, 2.358355676e-01f};
static const T FN(tanh_poly)[] = {
    -3.333328391e-01f, 1.333149103e-01f, -5.374348090e-02f, 2.065053931e-02f, -5.716997729e-03f};
static const T FN(erf_poly)[] = {
    1.283791659e-01f, -3.761262714e-01f, 1.128360019e-01f, -2.685444484e-02f, 5.189535664e-03f, -8.020843115e-04f,
    7.889122768e-05f};
static const T FN(log_erfc_poly)[] = {
    -1.880283832e-04f, 1.129578370e+00f, 6.332199965e-01f, 1.084184693e-01f, -2.520819023e-02f, 4.204537787e-03f,
    -4.413316246e-04f, 2.168645589e-05f};
#define ERF_MAX 4.0f
#else
#define BITS 52
#define BIAS 1023
#define UNSIGNED uint64_t
#define LN2_HI 6.93147180369123816490e-01                   /* 32 bits */
#define LN2_LO 1.90821492927058770002e-10
#define MIN_NORMAL 2.2250738585072014e-308
#define EXP_MAX 709.78271289338397
#define EXP_MIN -708.39641853226408
#define SQRT_HALF_BITS 0x3fe6a09e667f3bcd
static const T FN(exp_poly)[] = {
    5.00000000000001221e-01, 1.66666666666666990e-01, 4.16666666665154450e-02, 8.33333333330709206e-03,
    1.38888889470103593e-03, 1.98412699176060984e-04, 2.48014899473753666e-05, 2.75572161228396121e-06,
    2.76312786819003580e-07, 2.51179110834837245e-08};
static const T FN(log_poly)[] = {
    6.66666666666673513e-01, 3.99999999994110622e-01, 2.85714287432669467e-01, 2.22221984756595881e-01,
    1.81835697555234821e-01, 1.53139028201533328e-01, 1.47975124834528793e-01};
static const T FN(tanh_poly)[] = {
    -3.33333333333328763e-01, 1.33333333332649073e-01,  -5.39682539324795249e-02, 2.18694876019122214e-02,
    -8.86322131865658128e-03, 3.59199156620812390e-03,  -1.45497045424409794e-03, 5.86352415339662023e-04,
    -2.28633105453651052e-04, 7.72190271486139713e-05,  -1.61074722707930633e-05};
static const T FN(erf_poly)[] = {
    1.28379167095512586e-01, -3.76126389031837483e-01, 1.12837916709548847e-01, -2.68661706450778748e-02,
    5.22397762482843062e-03, -8.54832698142554215e-04, 1.20553311329558199e-04, -1.49255957721809061e-05,
    1.64610084778027003e-06, -1.63503962228646169e-07, 1.46603287227422597e-08, -1.13749557360701491e-09,
    5.96068533852097143e-11};
static const T FN(log_erfc_poly)[] = {
    3.65562840231797625e-08, 1.12837881248404748e+00, 6.36621298739259323e-01, 1.02768911105276639e-01,
    -1.91235978362678319e-02, -2.09942608051410455e-04, 1.68497614390774870e-03, -5.62609025787865055e-04,
    -1.36913231572800102e-05, 1.05385427640119491e-04, -6.19467217339726277e-05, 2.31016162232577827e-05,
    -6.38926208090223795e-06, 1.36478352672967018e-06, -2.26350955733633561e-07, 2.87388678949306064e-08,
    -2.70441837038398803e-09, 1.77818007074548159e-10, -7.28984301444827620e-12, 1.40162732098560855e-13};
#define ERF_MAX 6.0
#endif
#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

typedef UNSIGNED FN(uvec) __attribute__((vector_size(VBYTES), aligned(sizeof(T)), may_alias));
#define uvec FN(uvec)

/* ---- bits ---- */

TC_INLINE vec FN(vabs)(vec x)
{
    return (vec)((uvec)x & ~((UNSIGNED)1 << (BITS + (DTYPE_F32 ? 8 : 11))));
}

/* The magnitude of x with the sign of s. */
TC_INLINE vec FN(copysign)(vec x, vec s)
{
    const uvec sign = (uvec){0} + ((UNSIGNED)1 << (BITS + (DTYPE_F32 ? 8 : 11)));
    return (vec)(((uvec)x & ~sign) | ((uvec)s & sign));
}

/* Lane by lane through memory: gcc and clang make one sqrtps of it. */
TC_INLINE vec FN(vsqrt)(vec x)
{
    T lanes[VLEN];
    store(lanes, x);
    TC_SIMD
    for (int l = 0; l < VLEN; l++)
        lanes[l] = DTYPE_F32 ? (T)sqrtf((float)lanes[l]) : (T)sqrt((double)lanes[l]);
    return load(lanes);
}

/* c[0] + c[1] x + ... + c[n-1] x^(n-1). */
TC_INLINE vec FN(horner)(const T *c, int n, vec x)
{
    vec y = splat(c[n - 1]);
#pragma GCC unroll 32
    for (int i = n - 2; i >= 0; i--)
        y = y * x + c[i];
    return y;
}

/* ---- exp ---- */

/* Splits x = k ln 2 + r, |r| <= ln 2 / 2, and returns r. 1.5 * 2^BITS pushes the fraction of x / ln 2 out of the mantissa, which
 * then ends in the two's complement of k: *k_bits << BITS is k in the place of the exponent. */
TC_INLINE vec FN(exp_reduce)(vec x, uvec *k_bits)
{
    const T magic = (T)1.5 * (T)((UNSIGNED)1 << BITS);
    const vec shifted = x * (T)1.44269504088896340736 + magic;
    const vec k = shifted - magic;
    *k_bits = (uvec)shifted;
    return (x - k * (T)LN2_HI) - k * (T)LN2_LO;
}

/* exp(x) = 2^k exp(r), exp(r) = 1 + r + r^2 Q(r): Q to 2^-28 (f32), 2^-58 (f64). The power of two is added to the exponent
 * bits, which stays right for k = 1 + the largest exponent because then exp(r) < 1. */
TC_INLINE vec FN(vexp)(vec x)
{
    uvec k;
    const vec r = FN(exp_reduce)(x, &k);
    const vec p = (r + r * r * FN(horner)(FN(exp_poly), COUNT(FN(exp_poly)), r)) + (T)1;
    vec y = (vec)((uvec)p + (k << BITS));
    y = select_(x > (T)EXP_MAX, splat((T)INFINITY), y);
    y = select_(x < (T)EXP_MIN, splat(0), y);
    return select_(x != x, x, y);
}

/* exp(x) where x <= 0 (or a rounding above) or NaN, as softmax has it: no infinity, and a product keeps NaN by itself. */
TC_INLINE vec FN(vexp_down)(vec x)
{
    uvec k;
    const vec r = FN(exp_reduce)(x, &k);
    const vec p = (r + r * r * FN(horner)(FN(exp_poly), COUNT(FN(exp_poly)), r)) + (T)1;
    const vec y = p * (vec)((k << BITS) + ((UNSIGNED)BIAS << BITS));

    return (vec)((ivec)y & ~(x < (T)EXP_MIN));
}

/* exp(x) - 1 without cancellation: with p = exp(r) - 1, 2 (2^(k-1) p + (2^(k-1) - 1/2)); k - 1 so that the power exists
 * for the largest x. Below -40 the result is -1 in either dtype, and the clamp keeps 2^(k-1) normal. Arguments so small that
 * exp(x) - 1 = x in this precision skip the halving, which the smallest would not survive. */
TC_INLINE vec FN(vexpm1)(vec x)
{
    uvec k;
    const vec clamped = select_(x < (T)-40, splat(-40), x);
    const vec r = FN(exp_reduce)(clamped, &k);
    const vec p = r + r * r * FN(horner)(FN(exp_poly), COUNT(FN(exp_poly)), r);
    const vec half_power = (vec)((k << BITS) + ((UNSIGNED)(BIAS - 1) << BITS));
    vec y = half_power * p + (half_power - (T)0.5);
    y = y + y;
    y = select_(x > (T)EXP_MAX, splat((T)INFINITY), y);
    return select_((FN(vabs)(x) < (T)1 / (T)((UNSIGNED)4 << BITS)) | (x != x), x, y);
}

/* ---- log ---- */

/* log(u) + c for finite u >= MIN_NORMAL and a correction c. u = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2); with s = f / (2 + f),
 * log(1 + f) = 2 artanh(s) = f - (f^2/2 - s (f^2/2 + R)), R = s^2 P(s^2): P to 2^-37 (f32), 2^-59 (f64). */
TC_INLINE vec FN(log_plus)(vec u, vec c)
{
    const UNSIGNED one = (UNSIGNED)BIAS << BITS;
    const uvec bits = (uvec)u + (one - (UNSIGNED)SQRT_HALF_BITS);
    const UNSIGNED exact = (UNSIGNED)(BIAS + BITS) << BITS;     /* 2^BITS: its low bits count units */
    const vec k = (vec)((bits >> BITS) | exact) - ((T)((UNSIGNED)1 << BITS) + (T)BIAS);
    const vec f = (vec)((bits & (((UNSIGNED)1 << BITS) - 1)) + (UNSIGNED)SQRT_HALF_BITS) - (T)1;
    const vec s = f / (f + (T)2), z = s * s;
    const vec half = f * f * (T)0.5;
    const vec R = z * FN(horner)(FN(log_poly), COUNT(FN(log_poly)), z);
    return k * (T)LN2_HI - ((half - (s * (half + R) + (k * (T)LN2_LO + c))) - f);
}

/* What is not a finite positive number: log of zero, of a negative number, of infinity and of NaN. */
TC_INLINE vec FN(log_special)(vec u, vec y)
{
    y = select_(u < (T)MIN_NORMAL, select_(u < (T)0, splat((T)NAN), splat(-(T)INFINITY)), y);
    return select_((u == (T)INFINITY) | (u != u), u, y);
}

TC_INLINE vec FN(vlog)(vec x)
{
    return FN(log_special)(x, FN(log_plus)(x, splat(0)));
}

/* log(u) with u = 1 + x rounded, plus what was lost, (1 + x - u) / u. */
TC_INLINE vec FN(vlog1p)(vec x)
{
    const vec u = x + (T)1;
    const vec lost = select_(x < (T)1, x - (u - (T)1), (T)1 - (u - x));
    const vec y = FN(log_special)(u, FN(log_plus)(u, lost / u));
    return select_(x == (T)0, x, y);
}

/* ---- tanh, sigmoid ---- */

/* |x| < 5/8: x + x^3 P(x^2), P to 2^-27 of x (f32), 2^-56 (f64); else 1 - 2 / (exp(2 |x|) + 1), whose second term is at most
 * half of the first, so that its error halves. */
TC_INLINE vec FN(vtanh)(vec x)
{
    const vec a = FN(vabs)(x), z = x * x;
    const vec near = x + x * z * FN(horner)(FN(tanh_poly), COUNT(FN(tanh_poly)), z);
    const vec far = (T)1 - (T)2 / (FN(vexp)(a + a) + (T)1);
    return FN(copysign)(select_(a < (T)0.625, near, far), x);
}

/* 1 / (1 + e) for x >= 0, e / (1 + e) for x < 0, with e = exp(-|x|) <= 1: nothing overflows or cancels. */
TC_INLINE vec FN(vsigmoid)(vec x)
{
    const vec e = FN(vexp)(-FN(vabs)(x));
    return select_(x < (T)0, e, splat(1)) / (e + (T)1);
}

/* |x| < 1: x + x P(x^2), P to 2^-30 (f32), 2^-63 (f64); else 1 - exp(-Q(|x|)) with Q = -log(1 - erf), fitted so that the
 * result is right to 2^-35, 2^-58 up to ERF_MAX, beyond which erf rounds to 1. */
TC_INLINE vec FN(verf)(vec x)
{
    vec a = FN(vabs)(x);
    const vec x16 = x * (T)16;              /* lest the smallest x lose its second term to the flush */
    const vec near = (x16 + x16 * FN(horner)(FN(erf_poly), COUNT(FN(erf_poly)), x * x)) * (T)0.0625;
    a = select_(a > (T)ERF_MAX, splat(ERF_MAX), a);
    const vec far = (T)1 - FN(vexp)(-FN(horner)(FN(log_erfc_poly), COUNT(FN(log_erfc_poly)), a));
    return select_(a < (T)1, near, FN(copysign)(far, x));
}

/* ---- rounding to integers ---- */

/* To the nearest, ties to even: adding 2^BITS leaves no bits for a fraction. The sign survives, also that of -0. */
TC_INLINE vec FN(vround)(vec x)
{
    const T big = (T)((UNSIGNED)1 << BITS);
    const vec a = FN(vabs)(x);
    return select_(a < big, FN(copysign)((a + big) - big, x), x);
}

TC_INLINE vec FN(vfloor)(vec x)
{
    const vec r = FN(vround)(x);
    return FN(copysign)(r - select_(r > x, splat(1), splat(0)), x);
}

TC_INLINE vec FN(vceil)(vec x)
{
    const vec r = FN(vround)(x);
    return FN(copysign)(r + select_(r < x, splat(1), splat(0)), x);
}

TC_INLINE vec FN(vtrunc)(vec x)
{
    return FN(copysign)(FN(vfloor)(FN(vabs)(x)), x);
}

#undef BITS
#undef BIAS
#undef UNSIGNED
#undef COUNT
#undef LN2_HI
#undef LN2_LO
#undef MIN_NORMAL
#undef EXP_MAX
#undef ERF_MAX
#undef EXP_MIN
#undef SQRT_HALF_BITS
