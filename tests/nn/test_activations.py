"""Every activation against PyTorch: values, first and second gradients, in place, special values, errors, modules."""

import numpy as np
import pytest

import tinygrad_cnn as ours_torch

# (function, keyword arguments); those with `inplace` or an underscore form are tried in place, too.
CASES = [
    ("celu", {}), ("celu", {"alpha": 0.5}), ("celu", {"alpha": -1.5}), ("elu", {}), ("elu", {"alpha": 2.5}),
    ("hardshrink", {}), ("hardshrink", {"lambd": 1.0}), ("hardtanh", {}),
    ("hardtanh", {"min_val": -0.5, "max_val": 2.0}),
    ("leaky_relu", {}), ("leaky_relu", {"negative_slope": -0.3}), ("relu6", {}), ("rrelu", {}), ("selu", {}),
    ("softshrink", {}), ("softshrink", {"lambd": 0.0}), ("threshold", {"threshold": 0.3, "value": -4.0}),
    ("gelu", {}), ("gelu", {"approximate": "tanh"}), ("glu", {}), ("glu", {"dim": 0}), ("hardsigmoid", {}),
    ("hardswish", {}), ("logsigmoid", {}), ("mish", {}), ("silu", {}), ("softmin", {"dim": 1}), ("softplus", {}),
    ("softplus", {"beta": 3.0, "threshold": 2.0}), ("softsign", {}), ("tanhshrink", {}),
]  # fmt: skip
IDS = [f"{name}-{options}" for name, options in CASES]
IN_PLACE = ["celu", "elu", "hardtanh", "leaky_relu", "relu6", "selu", "hardsigmoid", "hardswish", "mish", "silu"]
KINKS = [-6.0, -3.0, -1.0, -0.5, -0.0, 0.0, 0.3, 0.5, 1.0, 3.0, 6.0, 25.0, -25.0, 100.0, -100.0, 800.0]


def values(rng, shape, dtype):
    """Random numbers, some of them at the kinks of the functions."""
    x = 3 * rng.standard_normal(shape)
    x.reshape(-1)[: min(x.size, len(KINKS))] = KINKS[: x.size]
    return x.astype(dtype)


def gradients(torch, name, options, x, seeds):
    """Value, gradient and gradient of the gradient's product with a seed."""
    x = torch.tensor(x, requires_grad=True)
    y = getattr(torch.nn.functional, name)(x, **options)
    (first,) = torch.autograd.grad(y, x, torch.tensor(seeds[0][: y.size(0), : y.size(1)]), create_graph=True)
    second = None
    if first.requires_grad and name != "hardsigmoid":  # PyTorch has no second derivative there
        (second,) = torch.autograd.grad(first, x, torch.tensor(seeds[1]), allow_unused=True)
    found = [y.detach(), first.detach(), torch.zeros_like(x) if second is None else second]
    return [one.numpy() for one in found]


@pytest.mark.parity
@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_values_and_gradients_are_torchs(rng, dtype, name, options):
    torch = pytest.importorskip("torch")
    x = values(rng, (6, 10), dtype)
    seeds = [rng.standard_normal(x.shape).astype(dtype) for _ in range(2)]
    # PyTorch's derivative of hardsigmoid has a sixth in float32.
    tolerance = 2e-5 if dtype == np.float32 else 1e-7 if name == "hardsigmoid" else 1e-10
    ours, theirs = (gradients(package, name, options, x, seeds) for package in (ours_torch, torch))
    for order, (got, want) in enumerate(zip(ours, theirs, strict=True)):
        assert got.shape == want.shape and got.dtype == want.dtype
        if order == 2:  # at a kink there is no second derivative
            got, want = got.reshape(-1)[len(KINKS) :], want.reshape(-1)[len(KINKS) :]
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance, err_msg=f"derivative {order}")


@pytest.mark.parity
@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_special_values_are_torchs(name, options):
    torch = pytest.importorskip("torch")
    if name in ("glu", "softmin"):
        pytest.skip("of several elements: tested with softmax and sigmoid")
    x = [float("nan"), float("inf"), float("-inf"), 0.0, 1e30, -1e30]
    got = getattr(ours_torch.nn.functional, name)(ours_torch.tensor(x), **options).numpy()
    want = getattr(torch.nn.functional, name)(torch.tensor(x), **options).numpy()
    np.testing.assert_allclose(got, want, rtol=1e-6)


