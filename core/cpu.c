/* cpu.c - which instruction set is used, and what the core says about itself. */
#include "internal.h"

#include <stdatomic.h>
#if !defined(_WIN32)
#include <pthread.h>
#endif

#define VERSION "0.1.0"

/* Every table of this build, best last. */
static const tc_isa_table *const TABLES[] = {
    &tc_isa_generic,
#if defined(__x86_64__)
    &tc_isa_avx2,
    &tc_isa_avx512,
#elif defined(__aarch64__)
    &tc_isa_neon,
#endif
};
enum { TABLE_COUNT = sizeof TABLES / sizeof TABLES[0] };

static _Atomic(const tc_isa_table *) current;
static char available[64];      /* names joined by spaces */
static char rejected[64];       /* the refused TINYGRAD_CNN_ISA, "" if none */

static const tc_isa_table *find(const char *name)
{
    for (int i = 0; i < TABLE_COUNT; i++)
        if (strcmp(TABLES[i]->name, name) == 0 && TABLES[i]->supported())
            return TABLES[i];
    return NULL;
}

static void detect(void)
{
    const tc_isa_table *best = NULL;
    for (int i = 0; i < TABLE_COUNT; i++)
        if (TABLES[i]->supported()) {
            best = TABLES[i];
            if (available[0])
                strcat(available, " ");
            strcat(available, best->name);
        }
    const char *wanted = getenv("TINYGRAD_CNN_ISA");
    if (wanted && wanted[0]) {
        const tc_isa_table *forced = find(wanted);
        if (forced)
            best = forced;
        else
            strncat(rejected, wanted, sizeof rejected - 1);
    }
    atomic_store(&current, best);
}

/* The environment is read and copied once: getenv's result may change under a later setenv. */
static void ensure_detected(void)
{
#if defined(_WIN32)
    if (!atomic_load(&current))     /* first called while Python imports the module, so by one thread */
        detect();
#else
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, detect);
#endif
}

static const tc_isa_table *table(void)
{
    const tc_isa_table *found = atomic_load_explicit(&current, memory_order_acquire);
    if (found)
        return found;
    ensure_detected();
    return atomic_load(&current);
}

const tc_kernels *tc_kernels_for(int dtype)
{
    return table()->kernels[dtype == TC_F64];
}

const char *tc_isa(void)
{
    return table()->name;
}

const char *tc_isa_rejected(void)
{
    ensure_detected();
    return rejected[0] ? rejected : NULL;
}

const char *tc_isa_available(void)
{
    ensure_detected();
    return available;
}

int tc_set_isa(const char *name)
{
    ensure_detected();
    const tc_isa_table *wanted = name ? find(name) : NULL;
    if (!wanted)
        return TC_EINVAL;
    atomic_store(&current, wanted);
    return TC_OK;
}

const char *tc_strerror(int status)
{
    switch (status) {
    case TC_OK: return "no error";
    case TC_ENOMEM: return "not enough memory";
    case TC_EINVAL: return "invalid argument";
    case TC_EINDEX: return "index out of range";
    case TC_ESTOPPED: return "a handler of a signal has stopped the operation";
    default: return "unknown error";
    }
}

const char *tc_version(void)
{
    return VERSION;
}

/* build_core.py hands the flags over in TC_CFLAGS; a build of the C files by hand may leave them out. */
#if defined(TC_CFLAGS)
#define BUILT_WITH " " TC_CFLAGS
#else
#define BUILT_WITH ""
#endif

const char *tc_compiler(void)
{
#if defined(__clang__)
    return __VERSION__ BUILT_WITH;      /* begins with "Clang" or the vendor's name */
#elif defined(__GNUC__)
    return "GCC " __VERSION__ BUILT_WITH;
#else
    return "unknown compiler" BUILT_WITH;
#endif
}
