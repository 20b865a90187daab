/* kernels_tpl.h - every kernel of every family for one dtype. An ISA file includes it through isa_tpl.h with
 * T, TI, DTYPE_F32 (1 or 0) and FN(name) defined; the families end with a table of theirs named FN(<family>_kernels). */

/* Families that treat each lane alone have the same results for vectors of any width: an ISA file may use its neighbour's for
 * doubles (F64_TAKEN) or give them (F64_GIVEN), under the names of kernels.h. LANEWISE is the linkage of their tables,
 * LANEWISE_TABLE the name, LANEWISE_KERNELS the name of the table in use. */
#if DTYPE_F32 || !(defined(F64_TAKEN) || defined(F64_GIVEN))
#define LANEWISE static
#define LANEWISE_TABLE(family) FN(family##_kernels)
#define LANEWISE_KERNELS(family) FN(family##_kernels)
#elif defined(F64_TAKEN)
#define LANEWISE static __attribute__((unused))
#define LANEWISE_TABLE(family) FN(family##_kernels)
#define LANEWISE_KERNELS(family) tc_avx2_##family##_f64
#else
#define LANEWISE
#define LANEWISE_TABLE(family) tc_avx2_##family##_f64
#define LANEWISE_KERNELS(family) tc_avx2_##family##_f64
#endif

#include "simd.h"
#include "lanes_tpl.h"
#include "gemm_tpl.h"
#include "conv_tpl.h"
#include "conv_weight_tpl.h"
#if DTYPE_F32
#include "conv_winograd_tpl.h"
#endif
#include "conv_depthwise_tpl.h"
#include "pool_tpl.h"
#include "elementwise_tpl.h"
#include "reduce_tpl.h"
#include "softmax_tpl.h"
#include "loss_tpl.h"
#include "norm_tpl.h"
#include "optim_tpl.h"
#include "random_tpl.h"

/* All families of this dtype; the ISA's tc_isa_table points to these. */
static const tc_kernels FN(kernels) = {
    .gemm = &FN(gemm_kernels),
    .conv = &FN(conv_kernels),
    .conv_weight = &FN(conv_weight_kernels),
#if DTYPE_F32
    .winograd = &FN(winograd_kernels),
#endif
    .depthwise = &FN(depthwise_kernels),
    .pool = &FN(pool_kernels),
    .elementwise = &LANEWISE_KERNELS(elementwise),
    .reduce = &FN(reduce_kernels),
    .softmax = &FN(softmax_kernels),
    .loss = &FN(loss_kernels),
    .norm = &FN(norm_kernels),
    .optim = &LANEWISE_KERNELS(optim),
    .random = &LANEWISE_KERNELS(random),
};

#undef LANEWISE
#undef LANEWISE_TABLE
#undef LANEWISE_KERNELS
#undef NOINLINE
#undef vec
#undef ivec
#undef load
#undef store
#undef splat
#undef select_
#undef SHUFFLE
#undef VLEN
