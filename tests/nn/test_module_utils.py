"""nn.modules.utils: sizes as tuples, and the prefix of parallel models in state dicts."""

from __future__ import annotations

import pytest

from tests.nn.twin import check_twin
from tinygrad_cnn.nn.modules import utils


@pytest.mark.parity
@pytest.mark.parametrize("name", ["_single", "_pair", "_triple", "_quadruple"])
def test_sizes_as_torch(name):
    theirs = getattr(pytest.importorskip("torch.nn.modules.utils"), name)
    for value in (3, (3,), [1, 2], range(3), "ab", None):
        assert getattr(utils, name)(value) == theirs(value)
    assert utils._reverse_repeat_tuple((1, 2, 3), 2) == (3, 3, 2, 2, 1, 1)


@pytest.mark.parity
def test_prefix_of_state_dict_as_torch():
    pytest.importorskip("torch.nn.modules.utils")

    def code(t):
        outer = t.nn.Module()
        outer.module = t.nn.Sequential(t.nn.Linear(1, 1), t.nn.BatchNorm2d(2))
        state = outer.state_dict()
        t.nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
        t.nn.Sequential(t.nn.Linear(1, 1), t.nn.BatchNorm2d(2)).load_state_dict(state)
        return list(state), sorted(state._metadata.items())

    check_twin(code)
