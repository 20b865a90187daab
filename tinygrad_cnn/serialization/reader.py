"""load: read what `save` or `torch.save` wrote."""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import warnings
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import IO, Any

from tinygrad_cnn import dtypes
from tinygrad_cnn.serialization import allowlist
from tinygrad_cnn.serialization.archive import Archive
from tinygrad_cnn.serialization.storage import Storage, StorageType
from tinygrad_cnn.serialization.unpickler import Unpickler

__all__ = ["load"]

MapLocation = str | dtypes.device | dict[str, str] | Callable[[Storage, str], Any] | None

_LEGACY_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # PyTorch before 1.6: LONG1 of 0x1950a86a20f9469cfc6c, then STOP
_UNSAFE = (
    "Re-running `load` with `weights_only` set to `False` will likely succeed, but it can result in arbitrary code "
    "execution. Do it only if you got the file from a trusted source."
)


def _check_location(location: str) -> None:
    """Raise what PyTorch's CPU build raises for storages of a device that is not there."""
    if location == "cpu":
        return
    if location.startswith("cuda"):
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are "
            "running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your "
            "storages to the CPU."
        )
    raise RuntimeError(
        f"don't know how to restore data location of torch.storage.UntypedStorage (tagged with {location})"
    )


def _place(storage: Storage, location: str, map_location: MapLocation) -> Storage:
    """Apply `map_location` to one storage."""
    if map_location is None:
        _check_location(location)
    elif isinstance(map_location, dict):
        _check_location(map_location.get(location, location))
    elif isinstance(map_location, (str, bytes, dtypes.device)):
        _check_location(map_location.decode() if isinstance(map_location, bytes) else str(map_location))
    else:
        placed = map_location(storage, location)
        if placed is None:
            _check_location(location)
        elif not isinstance(placed, Storage):
            raise TypeError(f"map_location returned {type(placed).__name__} instead of a storage or None")
        else:
            return placed
    return storage


class _Storages:
    """The storages of an archive, each read once, so that tensors that shared memory do so again."""

    def __init__(self, archive: Archive, map_location: MapLocation) -> None:
        self._archive = archive
        self._map_location = map_location
        self._known: dict[str, Storage] = {}

    def __call__(self, identifier: Any) -> Storage:
        if not isinstance(identifier, tuple) or len(identifier) != 5 or identifier[0] != "storage":
            raise RuntimeError(f"corrupt file: {identifier!r:.100} instead of the description of a storage")
        _, kind, key, location, count = identifier
        if not (isinstance(kind, StorageType) and isinstance(key, str) and isinstance(location, str)):
            raise RuntimeError(f"corrupt file: {identifier!r:.100} does not describe a storage")
        dtype = kind.dtype
        storage = self._known.get(key)
        if storage is None:
            array = self._archive.read_storage(f"data/{key}", dtype._numpy, count)
            storage = self._known[key] = _place(Storage(array, dtype), location, self._map_location)
        elif storage.dtype is not dtype:
            raise RuntimeError(f"corrupt file: storage {key} is used with two dtypes")
        return storage


class _TrustingUnpickler(pickle.Unpickler):
    """Python's unpickler for files that are trusted: names of PyTorch's are looked up in this package."""

    def __init__(self, data: bytes, storages: _Storages, **options: Any) -> None:
        super().__init__(BytesIO(data), **options)
        self._storages = storages

    def persistent_load(self, identifier: Any) -> Any:
        """Return the storage of an id."""
        return self._storages(identifier)

    def find_class(self, module: str, name: str) -> Any:
        """Return what a name means: on the allow-list, in this package for PyTorch's, else wherever it says."""
        with contextlib.suppress(KeyError):
            return allowlist.find(f"{module}.{name}")
        if module == "torch" or module.startswith("torch."):
            package = __name__.split(".")[0]
            try:
                return getattr(importlib.import_module(package + module.removeprefix("torch")), name)
            except (ImportError, AttributeError):
                raise pickle.UnpicklingError(
                    f"the file needs {module}.{name}, for which there is nothing in {package}"
                ) from None
        return super().find_class(module, name)


@contextlib.contextmanager
def _opened(f: Any) -> Iterator[Any]:
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            yield file
        return
    for name in ("read", "readline", "seek", "tell"):
        if not hasattr(f, name):
            raise AttributeError(
                f"'{type(f).__name__}' object has no attribute '{name}'. You can only torch.load from a file that is "
                "seekable. Please pre-load the data into a buffer like io.BytesIO and try to load from it instead."
            )
    yield f


def _check_format(file: Any, weights_only: bool) -> None:
    """Refuse what is no zip archive, saying what it is."""
    start = file.tell()
    head = file.read(32)
    file.seek(start)
    if head[:4] == b"PK\x03\x04":
        return
    if not head:
        raise EOFError("Ran out of input")
    if head[2:].startswith(_LEGACY_MAGIC) or head[257:262] == b"ustar":
        raise NotImplementedError(
            "the file is in PyTorch's format before 1.6, which is not supported yet; with PyTorch, load it and save it "
            "again to convert it"
        )
    message = f"invalid load key, {head[:1]!r}: the file is not an archive that `save` or PyTorch wrote"
    raise pickle.UnpicklingError(f"Weights only load failed. {message}" if weights_only else message)


def load(
    f: str | os.PathLike[str] | IO[bytes],
    map_location: MapLocation = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Load an object that `save` or `torch.save` (1.6 or later) wrote.

    f: a path, or a binary file object that can seek. map_location: where storages of other devices go ("cpu", a
    device, a dictionary of location tags, or function(storage, tag)). weights_only: True unless given; only tensors,
    parameters, containers and plain values are built and nothing in the file is executed, besides what
    `add_safe_globals` allows. False trusts the file and can load whole modules, PyTorch's too (`torch.nn` classes are
    looked up here). mmap: map the file at path `f`, so that storages are read when they are touched.
    pickle_load_args: for the unpickler of weights_only=False.
    Raises RuntimeError for a damaged archive, pickle.UnpicklingError for content that is damaged or not allowed,
    NotImplementedError for dtypes that tensors here do not have and for the format before 1.6.
    """
    if weights_only is None:
        weights_only = pickle_module is None
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if pickle_module not in (None, pickle):
        raise NotImplementedError("load: only the standard pickle module is supported")
    if weights_only and pickle_load_args:
        warnings.warn("pickle_load_args only works if `weights_only=False`.", stacklevel=2)
    if mmap and not isinstance(f, (str, os.PathLike)):
        raise ValueError("f must be a file path in order to use the mmap argument")
    with _opened(f) as file:
        _check_format(file, weights_only)
        archive = Archive(file, mapped=bool(mmap))
        if "constants.pkl" in archive:
            raise RuntimeError("the file is a TorchScript archive; only what `torch.save` or `save` wrote can be read")
        data, storages = archive.read("data.pkl"), _Storages(archive, map_location)
        if not weights_only:
            return _TrustingUnpickler(data, storages, **pickle_load_args).load()
        try:
            return Unpickler(data, storages).load()
        except pickle.UnpicklingError as error:
            raise pickle.UnpicklingError(f"Weights only load failed. {_UNSAFE}\n\n{error}") from None
