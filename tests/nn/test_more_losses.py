"""Losses element by element and with a margin, against PyTorch: values, first and second gradients, errors."""

import numpy as np
import pytest

import tinygrad_cnn as ours_torch

SIGNS = np.array([1.0, -1.0, -1.0, 1.0])


def floats(rng, *shapes):
    return [rng.standard_normal(shape) for shape in shapes]


def probabilities(rng):
    return [0.05 + 0.9 * rng.random((4, 3)), rng.random((4, 3))]


def with_signs(rng):
    return [rng.standard_normal((4, 3)), np.tile(SIGNS[:, None], 3)]


def distributions(rng):
    target = rng.random((4, 3))
    target[0, 0] = 0
    return [np.log(0.1 + rng.random((4, 3))), target]


def log_distributions(rng):
    return [np.log(0.1 + rng.random((4, 3))), np.log(0.1 + rng.random((4, 3)))]


def counts(rng):
    return [0.3 + rng.random((4, 3)), rng.poisson(2.0, (4, 3)).astype(float)]


def gaussians(rng):
    return [*floats(rng, (4, 3), (4, 3)), 0.1 + rng.random((4, 3))]


def gaussians_of_rows(rng):
    return [*floats(rng, (4, 3), (4, 3)), 0.1 + rng.random(4)]


def pairs(rng):
    return floats(rng, (4, 3), (4, 3))


def triplets(rng):
    return floats(rng, (4, 3), (4, 3), (4, 3))


def ranked(rng):
    return [*floats(rng, 4, 4), SIGNS]


def embedded(rng):
    return [*floats(rng, (4, 3), (4, 3)), SIGNS]


def classes(rng):
    return [rng.standard_normal((4, 3)), np.array([2, 0, 1, 1])]


def one_class(rng):
    return [rng.standard_normal(3), np.array(1)]


def lists_of_classes(rng):
    return [
        rng.standard_normal((5, 4)),
        np.array([[3, 0, -1, 1], [-1, 0, 0, 0], [2, 2, 1, -1], [0, 1, 2, 3], [1, -1, 1, 1]]),
    ]


def labels(rng):
    return [rng.standard_normal((4, 3)), (rng.random((4, 3)) < 0.5).astype(float)]


# (function, what makes its operands, options); a list among the options becomes a Tensor.
CASES = [
    ("l1_loss", pairs, {}), ("l1_loss", pairs, {"weight": [[1.0, 2.0, 3.0]] * 4}), ("smooth_l1_loss", pairs, {}),
    ("smooth_l1_loss", pairs, {"beta": 0.3}), ("smooth_l1_loss", pairs, {"beta": 0.0}), ("huber_loss", pairs, {}),
    ("huber_loss", pairs, {"delta": 0.3}), ("huber_loss", pairs, {"weight": [[1.0, 2.0, 3.0]] * 4}),
    ("binary_cross_entropy", probabilities, {}), ("binary_cross_entropy", probabilities, {"weight": [0.5, 1.0, 2.0]}),
    ("binary_cross_entropy_with_logits", labels, {}),
    ("binary_cross_entropy_with_logits", labels, {"weight": [0.5, 1.0, 2.0], "pos_weight": [3.0, 1.0, 0.2]}),
    ("kl_div", distributions, {}), ("kl_div", log_distributions, {"log_target": True}),
    ("poisson_nll_loss", counts, {}),
    ("poisson_nll_loss", counts, {"log_input": False, "full": True}), ("gaussian_nll_loss", gaussians, {}),
    ("gaussian_nll_loss", gaussians, {"full": True, "eps": 0.5}), ("gaussian_nll_loss", gaussians_of_rows, {}),
    ("soft_margin_loss", with_signs, {}), ("multilabel_soft_margin_loss", labels, {}),
    ("multilabel_soft_margin_loss", labels, {"weight": [0.5, 1.0, 2.0]}), ("multi_margin_loss", classes, {}),
    ("multi_margin_loss", classes, {"p": 2, "margin": 0.5, "weight": [0.5, 1.0, 2.0]}),
    ("multi_margin_loss", one_class, {}), ("multilabel_margin_loss", lists_of_classes, {}),
    ("hinge_embedding_loss", with_signs, {}), ("hinge_embedding_loss", with_signs, {"margin": 0.2}),
    ("margin_ranking_loss", ranked, {}), ("margin_ranking_loss", ranked, {"margin": 0.5}),
    ("cosine_embedding_loss", embedded, {}), ("cosine_embedding_loss", embedded, {"margin": -0.3}),
    ("triplet_margin_loss", triplets, {}), ("triplet_margin_loss", triplets, {"margin": 0.3, "p": 3.0, "swap": True}),
    ("triplet_margin_with_distance_loss", triplets, {"margin": 2.0, "swap": True}),
]  # fmt: skip
IDS = [f"{name}-{make.__name__}-{number}" for number, (name, make, _) in enumerate(CASES)]


