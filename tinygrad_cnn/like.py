"""New tensors like a given one: of its shape (`zeros_like`, ...) or its dtype (`tensor.new_zeros`, ...); and the
questions of device and dtype with one answer here."""

from __future__ import annotations

import builtins
from typing import Any

from . import core, creation, data
from ._arguments import check_options, deliver, preserve_format, to_dtype, to_number
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
        raise NotImplementedError(f"{name}(): there are no complex tensors here")

    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = "Raise NotImplementedError: there is no such dtype here."
    return convert


# ---- of a shape ----


def _permuted_like(shape: tuple[int, ...], strides: tuple[int, ...], numpy_dtype: Any) -> Any:
    """Return an uninitialised array whose dimensions lie in memory in the order of `strides`."""
    order = sorted(range(len(shape)), key=lambda d: (-abs(strides[d]), d))
    dense = core.empty(tuple([shape[d] for d in order]), numpy_dtype)
    inverse = [0] * len(order)
    for position, d in enumerate(order):
        inverse[d] = position
    return dense.transpose(inverse)


def like_array(input: Tensor, numpy_dtype: Any, memory_format: Any = None) -> Any:
    """Return an uninitialised array of the shape of `input`, and of its order in memory if that is a dense one.

    Row-major if another memory format than `preserve_format` is asked for.
    """
    array = input._array
    if array.flags.c_contiguous or 0 in array.strides or memory_format not in (None, preserve_format):
        return core.empty(array.shape, numpy_dtype)
    return _permuted_like(array.shape, array.strides, numpy_dtype)


def _like(function: str, input: Any, value: Any, options: creation.Options, memory_format: Any) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(f"{function}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    _, wanted, layout, device, pin_memory, requires_grad = options
    dtype = to_dtype(function, wanted, input.dtype)
    check_options(function, dtype, layout, device, pin_memory, requires_grad)
    array = like_array(input, dtype._numpy, memory_format)
    if value is not None:
        creation._fill(array, value, dtype)
    return deliver(function, array, None, requires_grad)


def empty_like(
    input: Tensor,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Return an uninitialised tensor with the shape and dtype of `input` (`torch.empty_like`)."""
    return _like("empty_like", input, None, (None, dtype, layout, device, pin_memory, requires_grad), memory_format)


def zeros_like(
    input: Tensor,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Return zeros with the shape and dtype of `input` (`torch.zeros_like`)."""
    return _like("zeros_like", input, 0, (None, dtype, layout, device, pin_memory, requires_grad), memory_format)


def ones_like(
    input: Tensor,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Return ones with the shape and dtype of `input` (`torch.ones_like`)."""
    return _like("ones_like", input, 1, (None, dtype, layout, device, pin_memory, requires_grad), memory_format)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Return a tensor with the shape and dtype of `input` filled with a number (`torch.full_like`)."""
    value = to_number("full_like", fill_value, 2)
    return _like("full_like", input, value, (None, dtype, layout, device, pin_memory, requires_grad), memory_format)


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
        options = (None, found, layout, device, pin_memory, requires_grad)
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


def new_empty_strided(
    self: Tensor,
    size: Any,
    stride: Any,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """Return an uninitialised tensor of the given sizes and strides in this tensor's dtype, or `dtype`."""
    found = to_dtype("new_empty_strided", dtype, self.dtype)
    return creation.empty_strided(
        size, stride, dtype=found, layout=layout, device=device, requires_grad=requires_grad, pin_memory=pin_memory
    )


def new(self: Tensor, *args: Any, device: Any = None) -> Tensor:
    """Return a tensor of this one's dtype, from sizes (uninitialised) or data, as the old constructors do."""
    from .legacy import _construct

    return _construct(self.dtype, "new", args, device, False)


new_empty, new_zeros, new_ones = _new_filled("new_empty", None), _new_filled("new_zeros", 0), _new_filled("new_ones", 1)
