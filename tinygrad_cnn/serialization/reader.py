"""load: read what `save` or `torch.save` wrote."""

from __future__ import annotations

import contextlib
import os
import pickle
import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import IO, Any

from tinygrad_cnn.serialization import allowlist
from tinygrad_cnn.serialization.archive import Archive
from tinygrad_cnn.serialization.budget import brief
from tinygrad_cnn.serialization.legacy import load_legacy
from tinygrad_cnn.serialization.location import MapLocation, place
from tinygrad_cnn.serialization.storage import Storage, StorageType
from tinygrad_cnn.serialization.trusting import TrustingUnpickler
from tinygrad_cnn.serialization.unpickler import Unpickler, globals_of

__all__ = ["get_unsafe_globals_in_checkpoint", "load"]

_UNSAFE = (
    "Re-running `load` with `weights_only` set to `False` will likely succeed, but it can result in arbitrary code "
    "execution. Do it only if you got the file from a trusted source."
)


class _Storages:
    """The storages of an archive, each read once, so that tensors that shared memory do so again."""

    def __init__(self, archive: Archive, map_location: MapLocation) -> None:
        self._archive = archive
        self._map_location = map_location
        self._known: dict[str, Storage] = {}

    def __call__(self, identifier: Any) -> Storage:
        if not isinstance(identifier, tuple) or len(identifier) != 5:
            raise RuntimeError(f"corrupt file: {brief(identifier)} instead of the description of a storage")
        what, kind, key, location, count = identifier
        names = all(type(name) is str for name in (what, key, location))
        if not (names and what == "storage" and isinstance(kind, StorageType) and type(count) is int):
            described = ", ".join(map(brief, identifier))
            raise RuntimeError(f"corrupt file: ({described}) does not describe a storage")
        dtype = kind.dtype
        storage = self._known.get(key)
        if storage is None:
            array = self._archive.read_storage(f"data/{key}", dtype._numpy, count)
            storage = self._known[key] = place(Storage(array, dtype), location, self._map_location)
        elif storage.dtype is not dtype:
            raise RuntimeError(f"corrupt file: storage {key} is used with two dtypes")
        return storage


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


def _is_zip(file: Any, weights_only: bool) -> bool:
    """Tell the zip format from the one before; raise for what is neither, saying what it is."""
    start = file.tell()
    head = file.read(512)
    file.seek(start)
    if head[:4] == b"PK\x03\x04":
        return True
    if not head:
        raise EOFError("Ran out of input")
    if head[257:262] == b"ustar":
        raise NotImplementedError(
            "the file is a tar archive, PyTorch's format before 0.1.12, which is not supported; load it with PyTorch "
            "and save it again to convert it"
        )
    if head[:1] != pickle.PROTO:
        message = f"invalid load key, {head[:1]!r}: the file is not an archive that `save` or PyTorch wrote"
        raise pickle.UnpicklingError(f"Weights only load failed. {message}" if weights_only else message)
    return False


def _choose_weights_only(weights_only: bool | None, pickle_module: Any) -> bool:
    """Return whether nothing but weights may be loaded: what is asked for, or PyTorch's environment variables say."""
    true = ("1", "y", "yes", "true")
    force = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0").lower() in true
    force_not = os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "0").lower() in true
    if force and force_not:
        raise RuntimeError(
            "Only one of `TORCH_FORCE_WEIGHTS_ONLY_LOAD` or `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` should be set, but both "
            "were set."
        )
    if force:
        return True
    if weights_only is None and force_not:
        warnings.warn(
            "Environment variable TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD detected, since the`weights_only` argument was not "
            "explicitly passed to `torch.load`, forcing weights_only=False.",
            stacklevel=3,
        )
        return False
    return pickle_module is None if weights_only is None else weights_only


def _open_archive(file: Any, mapped: bool, weights_only: bool) -> Archive:
    archive = Archive(file, mapped=mapped)
    if "constants.pkl" not in archive:
        return archive
    if weights_only:
        raise RuntimeError(
            f"Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``. {_UNSAFE}"
        )
    raise NotImplementedError(
        "the file is a TorchScript archive, whose program cannot be run here; save the state_dict of the model with "
        "PyTorch instead"
    )


