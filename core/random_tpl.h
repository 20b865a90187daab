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
    TC_SIMD
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
        TC_SIMD
        for (int j = 0; j < 8; j++) {
            const T l = FN(cephes_log)(1 - pair[j]) * -2;
            radius[j] = DTYPE_F32 ? (T)sqrtf((float)l) : (T)sqrt((double)l);
            FN(cephes_sincos)(two_pi * pair[j + 8], &sine[j], &cosine[j]);
        }
        TC_SIMD
        for (int j = 0; j < 8; j++) {
            pair[j] = FN(fma)(radius[j] * cosine[j], s, m);
            pair[j + 8] = FN(fma)(radius[j] * sine[j], s, m);
        }
    }
}

/* ---- dropout ---- */

#if !DTYPE_F32      /* the floats use it as well */

/* Counters at a time, and in one vector: a lane of 64 bits each. */
enum { PHILOX_COUNTERS = 64, PHILOX_LANES = VBYTES / 8, PHILOX_ROUNDS = 10 };

typedef uint64_t philox_vec __attribute__((vector_size(VBYTES), aligned(8), may_alias));
typedef int philox_words __attribute__((vector_size(VBYTES)));
typedef long long philox_products __attribute__((vector_size(VBYTES)));

/* Products of the lower halves of 64-bit lanes. gcc does not see that the upper halves of whole lanes are cut off, and
 * would take three multiplications; its own name for the instruction makes dropout 2.5 times as fast. clang sees it. */
TC_INLINE philox_vec philox_multiply(philox_vec a, philox_vec b)
{
#if !defined(__x86_64__) || defined(__clang__) || defined(TC_EMULATE)
    return (a & 0xffffffff) * (b & 0xffffffff);
#elif VBYTES == 16
    return (philox_vec)__builtin_ia32_pmuludq128((philox_words)a, (philox_words)b);
#elif VBYTES == 32
    return (philox_vec)__builtin_ia32_pmuludq256((philox_words)a, (philox_words)b);
#else
    return (philox_vec)__builtin_ia32_pmuludq512_mask((philox_words)a, (philox_words)b, (philox_products){0}, -1);
#endif
}

/* Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers, SC 2011) of PHILOX_COUNTERS counters from `counter` on
 * (the upper 64 bits are 0). words[4 i + j] is word j of counter i. Only the lower half of a lane counts: nothing moves
 * down into it but what a product has put above. Two vectors side by side hide the multiplications' latency. */
static void philox(uint64_t counter, uint64_t key, uint32_t *words)
{
    const philox_vec zero = {0}, m0 = zero + 0xd2511f53, m1 = zero + 0xcd9e8d57;
    philox_vec k0[PHILOX_ROUNDS], k1[PHILOX_ROUNDS], lane;
    uint64_t pairs[2][PHILOX_COUNTERS];

    for (int l = 0; l < PHILOX_LANES; l++)
        lane[l] = (uint64_t)l;
    TC_UNROLL
    for (uint32_t r = 0; r < PHILOX_ROUNDS; r++) {
        k0[r] = zero + ((uint32_t)key + r * 0x9e3779b9);
        k1[r] = zero + ((uint32_t)(key >> 32) + r * 0xbb67ae85);
    }
    for (int i = 0; i < PHILOX_COUNTERS; i += 2 * PHILOX_LANES) {
        philox_vec c0[2] = {lane + (counter + (uint64_t)i), lane + (counter + (uint64_t)(i + PHILOX_LANES))};
        philox_vec c1[2] = {c0[0] >> 32, c0[1] >> 32}, c2[2] = {zero, zero}, c3[2] = {zero, zero};

        TC_UNROLL
        for (int r = 0; r < PHILOX_ROUNDS; r++) {
#pragma GCC unroll 2
            for (int v = 0; v < 2; v++) {
                const philox_vec p0 = philox_multiply(c0[v], m0), p1 = philox_multiply(c2[v], m1);
                c0[v] = (p1 >> 32) ^ c1[v] ^ k0[r];
                c1[v] = p1;
                c2[v] = (p0 >> 32) ^ c3[v] ^ k1[r];
                c3[v] = p0;
            }
        }
#pragma GCC unroll 2
        for (int v = 0; v < 2; v++) {
            *(philox_vec *)(pairs[0] + i + v * PHILOX_LANES) = (c0[v] & 0xffffffff) | c1[v] << 32;
            *(philox_vec *)(pairs[1] + i + v * PHILOX_LANES) = (c2[v] & 0xffffffff) | c3[v] << 32;
        }
    }
    for (int i = 0; i < PHILOX_COUNTERS; i++) {
        memcpy(words + 4 * i, &pairs[0][i], 8);
        memcpy(words + 4 * i + 2, &pairs[1][i], 8);
    }
}

#endif

static __attribute__((noinline)) void FN(mask_scale)(int64_t n, double scale, const uint8_t *mask, const void *x, void *y)
{
    const T factor = (T)scale;
    TC_SIMD
    for (int64_t i = 0; i < n; i++)
        ((T *)y)[i] = ((const T *)x)[i] * (mask[i] ? factor : 0);
}

/* A word below p * 2^32 drops the element; p = 1 drops all, which no 32-bit threshold can say. */
static void FN(dropout)(int64_t first, int64_t n, double p, uint64_t key, const void *x, void *y, uint8_t *mask)
{
    enum { BLOCK = 4 * PHILOX_COUNTERS };
    const uint32_t threshold = p < 1 ? (uint32_t)(p * 0x1p32) : 0;
    const uint8_t some = p < 1;
    const T factor = some ? (T)(1 / (1 - p)) : 0;
    uint32_t words[BLOCK];
    for (int64_t i = 0; i < n; i += BLOCK) {
        const int64_t m = tc_min(BLOCK, n - i);
        const T *in = (const T *)x + i;
        T *out = (T *)y + i;
        philox((uint64_t)(first + i) / 4, key, words);
        TC_SIMD
        for (int64_t j = 0; j < m; j++) {
            mask[i + j] = (words[j] >= threshold) & some;
            out[j] = in[j] * (words[j] >= threshold ? factor : 0);
        }
    }
}

LANEWISE const tc_random_kernels LANEWISE_TABLE(random) = {
    .uniform = FN(uniform),
    .normal16 = FN(normal16),
    .dropout = FN(dropout),
    .mask_scale = FN(mask_scale),
};
