"""The switch of Winograd's convolution: `tinygrad_cnn.backends.winograd.enabled`, as `torch.backends` has its switches.

Convolutions in float32 with a 3x3 kernel, stride 1, no dilation and no groups, and their gradients, are computed by
minimal filtering F(4x4, 3x3) (Winograd 1980; Lavin and Gray 2016) where that is quicker: about a quarter of the
multiplications, and two to three times the rounding errors of the direct sum. Which way is taken depends on the shape
alone, so results still do not depend on the number of threads.

Each 4x4 tile of outputs is computed from its 6x6 pixels together, so errors are in proportion to the largest of these.
Images that give NaN or infinities are computed again directly, which keeps these to the windows that they are in.

Switch it off where that matters: `enabled = False`, the context manager `flags(enabled=False)`, or the environment
variable TINYGRAD_CNN_WINOGRAD=0.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager

from tinygrad_cnn.core import lib

__all__ = ["enabled", "flags", "set_flags"]

enabled: bool


class _Switch(types.ModuleType):
    """The module, with `enabled` read from and written to the core."""

    @property
    def enabled(self) -> bool:
        """Whether Winograd's convolution is used where it is quicker."""
        return lib.tc_get_winograd() != lib.TC_WINOGRAD_OFF

    @enabled.setter
    def enabled(self, value: bool) -> None:
        set_flags(value)


def set_flags(enabled: bool) -> tuple[bool]:
    """Switch Winograd's convolution on or off; return the state before, as `torch.backends` modules do.

    Raises TypeError for what is not a bool.
    """
    if not isinstance(enabled, bool):
        raise TypeError(f"backends.winograd.enabled expects a bool, but got {type(enabled).__name__}")
    before = lib.tc_get_winograd() != lib.TC_WINOGRAD_OFF
    lib.tc_set_winograd(lib.TC_WINOGRAD_ON if enabled else lib.TC_WINOGRAD_OFF)
    return (before,)


@contextmanager
def flags(enabled: bool = False) -> Iterator[None]:
    """Switch Winograd's convolution on or off inside a `with` block, for all threads; the state before comes back."""
    (before,) = set_flags(enabled)
    try:
        yield
    finally:
        set_flags(before)


sys.modules[__name__].__class__ = _Switch