@pytest.mark.parametrize("shape", [(0, 4), (1, 2), (3, 1, 4)])
@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_shapes(name, options, shape):
    if name == "glu":
        options = {"dim": -1}
    x = ours_torch.ones(*shape)
    y = getattr(ours_torch.nn.functional, name)(x, **options)
    assert y.shape == ((*shape[:-1], shape[-1] // 2) if name == "glu" else shape)
    strided = ours_torch.ones(4, 6).t()[::2]
    if name != "glu":
        np.testing.assert_array_equal(
            getattr(ours_torch.nn.functional, name)(strided, **options).numpy(),
            getattr(ours_torch.nn.functional, name)(strided.clone(), **options).numpy(),
        )


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_is_the_same_and_differentiable(rng, name):
    function = getattr(ours_torch.nn.functional, name)
    data = rng.standard_normal((3, 5))
    leaf = ours_torch.tensor(data, requires_grad=True)
    x = leaf * 2
    y = function(x, inplace=True)
    assert y is x
    y.sum().backward()
    again = ours_torch.tensor(data, requires_grad=True)
    expected = function(again * 2)
    expected.sum().backward()
    np.testing.assert_array_equal(y.detach().numpy(), expected.detach().numpy())
    np.testing.assert_allclose(leaf.grad.numpy(), again.grad.numpy(), rtol=1e-12)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        function(leaf, inplace=True)


@pytest.mark.parametrize("name", ["celu_", "elu_", "hardtanh_", "leaky_relu_", "rrelu_", "selu_"])
def test_underscore_forms(rng, name):
    x = ours_torch.tensor(rng.standard_normal(7))
    expected = getattr(ours_torch.nn.functional, name[:-1])(x)
    assert getattr(ours_torch.nn.functional, name)(x) is x
    np.testing.assert_array_equal(x.numpy(), expected.numpy())
    assert ours_torch.nn.functional.threshold_(x, 0.1, 2.0) is x and x.min().item() > 0.1


@pytest.mark.parity
@pytest.mark.parametrize(("lower", "upper"), [(1 / 8, 1 / 3), (0.2, 0.2), (-1.0, 2.0)])
def test_random_slopes_are_torchs(rng, dtype, lower, upper):
    torch = pytest.importorskip("torch")
    data = values(rng, (5, 11), dtype)
    found = []
    for package in (ours_torch, torch):
        package.manual_seed(7)
        x = package.tensor(data, requires_grad=True)
        y = package.nn.functional.rrelu(x, lower, upper, training=True)
        y.sum().backward()
        found.append((y.detach().numpy(), x.grad.numpy()))
    for got, want in zip(*found, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6)


@pytest.mark.parity
@pytest.mark.parametrize(
    ("shape", "size"), [((4, 3, 2, 5), 3), ((4, 3), 3), ((4, 3, 6), 1), ((5,), 1), ((), 1), ((2, 0, 3), 1), ((0, 3), 3)]
)
def test_prelu_is_torchs(rng, dtype, shape, size):
    torch = pytest.importorskip("torch")
    data, slopes = rng.standard_normal(shape).astype(dtype), rng.standard_normal(size).astype(dtype)
    found = []
    for package in (ours_torch, torch):
        x, weight = package.tensor(data, requires_grad=True), package.tensor(slopes, requires_grad=True)
        y = package.nn.functional.prelu(x, weight)
        (y * y).sum().backward()
        found.append([y.detach().numpy(), x.grad.numpy(), weight.grad.numpy()])
    for got, want in zip(*found, strict=True):
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def errors(torch):
    """Calls that fail, by name."""
    functional, zeros = torch.nn.functional, torch.zeros
    integers = zeros(2, dtype=torch.int64)
    calls = [
        lambda: functional.glu(torch.tensor(1.0)), lambda: functional.glu(zeros(3)),
        lambda: functional.glu(zeros(2, 2), 5),
        lambda: functional.celu(zeros(2), 0.0), lambda: functional.softshrink(zeros(2), -1.0),
        lambda: functional.rrelu(zeros(2), 0.5, 0.1, training=True), lambda: functional.hardtanh(zeros(2), 1.0, 0.0),
        lambda: functional.prelu(zeros(2, 3), zeros(2)), lambda: functional.prelu(zeros(2, 3), zeros(3, 1)),
        lambda: functional.prelu(torch.tensor(1.0), zeros(2)), lambda: functional.prelu(zeros(3), zeros(3)),
        lambda: functional.prelu(zeros(2, 3), zeros(3, dtype=torch.float64)),
        lambda: functional.gelu(zeros(2), approximate="x"), lambda: functional.relu6(zeros(2, dtype=torch.bool)),
        lambda: functional.hardtanh(zeros(2, dtype=torch.uint8)), lambda: functional.rrelu(integers, training=True),
        lambda: torch.nn.Hardtanh(1.0, 0.0), lambda: torch.nn.Softmax2d()(zeros(2, 3)),
        lambda: functional.elu(3), lambda: functional.silu([1.0]),
    ]  # fmt: skip
    names = (
        "leaky_relu elu selu celu hardshrink softshrink softplus logsigmoid silu mish gelu hardsigmoid hardswish glu"
    )
    return [*calls, *[lambda name=name: getattr(functional, name)(integers) for name in names.split()]]


@pytest.mark.parity
@pytest.mark.parametrize("number", range(34))
def test_errors_are_torchs(number):
    torch = pytest.importorskip("torch")
    with pytest.raises(Exception) as theirs:
        errors(torch)[number]()
    with pytest.raises(theirs.type) as ours:
        errors(ours_torch)[number]()
    assert str(ours.value) == str(theirs.value)


MODULES = [
    ("CELU", (0.4,)), ("CELU", (1.0, True)), ("ELU", (0.4,)), ("ELU", ()), ("SELU", ()), ("SELU", (True,)),
    ("Hardshrink", (0.7,)), ("Hardtanh", (-2.0, 2.0)), ("Hardtanh", (-2.0, 2.0, True)), ("LeakyReLU", (0.2,)),
    ("LeakyReLU", (0.2, True)), ("PReLU", ()), ("PReLU", (5, 0.1)), ("RReLU", ()), ("ReLU6", ()), ("ReLU6", (True,)),
    ("Softshrink", (0.7,)), ("Threshold", (0.1, 20.0)), ("Threshold", (0.1, 20.0, True)), ("GELU", ()),
    ("GELU", ("tanh",)), ("GLU", (2,)), ("Hardsigmoid", ()), ("Hardsigmoid", (True,)), ("Hardswish", ()),
    ("LogSigmoid", ()), ("Mish", ()),
    ("Mish", (True,)), ("SiLU", ()), ("SiLU", (True,)), ("Softmax2d", ()), ("Softmin", (1,)), ("Softplus", (2.0, 3.0)),
    ("Softsign", ()), ("Tanhshrink", ()),
]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize(("name", "arguments"), MODULES, ids=str)
def test_modules_are_torchs(rng, name, arguments):
    torch = pytest.importorskip("torch")
    ours, theirs = (getattr(package.nn, name)(*arguments).eval() for package in (ours_torch, torch))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    data = rng.standard_normal((2, 5, 4, 3)).astype(np.float32)
    got, want = ours(ours_torch.tensor(data)), theirs(torch.tensor(data))
    np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_old_names_of_hardtanhs_limits():
    with pytest.warns(FutureWarning, match="`min_value` is deprecated and renamed to `min_val`"):
        assert ours_torch.nn.Hardtanh(min_value=-3.0).min_val == -3.0
    with pytest.warns(FutureWarning, match="`max_value` is deprecated and renamed to `max_val`"):
        assert ours_torch.nn.Hardtanh(max_value=3.0).max_val == 3.0


def test_rrelu_trains_at_random_and_evaluates_at_the_mean(rng):
    layer = ours_torch.nn.RReLU(0.1, 0.5)
    x = -ours_torch.ones(1000)
    slopes = -layer(x).numpy()
    assert slopes.min() >= 0.1 and slopes.max() < 0.5 and slopes.std() > 0.1
    np.testing.assert_allclose(-layer.eval()(x).numpy(), 0.3, rtol=1e-6)
