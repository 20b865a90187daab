"""Sums, downloads and archives of data sets (`torchvision.datasets.utils`)."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from typing import Any

from tinygrad_cnn.utils.files import atomic_write
from tinygrad_cnn.vision.datasets.idx import XzReader

__all__ = [
    "calculate_md5",
    "check_integrity",
    "check_md5",
    "check_sum",
    "download_and_extract_archive",
    "download_url",
    "extract_archive",
    "list_dir",
    "list_files",
    "verify_str_arg",
]

Path = str | os.PathLike[str]

MAX_BYTES = 1 << 36  # of an archive and of all files in it: more than any data set here has
_RATIO, _ALWAYS = 1100, 16 << 20  # deflate packs at most 1032 bytes into one


def calculate_md5(fpath: Path, chunk_size: int = 1024 * 1024) -> str:
    """Return the MD5 of a file."""
    md5 = hashlib.md5(usedforsecurity=False)
    with open(fpath, "rb") as file:
        while chunk := file.read(chunk_size):
            md5.update(chunk)
    return md5.hexdigest()


def check_md5(fpath: Path, md5: str, **kwargs: Any) -> bool:
    """Tell whether a file has this MD5."""
    return md5 == calculate_md5(fpath, **kwargs)


def check_integrity(fpath: Path, md5: str | None = None) -> bool:
    """Tell whether a file is there and, if an MD5 is given, has it."""
    return os.path.isfile(fpath) and (md5 is None or check_md5(fpath, md5))


def check_sum(path: str, md5: str | None) -> None:
    """Raise RuntimeError naming the file if it does not have this MD5."""
    if not check_integrity(path, md5):
        raise RuntimeError(f"{path}: File not found or corrupted: its MD5 is not {md5}")


def download_url(
    url: str, root: Path, filename: Path | None = None, md5: str | None = None, max_redirect_hops: int = 3
) -> None:
    """Fetch a file into the folder `root`, unless it is there with the right MD5.

    filename: by default the last part of the address. Redirections are followed, up to Python's limit. RuntimeError if
    the address does not give a file with that MD5.
    """
    from tinygrad_cnn.vision.datasets.download import download_file

    path = os.path.join(os.path.expanduser(root), filename or os.path.basename(url))
    if not check_integrity(path, md5):
        download_file([url], path, check=functools.partial(check_sum, md5=md5), max_bytes=MAX_BYTES)


# ---------------------------------------------------------------- archives


def _inside(folder: str, name: str) -> str:
    """Return where a member of an archive goes; RuntimeError for a name that leads out of the folder."""
    target = os.path.realpath(os.path.join(folder, name))
    if os.path.isabs(name) or os.path.commonpath([target, os.path.realpath(folder)]) != os.path.realpath(folder):
        raise RuntimeError(f"the archive has a file that would lie outside of it: {name!r}")
    return target


class _Allowance:
    """How many bytes an archive may unpack to: what deflate can do at best. A bomb of other methods does far more."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._most = self._left = min(MAX_BYTES, _RATIO * os.path.getsize(path) + _ALWAYS)

    def take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise RuntimeError(f"{self._path}: it unpacks to more than {self._most} bytes; is it a bomb?")


class _Bounded:
    """A stream that is read within an allowance: names and headers of an archive's members take memory, too."""

    def __init__(self, stream: Any, allowance: _Allowance) -> None:
        self._stream, self._allowance = stream, allowance

    def read(self, size: int) -> bytes:
        data: bytes = self._stream.read(size)
        self._allowance.take(len(data))
        return data


def _write(source: Any, target: str, allowance: _Allowance) -> None:
    """Write a member of an archive, whole or not at all; flushing each of many to disk would take minutes."""
    os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
    with atomic_write(target, flush=False) as file:
        while piece := source.read(1 << 20):
            allowance.take(len(piece))
            file.write(piece)


def _refuse(path: str, name: str, what: str) -> None:
    raise RuntimeError(f"{path}: the archive has {what}: {name!r}; only files and folders are unpacked")


def _extract_tar(path: str, folder: str, opener: Any) -> None:
    """Write the files of a tar archive."""
    import tarfile

    allowance = _Allowance(path)
    with opener(path) as stream, tarfile.open(fileobj=_Bounded(stream, _Allowance(path)), mode="r|") as archive:  # type: ignore[call-overload]
        for member in archive:
            target = _inside(folder, member.name)
            if member.isfile():
                _write(archive.extractfile(member), target, allowance)
            elif member.isdir():
                os.makedirs(target, exist_ok=True)
            else:
                _refuse(path, member.name, "a link" if member.issym() or member.islnk() else "a device")