def options_of(torch, options, dtype):
    return {
        key: torch.tensor(value, dtype=getattr(torch, dtype)) if isinstance(value, list) else value
        for key, value in options.items()
    }


# Operands that PyTorch differentiates by, where these are not all; losses without a second derivative there.
FIRST_ONLY = (
    "soft_margin_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "kl_div",
    "poisson_nll_loss",
)
ONCE = ("multi_margin_loss", "multilabel_margin_loss")


def measure(torch, name, operands, options, reduction, dtype):
    """The loss, its gradients, and the gradients of the sum of their squares."""
    tensors = []
    for number, operand in enumerate(operands):
        kind = torch.int64 if operand.dtype == np.int64 else getattr(torch, dtype)
        wanted = kind != torch.int64 and operand is not SIGNS and (number == 0 or name not in FIRST_ONLY)
        tensors.append(torch.tensor(operand, dtype=kind, requires_grad=wanted))
    wanted = [t for t in tensors if t.requires_grad]
    y = getattr(torch.nn.functional, name)(*tensors, reduction=reduction, **options_of(torch, options, dtype))
    first = torch.autograd.grad(y.sum(), wanted, create_graph=True)
    second = [None] * len(wanted)
    total = sum((g * g).sum() for g in first)
    if total.requires_grad and name not in ONCE:
        second = torch.autograd.grad(total, wanted, allow_unused=True)
    found = [y, *first, *[torch.zeros_like(t) if g is None else g + 0 for g, t in zip(second, wanted, strict=True)]]
    return [one.detach().numpy(force=True) for one in found]


@pytest.mark.parity
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize(("name", "make", "options"), CASES, ids=IDS)
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
def test_losses_are_torchs(rng, name, make, options, reduction):
    torch = pytest.importorskip("torch")
    operands = make(rng)
    for dtype, tolerance in (("float64", 1e-9), ("float32", 2e-4)):
        ours = measure(ours_torch, name, operands, options, reduction, dtype)
        theirs = measure(torch, name, operands, options, reduction, dtype)
        for order, (got, want) in enumerate(zip(ours, theirs, strict=True)):
            assert got.shape == want.shape and got.dtype == want.dtype
            np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance, err_msg=f"result {order}")


@pytest.mark.parity
@pytest.mark.parametrize("name", ["cosine_similarity", "pairwise_distance", "normalize"])
@pytest.mark.parametrize("options", [{}, {"eps": 0.5}])
def test_distances_are_torchs(rng, name, options):
    torch = pytest.importorskip("torch")
    data = floats(rng, (3, 4, 2), (3, 4, 2))
    results = []
    for package in (ours_torch, torch):
        tensors = [package.tensor(x, requires_grad=True) for x in data[: 1 if name == "normalize" else 2]]
        y = getattr(package.nn.functional, name)(*tensors, **options)
        results.append([y, *package.autograd.grad((y * y * y).sum(), tensors)])
    for got, want in zip(*results, strict=True):
        np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), rtol=1e-9, atol=1e-10)


@pytest.mark.parity
def test_binary_cross_entropy_at_the_ends():
    torch = pytest.importorskip("torch")
    found = []
    for package in (ours_torch, torch):
        x = package.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
        y = package.nn.functional.binary_cross_entropy(x, package.tensor([0.0, 1.0, 1.0, 0.0]), reduction="none")
        y.sum().backward()
        found.append((y.detach().numpy(), x.grad.numpy()))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-6)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-4)


