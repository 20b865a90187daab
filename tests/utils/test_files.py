"""Replacing files whole: what stays of the old one, where nothing can be written, and what killed writers left."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.utils import files
from tinygrad_cnn.utils.files import atomic_write

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions, links and pipes are POSIX's")

BIG = {"weight": tg.ones(200_000)}


def save_safetensors(state, path):
    from tinygrad_cnn.utils.safetensors import save_file

    save_file(state, path)


SAVES = {
    "zip": tg.save,
    "legacy": lambda state, path: tg.save(state, path, _use_new_zipfile_serialization=False),
    "safetensors": save_safetensors,
}


def write(path, data=b"new"):
    with atomic_write(path) as file:
        file.write(data)


def in_child(work, *arguments) -> None:
    """Run a function in a fork, which may drop rights and set limits, and fail as it does."""
    child = os.fork()
    if child == 0:
        try:
            work(*arguments)
            os._exit(0)
        except BaseException:
            import traceback

            traceback.print_exc()
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# ---------------------------------------------------------------- places that cannot be written to


def save_beyond_the_limit(save, path):
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    with pytest.raises(OSError) as error:
        save(BIG, path)
    assert error.value.errno == errno.EFBIG and error.value.filename == str(path)


@pytest.mark.parametrize("kind", SAVES)
def test_a_file_that_gets_too_long_is_named_and_the_old_one_stays(tmp_path, kind):
    if kind == "safetensors":
        pytest.importorskip("safetensors")
    path = tmp_path / "model.pt"
    path.write_bytes(b"old")
    in_child(save_beyond_the_limit, SAVES[kind], path)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["model.pt"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("nameless", [True, False])
def test_an_error_on_the_way_to_disk_names_the_file(tmp_path, monkeypatch, code, nameless):
    def fail(descriptor):
        raise OSError(code, os.strerror(code))

    path = tmp_path / "model.pt"
    write(path, b"old")
    if not nameless:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError) as error:
        write(path)
    assert (error.value.errno, error.value.filename) == (code, str(path))
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["model.pt"]


def test_a_copy_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "link", fail)
    monkeypatch.setattr(shutil, "copyfileobj", fail)
    path = tmp_path / "model.pt"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match=r"No space left on device: .*model\.pt"):
        write(path)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["model.pt"]


def test_the_callers_own_errors_are_not_renamed(tmp_path):
    with pytest.raises(FileNotFoundError) as error, atomic_write(tmp_path / "model.pt"):
        open(tmp_path / "input")  # noqa: SIM115
    assert error.value.filename == str(tmp_path / "input") and not os.listdir(tmp_path)


DISKS = """
import errno, os, sys
import tinygrad_cnn as tg
folder, kind = sys.argv[1:]
path = os.path.join(folder, "model.pt")
if kind == "full":
    tg.save({"a": tg.ones(10)}, path)
else:
    os.system(f"mount -o remount,ro,bind {folder}")
before = open(path, "rb").read()
try:
    tg.save({"a": tg.ones(200_000)}, path)
except OSError as error:
    assert error.errno == {"full": errno.ENOSPC, "read-only": errno.EROFS}[kind] and error.filename == path, error
else:
    sys.exit("saved")
