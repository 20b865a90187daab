/* alloc.c - the caching allocator: freed blocks wait in size buckets and are handed out again.
 *
 * A training step asks for the same sizes over and over, and fresh memory from the system costs a page fault for every
 * 4 KiB. Sizes are rounded up to one of four steps between powers of two, so that at most a fifth of a block is unused
 * (of one above 256 bytes; smaller ones are whole cache lines).
 * Each block is preceded by a 64-byte header, which keeps the block itself on a cache line. */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE     /* madvise, MADV_HUGEPAGE */
#endif
#include "internal.h"

#if defined(_WIN32)
#include <malloc.h>
#include <windows.h>
#else
#include <pthread.h>
#include <sys/mman.h>
#endif

enum { HEADER_BYTES = 64, BUCKETS = 4 * 64 };
#define HUGE_PAGE ((size_t)2 << 20)
#define DEFAULT_CAP ((size_t)1 << 30)

typedef struct header {
    size_t size;                    /* usable bytes after the header */
    size_t bucket;
    struct header *above, *below;   /* neighbours in its bucket's stack, while cached */
    struct header *newer, *older;   /* neighbours by age among all cached blocks */
} header;
_Static_assert(sizeof(header) <= HEADER_BYTES, "the header must fit before the block");

/* All of this is protected by the lock. */
static struct {
    header *top[BUCKETS];           /* the block of each bucket that was freed last: the one still in the CPU's caches */
    header *newest, *oldest;
    size_t cap;
    tc_alloc_stats stats;
    int64_t fail_at;                /* requests until the injected failure, 0: none */
    bool fail_sticky;
} cache = {.cap = DEFAULT_CAP};

/* ---- lock; a fork waits for it, so that the child finds the cache whole ---- */

#if defined(_WIN32)

static SRWLOCK mutex = SRWLOCK_INIT;
static void lock(void) { AcquireSRWLockExclusive(&mutex); }
static void unlock(void) { ReleaseSRWLockExclusive(&mutex); }

#else

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void unlock(void) { pthread_mutex_unlock(&mutex); }

static void acquire(void) { pthread_mutex_lock(&mutex); }
static void register_fork_handlers(void) { pthread_atfork(acquire, unlock, unlock); }

static void lock(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_fork_handlers);
    acquire();
}

#endif

/* ---- sanitizers: a cached block counts as freed, and only the bytes asked for as allocated ---- */

#if defined(__has_feature)
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
#include <sanitizer/asan_interface.h>
static void mark_allocated(header *block, size_t bytes)
{
    __asan_poison_memory_region((char *)block + HEADER_BYTES, block->size);
    __asan_unpoison_memory_region((char *)block + HEADER_BYTES, bytes);
}
static void mark_cached(header *block) { __asan_poison_memory_region((char *)block + HEADER_BYTES, block->size); }
static void mark_returned(header *block) { __asan_unpoison_memory_region((char *)block + HEADER_BYTES, block->size); }
#else
static void mark_allocated(header *block, size_t bytes) { (void)block, (void)bytes; }
static void mark_cached(header *block) { (void)block; }
static void mark_returned(header *block) { (void)block; }
#endif

/* ---- blocks from and to the system ---- */

static header *system_alloc(size_t size)
{
    const size_t total = HEADER_BYTES + size;
    const bool huge = size >= HUGE_PAGE;
#if defined(_WIN32)
    (void)huge;
    return _aligned_malloc(total, HEADER_BYTES);
#else
    void *memory;
    if (posix_memalign(&memory, huge ? HUGE_PAGE : HEADER_BYTES, total) != 0)
        return NULL;
#if defined(MADV_HUGEPAGE)
    if (huge)       /* whole huge pages only: the last bytes must not cost another 2 MiB */
        madvise(memory, total & ~(HUGE_PAGE - 1), MADV_HUGEPAGE);
#endif
    return memory;
#endif
}

/* Frees a chain linked by `older`. Called without the lock: munmap of a large block takes long. */
static void system_free(header *block)
{
    while (block) {
        header *next = block->older;
        mark_returned(block);
#if defined(_WIN32)
        _aligned_free(block);
#else
        free(block);
#endif
        block = next;
    }
}

/* ---- buckets ---- */

