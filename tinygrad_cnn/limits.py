"""The limits of number types: `torch.finfo` and `torch.iinfo`."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from . import dtypes

__all__ = ["finfo", "iinfo"]


class finfo:
    """Limits of a floating-point dtype (the default one if none is given): bits, eps, max, min, tiny, resolution."""

    def __init__(self, type: Any = None):
        dtype = dtypes.get_default_dtype() if type is None else type
        if not isinstance(dtype, dtypes.dtype) or not dtype.is_floating_point:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
            )
        # bfloat16 has the exponent of float32 and 8 bits of precision, the leading one included.
        upper = dtype is dtypes.bfloat16
        info = np.finfo(np.float32 if upper else dtype._numpy)
        self.bits = 8 * dtype.itemsize
        self.eps = 2.0**-7 if upper else builtins.float(info.eps)
        self.max = (2.0 - self.eps) * 2.0**127 if upper else builtins.float(info.max)
        self.min = -self.max
        self.smallest_normal = self.tiny = builtins.float(info.tiny)
        self.resolution = 10.0 ** -(2 if upper else int(info.precision))
        self.dtype = dtype._name

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """Limits of an integer dtype: bits, max, min."""

    def __init__(self, type: Any):
        if type is dtypes.bool:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if not isinstance(type, dtypes.dtype) or type.is_floating_point:
            raise TypeError("torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'")
        info = np.iinfo(type._numpy)
        self.bits = int(info.bits)
        self.max = int(info.max)
        self.min = int(info.min)
        self.dtype = type._name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
