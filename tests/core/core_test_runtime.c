/* core_test_runtime.c - the parts of core_test that concern memory, threads and fork. */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE     /* CPU_COUNT */
#endif
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core_test.h"

enum { CALLERS = 4, FORKS = 20 };

/* ---- a job that uses threads and memory: convolution, its gradients, a product ---- */

typedef struct {
    void *y, *dx, *dw, *c;
} job_result;

static const tc_conv2d_params JOB_CONV = {4, 6, 14, 14, 16, 5, 5, 10, 10, 1, 1, 0, 0, 1, 1, 1, 0};
static const tc_gemm_params JOB_GEMM = {1, 90, 110, 130, 0, 130, 1, 0, 110, 1, 0, 110, 1, 1, 0, 0};
static void *job_x, *job_w, *job_dy, *job_a, *job_b;
enum { JOB_X = 4 * 6 * 14 * 14, JOB_W = 16 * 6 * 25, JOB_Y = 4 * 16 * 100, JOB_C = 90 * 110 };

static void make_job(void)
{
    job_x = random_array(JOB_X), job_w = random_array(JOB_W), job_dy = random_array(JOB_Y);
    job_a = random_array(90 * 130), job_b = random_array(130 * 110);
    for (int64_t i = 0; i < JOB_X; i++)
        set(job_x, i, get(job_x, i) / 3);       /* no longer exact: the order of additions shows */
    for (int64_t i = 0; i < JOB_Y; i++)
        set(job_dy, i, get(job_dy, i) / 7);
}

static void free_job(void)
{
    tc_free(job_x), tc_free(job_w), tc_free(job_dy), tc_free(job_a), tc_free(job_b);
}

static job_result new_result(void)
{
    return (job_result){array(JOB_Y), array(JOB_X), array(JOB_W), array(JOB_C)};
}

static void free_result(job_result r)
{
    tc_free(r.y), tc_free(r.dx), tc_free(r.dw), tc_free(r.c);
}

/* Returns the first status that is not TC_OK. */
static int run_job(job_result r)
{
    int status = tc_conv2d(dtype, &JOB_CONV, job_x, job_w, NULL, r.y);
    if (status == TC_OK)
        status = tc_conv2d_input_grad(dtype, &JOB_CONV, job_dy, job_w, r.dx);
    if (status == TC_OK)
        status = tc_conv2d_weight_grad(dtype, &JOB_CONV, job_dy, job_x, r.dw, NULL);
    if (status == TC_OK)
        status = tc_gemm(dtype, &JOB_GEMM, job_a, job_b, NULL, r.c);
    return status;
}

static bool same_result(job_result a, job_result b)
{
    return same(a.y, b.y, JOB_Y) && same(a.dx, b.dx, JOB_X) && same(a.dw, b.dw, JOB_W) && same(a.c, b.c, JOB_C);
}

static job_result expected(void)
{
    job_result r = new_result();
    tc_set_num_threads(1);
    check(run_job(r) == TC_OK, "the job on one thread");
    tc_set_num_threads(4);
    return r;
}

/* Fails the n-th allocation, n = 1, 2, ... until the job gets through: no crash, no leak, right results afterwards. */
void test_memory(void)
{
    make_job();
    job_result want = expected(), got = new_result();
    tc_alloc_stats before, after;
    tc_get_alloc_stats(&before);
    for (int sticky = 0; sticky < 2; sticky++)
        for (int64_t n = 1;; n++) {
            check(n < 1000, "the job to end with failures injected");
            tc_alloc_fail_at(n, sticky);
            const int status = run_job(got);
            tc_alloc_fail_at(0, 0);
            check(status == TC_OK || status == TC_ENOMEM, "the status after a failed allocation");
            tc_get_alloc_stats(&after);
            check(after.in_use == before.in_use, "no memory lost after a failed allocation");
            check(run_job(got) == TC_OK && same_result(got, want), "the job after a failed allocation");
            if (status == TC_OK)
                break;
        }
    check(tc_alloc(SIZE_MAX) == NULL && tc_alloc(SIZE_MAX - 63) == NULL, "absurd sizes to be refused");
    free_result(want), free_result(got), free_job();
}

void test_threads(void)
{
    make_job();
    job_result want = expected(), got = new_result();
    for (int threads = 1; threads <= 9; threads++)
        for (int repeat = 0; repeat < 3; repeat++) {
            tc_set_num_threads(threads);
            check(run_job(got) == TC_OK && same_result(got, want), "the same bits for any number of threads");
        }
    free_result(want), free_result(got), free_job();
}

/* A worker that leaves its caller's CPU must get to another, and be allowed on as many as before. */
void test_cpus(void)
{
#if defined(__linux__)
    cpu_set_t before, after;
    check(sched_getaffinity(0, sizeof before, &before) == 0, "the affinity of a thread");
    bool left = false;
    for (int i = 0; i < 100 && !left; i++) {        /* the system may move the thread back at any time */
        const int cpu = tc_this_cpu();
        tc_leave_cpu(cpu);
        left = tc_this_cpu() != cpu;
    }
    check(left == (CPU_COUNT(&before) > 1), "a thread to leave its CPU where there is another");
    check(sched_getaffinity(0, sizeof after, &after) == 0 && CPU_EQUAL(&before, &after), "the affinity as before");
#endif
}

static job_result wanted_by_callers;

static void *caller(void *arg)
{
    (void)arg;
    job_result got = new_result();
    for (int repeat = 0; repeat < 10; repeat++)
        check(run_job(got) == TC_OK && same_result(got, wanted_by_callers), "the job from several threads at once");
    free_result(got);
    return NULL;
}

void test_callers(void)
{
    make_job();
    wanted_by_callers = expected();
    pthread_t threads[CALLERS];
    for (int i = 0; i < CALLERS; i++)
        check(pthread_create(&threads[i], NULL, caller, NULL) == 0, "pthread_create");
    for (int i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    free_result(wanted_by_callers), free_job();
}

/* Child and parent both compute after each fork, while another thread of the parent keeps the pool busy. */
void test_fork(void)
{
    make_job();
    wanted_by_callers = expected();
    job_result got = new_result();
    pthread_t busy;
    check(pthread_create(&busy, NULL, caller, NULL) == 0, "pthread_create");
    for (int i = 0; i < FORKS; i++) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(60);      /* a hang becomes a failure */
            const bool ok = run_job(got) == TC_OK && same_result(got, wanted_by_callers);
            _exit(!ok);
        }
        check(child > 0, "fork");
        check(run_job(got) == TC_OK && same_result(got, wanted_by_callers), "the job in the parent after fork");
        int status = 1;
        check(waitpid(child, &status, 0) == child && status == 0, "the job in the child");
    }
    pthread_join(busy, NULL);
    free_result(wanted_by_callers), free_result(got), free_job();
}
