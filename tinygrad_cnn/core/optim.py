"""Optimizer steps (core/optim.c): all parameters of one dtype in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .buffers import NULL, Array, code, ffi, lib, pointer


class PointerTable:
    """The C arrays of pointers that one optimizer call needs, kept from step to step.

    Taking a pointer costs more than the arithmetic on a small bias. Parameters and state keep their arrays, so their
    pointers are taken once for each array object; the object is held, so that its identity cannot become another's.
    Gradients are new arrays in every step: pointed at for the call, not held.
    """

    def __init__(self, count: int, states: int) -> None:
        self.count = count
        self.sizes = ffi.new("int64_t[]", max(count, 1))
        self._kept: list[list[Array | None]] = [[None] * count for _ in range(1 + states)]
        self._kept_pointers = [ffi.new("void *[]", max(count, 1)) for _ in range(1 + states)]
        self._grads = ffi.new("void *[]", max(count, 1))

    def bind(self, params: Sequence[Array], grads: Sequence[Array], states: Sequence[Sequence[Array]]) -> list[Any]:
        """Return the pointer arrays for parameters, gradients and each state, from lists of `count` dense arrays."""
        for arrays, kept, pointers in zip((params, *states), self._kept, self._kept_pointers, strict=True):
            for i, array in enumerate(arrays):
                if kept[i] is not array:
                    pointers[i] = pointer(array)
                    kept[i] = array
                    self.sizes[i] = array.size
        bound = self._grads
        for i, array in enumerate(grads):
            bound[i] = pointer(array)
        first, *rest = self._kept_pointers
        return [first, bound, *rest]


def sgd(
    table: PointerTable,
    params: Sequence[Array],
    grads: Sequence[Array],
    momentum_buffers: Sequence[Array] | None,
    *,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    first: bool,
) -> None:
    """Change `params` and `momentum_buffers` in place by one step of SGD (`torch.optim.SGD`'s formula and order).

    momentum_buffers: None if and only if momentum is 0. first: the buffers are uninitialised and become the gradient.
    """
    states = [] if momentum_buffers is None else [momentum_buffers]
    pointers = table.bind(params, grads, states)
    numbers = ffi.new("tc_sgd_params *", (lr, momentum, dampening, weight_decay, nesterov, maximize, first))
    buffers = pointers[2] if states else NULL
    lib.tc_sgd(code(params[0].dtype), numbers, table.count, table.sizes, pointers[0], pointers[1], buffers)


def adam(
    table: PointerTable,
    params: Sequence[Array],
    grads: Sequence[Array],
    exp_avgs: Sequence[Array],
    exp_avg_sqs: Sequence[Array],
    max_exp_avg_sqs: Sequence[Array] | None,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
    step: int,
) -> None:
    """Change `params` and their state in place by one step of Adam (`torch.optim.Adam`'s formula and order).

    max_exp_avg_sqs: None unless amsgrad. decoupled: AdamW's weight decay. step: 1 at the first step.
    """
    states = [exp_avgs, exp_avg_sqs] if max_exp_avg_sqs is None else [exp_avgs, exp_avg_sqs, max_exp_avg_sqs]
    pointers = table.bind(params, grads, states)
    amsgrad = max_exp_avg_sqs is not None
    numbers = ffi.new("tc_adam_params *", (lr, beta1, beta2, eps, weight_decay, decoupled, amsgrad, maximize, step))
    lib.tc_adam(
        code(params[0].dtype), numbers, table.count, table.sizes,
        pointers[0], pointers[1], pointers[2], pointers[3], pointers[4] if amsgrad else NULL,
    )  # fmt: skip
