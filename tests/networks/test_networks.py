"""Networks trained by PyTorch give its outputs and gradients here, from its file; and the other way round.

A few steps of SGD make statistics and weights what they are in use: far from 0, from 1 and from each other.
"""

from __future__ import annotations

import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn
from tests.networks import blocks, layers

torch = pytest.importorskip("torch")

NETWORKS = layers.NETWORKS | blocks.NETWORKS

pytestmark = [pytest.mark.parity, pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)]

OUTPUT, GRADIENT = 1e-5, 1e-4


def trained(build):
    """PyTorch's network after a few steps, and a batch of input that it has not seen."""
    torch.manual_seed(0)
    model = build(torch)
    x = torch.randn(24, *NETWORKS[build])
    y = torch.randn_like(model(x[:8]))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    for start in (0, 8, 0, 8):
        loss = (model(x[start : start + 8]) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model, x[16:]


def close(ours, theirs, relative, what, floor=0.0):
    """Compare with the largest value there is, or `floor`."""
    ours, theirs = torch.from_numpy(ours.detach().numpy()), theirs.detach()
    assert ours.shape == theirs.shape, what
    error, scale = (ours - theirs).abs().max().item(), max(theirs.abs().max().item(), floor)
    assert error <= relative * scale, f"{what}: off by {error:.2e}, where the largest is {scale:.2e}"


def gradients(package, model, x):
    """Output, and the gradients of its squares' mean by the input and every parameter, by name."""
    x = package.tensor(x.numpy(), requires_grad=True)
    model.zero_grad()
    output = model(x)
    output.square().mean().backward()
    return output, {"input": x.grad, **{name: p.grad for name, p in model.named_parameters()}}


def assert_same(ours, theirs, x, mode):
    """Compare outputs, all gradients and, after that, all buffers."""
    ours.train(mode == "train")
    theirs.train(mode == "train")
    output, grads = gradients(tg, ours, x)
    expected, expected_grads = gradients(torch, theirs, x)
    close(output, expected, OUTPUT, f"{mode}: output")
    assert list(grads) == list(expected_grads)
    # What is 0 but for rounding, as a bias before a normalisation has it, is measured by the other gradients.
    floor = 1e-2 * max(grad.abs().max().item() for grad in expected_grads.values())
    for name, grad in expected_grads.items():
        close(grads[name], grad, GRADIENT, f"{mode}: gradient of {name}", floor)
    for (name, buffer), expected in zip(ours.named_buffers(), theirs.buffers(), strict=True):
        close(buffer, expected, OUTPUT, f"{mode}: buffer {name}")


def test_weights_from_pytorch_give_its_results(build, tmp_path):
    theirs, x = trained(build)
    torch.save(theirs.state_dict(), tmp_path / "theirs.pt")
    ours = build(tg)
    assert repr(ours.load_state_dict(tg.load(tmp_path / "theirs.pt"))) == "<All keys matched successfully>"
    assert repr(ours) == repr(theirs)
    for mode in ("eval", "train"):
        assert_same(ours, theirs, x, mode)


def test_weights_from_here_give_the_same_results_in_pytorch(build, tmp_path):
    trained_model, x = trained(build)
    tg.manual_seed(3)
    ours = build(tg)
    optimizer = tg.optim.SGD(ours.parameters(), lr=0.02, momentum=0.9)
    data = tg.tensor(x.numpy())
    for _ in range(3):
        optimizer.zero_grad()
        ours(data).square().mean().backward()
        optimizer.step()
    tg.save(ours.state_dict(), tmp_path / "ours.pt")
    state = torch.load(tmp_path / "ours.pt", weights_only=True)
    assert [(key, value.dtype) for key, value in state.items()] == [
        (key, value.dtype) for key, value in trained_model.state_dict().items()
    ]
    trained_model.load_state_dict(state)
    assert_same(ours, trained_model, x, "eval")
