"""Build the wheel twice in different places and look into it: same bytes, no paths, hardened, few dependencies.

The source distribution is then built by each compiler of `--compilers` as C11, without warnings, and by the oldest
dependencies that `pyproject.toml` names; both have to train a small network.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from . import ROOT
from .outcome import Outcome

STARTED = "1600000000"  # SOURCE_DATE_EPOCH of both builds: any time will do, if it is the same

SMOKE = """
import tinygrad_cnn as torch
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 2))
optimizer = torch.optim.SGD(net.parameters(), 0.05)
x = torch.randn(16, 1, 8, 8)
y = (x.mean((1, 2, 3)) > 0).long()
losses = []
for step in range(60):
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(net(x), y)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
assert losses[-1] < losses[0] / 2, losses
"""


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--compilers",
        default="gcc,clang",
        help="commands, separated by commas, that build the source distribution (default: gcc,clang)",
    )


def call(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command and return what it prints; RuntimeError with its output if it fails."""
    env = {name: value for name, value in os.environ.items() if name not in ("TINYGRAD_CNN_CFLAGS", "PYTHONPATH")}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=env | environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def build(kind: str, tree: Path, output: Path, **environment: str) -> Path:
    """Build `wheel` or `sdist` of a tree as pip does, in this environment, and return the file."""
    output.mkdir(parents=True)
    script = f"from setuptools import build_meta; build_meta.build_{kind}({str(output)!r})"
    call(sys.executable, "-c", script, cwd=tree, SOURCE_DATE_EPOCH=STARTED, **environment)
    (made,) = output.iterdir()
    return made


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack a source distribution and return its folder."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (tree,) = folder.iterdir()
    return tree


def look_inside(wheel: Path, folder: Path) -> tuple[list[str], str]:
    """Return what is wrong with a wheel, and its figures."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    (core,) = folder.glob("tinygrad_cnn/_core*.so")
    wrong = []
    paths = sorted(
        {path.decode() for path in re.findall(rb"/(?:home|root|tmp|usr|opt|build|work)/[\w./+-]+", core.read_bytes())}
    )
    if paths:
        wrong.append(f"paths in the core: {paths}")
    headers, dynamic = (call("readelf", flag, core, cwd=folder) for flag in ("-lW", "-dW"))
    symbols = call("readelf", "--dyn-syms", "-W", core, cwd=folder)
    sections = call("readelf", "-SW", core, cwd=folder)
    for what, there in {
        "RELRO": "GNU_RELRO" in headers and "BIND_NOW" in dynamic,
        "a stack that cannot be executed": re.search(r"GNU_STACK.* RW ", headers) is not None,
        "guards of the stack": "__stack_chk_fail" in symbols,
        "checked copies": "_chk@" in symbols or "_chk (" in symbols,
        "no search path": "RPATH" not in dynamic and "RUNPATH" not in dynamic,
        "no debug sections": ".debug" not in sections,
    }.items():
        if not there:
            wrong.append(f"missing: {what}")
    needs = requirements(folder)
    if sorted(re.match(r"\w+", need)[0] for need in needs) != ["cffi", "numpy"]:  # type: ignore[index]
        wrong.append(f"dependencies: {needs}")
    return wrong, f"core {core.stat().st_size:,} bytes, wheel {wheel.stat().st_size:,} bytes, needs {', '.join(needs)}"


def try_wheel(wheel: Path, folder: Path, python: str | Path = sys.executable) -> None:
    """Train a small network with the wheel, unpacked far from the sources."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    call(python, "-c", SMOKE, cwd=folder.parent, PYTHONPATH=str(folder))


def requirements(unpacked: Path) -> list[str]:
    """Return what an unpacked wheel needs at run time."""
    metadata = next(unpacked.glob("*.dist-info/METADATA")).read_text(encoding="utf-8")
    return [need for need in re.findall(r"Requires-Dist: (.*)", metadata) if "extra ==" not in need]


def try_oldest(wheel: Path, needs: list[str], folder: Path) -> None:
    """Train with dependencies of these versions, in an environment of their own."""
    call(sys.executable, "-m", "venv", folder / "env", cwd=folder)
    python = folder / "env" / "bin" / "python"
    call(python, "-m", "pip", "install", "--quiet", *needs, cwd=folder)
    try_wheel(wheel, folder / "oldest", python)


def build_twice(folder: Path) -> tuple[Path, Path]:
    """Build the wheel from two copies of the committed sources, at paths of different lengths."""
    made = []
    for name in ("a", "a-second-place-with-a-longer-name"):
        tree = folder / name / "tree"
        call("git", "clone", "--quiet", ROOT, tree, cwd=folder)
        print(f"building in {tree}", flush=True)
        made.append(build("wheel", tree, folder / name / "wheel"))
    return made[0], made[1]


def run(args: argparse.Namespace) -> Outcome:
    """Build, compare, look, and try."""
    wrong, lines = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, second = build_twice(folder)
        digests = [hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in (first, second)]
        if digests[0] != digests[1]:
            wrong.append(f"the two wheels differ: {digests}")
        found, figures = look_inside(first, folder / "inside")
        wrong += found
        same = "same" if digests[0] == digests[1] else "different"
        lines.append(f"Two builds in different folders: {same} bytes; {figures}.")
        sdist = build("sdist", folder / "a" / "tree", folder / "sdist")
        for number, compiler in enumerate(filter(shutil.which, args.compilers.split(","))):
            tree = unpack(sdist, folder / f"sources{number}")
            print(f"building with {compiler}", flush=True)
            wheel = build("wheel", tree, folder / f"built{number}", CC=compiler, TINYGRAD_CNN_CFLAGS="-Werror")
            try_wheel(wheel, folder / f"tried{number}")
            version = call(compiler, "--version", cwd=folder).partition("\n")[0]
            lines.append(f"Source distribution built as C11 with -Werror and tried: {version}.")
        oldest = [need.replace(">=", "==") for need in requirements(folder / "inside")]
        try_oldest(first, oldest, folder)
        lines.append(f"Tried with {', '.join(oldest)}.")
    return Outcome(not wrong, "\n".join([*wrong, *lines]))
