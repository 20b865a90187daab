"""A few hundred damaged files of each format, in a process of their own; and the check sees what it is there for."""

import subprocess
import sys
import tempfile
import types

import pytest

from checks import bytes as check
from checks._parsers import guard
from checks._parsers.formats import Format
from checks._parsers.mutate import mutated


def command(*arguments):
    words = [sys.executable, "-m", "checks", "bytes", *arguments]
    done = subprocess.run(words, cwd=tempfile.gettempdir(), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_damaged_files_of_every_format():
    status, output = command("--mutations", "200")
    assert status == 0, output[-3000:]
    for name in ("idx", "idx-packed", "zip", "pickle", "legacy", "optimizer", "model", "cifar"):
        assert f"- {name}: 200 damaged files" in output, output


def test_one_file_again(tmp_path):
    assert mutated([b"abc", b"defg"], "0 x 1") == mutated([b"abc", b"defg"], "0 x 1")
    (tmp_path / "file").write_bytes(b"\0\0\10\1\0\0\0\2ab")
    status, output = command("--target", "idx", "--file", str(tmp_path / "file"))
    assert status == 0 and "10 bytes" in output and "None ndarray" in output
    status, output = command("--target", "idx", "--mutation", "3")
    assert status == 0 and "idx: " in output
    assert command("--target", "nothing")[0] != 0


@pytest.fixture
def watched(monkeypatch):
    """The guard without its hook, which would stay for the life of this process."""
    monkeypatch.setattr(guard, "_install", lambda form: None)
    monkeypatch.setattr(guard, "_ready", set())

    def run(parse, correct=lambda result: None):
        return guard.run(Format("x", [b""], parse, (ValueError,), correct), b"data")

    return run


def fail(error):
    raise error


def test_what_the_guard_sees(watched, monkeypatch):
    assert watched(lambda data: len(data))[:2] == (4, None)
    assert isinstance(watched(lambda data: fail(ValueError("clear")))[1], ValueError)
    with pytest.raises(guard.Finding, match="no clear error"):
        watched(lambda data: fail(ValueError()))
    with pytest.raises(TypeError):
        watched(lambda data: fail(TypeError("undocumented")))
    with pytest.raises(guard.Finding, match="bytes of memory for a file of 4"):
        watched(lambda data: len(bytearray(10 << 20)))
    with pytest.raises(AssertionError):
        watched(len, lambda result: fail(AssertionError("wrong")))
    monkeypatch.setattr(guard, "SECONDS", -1.0)
    with pytest.raises(guard.Finding, match="processor time"):
        watched(len)


@pytest.mark.parametrize("event", ["os.system", "subprocess.Popen", "open", "import", "exec", "socket.connect"])
def test_the_guard_sees_what_is_done(watched, event):
    with pytest.raises(guard.Finding, match=event):
        watched(lambda data: guard._hook(event, ("argument",)))
    guard._hook(event, ())  # not while it reads
    watched(len)


def test_figures_of_the_fuzzer(capsys):
    text = (
        "#9\tNEW    cov: 12 ft: 15 corp: 3/9b\nstat::number_of_executed_units: 2048\nstat::average_exec_per_sec: 99\n"
    )
    assert check._summary("idx", 0, text, 0) == (
        True,
        "idx: 2,048 executions, 99 a second, 12 branches, a corpus of 3 files",
    )
    assert not check._summary("idx", 77, text + "Test unit written to ./idx-crash-1\n", 0)[0]
    assert "--target idx --file ./idx-crash-1" in capsys.readouterr().out
    assert not check._summary("idx", 0, "", 0)[0] and not check._summary("idx", 0, text, 1)[0]


def test_fuzzing_needs_its_library(monkeypatch):
    monkeypatch.setattr(check.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="pip install atheris"):
        check.run(types.SimpleNamespace(target=["idx"], minutes=1, file=None, mutation=None))
