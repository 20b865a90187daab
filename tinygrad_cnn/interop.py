"""Out of a Tensor and into one: Python numbers and lists, NumPy arrays, DLPack, copy and pickle; methods of Tensor."""

from __future__ import annotations

import builtins
import copy
import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import core, dtypes
from .autograd.waiting import settle
from .casts import BF16, FLOATING, widened
from .dtypes import from_numpy_dtype
from .tensor import Tensor, wrap

_NO_NUMPY = "Got unsupported ScalarType BFloat16"
_NEEDS_GRAD = "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."


def numpy(self: Tensor, *, force: builtins.bool = False) -> Any:
    """Return a NumPy array on the memory of this tensor.

    Raises RuntimeError if the tensor requires a gradient, unless `force`, and TypeError for bfloat16, which NumPy does
    not have (`torch.Tensor.numpy`).
    """
    if self.requires_grad and not force:
        raise RuntimeError(_NEEDS_GRAD)
    if self._array.dtype == BF16:
        raise TypeError(_NO_NUMPY)
    self._expose()
    return self._array.view()


def __array__(self: Tensor, dtype: Any = None, copy: Any = None) -> Any:
    """Return this tensor as a NumPy array, on the same memory if dtype and `copy` allow it (NumPy's protocol)."""
    if self.requires_grad:
        raise RuntimeError(_NEEDS_GRAD)
    array = self._array
    if array.dtype == BF16:
        raise TypeError(_NO_NUMPY)
    if dtype is not None and np.dtype(dtype) != array.dtype:
        if copy is False:
            raise ValueError("Unable to avoid copy while creating an array as requested.")
        return array.astype(dtype)
    if copy:
        return array.copy()
    self._expose()
    return array.view()


_OPERATORS = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.true_divide: operator.truediv,
    np.floor_divide: operator.floordiv,
    np.remainder: operator.mod,
    np.power: operator.pow,
    np.matmul: operator.matmul,
    np.equal: operator.eq,
    np.not_equal: operator.ne,
    np.less: operator.lt,
    np.less_equal: operator.le,
    np.greater: operator.gt,
    np.greater_equal: operator.ge,
}


def _operand(value: Any) -> Any:
    """Return a NumPy array as a tensor and a NumPy scalar as a Python number."""
    if isinstance(value, np.ndarray):
        return wrap(core.copy(value) if any(step < 0 for step in value.strides) else value)
    return value.item() if isinstance(value, np.generic) else value


