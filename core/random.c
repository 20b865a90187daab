/* random.c - PyTorch's CPU generator and its recipes, bit for bit: the same seed gives the same numbers. And dropout, which
 * draws from a counter-based generator instead, because any thread must be able to make any part.
 *
 * The generator is the Mersenne Twister (Matsumoto and Nishimura: MT19937, ACM TOMACS 8, 1998). */
#include "internal.h"

enum { N = 624, M = 397 };          /* words of state; distance of the recurrence */

/* Words that are drawn at a time. */
enum { BATCH = 512 };

/* ---- the generator ---- */

void tc_generator_seed(tc_generator *g, uint64_t seed)
{
    g->seed = seed;
    g->state[0] = (uint32_t)seed;
    for (uint32_t i = 1; i < N; i++)
        g->state[i] = 1812433253u * (g->state[i - 1] ^ g->state[i - 1] >> 30) + i;
    g->next = N;
    g->has_spare = 0;
    g->spare = 0;
}

static uint32_t twist(uint32_t upper, uint32_t lower)
{
    return ((upper & 0x80000000u) | (lower & 0x7fffffffu)) >> 1 ^ (-(lower & 1u) & 0x9908b0dfu);
}

static void regenerate(uint32_t *s)
{
    for (int i = 0; i < N - M; i++)
        s[i] = s[i + M] ^ twist(s[i], s[i + 1]);
    for (int i = N - M; i < N - 1; i++)
        s[i] = s[i + M - N] ^ twist(s[i], s[i + 1]);
    s[N - 1] = s[M - 1] ^ twist(s[N - 1], s[0]);
}

/* The next n words. */
static void draw(tc_generator *g, int64_t n, uint32_t *words)
{
    while (n > 0) {
        if (g->next >= N) {
            regenerate(g->state);
            g->next = 0;
        }
        const int64_t m = tc_min(n, N - g->next);
        const uint32_t *s = g->state + g->next;
        for (int64_t i = 0; i < m; i++) {
            uint32_t y = s[i];
            y ^= y >> 11;
            y ^= y << 7 & 0x9d2c5680u;
            y ^= y << 15 & 0xefc60000u;
            words[i] = y ^ y >> 18;
        }
        g->next += (int32_t)m;
        words += m;
        n -= m;
    }
}

uint32_t tc_random32(tc_generator *g)
{
    uint32_t word;
    draw(g, 1, &word);
    return word;
}

/* The first word drawn is the upper half. */
uint64_t tc_random64(tc_generator *g)
{
    uint32_t words[2];
    draw(g, 2, words);
    return (uint64_t)words[0] << 32 | words[1];
}

/* ---- real numbers ---- */

void tc_uniform(tc_generator *g, int dtype, int64_t n, double from, double to, void *y)
{
    FP_SCOPE caller = fp_enter();
    const tc_random_kernels *kernels = tc_kernels_for(dtype)->random;
    const int words_each = dtype == TC_F32 ? 1 : 2;
    uint32_t words[BATCH];
    for (int64_t i = 0; i < n; i += BATCH / words_each) {
        const int64_t m = tc_min(BATCH / words_each, n - i);
        draw(g, m * words_each, words);
        kernels->uniform(m, words, from, to, (char *)y + (size_t)i * tc_itemsize(dtype));
    }
}

/* A double in [0, 1) of 53 bits. */
static double unit_double(tc_generator *g)
{
    return (double)(int64_t)(tc_random64(g) & 0x1fffffffffffff) * 0x1p-53;
}

/* One standard normal number by Box and Muller; the second of a pair is kept for the next call. */
static double normal_one(tc_generator *g)
{
    if (g->has_spare) {
        g->has_spare = 0;
        return g->spare;
    }
    const double u1 = unit_double(g), u2 = unit_double(g);
    const double radius = sqrt(-2.0 * log1p(-u2)), theta = 6.28318530717958647693 * u1;
    g->has_spare = 1;
    g->spare = radius * sin(theta);
    return radius * cos(theta);
}

typedef struct {
    const tc_random_kernels *kernels;
    size_t itemsize;
    double mean, std;
    char *y;
} normal_job;

static void normal_range(void *ctx, int64_t begin, int64_t end)
{
    const normal_job *job = ctx;
    job->kernels->normal16(end - begin, job->mean, job->std, job->y + (size_t)begin * 16 * job->itemsize);
}

/* Fewer than 16 numbers come one at a time, in double. More are transformed by groups of 16; for an incomplete last group, 16 new
 * uniforms overwrite the last 16 numbers. */