def _extract_zip(path: str, folder: str) -> None:
    """Write the files of a zip archive."""
    import zipfile

    allowance = _Allowance(path)
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            target = _inside(folder, member.filename)
            if stat.S_ISLNK(member.external_attr >> 16):
                _refuse(path, member.filename, "a link")
            if member.is_dir():
                os.makedirs(target, exist_ok=True)
            else:
                with archive.open(member) as source:
                    _write(source, target, allowance)


@contextlib.contextmanager
def _xz(path: str) -> Iterator[Any]:
    with open(path, "rb") as raw:
        yield XzReader(raw)


def _openers() -> dict[str, Any]:
    import bz2
    import gzip

    return {".gz": gzip.open, ".bz2": bz2.open, ".xz": _xz}


def _decompress(path: str, folder: str) -> str:
    """Write what a file packed by gzip, bzip2 or xz holds, under its name without the ending; return the path."""
    name, ending = os.path.splitext(os.path.basename(path))
    openers = _openers()
    if ending not in openers:
        raise RuntimeError(
            f"Unknown compression or archive type: '{ending}'.\n"
            f"Known suffixes are: '{sorted(['.tar', '.tbz', '.tbz2', '.tgz', '.zip', *openers])}'."
        )
    target = os.path.join(folder, name)
    with openers[ending](path) as source:
        _write(source, target, _Allowance(path))
    return target


_TARS = {
    ".tar": "",
    ".tar.gz": ".gz",
    ".tgz": ".gz",
    ".tar.bz2": ".bz2",
    ".tbz": ".bz2",
    ".tbz2": ".bz2",
    ".tar.xz": ".xz",
}


def _extract(path: str, folder: str) -> str:
    for ending, packed in _TARS.items():
        if path.endswith(ending):
            _extract_tar(path, folder, _openers()[packed] if packed else functools.partial(open, mode="rb"))
            return folder
    if path.endswith(".zip"):
        _extract_zip(path, folder)
        return folder
    return _decompress(path, folder)


def extract_archive(from_path: Path, to_path: Path | None = None, remove_finished: bool = False) -> Path:
    """Unpack an archive (.tar, .tar.gz, .tgz, .tar.bz2, .tar.xz, .zip) or a packed file (.gz, .bz2, .xz).

    to_path: the folder, by default the one of the file. remove_finished: delete the archive. Returns the folder, or the
    unpacked file. RuntimeError, naming the archive, for other endings, for one that has links, devices or names that
    lead out of the folder, or that unpacks to more than 1,100 times its size (and 16 MiB): a bomb. A damaged one raises
    what Python's readers do, as in torchvision: tarfile.ReadError, zipfile.BadZipFile, EOFError, zlib.error, OSError,
    lzma.LZMAError.
    """
    path = os.fspath(from_path)
    folder = os.path.dirname(path) if to_path is None else os.fspath(to_path)
    result = _extract(path, folder)
    if remove_finished:
        os.remove(path)
    return result


def download_and_extract_archive(
    url: str,
    download_root: Path,
    extract_root: Path | None = None,
    filename: Path | None = None,
    md5: str | None = None,
    remove_finished: bool = False,
) -> None:
    """Fetch an archive as `download_url` does and unpack it as `extract_archive` does, by default beside itself."""
    folder = os.path.expanduser(download_root)
    name = os.fspath(filename or os.path.basename(url))
    download_url(url, folder, name, md5)
    extract_archive(os.path.join(folder, name), extract_root or folder, remove_finished)


# ---------------------------------------------------------------- names


def list_dir(root: Path, prefix: bool = False) -> list[str]:
    """Return the names, with `prefix` the paths, of the folders in a folder."""
    return _listed(root, prefix, os.path.isdir)


def list_files(root: Path, suffix: str | tuple[str, ...], prefix: bool = False) -> list[str]:
    """Return the names, with `prefix` the paths, of the files in a folder that end in `suffix` or one of several."""
    return _listed(root, prefix, lambda path: os.path.isfile(path) and path.endswith(suffix))


def _listed(root: Path, prefix: bool, wanted: Any) -> list[str]:
    folder = os.path.expanduser(root)
    names = [name for name in os.listdir(folder) if wanted(os.path.join(folder, name))]
    return [os.path.join(folder, name) for name in names] if prefix is True else names


def verify_str_arg(
    value: Any, arg: str | None = None, valid_values: Iterable[str] | None = None, custom_msg: str | None = None
) -> str:
    """Return a string that is one of some; ValueError for others and for what is no string."""
    if not isinstance(value, str):
        of = "" if arg is None else f" for argument {arg}"
        raise ValueError(f"Expected type str{of}, but got type {type(value)}.")
    if valid_values is not None and value not in valid_values:
        known = "', '".join(str(item) for item in valid_values)
        raise ValueError(custom_msg or f"Unknown value '{value}' for argument {arg}. Valid values are {{'{known}'}}.")
    return value
