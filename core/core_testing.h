/* core_testing.h - what a test build (-DTC_TESTING) has beside core.h: allocations that fail when told to, and where they stand.
 * Part of core.h; cffi reads it in such builds alone. Nothing of this is in what is shipped. */
#ifndef TINYGRAD_CNN_CORE_TESTING_H
#define TINYGRAD_CNN_CORE_TESTING_H

/* The n-th tc_alloc from now (1 = the next) fails, and with sticky != 0 every later one too; n = 0 turns it off. Likewise what
 * the thread pool asks of the system: its memory and its threads. */
void tc_alloc_fail_at(int64_t n, int sticky);
void tc_pool_fail_at(int64_t n, int sticky);

/* A place in the core that allocates, how often it was reached, and how often it failed because it was told to. */
typedef struct {
    const char *file;
    int32_t line;
    uint64_t calls, failures;
} tc_alloc_site;

/* Site i of those reached so far; TC_EINVAL if there are no more. */
int tc_get_alloc_site(int i, tc_alloc_site *site);

/* Count a call at a place: whether the pool is refused what it asks for; tc_alloc. */
int tc_pool_refused_at(const char *file, int32_t line);
void *tc_alloc_at(const char *file, int32_t line, size_t bytes);

#define tc_alloc(bytes) tc_alloc_at(__FILE__, __LINE__, bytes)
#define TC_POOL_REFUSED tc_pool_refused_at(__FILE__, __LINE__)

#endif
