"""An error in a layer of any family names the layer's path in the model, and the shapes that it was called with."""

from __future__ import annotations

import pytest

import tinygrad_cnn as torch
from tinygrad_cnn import nn

# A layer, and the shape of an input that does not fit it.
LAYERS = [
    (lambda: nn.Conv1d(3, 4, 3), (2, 4, 9)),
    (lambda: nn.Conv2d(3, 4, 7), (2, 3, 5, 5)),
    (lambda: nn.Conv3d(3, 4, 3), (2, 4, 5, 5, 5)),
    (lambda: nn.ConvTranspose2d(3, 4, 3), (2, 4, 9, 9)),
    (lambda: nn.Linear(3, 4), (2, 5)),
    (lambda: nn.BatchNorm2d(3), (2, 4, 5, 5)),
    (lambda: nn.InstanceNorm2d(3, affine=True), (2, 4, 5, 5)),
    (lambda: nn.GroupNorm(2, 4), (2, 3, 5, 5)),
    (lambda: nn.LayerNorm(3), (2, 4)),
    (lambda: nn.LocalResponseNorm(2), (2,)),
    (lambda: nn.MaxPool1d(3), (2, 3, 2)),
    (lambda: nn.MaxPool2d(3), (2, 3, 2, 2)),
    (lambda: nn.AvgPool2d(3), (2, 3, 2, 2)),
    (lambda: nn.AdaptiveAvgPool2d(2), (3,)),
    (lambda: nn.ReflectionPad2d(4), (1, 1, 3, 3)),
    (lambda: nn.ConstantPad2d(-2, 0.0), (1, 1, 3, 3)),
    (lambda: nn.Flatten(1, 9), (2, 3)),
    (lambda: nn.Unflatten(1, (2, 2)), (2, 3)),
    (lambda: nn.PixelShuffle(2), (1, 3, 2, 2)),
    (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), (2, 3)),
    (lambda: nn.Fold((4, 4), 2), (1, 3, 3)),
    (lambda: nn.Embedding(3, 2), (2,)),
    (lambda: nn.LSTM(3, 4), (2, 2, 5)),
    (lambda: nn.GRUCell(3, 4), (2, 5)),
    (lambda: nn.PReLU(3), (2, 4)),
    (lambda: nn.GLU(), (2, 3)),
    (lambda: nn.LogSoftmax(dim=4), (2, 3)),
]


def notes(error):
    return "\n".join([str(error), *getattr(error, "__notes__", [])]).splitlines()


@pytest.mark.parametrize(("make", "shape"), LAYERS, ids=[type(make()).__name__ for make, _ in LAYERS])
def test_path_and_shapes(make, shape):
    layer = make()
    model = nn.Sequential(nn.Identity(), nn.Sequential(layer))
    with pytest.raises((RuntimeError, ValueError, IndexError, NotImplementedError)) as caught:
        model(torch.zeros(shape))
    assert notes(caught.value)[-1] == f"in module 1.0 ({type(layer).__name__}), called with {[*shape]}"


def test_losses_say_both_shapes():
    class Trainer(nn.Module):
        def __init__(self):
            super().__init__()
            self.loss = nn.CrossEntropyLoss()

        def forward(self, scores, labels):
            return self.loss(scores, target=labels)

    with pytest.raises(ValueError) as caught:
        Trainer()(torch.zeros(4, 3), torch.zeros(5, dtype=torch.int64))
    assert notes(caught.value)[-1] == "in module loss (CrossEntropyLoss), called with [4, 3], [5]"


def test_layers_inside_layers():
    model = nn.Sequential(nn.TransformerEncoderLayer(8, 2))
    with pytest.raises(AssertionError) as caught:
        model(torch.zeros(2, 3, 6))
    assert notes(caught.value)[-1].startswith("in module 0.self_attn (MultiheadAttention), called with [2, 3, 6], ")
