"""save: pickle the object, storages aside, and lay both down in a zip archive that PyTorch reads."""

from __future__ import annotations

import codecs
import io
import os
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import IO, Any, ClassVar

import numpy as np

from tinygrad_cnn import core, dtypes
from tinygrad_cnn.interop import user_attributes
from tinygrad_cnn.nn.parameter import Parameter, is_lazy
from tinygrad_cnn.serialization.legacy import MAGIC, PROTOCOL
from tinygrad_cnn.serialization.storage import DTYPE_NAMES, storage_of
from tinygrad_cnn.tensor import Tensor
from tinygrad_cnn.utils.files import atomic_write

__all__ = ["save"]

ALIGNMENT = 64  # of the storages' bytes in the file, so that a mapped file serves as memory; PyTorch's number
_DATE = (1980, 1, 1, 0, 0, 0)  # fixed, so that the same object gives the same bytes


class _Global:
    """A name of PyTorch's that the pickle refers to without our being able (or needing) to import it."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self, *args: Any) -> Any:
        raise TypeError(f"{self.module}.{self.name} only names a function of the file format")


class _StorageRef:
    """A storage on its way into the file."""

    def __init__(self, key: str, dtype: dtypes.dtype, count: int) -> None:
        self.persistent_id: tuple[Any, ...] = ("storage", _storage_class(dtype), key, "cpu", count)


_globals: dict[tuple[str, str], _Global] = {}


def _global(module: str, name: str) -> _Global:
    """Return the one object for a name: the pickler's memo goes by identity."""
    return _globals.setdefault((module, name), _Global(module, name))


def _storage_class(dtype: dtypes.dtype) -> _Global:
    name = str(dtype).removeprefix("torch.")
    return _global("torch", next(storage for storage, stored in DTYPE_NAMES.items() if stored == name))


_PythonPickler: Any = pickle._Pickler  # type stubs leave out most of its methods