def __array_ufunc__(self: Tensor, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """Let NumPy's functions take tensors and return tensors.

    `array * tensor` and the other operators are those of tensors, gradients included; what NumPy computes itself
    refuses tensors that require one.
    """
    binary = _OPERATORS.get(ufunc)
    if binary is not None and method == "__call__" and not kwargs:
        left, right = inputs
        return binary(_operand(left), _operand(right))
    arrays = [__array__(value) if isinstance(value, Tensor) else value for value in inputs]
    out = kwargs.get("out")
    if out is not None:
        for target in out:
            if isinstance(target, Tensor):
                target._check_inplace()
                settle(target._array)
        kwargs["out"] = tuple([target._array if isinstance(target, Tensor) else target for target in out])
    result = getattr(ufunc, method)(*arrays, **kwargs)
    if out is not None:
        for target in out:
            if isinstance(target, Tensor):
                target._bump()
        return out[0] if len(out) == 1 else out
    return tuple([_wrapped(value) for value in result]) if isinstance(result, tuple) else _wrapped(result)


def _wrapped(value: Any) -> Any:
    """Return what a NumPy function gave as a tensor, if tensors can have its dtype."""
    array = np.asarray(value)
    return wrap(array) if array.dtype in dtypes._FROM_NUMPY else value


def tolist(self: Tensor) -> Any:
    """Return the elements as nested lists of Python numbers, or one number for a 0-d tensor."""
    return widened(self._array).tolist()


def item(self: Tensor) -> Any:
    """Return the only element as a Python number; RuntimeError if there is not exactly one."""
    if self._array.size != 1:
        raise RuntimeError(f"a Tensor with {self._array.size} elements cannot be converted to Scalar")
    return widened(self._array).item()


def _one(self: Tensor) -> Any:
    if self._array.size != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    return widened(self._array).item()


def __float__(self: Tensor) -> builtins.float:
    """Return the only element as a float."""
    return builtins.float(_one(self))


def __int__(self: Tensor) -> builtins.int:
    """Return the only element as an int, cut off towards zero."""
    return builtins.int(_one(self))


def __complex__(self: Tensor) -> builtins.complex:
    """Return the only element as a complex number."""
    return builtins.complex(_one(self))


def __bool__(self: Tensor) -> builtins.bool:
    """Return whether the only element is not 0; RuntimeError if there is not exactly one."""
    size = self._array.size
    if size != 1:
        kind = "no values" if size == 0 else "more than one value"
        raise RuntimeError(f"Boolean value of Tensor with {kind} is ambiguous")
    return builtins.bool(widened(self._array).item())


def __index__(self: Tensor) -> builtins.int:
    """Return the only element of an integer tensor as an index."""
    if self._array.size != 1 or self._array.dtype in FLOATING:
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return builtins.int(self._array.item())


def __len__(self: Tensor) -> builtins.int:
    """Return the size of the first dimension; TypeError for a 0-d tensor."""
    if not self._array.ndim:
        raise TypeError("len() of a 0-d tensor")
    return len(self._array)


def __iter__(self: Tensor) -> Iterator[Tensor]:
    """Go through the slices along the first dimension; TypeError for a 0-d tensor."""
    if not self._array.ndim:
        raise TypeError("iteration over a 0-d tensor")
    from .ops.splitting import unbind

    return iter(unbind(self, 0))


def __reversed__(self: Tensor) -> Tensor:
    """Return the tensor with all dimensions in reverse order."""
    from .ops.movement import flip

    return flip(self, tuple(range(self._array.ndim)))


def __contains__(self: Tensor, element: Any) -> builtins.bool:
    """Return whether an element equals the number or 0-d tensor `element`."""
    if isinstance(element, Tensor):
        return builtins.bool((widened(self._array) == widened(element._array)).any())
    if isinstance(element, (builtins.int, builtins.float, builtins.complex)):
        return builtins.bool((widened(self._array) == element).any())
    raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")


def __hash__(self: Tensor) -> builtins.int:
    """Tensors are told apart by identity: `==` compares elements."""
    return id(self)


def __dlpack__(self: Tensor, **kwargs: Any) -> Any:
    """Export the memory by the DLPack protocol; BufferError if this tensor requires a gradient, or is of bfloat16."""
    if self.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if self._array.dtype == BF16:
        raise BufferError("bfloat16 cannot be exported: NumPy, which makes the capsule, does not have it")
    self._expose()
    return self._array.__dlpack__(**kwargs)


def __dlpack_device__(self: Tensor) -> tuple[builtins.int, builtins.int]:
    """Return DLPack's name of the CPU."""
    return (1, 0)


# What a tensor keeps of its own beside the attributes that users give it.
_OWN_ATTRIBUTES = frozenset((
    "_array", "_requires_grad", "_grad", "_node", "_output_index", "_version_counter", "_view_base", "_view_made",
    "_epoch", "_hooks", "_post_accumulate_hooks", "_task", "persistent",
))  # fmt: skip


def user_attributes(tensor: Tensor) -> dict[builtins.str, Any]:
    """Return the attributes that a user has set on a tensor, such as `weight.no_decay = True`."""
    return {name: value for name, value in tensor.__dict__.items() if name not in _OWN_ATTRIBUTES}


def _share(self: Tensor) -> Tensor:
    result = builtins.object.__new__(type(self))
    result._array = self._array
    result._version_counter = self._counter()
    result._requires_grad = self.requires_grad
    result.__dict__.update(user_attributes(self))
    return result


def __copy__(self: Tensor) -> Tensor:
    """Return a leaf on the same memory."""
    return _share(self)


def __deepcopy__(self: Tensor, memo: dict[builtins.int, Any]) -> Tensor:
    """Return a leaf on memory of its own, with a copy of the gradient; RuntimeError for a tensor that is no leaf."""
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  "
            "If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, "
            "see https://github.com/pytorch/pytorch/pull/103001"
        )
    found = memo.get(id(self))
    if found is not None:
        return found
    result = builtins.object.__new__(type(self))
    result._array = core.copy(self._array)
    result._requires_grad = self._requires_grad
    memo[id(self)] = result
    result.__dict__.update(copy.deepcopy(user_attributes(self), memo))
    if self._grad is not None:
        result._grad = __deepcopy__(self._grad, memo)
    return result


def _rebuild(array: Any, requires_grad: builtins.bool) -> Tensor:
    """Unpickle a tensor."""
    from_numpy_dtype(array.dtype)  # which notes that there are halves in this program
    result = wrap(array)
    result._requires_grad = requires_grad
    return result


def __reduce_ex__(self: Tensor, protocol: Any) -> Any:
    """Pickle the elements, whether a gradient is required and the user's attributes; views become tensors of their
    own."""
    return _rebuild, (core.contiguous(self._array), self.requires_grad), user_attributes(self) or None