assert open(path, "rb").read() == before and os.listdir(folder) == ["model.pt"]
print("done")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts in a name space of its own")
@pytest.mark.parametrize(
    ("kind", "mount"),
    [("full", 'mount -t tmpfs -o size=256k none "$1"'), ("read-only", 'mount --bind "$1" "$1"')],
)
def test_a_full_disk_and_a_read_only_one(tmp_path, kind, mount):
    """On a real file system, mounted where only this test sees it."""
    tg.save({"a": tg.ones(10)}, tmp_path / "model.pt")
    unshare = ["unshare", "--mount", *(() if os.geteuid() == 0 else ("--user", "--map-root-user"))]
    shell = ["sh", "-c", f'{mount} || exit 77; exec "$2" -c "$3" "$1" "$4"', "sh"]
    try:
        command = [*unshare, *shell, tmp_path, sys.executable, DISKS, kind]
        done = subprocess.run(command, cwd=tempfile.gettempdir(), capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("no unshare")
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no mounts here: {done.stderr}")
    assert done.stdout == "done\n", done.stderr


def as_nobody(folder):
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    for name in ("locked", "folder/model.pt"):
        path = os.path.join(folder, name)
        with pytest.raises(PermissionError) as error:
            write(path)
        assert error.value.filename == path and Path(path).read_bytes() == b"old"
    for _ in range(2):
        write(os.path.join(folder, "unlisted", "model.pt"))


def test_a_write_protected_file_and_a_folders_permissions_are_respected():
    with tempfile.TemporaryDirectory() as folder:  # not pytest's, into which only its user may go
        os.chmod(folder, 0o777)
        inner = Path(folder) / "folder"
        inner.mkdir()
        for path in (inner / "model.pt", Path(folder) / "locked"):
            path.write_bytes(b"old")
            path.chmod(0o444 if path.name == "locked" else 0o666)
        inner.chmod(0o555)
        unlisted = Path(folder) / "unlisted"
        unlisted.mkdir()
        unlisted.chmod(0o333)
        in_child(as_nobody, folder)
        unlisted.chmod(0o777)
        assert os.listdir(inner) == os.listdir(unlisted) == ["model.pt"]
        assert sorted(os.listdir(folder)) == ["folder", "locked", "unlisted"]


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EIO])
def test_a_folder_that_is_not_flushed(tmp_path, monkeypatch, code):
    """Some file systems cannot; an error of the disk is another matter."""
    fsync = os.fsync

    def only_files(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", only_files)
    with contextlib.nullcontext() if code == errno.EINVAL else pytest.raises(OSError, match=r"error: .*model\.pt"):
        write(tmp_path / "model.pt")
    assert (tmp_path / "model.pt").read_bytes() == b"new" and os.listdir(tmp_path) == ["model.pt"]


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError) as error:
        write(tmp_path)
    assert error.value.filename == str(tmp_path)


# ---------------------------------------------------------------- what PyTorch's open file would have kept


def test_devices_and_pipes_are_written_to_and_stay(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    tg.save(tg.arange(3), pipe)
    reader.join(10)
    assert stat.S_ISFIFO(pipe.stat().st_mode) and tg.load(io.BytesIO(got[0])).tolist() == [0, 1, 2]


def test_a_device_that_is_full_is_named(tmp_path):
    device = tmp_path / "full"
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 7))  # as /dev/full, which a mistake could replace
        device.write_bytes(b"")
    except OSError:
        pytest.skip("devices cannot be made here")
    with pytest.raises(OSError, match=r"No space left on device: .*full"):
        tg.save(BIG, device)
    assert stat.S_ISCHR(device.stat().st_mode) and os.listdir(tmp_path) == ["full"]


@pytest.mark.parametrize("without", ["", "O_TMPFILE", "link"])
def test_permissions_and_owner_stay(tmp_path, monkeypatch, without):
    if without == "link":
        monkeypatch.setattr(os, "link", lambda *arguments, **options: (_ for _ in ()).throw(OSError(95, "no")))
    elif without:
        monkeypatch.delattr(os, without, raising=False)
    path, before = tmp_path / "model.pt", os.umask(0o027)
    try:
        write(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o2604)
    if os.geteuid() == 0:
        os.chown(path, 1234, 4321)
        path.chmod(0o2604)
    owner = path.stat()
    write(path, b"newer")
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (owner.st_mode, owner.st_uid, owner.st_gid)
    assert path.read_bytes() == b"newer" and after.st_ino != owner.st_ino


def test_a_link_to_nothing_makes_the_file_it_points_at(tmp_path):
    (tmp_path / "link").symlink_to("model.pt")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "model.pt").read_bytes() == b"new"
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match=r"symbolic links: .*loop"):
        write(tmp_path / "loop")


@pytest.mark.parametrize("nameless", [True, False])
def test_the_longest_name_will_do(tmp_path, monkeypatch, nameless):
    if not nameless:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    for name in ("m" * 255, "\u96f6" * 85):
        write(tmp_path / name)
        assert (tmp_path / name).read_bytes() == b"new"


