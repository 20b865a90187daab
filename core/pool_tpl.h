/* pool_tpl.h - kernels of pool.c, avg_pool.c and pad.c for one dtype and instruction set. */
#include "pool_windows.h"

#include "pool_cells_tpl.h"
#include "pool_lanes_tpl.h"
#include "pool_2x2_tpl.h"
#include "max_pool_tpl.h"
#include "max_pool_grad_tpl.h"
#include "avg_pool_tpl.h"
#include "avg_pool_grad_tpl.h"

/* dx (rows of w cells, zeroed before) += dy (oh, ow) through the index maps; columns [run, run_end) of dy lie on
 * consecutive cells, which is all of them but the border. */
static void FN(pad_grad)(int64_t w, int64_t oh, int64_t ow, const int64_t *rows, const int64_t *cols, int64_t run,
                         int64_t run_end, const void *dy, void *dx)
{
    for (int64_t i = 0; i < oh; i++) {
        const T *source = (const T *)dy + i * ow;
        T *target = (T *)dx + rows[i] * w;

        if (rows[i] < 0)
            continue;
        for (int64_t j = 0; j < run; j++)
            if (cols[j] >= 0)
                target[cols[j]] += source[j];
        TC_SIMD
        for (int64_t j = run; j < run_end; j++)
            target[cols[run] + j - run] += source[j];
        for (int64_t j = run_end; j < ow; j++)
            if (cols[j] >= 0)
                target[cols[j]] += source[j];
    }
}

static const tc_pool_kernels FN(pool_kernels) = {
    .max_rows = FN(max_rows),
    .adaptive_max_rows = FN(adaptive_max_rows),
    .max_grad_pairs = FN(max_grad_pairs),
    .avg_rows = FN(avg_rows),
    .avg_grad = FN(avg_grad),
    .adaptive_avg_rows = FN(adaptive_avg_rows),
    .adaptive_avg_grad = FN(adaptive_avg_grad),
    .global_avg = FN(global_avg),
    .global_avg_grad = FN(global_avg_grad),
    .pad_grad = FN(pad_grad),
};
