"""What the families of operations share: argument checks, `out=`, copies and in-place forms."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from tinygrad_cnn import core, dtypes
from tinygrad_cnn.autograd.grad_mode import mode
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.casts import FLOATING
from tinygrad_cnn.dtypes import from_numpy_dtype, get_default_dtype
from tinygrad_cnn.dtypes import scalar_name as _scalar_name
from tinygrad_cnn.tensor import Tensor

from .promotion import cast, is_number

FLOATS = core.FLOATS
F = TypeVar("F", bound=Callable[..., Any])


def as_array(result: Any) -> Any:
    """Return what a NumPy function gave as an array: for 0-d operands it gives a scalar."""
    return result if type(result) is np.ndarray else np.asarray(result)


# ---- checks ----


def scalar_name(tensor: Tensor) -> str:
    """Return PyTorch's C++ name of the tensor's dtype, which its messages use."""
    return _scalar_name(tensor.dtype)


def check_tensor(value: Any, function: str, argument: str = "input", position: int = 1) -> Tensor:
    """Return `value`, or raise the TypeError that PyTorch raises for something that is not a Tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{function}(): argument '{argument}' (position {position}) must be Tensor, not {type(value).__name__}"
        )
    return value


def broadcast_error(*arrays: Any) -> RuntimeError:
    """Return the error for arrays whose shapes cannot be broadcast, naming the last dimension that does not fit."""
    a = arrays[0].shape
    for array in arrays[1:]:
        b = array.shape
        ndim = max(len(a), len(b))
        full_a, full_b = (1,) * (ndim - len(a)) + a, (1,) * (ndim - len(b)) + b
        for dim in range(ndim - 1, -1, -1):
            if full_a[dim] != full_b[dim] and 1 not in (full_a[dim], full_b[dim]):
                return RuntimeError(
                    f"The size of tensor a ({full_a[dim]}) must match the size of tensor b ({full_b[dim]}) at "
                    f"non-singleton dimension {dim}"
                )
        a = tuple([x if y == 1 else y for x, y in zip(full_a, full_b, strict=True)])
    return RuntimeError(f"shapes {[list(array.shape) for array in arrays]} cannot be broadcast")


def wrap_dim(dim: Any, ndim: int) -> int:
    """Return `dim` counted from the front; IndexError if it is out of range. A 0-d tensor has dimensions -1 and 0."""
    if type(dim) is not int:
        dim = index_of(dim)
    bound = ndim or 1
    if -bound <= dim < bound:
        return dim + bound if dim < 0 else dim
    raise IndexError(f"Dimension out of range (expected to be in range of [{-bound}, {bound - 1}], but got {dim})")


def index_of(value: Any) -> int:
    """Return an int from what can stand for one (a NumPy integer, a 0-d integer tensor); TypeError otherwise."""
    try:
        return value.__index__()
    except AttributeError:
        raise TypeError(f"expected an int, but got {type(value).__name__}") from None


_ALL = [tuple(range(ndim)) for ndim in range(core.MOST_DIMENSIONS + 1)]


def wrap_dims(dim: Any, ndim: int) -> tuple[int, ...]:
    """Return the dimensions that a reduction's `dim` names: None and () mean all; RuntimeError for one named twice."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return _ALL[ndim]
    if not isinstance(dim, (tuple, list)):
        first = wrap_dim(dim, ndim)
        return (first,) if ndim else ()
    dims = tuple([wrap_dim(d, ndim) for d in dim])
    for d in dims:
        if dims.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return dims if ndim else ()


def sizes_of(sizes: tuple[Any, ...], function: str = "") -> tuple[int, ...]:
    """Return the ints of `f(2, 3)`, `f((2, 3))` or `f(Size)`."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    for size in sizes:
        if type(size) is not int:
            break
    else:  # by far the most frequent case
        return sizes
    try:
        return tuple([size if type(size) is int else index_of(size) for size in sizes])
    except TypeError:
        kinds = ", ".join(type(size).__name__ for size in sizes)
        raise TypeError(f"{function}(): sizes must be ints, but got ({kinds})") from None


_NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim"}


