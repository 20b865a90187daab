"""gcov's counts of a template are merged over its compilations, and shares are those of lines and of arcs."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from checks._gcov import Line, Shares, read

TEMPLATE = """\
static int FN(sign)(int x)
{
    if (x < 0)
        return -1;
    return x > 0;
}
"""
PROGRAM = """\
#define FN(name) name##_a
#include "sign_tpl.h"
#undef FN
#define FN(name) name##_b
#include "sign_tpl.h"
int never(void) { return 1; }
int main(void) { return sign_a(-2) + sign_b(3); }
"""


@pytest.mark.skipif(not (shutil.which("gcc") and shutil.which("gcov")), reason="gcc and gcov measure")
def test_a_template_is_covered_by_any_of_its_compilations(tmp_path):
    core = tmp_path / "core"
    core.mkdir()
    (core / "sign_tpl.h").write_text(TEMPLATE)
    (core / "main.c").write_text(PROGRAM)
    subprocess.run(["gcc", "--coverage", "-O0", "core/main.c", "-o", "program"], cwd=tmp_path, check=True)
    subprocess.run([tmp_path / "program"], cwd=tmp_path, check=True)
    files = read(tmp_path, core)
    template = files["sign_tpl.h"]
    assert {number: line.count for number, line in template.items()} == {1: 2, 3: 2, 4: 1, 5: 1}
    assert template[3].arcs == [1, 1]
    assert files["main.c"][6].count == 0
    lines, arcs = Shares().add(template).add(files["main.c"]).percent()
    assert (lines, arcs) == (100 * 5 / 6, 100)


def test_the_compilation_with_most_branches_says_which_there_are():
    line = Line()
    line.add(3, [3, 0])
    line.add(0, [0, 0, 0, 0])
    line.add(2, [0, 2, 0, 1])
    assert line.count == 5 and line.arcs == [0, 2, 0, 1]


def test_nothing_to_run_is_all_of_it():
    assert Shares().percent() == (100, 100)
