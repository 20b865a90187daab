"""float16, bfloat16, int8 and int16: conversion to the bit, promotion, arithmetic, gradients, views, text, files."""

import copy
import io
import itertools
import pickle

import numpy as np
import pytest

import tinygrad_cnn as tc
from tests.compare import check
from tinygrad_cnn.casts import BF16, cast_array, widened

HALVES = ("float16", "bfloat16")
NAMES = (*HALVES, "float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool")


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def bits(tensor):
    """Return the two bytes of each element, of either package."""
    module = tc if isinstance(tensor, tc.Tensor) else pytest.importorskip("torch")
    return tensor.detach().view(module.int16).numpy()


# ---- conversion ----


def test_bfloat16_rounds_to_the_nearest_and_ties_to_even():
    unit = 2.0**-7
    cases = {1 + unit / 2: 1, 1 + 3 * unit / 2: 1 + 2 * unit, 1 + 0.501 * unit: 1 + unit, -1 - unit / 2: -1, 0.0: 0}
    found = widened(cast_array(np.array(list(cases), np.float32), BF16))
    np.testing.assert_array_equal(found, np.array(list(cases.values()), np.float32))


def test_bfloat16_array_is_no_number_to_numpy():
    array = tc.ones(3, dtype=tc.bfloat16)._array
    for function in (lambda: array + 1, lambda: array.sum(), lambda: array.fill(1), lambda: array.astype(np.float32)):
        with pytest.raises((TypeError, ValueError)):
            function()


@pytest.mark.parity
@pytest.mark.parametrize("name", HALVES)
def test_rounding_of_every_kind_of_float32(torch, name):
    rng = np.random.default_rng(0)
    words = np.concatenate((rng.integers(0, 2**32, 200_000), np.arange(0, 2**32, 2**15 - 1)[:130_000]))
    numbers = np.concatenate((words.astype(np.uint32).view(np.float32), np.float32([65519, 65520, 3.4e38, np.inf])))
    numbers = numbers[~np.isnan(numbers)]
    ours = tc.from_numpy(numbers.copy()).to(getattr(tc, name))
    theirs = torch.from_numpy(numbers.copy()).to(getattr(torch, name))
    np.testing.assert_array_equal(bits(ours), bits(theirs))
    np.testing.assert_array_equal(ours.float().numpy(), theirs.float().numpy())
    assert tc.tensor(float("nan")).to(getattr(tc, name)).isnan().item()


@pytest.mark.parity
@pytest.mark.parametrize(("source", "target"), [*itertools.product(NAMES, NAMES)])
def test_conversion_between_all_dtypes(torch, source, target):
    values = [0, 1, 2.75, 100.5] if source in ("uint8", "bool") else [-100.5, -2.75, -0.5, 0, 1, 2.75, 100.5]
    if target == "uint8":  # of negative floats nothing is defined
        values = [abs(value) for value in values]
    text = f"torch.tensor({values}, dtype=torch.float64).to(torch.{source}).to(torch.{target})"
    check(torch, text)


@pytest.mark.parity
def test_promotion_of_all_pairs(torch):
    for a, b in itertools.product(NAMES, NAMES):
        check(torch, f"torch.promote_types(torch.{a}, torch.{b}), torch.can_cast(torch.{a}, torch.{b})")
        x, y = f"torch.ones(2, dtype=torch.{a})", f"torch.ones((), dtype=torch.{b})"
        check(torch, f"torch.result_type({x}, {y}), torch.result_type({x}, 2.5), torch.result_type({x}, 2)")
        check(torch, f"{x} * {y}")
        check(torch, f"torch.cat([{x}, {x}.to(torch.{b})])")


@pytest.mark.parity
@pytest.mark.parametrize("name", NAMES)
def test_facts_of_a_dtype(torch, name):
    d = f"torch.{name}"
    for text in ("is_floating_point", "is_signed", "itemsize", "is_complex"):
        check(torch, f"{d}.{text}")
    check(torch, f"torch.finfo({d})")
    check(torch, f"torch.iinfo({d})")
    check(torch, f"torch.ones(2, dtype={d}).type(), torch.ones(2, dtype={d}).is_floating_point()")


