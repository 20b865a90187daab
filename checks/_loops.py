"""What the compiler made of a table's loops, read from the object file: so for instruction sets that are not here, too.

The accumulators of a tile have to stay in registers (core/gemm_tpl.h). One that lives on the stack costs more than half
of the speed, and no test of results sees it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

FUSED = re.compile(r"\b(vfn?m(add|sub)\w*|fml[as])\b")
# What is stored there in the loop is an accumulator; what is only loaded is a constant, which costs nothing more.
SPILL = re.compile(r"%[xyz]mm\d+,-?(0x)?[0-9a-f]*\(%r[sb]p[^,]*\)$|\bst[rp]\s+q\d+.*\[(sp|x29)")


def functions(object_file: Path, objdump: str) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Yield the functions of an object file: name, addresses and instructions."""
    command = [objdump, "-d", "--no-show-raw-insn", str(object_file)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name, body in re.findall(r"^[0-9a-f]+ <(\S+)>:\n(.*?)(?=^[0-9a-f]+ <|\Z)", text, re.MULTILINE | re.DOTALL):
        yield name, [(int(at, 16), what) for at, what in re.findall(r"^\s*([0-9a-f]+):\s+(.*)$", body, re.MULTILINE)]


def innermost_loops(code: list[tuple[int, str]]) -> Iterator[list[str]]:
    """Yield the instructions of each loop that has no jump but the one to its begin."""
    index = {at: i for i, (at, _) in enumerate(code)}
    last_jump = -1
    for i, (_, what) in enumerate(code):
        jump = re.match(r"(?:j|b\.|cbn?z|tbn?z)\w*\s+(?:[wx]\d+, )?(?:#\d+, )?([0-9a-f]+)", what)
        if not jump:
            continue
        begin = index.get(int(jump[1], 16))
        if begin is not None and last_jump < begin <= i:
            yield [text for _, text in code[begin : i + 1]]
        last_jump = i


def report(object_file: Path, objdump: str) -> tuple[bool, str]:
    """Return whether the largest loop of GEMM's tile keeps off the stack, and a sentence about it and the others."""
    tiles, others = [], 0
    for name, code in functions(object_file, objdump):
        for loop in innermost_loops(code):
            fused = sum(bool(FUSED.search(text)) for text in loop)
            stores = sum(bool(SPILL.search(text)) for text in loop)
            if name == "gemm_tile_f32":
                tiles.append((fused, -len(loop), stores))
            elif fused >= 4:
                others += bool(stores)
    fused, length, stores = max(tiles)
    said = f"{fused} multiply-adds in {-length} instructions, {stores} accumulators stored"
    return not stores, f"{said}; {others} other loops store some"


def reports(build: Path, tables: tuple[str, ...]) -> Iterator[tuple[bool, str]]:
    """Yield for each table that was compiled below `build` whether its loops are whole, and what they are."""
    for table in tables:
        objects = sorted(build.rglob(f"isa_{table}.o"), key=lambda file: file.stat().st_mtime)
        objdump = "aarch64-linux-gnu-objdump" if table == "neon" else "objdump"
        if objects and shutil.which(objdump):
            whole, said = report(objects[-1], objdump)
            yield whole, f"{table}'s loop of GEMM: {said}"
