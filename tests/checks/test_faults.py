"""Faults are put where code is, are drawn alike from a seed, and are noticed, or not, by the tests of a small core."""

from __future__ import annotations

import itertools
import shutil
import subprocess

import pytest

from checks._fault_core import Core
from checks._fault_harmless import HARMLESS
from checks._fault_keep import Kept
from checks._fault_kinds import changes
from checks._fault_tests import stages
from checks.faults import ROOT, Fault, Verdict, draw, judge_all, named, outcome, sources
from tests.builds import unsanitized

BODIES = {
    "y = a + b;": {"y = a - b;", ";"},
    "y = -a;": {"y = a;", ";"},
    "if (!a) return;": {"if (a) return;", "if (!a) ;"},
    "y[i] = x[0];": {"y[i + 1] = x[0];", "y[i - 1] = x[0];", "y[i] = x[0 + 1];", "y[i] = x[0 - 1];"}
    | {"y[i] = x[(0 + 1)];", "y[i] = x[(0 - 1)];", ";"},
    "y = a < b ? a : b;": {"y = a <= b ? a : b;", "y = b < a ? a : b;", "y = a < b ? (b) : (a);", ";"},
    "f(a, b);": {"f(b, a);", ";"},
    "y = 0.5;": {"y = (0.5 * 1.01f);", ";"},
    "const T *p = a; T lanes[VLEN];": set(),
    "/* a + b */ // c - d": set(),
}


@pytest.mark.parametrize("body", BODIES)
def test_each_kind_of_fault(body):
    source = f"static int f(int a)\n{{\n    {body}\n}}\n"
    assert {change.apply(source).splitlines()[2].strip() for change in changes(source)} == BODIES[body]


def test_bounds_of_loops():
    source = "void f(int n)\n{\n    for (int i = 0; i < n; i++)\n        g();\n}\n"
    kinds = {change.kind: change.apply(source).splitlines()[2].strip() for change in changes(source)}
    assert kinds["bound+1"] == "for (int i = 0; i < n + 1; i++)"
    assert kinds["bound-1"] == "for (int i = 0; i < n - 1; i++)"
    assert kinds["++>--"] == "for (int i = 0; i < n; i--)"


def test_declarations_and_directives_have_none():
    assert not changes("#define N (1 + 2)\ntypedef struct { int a[4]; } s;\nint f(int n);\nenum { A = 1 };\n")


def test_faults_are_the_same_for_a_seed_and_have_names():
    files = sources(["gemm.c", "gemm_tpl.h"])
    first, second = (list(itertools.islice(draw(files, 3), 50)) for _ in range(2))
    assert first == second and len({fault.name for fault in first}) == 50
    assert first != list(itertools.islice(draw(files, 4), 50))
    assert named(files, [fault.name for fault in first]) == first
    line = files[first[0].file].splitlines()[int(first[0].name.split(":")[1]) - 1]
    assert f"\n-{line}\n+" in first[0].diff()


def test_every_file_has_tests_that_exist():
    for file in (name for name, source in sources(None).items() if changes(source)):
        parts = stages(file, ROOT)
        assert parts[0] and all((ROOT / path.partition("::")[0]).exists() for part in parts for path in part), file


SOURCE = "int add(int a, int b)\n{\n    int unused = 0;\n    (void)(unused + 1);\n    return a + b;\n}\n"
TEST = """\
import ctypes
from pathlib import Path
def test_sum():
    library = ctypes.CDLL(str(Path(__file__).parents[1] / "tinygrad_cnn" / "_core.abi3.so"))
    assert library.add(2, {}) == {}
"""


@unsanitized
@pytest.mark.skipif(not shutil.which("gcc"), reason="faults are compiled with gcc")
def test_what_becomes_of_a_fault(tmp_path, monkeypatch, capsys):
    """One that changes the sum is noticed, unless the test adds 0; one that changes no code is none."""
    printed = "gcc -fPIC -O1 -MMD -c core/add.c -o build/add.o -fPIC\ngcc -shared build/add.o -o build/_core.abi3.so"
    tree = tmp_path / "one" / "tree"
    for folder in ("core", "build", "tests", "tinygrad_cnn", "../package"):
        (tree / folder).mkdir(parents=True)
    (tmp_path / "one" / "package" / "tinygrad_cnn").symlink_to(tree / "tinygrad_cnn")
    (tree / "core" / "add.c").write_text(SOURCE)
    (tree / "tests" / "test_sum.py").write_text(TEST.format(3, 5))
    (tree / "tests" / "test_zero.py").write_text(TEST.format(0, 2))
    monkeypatch.chdir(tree)
    for command in printed.splitlines():
        subprocess.run(command.split(), check=True)
    core = Core(tree, printed).copy(tmp_path / "two")
    found = {change.kind: Fault("add.c", SOURCE, change) for change in changes(SOURCE)}
    wrong, same = found["+>-"], Fault("add.c", SOURCE, changes(SOURCE)[0])

    def verdict(fault: Fault, test: str) -> Verdict:
        monkeypatch.setattr("checks.faults.stages", lambda file, root: [[f"tests/{test}.py"]])
        (judged,) = judge_all([core], iter([fault]), 1, 1, {f"tests/{test}.py": 1.0}, Kept(None, {}))
        return judged

    assert verdict(wrong, "test_sum").noticed == "tests/test_sum.py::test_sum"
    survived = verdict(wrong, "test_zero")
    assert not survived.noticed and not survived.none
    assert verdict(same, "test_sum").none == "same code"
    assert (core.tree / "core" / "add.c").read_text() == SOURCE
    assert not outcome([survived]).passed and f"--only '{wrong.name}'" in capsys.readouterr().out


def test_a_run_goes_on_from_the_verdicts_that_were_kept(tmp_path):
    files = {"add.c": SOURCE}
    one, two = [Fault("add.c", SOURCE, change) for change in changes(SOURCE)[:2]]
    kept = Kept(tmp_path / "kept", files)
    kept.add(one.name, none="same code", noticed="", seconds=1.0)
    kept.add(two.name, none="", noticed="tests/test_sum.py::test_sum", seconds=2.0)
    again = Kept(tmp_path / "kept", files)
    nobody = [None]  # no core is needed
    assert judge_all(nobody, iter([one, two]), 1, 1, {}, again) == [
        Verdict(one, "same code", "", 1.0),
        Verdict(two, "", "tests/test_sum.py::test_sum", 2.0),
    ]
    with pytest.raises(ValueError, match="keeps verdicts on other sources"):
        Kept(tmp_path / "kept", {"add.c": SOURCE + "\n"})


def test_listed_faults_are_those_of_lines_that_exist():
    """A line that has changed may have become one that matters: it has to be looked at again."""
    files = sources(None)
    for (file, kind, line), why in HARMLESS.items():
        found = [Fault(file, files[file], change) for change in changes(files[file]) if change.kind == kind]
        assert why and any(fault.harmless and line in fault.diff() for fault in found), (file, kind, line)
