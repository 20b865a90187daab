"""Memory, dtype codes, pointers and errors: the only importer of the compiled module.

The other files of this package wrap one family of C functions each: NumPy arrays in, a new NumPy array out. They trust
their caller for shapes and dtypes (`tinygrad_cnn.ops` checks those) and see to what C cannot: dense memory, output
buffers, status codes. C code releases the GIL while it runs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import prod
from typing import Any, TypeVar

import numpy as np

try:
    from tinygrad_cnn._core import ffi, lib
except ModuleNotFoundError as error:
    raise ImportError(
        f"{os.path.dirname(os.path.dirname(__file__))} is the source of tinygrad_cnn, without its compiled core. Start "
        "Python in another folder to import the installed package, or build the core here with `pip install -e .`"
    ) from error

from .memory import context_of
from .signals import raised_by_handler

__all__ = [
    "FLOATS",
    "NULL",
    "check",
    "check_size",
    "code",
    "contiguous",
    "empty",
    "empty_like",
    "ffi",
    "lib",
    "owns_dense_memory",
    "pointer",
    "too_large",
    "zeros",
]

T = TypeVar("T")
Array = np.ndarray[Any, np.dtype[Any]]

NULL = ffi.NULL
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
FLOATS = frozenset((F32, F64))
_CODES = {
    F32: lib.TC_F32,
    F64: lib.TC_F64,
    np.dtype(np.int64): lib.TC_I64,
    np.dtype(np.int32): lib.TC_I32,
    np.dtype(np.uint8): lib.TC_U8,
    np.dtype(np.bool_): lib.TC_BOOL,
}
code = _CODES.__getitem__
"""Return the core's number of a NumPy dtype (KeyError for one that the core does not know)."""
knows = _CODES.__contains__
"""Return whether the core has kernels for a NumPy dtype."""

# A copy of fewer bytes is NumPy's: it starts sooner, and what is too small for a thread gains nothing from the core.
SMALL = 4096
_FEW = SMALL // 8
# NumPy's limit; before 2.0 it is half of that.
MOST_DIMENSIONS = 64 if int(np.__version__.split(".")[0]) >= 2 else 32

new_context = context_of(
    int(ffi.cast("uintptr_t", lib.tc_numpy_handler())), int(ffi.cast("uintptr_t", lib.tc_numpy_capsule()))
).copy
"""Return a context, for one call at a time, in which NumPy makes arrays in the core's memory."""

_from_buffer = ffi.from_buffer
_ndarray = np.ndarray
_np_empty, _np_zeros = np.empty, np.zeros


def empty(shape: tuple[int, ...], dtype: np.dtype[Any] = F32) -> Array:
    """Return an uninitialised dense array of `shape` in the core's memory.

    Raises RuntimeError for a negative size or a product that overflows, MemoryError when there is no memory.
    """
    try:
        if prod(shape) < _FEW:
            return _np_empty(shape, dtype)
        return new_context().run(_np_empty, shape, dtype)
    except MemoryError:
        nbytes = prod(shape) * dtype.itemsize
        raise MemoryError(f"no memory for a tensor of shape {list(shape)} ({nbytes} bytes)") from None
    except (ValueError, OverflowError):
        if min(shape) < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}") from None
        raise too_large(shape) from None


def empty_like(array: Array, dtype: np.dtype[Any] | None = None) -> Array:
    """Return an uninitialised dense array of the shape and dtype (or another) of `array`, which need not be dense."""
    if array.nbytes < SMALL:
        return _np_empty(array.shape, dtype or array.dtype)
    return empty(array.shape, dtype or array.dtype)


def owns_dense_memory(array: Array) -> bool:
    """Return whether an array is dense, may be written, and has memory of its own: not that of another object."""
    flags = array.flags
    return flags.c_contiguous and flags.writeable and array.base is None


def too_large(shape: Sequence[int]) -> RuntimeError:
    """Return the error for a shape that NumPy refuses; it multiplies sizes even where one of them is 0."""
    if len(shape) > MOST_DIMENSIONS:
        return RuntimeError(f"a tensor has at most {MOST_DIMENSIONS} dimensions, but got {len(shape)}")
    return RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)}")


def check_size(shape: Sequence[int], itemsize: int = 8) -> None:
    """Raise RuntimeError for a shape whose bytes 63 bits do not count: NumPy refuses it in its own words, or wraps."""
    if prod(shape) * itemsize >= 2**63:
        raise too_large(shape)


def zeros(shape: tuple[int, ...], dtype: np.dtype[Any] = F32) -> Array:
    """Return a dense array of zeros from the same memory as `empty`."""
    try:
        if prod(shape) < _FEW:
            return _np_zeros(shape, dtype)
    except ValueError:
        pass  # `empty` says what is wrong
    out = empty(shape, dtype)
    if dtype.kind == "V":
        out[...] = np.zeros((), dtype)
    else:
        out.fill(0)
    return out


def pointer(array: Array | None) -> Any:
    """Return what cffi passes as `void *` to the first element of a dense array, NULL for None."""
    if array is None:
        return NULL
    return _from_buffer(array)


def address(array: Array | None) -> int:
    """Return what the core's functions on arrays take for one that may be None."""
    return 0 if array is None else id(array)


def contiguous(array: Array) -> Array:
    """Return `array` itself if it is dense and row-major, else a dense copy made by the core's strided copy."""
    if array.flags.c_contiguous:
        return array
    return copy(array)


def copy(array: Array) -> Array:
    """Return a dense copy of an array of any strides."""
    out = empty_like(array)
    copy_into(array, out)
    return out


def copy_into(source: Array, target: Array) -> None:
    """Write `source` into `target`: same dtype and shape, any strides, no overlap."""
    if source.nbytes < SMALL and target.flags.writeable:
        target[...] = source
        return
    status = lib.tc_ndarray_copy(id(source), id(target))
    if status == 0:
        return
    if knows(source.dtype):
        check(status)
    target[...] = source  # a dtype that the core does not know


def check(status: int) -> None:
    """Raise the Python exception for a `tc_status` that is not TC_OK."""
    if status == 0:
        return
    message = ffi.string(lib.tc_strerror(status)).decode()
    if status == lib.TC_ENOMEM:
        raise MemoryError(message)
    if status == lib.TC_ESTOPPED:
        raise raised_by_handler()
    if status == lib.TC_EINDEX:
        raise IndexError(message)
    raise RuntimeError(message)


def _learn() -> None:
    """Show the core an array, so that it can look into those whose address, `id(array)`, it is given.

    That is far cheaper than pointers, which cost more than the arithmetic on small tensors. Callers hold the arrays.
    """
    probe = np.empty((2, 3))
    if lib.tc_ndarray_learn(object.__basicsize__, id(probe), _from_buffer(probe), *probe.shape):
        raise ImportError(f"NumPy {np.__version__} keeps its arrays in a way that tinygrad_cnn does not know")


_learn()
