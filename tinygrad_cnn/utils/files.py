"""Files that are whole or not there: written beside the target, flushed to disk, then moved over it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import IO

__all__ = ["atomic_write", "replace"]


def replace(source: str, target: str) -> None:
    """Move `source` over `target` (same folder) so that a crash leaves the one or the other, and see it to disk."""
    os.replace(source, target)
    # The rename lives in the folder; without this a power cut may undo it. Windows cannot open a folder, nor needs it.
    if os.name == "posix":
        folder = os.open(os.path.dirname(os.path.abspath(target)), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _mode_of(path: str) -> int:
    """Return the permissions that the new file gets: those of the file it replaces, else the usual ones."""
    try:
        return os.stat(path).st_mode & 0o7777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _named(target: str) -> tuple[IO[bytes], str]:
    """Make a file with a name of its own beside `target`."""
    handle, name = tempfile.mkstemp(prefix=f".{os.path.basename(target)}.", dir=os.path.dirname(target))
    return os.fdopen(handle, "w+b"), name


def _nameless(target: str) -> IO[bytes] | None:
    """Make a file in the folder of `target` that has no name: it is gone with the process, however that ends.

    None where the system or the file system has no such files.
    """
    if not hasattr(os, "O_TMPFILE"):
        return None
    try:
        return os.fdopen(os.open(os.path.dirname(target), os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600), "w+b")
    except OSError:
        return None


def _name(file: IO[bytes], target: str) -> str:
    """Give a nameless file a name beside `target`, as a link that does not yet replace anything; return the name."""
    folder = os.path.dirname(target)
    name = os.path.join(folder, f".{os.path.basename(target)}.{os.urandom(6).hex()}")
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # With a descriptor, although the path is absolute: only then does Python follow the link that /proc has.
        os.link(f"/proc/self/fd/{file.fileno()}", name, src_dir_fd=descriptor, follow_symlinks=True)
        return name
    except OSError:  # no /proc, or a file system that does not link such files: a copy
        file.seek(0)
        copy, name = _named(target)
        with copy:
            shutil.copyfileobj(file, copy)
            copy.flush()
            os.chmod(name, os.fstat(file.fileno()).st_mode & 0o7777)
            os.fsync(copy.fileno())
        return name
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes the place of `path` when the block ends without an exception.

    Until then, and if the block fails or the process is killed, `path` keeps what it had; on Linux nothing else is left
    behind either. A symbolic link is followed: the file that it points at is replaced.
    """
    target = os.path.realpath(os.fspath(path))
    if os.path.isdir(target):
        raise IsADirectoryError(f"cannot write {os.fspath(path)!r}: it is a folder")
    mode = _mode_of(target)
    file, temporary = _nameless(target), ""
    if file is None:
        file, temporary = _named(target)
    try:
        with file:
            yield file
            file.flush()
            os.chmod(temporary or file.fileno(), mode)
            os.fsync(file.fileno())
            temporary = temporary or _name(file, target)
        replace(temporary, target)
    except BaseException:
        if temporary:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
        raise
