/* random_tpl.h - kernels of random.c for one dtype and instruction set: what turns words into numbers.
 *
 * PyTorch's own kernels are compiled with FMA, so equal bits need one wherever PyTorch's has one: fma() below is a
 * single rounding everywhere, a call of the C library where the instruction set lacks it. */

TC_INLINE T FN(fma)(T a, T b, T c)
{
    return DTYPE_F32 ? (T)__builtin_fmaf((float)a, (float)b, (float)c) : (T)__builtin_fma((double)a, (double)b, (double)c);
}

/* ---- uniform ---- */

/* The low 24 (f32, of each word) or 53 bits (f64, of each pair, high word first) as a number in [0, 1), scaled to [from, to). */
static void FN(uniform)(int64_t n, const uint32_t *words, double from, double to, void *y)
{
    const T low = (T)from, high = (T)to, range = high - low;
    T *out = y;
    for (int64_t i = 0; i < n; i++) {
#if DTYPE_F32
        const T unit = (T)(int32_t)(words[i] & 0xffffff) * 0x1p-24f;
#else
        const uint64_t word = (uint64_t)words[2 * i] << 32 | words[2 * i + 1];
        const T unit = (T)(int64_t)(word & 0x1fffffffffffff) * 0x1p-53;
#endif
        const T v = FN(fma)(unit, range, low);
        out[i] = v == high ? low : v;
    }
}

/* ---- normal ---- */

#if DTYPE_F32

/* Natural logarithm in (0, 1] and sine and cosine in [0, 2 pi) after the Cephes library (logf.c, sinf.c, cosf.c: S. L. Moshier,
 * Methods and Programs for Mathematical Functions, 1989). Less accurate than vlog, but they are what PyTorch's normal_ uses:
 * its numbers are defined by these roundings. */
TC_INLINE float FN(cephes_log)(float x)
{
    static const float c[] = {7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f,
                              -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f};
    uint32_t bits;
    memcpy(&bits, &x, 4);
    float e = (float)((int32_t)(bits >> 23) - 126), m;
    bits = (bits & 0x7fffff) | 0x3f000000;                      /* mantissa in [1/2, 1) */
    memcpy(&m, &bits, 4);
    const bool small = m < 0.707106781186547524f;
    e = small ? e - 1 : e;
    const float f = small ? (m - 1) + m : m - 1, z = f * f;
    float y = c[0];
#pragma GCC unroll 8
    for (int i = 1; i < 9; i++)
        y = FN(fma)(y, f, c[i]);
    y = FN(fma)(y * f, z, e * -2.12194440e-4f);
    y = FN(fma)(-z, 0.5f, y);
    return FN(fma)(e, 0.693359375f, f + y);
}

TC_INLINE void FN(cephes_sincos)(float x, float *sine, float *cosine)
{
    const int32_t octant = ((int32_t)(x * 1.27323954473516f) + 1) & ~1;     /* rounded up to even: |r| <= pi / 4 */
    const float k = (float)octant;
    float r = FN(fma)(k, -0.78515625f, x);                      /* pi / 4 in three parts */
    r = FN(fma)(k, -2.4187564849853515625e-4f, r);
    r = FN(fma)(k, -3.77489497744594108e-8f, r);
    const float z = r * r;
    float c = FN(fma)(2.443315711809948e-5f, z, -1.388731625493765e-3f);
    c = FN(fma)(c, z, 4.166664568298827e-2f) * z;
    c = FN(fma)(c, z, -(z * 0.5f)) + 1;
    float s = FN(fma)(-1.9515295891e-4f, z, 8.3321608736e-3f);
    s = FN(fma)(s, z, -1.6666654611e-1f) * z;
    s = FN(fma)(s, r, r);
    const float s0 = octant & 2 ? c : s, c0 = octant & 2 ? s : c;
    *sine = octant & 4 ? -s0 : s0;
    *cosine = (octant + 2) & 4 ? -c0 : c0;
}

#else

TC_INLINE double FN(cephes_log)(double x) { return log(x); }

TC_INLINE void FN(cephes_sincos)(double x, double *sine, double *cosine)
{
    *sine = sin(x);
    *cosine = cos(x);
}

