/* pool_lanes_tpl.h - shuffles of pooling with stride 2: neighbouring elements to even and odd lanes, and back. */

/* Lanes of two vectors a and b, counted through both; b follows a in memory, or overlaps it by one element (EARLY). EVEN and ODD
 * take 128 bits at a time, which is one instruction everywhere; what they give is brought to its order at the end (SETTLED). */
#if VBYTES == 16 && DTYPE_F32
#define EVEN_LANES 0, 2, 4, 6
#define EVEN_LANES_EARLY 0, 2, 5, 7
#define ODD_LANES 1, 3, 5, 7
#define SETTLED_LANES 0, 1, 2, 3
#define LOWER_TWICE 0, 0, 1, 1
#define UPPER_TWICE 2, 2, 3, 3
#elif VBYTES == 16
#define EVEN_LANES 0, 2
#define EVEN_LANES_EARLY 0, 3
#define ODD_LANES 1, 3
#define SETTLED_LANES 0, 1
#define LOWER_TWICE 0, 0
#define UPPER_TWICE 1, 1
#elif VBYTES == 32 && DTYPE_F32
#define EVEN_LANES 0, 2, 8, 10, 4, 6, 12, 14
#define EVEN_LANES_EARLY 0, 2, 9, 11, 4, 6, 13, 15
#define ODD_LANES 1, 3, 9, 11, 5, 7, 13, 15
#define SETTLED_LANES 0, 1, 4, 5, 2, 3, 6, 7
#define LOWER_TWICE 0, 0, 1, 1, 2, 2, 3, 3
#define UPPER_TWICE 4, 4, 5, 5, 6, 6, 7, 7
#elif VBYTES == 32
#define EVEN_LANES 0, 4, 2, 6
#define EVEN_LANES_EARLY 0, 5, 2, 7
#define ODD_LANES 1, 5, 3, 7
#define SETTLED_LANES 0, 2, 1, 3
#define LOWER_TWICE 0, 0, 1, 1
#define UPPER_TWICE 2, 2, 3, 3
#elif DTYPE_F32
#define EVEN_LANES 0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30
#define EVEN_LANES_EARLY 0, 2, 17, 19, 4, 6, 21, 23, 8, 10, 25, 27, 12, 14, 29, 31
#define ODD_LANES 1, 3, 17, 19, 5, 7, 21, 23, 9, 11, 25, 27, 13, 15, 29, 31
#define SETTLED_LANES 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15
#define LOWER_TWICE 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7
#define UPPER_TWICE 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15
#else
#define EVEN_LANES 0, 8, 2, 10, 4, 12, 6, 14
#define EVEN_LANES_EARLY 0, 9, 2, 11, 4, 13, 6, 15
#define ODD_LANES 1, 9, 3, 11, 5, 13, 7, 15
#define SETTLED_LANES 0, 2, 4, 6, 1, 3, 5, 7
#define LOWER_TWICE 0, 0, 1, 1, 2, 2, 3, 3
#define UPPER_TWICE 4, 4, 5, 5, 6, 6, 7, 7
#endif

/* The even and the odd lanes of a and b, which follow each other, not settled. */
TC_INLINE void FN(split_pairs)(vec a, vec b, vec *even, vec *odd)
{
    *even = SHUFFLE(a, b, EVEN_LANES);
    *odd = SHUFFLE(a, b, ODD_LANES);
}

/* p[0], p[2], ... and p[1], p[3], ..., not settled. */
TC_INLINE void FN(load_pairs)(const T *p, vec *even, vec *odd)
{
    FN(split_pairs)(load(p), load(p + VLEN), even, odd);
}

/* Lanes in the order of memory, after loads of this stride. */
TC_INLINE vec FN(settle)(vec v, int64_t stride)
{
    return stride == 2 ? SHUFFLE(v, v, SETTLED_LANES) : v;
}

/* p[0], p[stride], ... for the strides that have no better way. */
NOINLINE vec FN(load_spread)(const T *p, int64_t stride)
{
    T lanes[VLEN];

    for (int l = 0; l < VLEN; l++)
        lanes[l] = p[l * stride];
    return load(lanes);
}

/* The same, fast for 1 and 2 (not settled) where `stride` is known to the compiler. With stride 2 the second load starts one
 * element early, so that nothing past the last lane is read (it may lie outside the buffer). */
TC_INLINE vec FN(load_strided)(const T *p, int64_t stride)
{
    if (stride == 1)
        return load(p);
    if (stride == 2)
        return SHUFFLE(load(p), load(p + VLEN - 1), EVEN_LANES_EARLY);
    return FN(load_spread)(p, stride);
}

/* v[0], v[0], v[1], v[1], ... in two vectors. */
TC_INLINE void FN(twice)(vec v, vec *lower, vec *upper)
{
    *lower = SHUFFLE(v, v, LOWER_TWICE);
    *upper = SHUFFLE(v, v, UPPER_TWICE);
}

#undef EVEN_LANES
#undef EVEN_LANES_EARLY
#undef ODD_LANES
#undef SETTLED_LANES
#undef LOWER_TWICE
#undef UPPER_TWICE
