"""PyTorch's values as ours, and ours compared with PyTorch's: what the tests on PyTorch's own inputs share."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np
import torch

import tinygrad_cnn as tc

# Bits of the two dtypes that NumPy does not have travel as int16.
DTYPES = {getattr(torch, name): getattr(tc, name) for name in (
    "float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "bool"
) if isinstance(getattr(tc, name, None), tc.dtype)}  # fmt: skip
TOLERANCE = {"float32": (5e-5, 1e-5), "float64": (1e-7, 1e-7), "float16": (5e-3, 2e-2), "bfloat16": (5e-2, 5e-2)}
EPS = np.finfo(np.float32).eps


class Untranslatable(Exception):
    """A value of a kind that does not exist here: complex or sparse tensors, other devices, functions of PyTorch."""


def ours(value: Any, made: dict[int, Any] | None = None) -> Any:
    """Return a value of PyTorch as ours: tensors with the same strides, on memory of their own.

    made: the tensors that are there already, by identity: one that comes twice is one of ours, too.
    """
    made = {} if made is None else made
    if isinstance(value, torch.Tensor):
        if id(value) not in made:
            made[id(value)] = _tensor(value)
        return made[id(value)]
    if isinstance(value, torch.dtype):
        if value not in DTYPES:
            raise Untranslatable(str(value))
        return DTYPES[value]
    if isinstance(value, torch.device):
        if value.type != "cpu":
            raise Untranslatable(str(value))
        return tc.device("cpu")
    if isinstance(value, (torch.memory_format, torch.layout)):
        name = str(value).removeprefix("torch.")
        if not hasattr(tc, name):
            raise Untranslatable(name)
        return getattr(tc, name)
    if isinstance(value, torch.Size):
        return tc.Size(value)
    if isinstance(value, torch.Generator):
        return tc.Generator().manual_seed(value.initial_seed())
    if isinstance(value, torch.nn.Module) or (callable(value) and "torch" in getattr(value, "__module__", "")):
        raise Untranslatable(repr(value))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*[ours(item, made) for item in value])
    if isinstance(value, (list, tuple)):
        return type(value)([ours(item, made) for item in value])
    if isinstance(value, dict):
        return {key: ours(item, made) for key, item in value.items()}
    if isinstance(value, slice):
        return slice(ours(value.start), ours(value.stop), ours(value.step))
    if isinstance(value, complex):
        raise Untranslatable("complex numbers")
    if value is None or isinstance(value, (bool, int, float, str, enum.Enum, np.ndarray, np.generic)) or value is ...:
        return value
    if callable(value):
        return value
    raise Untranslatable(type(value).__name__)


def _tensor(value: torch.Tensor) -> Any:
    if value.layout is not torch.strided or value.dtype not in DTYPES or value.device.type != "cpu":
        raise Untranslatable(f"{value.layout}, {value.dtype}, {value.device}")
    if value.is_conj() or value.is_neg() or value.is_quantized:
        raise Untranslatable("a lazy view")
    detached = value.detach()
    bits = detached.view(torch.int16) if value.dtype is torch.bfloat16 else detached
    size = bits.untyped_storage().nbytes() // bits.itemsize
    memory = bits.as_strided((size,), (1,), 0).numpy().copy()  # all of it: as_strided may look beyond the tensor
    steps = [step * memory.itemsize for step in value.stride()]
    array = np.lib.stride_tricks.as_strided(memory[value.storage_offset() :], tuple(value.shape), steps)
    made = tc.from_numpy(array)
    if value.dtype is torch.bfloat16:
        made = made.view(tc.bfloat16)
    made = made.detach()
    return made.requires_grad_() if value.requires_grad else made


def leaves(value: Any, kind: type) -> list[Any]:
    """Return the tensors of a result or an argument, nested in any way, in order."""
    if isinstance(value, kind):
        return [value]
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item, kind)]
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in leaves(item, kind)]
    return []


def as_array(tensor: Any) -> np.ndarray:
    """Return the values as NumPy has them, bfloat16 as float32."""
    tensor = tensor.detach()
    return np.asarray((tensor.float() if "bfloat16" in str(tensor.dtype) else tensor).numpy(force=True))


def assert_same(mine: Any, theirs: Any, what: str, tolerance: tuple[float, float] | None = None) -> None:
    """Compare results: tensors by dtype, shape, values and whether they need a gradient, the rest by equality."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(mine, tc.Tensor), f"{what}: a Tensor expected, got {type(mine).__name__}"
        name = str(theirs.dtype).removeprefix("torch.")
        assert str(mine.dtype).removeprefix("torch.") == name, f"{what}: dtype {mine.dtype}, expected {theirs.dtype}"
        assert tuple(mine.shape) == tuple(theirs.shape), f"{what}: {tuple(mine.shape)}, expected {tuple(theirs.shape)}"
        rtol, atol = tolerance or TOLERANCE.get(name, (0, 0))
        expected = as_array(theirs)
        if name == "float32":  # a sum that cancels lacks what its terms lose, which are as large as other sums
            atol = max(atol, 4 * EPS * np.abs(expected[np.isfinite(expected)]).max(initial=0))
        np.testing.assert_allclose(as_array(mine), expected, rtol, atol, err_msg=what)
    elif isinstance(theirs, dict):
        assert list(mine) == list(theirs), what
        for key in theirs:
            assert_same(mine[key], theirs[key], f"{what}[{key!r}]", tolerance)
    elif isinstance(theirs, (list, tuple)):
        assert isinstance(mine, (list, tuple)), f"{what}: {type(mine).__name__}, expected {type(theirs).__name__}"
        assert len(mine) == len(theirs), what
        for k, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            assert_same(a, b, f"{what}[{k}]", tolerance)
    elif isinstance(theirs, torch.dtype):
        assert mine is DTYPES[theirs], what
    elif isinstance(theirs, float):
        np.testing.assert_allclose(mine, theirs, 1e-6, err_msg=what)
    else:
        assert mine == theirs, f"{what}: {mine!r}, expected {theirs!r}"
