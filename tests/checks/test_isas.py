"""The check on every instruction set: how each runs here, and what is read from an object file."""

from __future__ import annotations

import platform
import shutil
import subprocess

import pytest

from checks import _arm, _loops, isas
from tests.conftest import ISAS

LOOP = """
typedef float vec __attribute__((vector_size(16)));
void gemm_tile_f32(long n, const vec *a, vec *c)
{{
    vec sum[8] = {{0}};
    for (long i = 0; i < n; i++) {{
        {0}
        _Pragma("GCC unroll 8")
        for (int j = 0; j < 8; j++)
            sum[j] += a[i] * a[i + j];
    }}
    for (int j = 0; j < 8; j++)
        c[j] = sum[j];
}}
"""


def test_each_table_runs_somehow():
    assert all(isas.kind(table) == "native" for table in ISAS)
    if platform.machine() == "x86_64":
        assert isas.kind("neon") == "qemu" and isas.kind("avx1024") == "emulated"


def test_what_is_missing_for_arm_is_said(monkeypatch):
    monkeypatch.setattr(_arm, "NEEDED", ("sh", "no-such-emulator"))
    assert isas.qemu(None) == "no-such-emulator not installed"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="reads x86-64")
def test_accumulators_in_memory_are_seen(tmp_path):
    if not shutil.which("gcc") or not shutil.which("objdump"):
        pytest.skip("needs gcc and objdump")
    for name, spill, whole in (("kept", "", True), ("stored", '__asm__ volatile("" : "+m"(sum));', False)):
        source = tmp_path / f"isa_{name}.c"
        source.write_text(LOOP.format(spill))
        command = ["gcc", "-O2", "-mfma", "-ffp-contract=fast", "-c", str(source), "-o", str(source.with_suffix(".o"))]
        subprocess.run(command, check=True)
        ((found, said),) = _loops.reports(tmp_path, (name,))
        assert found == whole and said.startswith(f"{name}'s loop of GEMM: 8 multiply-adds"), said
