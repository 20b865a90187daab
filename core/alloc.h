/* alloc.h - what the halves of the allocator share: alloc.c (the cache) and alloc_system.c (blocks from the system). */
#ifndef TC_ALLOC_H
#define TC_ALLOC_H

#include "internal.h"

/* Before each block, keeps it on a cache line. */
enum { TC_HEADER_BYTES = 64 };

typedef struct tc_block {
    size_t size;                    /* usable bytes after the header */
    size_t asked;                   /* those that the request was for */
    size_t bucket;
    struct tc_block *above, *below; /* neighbours in its bucket's stack, while cached */
    struct tc_block *newer, *older; /* neighbours by age among all cached blocks */
} tc_block;
_Static_assert(sizeof(tc_block) <= TC_HEADER_BYTES, "the header must fit before the block");

/* A header and `size` bytes behind it, aligned to TC_HEADER_BYTES; NULL if the system has none. */
tc_block *tc_system_alloc(size_t size);

/* Frees a chain linked by `older`. Not under the lock: giving a large block back takes long. */
void tc_system_free(tc_block *block);

/* Has the C library give back what it keeps of freed blocks. */
void tc_system_trim(void);

/* Sanitizers: a cached block counts as freed, and only the bytes asked for as allocated. */

#if defined(__has_feature)
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
#include <sanitizer/asan_interface.h>
static inline void tc_mark_allocated(tc_block *block, size_t bytes)
{
    __asan_poison_memory_region((char *)block + TC_HEADER_BYTES, block->size);
    __asan_unpoison_memory_region((char *)block + TC_HEADER_BYTES, bytes);
}
static inline void tc_mark_cached(tc_block *block) { __asan_poison_memory_region((char *)block + TC_HEADER_BYTES, block->size); }
static inline void tc_mark_returned(tc_block *block) { __asan_unpoison_memory_region((char *)block + TC_HEADER_BYTES, block->size); }
#else
static inline void tc_mark_allocated(tc_block *block, size_t bytes) { (void)block, (void)bytes; }
static inline void tc_mark_cached(tc_block *block) { (void)block; }
static inline void tc_mark_returned(tc_block *block) { (void)block; }
#endif

#endif
