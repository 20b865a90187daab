"""A copy of the tree whose core is built with other flags: programs and tests that run on it, faults put into it."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import _scratch


@dataclass
class Copy:
    """Where a copy is, what its programs find in their environment, and flags and compiler of its last build."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    built: tuple[str, str] = ("", "")
    interpreter: str = sys.executable
    single: dict[str, str] = field(default_factory=dict)  # flags of single sources, as build_core.py takes them

    @property
    def tree(self) -> Path:
        """The sources."""
        return self.folder / "tree"

    def build(self, flags: str, compiler: str = "") -> None:
        """Compile what is new with `flags` added."""
        self.built = (flags, compiler)
        try:
            _scratch.build(self.tree, flags, compiler, self.single)
        except subprocess.CalledProcessError as error:
            print(error.output)
            raise

    @contextmanager
    def fault(self, source: str, old: str, new: str) -> Iterator[None]:
        """Build with one place of the core changed, for what is run in this block: to see that a fault is noticed."""
        file = self.tree / "core" / source
        text = file.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise LookupError(f"core/{source} has {text.count(old)} places {old!r}, not one")
        file.write_text(text.replace(old, new), encoding="utf-8")
        print("building the core with a fault that has to be noticed", flush=True)
        try:
            self.build(*self.built)
            yield
        finally:
            file.write_text(text, encoding="utf-8")
            for compiled in (self.tree / "build").rglob(f"{file.stem}.o"):
                compiled.unlink()

    def python(self, *arguments: str, cwd: Path | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run Python beside the copy, which it finds after its package."""
        env = _scratch.environment(self.tree) | self.environment
        return subprocess.run([self.interpreter, *arguments], cwd=cwd or self.folder, env=env, text=True, **options)

    def pytest(self, *arguments: str) -> tuple[bool, str]:
        """Run pytest on the copy and show what it says; return whether it passed, and the numbers in its last line."""
        command = _scratch.pytest_command(arguments, "--no-header")[1:]
        done = self.python(*command, cwd=self.tree, stdout=subprocess.PIPE)
        print(done.stdout, flush=True)
        return done.returncode == 0, re.sub(r"^=+ | =+$", "", done.stdout.rstrip().rpartition("\n")[2])


@contextmanager
def copied(kept: str | None = None) -> Iterator[Copy]:
    """Copy the tree, into the folder `kept` or one that goes away again; what was built there before is used again."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(kept or temporary).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        _scratch.copy_sources(folder)
        yield Copy(folder)
