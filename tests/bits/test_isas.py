"""What instruction sets differ by: the order of sums, and whether a product and a sum are rounded once or twice."""

from __future__ import annotations

import pytest

from tests.bits.cases import CASES
from tests.bits.isas import BOUND, LOSS_BOUND, distance, loss_distance
from tests.conftest import ISAS

SMALL_SIZES = 3  # a seed
OTHERS = [name for name in ISAS if name != "generic"]


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", CASES)
def test_a_kernel_s_results_are_near_the_generic_ones(name, other, dtype):
    assert distance(name, dtype, other, SMALL_SIZES) <= BOUND, "multiples of eps times the scale of the output"


@pytest.mark.parametrize("other", OTHERS)
def test_training_is_near_the_generic_one(other):
    assert loss_distance("lenet5", "SGD", other, 4) <= LOSS_BOUND