#endif

/* Box and Muller's transform in place: in each group of 16, element j and j + 8 are a pair of uniforms. */
static void FN(normal16)(int64_t groups, double mean, double std, void *y)
{
    const T m = (T)mean, s = (T)std, two_pi = (T)6.28318530717958647693;
    for (int64_t g = 0; g < groups; g++) {
        T *pair = (T *)y + 16 * g, sine[8], cosine[8], radius[8];
        for (int j = 0; j < 8; j++) {
            const T l = FN(cephes_log)(1 - pair[j]) * -2;
            radius[j] = DTYPE_F32 ? (T)sqrtf((float)l) : (T)sqrt((double)l);
            FN(cephes_sincos)(two_pi * pair[j + 8], &sine[j], &cosine[j]);
        }
        for (int j = 0; j < 8; j++) {
            pair[j] = FN(fma)(radius[j] * cosine[j], s, m);
            pair[j + 8] = FN(fma)(radius[j] * sine[j], s, m);
        }
    }
}

/* ---- dropout ---- */

/* Counters at a time: enough that compilers keep the loops over them, and vectorise those. */
enum { FN(PHILOX_LANES) = 64 };

/* Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers, SC 2011) of PHILOX_LANES counters from `counter` on
 * (the upper 64 bits are 0). words[4 i + j] is word j of counter i. */
static void FN(philox)(uint64_t counter, uint64_t key, uint32_t *words)
{
    enum { LANES = FN(PHILOX_LANES) };
    uint32_t c0[LANES], c1[LANES], c2[LANES] = {0}, c3[LANES] = {0};
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int l = 0; l < LANES; l++) {
        c0[l] = (uint32_t)(counter + (uint64_t)l);
        c1[l] = (uint32_t)((counter + (uint64_t)l) >> 32);
    }
    for (int round = 0; round < 10; round++, k0 += 0x9e3779b9, k1 += 0xbb67ae85) {
        for (int l = 0; l < LANES; l++) {
            const uint64_t p0 = (uint64_t)c0[l] * 0xd2511f53, p1 = (uint64_t)c2[l] * 0xcd9e8d57;
            c0[l] = (uint32_t)(p1 >> 32) ^ c1[l] ^ k0;
            c1[l] = (uint32_t)p1;
            c2[l] = (uint32_t)(p0 >> 32) ^ c3[l] ^ k1;
            c3[l] = (uint32_t)p0;
        }
    }
    for (int l = 0; l < LANES; l++) {
        words[4 * l] = c0[l];
        words[4 * l + 1] = c1[l];
        words[4 * l + 2] = c2[l];
        words[4 * l + 3] = c3[l];
    }
}

static __attribute__((noinline)) void FN(mask_scale)(int64_t n, double scale, const uint8_t *mask, const void *x, void *y)
{
    const T factor = (T)scale;
    for (int64_t i = 0; i < n; i++)
        ((T *)y)[i] = ((const T *)x)[i] * (mask[i] ? factor : 0);
}

/* A word below p * 2^32 drops the element; p = 1 drops all, which no 32-bit threshold can say. */
static void FN(dropout)(int64_t first, int64_t n, double p, uint64_t key, const void *x, void *y, uint8_t *mask)
{
    enum { BLOCK = 4 * FN(PHILOX_LANES) };
    const uint32_t threshold = p < 1 ? (uint32_t)(p * 0x1p32) : 0;
    const uint8_t some = p < 1;
    uint32_t words[BLOCK];
    for (int64_t i = 0; i < n; i += BLOCK) {
        const int64_t m = tc_min(BLOCK, n - i);
        FN(philox)((uint64_t)(first + i) / 4, key, words);
        for (int64_t j = 0; j < m; j++)
            mask[i + j] = (words[j] >= threshold) & some;
    }
    FN(mask_scale)(n, p < 1 ? 1 / (1 - p) : 0, mask, x, y);
}

static const tc_random_kernels FN(random_kernels) = {
    .uniform = FN(uniform),
    .normal16 = FN(normal16),
    .dropout = FN(dropout),
    .mask_scale = FN(mask_scale),
};
