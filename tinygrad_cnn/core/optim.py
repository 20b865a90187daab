"""Optimizer steps (core/optim.c): all parameters of one dtype in one call."""

from __future__ import annotations

from collections.abc import Sequence

from .buffers import NULL, Array, _from_buffer, code, ffi, lib, pointer


class PointerTable:
    """The C arrays of pointers that one optimizer call needs, kept from step to step.

    Taking a pointer costs more than the arithmetic on a small bias. Parameters and state keep their arrays, so their
    pointers are taken once; the arrays are held. Gradients are new in every step: pointed at for the call, not held.
    """

    def __init__(self, params: Sequence[Array], states: Sequence[Sequence[Array]]) -> None:
        self.count = len(params)
        self.code = code(params[0].dtype)
        self.sizes = ffi.new("int64_t[]", [array.size for array in params])
        self._held = params, states
        self.params = ffi.new("void *[]", [pointer(array) for array in params])
        self.states = [ffi.new("void *[]", [pointer(array) for array in arrays]) for arrays in states]
        self.grads = ffi.new("void *[]", self.count)

    def point(self, grads: Sequence[Array]) -> None:
        """Point at the gradients of a step: dense arrays, which the caller holds."""
        bound = self.grads
        for i, array in enumerate(grads):
            bound[i] = _from_buffer(array)


def sgd(
    table: PointerTable,
    *,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    first: bool,
) -> None:
    """Change the table's parameters in place by one step of SGD (`torch.optim.SGD`'s formula and order).

    Its only state is the momentum buffers, none if and only if momentum is 0. first: the buffers are uninitialised and
    become the gradient.
    """
    numbers = ffi.new("tc_sgd_params *", (lr, momentum, dampening, weight_decay, nesterov, maximize, first))
    buffers = table.states[0] if table.states else NULL
    lib.tc_sgd(table.code, numbers, table.count, table.sizes, table.params, table.grads, buffers)


def adam(
    table: PointerTable,
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
    """Change the table's parameters in place by one step of Adam (`torch.optim.Adam`'s formula and order).

    Its states are the first and second moments and, for amsgrad, the largest second moments. decoupled: AdamW's weight
    decay. step: 1 at the first step.
    """
    amsgrad = len(table.states) == 3
    numbers = ffi.new("tc_adam_params *", (lr, beta1, beta2, eps, weight_decay, decoupled, amsgrad, maximize, step))
    lib.tc_adam(
        table.code, numbers, table.count, table.sizes,
        table.params, table.grads, table.states[0], table.states[1], table.states[2] if amsgrad else NULL,
    )  # fmt: skip


def optim_rule(
    table: PointerTable,
    rule: str,
    numbers: Sequence[float],
    *,
    weight_decay: float,
    shrink: float,
    maximize: bool,
    columns: Sequence[int | None],
) -> None:
    """Change the table's parameters in place by one step of another rule of `torch.optim`.

    rule and numbers: as core.h lists them. weight_decay: the multiple of the parameter that is added to the gradient.
    shrink: the factor of the parameter before the step. columns: for each state that the rule may have, its place among
    the table's states, or None where it is not used.
    """
    states = ffi.new("void **[]", lib.TC_OPTIM_STATES)
    for place, column in enumerate(columns):
        if column is not None:
            states[place] = table.states[column]
    which = getattr(lib, f"TC_OPTIM_{rule}")
    options = ffi.new("tc_optim_params *", (which, maximize, weight_decay, shrink, numbers))
    lib.tc_optim(table.code, options, table.count, table.sizes, table.params, table.grads, states)
