/* isa_neon.c - NEON with double precision: every 64-bit ARM. Only configuration stands here. */
#include "internal.h"
#include "target.h"

#if defined(__aarch64__)

#define VBYTES 16

/* GEMM, 32 registers: a tile of 8 x 3 vectors (8x12 f32) leaves 3 for B and 5 for A. A panel of B is KC * 48 bytes =
 * 12 KiB, a block of A MC * KC floats = 128 KiB. */
#define GEMM_MR 8
#define GEMM_NV 3
#define GEMM_DOT_ROWS 6
#define GEMM_DOT_COLS 4
#define GEMM_KC 256
#define GEMM_MC 128

static bool supported(void)
{
    return true;
}

#include "isa_tpl.h"

const tc_isa_table tc_isa_neon = {"neon", supported, {&kernels_f32, &kernels_f64}};

#endif
