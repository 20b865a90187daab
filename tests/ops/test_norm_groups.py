"""layer_norm, group_norm, instance_norm, rms_norm, local_response_norm and their layers, against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
from tests.nn.twin import check_twin
from tests.ops.compare import check, check_error, gradients, parametrize, sample

CASES = [
    ("layer", lambda T, x, w, b: T.nn.functional.layer_norm(x, (3, 5), w, b), ["f:2,4,3,5", "f:3,5", "f:3,5"]),
    ("layer, no bias", lambda T, x, w: T.nn.functional.layer_norm(x, (5,), w), ["f:2,5", "f:5"]),
    ("layer, only bias", lambda T, x, b: T.nn.functional.layer_norm(x, (5,), None, b), ["f:2,3,5", "f:5"]),
    ("layer, all", lambda T, x: T.nn.functional.layer_norm(x, x.shape), ["f:2,3"]),
    ("layer, one element", lambda T, x: T.nn.functional.layer_norm(x, (1,)), ["f:4,1"]),
    ("layer, empty", lambda T, x, w: T.nn.functional.layer_norm(x, (3,), w), ["f:0,3", "f:3"]),
    ("group", lambda T, x, w, b: T.nn.functional.group_norm(x, 3, w, b, 1e-3), ["f:2,6,4,5", "f:6", "f:6"]),
    ("group, one", lambda T, x, w: T.nn.functional.group_norm(x, 1, w), ["f:2,6", "f:6"]),
    ("group, each", lambda T, x: T.nn.functional.group_norm(x, 4), ["f:3,4,7"]),
    ("group, empty", lambda T, x, w: T.nn.functional.group_norm(x, 2, w, w), ["f:0,4,3", "f:4"]),
    ("instance", lambda T, x, w, b: T.nn.functional.instance_norm(x, None, None, w, b), ["f:2,3,4,5", "f:3", "f:3"]),
    ("instance, 1d", lambda T, x: T.nn.functional.instance_norm(x), ["f:2,3,4"]),
    (
        "instance, given",
        lambda T, x, w: T.nn.functional.instance_norm(x, T.zeros(3), T.ones(3) * 2, w, use_input_stats=False),
        ["f:2,3,4,5", "f:3"],
    ),
    ("rms", lambda T, x, w: T.nn.functional.rms_norm(x, (3, 5), w), ["f:2,3,5", "f:3,5"]),
    ("rms, eps", lambda T, x: T.nn.functional.rms_norm(x, (5,), eps=0.1), ["d:2,3,5"]),
    ("response", lambda T, x: T.nn.functional.local_response_norm(x, 3, 0.5, 0.6, 2), ["f:2,7,3,4"]),
    ("response, even", lambda T, x: T.nn.functional.local_response_norm(x, 4, 0.5), ["f:2,7,3"]),
    ("response, volume", lambda T, x: T.nn.functional.local_response_norm(x, 9), ["f:1,4,2,3,2"]),
]


@pytest.mark.parity
@parametrize(CASES)
def test_equals_pytorch(call, specs):
    pytest.importorskip("torch")
    for dense in (True, False):
        if not dense and specs == ["f:1,4,2,3,2"]:
            continue  # PyTorch asks for a view of its input there
        check(call, [sample(spec, 3 + k) for k, spec in enumerate(specs)], dense=dense, rtol=1e-4, atol=2e-5)


@parametrize([case for case in CASES if not any(word in case[0] for word in ("empty", "element", "volume"))])
def test_gradients_numerically(call, specs):
    """First and second; a few of the elements do."""
    shorter = {"2,6,4,5": "2,6,2", "2,4,3,5": "2,3,5", "2,3,4,5": "1,3,2,2", "2,7,3,4": "1,5,2,1", "2,7,3": "1,7,1"}
    small = [f"{spec[:2]}{shorter.get(spec[2:], spec[2:])}" for spec in specs]
    gradients(lambda T, *inputs: call(Doubles(T), *inputs), small)


class Doubles:
    """The package, with float64 as what `zeros` and `ones` make."""

    def __init__(self, T):
        self.nn = T.nn
        self.zeros, self.ones = (lambda n: T.zeros(n, dtype=T.float64)), (lambda n: T.ones(n, dtype=T.float64))


@pytest.mark.parity
@pytest.mark.parametrize("size", [1, 3, 4, 20])
def test_cross_map_equals_pytorch_forward(size):
    """PyTorch's gradient is not that of its result."""
    pytest.importorskip("torch")
    check(lambda T, x: T.nn.CrossMapLRN2d(size, 0.5)(x), [sample("f:2,7,3,4")], grad=False)
    gradients(lambda T, x: T.nn.CrossMapLRN2d(size, 0.5)(x), ["f:1,5,2,1"])


def test_running_statistics_of_instances_are_means_over_the_batch():
    x = sample("d:4,3,5,2") * 2 + 1
    layer = tc.nn.InstanceNorm2d(3, track_running_stats=True, momentum=0.25, dtype=tc.float64)
    layer(tc.from_numpy(x))
    np.testing.assert_allclose(layer.running_mean, 0.25 * x.mean((2, 3)).mean(0))
    np.testing.assert_allclose(layer.running_var, 0.75 + 0.25 * x.var((2, 3), ddof=1).mean(0))
    assert int(layer.num_batches_tracked) == 0


