/* isa_avx2.c - AVX2 and FMA: x86-64 since Haswell and Zen. Only configuration stands here. */
#include "internal.h"
#include "target.h"

#if defined(__x86_64__)

#define VBYTES 32
#define F64_GIVEN   /* to isa_avx512.c */

/* GEMM, 16 registers: a tile of 6 x 2 vectors (6x16 f32) leaves 2 for B and 2 for broadcasts of A. A panel of B is
 * KC * 64 bytes = 16 KiB, half of L1; a block of A is MC * KC floats = 120 KiB (doubles 240), at most half of L2. */
#define GEMM_MR 6
#define GEMM_NV 2
#define GEMM_DOT_ROWS 4
#define GEMM_DOT_COLS 3
#define GEMM_KC 256
#define GEMM_MC 120

static bool supported(void)
{
    return TC_CPU_HAS("avx2") && TC_CPU_HAS("fma") && TC_CPU_HAS("bmi") && TC_CPU_HAS("bmi2");
}

TC_TARGET_BEGIN("avx2,fma,bmi,bmi2")
#include "isa_tpl.h"
TC_TARGET_END

const tc_isa_table tc_isa_avx2 = {"avx2", supported, {&kernels_f32, &kernels_f64}};

#endif