@pytest.mark.parity
def test_names(torch):
    for text in (
        *("torch.half, torch.short", "torch.HalfTensor([1, 2])", "torch.BFloat16Tensor([1, 2])"),
        *("torch.ShortTensor([1, 2])", "torch.CharTensor([1, 2])", "torch.ones(2).type('torch.HalfTensor')"),
        *("torch.ones(2).half()", "torch.ones(2).bfloat16()", "torch.ones(2).short()", "torch.ones(2).char()"),
        *(
            "torch.tensor([1, 300]).char()",
            "torch.tensor([1.5, -7e4]).short()",
            "torch.ones(2, dtype=torch.int8) * 200",
        ),
        *("torch.tensor([1, 300], dtype=torch.int8)", "torch.full((2,), 1e6, dtype=torch.float16)"),
        *(
            "torch.tensor(np.float16(1.5))",
            "torch.from_numpy(np.ones(2, np.int16))",
            "torch.eye(2, dtype=torch.bfloat16)",
        ),
        *("torch.arange(5, dtype=torch.bfloat16)", "torch.zeros(2000, dtype=torch.bfloat16).sum()"),
    ):
        check(torch, text)


# ---- text and Python ----


@pytest.mark.parity
@pytest.mark.parametrize("name", HALVES)
def test_text_and_python_numbers(torch, name):
    x = f"torch.tensor([[1.5, -2.0625], [1e-3, 300]], dtype=torch.{name})"
    check(torch, x)
    for text in (".tolist()", "[0, 0].item()", "[0].requires_grad_()", ".sum() + 0", "[1, 1].item() == 300"):
        check(torch, x + text)
    check(torch, f"'%.3f' % torch.tensor(1.5, dtype=torch.{name}), float(torch.tensor(2, dtype=torch.{name}))")
    check(torch, f"f'{{torch.tensor(1.5, dtype=torch.{name}):.2f}}', bool(torch.tensor(-0.0, dtype=torch.{name}))")
    check(torch, f"1.5 in {x}, int(torch.tensor(7.5, dtype=torch.{name}))")


def test_bfloat16_has_no_numpy_array():
    for function in (lambda: tc.ones(2).bfloat16().numpy(), lambda: np.asarray(tc.ones(2).bfloat16())):
        with pytest.raises(TypeError, match="Got unsupported ScalarType BFloat16"):
            function()
    assert tc.ones(2).half().numpy().dtype == np.float16


@pytest.mark.parity
@pytest.mark.parametrize("name", ["float16", "int8", "int16"])
def test_dlpack_both_ways(torch, name):
    assert torch.from_dlpack(tc.ones(2, dtype=getattr(tc, name))).dtype is getattr(torch, name)
    assert tc.from_dlpack(torch.ones(2, dtype=getattr(torch, name))).dtype is getattr(tc, name)


def test_bfloat16_is_not_exported():
    with pytest.raises(BufferError, match="bfloat16 cannot be exported"):
        np.from_dlpack(tc.ones(2).bfloat16())


@pytest.mark.parity
def test_small_integers_are_no_indices(torch):
    for name in ("int8", "int16", "int32", "int64"):
        check(torch, f"torch.arange(3)[torch.tensor([0, 2], dtype=torch.{name})]")


@pytest.mark.parity
@pytest.mark.parametrize("name", HALVES)
def test_default_dtype(torch, name):
    try:
        for module in (tc, torch):
            module.set_default_dtype(getattr(module, name))
        for text in (
            "torch.ones(2)",
            "torch.tensor([1.5])",
            "torch.arange(3) / 2",
            "torch.zeros(1, dtype=torch.float32)",
        ):
            check(torch, text)
    finally:
        tc.set_default_dtype(tc.float32)
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", HALVES)
def test_copies_and_files(name):
    x = tc.randn(3, 700).to(getattr(tc, name))
    file = io.BytesIO()
    tc.save(x, file)
    file.seek(0)
    for other in (copy.deepcopy(x), pickle.loads(pickle.dumps(x)), tc.load(file), x.clone(), x.t().contiguous().t()):
        assert other.dtype is x.dtype
        assert tc.equal(other, x)


@pytest.mark.parity
@pytest.mark.parametrize("name", HALVES)
def test_files_of_pytorch(torch, name):
    model = tc.nn.Linear(3, 2).to(getattr(tc, name))
    theirs, file = torch.nn.Linear(3, 2).to(getattr(torch, name)), io.BytesIO()
    tc.save(model.state_dict(), file)
    file.seek(0)
    theirs.load_state_dict(torch.load(file))
    np.testing.assert_array_equal(bits(model.weight), bits(theirs.weight))


