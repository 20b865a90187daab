"""The core as a C library: core_test.c built without Python by several compilers, with sanitizers, and for other CPUs.

Every build compiles all of `core/*.c` with warnings as errors. Its tests then run in one process for each
instruction set.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import ISAS

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [*sorted((ROOT / "core").glob("*.c")), *sorted((ROOT / "tests" / "core").glob("core_test*.c"))]
WARNINGS = [
    "-std=c11",
    "-ffp-contract=fast",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-psabi",
    "-fopenmp-simd",
    "-DTC_TESTING",
]
KERNELS = ["gemm", "conv", "pool"]
RUNTIME = ["memory", "threads", "cpus", "callers", "fork"]


@dataclass
class Build:
    """How to build core_test: compilers (the first that is there), flags, instruction sets, and what emulates them."""

    compilers: tuple[str, ...]
    flags: str
    isas: list[str] = field(default_factory=lambda: ISAS)
    emulator: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=lambda: KERNELS + RUNTIME)


BUILDS = {
    "gcc": Build(("gcc",), "-O1"),
    "clang": Build(("clang",), "-O1"),
    # This sanitizer does not follow a fork into new threads, and single-threaded kernels are nothing to it. Accesses
    # are checked under the tests of the core: python -m checks sanitizers address.
    "thread": Build(("clang", "gcc"), "-O0 -g -fsanitize=thread", ISAS[-1:], parts=RUNTIME[:-1]),
    # The tables of any x86-64 CPU, their wide vectors lowered to the baseline, whatever this machine has.
    "emulated": Build(("clang", "gcc"), "-O0 -DTC_EMULATE", ["avx2", "avx512"], parts=KERNELS),
    # Kernels only: an emulator on x86-64 shows nothing of ARM's memory order and does not survive fork with threads.
    "aarch64": Build(("aarch64-linux-gnu-gcc",), "-O1 -static", ["neon"], ["qemu-aarch64"], KERNELS),
}


def find_compiler(build: Build, folder: Path) -> str:
    """Return the build's compiler; skip the test where it, an emulator or a sanitizer's library is missing."""
    if "TC_EMULATE" in build.flags and platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("the emulated tables are those of x86-64")
    for tool in build.emulator:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    program = folder / "empty.c"
    program.write_text("int main(void) { return 0; }\n")
    for compiler in filter(shutil.which, build.compilers):
        command = [compiler, *build.flags.split(), str(program), "-o", str(folder / "empty")]
        if subprocess.run(command, capture_output=True).returncode == 0:
            return compiler
    pytest.skip(f"no {' or '.join(build.compilers)} that can link with {build.flags}")


def compile_program(build: Build, folder: Path) -> Path:
    """Compile all sources side by side and link them; any warning fails the test."""
    command = [find_compiler(build, folder), *WARNINGS, *build.flags.split(), "-pthread", f"-I{ROOT / 'core'}"]

    def compile_one(source: Path) -> str:
        made = str(folder / f"{source.stem}.o")
        done = subprocess.run([*command, "-c", str(source), "-o", made], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return made

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compile_one, SOURCES))
    program = folder / "core_test"
    subprocess.run([*command, *objects, "-lm", "-o", str(program)], check=True)
    return program


@pytest.mark.parametrize("name", BUILDS)
def test_core_as_a_c_library(name, tmp_path):
    build = BUILDS[name]
    program = compile_program(build, tmp_path)
    for isa in build.isas:
        options = {"TINYGRAD_CNN_ISA": isa, "OMP_NUM_THREADS": "3"}
        command = [*build.emulator, str(program), *build.parts]
        done = subprocess.run(command, env=os.environ | options, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{isa}: {done.stdout}{done.stderr}"
        assert done.stdout == f"{isa}: ok\n" and done.stderr == ""


@pytest.mark.skipif(platform.system() != "Linux", reason="cgroups are Linux's")
def test_cgroup_quota(tmp_path):
    """Quotas of both versions, of nested groups, and in a container that sees its own group as the root."""
    if (compiler := shutil.which("gcc") or shutil.which("clang")) is None:
        pytest.skip("no C compiler")
    program = tmp_path / "quota"
    main = tmp_path / "quota.c"
    main.write_text(
        '#include <stdio.h>\n#include "internal.h"\n'
        'int main(int n, char **v) { (void)n; printf("%g", tc_cgroup_quota(v[1], v[2])); return 0; }\n'
    )
    flags = ["-std=c11", f"-I{ROOT / 'core'}", *os.environ.get("TINYGRAD_CNN_CFLAGS", "").split()]
    sources = [str(main), str(ROOT / "core" / "cpus.c")]
    subprocess.run([compiler, *flags, *sources, "-lm", "-o", str(program)], check=True)

    def quota(membership: str, **files: str) -> float:
        root = tmp_path / f"root{len(list(tmp_path.iterdir()))}"
        root.mkdir()
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        (root / "membership").write_text(membership)
        return float(subprocess.check_output([str(program), str(root / "membership"), str(root)]))

    assert quota("0::/\n") == 0
    assert quota("0::/\n", **{"cpu.max": "max 100000\n"}) == 0
    assert quota("0::/\n", **{"cpu.max": "250000 100000\n"}) == 2.5
    assert quota("0::/a/b\n", **{"a/b/cpu.max": "300000 100000\n", "a/cpu.max": "150000 100000\n"}) == 1.5
    assert quota("0::/a/b\n", **{"a/b/cpu.max": "max 100000\n", "a/cpu.max": "800000 100000\n"}) == 8
    assert quota("0::/a/b\n", **{"a/b/cpu.max": "100000 100000\n", "a/cpu.max": "200000 100000\n"}) == 1
    for text in ("0 100000\n", "100000 0\n", "100000\n", "\n"):
        assert quota("0::/\n", **{"cpu.max": text}) == 0, text
    assert quota("0::/only/on/the/host\n", **{"cpu.max": "200000 100000\n"}) == 2
    v1 = {"cpu/x/cpu.cfs_quota_us": "50000\n", "cpu/x/cpu.cfs_period_us": "100000\n"}
    assert quota("3:memory:/y\n2:cpu,cpuacct:/x\n", **v1) == 0.5
    assert quota("2:cpu,cpuacct:/x\n", **(v1 | {"cpu/x/cpu.cfs_quota_us": "-1\n"})) == 0
    for period in ("0\n", "\n"):
        assert quota("2:cpu,cpuacct:/x\n", **(v1 | {"cpu/x/cpu.cfs_period_us": period})) == 0, period
    assert quota("2:cpu,cpuacct:/x\n", **{"cpu/x/cpu.cfs_quota_us": "50000\n"}) == 0
    assert quota("2:cpu,cpuacct:/x\n", **(v1 | {"cpu/x/cpu.cfs_quota_us": "none\n"})) == 0
    other = {"cpu/y/cpu.cfs_quota_us": "20000\n", "cpu/y/cpu.cfs_period_us": "100000\n"}  # not this process's group
    assert quota("4:cpuset:/y\n3:cpuacct:/y\n2:cpuacct,cpu:/x\n", **v1, **other) == 0.5
    assert quota("4:cpuset:/y\n", **v1, **other) == 0
    assert quota("nonsense\n") == 0
    assert float(subprocess.check_output([str(program), str(tmp_path / "absent"), str(tmp_path)])) == 0
