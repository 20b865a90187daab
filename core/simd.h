/* simd.h - the vector type of the kernel templates and its few helpers, for one T (included once a dtype).
 *
 * Kernels are written in GNU vector extensions: arithmetic, comparison and shuffles are operators, and the compiler
 * lowers them to the region's instruction set. Expects T (float, double), TI (the integer of its size), VBYTES
 * and FN(name) (name with the dtype's suffix). Comparisons of vecs give ivecs of 0 and -1. */

#define VLEN ((int)(VBYTES / sizeof(T)))

typedef T FN(vec) __attribute__((vector_size(VBYTES), aligned(sizeof(T)), may_alias));
typedef TI FN(ivec) __attribute__((vector_size(VBYTES), aligned(sizeof(T)), may_alias));
#define vec FN(vec)
#define ivec FN(ivec)

TC_INLINE vec FN(load)(const T *p) { return *(const vec *)p; }
TC_INLINE void FN(store)(T *p, vec v) { *(vec *)p = v; }
TC_INLINE vec FN(splat)(T s) { return s - (vec){0}; }

/* mask ? a : b, lane by lane; mask lanes are 0 or -1. */
TC_INLINE vec FN(select)(ivec mask, vec a, vec b)
{
    return (vec)((mask & (ivec)a) | (~mask & (ivec)b));
}

/* The lanes of a, then b, that the numbers behind them name. gcc has __builtin_shufflevector from version 12 on only, clang
 * has no __builtin_shuffle. */
#if defined(__clang__)
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (ivec){__VA_ARGS__})
#endif

#define load FN(load)
#define store FN(store)
#define splat FN(splat)
#define select_ FN(select)
