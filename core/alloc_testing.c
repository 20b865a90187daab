/* alloc_testing.c - allocations that fail when a test says so, and the places where they stand (core_testing.h).
 *
 * No locks: a child of fork would have to find them free. */
#include "internal.h"

#if defined(TC_TESTING)

#include <stdatomic.h>

/* Places seen so far, in order. A key is the address of the file's name, with the line in the bits that addresses leave free. */
enum { PLACES = 256, ADDRESS_BITS = 48 };
static struct {
    atomic_uint_fast64_t key, calls, failures;
} places[PLACES];

typedef struct {
    atomic_int_fast64_t left;           /* calls until the failing one */
    atomic_bool on, all_later;
} countdown;
static countdown allocations, pool;

static void start(countdown *c, int64_t n, int sticky)
{
    atomic_store(&c->on, false);
    atomic_store(&c->left, n);
    atomic_store(&c->all_later, sticky != 0);
    atomic_store(&c->on, n > 0);
}

void tc_alloc_fail_at(int64_t n, int sticky)
{
    start(&allocations, n, sticky);
}

void tc_pool_fail_at(int64_t n, int sticky)
{
    start(&pool, n, sticky);
}

static int place_of(const char *file, int32_t line)
{
    const uint_fast64_t key = (uint_fast64_t)(uintptr_t)file | (uint_fast64_t)line << ADDRESS_BITS;
    for (int i = 0; i < PLACES; i++) {
        uint_fast64_t found = 0;
        if (atomic_compare_exchange_strong(&places[i].key, &found, key) || found == key)
            return i;
    }
    abort();    /* more places than there are */
}

static bool fails(countdown *c, const char *file, int32_t line)
{
    const int place = place_of(file, line);
    atomic_fetch_add(&places[place].calls, 1);
    if (!atomic_load(&c->on))
        return false;
    const int64_t n = atomic_fetch_sub(&c->left, 1);
    if (n > 1 || (n < 1 && !atomic_load(&c->all_later)))
        return false;
    atomic_fetch_add(&places[place].failures, 1);
    return true;
}

int tc_pool_refused_at(const char *file, int32_t line)
{
    return fails(&pool, file, line);
}

void *tc_alloc_at(const char *file, int32_t line, size_t bytes)
{
    return fails(&allocations, file, line) ? NULL : (tc_alloc)(bytes);
}

int tc_get_alloc_site(int i, tc_alloc_site *site)
{
    const uint_fast64_t key = i >= 0 && i < PLACES ? atomic_load(&places[i].key) : 0;
    if (!key)
        return TC_EINVAL;
    site->file = (const char *)(uintptr_t)(key & (((uint_fast64_t)1 << ADDRESS_BITS) - 1));
    site->line = (int32_t)(key >> ADDRESS_BITS);
    site->calls = atomic_load(&places[i].calls);
    site->failures = atomic_load(&places[i].failures);
    return TC_OK;
}

#else

typedef int tc_not_a_test_build;        /* ISO C wants a declaration */

#endif
