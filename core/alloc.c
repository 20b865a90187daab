/* alloc.c - the caching allocator: freed blocks wait in size buckets and are handed out again.
 *
 * A training step asks for the same sizes over and over, and fresh memory from the system costs a page fault for every
 * 4 KiB. Sizes are rounded up to one of four steps between powers of two, so that at most a fifth of a block is unused
 * (of one above 256 bytes; smaller ones are whole cache lines).
 * Each block is preceded by a 64-byte header, which keeps the block itself on a cache line. */
#include "alloc.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <pthread.h>
#endif

enum { BUCKETS = 4 * 64 };
#define DEFAULT_CAP ((size_t)1 << 30)

/* All of this is protected by the lock. */
static struct {
    tc_block *top[BUCKETS];         /* the block of each bucket that was freed last: the one still in the CPU's caches */
    tc_block *newest, *oldest;
    size_t cap;
    tc_alloc_stats stats;
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

size_t tc_alloc_rounded(size_t bytes)
{
    bucket_of(&bytes);
    return bytes;
}

/* ---- the cache (with the lock held) ---- */

static void push(tc_block *block)
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

static void take_out(tc_block *block)
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

/* Takes the oldest blocks out until at most `limit` bytes are cached; returns them as a chain for tc_system_free. */
static tc_block *shrink(size_t limit)
{
    tc_block *chain = NULL;
    while (cache.stats.cached > limit) {
        tc_block *block = cache.oldest;
        take_out(block);
        block->older = chain;
        chain = block;
    }
    return chain;
}

/* ---- the interface ---- */

/* Enters a block of the system's or the cache's as handed out. */
static void count_use(const tc_block *block)
{
    cache.stats.in_use += block->size;
    if (cache.stats.in_use > cache.stats.peak)
        cache.stats.peak = cache.stats.in_use;
}

/* A new block, or NULL; what is cached is dropped before memory is declared full. */
static tc_block *fresh_block(size_t size, size_t bucket)
{
    tc_block *block = tc_system_alloc(size);
    if (!block) {
        tc_alloc_trim();
        block = tc_system_alloc(size);
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

/* In brackets, because test builds have a macro of this name. */
void *(tc_alloc)(size_t bytes)
{
    size_t size = bytes;
    const bool possible = bytes <= PTRDIFF_MAX / 2;     /* rounding up and the header cannot overflow */
    const size_t bucket = possible ? bucket_of(&size) : 0;

    lock();
    cache.stats.requests++;
    tc_block *block = possible ? cache.top[bucket] : NULL;
    if (block) {
        take_out(block);
        count_use(block);
        cache.stats.hits++;
    }
    unlock();

    if (!block && possible)
        block = fresh_block(size, bucket);
    if (!block)
        return NULL;
    block->asked = bytes;
    tc_mark_allocated(block, bytes);
    return (char *)block + TC_HEADER_BYTES;
}

void tc_free(void *memory)
{
    if (!memory)
        return;
    tc_block *block = (tc_block *)((char *)memory - TC_HEADER_BYTES);
    tc_mark_cached(block);
    lock();
    cache.stats.in_use -= block->size;
    push(block);
    tc_block *dropped = shrink(cache.cap);
    unlock();
    tc_system_free(dropped);
}

size_t tc_alloc_size(const void *memory)
{
    return ((const tc_block *)((const char *)memory - TC_HEADER_BYTES))->asked;
}

void tc_alloc_trim(void)
{
    lock();
    tc_block *dropped = shrink(0);
    unlock();
    tc_system_free(dropped);
    tc_system_trim();
}

void tc_alloc_set_cap(size_t bytes)
{
    lock();
    cache.cap = bytes;
    tc_block *dropped = shrink(bytes);
    unlock();
    tc_system_free(dropped);
}

void tc_get_alloc_stats(tc_alloc_stats *stats)
{
    lock();
    *stats = cache.stats;
    unlock();
}

void tc_alloc_reset_peak(void)
{
    lock();
    cache.stats.peak = cache.stats.in_use;
    unlock();
}
