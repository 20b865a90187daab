"""Recurrent layers: one direction of one layer, over whole sequences, as one operation.

Rows (M, ...) are the steps of all sequences, those of one time together; `sizes` says how many sequences run at each
time. Sequences are ordered by length, the longest first, so those that run at a time are the first ones of the batch
(in a padded batch all of them, always: M = T N).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.grad_mode import mode
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.core import Array
from tinygrad_cnn.tensor import Tensor, wrap

from .joining import cat
from .linear import Linear

__all__ = ["Recurrence", "compose_layer"]


def spans(sizes: list[int], reverse: bool) -> Iterator[tuple[slice, slice]]:
    """Yield, in the order of the steps, which rows belong to a time and which sequences of the batch run then."""
    stops = np.cumsum(sizes).tolist()
    pairs = [(slice(stop - n, stop), slice(0, n)) for n, stop in zip(sizes, stops, strict=True)]
    return reversed(pairs) if reverse else iter(pairs)


class Recurrence(Operation):
    """All steps of one layer in one direction.

    x (M, gates H): what the gates get from the inputs; h (N, R) and, for LSTM, c (N, H): the first state. weight
    (gates H, R) and bias (gates H,), or None, make g of the state, projection (R, H), or None, the state of what the
    cell returns. Returns the states after each step (M, R) and the last ones: h (N, R) and c (N, H).
    """

    def forward(
        self,
        x: Array,
        h: Array,
        c: Array | None,
        weight: Array,
        bias: Array | None,
        projection: Array | None,
        *,
        cell: Any,
        sizes: list[int],
        reverse: bool,
    ) -> tuple[Array, ...]:
        """Step by step; without recording the tape has room for one step only."""
        self.cell, self.sizes, self.reverse = cell, sizes, reverse
        recording = self.recording
        first = h, c
        rows, width = x.shape[0] if recording else max(sizes), x.shape[1] // cell.gates
        y = core.empty((x.shape[0], h.shape[1]), x.dtype)
        tape = [core.empty((rows, kept * width), x.dtype) for kept in cell.kept]
        before = core.empty((rows, h.shape[1]), x.dtype)
        raw = None if projection is None else core.empty((rows, width), x.dtype)
        h, c = core.copy(h), None if c is None else core.copy(c)
        for at, run in spans(sizes, reverse):
            kept = at if recording else run
            before[kept] = h[run]
            memory = None if c is None else c[run]
            new = cell.forward(
                x[at], core.gemm(h[run], weight.T, bias), h[run], memory, [array[kept] for array in tape]
            )
            if projection is not None and raw is not None:
                raw[kept] = new
                new = core.gemm(new, projection.T)
            y[at] = h[run] = new
        self.save_for_backward(x, *first, weight, bias, projection, before, raw, *tape)
        return (y, h) if c is None else (y, h, c)

    def backward(self, *grads: Any) -> Any:
        """Back through time; a gradient that shall have one itself is that of the same steps on Tensors."""
        saved = self.saved_tensors
        if mode.enabled:
            return self._composed(saved[:6], grads)
        return tuple([None if array is None else wrap(array) for array in self._backward(saved, grads)])

    def _backward(self, saved: Any, grads: Any) -> tuple[Any, ...]:
        arrays: list[Any] = [None if one is None else one._array for one in saved]
        x, h, c, weight, bias, projection, before, raw, *tape = arrays
        dy, dh, dc = [None if grad is None else grad._array for grad in (*grads, None)[:3]]
        dh = np.zeros_like(h) if dh is None else dh.copy()
        dc = (np.zeros_like(c) if dc is None else dc.copy()) if c is not None else None
        dx = core.empty(x.shape, x.dtype)
        dg = core.empty(x.shape, x.dtype)
        outs = None if projection is None else core.empty(before.shape, x.dtype)
        for at, run in spans(self.sizes, not self.reverse):
            part = dh[run] if dy is None else dh[run] + dy[at]
            if projection is not None and outs is not None:
                outs[at] = part
                part = core.gemm(part, projection)
            memory = None if dc is None else dc[run]
            direct = self.cell.backward(part, memory, before[at], [array[at] for array in tape], dx[at], dg[at])
            back = core.gemm(dg[at], weight)
            dh[run] = back if direct is None else back + direct
        return (
            dx,
            dh,
            dc,
            core.gemm(dg.T, before),
            None if bias is None else core.reduce(core.SUM, dg, (0,)),
            None if outs is None else core.gemm(outs.T, raw),
        )

    def _composed(self, inputs: Any, grads: Any) -> tuple[Any, ...]:
        from tinygrad_cnn.autograd.engine import grad as grad_of

        # Aliases: a gradient must not go on, through an input, to another one that it was made of.
        inputs = [None if tensor is None else tensor.view(tensor.shape) for tensor in inputs]
        results = compose_layer(*inputs, cell=self.cell, sizes=self.sizes, reverse=self.reverse)
        given = [(result, grad) for result, grad in zip(results, grads, strict=True) if grad is not None]
        wanted = [k for k, tensor in enumerate(inputs) if tensor is not None and tensor.requires_grad]
        found = grad_of(
            [result for result, _ in given],
            [inputs[k] for k in wanted],
            [grad for _, grad in given],
            create_graph=True,
            allow_unused=True,
        )
        by_input = dict(zip(wanted, found, strict=True))
        return tuple([by_input.get(k) for k in range(len(inputs))])


def compose_layer(
    x: Tensor,
    h: Tensor,
    c: Tensor | None,
    weight: Tensor,
    bias: Tensor | None,
    projection: Tensor | None,
    *,
    cell: Any,
    sizes: list[int],
    reverse: bool,
) -> tuple[Tensor, ...]:
    """What Recurrence computes, in differentiable operations."""
    outputs: dict[int, Tensor] = {}
    for at, run in spans(sizes, reverse):
        memory = None if c is None else c[run]
        new, memory = cell.compose(x[at], Linear.apply(h[run], weight, bias), h[run], memory)
        if projection is not None:
            new = Linear.apply(new, projection, None)
        outputs[at.start] = new
        h = cat([new, h[run.stop :]])
        c = None if c is None or memory is None else cat([memory, c[run.stop :]])
    y = cat([outputs[start] for start in sorted(outputs)])
    return (y, h) if c is None else (y, h, c)
