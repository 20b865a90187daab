"""Cases of elementwise functions, copies, reductions, products, random numbers and optimizers."""

from __future__ import annotations

import numpy as np

from tests.core.raw import i64, ptr, strides
from tinygrad_cnn._core import ffi, lib

from .calls import Call, case

# Loops over memory are cut where they have more than four chunks of 32 Ki elements.
LONG = 4 * 32 * 1024 + 99


# ---- elementwise ----


@case
def tc_unary(call: Call) -> None:
    n = call.size(LONG)
    for op in range(lib.TC_UNARY_COUNT):
        lib.tc_unary(op, call.code, n, ptr(call.values(n)), ptr(call.out(n)))


def _broadcast(call: Call):
    """Yield a shape and two operands of it: dense, broadcast, turned."""
    a, b, c = call.size(5), call.size(290), call.size(97)
    shape = (a, b, c)
    yield shape, call.values(*shape), call.values(*shape)
    yield shape, call.values(*shape), np.broadcast_to(call.values(b, 1), shape)
    yield shape, call.values(a, c, b).transpose(0, 2, 1), np.broadcast_to(call.values(a, 1, c), shape)


@case
def tc_binary(call: Call) -> None:
    for number, (shape, a, b) in enumerate(_broadcast(call)):
        for op in range(number % 3, lib.TC_BINARY_COUNT, 3 if call.seed == 0 else 1):
            y = call.out(*shape)
            lib.tc_binary(op, call.code, 3, i64(shape), ptr(a), strides(a), ptr(b), strides(b), ptr(y))


@case
def tc_binary_scalar(call: Call) -> None:
    n = call.size(LONG)
    x = call.values(n)
    for op in range(lib.TC_BINARY_COUNT):
        for first in (op % 2,) if call.seed == 0 else (0, 1):
            lib.tc_binary_scalar(op, call.code, n, ptr(x), 1.3, first, ptr(call.out(n)))


@case
def tc_compare(call: Call) -> None:
    for shape, a, b in _broadcast(call):
        for op in range(lib.TC_COMPARE_COUNT):
            y = call.out(*shape, dtype=np.bool_)
            lib.tc_compare(op, call.code, 3, i64(shape), ptr(a), strides(a), ptr(b), strides(b), ptr(y))


@case
def tc_add_scaled(call: Call) -> None:
    for shape, a, b in _broadcast(call):
        y = call.out(*shape)
        lib.tc_add_scaled(call.code, 3, i64(shape), ptr(a), strides(a), ptr(b), strides(b), 0.7, ptr(y))


@case
def tc_bend(call: Call) -> None:
    n = call.size(LONG)
    g, x = call.values(n), call.values(n)
    lib.tc_bend(call.code, n, ptr(g), ptr(x), -0.3, 0.9, 0.0, 1.7, -0.6, ptr(call.out(n)))


@case
def tc_where(call: Call) -> None:
    for shape, a, b in _broadcast(call):
        mask, y = call.integers(2, *shape, dtype=np.bool_), call.out(*shape)
        lib.tc_where(call.code, 3, i64(shape), ptr(mask), strides(mask), ptr(a), strides(a), ptr(b), strides(b), ptr(y))


@case
def tc_copy(call: Call) -> None:
    for shape, a, b in _broadcast(call):
        for x in (a, b):
            y = call.out(*shape)
            lib.tc_copy(call.code, 3, i64(shape), ptr(x), strides(x), ptr(y), strides(y))


@case
def tc_fill(call: Call) -> None:
    n = call.size(LONG)
    lib.tc_fill(call.code, n, 0.1, ptr(call.out(n)))


# ---- reductions ----


@case
def tc_reduce(call: Call) -> None:
    shape = call.size(7), call.size(130), call.size(260)
    x = call.values(*shape)  # (1, 0, 0) has the most results
    for reduced in ((1, 0, 0), (0, 0, 1), (0, 1, 0), (1, 1, 0), (1, 0, 1), (1, 1, 1)):
        kept = [size for size, gone in zip(shape, reduced, strict=True) if not gone]
        for op in range(lib.TC_REDUCE_COUNT):
            y = call.out(*kept)
            assert lib.tc_reduce(op, call.code, 3, i64(shape), ffi.new("uint8_t[]", reduced), ptr(x), ptr(y)) == 0


@case
def tc_argmax(call: Call) -> None:
    for outer, length, inner in ((call.size(90), call.size(3000), 1), (call.size(9), call.size(100), call.size(300))):
        x = call.values(outer, length, inner)
        for smallest in (0, 1):
            values, indices = call.out(outer, inner), call.out(outer, inner, dtype=np.int64)
            out = ffi.cast("int64_t *", ptr(indices))
            lib.tc_argmax(smallest, call.code, outer, length, inner, ptr(x), ptr(values), out)


# ---- products ----

# Each way of gemm.c: dot products, sums of rows, blocks, packed super-blocks, batches; plain and transposed operands.
PRODUCTS = [
    (1, 5, 700, 300), (1, 1, 3000, 200), (1, 300, 100, 90), (1, 300, 270, 290), (9, 40, 70, 60), (1, 17, 19, 9000),
    (1, 500, 6, 400),
]  # fmt: skip


