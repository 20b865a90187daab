/* cpus.c - how many threads to use: what was asked for, else the CPUs that affinity and the cgroup's quota give.
 *
 * A container often sees 64 CPUs and may use two; 64 threads would then be stopped by the scheduler for most of each
 * period. So the quota counts, rounded up, of the process's cgroup and of every group above it. */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE     /* sched_getaffinity, sched_getcpu, CPU_ALLOC */
#endif
#include "internal.h"

#include <stdatomic.h>
#include <stdio.h>
#if defined(__linux__)
#include <errno.h>
#include <sched.h>
#endif
#if !defined(_WIN32)
#include <unistd.h>
#endif

#if defined(__linux__)

static int affinity_cpus(void)
{
    /* The kernel refuses a mask shorter than its own, so the mask grows until it fits. */
    for (int cpus = 1024; cpus <= 1024 * 1024; cpus *= 4) {
        cpu_set_t *set = CPU_ALLOC(cpus);
        if (!set)
            return 0;
        const size_t size = CPU_ALLOC_SIZE(cpus);
        const int failed = sched_getaffinity(0, size, set);
        const int reason = errno;
        const int count = failed ? 0 : CPU_COUNT_S(size, set);
        CPU_FREE(set);
        if (!failed || reason != EINVAL)
            return count;
    }
    return 0;
}

/* The first line of directory/name in text, false if it cannot be read. */
static bool read_line(const char *directory, const char *name, char *text, int size)
{
    char path[1200];
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
        return false;
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    const bool ok = fgets(text, size, file) != NULL;
    fclose(file);
    return ok;
}

/* CPUs that the group in directory may use (2.5 = two and a half), or 0 if it has no limit or is not there. */
static double group_quota(const char *directory)
{
    char text[128];
    double quota, period;
    if (read_line(directory, "cpu.max", text, sizeof text))                 /* v2: "max 100000" or "250000 100000" */
        return sscanf(text, "%lf %lf", &quota, &period) == 2 && quota > 0 && period > 0 ? quota / period : 0;
    if (!read_line(directory, "cpu.cfs_quota_us", text, sizeof text) || sscanf(text, "%lf", &quota) != 1)
        return 0;
    if (!read_line(directory, "cpu.cfs_period_us", text, sizeof text) || sscanf(text, "%lf", &period) != 1)
        return 0;
    return quota > 0 && period > 0 ? quota / period : 0;                    /* v1: -1 means no limit */
}

/* The least quota on the way from mount/path up to mount, combined with least (0 = none yet). In a container the
 * path may name folders that only the host sees; those are passed over and the mount itself is the container's group. */
static double least_quota(const char *mount, const char *path, double least)
{
    char directory[1100];
    if (snprintf(directory, sizeof directory, "%s%s", mount, path) >= (int)sizeof directory)
        return least;
    for (;;) {
        const double quota = group_quota(directory);
        if (quota > 0 && (least == 0 || quota < least))
            least = quota;
        char *slash = strrchr(directory, '/');
        if (!slash || strlen(directory) <= strlen(mount))
            return least;
        *slash = 0;
    }
}

/* Tells whether "cpu" is in a list like "cpu,cpuacct": "cpuset" and "cpuacct" alone are other hierarchies. */
static bool names_cpu(const char *controllers)
{
    for (const char *name = controllers; *name; name += strspn(name, ",")) {
        const size_t length = strcspn(name, ",");
        if (length == 3 && strncmp(name, "cpu", 3) == 0)
            return true;
        name += length;
    }
    return false;
}

double tc_cgroup_quota(const char *membership, const char *root)
{
    FILE *file = fopen(membership, "re");
    if (!file)
        return 0;
    /* Where systemd and container runtimes mount the hierarchies, v1's under one of its controllers' names. */
    static const char *const MOUNTS[] = {"", "/unified", "/cpu", "/cpu,cpuacct", "/cpuacct,cpu"};
    double least = 0;
    char line[1024];
    while (fgets(line, sizeof line, file)) {        /* "0::/path" (v2) or "4:cpu,cpuacct:/path" (v1) */
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = 0;
        path[strcspn(path, "\n")] = 0;
        if (controllers[1] && !names_cpu(controllers + 1))
            continue;
        for (size_t i = 0; i < sizeof MOUNTS / sizeof MOUNTS[0]; i++) {
            char mount[512];
            if (snprintf(mount, sizeof mount, "%s%s", root, MOUNTS[i]) < (int)sizeof mount)
                least = least_quota(mount, strcmp(path, "/") ? path : "", least);
        }
    }
    fclose(file);
    return least;
}

int tc_this_cpu(void)
{
    return sched_getcpu();
}

/* Beyond 1024 CPUs the kernel refuses the mask, and the thread stays. */
void tc_leave_cpu(int cpu)
{
    cpu_set_t allowed, others;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    others = allowed;
    CPU_CLR(cpu, &others);
    if (CPU_COUNT(&others) > 0 && sched_setaffinity(0, sizeof others, &others) == 0)
        sched_setaffinity(0, sizeof allowed, &allowed);
}

static int count_cpus(void)
{
    int cpus = affinity_cpus();
    if (cpus <= 0)
        cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    const double quota = tc_cgroup_quota("/proc/self/cgroup", "/sys/fs/cgroup");
    if (quota > 0 && ceil(quota) < cpus)
        cpus = (int)ceil(quota);
    return cpus > 0 ? cpus : 1;
}

#else

double tc_cgroup_quota(const char *membership, const char *root)
{
    (void)membership;
    (void)root;
    return 0;
}

int tc_this_cpu(void)
{
    return -1;
}

void tc_leave_cpu(int cpu)
{
    (void)cpu;
}

static int count_cpus(void)
{
#if defined(_WIN32)
    return 1;       /* threads.c is serial there */
#else
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    return cpus > 0 ? (int)cpus : 1;
#endif
}

#endif

/* ---- number of threads ---- */

enum { MAX_THREADS = 256 };

static atomic_int num_threads;      /* 0: not known yet */
static atomic_int cpus;             /* CPUs of this process, 0: not known yet */

int tc_available_cpus(void)
{
    int count = atomic_load_explicit(&cpus, memory_order_relaxed);
    if (count == 0) {
        count = count_cpus();
        atomic_store(&cpus, count);
    }
    return count;
}

/* OMP_NUM_THREADS, "4" or a list "4,2" for nested levels, whose first counts; 0 if unset or not valid. */
static int threads_of_environment(void)
{
    const char *text = getenv("OMP_NUM_THREADS");
    if (!text)
        return 0;
    char *end;
    const long n = strtol(text, &end, 10);
    end += strspn(end, " \t");
    return end != text && (*end == 0 || *end == ',') && n > 0 ? (int)tc_min(n, MAX_THREADS) : 0;
}

int tc_get_num_threads(void)
{
    int n = atomic_load_explicit(&num_threads, memory_order_relaxed);
    if (n == 0) {
        int wanted = threads_of_environment();
        if (wanted == 0)
            wanted = (int)tc_min(tc_available_cpus(), MAX_THREADS);
        if (atomic_compare_exchange_strong(&num_threads, &n, wanted))
            n = wanted;     /* otherwise tc_set_num_threads came first, and n is its number */
    }
    return n;
}

void tc_set_num_threads(int n)
{
    atomic_store(&num_threads, n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n);
}
