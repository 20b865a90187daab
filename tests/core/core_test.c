/* core_test.c - uses the core as a plain C library, without Python, and checks it against loops that are plainly right.
 *
 *   core_test PART...      parts: gemm conv pool memory threads callers fork
 *
 * Data are small integers, so that every sum is exact and results must be equal, on each instruction set and in both
 * dtypes. test_c_program.py builds this with several compilers and sanitizers. */
#include <pthread.h>
#include <stdio.h>

#include "core_test.h"

int dtype;
static uint32_t seed = 1;
static pthread_mutex_t seed_mutex = PTHREAD_MUTEX_INITIALIZER;

void check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "%s %s: FAILED: %s\n", tc_isa(), dtype == TC_F32 ? "f32" : "f64", what);
        exit(1);
    }
}

/* ---- arrays of either dtype ---- */

double get(const void *x, int64_t i)
{
    return dtype == TC_F32 ? ((const float *)x)[i] : ((const double *)x)[i];
}

void set(void *x, int64_t i, double value)
{
    if (dtype == TC_F32)
        ((float *)x)[i] = (float)value;
    else
        ((double *)x)[i] = value;
}

void *array(int64_t n)
{
    void *x = tc_alloc((size_t)n * tc_itemsize(dtype));
    check(x != NULL, "memory for test data");
    for (int64_t i = 0; i < n; i++)
        set(x, i, NAN);
    return x;
}

void *random_array(int64_t n)
{
    void *x = array(n);
    pthread_mutex_lock(&seed_mutex);
    for (int64_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        set(x, i, (double)((seed >> 24) % 9) - 4);
    }
    pthread_mutex_unlock(&seed_mutex);
    return x;
}

bool same(const void *x, const void *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (get(x, i) != get(y, i))     /* a NaN, which nobody wrote over, is a failure too */
            return false;
    return true;
}

/* ---- gemm ---- */

static void naive_gemm(const tc_gemm_params *p, const void *a, const void *b, const void *bias, void *c)
{
    for (int64_t i = 0; i < p->batch; i++)
        for (int64_t r = 0; r < p->m; r++)
            for (int64_t s = 0; s < p->n; s++) {
                double sum = 0;
                for (int64_t k = 0; k < p->k; k++)
                    sum += get(a, i * p->a_batch + r * p->a_row + k * p->a_col) * get(b, i * p->b_batch + k * p->b_row + s * p->b_col);
                const int64_t at = i * p->c_batch + r * p->c_row + s * p->c_col;
                const double old = p->beta == 0 ? 0 : p->beta * get(c, at);
                set(c, at, p->alpha * sum + old + (bias ? get(bias, p->bias_per_row ? r : s) : 0));
            }
}

/* variant: bit 0 A transposed, 1 B transposed, 2 C added to, 3 bias, 4 bias per row. */
static void one_gemm(int64_t m, int64_t n, int64_t k, int variant)
{
    tc_gemm_params p = {.batch = 2, .m = m, .n = n, .k = k, .a_batch = m * k, .a_row = k, .a_col = 1, .b_batch = k * n, .b_row = n,
                        .b_col = 1, .c_batch = m * n, .c_row = n, .c_col = 1, .alpha = 2, .bias_per_row = variant >> 4};
    if (variant & 1)
        p.a_row = 1, p.a_col = m;
    if (variant & 2)
        p.b_row = 1, p.b_col = k;
    if (variant & 4)
        p.beta = -1;
    void *a = random_array(2 * m * k), *b = random_array(2 * k * n), *bias = variant & 8 ? random_array(tc_max(m, n)) : NULL;
    void *got = array(2 * m * n), *want = array(2 * m * n);
    for (int64_t i = 0; i < 2 * m * n && variant & 4; i++)
        set(got, i, (double)(i % 5)), set(want, i, (double)(i % 5));
    naive_gemm(&p, a, b, bias, want);
    check(tc_gemm(dtype, &p, a, b, bias, got) == TC_OK, "tc_gemm's status");
    check(same(got, want, 2 * m * n), "tc_gemm against the naive product");
    void *all[] = {a, b, bias, got, want};
    for (int i = 0; i < 5; i++)
        tc_free(all[i]);
}

static void test_gemm(void)
{
    static const int64_t SIZES[] = {1, 2, 5, 8, 17, 33, 70};
    enum { COUNT = sizeof SIZES / sizeof SIZES[0] };
    for (int i = 0; i < COUNT * COUNT * COUNT; i++)
        one_gemm(SIZES[i % COUNT], SIZES[i / COUNT % COUNT], SIZES[i / COUNT / COUNT], i % 32);
    one_gemm(130, 150, 600, 0);
    one_gemm(20, 300, 40, 0);      /* several blocks of columns, cut where no halving has rounded them to tiles */
    one_gemm(9, 4, 0, 8);
}

