"""`python -m tinygrad_cnn script.py args...` does what `python script.py args...` does, with torch from here."""

from __future__ import annotations

import io
import os
import sys
from importlib.machinery import SourceFileLoader
from types import ModuleType, TracebackType
from typing import NoReturn

from tinygrad_cnn.compat import install_as_torch

__all__ = ["main"]

_USAGE = """\
usage: python -m tinygrad_cnn [--force] (script.py | -m module | -c code) [argument ...]

Run a program written for PyTorch, unchanged: `import torch` and `import torchvision` give tinygrad_cnn.

  --force      even where PyTorch is installed
  -m module    run a module, as python -m does
  -c code      run a line of code, as python -c does
"""


def main(arguments: list[str]) -> NoReturn:
    """Run what the arguments of the command line say, and exit as Python would."""
    force = arguments[:1] == ["--force"]
    rest = arguments[force:]
    if not rest or rest[0] in ("-h", "--help"):
        print(_USAGE, end="", file=sys.stdout if rest else sys.stderr)
        sys.exit(0 if rest else 2)
    if rest[0].startswith("-") and (rest[0] not in ("-m", "-c") or len(rest) == 1):
        sys.exit(f"{_USAGE}\npython -m tinygrad_cnn: {rest[0]} is unknown, or lacks its argument")
    try:
        install_as_torch(force=force)
    except RuntimeError as error:
        sys.exit(f"python -m tinygrad_cnn: {error}")
    try:
        if rest[0] == "-m":
            _run_module(rest[1], rest[2:])
        elif rest[0] == "-c":
            _run_code(rest[1], "<string>", {}, ["-c", *rest[2:]], "")
        else:
            _run_script(rest[0], rest[1:])
    except SystemExit:
        raise
    except BaseException as error:
        error.__traceback__ = _without_frames_of_ours(error.__traceback__)
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(130 if isinstance(error, KeyboardInterrupt) else 1)
    sys.exit(0)


def _run_script(path: str, arguments: list[str]) -> None:
    try:
        with io.open_code(path) as file:
            source = file.read()
    except OSError as error:
        print(
            f"python -m tinygrad_cnn: can't open file {path!r}: [Errno {error.errno}] {error.strerror}", file=sys.stderr
        )
        sys.exit(2)
    place = os.path.abspath(path)
    names: dict[str, object] = {
        "__file__": place,
        "__cached__": None,
        "__loader__": SourceFileLoader("__main__", place),
    }
    _run_code(source, place, names, [path, *arguments], os.path.dirname(os.path.realpath(path)))


def _run_code(source: str | bytes, place: str, names: dict[str, object], argv: list[str], folder: str) -> None:
    """Run a program as a new module `__main__`, with `sys.argv` and `sys.path[0]` as Python would set them."""
    sys.argv = argv
    if not getattr(sys.flags, "safe_path", False):  # else nobody has put the current folder there
        sys.path[0] = folder
    module = ModuleType("__main__")
    vars(module).update(names, __builtins__=sys.modules["builtins"])
    # Nobody puts the old one back: threads, exit handlers and pickles look for it here until the process ends.
    sys.modules["__main__"] = module
    exec(compile(source, place, "exec", dont_inherit=True), vars(module))


def _run_module(name: str, arguments: list[str]) -> None:
    import runpy

    sys.argv = [name, *arguments]  # its first is replaced by the module's file
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _without_frames_of_ours(traceback: TracebackType | None) -> TracebackType | None:
    """Return the traceback without the frames of this package's `compat`, and of `runpy`."""
    frames: list[TracebackType] = []
    while traceback is not None:
        place = traceback.tb_frame.f_globals.get("__name__", "")
        if place != "runpy" and not place.startswith(("tinygrad_cnn.compat", "importlib")):
            frames.append(traceback)
        traceback = traceback.tb_next
    following = None
    for frame in reversed(frames):
        frame.tb_next = following
        following = frame
    return following
