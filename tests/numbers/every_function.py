"""A program that calls every function of the core, several on each of its ways, and returns all that they compute.

    python -m tests.numbers.every_function            # calls as a caller with the usual floating-point mode
    python -m tests.numbers.every_function rounding   # as one with another (`watched.py`), the same after each call
    python -m tests.numbers.every_function trapping

It prints a digest of the results, which must be the same each time (-v: one for each), and the functions called.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Outputs = Iterator[Any]

UNARY = (
    "neg",
    "abs",
    "sign",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "square",
    "floor",
    "ceil",
    "round",
    "trunc",
    "exp",
    "expm1",
    "log",
    "log1p",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "erf",
    "relu",
)
BINARY = (
    "add",
    "sub",
    "mul",
    "div",
    "maximum",
    "minimum",
    "pow",
    "fmod",
    "remainder",
    "atan2",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
)
REDUCTIONS = ("sum", "mean", "prod", "amax", "amin")
OPTIMIZERS = ("Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adadelta", "Adagrad", "RMSprop", "Rprop", "ASGD")
RUNTIME = (
    "tc_version",
    "tc_compiler",
    "tc_isa",
    "tc_isa_available",
    "tc_alloc_trim",
    "tc_alloc_reset_peak",
    "tc_get_winograd",
)


def elementwise(tc: Any, x: Any) -> Outputs:
    """Unary and binary functions, scalars, comparisons, choices, copies and fills, and steps of their gradients."""
    for name in UNARY:
        yield getattr(x, name)()
    yield tc.nn.functional.leaky_relu(x)
    y = x.flip(0)
    for name in BINARY:
        yield getattr(x, name)(y)
        yield getattr(x, name)(tc.tensor(1 / 3, dtype=x.dtype) if name in ("maximum", "minimum", "atan2") else 1 / 3)
    yield tc.add(x, y, alpha=1 / 3)
    yield tc.where(x > 0, x, y)
    yield x.t().contiguous()
    yield tc.full((300,), 1 / 3, dtype=x.dtype)
    yield x.clone().fill_(1e-40)
    for name in REDUCTIONS:
        yield getattr(x, name)()
        yield getattr(x.t(), name)(0)
    yield from x.max(1)
    yield x.argmin(0)


def products(tc: Any, x: Any) -> Outputs:
    """Matrices of several shapes, which take different ways."""
    for rows, depth, columns in ((1, 90, 1), (40, 40, 40), (3, 70, 2), (1, 9, 30), (20, 7, 90)):
        a, b = tc.randn(rows, depth, dtype=x.dtype), tc.randn(depth, columns, dtype=x.dtype)
        yield a @ b
        yield tc.addmm(tc.ones(columns, dtype=x.dtype), a, b, beta=1 / 3, alpha=0.7)
    yield tc.randn(3, 5, 6, dtype=x.dtype) @ tc.randn(3, 6, 4, dtype=x.dtype)


def _with_gradients(result: Any, *leaves: Any) -> Outputs:
    yield result.detach()
    weights = (result.detach() * 3).cos()
    for leaf in leaves:
        leaf.grad = None
    (result * weights).sum().backward()
    for leaf in leaves:
        yield leaf.grad


CONVOLUTIONS = (  # (channels, filters, size, kernel, options)
    (8, 16, 12, 3, {"padding": 1}),  # Winograd
    (3, 4, 9, 5, {"padding": 2}),
    (4, 4, 9, 3, {"groups": 4, "padding": 1}),  # one channel a group
    (6, 5, 7, 1, {}),  # a product
    (3, 4, 5, 5, {}),
    (4, 6, 12, 3, {"stride": 2, "padding": 1}),
    (4, 6, 12, 3, {"dilation": 2, "groups": 2}),
    (16, 96, 6, 3, {}),
)


def layers(tc: Any, x: Any) -> Outputs:
    """Convolutions, poolings, paddings, normalisation, softmax and losses with their gradients."""
    functional = tc.nn.functional

    def fresh(*shape: int) -> Any:
        return tc.randn(*shape, dtype=x.dtype).requires_grad_()

    for channels, filters, size, kernel, options in CONVOLUTIONS:
        images = fresh(2, channels, size, size)
        weight, bias = fresh(filters, channels // options.get("groups", 1), kernel, kernel), fresh(filters)
        yield from _with_gradients(functional.conv2d(images, weight, bias, **options), images, weight, bias)
        yield from _with_gradients(functional.conv2d(images, weight, bias, **options).relu(), images, weight, bias)
    images = fresh(2, 3, 9, 8)
    for pool in (
        lambda i: functional.max_pool2d(i, 3, 2, 1),
        lambda i: functional.max_pool2d(i.relu(), 2, 2),
        lambda i: functional.adaptive_max_pool2d(i, (4, 5)),
        lambda i: functional.avg_pool2d(i, 3, 2, 1),
        lambda i: functional.adaptive_avg_pool2d(i, (4, 5)),
        lambda i: functional.max_unpool2d(*functional.max_pool2d(i, 2, 2, return_indices=True), 2, 2),
        lambda i: functional.pad(i, (1, 2, 2, 1), mode="reflect"),
        lambda i: functional.pad(i, (1, 2, 2, 1), value=1 / 3),
        lambda i: functional.interpolate(i, scale_factor=2.0, mode="bilinear"),
        lambda i: functional.interpolate(i, scale_factor=2.0),
        lambda i: functional.softmax(i, 1),
        lambda i: functional.log_softmax(i, 3),
        lambda i: functional.dropout(i, 0.3),
    ):
        yield from _with_gradients(pool(images), images)
    norm = tc.nn.BatchNorm2d(3).to(x.dtype)
    yield from _with_gradients(norm(images), images, norm.weight, norm.bias)
    yield from (norm.running_mean, norm.running_var)
    yield from _with_gradients(norm.eval()(images), images, norm.weight, norm.bias)
    logits, weight = fresh(7, 5, 3), tc.rand(5, dtype=x.dtype)
    targets = tc.randint(0, 5, (7, 3))
    for reduction in ("none", "sum", "mean"):
        options = {"reduction": reduction, "weight": weight}
        yield from _with_gradients(functional.cross_entropy(logits, targets, label_smoothing=0.1, **options), logits)
        yield from _with_gradients(functional.nll_loss(logits.log_softmax(1), targets, **options), logits)
    for failing in (functional.cross_entropy, functional.nll_loss):
        try:
            failing(logits, targets + 5)
        except IndexError:
            continue
        raise AssertionError(f"{failing.__name__} took a label out of range")


def optimizers(tc: Any, x: Any) -> Outputs:
    """A step of each."""
    optim = tc.optim
    for kind, options in (
        (optim.SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
        *((getattr(optim, name), {}) for name in OPTIMIZERS),
    ):
        weights = x.clone().requires_grad_()
        optimizer = kind([weights], **options)
        for _ in range(2):
            weights.grad = weights.detach().cos()
            optimizer.step()
        yield weights.detach()


def random(tc: Any, x: Any) -> Outputs:
    """What draws from the generator."""
    yield tc.rand(100, dtype=x.dtype)
    yield tc.randn(7, dtype=x.dtype)
    yield tc.randn(100, dtype=x.dtype)
    yield tc.randint(-3, 90, (50,))
    yield tc.randperm(50)
    yield tc.empty(50, dtype=x.dtype).bernoulli_(1 / 3)
    yield tc.tensor([tc.Generator().manual_seed(5).seed() * 0])


def no_memory(tc: Any, x: Any) -> Outputs:
    """Calls that end because there is no memory, in a build that lets allocations fail."""
    lib = tc.core.lib
    if not hasattr(lib, "tc_alloc_fail_at"):
        return
    images, weight = tc.randn(2, 8, 12, 12, dtype=x.dtype), tc.randn(16, 8, 3, 3, dtype=x.dtype)
    for call in (
        lambda: tc.nn.functional.conv2d(images, weight),
        lambda: tc.nn.functional.batch_norm(images, None, None, training=True),
        lambda: images[:, ::2, ::2].softmax(1),
    ):
        for n in range(1, 4):
            lib.tc_alloc_fail_at(n, 0)
            try:
                call()
            except MemoryError:
                yield tc.tensor([1.0])
            finally:
                lib.tc_alloc_fail_at(0, 0)


def rest(tc: Any, x: Any) -> Outputs:
    """What the package calls rarely or in its own tests only: the runtime, and NumPy arrays with wrong contents."""
    lib, ffi = tc.core.lib, tc.core.ffi
    for name in RUNTIME:
        getattr(lib, name)()
    lib.tc_isa_rejected()
    lib.tc_set_isa(lib.tc_isa())
    lib.tc_strerror(0)
    lib.tc_set_num_threads(lib.tc_get_num_threads())
    lib.tc_set_winograd(lib.tc_get_winograd())
    lib.tc_free(lib.tc_alloc(100))
    lib.tc_get_alloc_stats(ffi.new("tc_alloc_stats *"))
    lib.tc_alloc_set_cap(1 << 30)
    weight, line = x.reshape(37, 1, 1, 41).numpy(), x[:, 0].contiguous().numpy()
    for array in tc.core.norm.fold_batch_norm(weight, line, line, line * line, line, line, 1e-5):
        yield tc.from_numpy(array)
    tc.core.elementwise.fill(line, 1 / 3)
    yield tc.from_numpy(line)
    generator = ffi.new("tc_generator *")
    lib.tc_generator_seed(generator, 3)
    yield tc.tensor([float(lib.tc_random32(generator)), float(lib.tc_random64(generator) >> 20)])
    assert lib.tc_ndarray_unary(lib.TC_EXP, id([]), id(x.numpy())) == lib.TC_EINVAL


PARTS: tuple[Callable[[Any, Any], Outputs], ...] = (
    elementwise, products, layers, optimizers, random, no_memory, rest
)  # fmt: skip


def run() -> str:
    """Run all parts in both dtypes; return a digest of their results."""
    import tinygrad_cnn as tc

    digest = hashlib.sha256()
    for dtype in (tc.float32, tc.float64):
        tc.manual_seed(0)
        x = tc.randn(37, 41, dtype=dtype)
        for part in PARTS:
            for number, result in enumerate(part(tc, x)):
                array = np.ascontiguousarray(result.numpy())
                digest.update(array.tobytes())
                if "-v" in sys.argv:
                    print(part.__name__, number, hashlib.sha256(array.tobytes()).hexdigest()[:12])
    return digest.hexdigest()


def main() -> None:
    """Print what was found as JSON."""
    from tests.numbers import watched

    for mode in {"rounding", "trapping"} & set(sys.argv):
        watched.install(mode)
    print(json.dumps({"digest": run(), "called": sorted(watched.called), "changed": watched.changed}))


if __name__ == "__main__":
    main()
