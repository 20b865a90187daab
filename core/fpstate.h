/* fpstate.h - the floating-point state in which kernels run: denormals flushed (they cost a hundred times the cycles of a
 * normal number, and training that converges makes more and more of them), everything else as a C program starts.
 *
 * fp_enter() sets it and returns the caller's, which fp_leave() restores. On x86-64 that includes the exception flags; on ARM
 * these lie in another register and gather what kernels raise. */
#ifndef TC_FPSTATE_H
#define TC_FPSTATE_H

#include <stdint.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#if defined(__x86_64__)

typedef unsigned fp_state;

static inline fp_state fp_enter(void)
{
    const unsigned saved = _mm_getcsr();
    _mm_setcsr(0x1f80 | 0x8000 | 0x0040);   /* all exceptions masked, round to nearest | flush | denormals are zero */
    return saved;
}

static inline void fp_leave(fp_state saved)
{
    _mm_setcsr(saved);
}

#elif defined(__aarch64__)

typedef uint64_t fp_state;

static inline void set_fpcr(uint64_t value)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(value) : "memory");
}

static inline fp_state fp_enter(void)
{
    uint64_t saved;
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved) : : "memory");
    set_fpcr((uint64_t)1 << 24);            /* round to nearest, FZ: flush inputs and results */
    return saved;
}

static inline void fp_leave(fp_state saved)
{
    set_fpcr(saved);
}

#else

typedef int fp_state;
static inline fp_state fp_enter(void) { return 0; }
static inline void fp_leave(fp_state saved) { (void)saved; }

#endif

#endif
