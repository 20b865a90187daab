"""The check of numbers: what it counts as a difference, and its measure of errors."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("expecttest")
pytest.importorskip("mpmath")

import torch

import tinygrad_cnn as tc
from checks import numbers
from tests.numbers.accuracy import blocks, errors
from tests.numbers.patterns import difference


def arguments(*words):
    parser = argparse.ArgumentParser()
    numbers.options(parser)
    return parser.parse_args(words)


def test_functions_keep_their_bounds_on_a_few_numbers(capsys):
    outcome = numbers.run(arguments("--parts", "accuracy", "--only", "tanh", "--points", "5000", "--doubles", "20"))
    assert outcome.passed and "| tanh | " in outcome.figures and "| atanh | " in outcome.figures


def test_operations_propagate_as_pytorchs(capsys):
    outcome = numbers.run(arguments("--parts", "propagation", "--only", "functional.relu", "--samples", "2"))
    assert outcome.passed, capsys.readouterr().out


@pytest.mark.parametrize("other, kind", [(np.nan, "nan"), (-np.inf, "inf"), (2.0, "value"), (np.inf, None)])
def test_a_difference_has_a_kind(other, kind):
    found = difference(tc.tensor([1.0, other]), torch.tensor([1.0, np.inf if kind != "value" else 1.0]), 1e-5, True)
    assert (found and found[0]) == kind


def test_errors_are_counted_in_units_of_the_last_place():
    got = np.array([1.0, 1 + 2**-22, np.nan, np.inf, 0.0, np.nan], np.float32)
    true = np.array([1.0, 1.0, np.nan, 1e39, 1e-42, 1.0])
    assert errors(got, true).tolist() == [0, 2, 0, 0, 0, np.inf]
    assert sum(len(block) for block in blocks(1000)) == 1000