def numpy_names(function: F) -> F:
    """Let a function also take NumPy's names `axis` and `keepdims` for `dim` and `keepdim`, as PyTorch's do."""

    @functools.wraps(function)
    def renamed(*args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            return function(*args)
        for name, ours in _NUMPY_NAMES.items():
            if name in kwargs and ours not in kwargs:
                kwargs[ours] = kwargs.pop(name)
        return function(*args, **kwargs)

    return renamed  # type: ignore[return-value]


# ---- PyTorch's old order of arguments ----


def old_order(name: str, number: Any, rest: tuple[Any, ...], count: int = 1) -> tuple[Any, ...]:
    """Return the tensors and the number of a call in PyTorch's old order, f(input, number, *tensors), with a warning.

    Raises TypeError for more arguments than that.
    """
    if len(rest) != count or not is_number(number):
        given = len(rest) + 2
        raise TypeError(f"{name}() takes {count + 1} positional arguments but {given} were given")
    warnings.warn(
        f"This overload of {name} is deprecated: the number belongs behind the tensors, as a keyword.", stacklevel=4
    )
    return *rest, number


# ---- out= ----


def write_out(function: str, out: Any, result: Tensor, *inputs: Any) -> Tensor:
    """Write `result` into the tensor `out`, resized if need be, and return it.

    Raises RuntimeError if a gradient is wanted (`out=` does not go with autograd) or the dtype cannot hold the result.
    """
    check_tensor(out, function, "out", len(inputs) + 1)
    if mode.enabled and any(isinstance(tensor, Tensor) and tensor.requires_grad for tensor in (out, *inputs)):
        raise RuntimeError(
            f"{function}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )
    array = result._array
    check_overlap(out._array)
    if not dtypes.can_cast(from_numpy_dtype(array.dtype), out.dtype):
        raise RuntimeError(
            f"result type {scalar_name(result)} can't be cast to the desired output type {scalar_name(out)}"
        )
    if out._array.shape != array.shape:
        if out._array.size:
            warnings.warn(
                "An output with one or more elements was resized since it had shape "
                f"{list(out._array.shape)}, which does not match the required output shape {list(array.shape)}. This "
                "behavior is deprecated, and in a future PyTorch release outputs will not be resized unless they have "
                "zero elements. You can explicitly reuse an out tensor t by resizing it, inplace, to zero elements "
                "with t.resize_(0).",
                UserWarning,
                stacklevel=3,
            )
        out._array = core.empty(array.shape, out._array.dtype)
    out._write(array)
    return out


def check_overlap(array: Any) -> None:
    """Raise RuntimeError if several elements that would be written share a place: a dimension of stride 0."""
    if 0 in array.strides and any(
        step == 0 and size > 1 for size, step in zip(array.shape, array.strides, strict=True)
    ):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )


# ---- in-place ----


def inplace(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the in-place form of a function: `f_(input, ...)` sets input to `f(input, ...)`.

    Made of the function itself on a copy of the input: for operations that are too rare to have a form of their own.
    """

    @functools.wraps(function)
    def changed(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        input._check_inplace()
        if not mode.enabled:
            return assign(input, function(input, *args, **kwargs))
        return assign(input, function(clone(input), *args, **kwargs))

    changed.__name__ = changed.__qualname__ = f"{function.__name__}_"
    changed.__doc__ = f"In-place form of `{function.__name__}`: write the result into `input` and return it."
    return changed


def assign(target: Tensor, result: Tensor) -> Tensor:
    """Write `result` into `target`, in the graph too; RuntimeError if shape or dtype do not allow it."""
    array = result._array
    if array.shape != target._array.shape:
        raise RuntimeError(
            f"output with shape {list(target._array.shape)} doesn't match the broadcast shape {list(array.shape)}"
        )
    if not dtypes.can_cast(from_numpy_dtype(array.dtype), target.dtype):
        raise RuntimeError(
            f"result type {_scalar_name(result.dtype)} can't be cast to the desired output type "
            f"{_scalar_name(target.dtype)}"
        )
    return target._inplace(CopyInto, cast(result, target.dtype))


class CopyInto(Operation):
    """What `copy_` does: the old value goes, the new one, broadcast, comes."""

    grad_name = "CopyBackwards"
    takes_out = strided_out = moves_only = True
    saves_input = False

    def forward(self, old: Any, new: Any, out: Any = None) -> Any:
        """Return `new` broadcast to the shape of `old`."""
        if new.shape != old.shape:
            try:
                new = np.broadcast_to(new, old.shape)
            except ValueError:
                raise _copy_error(old, new) from None
        if out is None:
            return core.copy(new)
        core.copy_into(new, out)
        return out

    def backward(self, grad: Tensor) -> Any:
        """Give all to the new value."""
        zeros = Tensor._zeros(grad._array.shape, grad._array.dtype) if self.needs_input_grad[0] else None
        return zeros, grad if self.needs_input_grad[1] else None


def _copy_error(old: Any, new: Any) -> RuntimeError:
    if new.ndim > old.ndim:
        return RuntimeError(
            f"expand(torch.FloatTensor{{{list(new.shape)}}}, size={list(old.shape)}): the number of sizes provided "
            f"({old.ndim}) must be greater or equal to the number of dimensions in the tensor ({new.ndim})"
        )
    return broadcast_error(old, new)


class Clone(Operation):
    """A dense copy."""

    grad_name = "CloneBackward0"
    moves_only = True

    def forward(self, x: Any) -> Any:
        """Copy."""
        return core.copy(x)

    def backward(self, grad: Tensor) -> Tensor:
        """Pass on."""
        return grad


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """Return a dense copy, differentiable (`torch.clone`). `memory_format` is accepted; memory is always row-major."""
    return Clone.apply(check_tensor(input, "clone"))


def floating(input: Any, function: str) -> Tensor:
    """Return the input, converted to the default float if it is an integer or bool tensor."""
    check_tensor(input, function)
    return input if input._array.dtype in FLOATING else cast(input, get_default_dtype())