# ---- operations ----


@pytest.mark.parity
@pytest.mark.parametrize("name", HALVES)
def test_expressions(torch, name):
    names = f"(lambda x, m: {{}})((torch.arange(24.) / 7 - 1).reshape(2, 3, 4).to(torch.{name}), torch.arange(4) > 1)"
    for text in (
        *("x + x * 3", "x - 1.1", "2 / (x + 5)", "x @ x.mT", "x.exp()", "x.relu()", "x.sum()", "x.mean(1)", "x.max(2)"),
        *("x > 0.3", "x == x.flip(0)", "x[:, 1]", "x[m.expand_as(x)]", "x[..., [0, 2]]", "x.masked_fill(m, 7)"),
        *("torch.where(m, x, -x)", "torch.cat([x, x], 1)", "torch.stack([x, x])", "x.clone().add_(1)", "x.sort(2)"),
        *("x.clone().copy_(torch.ones(4))", "torch.zeros_like(x).copy_(x)", "x.clone().mul_(x)", "x.argmax()"),
        *("x.softmax(2)", "x.cumsum(1)", "x.float() * 2", "x * torch.ones(3, 4)", "x.view(torch.int16)", "x.nonzero()"),
        *("x.double()", "x.unique()", "x.std()", "x.norm()", "x.clamp(0, 1)", "torch.ones(2).to(x)", "x.new_zeros(2)"),
        *("x.new_tensor([1, 2])", "x.clone().zero_()", "x.clone().fill_(2.3)", "torch.full_like(x, 3)", "x ** 2"),
        *("x.numel(), x.element_size(), x.nbytes", "x.isfinite().all()", "x.gather(2, x.long().clamp(0, 3))"),
    ):
        check(torch, names.format(text))


@pytest.mark.parametrize("name", HALVES)
def test_gradients_are_halves_too(name):
    dtype = getattr(tc, name)
    x = tc.tensor([1.0, -2.0, 3.0], dtype=dtype, requires_grad=True)
    y = (x * x).relu() + x[1:].sum() * x
    assert y.dtype is dtype
    assert "AddBackward0" in repr(y)
    (grad,) = tc.autograd.grad(y.sum(), x, create_graph=True)
    assert grad.dtype is dtype
    # The sum is x1^2 + x2^2 + x3^2 + (x2 + x3)(x1 + x2 + x3), the sum of its gradient 4 (x1 + x2 + x3) + 3 (x2 + x3).
    assert grad.tolist() == [2 + 1, -4 + 1 + 2, 6 + 1 + 2]
    grad.sum().backward()
    assert x.grad.dtype is dtype
    assert x.grad.tolist() == [4, 7, 7]


@pytest.mark.parametrize("name", HALVES)
def test_change_in_place_in_the_graph(name):
    x = tc.tensor([1.0, 2.0], dtype=getattr(tc, name), requires_grad=True)
    y = x * 3
    y.mul_(y)
    y[0] = 5
    y.sum().backward()
    assert x.grad.tolist() == [0, 36]


@pytest.mark.parity
@pytest.mark.parametrize("name", HALVES)
def test_network_follows_pytorch(torch, name):
    def run(module):
        module.manual_seed(0)
        layers = (module.nn.Conv2d(2, 4, 3), module.nn.BatchNorm2d(4), module.nn.ReLU(), module.nn.MaxPool2d(2))
        net = module.nn.Sequential(*layers, module.nn.Flatten(), module.nn.Linear(36, 3)).to(getattr(module, name))
        x = (module.arange(2 * 2 * 8 * 8.0).sin()).reshape(2, 2, 8, 8).to(getattr(module, name))
        loss = module.nn.functional.cross_entropy(net(x), module.tensor([0, 2]))
        loss.backward()
        grads = [p.grad.float().numpy() for p in net.parameters()]
        return [loss.item(), *grads, net[1].running_mean.float().numpy(), net[1].running_var.float().numpy()]

    for ours, theirs in zip(run(tc), run(torch), strict=True):
        np.testing.assert_allclose(ours, theirs, 0.03, 0.02)
