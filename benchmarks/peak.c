/* What the machine can do, for peak.py: independent multiply-adds from registers, and copies of memory. Compiled with the
 * flags and the vector width (VBYTES) of the instruction set that is measured, at the time of the run. */
#include <stddef.h>
#include <string.h>

/* A multiply-add takes about 4 cycles, and up to 4 can start in each: the chains that do not wait for each other must be
 * more than 16 where the registers allow it. With 16 registers, 12 leave room for the two operands, and two units are
 * busy from 8 on. */
#if VBYTES == 64 || defined(__aarch64__)
#define CHAINS 24
#else
#define CHAINS 12
#endif

typedef float vec32 __attribute__((vector_size(VBYTES)));
typedef double vec64 __attribute__((vector_size(VBYTES)));

/* Do n rounds of multiply-adds; return their number of floating-point operations. The sum goes to *out, so that the
 * compiler has to compute it, and every chain starts elsewhere: of equal chains it would compute one. */
double fma_float32(long n, float factor, float term, float *out)
{
    vec32 acc[CHAINS], a = (vec32){0} + factor, b = (vec32){0} + term;
    for (int j = 0; j < CHAINS; j++) acc[j] = b * (float)j;
    for (long i = 0; i < n; i++) {
#pragma GCC unroll 24
        for (int j = 0; j < CHAINS; j++) acc[j] = acc[j] * a + b;
    }
    for (int j = 1; j < CHAINS; j++) acc[0] += acc[j];
    *out = acc[0][0];
    return 2.0 * n * CHAINS * (VBYTES / sizeof(float));
}

double fma_float64(long n, double factor, double term, double *out)
{
    vec64 acc[CHAINS], a = (vec64){0} + factor, b = (vec64){0} + term;
    for (int j = 0; j < CHAINS; j++) acc[j] = b * (double)j;
    for (long i = 0; i < n; i++) {
#pragma GCC unroll 24
        for (int j = 0; j < CHAINS; j++) acc[j] = acc[j] * a + b;
    }
    for (int j = 1; j < CHAINS; j++) acc[0] += acc[j];
    *out = acc[0][0];
    return 2.0 * n * CHAINS * (VBYTES / sizeof(double));
}

/* Copy a block n times. */
void copy(long n, char *to, const char *from, size_t bytes)
{
    for (long i = 0; i < n; i++) {
        memcpy(to, from, bytes);
        __asm__ volatile("" ::: "memory"); /* every copy counts */
    }
}
