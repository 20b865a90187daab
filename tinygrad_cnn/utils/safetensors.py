"""Weights in the safetensors format, by its library: the functions of `safetensors.torch` for tensors of this package.

Needs `pip install safetensors`. A file holds a flat dictionary of named tensors and nothing that could be executed.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.dtypes import check_device
from tinygrad_cnn.nn import Module
from tinygrad_cnn.serialization.storage import known_dtype, storage_of
from tinygrad_cnn.tensor import Tensor, wrap
from tinygrad_cnn.utils.files import atomic_write

__all__ = ["load", "load_file", "load_model", "save", "save_file", "save_model"]


def _dtype_name(code: str) -> str:
    """Return what the format's F32, BF16, U8, ... are called here."""
    if code in ("BOOL", "BF16"):
        return {"BOOL": "bool", "BF16": "bfloat16"}[code]
    return {"F": "float", "I": "int", "U": "uint", "C": "complex"}.get(code[0], code[0]) + code[1:].lower()


def _library() -> Any:
    try:
        import safetensors
        from safetensors import TensorSpec  # noqa: F401
    except ImportError:
        raise ImportError("safetensors files need the package safetensors >= 0.8: pip install safetensors") from None
    return safetensors


def _shared(tensors: dict[str, Tensor]) -> list[set[str]]:
    """Return the sets of names whose tensors look into one memory."""
    names: dict[int, set[str]] = defaultdict(set)
    for name, tensor in tensors.items():
        if tensor.numel():
            names[storage_of(tensor._array)[1]].add(name)
    return [group for group in names.values() if len(group) > 1]


def _checked(tensors: Any) -> dict[str, Tensor]:
    if not isinstance(tensors, dict):
        raise ValueError(f"Expected a dict of [str, torch.Tensor] but received {type(tensors)}")
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise ValueError(f"Key `{name}` is invalid, expected torch.Tensor but received {type(tensor)}")
    failing = _shared(tensors)
    if failing:
        raise RuntimeError(
            f"Some tensors share memory, this will lead to duplicate memory on disk and potential differences when "
            f"loading them again: {failing}. A potential way to correctly save your model is to use `save_model`."
        )
    sparse = [name for name, tensor in tensors.items() if not tensor.is_contiguous()]
    if sparse:
        raise ValueError(
            f"You are trying to save a non contiguous tensor: `{sparse[0]}` which is not allowed. It either means you "
            "are trying to save tensors which are reference of each other in which case it's recommended to save only "
            "the full tensors, and reslice at load time, or simply call `.contiguous()` on your tensor to pack it "
            "before saving."
        )
    return tensors


def save(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """Return the bytes of a file with these tensors, which are contiguous and share no memory.

    ValueError and RuntimeError for those that are not so.
    """
    library, specs, held = _library(), {}, []
    for name, tensor in _checked(tensors).items():
        array = tensor._array
        if sys.byteorder == "big" and array.itemsize > 1:
            array = array.view(f"u{array.itemsize}").byteswap()
        held.append(array)  # the library gets an address
        kind = str(tensor.dtype).removeprefix("torch.")
        specs[name] = library.TensorSpec(
            dtype=kind, shape=list(array.shape), data_ptr=array.ctypes.data, data_len=array.nbytes
        )
    return bytes(library.serialize(specs, metadata=metadata))


def save_file(tensors: dict[str, Tensor], filename: str | os.PathLike[str], metadata: Any = None) -> None:
    """Write a file with these tensors, in place of the old one only when it is whole; errors as `save`."""
    data = save(tensors, metadata)
    with atomic_write(filename) as file:
        file.write(data)


def load(data: bytes) -> dict[str, Tensor]:
    """Return the tensors of a file, given as bytes.

    Raises safetensors.SafetensorError if it is damaged, NotImplementedError for a dtype that tensors here cannot have,
    RuntimeError for a shape that they cannot have.
    """
    found = {}
    for name, view in _library().deserialize(data):
        dtype = known_dtype(_dtype_name(view["dtype"]))
        array = core.empty(tuple(view["shape"]), dtype._numpy)
        bits = array.reshape(-1).view(f"u{dtype.itemsize}")
        bits[:] = np.frombuffer(view["data"], f"<u{dtype.itemsize}")
        if array.dtype == np.bool_:
            np.not_equal(bits, 0, out=array.reshape(-1))  # arithmetic relies on 0 and 1
        found[name] = wrap(array)
    return found


def load_file(filename: str | os.PathLike[str], device: Any = "cpu") -> dict[str, Tensor]:
    """Return the tensors of a file; errors as `load`."""
    check_device(device)
    with open(filename, "rb") as file:
        return load(file.read())


def save_model(model: Module, filename: str, metadata: Any = None, force_contiguous: bool = True) -> None:
    """Write the state of a model; of names that share a tensor one is written, the others are noted in the metadata."""
    state = dict(model.state_dict())
    metadata = dict(metadata or {})
    for group in _shared(state):
        kept, *others = sorted(group)
        if any(not state[name].is_set_to(state[kept]) for name in others):
            raise RuntimeError(f"The tensors {sorted(group)} are different parts of one memory; save copies of them")
        for name in others:
            metadata[name] = kept
            del state[name]
    if force_contiguous:
        state = {name: tensor.contiguous() for name, tensor in state.items()}
    save_file(state, filename, metadata)


def load_model(
    model: Module, filename: str | os.PathLike[str], strict: bool = True, device: Any = "cpu"
) -> tuple[set[str], list[str]]:
    """Load what `save_model` wrote into a model; return the names that are missing, and those it does not have.

    RuntimeError for either if `strict`.
    """
    state = load_file(filename, device)
    missing = set(model.load_state_dict(state, strict=False).missing_keys)
    own = dict(model.state_dict())
    for group in _shared(own):
        if group & state.keys():  # its other names mean the same tensor
            missing -= group
    unexpected = sorted(state.keys() - own.keys())
    if strict and (missing or unexpected):
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(model).__name__}:\n    Missing key(s) in state_dict: "
            f"{', '.join(sorted(missing))}\n    Unexpected key(s) in state_dict: {', '.join(unexpected)}"
        )
    return missing, unexpected
