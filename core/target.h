/* target.h - open and close a region of code for an instruction set.
 *
 * setuptools gives every source the same flags, so the instruction set is opened in the source: gcc takes
 * `GCC target` between push_options and pop_options, clang an attribute applied to every function. Headers of the
 * system must be included before a region is opened (their inline functions would be compiled for the wrong CPU).
 * The compiler's own macros (__AVX2__ ...) say nothing inside a region; templates use VBYTES and friends instead. */
#ifndef TC_TARGET_H
#define TC_TARGET_H

#define TC_PRAGMA(text) _Pragma(#text)

/* Stands before a loop of constant length that indexes an array of registers. */
#if defined(__clang__)
#define TC_UNROLL TC_PRAGMA(clang loop unroll(full))
#else
#define TC_UNROLL TC_PRAGMA(GCC unroll 32)
#endif

/* Stands before a loop over scalars that gcc has to make vectors of, which at -O2 it does where it is told to (clang does
 * by itself). Says that iterations do not depend on each other. */
#if defined(__clang__) || defined(__OPTIMIZE_SIZE__)
#define TC_SIMD
#else
#define TC_SIMD TC_PRAGMA(omp simd)
#endif

#if defined(TC_EMULATE)
/* Test builds: compile every table for the baseline CPU; the compiler lowers the wide vectors. */
#define TC_TARGET_BEGIN(isa)
#define TC_TARGET_END
#define TC_CPU_HAS(feature) true
#elif defined(__clang__)
#define TC_TARGET_BEGIN(isa) TC_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define TC_TARGET_END TC_PRAGMA(clang attribute pop)
#else
#define TC_TARGET_BEGIN(isa) TC_PRAGMA(GCC push_options) TC_PRAGMA(GCC target(isa))
#define TC_TARGET_END TC_PRAGMA(GCC pop_options)
#endif

/* Whether this CPU, and the operating system, which must save the wide registers, have a feature of x86-64. */
#if !defined(TC_EMULATE)
#define TC_CPU_HAS(feature) (__builtin_cpu_supports(feature) != 0)
#endif

#endif
