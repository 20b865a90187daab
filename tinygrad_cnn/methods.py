"""Puts the methods into Tensor: those of the operations, the operators, and what a tensor is besides.

For type checkers Tensor inherits from `Methods` of the stub beside this file (`tools/stubs.py` writes it), `Operators`
and `Members`.
"""

from __future__ import annotations

from . import ops
from .members import Members
from .operators import Operators
from .ops.forms import METHODS
from .tensor import Tensor

_OF_CLASSES = ("__module__", "__dict__", "__weakref__", "__doc__", "__qualname__", "__firstlineno__")


def install() -> None:
    """Put the methods into Tensor."""
    ops.load()
    for name, value in (*METHODS.items(), *vars(Operators).items(), *vars(Members).items()):
        if name not in _OF_CLASSES:
            setattr(Tensor, name, value)
