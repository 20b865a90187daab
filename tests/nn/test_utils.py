"""nn.utils: clipping, parameters as a vector and fusion, against what they are to do and against PyTorch."""

import numpy as np
import pytest

import tinygrad_cnn as ours_torch
from tinygrad_cnn import nn


def with_gradients(torch, rng, dtype="float32"):
    """Parameters of several shapes, one of them without a gradient."""
    params = []
    for shape in [(3, 4), (5,), (), (2, 1, 3)]:
        data = rng.standard_normal(shape)
        param = torch.tensor(data, dtype=getattr(torch, dtype), requires_grad=True)
        param.grad = torch.tensor(3 * rng.standard_normal(shape), dtype=getattr(torch, dtype))
        params.append(param)
    params.append(torch.zeros(2, requires_grad=True))
    return params


def grads(params):
    return [None if p.grad is None else p.grad.numpy() for p in params]


@pytest.mark.parity
@pytest.mark.parametrize("max_norm", [0.5, 100.0, 0.0])
@pytest.mark.parametrize("norm_type", [2.0, 1, 3.5, float("inf"), "inf", float("-inf"), 0.0])
@pytest.mark.parametrize("foreach", [None, True, False])
def test_clip_grad_norm_is_torchs(max_norm, norm_type, foreach):
    torch = pytest.importorskip("torch")
    ours = with_gradients(ours_torch, np.random.default_rng(1), "float64")
    theirs = with_gradients(torch, np.random.default_rng(1), "float64")
    got = nn.utils.clip_grad_norm_(iter(ours), max_norm, norm_type, foreach=foreach)
    want = torch.nn.utils.clip_grad_norm_(iter(theirs), max_norm, norm_type, foreach=foreach)
    assert got.shape == () and str(got.dtype) == str(want.dtype)
    np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-12)
    for one, other in zip(grads(ours), grads(theirs), strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_clipped_norm_is_the_limit(rng):
    params = with_gradients(ours_torch, rng)
    before = nn.utils.get_total_norm([p.grad for p in params if p.grad is not None])
    flat = np.concatenate([g.ravel() for g in grads(params) if g is not None])
    np.testing.assert_allclose(before.item(), np.linalg.norm(flat), rtol=1e-6)
    assert nn.utils.clip_grad_norm_(params, 1.5).item() == before.item()
    after = nn.utils.get_total_norm([p.grad for p in params if p.grad is not None])
    np.testing.assert_allclose(after.item(), 1.5, rtol=1e-5)


def test_one_parameter_and_none(rng):
    param = with_gradients(ours_torch, rng)[0]
    nn.utils.clip_grad_norm_(param, 0.1)
    np.testing.assert_allclose(np.linalg.norm(param.grad.numpy()), 0.1, rtol=1e-5)
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0.0
    with pytest.warns(UserWarning, match="is an empty generator"):
        nn.utils.clip_grad_norm_((p for p in []), 1.0)
    with pytest.warns(FutureWarning, match="is now deprecated"):
        nn.utils.clip_grad_norm(param, 0.1)


@pytest.mark.parametrize("bad", [float("inf"), float("nan")])
def test_non_finite_norms(bad):
    param = ours_torch.zeros(2, requires_grad=True)
    param.grad = ours_torch.tensor([1.0, bad])
    with pytest.raises(RuntimeError, match=r"The total norm of order 2\.0 for gradients .* is non-finite"):
        nn.utils.clip_grad_norm_(param, 1.0, error_if_nonfinite=True)
    assert param.grad[0].item() == 1.0
    nn.utils.clip_grad_norm_(param, 1.0)
    assert not param.grad.isfinite().all()


def test_clip_grad_value(rng):
    params = with_gradients(ours_torch, rng)
    before = grads(params)
    expected = [None if g is None else np.clip(g, -0.5, 0.5) for g in before]
    nn.utils.clip_grad_value_(params, 0.5)
    for got, want in zip(grads(params), expected, strict=True):
        if want is not None:
            np.testing.assert_array_equal(got, want)


def test_parameters_as_a_vector(rng):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(4, 5))
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.shape == (2 * 9 + 2 + 4 * 5 + 5,) and vector.requires_grad
    (vector * vector).sum().backward()
    for p in net.parameters():
        np.testing.assert_allclose(p.grad.numpy(), 2 * p.detach().numpy(), rtol=1e-6)
    new = ours_torch.arange(vector.numel(), dtype=ours_torch.float32)
    nn.utils.vector_to_parameters(new, net.parameters())
    np.testing.assert_array_equal(nn.utils.parameters_to_vector(net.parameters()).detach().numpy(), new.numpy())
    with pytest.raises(TypeError, match=r"expected torch\.Tensor, but got: list"):
        nn.utils.vector_to_parameters([1.0], net.parameters())
    with pytest.raises(RuntimeError):
        nn.utils.vector_to_parameters(new[:-1], net.parameters())


