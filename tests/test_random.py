"""Random numbers: PyTorch's, bit for bit, after the same seed; and golden values where PyTorch is not installed."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest

import tinygrad_cnn
import tinygrad_cnn as torch
from tests.compare import check

COUNTS = (0, 1, 5, 15, 16, 17, 31, 100, 1000, 4099)
FLOATS = ("float32", "float64")
DTYPES = (*FLOATS, "int64", "int32", "uint8", "bool")


def draws():
    """Give (name, function of the module) pairs."""
    for dtype in FLOATS:
        for n in COUNTS:
            yield f"rand-{n}-{dtype}", lambda m, n=n, d=dtype: m.rand(n, dtype=getattr(m, d))
            yield f"randn-{n}-{dtype}", lambda m, n=n, d=dtype: m.randn(n, dtype=getattr(m, d))
            yield f"uniform_-{n}-{dtype}", lambda m, n=n, d=dtype: m.zeros(n, dtype=getattr(m, d)).uniform_(-2.5, 3.1)
            yield f"normal_-{n}-{dtype}", lambda m, n=n, d=dtype: m.zeros(n, dtype=getattr(m, d)).normal_(1.5, 2.7)
            yield f"bernoulli-{n}-{dtype}", lambda m, n=n, d=dtype: m.bernoulli(m.rand(n, dtype=getattr(m, d)))
    for dtype in DTYPES:
        yield f"random_-{dtype}", lambda m, d=dtype: m.zeros(50, dtype=getattr(m, d)).random_()
        yield f"random_-to-{dtype}", lambda m, d=dtype: m.zeros(50, dtype=getattr(m, d)).random_(2)
    for n in COUNTS:
        yield f"randperm-{n}", lambda m, n=n: m.randperm(n)
    for low, high in ((0, 10), (-5, 7), (0, 2**28), (0, 2**28 - 1), (-(2**40), 2**50), (-(2**63), 2**63 - 1)):
        yield f"randint-{low}-{high}", lambda m, a=low, b=high: m.randint(a, b, (33,))
    yield "int64-whole", lambda m: m.zeros(5, dtype=m.int64).random_(-(2**63), None)
    yield "rand_like-transposed", lambda m: m.rand_like(m.zeros(6, 8).t())
    yield "randn_like-transposed", lambda m: m.randn_like(m.zeros(6, 8).t())
    yield "normal_-strided", lambda m: m.zeros(6, 8)[::2, ::2].normal_()
    yield "uniform_-strided", lambda m: m.zeros(6, 8)[::2, ::2].t().uniform_()
    yield "random_-strided", lambda m: m.zeros(6, 8)[::2, ::2].t().random_(100)
    yield "randint_like", lambda m: m.randint_like(m.zeros(3, 4), 2, 9)
    yield "randperm-float32", lambda m: m.randperm(9, dtype=m.float32)
    yield "normal-tensors", lambda m: m.normal(m.arange(20.0), m.linspace(0, 1, 20))
    yield "normal-broadcast", lambda m: m.normal(m.arange(20.0).reshape(4, 5), m.linspace(0, 1, 5))
    yield "normal-size", lambda m: m.normal(1.0, 2.0, (33,))
    yield "normal-mean", lambda m: m.normal(m.arange(3.0))
    yield "multinomial-replacement", lambda m: m.multinomial(m.rand(5, 17), 30, True)
    yield "multinomial-weights", lambda m: m.multinomial(m.tensor([0.0, 0.1, 0.0, 0.9]), 20, True)


DRAWS = list(draws())


@pytest.mark.parity
@pytest.mark.parametrize("draw", [draw for _, draw in DRAWS], ids=[name for name, _ in DRAWS])
def test_bits_as_pytorch(draw):
    reference = pytest.importorskip("torch")
    results = []
    for module in (tinygrad_cnn, reference):
        module.manual_seed(7)
        results += [draw(module).numpy(), module.rand(3).numpy()]  # as many words were drawn
    ours, ours_next, theirs, theirs_next = results
    assert ours.dtype == theirs.dtype
    if ours.dtype == np.float64:  # normal numbers go through the C library's log, sin and cos
        np.testing.assert_array_max_ulp(ours, theirs, 2)
    else:
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(ours_next, theirs_next)


@pytest.mark.parity
def test_generator_state_as_pytorch():
    reference = pytest.importorskip("torch")
    theirs, ours = reference.Generator(), torch.Generator()
    for step in range(6):
        assert theirs.get_state().numpy().tobytes() == ours.get_state().numpy().tobytes()
        for module, generator in ((reference, theirs), (torch, ours)):
            module.rand(1 + step * 200, generator=generator)
            module.randn(1, generator=generator)
    ours.manual_seed(0)
    ours.set_state(torch.from_numpy(theirs.get_state().numpy()))
    assert reference.randn(5, generator=theirs).tolist() == torch.randn(5, generator=ours).tolist()


EXPRESSIONS = """
torch.manual_seed(-1).initial_seed()
torch.manual_seed(2**64)
torch.manual_seed(-2**63-1)
torch.manual_seed("a")
torch.get_rng_state().shape
torch.set_rng_state(torch.zeros(3,dtype=torch.uint8))
torch.set_rng_state(torch.zeros(5056))
torch.Generator().initial_seed()
torch.Generator().device
torch.rand(-1)
torch.rand(2,dtype=torch.int64)
torch.randn(2,dtype=torch.int64)
torch.randint(10,2)
torch.randint(10,0,(2,))
torch.randint(5,5,(2,))
torch.randint(0,300,(2,),dtype=torch.uint8)
torch.randint(0,2**40,(2,),dtype=torch.int32)
torch.randint(-5,5,(2,),dtype=torch.uint8)
torch.randperm(-1)
torch.bernoulli(torch.tensor([0,1]))
torch.bernoulli(torch.tensor([0.,1.],requires_grad=True))
torch.normal(torch.zeros(2),torch.ones(3))
torch.normal(torch.zeros(2),-1.)
torch.normal(0.,-1.,(2,))
torch.normal(torch.zeros(2),-torch.ones(2))
torch.normal(torch.zeros(2,dtype=torch.int64),1.)
torch.multinomial(torch.tensor([1.,1.]),3)
torch.multinomial(torch.tensor([0.,0.]),1)
torch.multinomial(torch.tensor([-1.,1.]),1)
torch.multinomial(torch.tensor([1,1]),1)
torch.multinomial(torch.ones(2,3,4),2)
torch.multinomial(torch.tensor(1.),1)
torch.multinomial(torch.ones(3),0)
torch.multinomial(torch.tensor([nan,1]),1)
torch.zeros(3).uniform_(2,1)
torch.zeros(3,dtype=torch.int64).uniform_()
torch.zeros(3).uniform_(nan,1)
torch.zeros(3).normal_(0,-1)
torch.zeros(3,dtype=torch.int64).normal_()
torch.zeros(3).random_(5,2)
torch.zeros(3,dtype=torch.uint8).random_(0,300)
torch.zeros(3).bernoulli_(1.3)
torch.zeros(3).bernoulli_(torch.tensor([1.,0.,1.]))
torch.zeros(3).exponential_(-1)
torch.ones(3,requires_grad=True).uniform_()
(torch.ones(3,requires_grad=True)*2).uniform_().grad_fn.name()
(torch.ones(3,requires_grad=True)*2).normal_().grad_fn.name()
(torch.ones(3,requires_grad=True)*2).bernoulli_().grad_fn.name()
torch.initial_seed()
"""


@pytest.mark.parity
@pytest.mark.parametrize("expression", EXPRESSIONS.strip().splitlines())
def test_as_pytorch(expression):
    reference = pytest.importorskip("torch")
    for module in (torch, reference):
        module.manual_seed(3)
    check(reference, expression)


def test_golden_values():
    torch.manual_seed(0)
    assert torch.rand(3).tolist() == [0.49625658988952637, 0.7682217955589294, 0.08847743272781372]
    torch.manual_seed(0)
    np.testing.assert_allclose(torch.randn(3).tolist(), [1.5409961, -0.2934289, -2.1787894], rtol=1e-6)
    torch.manual_seed(0)
    assert torch.randperm(8).tolist() == [4, 0, 7, 3, 2, 5, 1, 6]
    torch.manual_seed(42)
    assert torch.randint(0, 10, (5,)).tolist() == [2, 7, 6, 4, 6]


def test_exponential():
    generator = torch.Generator().manual_seed(1)
    unit = torch.rand(1000, dtype=torch.float64, generator=generator).numpy()
    x = torch.zeros(1000, dtype=torch.float64).exponential_(2.0, generator=generator.manual_seed(1))
    np.testing.assert_allclose(x.numpy(), -np.log1p(-unit) / 2, rtol=1e-14)


def test_multinomial_without_replacement():
    torch.manual_seed(0)
    weights = torch.tensor([0.0, 1.0, 2.0, 4.0])
    drawn = torch.stack([torch.multinomial(weights, 2) for _ in range(400)]).numpy()
    assert (drawn > 0).all()
    assert (drawn[:, 0] != drawn[:, 1]).all()
    first = np.bincount(drawn[:, 0], minlength=4) / 400
    np.testing.assert_allclose(first, [0, 1 / 7, 2 / 7, 4 / 7], atol=0.08)


def test_generators_are_independent_and_restorable():
    generator = torch.Generator().manual_seed(5)
    torch.manual_seed(1)
    expected = torch.rand(4)
    torch.manual_seed(1)
    torch.rand(10, generator=generator)
    assert torch.equal(torch.rand(4), expected)
    state = torch.get_rng_state()
    a = torch.randn(3)
    torch.set_rng_state(state)
    assert torch.equal(torch.randn(3), a)
    clone = generator.clone_state()
    copied = pickle.loads(pickle.dumps(generator))
    drawn = torch.randn(7, generator=generator)
    assert torch.equal(torch.randn(7, generator=clone), drawn)
    assert torch.equal(torch.randn(7, generator=copied), drawn)
    assert generator.seed() == generator.initial_seed()


def test_fork_rng():
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    with torch.random.fork_rng():
        torch.rand(100)
    assert torch.equal(torch.rand(2), expected)


def test_corrupt_state_is_refused():
    generator = torch.Generator()
    state = generator.get_state()
    state[8] = 0
    with pytest.raises(RuntimeError, match="Invalid mt19937 state"):
        generator.set_state(state)
    state = generator.get_state()
    state[16:24] = 255
    with pytest.raises(RuntimeError, match="Invalid mt19937 state"):
        generator.set_state(state)
    torch.rand(3, generator=generator)


def test_redrawn_in_the_graph():
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    y.normal_()
    (y * x).sum().backward()
    assert torch.equal(x.grad, y.detach())


def test_threads_share_a_generator():
    generator = torch.Generator().manual_seed(9)
    expected = np.sort(torch.randint(0, 2**31, (8000,), generator=generator.manual_seed(9)).numpy())
    generator.manual_seed(9)
    parts = []
    threads = [
        threading.Thread(target=lambda: parts.append(torch.randint(0, 2**31, (1000,), generator=generator).numpy()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), expected)


def test_moments():
    torch.manual_seed(0)
    x = torch.randn(100_000, dtype=torch.float64).numpy()
    assert abs(x.mean()) < 0.02
    assert abs(x.std() - 1) < 0.02
    u = torch.rand(100_000).numpy()
    assert u.min() >= 0
    assert u.max() < 1
    assert abs(u.mean() - 0.5) < 0.01
    b = torch.zeros(100_000).bernoulli_(0.3).numpy()
    assert abs(b.mean() - 0.3) < 0.01


# ---- fillers and draws of all dtypes, against PyTorch ----

DRAWS = (
    *("x.cauchy_()", "x.cauchy_(1, sigma=2)", "x.geometric_(0.3)", "x.log_normal_()", "x.log_normal_(0.5, std=0.7)"),
    *("x.normal_(1, 2)", "x.uniform_(-1, 2)", "x.random_()", "x.random_(5)", "x.random_(-3, 7)", "x.bernoulli_(0.3)"),
    *("x.exponential_(2)", "torch.rand_like(x)", "torch.randn_like(x)", "torch.randint_like(x, 9)"),
    *("torch.poisson(x.uniform_(0, 40))", "torch.bernoulli(x.uniform_())", "torch.normal(x.zero_(), 2)"),
    *("torch.normal(2, x.fill_(3))", "torch.normal(x.zero_(), x + 1)", "torch.multinomial(x.uniform_().view(-1), 4)"),
    *("x.cauchy_(0, 0)", "x.geometric_(1)", "x.log_normal_(0, -1)", "x.geometric_()", "torch.poisson(x.fill_(-1))"),
)


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int64", "int16", "int8", "uint8"])
@pytest.mark.parametrize("shape", ["5", "3, 7", "4, 8"])
def test_draws_are_pytorchs(dtype, shape):
    torch = pytest.importorskip("torch")
    for draw in DRAWS:
        text = f"(torch.manual_seed(3), torch.empty({shape}, dtype=torch.{dtype}))[1]"
        check(torch, f"(lambda x: {draw})({text})", with_message=False)
        if dtype.startswith("f"):
            check(torch, f"(lambda x: {draw})({text}.repeat(2, 1).t())", with_message=False)


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_binomial_is_pytorchs(dtype):
    torch = pytest.importorskip("torch")
    for seed in range(3):
        counts = f"(torch.manual_seed({seed}), torch.rand(40, dtype=torch.{dtype}).mul(60).floor())[1]"
        check(torch, f"torch.binomial({counts}, torch.rand(40, dtype=torch.{dtype}))")
        check(torch, f"torch.binomial({counts}[:, None], torch.tensor([0.0, 0.2, 0.9, 1.0], dtype=torch.{dtype}))")
    check(torch, f"torch.binomial(torch.ones(2), torch.ones(2, dtype=torch.{dtype})).shape")


@pytest.mark.parity
def test_gradients_of_draws_are_zero():
    torch = pytest.importorskip("torch")
    for draw in ("x.clone().cauchy_()", "x.clone().geometric_(0.5)", "x.clone().log_normal_()", "torch.poisson(x)"):
        check(torch, f"(lambda x: ({draw}.grad_fn.name(), torch.autograd.grad({draw}.sum(), x)))"
              "(torch.ones(3, requires_grad=True))")  # fmt: skip
    for args in ("x, 1", "1, x", "x, x"):
        draw = f"torch.normal({args})"
        check(torch, f"(lambda x: torch.autograd.grad({draw}.sum(), x))(torch.ones(3, requires_grad=True))")
