/* isa_avx512.c - AVX-512 F, BW, DQ, VL: x86-64 servers since Skylake, Zen 4. Only configuration stands here. */
#include "internal.h"
#include "target.h"

#if defined(__x86_64__)

#define VBYTES 64
#define F64_TAKEN   /* from isa_avx2.c */

/* GEMM, 32 registers: a tile of 14 x 2 vectors (14x32 f32) leaves 2 for B and 2 for broadcasts of A. A panel of B is
 * KC * 128 bytes = 32 KiB: it may fall out of a 32 KiB L1, but a step of 28 multiply-adds (14 cycles) needs only two
 * lines of it, which L2 delivers. A block of A is MC * KC floats = 126 KiB. */
#define GEMM_MR 14
#define GEMM_NV 2
#define GEMM_DOT_ROWS 6
#define GEMM_DOT_COLS 4
#define GEMM_KC 256
#define GEMM_MC 126

static bool supported(void)
{
    return TC_CPU_HAS("avx512f") && TC_CPU_HAS("avx512bw") && TC_CPU_HAS("avx512dq") && TC_CPU_HAS("avx512vl") &&
           TC_CPU_HAS("fma") && TC_CPU_HAS("bmi") && TC_CPU_HAS("bmi2");
}

TC_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi,bmi2")
#include "isa_tpl.h"
TC_TARGET_END

const tc_isa_table tc_isa_avx512 = {"avx512", supported, {&kernels_f32, &kernels_f64}};

#endif