# ---------------------------------------------------------------- what killed writers left


def test_what_a_killed_writer_left_goes_with_the_next_one(tmp_path, monkeypatch):
    path = tmp_path / "model.pt"
    child = os.fork()
    if child == 0:
        os.replace = lambda *names: os._exit(9)  # after the new file got its name
        write(path)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    (left,) = os.listdir(tmp_path)
    assert left.startswith(".model.pt.") and left.endswith(".tmp")
    for name in (".model.pt.backup", ".model.pt.tmp", ".other.pt.0123456789ab.tmp"):  # of others
        (tmp_path / name).touch()
    write(path)
    assert sorted(os.listdir(tmp_path)) == [
        ".model.pt.backup", ".model.pt.tmp", ".other.pt.0123456789ab.tmp", "model.pt"
    ]  # fmt: skip


def test_several_writers_leave_each_others_files_alone(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    path = tmp_path / "model.pt"
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(atomic_write(path)) for _ in range(3)]
        assert len(os.listdir(tmp_path)) == 3
        for number, file in enumerate(opened):
            file.write(b"%d" % number)
    assert path.read_bytes() == b"0" and os.listdir(tmp_path) == ["model.pt"]  # the first one ends last


def test_who_reads_meanwhile_finds_whole_files(tmp_path):
    path = tmp_path / "model.pt"
    tg.save(tg.full((5000,), 0.0), path)
    child = os.fork()
    if child == 0:
        for number in range(1, 31):
            tg.save(tg.full((5000,), float(number)), path)
        os._exit(0)
    seen = [0.0]
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        (number,) = tg.load(path).unique().tolist()
        seen.append(number)
    assert seen == sorted(seen) and tg.load(path)[0] == 30 and os.listdir(tmp_path) == ["model.pt"]


def test_a_file_that_was_taken_for_a_left_over_one_is_made_anew(tmp_path, monkeypatch):
    """Between making and locking a file another process may remove it."""
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    lock, calls = files._lock, []

    def late(descriptor):
        calls.append(descriptor)
        if len(calls) == 1:
            (made,) = os.listdir(tmp_path)
            os.unlink(tmp_path / made)
        elif len(calls) == 2:
            raise BlockingIOError
        lock(descriptor)

    monkeypatch.setattr(files, "_lock", late)
    write(tmp_path / "model.pt")
    assert len(calls) == 3 and (tmp_path / "model.pt").read_bytes() == b"new"


# ---------------------------------------------------------------- file objects


class Faulty(io.BytesIO):
    """Fails at the n-th write, and only there."""

    def __init__(self, fail_at: int) -> None:
        super().__init__()
        self.left = fail_at

    def write(self, data):
        self.left -= 1
        if self.left == 0:
            raise OSError(errno.ENOSPC, "the disk is full")
        return super().write(data)


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_each_write_of_a_file_object_may_fail(kind):
    state, whole = {"a": tg.ones(1000), "b": tg.arange(5)}, io.BytesIO()
    SAVES[kind](state, whole)
    for fail_at in range(1, 200):
        file = Faulty(fail_at)
        try:
            SAVES[kind](state, file)
        except OSError as error:
            assert str(error) == "[Errno 28] the disk is full"
        else:
            break
    assert fail_at > 5 and file.getvalue() == whole.getvalue()


class Short(io.RawIOBase):
    """Takes at most 100 bytes at once, as a raw file takes at most 2 GiB."""

    def __init__(self) -> None:
        self.bytes = b""

    def writable(self):
        return True

    def write(self, data):
        taken = bytes(memoryview(data).cast("B")[:100])
        self.bytes += taken
        return len(taken)


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_a_raw_file_may_take_less_than_it_is_given(kind):
    file, state = Short(), {"a": tg.tensor(np.arange(1000.0)), "b": tg.ones(3, dtype=tg.int16)}
    SAVES[kind](state, file)
    loaded = tg.load(io.BytesIO(file.bytes))
    assert loaded["a"].tolist() == list(range(1000)) and loaded["b"].tolist() == [1, 1, 1]
