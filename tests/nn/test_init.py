"""Initial values: bit for bit PyTorch's after the same seed, and PyTorch's messages."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn import nn


def filled(name, shape, *args, dtype="float32", **options):
    def code(torch):
        torch.manual_seed(42)
        tensor = torch.zeros(shape, dtype=getattr(torch, dtype))
        result = getattr(torch.nn.init, name)(tensor, *args, **options)
        assert result is tensor
        return tensor

    return code


FILLS = {
    "uniform": filled("uniform_", (5, 7), -2.0, 3.0),
    "uniform_double": filled("uniform_", (5, 7), dtype="float64"),
    "normal": filled("normal_", (5, 7), 1.0, 2.0),
    "normal_few": filled("normal_", (3, 3)),
    "constant": filled("constant_", (2, 2), 0.3),
    "ones": filled("ones_", (2, 2)),
    "zeros": filled("zeros_", (2, 2)),
    "eye": filled("eye_", (3, 5)),
    "eye_rank": filled("eye_", (3,)),
    "dirac": filled("dirac_", (4, 2, 3, 3)),
    "dirac_groups": filled("dirac_", (4, 2, 3, 2), 2),
    "dirac_3d": filled("dirac_", (4, 2, 3)),
    "dirac_rank": filled("dirac_", (4, 2)),
    "dirac_divide": filled("dirac_", (5, 2, 3), 2),
    "xavier_uniform": filled("xavier_uniform_", (5, 7, 3), gain=2.0),
    "xavier_normal": filled("xavier_normal_", (5, 7)),
    "xavier_rank": filled("xavier_normal_", (5,)),
    "kaiming_uniform": filled("kaiming_uniform_", (5, 7, 3, 3), a=0.5),
    "kaiming_uniform_out": filled("kaiming_uniform_", (5, 7), mode="fan_out", nonlinearity="relu"),
    "kaiming_normal": filled("kaiming_normal_", (5, 7), nonlinearity="tanh"),
    "kaiming_mode": filled("kaiming_normal_", (5, 7), mode="foo"),
    "kaiming_nonlinearity": filled("kaiming_normal_", (5, 7), nonlinearity="foo"),
    "kaiming_empty": filled("kaiming_normal_", (0, 7)),
    "trunc_normal": filled("trunc_normal_", (30, 7)),
    "trunc_normal_wide": filled("trunc_normal_", (30, 7), std=0.1, a=-0.05, b=0.2),
    "trunc_normal_tail": filled("trunc_normal_", (30, 7), 0.0, 1.0, 1.5, 3.0),
    "trunc_normal_far": filled("trunc_normal_", (30, 7), 9.0, 1.0, 1.5, 3.0),
    "orthogonal_rank": filled("orthogonal_", (7,)),
    "sparse": filled("sparse_", (5, 7), 0.3),
    "sparse_rank": filled("sparse_", (5,), 0.3),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", FILLS)
def test_bits_as_torch(name):
    pytest.importorskip("torch")
    # Both draw the same numbers; where logarithms decide what is kept, the last bit of one may differ.
    check_twin(FILLS[name])


@pytest.mark.parity
@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (4, 3, 2)])
def test_orthogonal(shape):
    pytest.importorskip("torch")
    check_twin(filled("orthogonal_", shape, 2.0), rtol=1e-4, atol=1e-5)
    w = nn.init.orthogonal_(tg.zeros(shape, dtype=tg.float64)).numpy().reshape(shape[0], -1)
    small = min(w.shape)
    product = w @ w.T if w.shape[0] == small else w.T @ w
    np.testing.assert_allclose(product, np.eye(small), atol=1e-12)


GAINS = ["linear", "conv2d", "conv_transpose3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu", "foo"]


@pytest.mark.parity
@pytest.mark.parametrize("name", GAINS)
def test_gain(name):
    pytest.importorskip("torch")
    check_twin(lambda t: t.nn.init.calculate_gain(name))
    check_twin(lambda t: t.nn.init.calculate_gain(name, 0.2))
    check_twin(lambda t: t.nn.init.calculate_gain(name, "x"))


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layers_start_with_pytorchs_bits(dtype):
    pytest.importorskip("torch")

    def code(torch):
        torch.manual_seed(7)
        kind = getattr(torch, dtype)
        layers = [
            torch.nn.Conv2d(3, 5, 3, dtype=kind),
            torch.nn.Conv2d(4, 6, (3, 1), groups=2, bias=False, dtype=kind),
            torch.nn.Linear(17, 9, dtype=kind),
            torch.nn.Linear(3, 2, bias=False, dtype=kind),
            torch.nn.BatchNorm2d(4, dtype=kind),
        ]
        return [dict(layer.state_dict()) for layer in layers]

    check_twin(code)


def test_no_graph_and_version():
    weight = nn.Parameter(tg.zeros(4, 4))
    before = weight._version
    nn.init.normal_(weight)
    assert weight.is_leaf and weight.requires_grad and weight._version > before