def _load_safetensors(path: str, map_location: MapLocation) -> Any:
    if isinstance(map_location, dict) or callable(map_location):
        kind = "dict" if isinstance(map_location, dict) else "callable"
        raise RuntimeError(
            f"Loading safetensors file with {kind} map_location is not supported. Use a device string or torch.device "
            "instead."
        )
    from tinygrad_cnn.utils.safetensors import load_file

    return load_file(path, device="cpu" if map_location is None else map_location)


def load(
    f: str | os.PathLike[str] | IO[bytes],
    map_location: MapLocation = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Load an object that `save` or `torch.save` wrote, in the zip format or the one before PyTorch 1.6.

    f: a path, or a binary file object that can seek; a path that ends in .safetensors is read by that library.
    map_location: where storages of other devices go ("cpu", a device, a dictionary of location tags, or
    function(storage, tag)). weights_only: True unless given; only tensors, parameters, containers and plain values are
    built and nothing in the file is executed, besides what `add_safe_globals` allows. False trusts the file and can
    load whole modules, PyTorch's too (`torch.nn` classes are looked up here, those of a project are imported). mmap:
    map the file at path `f`, so that storages are read when they are touched. pickle_load_args: for the unpickler of
    weights_only=False.
    Raises RuntimeError for a damaged file, pickle.UnpicklingError for content that is damaged or not allowed, EOFError
    for content that just ends, ValueError for an unknown byte order, NotImplementedError for dtypes and kinds of
    tensors that do not exist here and for TorchScript.
    """
    weights_only = _choose_weights_only(weights_only, pickle_module)
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if pickle_module not in (None, pickle):
        raise NotImplementedError("load: only the standard pickle module is supported")
    if weights_only and pickle_load_args:
        warnings.warn("pickle_load_args only works if `weights_only=False`.", stacklevel=2)
    is_path = isinstance(f, (str, os.PathLike))
    if is_path and os.fspath(f).endswith(".safetensors"):  # type: ignore[arg-type]
        return _load_safetensors(os.fspath(f), map_location)  # type: ignore[arg-type]

    def read(file: IO[bytes], storages: Any) -> Any:
        if not weights_only:
            return TrustingUnpickler(file, storages, **pickle_load_args).load()
        try:
            return Unpickler(file, storages).load()
        except pickle.UnpicklingError as error:
            raise pickle.UnpicklingError(f"Weights only load failed. {_UNSAFE}\n\n{error}") from None

    with _opened(f) as file:
        if not _is_zip(file, weights_only):
            if mmap:
                raise RuntimeError(
                    f"mmap can only be used with files saved with `torch.save({f'{f}, ' if isinstance(f, str) else ''}"
                    "_use_new_zipfile_serialization=True), please torch.save your checkpoint with this option in order "
                    "to use mmap."
                )
            return load_legacy(file, map_location, read)
        if mmap and not is_path:
            raise ValueError("f must be a file path in order to use the mmap argument")
        archive = _open_archive(file, bool(mmap), weights_only)
        return read(BytesIO(archive.read("data.pkl")), _Storages(archive, map_location))


def get_unsafe_globals_in_checkpoint(f: str | os.PathLike[str] | IO[bytes]) -> list[str]:
    """Return the names that a file in the zip format uses and that `load` would refuse, without loading it.

    ValueError for another format (`torch.serialization.get_unsafe_globals_in_checkpoint`).
    """
    with _opened(f) as file:
        try:
            zipped = _is_zip(file, False)
        except (EOFError, pickle.UnpicklingError, NotImplementedError):
            zipped = False
        if not zipped:
            raise ValueError("Expected input to be a checkpoint returned by torch.save")
        archive = Archive(file)
        if "constants.pkl" in archive:
            raise ValueError(
                "Expected input to be a checkpoint returned by torch.save but got a torchscript checkpoint"
            )
        return sorted(name for name in globals_of(archive.read("data.pkl")) if not allowlist.is_known(name))
