/* fpstate.h - the floating-point state in which kernels run: denormals flushed (they cost a hundred times the cycles of a
 * normal number, and training that converges makes more and more of them), everything else as a C program starts.
 *
 * fp_enter() sets it and returns the caller's, which fp_leave() restores; fp_read() tells the present one. On x86-64 that
 * includes the exception flags; on ARM these lie in another register and gather what kernels raise. fp_enter_gradual() keeps
 * denormals, for numbers that are only handed on. A function that computes outside parallel regions begins with
 * FP_SCOPE caller = fp_enter(), which lasts until it returns: neither the caller's rounding nor its traps have a say. */
#ifndef TC_FPSTATE_H
#define TC_FPSTATE_H

#include <stdint.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#if defined(__x86_64__)

typedef unsigned fp_state;

static inline fp_state fp_set(unsigned flush)
{
    const unsigned saved = _mm_getcsr();
    _mm_setcsr(0x1f80 | flush);             /* all exceptions masked, round to nearest */
    return saved;
}

static inline fp_state fp_enter(void)
{
    return fp_set(0x8000 | 0x0040);         /* results, and operands */
}

static inline void fp_leave(fp_state saved)
{
    _mm_setcsr(saved);
}

static inline fp_state fp_read(void)
{
    return _mm_getcsr();
}

#elif defined(__aarch64__)

typedef uint64_t fp_state;

static inline void set_fpcr(uint64_t value)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(value) : "memory");
}

static inline fp_state fp_read(void)
{
    uint64_t saved;
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved) : : "memory");
    return saved;
}

static inline fp_state fp_set(uint64_t flush)
{
    const uint64_t saved = fp_read();
    set_fpcr(flush);                        /* no traps, round to nearest */
    return saved;
}

static inline fp_state fp_enter(void)
{
    return fp_set((uint64_t)1 << 24);       /* FZ: operands and results */
}

static inline void fp_leave(fp_state saved)
{
    set_fpcr(saved);
}

#else

typedef int fp_state;
static inline fp_state fp_set(int flush) { return flush; }
static inline fp_state fp_enter(void) { return fp_set(0); }
static inline void fp_leave(fp_state saved) { (void)saved; }
static inline fp_state fp_read(void) { return 0; }

#endif

static inline fp_state fp_enter_gradual(void)
{
    return fp_set(0);
}

static inline void fp_end(const fp_state *saved)
{
    fp_leave(*saved);
}

/* The variable that keeps the caller's state. */
#define FP_SCOPE __attribute__((cleanup(fp_end), unused)) const fp_state

#endif
