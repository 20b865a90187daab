"""Source distribution and wheel: what is in them, that one builds the other, and that changed C files are rebuilt."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

setuptools = pytest.importorskip("setuptools", minversion="77")

ROOT = Path(__file__).resolve().parents[1]
LARGEST_CORE = 1 << 20  # bytes: the compiled core fits in a megabyte
LARGEST_WHEEL = 1_500_000


if not (ROOT / "build_core.py").exists():
    pytest.skip("runs in a source tree only", allow_module_level=True)


def copy_tree(target: Path) -> None:
    """Copy what is source in this tree, without the examples' data, which is large."""
    ignored = shutil.ignore_patterns(".git", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", "*.so", "raw")
    shutil.copytree(ROOT, target, ignore=ignored)


def run(*command: str, cwd: Path, **environment: str) -> str:
    """Run Python with arguments and return what it prints; fail with its output otherwise."""
    env = {name: value for name, value in os.environ.items() if name != "TINYGRAD_CNN_CFLAGS"} | environment
    done = subprocess.run([sys.executable, *command], cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(kind: str, source: Path, output: Path) -> Path:
    """Call the build backend as pip does, with the packages that are installed here."""
    script = f"from setuptools import build_meta; build_meta.build_{kind}({str(output)!r})"
    output.mkdir(exist_ok=True)
    run("-c", script, cwd=source)
    (made,) = output.iterdir()
    return made


def sources(tree: Path, *patterns: str) -> set[str]:
    """Return the paths in a tree that match, relative to it."""
    return {path.relative_to(tree).as_posix() for pattern in patterns for path in tree.glob(pattern)}


def build_both(folder: Path) -> tuple[Path, Path, Path]:
    """Return the sdist of this tree, the folder it was unpacked in, and the wheel built there.

    Object files that an earlier build left in this tree are taken along: they are used where they are newer than all
    that they were made from, as the sdist has it, and a header that the sdist lacks makes them be compiled again.
    """
    copy_tree(folder / "tree")
    sdist = build("sdist", folder / "tree", folder / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (unpacked,) = (folder / "unpacked").iterdir()
    for objects in ROOT.glob("build/temp.*"):
        shutil.copytree(objects, unpacked / "build" / objects.name)
    return sdist, unpacked, build("wheel", unpacked, folder / "wheel")


def check_sdist(sdist: Path, tree: Path) -> None:
    """All sources, tests, examples and documents are in the source distribution, nothing compiled is."""
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    wanted = sources(tree, "core/*.[ch]", "tinygrad_cnn/**/*.py", "tests/**/*.py", "tests/**/*.[ch]")
    wanted |= sources(tree, "examples/*.py", "benchmarks/*.py", "benchmarks/*.c", "*.md")
    wanted |= {"build_core.py", "setup.py", "pyproject.toml", "LICENSE", "MANIFEST.in", "tinygrad_cnn/py.typed"}
    assert sorted(wanted - names) == []
    assert not [name for name in names if name.endswith((".so", ".o", ".pyc", ".gz"))]


def check_wheel(wheel: Path, tree: Path) -> None:
    """One small abi3 wheel: the package, the compiled core, the metadata, nothing else."""
    assert re.fullmatch(r"tinygrad_cnn-[\d.]+-cp310-abi3-\w+\.whl", wheel.name)
    assert wheel.stat().st_size <= LARGEST_WHEEL
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"
        metadata = archive.read(f"{info}/METADATA").decode()
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    compiled = {name for name in names if re.fullmatch(r"tinygrad_cnn/_core(\.abi3)?\.(so|pyd)", name)}
    assert len(compiled) == 1 and sizes[compiled.copy().pop()] <= LARGEST_CORE
    files = {"METADATA", "WHEEL", "RECORD", "top_level.txt", "licenses/LICENSE"}
    expected = (
        sources(tree, "tinygrad_cnn/**/*.py", "tinygrad_cnn/*.pyi")
        | {"tinygrad_cnn/py.typed"}
        | {f"{info}/{name}" for name in files}
    )
    assert sorted(names - compiled) == sorted(expected)
    assert "License-Expression: MIT" in metadata and "Requires-Python: >=3.10" in metadata


def check_installed(wheel: Path, folder: Path) -> None:
    """The unpacked wheel works by itself, far from the sources."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    script = "import tinygrad_cnn as t; print(t.__file__, t.nn.Conv2d(1, 2, 3)(t.ones(1, 1, 5, 5)).shape)"
    assert run("-c", script, cwd=folder.parent, PYTHONPATH=str(folder)).split()[0].startswith(str(folder))


def check_rebuild(tree: Path) -> None:
    """Building in place compiles the files that changed, by themselves or through a header, and no others."""

    def compiled_by_next_build() -> set[str]:
        before = {path: path.stat().st_mtime_ns for path in tree.glob("build/temp.*/*/core/*.o")}
        assert before
        run("build_core.py", cwd=tree)
        assert (tree / "tinygrad_cnn" / "_core.abi3.so").exists()
        return {path.stem for path, mtime in before.items() if path.stat().st_mtime_ns != mtime}

    assert compiled_by_next_build() == set()
    (tree / "core" / "threads.h").touch()
    assert compiled_by_next_build() == {"threads", "threads_worker"}
    (tree / "core" / "cpus.c").touch()
    assert compiled_by_next_build() == {"cpus"}


def test_distributions(tmp_path):
    """One test, as one build of the core serves all checks."""
    sdist, unpacked, wheel = build_both(tmp_path)
    check_sdist(sdist, tmp_path / "tree")
    check_wheel(wheel, tmp_path / "tree")
    check_installed(wheel, tmp_path / "installed")
    check_rebuild(unpacked)


def test_a_header_line_that_cffi_does_not_know_is_blanked():
    """The headers are C with directives, the cdef is not; it has all of them, each once."""
    script = "import build_core; print(build_core.cdef(), end='')"
    lines = run("-c", script, cwd=ROOT).split("\n")
    assert not [line for line in lines if line.startswith(("#if", "#inc", "#end"))]
    assert "#define TC_MAX_DIMS 64" in lines
    assert "tc_alloc_fail_at" not in "".join(lines)  # core_testing.h: in test builds alone
    for header in set((ROOT / "core").glob("core*.h")) - {ROOT / "core" / "core_testing.h"}:
        declared = [line for line in header.read_text().split("\n") if line.startswith(("int tc_", "void tc_"))]
        assert declared and all(lines.count(line) == 1 for line in declared), header.name
