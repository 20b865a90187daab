"""A copy of the sources in a folder of its own, with a core of its own, whose tests are run there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import ROOT

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "*.so", "*.o", "build", "dist", "runs")


def copy_sources(folder: Path) -> Path:
    """Copy the tree into `folder`, in which an older copy gives way but for what was compiled; return where it is."""
    tree = folder / "tree"
    for old in tree.iterdir() if tree.exists() else ():
        if old.is_dir() and old.name != "build":
            shutil.rmtree(old)
    shutil.copytree(ROOT, tree, ignore=LEFT_OUT, dirs_exist_ok=True)
    # tests/conftest.py puts the tree itself behind installed packages; this name of the same folder stays before them.
    package = folder / "package" / "tinygrad_cnn"
    if not package.is_symlink():
        package.parent.mkdir()
        package.symlink_to(tree / "tinygrad_cnn")
    return tree


def build(tree: Path, flags: str, compiler: str = "", single: Mapping[str, str] | None = None) -> str:
    """Compile the core of a copy with additional flags, what changed since the last time; return what was printed.

    `single` are variables of the environment that give single sources flags of their own (build_core.py).

    Raises:
        subprocess.CalledProcessError: it does not compile; `output` has the compiler's messages.
    """
    environment = os.environ | {"TINYGRAD_CNN_CFLAGS": flags, **(single or {})}
    if compiler:
        environment |= {"CC": compiler, "LDSHARED": f"{compiler} -pthread -shared"}
    command = [sys.executable, "build_core.py"]
    return subprocess.run(
        command, cwd=tree, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ).stdout


def pytest_command(tests: Sequence[str], *options: str) -> list[str]:
    """Return the command that runs tests of a copy, to be started in its folder with `environment(tree)`."""
    return [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, *tests]


def environment(tree: Path) -> dict[str, str]:
    """Return the environment in which Python finds the package of a copy, and its `tests` and `checks` behind it."""
    paths = os.pathsep.join([str(tree.parent / "package"), str(tree)])
    return os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