def trained(rng, layer, features, affine=True):
    norm = nn.BatchNorm2d(features, affine=affine)
    norm.running_mean.copy_(ours_torch.tensor(rng.standard_normal(features)))
    norm.running_var.copy_(ours_torch.tensor(rng.random(features) + 0.5))
    if affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    return layer.eval(), norm.eval()


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("affine", [False, True])
def test_fused_convolution_does_the_same(rng, bias, affine):
    conv, norm = trained(rng, nn.Conv2d(3, 5, 3, padding=1, bias=bias), 5, affine)
    x = ours_torch.tensor(rng.standard_normal((2, 3, 6, 7)), dtype=ours_torch.float32)
    fused = nn.utils.fuse_conv_bn_eval(conv, norm)
    np.testing.assert_allclose(fused(x).detach().numpy(), norm(conv(x)).detach().numpy(), rtol=1e-4, atol=1e-5)
    assert fused is not conv and isinstance(fused.weight, nn.Parameter) and fused.weight.requires_grad


@pytest.mark.parity
@pytest.mark.parametrize("transpose", [False, True])
def test_fused_weights_are_torchs(rng, transpose):
    torch = pytest.importorskip("torch")
    weight = rng.standard_normal((4, 4, 3, 3))
    vectors = [rng.standard_normal(4), rng.random(4) + 0.5, rng.standard_normal(4), rng.standard_normal(4)]
    bias = rng.standard_normal(4)
    results = []
    for package in (ours_torch, torch):
        t = [package.tensor(v) for v in (weight, bias, *vectors)]
        results.append(package.nn.utils.fuse_conv_bn_weights(t[0], t[1], t[2], t[3], 1e-5, t[4], t[5], transpose))
        mean, var, gain, shift = (v[:3] for v in t[2:])
        results[-1] += package.nn.utils.fuse_linear_bn_weights(t[0][0, 0], None, mean, var, 1e-5, gain, shift)
    for got, want in zip(*results, strict=True):
        np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), rtol=1e-12)
        assert got.requires_grad == want.requires_grad


def test_fused_linear_does_the_same(rng):
    linear, norm = trained(rng, nn.Linear(4, 6), 6)
    x = ours_torch.tensor(rng.standard_normal((3, 4)), dtype=ours_torch.float32)
    fused = nn.utils.fuse_linear_bn_eval(linear, norm)
    want = norm(linear(x).reshape(3, 6, 1, 1)).reshape(3, 6)
    np.testing.assert_allclose(fused(x).detach().numpy(), want.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_what_cannot_be_fused():
    conv, norm = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)
    with pytest.raises(AssertionError, match="Fusion only for eval"):
        nn.utils.fuse_conv_bn_eval(conv, norm)
    with pytest.raises(AssertionError, match="must not be None"):
        nn.utils.fuse_conv_bn_eval(conv.eval(), nn.BatchNorm2d(2, track_running_stats=False).eval())
    with pytest.raises(AssertionError, match=r"linear\.out_features=3 and bn\.num_features=2"):
        nn.utils.fuse_linear_bn_eval(nn.Linear(2, 3).eval(), norm.eval())
