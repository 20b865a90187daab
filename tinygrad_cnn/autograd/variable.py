"""`Variable`: what PyTorch called a tensor that needs gradients before version 0.4; scripts still write it."""

from __future__ import annotations

import warnings
from typing import Any

from tinygrad_cnn.tensor import Tensor

__all__ = ["Variable"]


class _VariableMeta(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_VariableMeta):
    """`Variable(tensor, requires_grad=False)` returns a Tensor on the same memory (`torch.autograd.Variable`).

    `volatile=True`, removed from PyTorch in 0.4, is accepted with the warning that PyTorch gives: it has no effect.
    """

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: bool = False) -> Any:
        """Return `data` as a Tensor outside the graph."""
        if volatile:
            warnings.warn(
                "volatile was removed (Variable.volatile is always False). Use with torch.no_grad(): instead.",
                stacklevel=2,
            )
        if data is None:
            return Tensor()
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        result = data.detach()
        if requires_grad:
            result.requires_grad = True
        return result