/* ---- convolution ---- */

static const tc_conv2d_params CONVOLUTIONS[] = {
    /*  n  c  h   w   k  r  s  oh ow  strides  pads  dilations  groups  relu */
    {2, 3, 9, 8, 5, 3, 3, 9, 8, 1, 1, 1, 1, 1, 1, 1, 0},
    {3, 1, 12, 12, 6, 5, 5, 8, 8, 1, 1, 0, 0, 1, 1, 1, 0},
    {1, 4, 7, 10, 6, 3, 2, 4, 5, 2, 2, 1, 0, 1, 1, 2, 0},
    {2, 4, 9, 9, 4, 3, 3, 5, 5, 1, 1, 0, 0, 2, 2, 4, 0},
    {1, 5, 6, 6, 7, 1, 1, 6, 6, 1, 1, 0, 0, 1, 1, 1, 0},
    {2, 2, 5, 5, 3, 5, 5, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0},
};

/* Adds y, dx and dw of x, w and dy in one walk over the products; the three must be zero (y: the bias) before. */
static void naive_conv(const tc_conv2d_params *p, const void *x, const void *w, const void *dy, void *y, void *dx, void *dw)
{
    const int64_t cg = p->c / p->groups, kg = p->k / p->groups, outputs = p->n * p->k * p->oh * p->ow;
    for (int64_t o = 0; o < outputs; o++) {
        const int64_t j = o % p->ow, i = o / p->ow % p->oh, k = o / (p->ow * p->oh) % p->k, n = o / (p->ow * p->oh * p->k);
        for (int64_t t = 0; t < cg * p->r * p->s; t++) {
            const int64_t c = t / (p->r * p->s), row = i * p->stride_h - p->pad_h + t / p->s % p->r * p->dilation_h;
            const int64_t col = j * p->stride_w - p->pad_w + t % p->s * p->dilation_w;
            if (row < 0 || row >= p->h || col < 0 || col >= p->w)
                continue;
            const int64_t at = ((n * p->c + k / kg * cg + c) * p->h + row) * p->w + col, weight = k * cg * p->r * p->s + t;
            set(y, o, get(y, o) + get(x, at) * get(w, weight));
            set(dx, at, get(dx, at) + get(dy, o) * get(w, weight));
            set(dw, weight, get(dw, weight) + get(dy, o) * get(x, at));
        }
    }
}

static void test_one_conv(const tc_conv2d_params *p)
{
    const int64_t nx = p->n * p->c * p->h * p->w, nw = p->k * (p->c / p->groups) * p->r * p->s, ny = p->n * p->k * p->oh * p->ow;
    void *x = random_array(nx), *w = random_array(nw), *dy = random_array(ny), *bias = random_array(p->k);
    void *want_y = array(ny), *want_dx = array(nx), *want_dw = array(nw), *y = array(ny), *dx = array(nx), *dw = array(nw);
    for (int64_t i = 0; i < ny; i++)
        set(want_y, i, get(bias, i / (p->oh * p->ow) % p->k));
    tc_fill(dtype, nx, 0, want_dx);
    tc_fill(dtype, nw, 0, want_dw);
    naive_conv(p, x, w, dy, want_y, want_dx, want_dw);
    check(tc_conv2d(dtype, p, x, w, bias, y) == TC_OK && same(y, want_y, ny), "tc_conv2d");
    check(tc_conv2d_input_grad(dtype, p, dy, w, dx) == TC_OK && same(dx, want_dx, nx), "tc_conv2d_input_grad");
    check(tc_conv2d_weight_grad(dtype, p, dy, x, dw, NULL) == TC_OK && same(dw, want_dw, nw), "tc_conv2d_weight_grad");
    void *all[] = {x, w, dy, bias, want_y, want_dx, want_dw, y, dx, dw};
    for (int i = 0; i < 10; i++)
        tc_free(all[i]);
}

/* By Winograd's way, whose fractions are not exact: near what plain sums give. */
static const tc_conv2d_params WINOGRADS[] = {
    {2, 3, 9, 8, 5, 3, 3, 9, 8, 1, 1, 1, 1, 1, 1, 1, 0},
    {3, 35, 6, 11, 34, 3, 3, 4, 9, 1, 1, 0, 0, 1, 1, 1, 0},
};

static bool near(const void *x, const void *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(get(x, i) - get(y, i)) < 1e-2))
            return false;
    return true;
}

