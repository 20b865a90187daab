"""Files that are whole or not there: written beside the target, flushed to disk, then moved over it."""

from __future__ import annotations

import contextlib
import os
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


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes the place of `path` when the block ends without an exception.

    Until then, and if the block fails or the process is killed, `path` keeps what it had. A symbolic link is followed:
    the file that it points at is replaced.
    """
    target = os.path.realpath(os.fspath(path))
    if os.path.isdir(target):
        raise IsADirectoryError(f"cannot write {os.fspath(path)!r}: it is a folder")
    mode = _mode_of(target)
    handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(target)}.", dir=os.path.dirname(target))
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
