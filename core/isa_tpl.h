/* isa_tpl.h - the body of an ISA file: every kernel for f32 and f64, in kernels_f32 and kernels_f64.
 * Expects VBYTES and the block sizes. f64 comes first:
 * some functions of floats are computed by those of doubles. */
#define T double
#define TI int64_t
#define DTYPE_F32 0
#define FN(name) name##_f64
#include "kernels_tpl.h"
#undef T
#undef TI
#undef DTYPE_F32
#undef FN

#define T float
#define TI int32_t
#define DTYPE_F32 1
#define FN(name) name##_f32
#include "kernels_tpl.h"
#undef T
#undef TI
#undef DTYPE_F32
#undef FN
