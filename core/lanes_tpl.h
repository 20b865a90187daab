/* lanes_tpl.h - vectors that are filled only in part: the ends of rows, for one dtype and instruction set.
 *
 * The parts go through memory and are not inlined: they come once a row, and inlined they would be most of the code. */

#define NOINLINE static __attribute__((noinline, unused))

/* The first n < VLEN lanes from p, `fill` in the rest. */
NOINLINE vec FN(load_part)(const T *p, int64_t n, T fill)
{
    T lanes[VLEN];

    store(lanes, splat(fill));
    memcpy(lanes, p, (size_t)n * sizeof(T));
    return load(lanes);
}

NOINLINE void FN(store_part)(T *p, int64_t n, vec v)
{
    memcpy(p, &v, (size_t)n * sizeof(T));
}

/* The same for any n that is left of a row: all lanes if there are enough. */
TC_INLINE vec FN(load_lanes)(const T *p, int64_t n, T fill)
{
    return n >= VLEN ? load(p) : FN(load_part)(p, n, fill);
}

TC_INLINE void FN(store_lanes)(T *p, int64_t n, vec v)
{
    if (n >= VLEN)
        store(p, v);
    else
        FN(store_part)(p, n, v);
}

TC_INLINE T FN(lanes_sum)(vec v)
{
    T sum = 0;

    TC_UNROLL
    for (int l = 0; l < VLEN; l++)
        sum += v[l];
    return sum;
}
