"""Changes that no test can notice, each looked at by hand: they change no result, nor what memory is touched.

The check draws others in their place, and says how many it met. A change is told by its file, its kind and its line as
it stands, so that it is found again when lines move, and looked at anew when the line changes; lines that say little by
themselves (`return;`) cannot be listed.
"""

from __future__ import annotations

GRAIN = "how much work is done, or taken by a thread, at a time: any is right"
WAY = "which of several ways with equal results is taken"
EMPTY = "a call, or a pass of a loop, with nothing to do"
FILLER = "what stands in lanes that nobody reads"
EQUAL = "a number that another operand has as well, by what callers promise"
TIME = "how long a thread waits before it sleeps"

HARMLESS: dict[tuple[str, str, str], str] = {
    ("conv_panels.c", "||>&&", "if (enough || a->slice == 1)"): WAY,
    ("max_pool_tpl.h", "<><=", "if (cols.end < p->ow)"): EMPTY,
    ("max_pool_tpl.h", "constant-1", "if (cols.begin > 0)"): EMPTY,
    ("conv_weight.c", "<><=", "if (conv_weight_dot_cost(dtype, p) < cost(&g))"): WAY,
    ("conv_depthwise.c", "operands", "return tc_max(1, (int64_t)(CHUNK_WORK / work));"): GRAIN,
    ("avg_pool_tpl.h", "bound+1", "for (int64_t j = 0; j < n; j += VLEN)"): EMPTY,
    ("threads_worker.c", "operands", "for (int i = 0; i < 32; i++) {"): TIME,
    ("copy.c", "arms", "job.piece_rows = tc_min(rows, transposed ? PIECE : UNIT / job.piece_cols);"): GRAIN,
    ("wide_tpl.h", "constant+1", "T last[WIDE] = {0};"): FILLER,
    ("ndarray.c", "constant+1", "const int row = x[0]->ndim - 2, column = row + 1;"): EQUAL,
    ("gemm_packed.c", "constant+1", "s->block_rows * s->block_cols * s->depth > 2 * TASK_WORK) {"): GRAIN,
    ("conv_depthwise_tpl.h", "constant+1", "T weight[9];"): FILLER,
    ("avg_pool_grad_tpl.h", "<><=", "return room < VLEN ? 0 : tc_min(room, p->w);"): WAY,
    ("conv_block_tpl.h", "constant-1", "if (t->by_filters && !t->add && t->cols >= NR && t->rows > 2)"): WAY,
    ("threads.c", "no statement", "pool->ended = tc_now_ns();"): TIME,
    ("norm_stats_tpl.h", ">=>>", "if (inner == 1 && last - first >= VLEN) {"): WAY,
    (
        "conv_weight_layout.c", "&&>||",
        "if (!fits(g, room) && (g->bands > 1 || g->together > 1))     /* images are not cut for this */",
    ): GRAIN,
    (
        "conv_winograd_layout.c", "*>/",
        "const double product = (double)POINTS * (double)a->source.channels * (double)a->out_vectors;",
    ): GRAIN,
    (
        "conv_panels.c", "operands",
        "const bool enough = left >= 4 * image || (left >= cells * conv_channel_size(v, 1) && "
        "(a->slice - 1) * taps < most / 2);",
    ): WAY,
    ("conv_panels.c", "arguments", "cut_axes(a, a->merged ? tc_ceil_div(a->tiles, 2) : a->tiles);"): GRAIN,
    (
        "conv_weight_layout.c", "*>/",
        "const double depth = (double)(p->c / p->groups) * (double)(p->r * p->s), "
        "outputs = (double)(p->n * p->oh * p->ow);",
    ): GRAIN,
    ("conv_winograd_points.c", "constant+1", "p->oh > 0 && p->ow > 0 && state != TC_WINOGRAD_OFF;"): WAY,
    (
        "pool.c", "constant+1",
        "tc_parallel_stream(p->planes, tc_ceil_div(POOL_GRAIN, in + out + 1), max_grad_range, &task);",
    ): GRAIN,
    (
        "loss_tpl.h", "constant-1",
        "FN(cross_entropy_grad_turned)(p, &(FN(layout)){p->classes, 1, p->classes}, begin, end, weight_sum, g, g_step, "
        "logits,",
    ): "a distance that only rows too long for the buffer ask for, and these are short",
}  # fmt: skip


def why_harmless(file: str, kind: str, line: str) -> str:
    """Return why nobody can notice a change of this kind in this line, or ""."""
    return HARMLESS.get((file, kind, line.strip()), "")