void tc_normal(tc_generator *g, int dtype, int64_t n, double mean, double std, void *y)
{
    FP_SCOPE caller = fp_enter();
    if (n < 16) {
        for (int64_t i = 0; i < n; i++) {
            const double v = fma(normal_one(g), std, mean);
            if (dtype == TC_F32)
                ((float *)y)[i] = (float)v;
            else
                ((double *)y)[i] = v;
        }
        return;
    }
    normal_job job = {tc_kernels_for(dtype)->random, tc_itemsize(dtype), mean, std, y};
    tc_uniform(g, dtype, n, 0, 1, y);
    tc_parallel_for(n / 16, 256, normal_range, &job);
    if (n % 16) {
        job.y += (size_t)(n - 16) * job.itemsize;
        tc_uniform(g, dtype, 16, 0, 1, job.y);
        tc_parallel_for(1, 1, normal_range, &job);
    }
}

/* ---- integers ---- */

/* From 2^28 on a remainder of 32 bits would be too uneven, and PyTorch draws 64. */
void tc_random_range(tc_generator *g, int64_t n, int64_t low, uint64_t range, int64_t *y)
{
    for (int64_t i = 0; i < n; i++) {
        if (range == 0)
            y[i] = (int64_t)tc_random64(g);
        else
            y[i] = (int64_t)((range < 1u << 28 ? tc_random32(g) : tc_random64(g)) % range + (uint64_t)low);
    }
}

static void put(int dtype, void *y, int64_t i, bool value)
{
    switch (dtype) {
    case TC_F32: ((float *)y)[i] = value; break;
    case TC_F64: ((double *)y)[i] = value; break;
    case TC_I64: ((int64_t *)y)[i] = value; break;
    case TC_I32: ((int32_t *)y)[i] = value; break;
    default: ((uint8_t *)y)[i] = value; break;
    }
}

void tc_bernoulli(tc_generator *g, int dtype, int64_t n, double prob, void *y)
{
    FP_SCOPE caller = fp_enter();
    double units[BATCH];
    for (int64_t i = 0; i < n; i += BATCH) {
        const int64_t m = tc_min(BATCH, n - i);
        tc_uniform(g, TC_F64, m, 0, 1, units);
        for (int64_t j = 0; j < m; j++)
            put(dtype, y, i + j, units[j] < prob);
    }
}

/* Fisher and Yates' shuffle; PyTorch takes the inside-out variant, and 64 bits, where 32 would show. */
void tc_randperm(tc_generator *g, int64_t n, int64_t *y)
{
    if (n >= UINT32_MAX / 20) {
        for (int64_t i = 0; i < n; i++) {
            const int64_t z = (int64_t)(tc_random64(g) % (uint64_t)(i + 1));
            y[i] = i;
            y[i] = y[z];
            y[z] = i;
        }
        return;
    }
    uint32_t words[BATCH];
    for (int64_t i = 0; i < n; i++)
        y[i] = i;
    for (int64_t i = 0; i < n - 1; i++) {
        if (i % BATCH == 0)
            draw(g, tc_min(BATCH, n - 1 - i), words);
        const int64_t z = i + words[i % BATCH] % (uint32_t)(n - i), saved = y[i];
        y[i] = y[z];
        y[z] = saved;
    }
}

/* ---- dropout ---- */

/* Elements of one chunk; a multiple of 4, so that a chunk begins with a whole Philox block. */
enum { GRAIN = 16 * 1024 };

typedef struct {
    const tc_random_kernels *kernels;
    size_t itemsize;
    double p;                       /* of dropout; the scale of mask_scale */
    uint64_t key;
    const char *x;
    char *y;
    uint8_t *mask;
} dropout_job;

static void dropout_range(void *ctx, int64_t begin, int64_t end)
{
    const dropout_job *job = ctx;
    const size_t at = (size_t)begin * job->itemsize;
    job->kernels->dropout(begin, end - begin, job->p, job->key, job->x + at, job->y + at, job->mask + begin);
}

static void mask_scale_range(void *ctx, int64_t begin, int64_t end)
{
    const dropout_job *job = ctx;
    const size_t at = (size_t)begin * job->itemsize;
    job->kernels->mask_scale(end - begin, job->p, job->mask + begin, job->x + at, job->y + at);
}

void tc_dropout(int dtype, int64_t n, double p, uint64_t key, const void *x, void *y, uint8_t *mask)
{
    dropout_job job = {tc_kernels_for(dtype)->random, tc_itemsize(dtype), p, key, x, y, mask};
    tc_parallel_for(n, GRAIN, dropout_range, &job);
}

void tc_mask_scale(int dtype, int64_t n, double scale, const uint8_t *mask, const void *x, void *y)
{
    dropout_job job = {tc_kernels_for(dtype)->random, tc_itemsize(dtype), scale, 0, x, y, (uint8_t *)mask};
    tc_parallel_stream(n, GRAIN, mask_scale_range, &job);
}