class _Pickler(_PythonPickler):
    """Writes Tensors, Parameters, Sizes, dtypes and devices under PyTorch's names, and storages as persistent ids.

    Python's own pickler in Python, because the one in C insists on importing each name that it writes.
    """

    dispatch: ClassVar[dict[type, Any]] = dict(_PythonPickler.dispatch)

    def __init__(self, file: IO[bytes], protocol: int, legacy: bool = False) -> None:
        super().__init__(file, protocol)
        self._legacy = legacy
        self.storages: dict[str, core.Array] = {}
        self.sizes: dict[str, int] = {}  # of an element
        self._refs: dict[int, tuple[_StorageRef, dtypes.dtype]] = {}

    def persistent_id(self, obj: Any) -> Any:
        """Tell the pickler what a storage is called."""
        if type(obj) is not _StorageRef:
            return None
        # The format before 1.6 has a place for parts of storages, which nobody writes any more.
        return (*obj.persistent_id, None) if self._legacy else obj.persistent_id

    def save_global_name(self, obj: _Global) -> None:
        """Write the opcode for a name of PyTorch's."""
        self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        self.memoize(obj)

    dispatch[_Global] = save_global_name

    def save_some_bytes(self, obj: bytes) -> None:
        """Write bytes; the empty ones in the way of the others, because PyTorch refuses protocol 2's own way."""
        if obj or self.proto > 2:
            _PythonPickler.dispatch[bytes](self, obj)
        else:
            self.save_reduce(codecs.encode, ("", "latin1"), obj=obj)

    dispatch[bytes] = save_some_bytes

    def reducer_override(self, obj: Any) -> Any:
        """Take the types apart that PyTorch has names for."""
        if is_lazy(obj):
            return _global("torch.nn.parameter", type(obj).__name__), (obj.requires_grad, obj.device, obj.dtype)
        if isinstance(obj, Tensor):
            return self._reduce_parameter(obj) if isinstance(obj, Parameter) else self._reduce_tensor(obj)
        if type(obj) is dtypes.Size:
            return _global("torch", "Size"), (tuple(obj),)
        if type(obj) is dtypes.device:
            return _global("torch", "device"), (obj.type,) if obj.index is None else (obj.type, obj.index)
        return NotImplemented

    def save_dtype(self, obj: dtypes.dtype) -> None:
        """Write a dtype, which is a name."""
        self.write(pickle.GLOBAL + f"torch\n{repr(obj).removeprefix('torch.')}\n".encode())
        self.memoize(obj)

    dispatch.update(dict.fromkeys(map(type, dtypes.ALL), save_dtype))

    def _reduce_parameter(self, parameter: Tensor) -> tuple[Any, ...]:
        arguments: tuple[Any, ...] = parameter.detach(), parameter.requires_grad, OrderedDict()
        attributes = user_attributes(parameter)
        if attributes:
            return _global("torch._utils", "_rebuild_parameter_with_state"), (*arguments, attributes)
        return _global("torch._utils", "_rebuild_parameter"), arguments

    def _reduce_tensor(self, tensor: Tensor) -> tuple[Any, ...]:
        array = tensor._array
        if any(stride < 0 or stride % array.itemsize for stride in array.strides):
            array = core.contiguous(np.ascontiguousarray(array))  # a view that PyTorch's strides cannot express
        owner, address = storage_of(array)
        offset, rest = divmod(int(array.__array_interface__["data"][0]) - address, array.itemsize)
        if rest or array.size == 0:
            owner = array = core.empty(array.shape, array.dtype) if array.size == 0 else core.copy(array)
            address, offset = int(owner.__array_interface__["data"][0]), 0
        ref = self._storage(owner, address, tensor.dtype)
        strides = tuple(stride // array.itemsize for stride in array.strides)
        # Hooks are never saved; PyTorch's loader expects their place.
        arguments: tuple[Any, ...] = (ref, offset, tuple(array.shape), strides, tensor.requires_grad, OrderedDict())
        function, attributes = _global("torch._utils", "_rebuild_tensor_v2"), user_attributes(tensor)
        if attributes:
            kept = function, _global("torch", "Tensor"), arguments, attributes
            return _global("torch._tensor", "_rebuild_from_type_v2"), kept
        return function, arguments

    def _storage(self, owner: core.Array, address: int, dtype: dtypes.dtype) -> _StorageRef:
        known = self._refs.get(address) if owner.nbytes else None
        if known is not None:
            if known[1] is not dtype:
                raise RuntimeError(
                    "Cannot save multiple tensors or storages that view the same data as different types"
                )
            return known[0]
        key = str(len(self.storages))
        flat = _flat_bytes(owner, address)
        ref = _StorageRef(key, dtype, flat.size // dtype.itemsize)
        self.sizes[key] = dtype.itemsize
        self.storages[key] = flat[: flat.size // dtype.itemsize * dtype.itemsize]
        if owner.nbytes:
            self._refs[address] = ref, dtype
        return ref


def _flat_bytes(owner: core.Array, address: int) -> core.Array:
    """Return all bytes that an array spans, gaps included, as one flat array."""
    if owner.size == 0:
        return np.empty(0, np.uint8)
    if owner.flags.c_contiguous:
        return owner.reshape(-1).view(np.uint8)
    reach = sum((n - 1) * stride for n, stride in zip(owner.shape, owner.strides, strict=True)) + owner.itemsize
    if min(owner.strides) < 0:
        raise RuntimeError("cannot save a tensor over memory with negative strides; save a copy of it")
    first = owner[(slice(1),) * owner.ndim].view(np.uint8)
    return np.lib.stride_tricks.as_strided(first, (reach,), (1,))


class _Stream(io.RawIOBase):
    """What is written to: hands the target all bytes, and knows the position, so that the target need not."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self.position = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        left = memoryview(data).cast("B")
        count = left.nbytes
        self.position += count
        # A raw file may take less, on Linux 2 GiB at once; what other objects return says nothing.
        while type(taken := self._target.write(left)) is int and 0 < taken < left.nbytes:
            left = left[taken:]
        return count


def _add_record(archive: zipfile.ZipFile, stream: _Stream, name: str, data: Any) -> None:
    """Store bytes uncompressed at an aligned place: padding goes into an extra field "FB" of the local header."""
    info = zipfile.ZipInfo(name, _DATE)
    info.file_size = nbytes = memoryview(data).nbytes
    large = nbytes * 1.05 > zipfile.ZIP64_LIMIT
    header = stream.position + 30 + len(name.encode()) + 4 + (20 if large else 0)
    padding = -header % ALIGNMENT
    info.extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
    with archive.open(info, "w", force_zip64=large) as record:
        record.write(data)


def _write_archive(obj: object, stream: _Stream, folder: str, protocol: int) -> None:
    pickled = io.BytesIO()
    pickler = _Pickler(pickled, protocol)
    pickler.dump(obj)
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:

        def add(name: str, data: Any) -> None:
            _add_record(archive, stream, f"{folder}/{name}", data)

        add("data.pkl", pickled.getbuffer())
        add("byteorder", sys.byteorder.encode())
        for key, storage in pickler.storages.items():
            add(f"data/{key}", storage.data if storage.size else b"")
        add("version", b"3\n")


def _write_legacy(obj: object, target: _Stream, protocol: int) -> None:
    """Write the format before PyTorch 1.6, which `legacy.py` describes."""
    facts = {
        "protocol_version": PROTOCOL,
        "little_endian": sys.byteorder == "little",
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    for part in (MAGIC, PROTOCOL, facts):
        target.write(pickle.dumps(part, protocol))
    pickled = io.BytesIO()
    pickler = _Pickler(pickled, protocol, legacy=True)
    pickler.dump(obj)
    target.write(pickled.getbuffer())
    target.write(pickle.dumps(list(pickler.storages), protocol))
    for key, storage in pickler.storages.items():
        size = pickler.sizes[key]
        target.write(struct.pack("<q", storage.size // size))
        if storage.size:
            swapped = sys.byteorder == "big" and size > 1
            target.write((storage.reshape(-1, size)[:, ::-1].copy() if swapped else storage).data)


def save(
    obj: object,
    f: str | os.PathLike[str] | IO[bytes],
    pickle_module: Any = pickle,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Save an object - a state dict, a tensor, a container of them - to a file in PyTorch's zip format (`torch.save`).

    f: a path, whose file is replaced only when all is written (a crash leaves the old one), or a binary file object
    with `write`. Tensors that share memory keep sharing it; the whole memory that a view looks into is saved, so
    `clone()` a small view first. Whole modules can be saved, too, and loaded with `weights_only=False`.
    `_use_new_zipfile_serialization=False` writes the format before PyTorch 1.6.
    Raises AttributeError for an `f` without `write`, RuntimeError for a missing folder and for two tensors that look at
    the same bytes with different dtypes, NotImplementedError for other pickle modules.
    """
    if pickle_module is not pickle:
        raise NotImplementedError("save: only the standard pickle module is supported")
    if _disable_byteorder_record:
        raise NotImplementedError("save: the byte order record is always written")

    def write_to(target: Any, folder: str) -> None:
        if _use_new_zipfile_serialization:
            _write_archive(obj, _Stream(target), folder, pickle_protocol)
        else:
            _write_legacy(obj, _Stream(target), pickle_protocol)

    if isinstance(f, (str, os.PathLike)):
        parent = os.path.dirname(os.fspath(f))
        if parent and not os.path.isdir(parent):
            raise RuntimeError(f"Parent directory {parent} does not exist.")
        folder = os.path.splitext(os.path.basename(os.fspath(f)))[0] or "archive"
        with atomic_write(f) as file:
            write_to(file, folder)
        return
    write: Callable[..., Any] | None = getattr(f, "write", None)
    if write is None:
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    write_to(f, "archive")
