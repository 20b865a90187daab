"""What modules put off and fuse (autograd/deferred.py): the same elements, gradients and graph as without, whatever
the code around it does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_cnn as torch
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import core, nn
from tinygrad_cnn.autograd.deferred import MOST_WAITING, WORTH, Deferred
from tinygrad_cnn.autograd.waiting import calls
from tinygrad_cnn.backends import fusion

SHAPE = (2, 3, 24, 24)
LARGE = (8, 3, 24, 24)  # worth putting off as it is


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Any:
    yield
    fusion.enabled = True
    assert calls.depth == 0
    assert not [reference for reference in calls.waiting if type(reference()) is Deferred]


class Network(nn.Module):
    """A module whose forward is a function of itself and x."""

    def __init__(self, body: Callable[[Any, Any], Any], dtype: Any = torch.float32) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.conv = nn.Conv2d(3, 8, 3, padding=1, dtype=dtype)
        self.plain = nn.Conv2d(3, 8, 3, padding=1, bias=False, dtype=dtype)
        self.norm = nn.BatchNorm2d(8, dtype=dtype)
        self.raw_norm = nn.BatchNorm2d(8, affine=False, dtype=dtype)
        self.rectify = nn.ReLU(inplace=True)
        self.kept: list[Any] = []
        self.body = body
        for norm in (self.norm, self.raw_norm):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
        with torch.no_grad():
            self.norm.weight.normal_()
            self.norm.bias.normal_()

    def forward(self, x: Any) -> Any:
        return self.body(self, x)


def _keep(net: Any, tensor: Any) -> Any:
    net.kept.append(tensor)
    return tensor


def _named(net: Any, x: Any) -> Any:
    x = net.conv(x)
    x = F.relu(x)
    return x * 2


def _block(net: Any, x: Any) -> Any:
    out = net.norm(net.plain(x))
    short = net.raw_norm(net.conv(x))
    out = out + short
    return net.rectify(out)


def _changes_its_input(net: Any, x: Any) -> Any:
    x = x * 1
    y = net.conv(x)
    x.add_(1)
    return F.relu(y) + net.conv(x)


def _changes_a_view(net: Any, x: Any) -> Any:
    x = x * 1
    y = net.conv(x)
    x[0, 1] = 7
    return y.relu()


def _changes_its_weight(net: Any, x: Any) -> Any:
    y = net.conv(x)
    with torch.no_grad():
        net.conv.weight.data.mul_(2)
    y = y.relu()
    net.conv.weight.data.mul_(0.5)
    return y


def _changes_through_numpy(net: Any, x: Any) -> Any:
    x = x.detach() * 1
    y = net.conv(x)
    x.numpy()[...] = 5
    return F.relu(y)


def _changed_through_an_older_array(net: Any, x: Any) -> Any:
    x = x.detach() * 1
    outside = x.numpy()
    y = net.conv(x)
    outside[...] = 5
    return F.relu(y)


def _of_foreign_memory(net: Any, x: Any) -> Any:
    memory = np.ones(SHAPE, x.detach().numpy().dtype)
    y = net.conv(torch.from_numpy(memory))
    memory[...] = 5
    return F.relu(y)


BODIES = {
    "conv, relu": lambda net, x: F.relu(net.conv(x)),
    "conv, relu, by name": _named,
    "conv, relu in place": lambda net, x: net.rectify(net.conv(x)),
    "conv, torch.relu": lambda net, x: torch.relu(net.plain(x)),
    "conv, norm": lambda net, x: net.norm(net.conv(x)),
    "conv, norm, relu": lambda net, x: net.norm(net.plain(x)).relu(),
    "conv, norm, relu in place": lambda net, x: net.rectify(net.raw_norm(net.conv(x))),
    "conv, norm, norm": lambda net, x: net.raw_norm(net.norm(net.conv(x))),
    "conv and its relu": lambda net, x: (lambda y: F.relu(y) + y)(net.conv(x)),
    "conv, relu in place, kept": lambda net, x: net.rectify(_keep(net, net.conv(x))) + 1,
    "conv kept, relu": lambda net, x: F.relu(_keep(net, net.conv(x))),
    "norm kept, relu": lambda net, x: F.relu(_keep(net, net.norm(net.conv(x)))),
    "two relus": lambda net, x: (lambda y: F.relu(y) * F.relu(y))(net.conv(x)),
    "conv, in-place product, relu": lambda net, x: F.relu(net.conv(x).mul_(-1)),
    "conv, view, relu": lambda net, x: F.relu(net.conv(x).view(2, -1)),
    "conv, pool": lambda net, x: F.max_pool2d(net.conv(x), 2),
    "conv, relu, pool": lambda net, x: F.max_pool2d(F.relu(net.conv(x)), 2),
    "conv, relu, pool of windows that overlap": lambda net, x: F.max_pool2d(F.relu(net.conv(x)), 3, 1, 1),
    "conv, relu, adaptive pool": lambda net, x: F.adaptive_max_pool2d(net.rectify(net.conv(x)), 13),
    "norm, relu, pool": lambda net, x: F.max_pool2d(F.relu(net.norm(net.conv(x))), 2),
    "relu, pool and another": lambda net, x: (lambda y: F.max_pool2d(y, 2).sum() * y + F.max_pool2d(y, 3, 1, 1))(
        net.conv(x).relu()
    ),
    "relu, view, pool": lambda net, x: F.max_pool2d(net.conv(x).relu().view(16, 24, 24), 2),
    "relu, pool, pool": lambda net, x: F.max_pool2d(F.max_pool2d(net.conv(x).relu(), 2), 2, 1),
    "residual": _block,
    "sum, relu in place": lambda net, x: net.rectify(net.conv(x) + net.plain(x)),
    "sum and its relu": lambda net, x: (lambda s: s.relu() * s)(net.conv(x) + net.plain(x)),
    "no relu": lambda net, x: net.conv(x),
    "input changed": _changes_its_input,
    "view of the input changed": _changes_a_view,
    "weight changed": _changes_its_weight,
    "changed through NumPy": _changes_through_numpy,
    "changed through an older array": _changed_through_an_older_array,
    "foreign memory": _of_foreign_memory,
}

REFUSED_BY_BACKWARD = (_changes_its_input, _changes_a_view)


def _names(node: Any, depth: int = 6) -> Any:
    if node is None or depth == 0:
        return None
    return node.name(), [_names(next_node, depth - 1) for next_node, _ in node.next_functions]


def _results(body: Any, dtype: Any, mode: str, enabled: bool) -> Any:
    fusion.enabled = enabled
    net = Network(body, dtype).train(mode != "eval")
    torch.manual_seed(4)
    x = torch.randn(*SHAPE, dtype=dtype).requires_grad_(mode == "train")
    with torch.set_grad_enabled(mode == "train"):
        y = net(x)
    assert type(y) is torch.Tensor
    found = [y.detach().clone(), *[tensor.detach().clone() for tensor in net.kept], *net.buffers()]
    if mode == "train" and body not in REFUSED_BY_BACKWARD:
        (y * torch.arange(y.numel()).reshape(y.shape).cos()).sum().backward()
        found += [tensor.grad for tensor in (x, *net.parameters()) if tensor.grad is not None]
    return found, _names(y.grad_fn)


@pytest.mark.parametrize("mode", ["train", "train without gradients", "eval"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", BODIES)
def test_nothing_but_time_changes(name: str, dtype: Any, mode: str) -> None:
    fused, fused_graph = _results(BODIES[name], dtype, mode, True)
    plain, plain_graph = _results(BODIES[name], dtype, mode, False)
    assert fused_graph == plain_graph
    assert len(fused) == len(plain)
    for a, b in zip(fused, plain, strict=True):
        folded = mode == "eval" and ("norm" in name or name == "residual")  # which rounds otherwise
        tolerance = 1e-5 if folded else 0
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=tolerance, atol=tolerance)


class _Counter:
    """Counts the passes that ReLU and batch normalisation take by themselves."""

    def __init__(self, monkeypatch: Any) -> None:
        self.calls: list[str] = []
        for module, name in ((core, "unary"), (core, "binary")):
            monkeypatch.setattr(module, name, self.counted(getattr(module, name), name))

    def counted(self, function: Any, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            return function(*args, **kwargs)

        return call


@pytest.mark.parametrize("name", ["conv, relu", "conv, relu, by name", "conv, norm, relu", "conv, relu in place"])
def test_relu_takes_no_pass_of_its_own(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = Network(BODIES[name]).eval()
    x = torch.randn(*SHAPE)
    counter = _Counter(monkeypatch)
    with torch.no_grad():
        net(x)
    assert "unary" not in counter.calls


def test_a_tensor_is_put_off_only_while_a_module_runs() -> None:
    seen = []

    def body(net: Any, x: Any) -> Any:
        y = _keep(net, net.conv(x))
        seen.append(type(y))
        return y.relu()

    net, x = Network(body), torch.randn(*SHAPE)
    net(x)
    assert seen == [Deferred]
    assert type(net.kept[0]) is torch.Tensor  # computed at the end of the call, because somebody holds it
    assert type(net.conv(x)) is torch.Tensor
    assert type(F.conv2d(x, net.conv.weight)) is torch.Tensor


def test_hooks_see_plain_tensors() -> None:
    net, seen = Network(lambda net, x: net.conv(x).relu()), []
    net.conv.register_forward_hook(lambda module, args, output: seen.append(type(output)))
    net(torch.randn(*SHAPE))
    assert seen == [torch.Tensor]


@pytest.mark.parametrize("in_place", [False, True])
def test_a_gradient_asked_for_between_layers_is_computed(in_place: bool) -> None:
    def body(net: Any, x: Any) -> Any:
        with torch.no_grad():
            y = net.conv(x)
        _keep(net, y.requires_grad_())
        return (y * 1).relu_() if in_place else y.relu()

    net = Network(body)
    net(torch.randn(*SHAPE)).sum().backward()
    assert ((net.kept[0].grad == 1) == (net.kept[0] > 0)).all()


def test_what_a_put_off_tensor_knows_without_being_computed() -> None:
    def body(net: Any, x: Any) -> Any:
        y = net.conv(x)
        assert type(y) is Deferred and type(y).__name__ == "Tensor" and isinstance(y, torch.Tensor)
        assert (y.shape, y.dim(), y.ndim, y.dtype) == ((2, 8, 24, 24), 4, 4, torch.float32)
        assert y.is_floating_point() and y.requires_grad and not y.is_leaf
        assert y.grad_fn.name() == "ConvolutionBackward0"
        assert type(y) is Deferred
        assert y.size(1) == 8
        return y

    Network(body)(torch.randn(*SHAPE))


def test_small_tensors_are_not_put_off() -> None:
    def body(net: Any, x: Any) -> Any:
        y = net.conv(x)
        assert y.numel() * 4 <= WORTH
        assert type(y) is torch.Tensor
        return y

    Network(body)(torch.randn(1, 3, 8, 8))


def test_integers_are_not_put_off() -> None:
    def body(net: Any, x: Any) -> Any:
        y = F.conv2d(x, torch.ones(8, 3, 3, 3, dtype=torch.int64), padding=1)
        assert type(y) is torch.Tensor and not y.is_floating_point()
        return F.relu(y)

    y = Network(body)(torch.full(SHAPE, -1))
    assert y.dtype is torch.int64 and not y.any()


def test_a_long_call_forgets_what_is_done() -> None:
    def body(net: Any, x: Any) -> Any:
        kept = net.conv(x)
        for _ in range(3 * MOST_WAITING):
            net.plain(x)
        assert len(calls.waiting) <= MOST_WAITING
        assert type(kept) is Deferred
        return kept

    with torch.no_grad():
        Network(body)(torch.randn(*SHAPE))


def test_an_exception_leaves_nothing_behind() -> None:
    held = []

    def body(net: Any, x: Any) -> Any:
        held.append(net.conv(x))
        raise ValueError("stop")

    net = Network(body)
    x = torch.randn(*SHAPE)
    with pytest.raises(ValueError, match="stop"):
        net(x)
    expected = F.conv2d(x, net.conv.weight, net.conv.bias, padding=1)
    with torch.no_grad():
        net.conv.weight.mul_(2)  # it counts as used before, although nobody has looked at it yet
    np.testing.assert_array_equal(held[0].detach().numpy(), expected.detach().numpy())


def test_hooks_and_retained_gradients_of_a_fused_tensor() -> None:
    def gradients(enabled: bool) -> Any:
        fusion.enabled = enabled
        seen = []

        def body(net: Any, x: Any) -> Any:
            y = net.conv(x)
            y.retain_grad()
            y.register_hook(lambda grad: seen.append(grad.clone()))
            net.kept.append(y)
            return F.relu(y)

        net = Network(body)
        torch.manual_seed(4)
        net(torch.randn(*SHAPE)).pow(2).sum().backward()
        return [seen[0], net.kept[0].grad, net.conv.weight.grad]

    for fused, plain in zip(gradients(True), gradients(False), strict=True):
        np.testing.assert_array_equal(fused.numpy(), plain.numpy())


def test_gradients_of_gradients_go_through_what_is_fused() -> None:
    net = Network(lambda net, x: net.norm(net.conv(x)).relu(), torch.float64)
    net.conv.weight.requires_grad_(False)
    x = torch.randn(1, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(net, (x,))
    large = torch.randn(*SHAPE, dtype=torch.float64, requires_grad=True)
    results = []
    for enabled in (True, False):
        fusion.enabled = enabled
        (first,) = torch.autograd.grad(net(large).pow(2).sum(), large, create_graph=True)
        results.append(torch.autograd.grad(first.pow(2).sum(), large)[0].numpy())
    np.testing.assert_array_equal(*results)


def test_pooling_takes_the_gradient_of_a_relu_before_along(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(*LARGE, requires_grad=True)
    y = F.max_pool2d(x.relu(), 2)
    dy = torch.randn(*y.shape)
    counter = _Counter(monkeypatch)
    y.backward(dy)
    assert counter.calls == []


def test_hooks_and_captured_gradients_between_relu_and_pooling() -> None:
    def gradients(enabled: bool) -> Any:
        fusion.enabled = enabled
        torch.manual_seed(4)
        x = torch.randn(*LARGE, requires_grad=True)
        y = (x * 1).relu()
        seen: list[Any] = []
        y.register_hook(lambda grad: seen.append(grad.relu().clone()))
        y.retain_grad()
        pooled = F.max_pool2d(y, 2)
        found = torch.autograd.grad(pooled, [y, x], torch.randn(*pooled.shape), retain_graph=True)
        assert all(type(gradient) is torch.Tensor for gradient in found)
        pooled.pow(2).sum().backward()
        first = torch.autograd.grad(F.max_pool2d((x * 1).relu(), 2).pow(2).sum(), x, create_graph=True)[0]
        return [*found, *seen, y.grad, x.grad, torch.autograd.grad(first.pow(2).sum(), x)[0]]

    for fused, plain in zip(gradients(True), gradients(False), strict=True):
        np.testing.assert_array_equal(fused.detach().numpy(), plain.detach().numpy())


def test_a_relu_behind_a_function_of_the_users() -> None:
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 2

    x = torch.randn(*LARGE, requires_grad=True)
    F.max_pool2d(Twice.apply(Twice.apply(x).relu()), 2).sum().backward()
    assert set(x.grad.unique().tolist()) == {0.0, 4.0}


def test_saved_tensors_changed_in_place_are_still_noticed() -> None:
    net = Network(lambda net, x: F.relu(net.conv(x)))
    x = torch.randn(*SHAPE)
    y = net(x)
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_threads_put_off_for_themselves() -> None:
    net = Network(_block).eval()
    x = torch.randn(*SHAPE)
    with torch.no_grad():
        expected = net(x).numpy()
    results: list[Any] = []

    def work() -> None:
        with torch.no_grad():
            results.extend(net(x).numpy() for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 80
    for result in results:
        np.testing.assert_array_equal(result, expected)


def test_folding_is_as_exact_as_not_folding() -> None:
    """Against float64: the folded weights may not lose more than twice what the two passes lose."""
    x = torch.randn(*SHAPE)
    exact_net = Network(lambda net, x: net.norm(net.conv(x)), torch.float64).eval()
    net = Network(lambda net, x: net.norm(net.conv(x))).eval()
    exact_net.load_state_dict(net.state_dict())
    with torch.no_grad():
        exact = exact_net(x.double()).numpy()
        fused = np.abs(net(x).numpy() - exact).max()
        fusion.enabled = False
        plain = np.abs(net(x).numpy() - exact).max()
    assert fused <= 2 * plain