def errors(torch):
    """Calls that fail."""
    functional, zeros = torch.nn.functional, torch.zeros
    a, b = zeros(2, 3), zeros(3)
    return [
        lambda: functional.l1_loss(a, a, reduction="x"), lambda: functional.l1_loss(a, a, weight=b),
        lambda: functional.l1_loss(a, 3.0), lambda: functional.huber_loss(a, a, delta=0.0),
        lambda: functional.huber_loss(a, a, weight=b), lambda: functional.smooth_l1_loss(a, a, beta=-1.0),
        lambda: functional.binary_cross_entropy(a + 2, a), lambda: functional.binary_cross_entropy(a, b),
        lambda: functional.binary_cross_entropy_with_logits(a, b), lambda: functional.kl_div(a, a, reduction="x"),
        lambda: functional.poisson_nll_loss(a, a, reduction="x"), lambda: functional.gaussian_nll_loss(a, a, a - 1),
        lambda: functional.gaussian_nll_loss(a, a, -1.0), lambda: functional.gaussian_nll_loss(a, a, zeros(4) + 1),
        lambda: functional.gaussian_nll_loss(a, a, a + 1, reduction="x"),
        lambda: functional.multilabel_soft_margin_loss(a, a, reduction="x"),
        lambda: functional.multi_margin_loss(a, torch.tensor([0, 3])),
        lambda: functional.multi_margin_loss(a, torch.tensor([0])),
        lambda: functional.multi_margin_loss(zeros(2, 3, 4), torch.tensor([0])),
        lambda: functional.multi_margin_loss(b, torch.tensor(1), p=3),
        lambda: functional.multi_margin_loss(a, torch.tensor([0, 1]), weight=zeros(4)),
        lambda: functional.multi_margin_loss(a, torch.tensor([0, 1]), weight=a),
        lambda: functional.margin_ranking_loss(a, a, b), lambda: functional.cosine_embedding_loss(a, a, zeros(2, 1)),
        lambda: functional.cosine_embedding_loss(a, a, torch.tensor(1.0)),
        lambda: functional.cosine_embedding_loss(b, b, b), lambda: functional.triplet_margin_loss(a, a, b),
        lambda: functional.triplet_margin_loss(a, a, a, margin=0.0), lambda: torch.nn.HuberLoss(delta="x"),
        lambda: torch.nn.MultiMarginLoss(p=3), lambda: torch.nn.MultiMarginLoss(weight=a),
        lambda: torch.nn.TripletMarginLoss(margin=-1.0), lambda: torch.nn.TripletMarginWithDistanceLoss(margin=0.0),
    ]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("number", range(33))
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_errors_are_torchs(number):
    torch = pytest.importorskip("torch")
    with pytest.raises(Exception) as theirs:
        errors(torch)[number]()
    with pytest.raises(theirs.type) as ours:
        errors(ours_torch)[number]()
    assert str(ours.value) == str(theirs.value)


def test_warnings():
    a = ours_torch.zeros(2, 3)
    with pytest.warns(UserWarning, match="Using a target size"):
        ours_torch.nn.functional.l1_loss(a, ours_torch.zeros(3))
    with pytest.warns(UserWarning, match="'batchmean' divides only by the batch size"):
        ours_torch.nn.functional.kl_div(a, a)
    with pytest.warns(UserWarning, match="size_average and reduce args will be deprecated"):
        ours_torch.nn.L1Loss(size_average=False)


MODULES = [
    ("L1Loss", (), pairs), ("SmoothL1Loss", (), pairs), ("HuberLoss", ("sum", 0.5), pairs),
    ("BCELoss", (), probabilities), ("BCEWithLogitsLoss", (), labels), ("PoissonNLLLoss", (), counts),
    ("GaussianNLLLoss", (), gaussians), ("SoftMarginLoss", (), with_signs), ("MultiLabelSoftMarginLoss", (), labels),
    ("MultiMarginLoss", (2, 0.5), classes), ("HingeEmbeddingLoss", (0.5,), with_signs),
    ("CosineEmbeddingLoss", (0.1,), embedded), ("MarginRankingLoss", (0.1,), ranked),
    ("TripletMarginLoss", (0.5, 3.0), triplets), ("TripletMarginWithDistanceLoss", (), triplets),
    ("PairwiseDistance", (1.0,), pairs), ("CosineSimilarity", (), pairs),
]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize(("name", "arguments", "make"), MODULES, ids=[name for name, _, _ in MODULES])
def test_modules_are_torchs(rng, name, arguments, make):
    torch = pytest.importorskip("torch")
    operands = make(rng)
    found = []
    for package in (ours_torch, torch):
        layer = getattr(package.nn, name)(*arguments)
        found.append((repr(layer), list(layer.state_dict()), layer(*[package.tensor(x) for x in operands]).numpy()))
    assert found[0][:2] == found[1][:2]
    np.testing.assert_allclose(found[0][2], found[1][2], rtol=1e-9)


def test_batchmean_is_the_definition(rng):
    x, target = distributions(rng)
    got = ours_torch.nn.KLDivLoss(reduction="batchmean")(ours_torch.tensor(x), ours_torch.tensor(target))
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(target > 0, target * np.log(target), 0) - target * x
    np.testing.assert_allclose(got.item(), terms.sum() / 4, rtol=1e-12)
