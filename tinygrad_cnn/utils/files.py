"""Files that are whole or not there: written beside the target, flushed to disk, then moved over it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["atomic_write", "replace"]


def replace(source: str, target: str) -> None:
    """Move `source` over `target` (same folder) so that a crash leaves the one or the other, and see it to disk."""
    os.replace(source, target)
    # The rename lives in the folder; without this a power cut may undo it. Windows cannot open a folder, nor needs it.
    if os.name == "posix":
        try:
            folder = os.open(os.path.dirname(os.path.abspath(target)), os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:  # a folder that may not be listed, or a file system that flushes no folders
            if error.errno not in (errno.EACCES, errno.EINVAL, errno.ENOTSUP):
                raise


def _lock(descriptor: int) -> None:
    """Take the lock that lasts as long as a file is open; BlockingIOError if somebody has it, OSError without locks."""
    if fcntl is None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class _Draft:
    """The new file until it takes its place: without a name where the system has such files, else beside the target.

    A nameless file is gone with its process. One with a name is locked as long as it is written, which tells it from
    those that killed processes left.
    """

    def __init__(self, target: str, mode: int) -> None:
        self._folder, base = os.path.split(target)
        self._target, self._mode, self.path = target, mode, ""
        self._prefix = f".{base[:40]}."  # with what follows no longer than a name may be
        self._remove_left_over()
        self.file = self._nameless() or self._named()

    def _remove_left_over(self) -> None:
        pattern, names = re.compile(re.escape(self._prefix) + r"[0-9a-f]{12}\.tmp"), []
        with contextlib.suppress(OSError):
            names = os.listdir(self._folder)
        for path in (os.path.join(self._folder, name) for name in names if pattern.fullmatch(name)):
            with contextlib.suppress(OSError), open(path, "r+b") as file:
                _lock(file.fileno())
                os.unlink(path)

    def _nameless(self) -> IO[bytes] | None:
        """Make a file without a name; None where the system or the file system has no such files."""
        if not hasattr(os, "O_TMPFILE"):
            return None
        with contextlib.suppress(OSError):
            descriptor = os.open(self._folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, self._mode)
            with contextlib.suppress(OSError):
                _lock(descriptor)
            return os.fdopen(descriptor, "w+b")
        return None

    def _new_path(self) -> str:
        return os.path.join(self._folder, f"{self._prefix}{os.urandom(6).hex()}.tmp")

    def _named(self) -> IO[bytes]:
        """Make a file with a name of its own."""
        while True:
            path = self._new_path()
            file = open(path, "x+b", opener=lambda name, flags: os.open(name, flags, self._mode))  # noqa: SIM115
            try:
                _lock(file.fileno())
                ours = os.fstat(file.fileno()).st_nlink > 0
            except BlockingIOError:  # another process takes it for one that was left, and removes it
                ours = False
            except OSError:  # no locks: nobody removes it either
                ours = True
            if ours:
                self.path = path
                return file
            file.close()

    def _link(self) -> None:
        """Give the nameless file a name beside the target, or make a copy of it there."""
        folder, path = os.open(self._folder, getattr(os, "O_PATH", os.O_RDONLY)), self._new_path()
        try:
            # With a descriptor, although the path is absolute: only then does Python follow the link that /proc has.
            os.link(f"/proc/self/fd/{self.file.fileno()}", path, src_dir_fd=folder, follow_symlinks=True)
            self.path = path
        except OSError:  # no /proc, or a file system that does not link such files
            with self.file as nameless:
                nameless.seek(0)
                self.file = self._named()
                shutil.copyfileobj(nameless, self.file, 1 << 20)
        finally:
            os.close(folder)

    def _finish(self, before: os.stat_result | None, flush: bool) -> None:
        """Write what is left, give the file the owner and the permissions of the one that was there, see it to disk."""
        self.file.flush()
        if before is not None:
            place = self.path or self.file.fileno()
            mine = os.fstat(self.file.fileno())
            if (mine.st_uid, mine.st_gid) != (before.st_uid, before.st_gid):
                for owner in (before.st_uid, -1):  # who may not give a file away may perhaps share it with a group
                    with contextlib.suppress(PermissionError):
                        os.chown(place, owner, before.st_gid)
                        break
            os.chmod(place, stat.S_IMODE(before.st_mode))
        if flush:
            os.fsync(self.file.fileno())

    def take_place(self, before: os.stat_result | None, flush: bool) -> None:
        """Move the file over the target."""
        self._finish(before, flush)
        if not self.path:
            nameless = self.file
            self._link()
            if self.file is not nameless:
                self._finish(before, flush)
        if os.name == "nt":
            self.file.close()  # Windows moves no open file
        (replace if flush else os.replace)(self.path, self._target)
        self.file.close()

    def discard(self) -> None:
        """Remove the file, unless it has taken its place."""
        with contextlib.suppress(OSError):
            self.file.close()  # what is still in its buffer may not fit on the disk
        if self.path:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)


def _state_of(path: str) -> os.stat_result | None:
    """Return what is known of the file that is there, None if there is none; OSError for one not to be written to."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if stat.S_ISREG(found.st_mode):
        os.close(os.open(path, os.O_WRONLY))  # moving a file over it would ask the folder alone
    return found


@contextlib.contextmanager
def _naming(path: str, always: bool = True) -> Iterator[None]:
    """Have the system's errors name `path`: those that name no file, or all."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and (always or error.filename is None):
            error.filename, error.filename2 = path, None
        raise


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str], flush: bool = True) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes the place of `path` when the block ends without an exception.

    Until then, and if the block fails or the process is killed, `path` keeps what it had. A killed process leaves a
    file `.<name>.<12 digits>.tmp` behind, on Linux only if it died between naming the new file and moving it; the next
    call for `path` removes it. A symbolic link is followed: the file that it points at is replaced. Permissions stay,
    and the owner as far as the system lets us; other hard links keep the old file. Devices and pipes are written to
    as they are. flush: see the bytes to disk, so that a power cut, too, leaves the old file or the new one. Raises
    OSError that names `path`.
    """
    named = os.fspath(path)
    before = _state_of(named)
    if before is not None and not stat.S_ISREG(before.st_mode):
        with _naming(named, always=False), open(named, "wb") as file:
            yield file
        return
    with _naming(named):
        draft = _Draft(os.path.realpath(named), 0o666 if before is None else 0o600)
    try:
        with _naming(named, always=False):
            yield draft.file
        with _naming(named):
            draft.take_place(before, flush)
    except BaseException:
        draft.discard()
        raise
