"""gradcheck and gradgradcheck find wrong gradients, accept right ones, and have PyTorch's signatures."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_cnn as torch
from tinygrad_cnn.autograd import Function, gradcheck, gradgradcheck
from tinygrad_cnn.autograd.gradcheck import GradcheckError


def double(*shape):
    return torch.tensor(np.random.default_rng(1).uniform(0.5, 2, shape), requires_grad=True)


class Wrong(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * x * 2.01


class WrongTwice(Function):
    """Right at first order; the gradient's gradient is missing."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * 3 * (x * x).detach()


@pytest.mark.parametrize("fast_mode", [False, True])
class TestBothModes:
    def test_right(self, fast_mode):
        x, y = double(2, 3), double(3)
        function = lambda a, b: ((a * b).exp().sum(0), a.sin() @ b, (a > 1))  # noqa: E731
        assert gradcheck(function, (x, y), fast_mode=fast_mode)
        assert gradgradcheck(function, (x, y), fast_mode=fast_mode)

    def test_wrong(self, fast_mode):
        with pytest.raises(GradcheckError, match="Jacobian mismatch for output 0 with respect to input 0"):
            gradcheck(Wrong.apply, double(2), fast_mode=fast_mode)
        assert gradcheck(Wrong.apply, double(2), raise_exception=False, fast_mode=fast_mode) is False
        assert gradcheck(Wrong.apply, double(2), rtol=0.05, fast_mode=fast_mode)

    def test_wrong_at_second_order(self, fast_mode):
        assert gradcheck(WrongTwice.apply, double(2), fast_mode=fast_mode)
        with pytest.raises(GradcheckError, match="Jacobian mismatch"):
            gradgradcheck(WrongTwice.apply, double(2), fast_mode=fast_mode)

    def test_not_reentrant(self, fast_mode):
        calls = []

        class Drifting(Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, grad):
                calls.append(1)
                return grad * (2 + 1e-9 * len(calls))

        with pytest.raises(GradcheckError, match="not reentrant"):
            gradcheck(Drifting.apply, double(2), fast_mode=fast_mode)
        assert gradcheck(Drifting.apply, double(2), nondet_tol=1e-3, fast_mode=fast_mode)


def test_non_contiguous_and_zero_dim_inputs():
    x = double(3, 4).detach().t()[::2].requires_grad_()
    assert gradcheck(lambda a, b: (a * b).sum(0), (x, double()))


def test_missing_gradient():
    with pytest.raises(GradcheckError, match="expected to be zero"):
        gradcheck(lambda x: x.detach() * 2, double(2))
    assert gradcheck(lambda x: x.detach() * 0, double(2))


def test_undefined_gradients():
    class Two(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            return a * 2 + b * 3

    with pytest.raises((GradcheckError, TypeError)):
        gradcheck(Two.apply, double(2))


def test_refusals():
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(lambda x: x, torch.ones(2, dtype=torch.float64))
    with pytest.raises(NotImplementedError, match="check_forward_ad"):
        gradcheck(lambda x: x, double(2), check_forward_ad=True)
    with pytest.raises(NotImplementedError, match="check_batched_grad"):
        gradgradcheck(lambda x: x * x, double(2), check_batched_grad=True)
    with pytest.raises(RuntimeError, match="stride 0"):
        gradcheck(lambda x: x * 2, double(1).detach().expand(3).requires_grad_())
    with pytest.warns(UserWarning, match="double precision"):
        gradcheck(lambda x: x * 2, torch.ones(2, requires_grad=True), eps=1e-2, atol=1e-2)


def test_grad_outputs_given():
    seeds = torch.ones(2, dtype=torch.float64, requires_grad=True)
    assert gradgradcheck(lambda x: x**3, double(2), seeds)
    assert gradgradcheck(lambda x: x**3, double(2), gen_non_contig_grad_outputs=True)


@pytest.mark.parity
@pytest.mark.parametrize("name", ["gradcheck", "gradgradcheck", "grad", "backward"])
def test_signature(name):
    reference = pytest.importorskip("torch")
    ours = inspect.signature(getattr(torch.autograd, name)).parameters
    theirs = inspect.signature(getattr(reference.autograd, name)).parameters
    ours, theirs = ([(p.name, p.default, p.kind) for p in signature.values()] for signature in (ours, theirs))
    assert ours == theirs
