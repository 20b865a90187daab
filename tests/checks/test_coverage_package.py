"""The coverage of the package: its `raise` statements are found, and what did not run is told."""

from __future__ import annotations

import argparse

import pytest

from checks import _coverage_package as check

SOURCE = """
def half(x):
    if x % 2:
        raise ValueError(
            f"odd: {x}"
        )
    try:
        return x // 2
    except TypeError:
        raise
"""


def report(lines, covered, missing):
    summary = {"covered_lines": covered, "num_statements": lines, "covered_branches": 1, "num_branches": 2}
    return {"summary": summary | {"percent_covered": 100 * covered / lines}, "missing_lines": missing}


def test_raise_statements(tmp_path):
    (tmp_path / "half.py").write_text(SOURCE)
    assert check.sites(tmp_path / "half.py") == [4, 10]
    found = report(7, 6, [10])
    assert check.ran(found, 4) and not check.ran(found, 10)


@pytest.mark.parametrize(("missing", "passed"), [(0, True), (1, True), (2, False)])
def test_outcome(missing, passed):
    raises = {"half.py": list(range(20))}
    outcome = check.outcome({"half.py": report(100, 95, [])}, raises, {"half.py": list(range(missing))}, 0, ["tests"])
    assert outcome.passed is passed and outcome.part == "package"
    assert "95.0 % of 100 statements" in outcome.figures and f"{100 - 5 * missing:.1f} % of 20" in outcome.figures
    failed = check.outcome({"half.py": report(100, 95, [])}, raises, {"half.py": []}, 1, ["tests/nn"])
    assert not failed.passed and "`pytest tests/nn` repeats it" in failed.figures


def test_a_run(tmp_path, capsys):
    pytest.importorskip("coverage")
    parser = argparse.ArgumentParser()
    check.options(parser)
    arguments = ["--tests", "tests/test_messages.py", "--workers", "1", "--keep", str(tmp_path)]
    outcome = check.run(parser.parse_args(arguments))
    assert not outcome.passed and " statements" in outcome.figures and "pytest ended" not in outcome.figures
    shown = capsys.readouterr().out
    assert "tinygrad_cnn/_absent.py" in shown and "raise statements that no test reaches:" in shown


def test_what_fails_runs_again_without_the_measurement(tmp_path):
    pytest.importorskip("coverage")
    test = tmp_path / "test_measured.py"
    test.write_text("import sys\n\ndef test_alone():\n    assert 'coverage' not in sys.modules\n")
    assert check.measure(tmp_path, [str(test)], 1) == 0
    test.write_text("def test_wrong():\n    assert False\n")
    assert check.measure(tmp_path, [str(test)], 1) == 1
