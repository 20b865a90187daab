"""A copy of the sources into whose core faults can be put: compile what one changes, run tests, put all back."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ._scratch import build, environment, pytest_command

# With allocations that tests make fail. Pointers where numbers belong are warnings to gcc 12, and errors to later ones.
FLAGS = "-O1 -DTC_TESTING -Werror=int-conversion -Werror=incompatible-pointer-types"
COMPILED = re.compile(r"^(?P<command>.* -c core/(?P<name>\w+\.c) -o (?P<object>\S+\.o) .*)$", re.MULTILINE)
LINKED = re.compile(r"^.* -shared .*\.so\b.*$", re.MULTILINE)
QUOTED = re.compile(r'(-D\w+="[^"]*")')  # setuptools prints the quotes that belong to a macro as they are
FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
MEMORY = 16 << 30  # address space of the tests: a fault may ask for any


@dataclass
class Compilation:
    """The command that compiles one source, the object it makes, and that object's bytes without a fault."""

    command: list[str]
    object: Path
    sound: bytes


class Core:
    """The core of a copy. Commands and dependencies are those that its build printed and wrote."""

    def __init__(self, tree: Path, printed: str):
        self.tree = tree
        self.printed = printed
        found = [match.groupdict() for match in COMPILED.finditer(printed)]
        self.compilations = {
            entry["name"]: Compilation(
                arguments(entry["command"]), tree / entry["object"], (tree / entry["object"]).read_bytes()
            )
            for entry in found
        }
        self.link = arguments(LINKED.findall(printed)[-1])
        # The build copies what it linked to where the package is; here it is linked there at once.
        made = self.link.index("-o") + 1
        self.link[made] = str(Path("tinygrad_cnn", Path(self.link[made]).name))

    @classmethod
    def build(cls, tree: Path) -> Core:
        """Compile the core of a copy of the sources."""
        return cls(tree, build(tree, FLAGS))

    def copy(self, folder: Path) -> Core:
        """Return another copy, built as well."""
        shutil.copytree(self.tree.parent, folder, symlinks=True)
        package = folder / "package" / "tinygrad_cnn"
        package.unlink()
        package.symlink_to(folder / "tree" / "tinygrad_cnn")
        return Core(folder / "tree", self.printed)

    def users(self, file: str, unused: Sequence[str]) -> list[str]:
        """Return the sources that are compiled when a file changes, but for tables that no test can use."""
        users = [
            name
            for name, compilation in self.compilations.items()
            if re.search(
                rf"\bcore/{re.escape(file)}\b", compilation.object.with_suffix(".d").read_text(encoding="utf-8")
            )
        ]
        return [name for name in users if name not in unused]

    def compile(self, file: str, text: str, unused: Sequence[str]) -> str:
        """Compile a file with another text, and what includes it; return why that is no fault, "" if it is one."""
        (self.tree / "core" / file).write_text(text, encoding="utf-8")
        same = True
        for name in self.users(file, unused):
            compilation = self.compilations[name]
            if subprocess.run(compilation.command, cwd=self.tree, capture_output=True).returncode != 0:
                return "does not compile"
            same &= compilation.object.read_bytes() == compilation.sound
        if same:
            return "same code"
        subprocess.run(self.link, cwd=self.tree, check=True, capture_output=True)
        return ""

    def restore(self, file: str, text: str) -> None:
        """Put a file and all objects back; the next fault links them anew."""
        (self.tree / "core" / file).write_text(text, encoding="utf-8")
        for name in self.users(file, ()):
            compilation = self.compilations[name]
            compilation.object.write_bytes(compilation.sound)

    def failure(self, tests: Sequence[str], seconds: float, *options: str) -> str:
        """Return the first test that fails, or how the run ended otherwise; "" if all passed.

        A run that takes more than `seconds` of processor time, or ten times as long by the clock, has failed.
        """

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 5))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        command = pytest_command(tests, "--tb=no", *options)
        running = subprocess.Popen(
            command,
            cwd=self.tree,
            env=environment(self.tree),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=limit,
        )
        try:
            printed = running.communicate(timeout=10 * seconds)[0]
        except subprocess.TimeoutExpired:
            printed = "FAILED (no end)"
        finally:
            end_all(running)
        if running.returncode == 0:
            return ""
        failed = FAILED.search(printed)
        return failed[1] if failed else f"(exit status {running.returncode})"


def arguments(printed: str) -> list[str]:
    """Return a command as setuptools printed it."""
    return shlex.split(QUOTED.sub(r"'\1'", printed))


def end_all(running: subprocess.Popen) -> None:
    """End a process and those that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()