/* Rounds *size up to its bucket's size and returns the bucket. *size is at most PTRDIFF_MAX. */
static size_t bucket_of(size_t *size)
{
    size_t bytes = *size <= 256 ? (tc_max(*size, 1) + 63) & ~(size_t)63 : *size;
    const int power = 63 - __builtin_clzll(bytes - 1);      /* 2^power < bytes <= 2^(power + 1) */
    const size_t step = (size_t)1 << (power - 2);
    bytes = (bytes + step - 1) & ~(step - 1);
    *size = bytes;
    return 4 * (size_t)power + (((bytes - 1) >> (power - 2)) & 3);
}

/* ---- the cache (with the lock held) ---- */

static void push(header *block)
{
    block->above = NULL;
    block->below = cache.top[block->bucket];
    if (block->below)
        block->below->above = block;
    cache.top[block->bucket] = block;

    block->newer = NULL;
    block->older = cache.newest;
    if (cache.newest)
        cache.newest->newer = block;
    else
        cache.oldest = block;
    cache.newest = block;
    cache.stats.cached += block->size;
}

static void take_out(header *block)
{
    if (block->above)
        block->above->below = block->below;
    else
        cache.top[block->bucket] = block->below;
    if (block->below)
        block->below->above = block->above;

    if (block->newer)
        block->newer->older = block->older;
    else
        cache.newest = block->older;
    if (block->older)
        block->older->newer = block->newer;
    else
        cache.oldest = block->newer;
    cache.stats.cached -= block->size;
}

/* Takes the oldest blocks out until at most `limit` bytes are cached; returns them as a chain for system_free. */
static header *shrink(size_t limit)
{
    header *chain = NULL;
    while (cache.stats.cached > limit) {
        header *block = cache.oldest;
        take_out(block);
        block->older = chain;
        chain = block;
    }
    return chain;
}

static bool injected_failure(void)
{
    if (cache.fail_at == 0)
        return false;
    if (cache.fail_at > 1) {
        cache.fail_at--;
        return false;
    }
    cache.fail_at = cache.fail_sticky ? 1 : 0;
    return true;
}

/* ---- the interface ---- */

/* Enters a block of the system's or the cache's as handed out. */
static void count_use(const header *block)
{
    cache.stats.in_use += block->size;
    if (cache.stats.in_use > cache.stats.peak)
        cache.stats.peak = cache.stats.in_use;
}

/* A new block, or NULL; what is cached is dropped before memory is declared full. */
static header *fresh_block(size_t size, size_t bucket)
{
    header *block = system_alloc(size);
    if (!block) {
        tc_alloc_trim();
        block = system_alloc(size);
    }
    if (!block)
        return NULL;
    block->size = size;
    block->bucket = bucket;
    lock();
    count_use(block);
    unlock();
    return block;
}

void *tc_alloc(size_t bytes)
{
    size_t size = bytes;
    const bool possible = bytes <= PTRDIFF_MAX / 2;     /* rounding up and the header cannot overflow */
    const size_t bucket = possible ? bucket_of(&size) : 0;

    lock();
    cache.stats.requests++;
    const bool refused = injected_failure() || !possible;
    header *block = refused ? NULL : cache.top[bucket];
    if (block) {
        take_out(block);
        count_use(block);
        cache.stats.hits++;
    }
    unlock();

    if (!block && !refused)
        block = fresh_block(size, bucket);
    if (!block)
        return NULL;
    mark_allocated(block, bytes);
    return (char *)block + HEADER_BYTES;
}

void tc_free(void *memory)
{
    if (!memory)
        return;
    header *block = (header *)((char *)memory - HEADER_BYTES);
    mark_cached(block);
    lock();
    cache.stats.in_use -= block->size;
    push(block);
    header *dropped = shrink(cache.cap);
    unlock();
    system_free(dropped);
}

size_t tc_alloc_size(const void *memory)
{
    return ((const header *)((const char *)memory - HEADER_BYTES))->size;
}

void tc_alloc_trim(void)
{
    lock();
    header *dropped = shrink(0);
    unlock();
    system_free(dropped);
}

void tc_alloc_set_cap(size_t bytes)
{
    lock();
    cache.cap = bytes;
    header *dropped = shrink(bytes);
    unlock();
    system_free(dropped);
}

void tc_get_alloc_stats(tc_alloc_stats *stats)
{
    lock();
    *stats = cache.stats;
    unlock();
}

void tc_alloc_fail_at(int64_t n, int sticky)
{
    lock();
    cache.fail_at = n > 0 ? n : 0;
    cache.fail_sticky = sticky != 0;
    unlock();
}
