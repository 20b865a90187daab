"""New tensors like a given one (`tensor.new_zeros`, ...), and the questions of device and dtype with one answer
here."""

from __future__ import annotations

import builtins
from typing import Any

from . import creation, data
from ._arguments import check_options, to_dtype
from .tensor import Tensor


def cuda(self: Tensor, device: Any = None, non_blocking: builtins.bool = False, memory_format: Any = None) -> Tensor:
    """Raise AssertionError, as PyTorch's CPU build does."""
    raise AssertionError("Torch not compiled with CUDA enabled")


def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """Raise RuntimeError, as PyTorch does without an accelerator: there is nothing to pin memory for."""
    raise RuntimeError("Cannot access accelerator device when none is available.")


def absent(name: str) -> Any:
    """Return a conversion that raises NotImplementedError: for a dtype that PyTorch has and this package has not."""

    def convert(self: Tensor, memory_format: Any = None) -> Tensor:
        raise NotImplementedError(f"{name}(): the dtypes here are float32, float64, int64, int32, uint8 and bool")

    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = "Raise NotImplementedError: there is no such dtype here."
    return convert


# ---- new_* ----


def new_tensor(
    self: Tensor,
    data_: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: builtins.bool = False,
    layout: Any = None,
    pin_memory: builtins.bool = False,
) -> Tensor:
    """Return a tensor with a copy of `data` in this tensor's dtype, or `dtype`."""
    found = to_dtype("new_tensor", dtype, self.dtype)
    check_options("new_tensor", found, layout, device, pin_memory, requires_grad)
    source = data_.detach() if isinstance(data_, Tensor) else data_
    result = data._tensor("new_tensor", source, found, True)
    if requires_grad:
        result.requires_grad = True
    return result


def _new_filled(name: str, value: Any) -> Any:
    def new(
        self: Tensor,
        *args: Any,
        size: Any = None,
        dtype: Any = None,
        device: Any = None,
        requires_grad: builtins.bool = False,
        layout: Any = None,
        pin_memory: builtins.bool = False,
    ) -> Tensor:
        found = to_dtype(name, dtype, self.dtype)
        options = creation._options(None, found, layout, device, pin_memory, requires_grad)
        return creation._make(name, creation._sizes(name, args, size), value, options)

    new.__name__ = new.__qualname__ = name
    new.__doc__ = f"Return a tensor of the given sizes in this tensor's dtype, or `dtype` (see `torch.{name[4:]}`)."
    return new


def new_full(
    self: Tensor,
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: builtins.bool = False,
    layout: Any = None,
    pin_memory: builtins.bool = False,
) -> Tensor:
    """Return a tensor of `size` filled with a number, in this tensor's dtype, or `dtype`."""
    found = to_dtype("new_full", dtype, self.dtype)
    return creation.full(
        size, fill_value, dtype=found, device=device, requires_grad=requires_grad, layout=layout, pin_memory=pin_memory
    )


def new(self: Tensor, *args: Any, device: Any = None) -> Tensor:
    """Return a tensor of this one's dtype, from sizes (uninitialised) or data, as the old constructors do."""
    from .legacy import _construct

    return _construct(self.dtype, "new", args, device, False)


new_empty, new_zeros, new_ones = _new_filled("new_empty", None), _new_filled("new_zeros", 0), _new_filled("new_ones", 1)