@case
def tc_gemm(call: Call) -> None:
    for number, sizes in enumerate(PRODUCTS):
        batch, m, n, k = (call.size(size) for size in sizes)
        for turned_a, turned_b in ((0, 0), (0, 1), (1, 0)):
            a = call.values(batch, k, m).transpose(0, 2, 1) if turned_a else call.values(batch, m, k)
            b = call.values(batch, n, k).transpose(0, 2, 1) if turned_b else call.values(batch, k, n)
            c, per_row = call.keep(call.values(batch, m, n)), number % 2
            bias = call.values(m if per_row else n)
            p = ffi.new("tc_gemm_params *", {"batch": batch, "m": m, "n": n, "k": k, "alpha": 0.7})
            (p.a_batch, p.a_row, p.a_col), (p.b_batch, p.b_row, p.b_col) = strides(a), strides(b)
            (p.c_batch, p.c_row, p.c_col), p.beta, p.bias_per_row = strides(c), 0.3 * turned_a, per_row
            assert lib.tc_gemm(call.code, p, ptr(a), ptr(b), ptr(bias), ptr(c)) == lib.TC_OK


# ---- random numbers ----


def _generator(call: Call):
    state = ffi.new("tc_generator *")
    lib.tc_generator_seed(state, call.seed + 5)
    return state


@case
def tc_generator_seed(call: Call) -> None:
    call.keep(np.frombuffer(ffi.buffer(_generator(call)), np.uint8))


@case
def tc_random32(call: Call) -> None:
    state = _generator(call)
    call.keep(np.array([lib.tc_random32(state) for _ in range(1300)]))


@case
def tc_random64(call: Call) -> None:
    state = _generator(call)
    call.keep(np.array([lib.tc_random64(state) for _ in range(700)]))


@case
def tc_uniform(call: Call) -> None:
    n = call.size(LONG)
    lib.tc_uniform(_generator(call), call.code, n, -0.5, 2.0, ptr(call.out(n)))


@case
def tc_normal(call: Call) -> None:
    for n in (call.size(LONG), 7):
        lib.tc_normal(_generator(call), call.code, n, -0.5, 2.0, ptr(call.out(n)))


@case
def tc_random_range(call: Call) -> None:
    n = call.size(LONG)
    for span in (10, 2**40):
        out = ffi.cast("int64_t *", ptr(call.out(n, dtype=np.int64)))
        lib.tc_random_range(_generator(call), n, -3, span, out)


@case
def tc_bernoulli(call: Call) -> None:
    n = call.size(LONG)
    lib.tc_bernoulli(_generator(call), call.code, n, 0.3, ptr(call.out(n)))


@case
def tc_randperm(call: Call) -> None:
    n = call.size(LONG)
    lib.tc_randperm(_generator(call), n, ffi.cast("int64_t *", ptr(call.out(n, dtype=np.int64))))


@case
def tc_dropout(call: Call) -> None:
    n = call.size(LONG)
    mask = ffi.cast("uint8_t *", ptr(call.out(n, dtype=np.uint8)))
    lib.tc_dropout(call.code, n, 0.3, 2**40 + 7, ptr(call.values(n)), ptr(call.out(n)), mask)


@case
def tc_mask_scale(call: Call) -> None:
    n = call.size(LONG)
    mask = ffi.cast("uint8_t *", ptr(call.integers(2, n, dtype=np.uint8)))
    lib.tc_mask_scale(call.code, n, 1.7, mask, ptr(call.values(n)), ptr(call.out(n)))


# ---- optimizers ----


def _steps(call: Call, states: int, step) -> None:
    """Make two steps: `step(count, sizes, params, grads, states, number)`, each of the arrays a C array of pointers."""
    sizes = [call.size(30_000), 3, call.size(40_000), 64]

    def tensors(low: float = -2, high: float = 2):
        return ffi.new("void *[]", [ptr(call.keep(call.values(size, low=low, high=high))) for size in sizes])

    # The mean of squares is larger than the square of the mean.
    params, grads, held = tensors(), tensors(), [tensors(0.3, 0.5) for _ in range(states)]
    for number in (1, 2):
        step(len(sizes), i64(sizes), params, grads, held, number)


@case
def tc_sgd(call: Call) -> None:
    def step(count, sizes, params, grads, states, number):
        p = ffi.new("tc_sgd_params *", (0.1, 0.9, 0.1, 0.01, 0, 0, number == 1))
        lib.tc_sgd(call.code, p, count, sizes, params, grads, states[0])

    _steps(call, 1, step)


@case
def tc_adam(call: Call) -> None:
    for decoupled in (0, 1):

        def step(count, sizes, params, grads, states, number, decoupled=decoupled):
            p = ffi.new("tc_adam_params *", (0.01, 0.9, 0.99, 1e-8, 0.01, decoupled, decoupled, 0, number))
            lib.tc_adam(call.code, p, count, sizes, params, grads, *states)

        _steps(call, 3, step)


RULES = {
    "ADAMAX": (2, (0.1, 0.99, 1e-8, 0.02)),
    "NADAM": (2, (0.1, 0.99, 0.01, 0.5, 1e-8, 0.01, 0.01)),
    "RADAM": (2, (0.1, 0.99, 0.01, 0.5, 0.01, 0.7, 0.3, 1e-8)),
    "ADADELTA": (2, (0.9, 0.1, 1e-6, 0.1)),
    "ADAGRAD": (1, (1e-8, 0.1)),
    "RMSPROP": (3, (0.9, 0.1, 1e-8, 0.01, 0.9)),
    "RPROP": (2, (0.5, 1.2, 1e-6, 50)),
    "ASGD": (1, (0.1, 0.5)),
}


@case
def tc_optim(call: Call) -> None:
    for rule, (count_of_states, numbers) in RULES.items():
        which = getattr(lib, f"TC_OPTIM_{rule}")

        def step(count, sizes, params, grads, states, number, which=which, numbers=numbers):
            p = ffi.new("tc_optim_params *", (which, 0, 0.01, 0.99, numbers))
            table = ffi.new("void **[]", lib.TC_OPTIM_STATES)
            for place, state in enumerate(states):
                table[place] = state
            lib.tc_optim(call.code, p, count, sizes, params, grads, table)

        _steps(call, count_of_states, step)