def test_second_gradients_of_nothing():
    """An empty batch, whose mean over no elements once divided by zero."""
    x = tc.zeros(0, 3, 2, dtype=tc.float64, requires_grad=True)
    layer = tc.nn.BatchNorm1d(3, dtype=tc.float64)
    (grad,) = tc.autograd.grad(layer(x).sum(), x, create_graph=True)
    (second,) = tc.autograd.grad(grad.sum(), layer.weight)
    assert second.tolist() == [0, 0, 0]


LAYERS = {
    "BatchNorm1d": lambda T: [m := T.nn.BatchNorm1d(3), m(T.ones(2, 3)), m(T.ones(2, 3, 4))],
    "BatchNorm3d": lambda T: [m := T.nn.BatchNorm3d(3, affine=False), m(T.ones(2, 3, 2, 2, 1))],
    "SyncBatchNorm": lambda T: [m := T.nn.SyncBatchNorm(3, momentum=None), m(T.ones(2, 3, 2)), m.state_dict()],
    "converted": lambda T: (
        m := T.nn.SyncBatchNorm.convert_sync_batchnorm(T.nn.Sequential(T.nn.BatchNorm2d(2), T.nn.ReLU())),
        list(m.state_dict()),
    ),
    "InstanceNorm1d": lambda T: [m := T.nn.InstanceNorm1d(3), m(T.ones(3, 4)), m(T.ones(2, 5, 4))],
    "InstanceNorm2d": lambda T: [m := T.nn.InstanceNorm2d(3, affine=True, bias=False), list(m.state_dict())],
    "InstanceNorm3d": lambda T: [m := T.nn.InstanceNorm3d(3, track_running_stats=True), list(m.state_dict())],
    "InstanceNorm, old state": lambda T: (
        T.nn.InstanceNorm1d(1)._load_from_state_dict(s := {"running_mean": 1}, "", {}, True, [], u := [], e := [])
        or [s, u, e]
    ),
    "LayerNorm": lambda T: [T.nn.LayerNorm(5), T.nn.LayerNorm([2, 3], 1e-3, False), T.nn.LayerNorm((4,), bias=False)],
    "GroupNorm": lambda T: [T.nn.GroupNorm(2, 4), T.nn.GroupNorm(2, 4, affine=False), T.nn.GroupNorm(1, 4, bias=False)],
    "RMSNorm": lambda T: [T.nn.RMSNorm(5), T.nn.RMSNorm([2, 3], 1e-3, False)],
    "LocalResponseNorm": lambda T: [T.nn.LocalResponseNorm(5), T.nn.CrossMapLRN2d(4, k=2)],
}


@pytest.mark.parity
@pytest.mark.parametrize("name", LAYERS)
def test_layers_equal_pytorch(name):
    pytest.importorskip("torch")
    check_twin(LAYERS[name], 1e-6, 1e-6)


ERRORS = {
    "rank 1": lambda T, x: T.nn.BatchNorm1d(3)(x),
    "rank 3": lambda T, x: T.nn.BatchNorm3d(3)(x),
    "instance rank": lambda T, x: T.nn.InstanceNorm1d(3)(x),
    "instance channels": lambda T, x: T.nn.InstanceNorm2d(5, affine=True)(x),
    "instance of one": lambda T, x: T.nn.functional.instance_norm(x[:, :, :1, :1]),
    "instance undefined": lambda T, x: T.nn.functional.instance_norm(x, use_input_stats=False),
    "maps rank": lambda T, x: T.nn.CrossMapLRN2d(3)(x[0]),
    "response rank": lambda T, x: T.nn.functional.local_response_norm(x[0, 0], 3),
    "layer shape": lambda T, x: T.nn.functional.layer_norm(x, (4,)),
    "layer rank": lambda T, x: T.nn.functional.layer_norm(x[0, 0], (1, 2, 3, 4)),
    "layer int": lambda T, x: T.nn.functional.layer_norm(x, 3),
    "layer empty": lambda T, x: T.nn.functional.layer_norm(x, ()),
    "layer weight": lambda T, x: T.nn.functional.layer_norm(x, (3,), T.ones(4)),
    "layer double": lambda T, x: T.nn.functional.layer_norm(x, (3,), T.ones(3).double()),
    "layer long": lambda T, x: T.nn.functional.layer_norm(x.long(), (3,)),
    "rms shape": lambda T, x: T.nn.functional.rms_norm(x, (4,)),
    "rms long": lambda T, x: T.nn.functional.rms_norm(x.long(), (3,)),
    "groups": lambda T, x: T.nn.functional.group_norm(x, 3),
    "no groups": lambda T, x: T.nn.functional.group_norm(x, 0),
    "negative groups": lambda T, x: T.nn.functional.group_norm(x, -1),
    "group weight": lambda T, x: T.nn.functional.group_norm(x, 2, T.ones(2)),
    "group of one": lambda T, x: T.nn.functional.group_norm(x[:1, :, :1, :1], 4),
    "group vector": lambda T, x: T.nn.functional.group_norm(x[0, 0, 0], 1),
    "group long": lambda T, x: T.nn.functional.group_norm(x.long(), 2),
    "GroupNorm": lambda T, x: T.nn.GroupNorm(3, 4),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", ERRORS)
def test_errors_equal_pytorch(name):
    pytest.importorskip("torch")
    check_error(lambda T: ERRORS[name](T, T.ones(2, 4, 3, 3)))
