"""Cases are repeated from their choices, made small, and reported with the command that repeats them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from checks.__main__ import main

from . import properties
from .compare import Refused, agree, both, sum_bound
from .draw import Draw, attempt, minimise


def planted(draw: Draw) -> None:
    """Fail for a shape with a large size and a flag, as a kernel that forgets its last lane may."""
    sizes = draw.note("sizes", draw.integers(draw.integer(1, 4), 0, 40))
    if draw.flag() and max(sizes) >= 17:
        raise AssertionError("planted")


def test_a_case_is_its_choices():
    first = Draw(random.Random(7))
    drawn = [first.integer(2, 9), first.flag(), first.choose("abc"), first.permutation(4), first.rng().random()]
    again = Draw(first.choices)
    assert drawn == [again.integer(2, 9), again.flag(), again.choose("abc"), again.permutation(4), again.rng().random()]
    assert again.choices == first.choices
    assert Draw([]).integer(3, 8) == 3, "a list that has ended gives the simplest choices"


def test_a_failure_is_made_as_small_as_it_goes():
    case = next(d for i in range(100) if (d := attempt(planted, Draw(random.Random(i)))).error)
    small = minimise(planted, case.choices)
    assert isinstance(small.error, AssertionError)
    assert small.notes == ["sizes=(17,)"]


def test_the_check_reports_a_finding_and_repeats_it(monkeypatch, capsys):
    monkeypatch.setitem(properties.PROPERTIES, "unpool", planted)
    finding = next(found for i in range(100) if (found := properties.run("unpool", 1, i)))
    assert "sizes=(17,)" in str(finding)
    words = finding.command.split()
    assert words[:4] == ["python", "-m", "checks", "shapes"]
    assert main(words[3:]) == 1
    assert "planted" in capsys.readouterr().out
    assert main([*words[3:-1], "0"]) == 0


def test_the_check_runs_cases_in_processes(capsys):
    assert main(["shapes", "--cases", "40", "--processes", "1", "--only", "unpool"]) == 0
    assert "40 cases of 1 properties, seed 1: no finding." in capsys.readouterr().out


def test_comparison_sees_what_is_wrong():
    nan, inf = np.nan, np.inf
    agree(np.array([nan, inf, -inf, 1.0]), np.array([nan, inf, -inf, 1.0 + 1e-9]), 1e-8)
    agree(np.array([inf], np.float32), np.array([3.4e38]), 1e37)
    for got, expected in (([nan], [1.0]), ([1.0], [nan]), ([inf], [-inf]), ([inf], [1e38]), ([1.0], [1.1])):
        with pytest.raises(AssertionError, match="differ"):
            agree(np.array(got), np.array(expected), 1e-3)
    with pytest.raises(AssertionError, match="shape"):
        agree(np.zeros((2, 1)), np.zeros(2))
    assert sum_bound("f4", 100, 1.0) > 100 * 2.0**-24


def test_both_must_refuse():
    def refuse():
        raise Refused("a size is wrong")

    def fail():
        raise ValueError

    assert both(fail, refuse) is None
    assert both(lambda: 1, lambda: 2) == (1, 2)
    with pytest.raises(AssertionError, match="a size is wrong"):
        both(lambda: 1, refuse)
    with pytest.raises(ValueError):
        both(fail, lambda: 2)
    with pytest.raises(ZeroDivisionError):
        both(lambda: 1 / 0, refuse)