static void test_one_winograd(const tc_conv2d_params *p)
{
    const int64_t nx = p->n * p->c * p->h * p->w, nw = p->k * p->c * 9, ny = p->n * p->k * p->oh * p->ow;
    void *x = random_array(nx), *w = random_array(nw), *dy = random_array(ny);
    void *want[] = {array(ny), array(nx), array(nw)}, *got[] = {array(ny), array(nx), array(nw)};
    const int64_t sizes[] = {ny, nx, nw};
    for (int i = 0; i < 3; i++)
        tc_fill(dtype, sizes[i], 0, want[i]);
    naive_conv(p, x, w, dy, want[0], want[1], want[2]);
    tc_set_winograd(TC_WINOGRAD_FORCED);
    check(tc_conv2d(dtype, p, x, w, NULL, got[0]) == TC_OK && tc_conv2d_input_grad(dtype, p, dy, w, got[1]) == TC_OK &&
          tc_conv2d_weight_grad(dtype, p, dy, x, got[2], NULL) == TC_OK, "Winograd's status");
    tc_set_winograd(TC_WINOGRAD_ON);
    for (int i = 0; i < 3; i++)
        check(near(got[i], want[i], sizes[i]), "Winograd's convolution");
    void *all[] = {x, w, dy, want[0], want[1], want[2], got[0], got[1], got[2]};
    for (int i = 0; i < 9; i++)
        tc_free(all[i]);
}

static void test_conv(void)
{
    for (size_t i = 0; i < sizeof CONVOLUTIONS / sizeof CONVOLUTIONS[0]; i++)
        test_one_conv(&CONVOLUTIONS[i]);
    for (size_t i = 0; i < sizeof WINOGRADS / sizeof WINOGRADS[0]; i++)
        test_one_winograd(&WINOGRADS[i]);
}

/* ---- pooling ---- */

static void naive_pool(const tc_pool2d_params *p, const void *x, void *largest, void *mean, int32_t *indices)
{
    for (int64_t o = 0; o < p->planes * p->oh * p->ow; o++) {
        const int64_t plane = o / (p->oh * p->ow), top = o / p->ow % p->oh * p->stride_h - p->pad_h, left = o % p->ow * p->stride_w - p->pad_w;
        double sum = 0, best = -INFINITY;
        for (int64_t t = 0; t < p->kernel_h * p->kernel_w; t++) {
            const int64_t row = top + t / p->kernel_w, col = left + t % p->kernel_w;
            if (row < 0 || row >= p->h || col < 0 || col >= p->w)
                continue;
            const double value = get(x, (plane * p->h + row) * p->w + col);
            sum += value;
            if (value > best) {
                best = value;
                indices[o] = (int32_t)(row * p->w + col);
            }
        }
        set(largest, o, best);
        set(mean, o, sum / 4);
    }
}

static void test_pool(void)
{
    const tc_pool2d_params p = {.planes = 5, .h = 9, .w = 11, .oh = 5, .ow = 6, .kernel_h = 3, .kernel_w = 2, .stride_h = 2, .stride_w = 2,
                                .pad_h = 1, .pad_w = 1, .dilation_h = 1, .dilation_w = 1};
    const int64_t ny = p.planes * p.oh * p.ow;
    void *x = random_array(p.planes * p.h * p.w), *largest = array(ny), *mean = array(ny), *y = array(ny);
    int32_t *want = tc_alloc((size_t)ny * sizeof *want), *got = tc_alloc((size_t)ny * sizeof *got);
    check(want && got, "memory for indices");
    naive_pool(&p, x, largest, mean, want);
    tc_max_pool2d(TC_POOL_MAX, dtype, &p, x, y, got);
    check(same(y, largest, ny) && memcmp(got, want, (size_t)ny * sizeof *got) == 0, "tc_max_pool2d");
    tc_avg_pool2d(dtype, &p, 1, 4, x, y);       /* a divisor of 4 keeps quotients exact */
    check(same(y, mean, ny), "tc_avg_pool2d");
    void *all[] = {x, largest, mean, y, want, got};
    for (int i = 0; i < 6; i++)
        tc_free(all[i]);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } PARTS[] = {{"gemm", test_gemm}, {"conv", test_conv}, {"pool", test_pool}, {"memory", test_memory},
                 {"threads", test_threads}, {"cpus", test_cpus},
                 {"callers", test_callers}, {"fork", test_fork}};

    check(tc_isa_rejected() == NULL, "TINYGRAD_CNN_ISA to be available");
    for (dtype = TC_F32; dtype <= TC_F64; dtype++)
        for (int i = 1; i < argc; i++)
            for (size_t part = 0; part < sizeof PARTS / sizeof PARTS[0]; part++)
                if (strcmp(argv[i], PARTS[part].name) == 0)
                    PARTS[part].run();
    tc_alloc_stats stats;
    tc_get_alloc_stats(&stats);
    check(stats.in_use == 0, "all memory returned");
    tc_alloc_trim();
    printf("%s: ok\n", tc_isa());
    return 0;
}
