"""Cells of recurrent layers: what happens in one step.

On arrays `forward` and `backward`, which is what layers run (`ops/rnn.py`); `compose` is the same on Tensors, for
single steps and for gradients of gradients.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.core import Array
from tinygrad_cnn.tensor import Tensor

from .splitting import chunk

__all__ = ["CELLS", "Cell"]


def _parts(array: Array, count: int) -> list[Array]:
    size = array.shape[1] // count
    return [array[:, k * size : (k + 1) * size] for k in range(count)]


class Cell:
    """One step: from x and g, what the gates get from the input and from the state (N, gates H), and the states h and c
    (N, H) to the new ones. c is None but for LSTM.

    `forward` writes what `backward` needs into the arrays of `tape` (N, kept * H); `backward` gets dh and dc, writes dx
    and dg, turns dc into that of the state before, in place, and returns what of dh goes there directly (or None).
    """

    gates: ClassVar[int] = 1
    kept: ClassVar[tuple[int, ...]] = (1,)
    has_memory: ClassVar[bool] = False


class TanhCell(Cell):
    """h = tanh(x + g) (Elman, 1990)."""

    op: ClassVar[int] = core.TANH

    @classmethod
    def forward(cls, x: Array, g: Array, h: Array, c: Any, tape: list[Array]) -> Array:
        """Keep the result."""
        tape[0][...] = new = core.unary(cls.op, np.add(x, g, out=g))
        return new

    @staticmethod
    def backward(dh: Array, dc: Any, h: Array, tape: list[Array], dx: Array, dg: Array) -> None:
        """Through tanh."""
        dx[...] = dg[...] = dh * (1 - tape[0] * tape[0])

    @staticmethod
    def compose(x: Tensor, g: Tensor, h: Tensor, c: Any) -> tuple[Tensor, Any]:
        """On Tensors."""
        return (x + g).tanh(), None


class ReluCell(TanhCell):
    """h = max(0, x + g)."""

    op = core.RELU

    @staticmethod
    def backward(dh: Array, dc: Any, h: Array, tape: list[Array], dx: Array, dg: Array) -> None:
        """Where the result is positive."""
        dx[...] = dg[...] = dh * (tape[0] > 0)

    @staticmethod
    def compose(x: Tensor, g: Tensor, h: Tensor, c: Any) -> tuple[Tensor, Any]:
        """On Tensors."""
        return (x + g).relu(), None


class LstmCell(Cell):
    """i, f, o = sigmoid and n = tanh of the parts of x + g; c' = f c + i n; h' = o tanh(c')
    (Hochreiter and Schmidhuber, 1997)."""

    gates = 4
    kept = (4, 1, 1)
    has_memory = True

    @staticmethod
    def forward(x: Array, g: Array, h: Array, c: Array, tape: list[Array]) -> Array:
        """Change c in place; keep the gates, c before, and tanh(c')."""
        open_gates, before, squashed = tape
        np.add(x, g, out=g)
        core.unary(core.SIGMOID, g, open_gates)
        i, f, n, o = _parts(open_gates, 4)
        n[...] = core.unary(core.TANH, _parts(g, 4)[2])
        before[...] = c
        c *= f
        c += i * n
        squashed[...] = core.unary(core.TANH, c)
        return o * squashed

    @staticmethod
    def backward(dh: Array, dc: Array, h: Array, tape: list[Array], dx: Array, dg: Array) -> None:
        """dc gets its part of dh, then its way back to c."""
        open_gates, before, squashed = tape
        i, f, n, o = _parts(open_gates, 4)
        dc += dh * o * (1 - squashed * squashed)
        dx[...] = (1 - open_gates) * open_gates
        di, df, dn, do = _parts(dx, 4)
        di *= dc * n
        df *= dc * before
        dn[...] = dc * i * (1 - n * n)
        do *= dh * squashed
        dc *= f
        dg[...] = dx

    @staticmethod
    def compose(x: Tensor, g: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """On Tensors."""
        i, f, n, o = chunk(x + g, 4, 1)
        c = f.sigmoid() * c + i.sigmoid() * n.tanh()
        return o.sigmoid() * c.tanh(), c


class GruCell(Cell):
    """r, z = sigmoid of the parts of x + g, n = tanh(x + r g) of the last; h' = n + z (h - n)
    (Cho and others, 2014)."""

    gates = 3
    kept = (2, 1, 1)

    @staticmethod
    def forward(x: Array, g: Array, h: Array, c: Any, tape: list[Array]) -> Array:
        """Keep r and z, n, and the part of g that r scales."""
        open_gates, new, scaled = tape
        size = h.shape[1]
        core.unary(core.SIGMOID, core.binary(core.ADD, x[:, : 2 * size], g[:, : 2 * size]), open_gates)
        r, z = _parts(open_gates, 2)
        scaled[...] = g[:, 2 * size :]
        new[...] = core.unary(core.TANH, x[:, 2 * size :] + r * scaled)
        return new + z * (h - new)

    @staticmethod
    def backward(dh: Array, dc: Any, h: Array, tape: list[Array], dx: Array, dg: Array) -> Array:
        """x and g have all in common but the factor r."""
        open_gates, new, scaled = tape
        r, z = _parts(open_gates, 2)
        dr, dz, dn = _parts(dx, 3)
        dn[...] = dh * (1 - z) * (1 - new * new)
        dr[...] = dn * scaled * r * (1 - r)
        dz[...] = dh * (h - new) * z * (1 - z)
        dg[...] = dx
        _parts(dg, 3)[2][...] *= r
        return dh * z

    @staticmethod
    def compose(x: Tensor, g: Tensor, h: Tensor, c: Any) -> tuple[Tensor, Any]:
        """On Tensors."""
        (xr, xz, xn), (gr, gz, gn) = chunk(x, 3, 1), chunk(g, 3, 1)
        new = (xn + (xr + gr).sigmoid() * gn).tanh()
        return new + (xz + gz).sigmoid() * (h - new), None


CELLS: dict[str, Any] = {"RNN_TANH": TanhCell, "RNN_RELU": ReluCell, "LSTM": LstmCell, "GRU": GruCell}
