/* isa_generic.c - the baseline of the compiler's target (SSE2 on x86-64): runs everywhere. Only configuration stands here. */
#include "internal.h"
#include "target.h"

#define VBYTES 16

/* GEMM, 16 registers and no fused multiply-add, so that each product needs a register: a tile of 4 x 2 vectors (4x8 f32).
 * A panel of B is KC * 32 bytes = 8 KiB, a block of A MC * KC floats = 128 KiB. */
#define GEMM_MR 4
#define GEMM_NV 2
#define GEMM_DOT_ROWS 3
#define GEMM_DOT_COLS 3
#define GEMM_KC 256
#define GEMM_MC 128

static bool supported(void)
{
    return true;
}

#include "isa_tpl.h"

const tc_isa_table tc_isa_generic = {"generic", supported, {&kernels_f32, &kernels_f64}};
