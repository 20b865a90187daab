"""What the long run with NaN and infinities planted in PyTorch's inputs has found: the same to the last bit."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import tinygrad_cnn

VALUES = "[0., -0., 1., -1., 2., 65504., inf, -inf, nan, 6e-8, -6e-8, 1e-40, -1e-40, 0.5]"
HALVES = (
    "torch.tensor({0}, dtype=torch.{1}).unsqueeze(1).expand(14, 14), torch.tensor({0}, dtype=torch.{1}).expand(14, 14)"
)
EXPRESSIONS = [
    *(f"torch.nextafter({HALVES.format(VALUES, dtype)})" for dtype in ("float16", "bfloat16")),
    *(f"torch.nan_to_num(torch.tensor({VALUES}, dtype=torch.{dtype}))" for dtype in ("float16", "bfloat16", "float32")),
    *(f"torch.xlogy(torch.tensor([0., 0., -0., 1.], dtype=torch.{dtype}), torch.tensor([-1., inf, nan, inf]))"
      for dtype in ("float32", "float64")),
    "torch.xlogy(torch.zeros(4).bfloat16(), torch.tensor([-1., inf, nan, 0.]).bfloat16())",
    "torch.trapezoid(torch.tensor([[1., inf], [2., 3.]]), dx=3.0)",
    "torch.trapezoid(torch.tensor([1, 2, 4]))",
    "torch.trapezoid(torch.zeros(3, 0), dx=0.5)",
    "torch.trapezoid(torch.ones(2, 1))",
    "torch.tensordot(torch.full((1, 1, 1), 2.), torch.tensor([[[inf, 1.]], [[1., inf]]]), dims=[[0, 1], [2, 0]])",
    "torch.tensordot(torch.ones(1, 2).int(), torch.arange(6).int().view(2, 3), dims=[[0], [1]])",
    "grad(lambda x: torch.logit(x, 0.25), torch.tensor([0.125, 0.25, nan, 0.75, 1.]))",
    *(f"grad(lambda x: F.cross_entropy(x, torch.tensor([1, 0]), torch.tensor([1., 3.] + [{odd}] * {classes - 2})), "
      f"200. * torch.eye(2, {classes}))" for odd in ("nan", "inf") for classes in (3, 40)),
    "F.multi_margin_loss(torch.tensor([[-inf, 1., 2.]]), torch.tensor([0]), weight=torch.tensor([-1., 1., 1.]))",
    "F.multi_margin_loss(torch.tensor([[9., 1., 2.]]), torch.tensor([0]), weight=torch.tensor([inf, 1., 1.]))",
    "grad(lambda x: F.multi_margin_loss(x, torch.tensor([0]), weight=torch.tensor([inf, 1., 1.])), torch.eye(1, 3))",
    *(f"F.grid_sample(torch.tensor([[[[{odd}, 1.], [2., {odd}]]]]), torch.tensor([[{places}]]), padding_mode={pad!r}, "
      "align_corners=False)" for odd in ("nan", "inf") for pad in ("zeros", "border", "reflection")
      for places in ("[[1.3, -1.4], [-1.2, -1.1]]", "[[1., 1.], [0.5, -0.5]]", "[[3., 3.], [1.1, 0.]]")),
    "F.multilabel_margin_loss(torch.tensor([inf, 0., 0.5]), torch.tensor([0, -1, 1]))",
]  # fmt: skip


def result(torch, expression):
    def grad(function, x):
        return torch.autograd.grad(function(x.requires_grad_()).sum(), x)[0]

    names = {"torch": torch, "F": importlib.import_module(f"{torch.__name__}.nn.functional"), "grad": grad}
    value = eval(expression, names | {"nan": np.nan, "inf": np.inf})
    return value.dtype, value.float().numpy()


@pytest.mark.parity
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_as_pytorch(expression):
    torch = pytest.importorskip("torch")
    (our_dtype, ours), (their_dtype, theirs) = result(tinygrad_cnn, expression), result(torch, expression)
    assert str(our_dtype) == str(their_dtype)
    np.testing.assert_array_equal(ours, theirs)
    numbers = ~np.isnan(theirs)
    np.testing.assert_array_equal(np.signbit(ours)[numbers], np.signbit(theirs)[numbers])
