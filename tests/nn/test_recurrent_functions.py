"""Recurrent layers and cells as functions at top level, against PyTorch."""

from __future__ import annotations

import warnings

import pytest

from tests.nn.twin import check_twin
from tests.ops.compare import sample

pytestmark = pytest.mark.parity
KINDS = {"lstm": "LSTM", "gru": "GRU", "rnn_tanh": "RNN", "rnn_relu": "RNN"}


def layers(T, kind, packed, **options):
    """Return what the function makes of the weights of a module, and the gradients."""
    T.manual_seed(0)
    extra = {"nonlinearity": "relu"} if kind == "rnn_relu" else {}
    module = getattr(T.nn, KINDS[kind])(3, 4, 2, **extra, **options)
    params = list(module.parameters())
    both = module.bidirectional
    state = T.tensor(sample(f"f:{4 if both else 2},2,{module.proj_size or 4}", 1))
    hx = (state, T.tensor(sample(f"f:{4 if both else 2},2,4", 2))) if kind == "lstm" else state
    rest = (params, module.bias, 2, 0.5, False, both)
    if packed:
        data = (T.tensor(sample("f:5,3")), T.tensor([2, 2, 1]), hx, *rest)
    else:
        data = (T.tensor(sample("f:2,3,3")), hx, *rest, True)
    found = getattr(T, kind)(*data)
    sum(y.square().sum() for y in found).backward()
    return found, [p.grad for p in params]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_layers_equal_pytorch(kind, packed):
    pytest.importorskip("torch")
    check_twin(lambda T: layers(T, kind, packed), 1e-4, 1e-5)
    check_twin(lambda T: layers(T, kind, packed, bias=False, bidirectional=True), 1e-4, 1e-5)


def test_projections_equal_pytorch():
    pytest.importorskip("torch")

    def code(T):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's about oneDNN
            return layers(T, "lstm", False, proj_size=2)

    check_twin(code, 1e-4, 1e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", ["lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"])
def test_cells_equal_pytorch(kind, bias):
    pytest.importorskip("torch")

    def code(T):
        rows = {"l": 16, "g": 12, "r": 4}[kind[0]]
        x, h, c = [T.tensor(sample(f"f:2,{n}", k)) for k, n in enumerate((3, 4, 4))]
        weights = [T.tensor(sample(f"f:{rows},{n}", n)) for n in (3, 4)]
        biases = [T.tensor(sample(f"f:{rows}", k)) for k in (5, 6)] if bias else []
        return getattr(T, kind)(x, (h, c) if kind == "lstm_cell" else h, *weights, *biases)

    check_twin(code, 1e-5, 1e-6)


def test_cell_errors_equal_pytorch():
    pytest.importorskip("torch")
    check_twin(lambda T: T.lstm_cell(T.ones(1, 2), (T.ones(1, 2),), T.ones(8, 2), T.ones(8, 2)))
