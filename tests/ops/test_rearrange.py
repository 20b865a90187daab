"""fold, unfold, pixel and channel shuffles, embeddings, bilinear, pdist, gumbel_softmax, channel dropouts."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
from tests.nn.twin import check_twin
from tests.ops.compare import check, check_error, gradients, parametrize, sample
from tinygrad_cnn.nn import functional as F

CASES = [
    ("unfold", lambda T, x: T.nn.functional.unfold(x, (2, 3), (2, 1), (1, 0), (1, 2)), ["f:2,3,5,6"]),
    ("unfold, one", lambda T, x: T.nn.functional.unfold(x, 2), ["f:3,4,4"]),
    ("unfold, empty", lambda T, x: T.nn.functional.unfold(x, 2, padding=1), ["f:0,3,4,4"]),
    ("fold", lambda T, x: T.nn.functional.fold(x, (5, 6), (2, 3), (2, 1), (1, 0), (1, 2)), ["f:2,12,10"]),
    ("fold, one", lambda T, x: T.nn.functional.fold(x, 4, 2), ["f:8,9"]),
    ("pixel_shuffle", lambda T, x: T.nn.functional.pixel_shuffle(x, 2), ["f:2,8,3,4"]),
    ("pixel_shuffle, ranks", lambda T, x: T.nn.functional.pixel_shuffle(x, 2), ["f:1,2,4,1,3"]),
    ("pixel_unshuffle", lambda T, x: T.nn.functional.pixel_unshuffle(x, 3), ["f:2,3,6"]),
    ("channel_shuffle", lambda T, x: T.nn.functional.channel_shuffle(x, 3), ["f:2,6,2,3"]),
    ("channel_shuffle, line", lambda T, x: T.nn.functional.channel_shuffle(x, 2), ["f:3,6,5"]),
    ("embedding, padding row", lambda T, i, w: T.nn.functional.embedding(i, w, padding_idx=1), ["n:3,4", "f:5,3"]),
    (
        "embedding, frequent",
        lambda T, i, w: T.nn.functional.embedding(i, w, padding_idx=-2, scale_grad_by_freq=True),
        ["n:9", "f:5,3"],
    ),
    ("embedding, many rows", lambda T, i, w: T.nn.functional.embedding(i, w), ["n:300", "f:900,2"]),
    ("embedding, scalar", lambda T, i, w: T.nn.functional.embedding(i, w), ["n:", "f:5,3"]),
    ("bag", lambda T, i, w: T.nn.functional.embedding_bag(i, w), ["n:3,4", "f:5,3"]),
    ("bag, max", lambda T, i, w: T.nn.functional.embedding_bag(i, w, mode="max", padding_idx=2), ["n:3,4", "f:5,3"]),
    (
        "bag, offsets",
        lambda T, i, w: T.nn.functional.embedding_bag(i, w, T.tensor([0, 2, 2, 5]), mode="mean", padding_idx=1),
        ["n:7", "f:5,3"],
    ),
    (
        "bag, weights",
        lambda T, i, w, p: T.nn.functional.embedding_bag(
            i, w, T.tensor([0, 3, 3, 6]), mode="sum", per_sample_weights=p, include_last_offset=True, padding_idx=0
        ),
        ["n:7", "f:5,3", "f:7"],
    ),
    ("bag, empty", lambda T, i, w: T.nn.functional.embedding_bag(i, w, T.tensor([0, 0]), mode="max"), ["n:0", "f:5,3"]),
    ("bilinear", lambda T, a, b, w, c: T.nn.functional.bilinear(a, b, w, c), ["f:2,3,4", "f:2,3,5", "f:6,4,5", "f:6"]),
    ("bilinear, vectors", lambda T, a, b, w: T.nn.functional.bilinear(a, b, w), ["f:4", "f:5", "f:2,4,5"]),
    ("bilinear, empty", lambda T, a, b, w: T.nn.functional.bilinear(a, b, w), ["f:0,4", "f:0,5", "f:2,4,5"]),
    ("pdist", lambda T, x: T.nn.functional.pdist(x), ["f:5,3"]),
    ("pdist, 3", lambda T, x: T.nn.functional.pdist(x, 3.0), ["f:4,3"]),
    ("pdist, inf", lambda T, x: T.nn.functional.pdist(x, float("inf")), ["f:4,3"]),
    ("pdist, one row", lambda T, x: T.nn.functional.pdist(x), ["f:1,3"]),
]


@pytest.mark.parity
@parametrize(CASES)
def test_equals_pytorch(call, specs):
    pytest.importorskip("torch")
    for dense in (True, False):
        check(call, [sample(spec, 3 + k) for k, spec in enumerate(specs)], dense=dense)


@parametrize([case for case in CASES if not any(word in case[0] for word in ("empty", "many", "frequent", "row"))])
def test_gradients_numerically(call, specs):
    gradients(call, specs)


def test_frequent_rows_get_the_mean_of_their_gradients():
    """Not a derivative: hence the second one is that of this rule."""
    w = tc.zeros(4, 2, dtype=tc.float64, requires_grad=True)
    F.embedding(tc.tensor([1, 3, 1, 1]), w, scale_grad_by_freq=True).backward(
        tc.tensor([[1.0, 2], [5, 5], [2, 2], [3, 5]]).double()
    )
    assert w.grad.tolist() == [[0, 0], [2, 3], [0, 0], [5, 5]]


def test_max_norm_scales_rows_in_place():
    w = tc.tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]])
    F.embedding(tc.tensor([0, 1, 0]), w, max_norm=1.0)
    np.testing.assert_allclose(w, [[0.6, 0.8], [0.3, 0.4], [6, 8]], rtol=1e-6)


def test_sparse_gradients_are_refused_where_one_is_wanted():
    table = tc.nn.Embedding(4, 2, sparse=True)
    with pytest.raises(NotImplementedError, match="sparse gradients"):
        table(tc.tensor([1]))
    with tc.no_grad():
        assert table(tc.tensor([1])).shape == (1, 2)


def test_fold_counts_the_windows_of_each_pixel():
    ones = tc.ones(1, 1, 4, 4)
    counts = F.fold(F.unfold(ones, 3, padding=1), 4, 3, padding=1)
    assert counts[0, 0].tolist() == [[4, 6, 6, 4], [6, 9, 9, 6], [6, 9, 9, 6], [4, 6, 6, 4]]


# ---- random numbers ----

DROPS = {
    "dropout1d": lambda T: T.nn.functional.dropout1d(T.ones(3, 40, 5), 0.3),
    "dropout1d, one": lambda T: T.nn.functional.dropout1d(T.ones(40, 5)),
    "dropout2d": lambda T: T.nn.functional.dropout2d(T.ones(3, 40, 5, 2)),
    "dropout2d, warns": lambda T: T.nn.functional.dropout2d(T.ones(3, 40, 5)),
    "dropout2d, rank": lambda T: T.nn.functional.dropout2d(T.ones(3, 4, 1, 1, 1)),
    "dropout3d": lambda T: T.nn.functional.dropout3d(T.ones(40, 5, 2, 1)),
    "dropout3d, all": lambda T: T.nn.functional.dropout3d(T.ones(2, 5, 2, 1, 1), 1.0),
    "alpha": lambda T: T.nn.functional.alpha_dropout(T.arange(60.0), 0.2, True),
    "alpha, not": lambda T: T.nn.functional.alpha_dropout(T.arange(6.0), 0.2),
    "feature alpha": lambda T: T.nn.functional.feature_alpha_dropout(T.ones(3, 40, 2), 0.2, True),
    "gumbel": lambda T: T.nn.functional.gumbel_softmax(T.arange(6.0).reshape(2, 3), 0.7),
    "gumbel, hard": lambda T: T.nn.functional.gumbel_softmax(T.arange(6.0).reshape(2, 3), hard=True, dim=0),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", DROPS)
def test_random_numbers_are_pytorchs(name):
    pytest.importorskip("torch")
    check_twin(lambda T: (T.manual_seed(3), DROPS[name](T), T.rand(2))[1:], 1e-6, 1e-6)


@pytest.mark.parity
@pytest.mark.parametrize("name", ["dropout1d", "dropout2d", "alpha_dropout", "feature_alpha_dropout"])
def test_in_place_drops_the_same(name):
    pytest.importorskip("torch")

    def code(T):
        T.manual_seed(1)
        x = T.ones(4, 6) if name == "dropout1d" else T.ones(3, 4, 2, 2)
        y = getattr(T.nn.functional, name)(x, 0.5, True, True)
        return x, y is x or bool((x == y).all())

    check_twin(code, 1e-6, 1e-6)


# ---- layers and errors ----

LAYERS = {
    "PixelShuffle": lambda T: [m := T.nn.PixelShuffle(2), m(T.arange(8.0).reshape(1, 4, 1, 2))],
    "PixelUnshuffle": lambda T: [m := T.nn.PixelUnshuffle(2), m(T.arange(8.0).reshape(1, 1, 2, 4))],
    "ChannelShuffle": lambda T: [m := T.nn.ChannelShuffle(2), m(T.arange(8.0).reshape(1, 4, 1, 2))],
    "Unfold": lambda T: [m := T.nn.Unfold((2, 2), padding=1), m(T.arange(8.0).reshape(1, 1, 2, 4))],
    "Fold": lambda T: [m := T.nn.Fold((2, 2), 2, stride=2), m(T.arange(8.0).reshape(1, 8, 1))],
    "Bilinear": lambda T: [T.manual_seed(1), m := T.nn.Bilinear(2, 3, 4), dict(m.state_dict())][1:],
    "Bilinear, none": lambda T: T.nn.Bilinear(0, 3, 4),
    "Embedding": lambda T: [T.manual_seed(1), m := T.nn.Embedding(5, 3, -1, 2.0, 1.0, True), dict(m.state_dict())][1:],
    "Embedding, padding": lambda T: T.nn.Embedding(5, 3, 5),
    "Embedding, shape": lambda T: T.nn.Embedding(5, 3, _weight=T.ones(5, 2)),
    "Embedding, given": lambda T: [
        m := T.nn.Embedding.from_pretrained(T.ones(5, 2), sparse=True),
        m.weight.requires_grad,
    ],
    "EmbeddingBag": lambda T: [m := T.nn.EmbeddingBag(5, 3, 2.0, mode="sum", padding_idx=-2), list(m.state_dict())],
    "EmbeddingBag, given": lambda T: [
        m := T.nn.EmbeddingBag.from_pretrained(T.eye(4), mode="max"),
        m(T.tensor([[1, 3], [0, 0]])),
    ],
    "dropouts": lambda T: [T.nn.Dropout1d(), T.nn.Dropout2d(0.1, True), T.nn.Dropout3d(), T.nn.AlphaDropout(0.2)],
    "FeatureAlphaDropout": lambda T: T.nn.FeatureAlphaDropout(1.5),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", LAYERS)
def test_layers_equal_pytorch(name):
    pytest.importorskip("torch")
    check_twin(LAYERS[name], 1e-6, 1e-6)


ERRORS = {
    "unfold rank": lambda f, T, x: f.unfold(T.ones(2, 2, 2, 2, 2), 1),
    "unfold size": lambda f, T, x: f.unfold(x, 5),
    "unfold kernel": lambda f, T, x: f.unfold(x, 0),
    "unfold dilation": lambda f, T, x: f.unfold(x, 2, 0),
    "unfold padding": lambda f, T, x: f.unfold(x, 2, 1, -1),
    "unfold stride": lambda f, T, x: f.unfold(x, 2, 1, 0, 0),
    "unfold pair": lambda f, T, x: f.unfold(x, (2, 2, 2)),
    "unfold long": lambda f, T, x: f.unfold(x.long(), 2),
    "fold rank": lambda f, T, x: f.fold(T.ones(9), 4, 2),
    "fold divisible": lambda f, T, x: f.fold(T.ones(2, 7, 9), 4, 2),
    "fold windows": lambda f, T, x: f.fold(T.ones(2, 8, 8), 4, 2),
    "fold too small": lambda f, T, x: f.fold(T.ones(2, 8, 9), 1, 2),
    "pixel_shuffle channels": lambda f, T, x: f.pixel_shuffle(x, 3),
    "pixel_shuffle zero": lambda f, T, x: f.pixel_shuffle(x, 0),
    "pixel_shuffle rank": lambda f, T, x: f.pixel_shuffle(x[0, 0], 1),
    "pixel_unshuffle size": lambda f, T, x: f.pixel_unshuffle(x, 3),
    "channel_shuffle groups": lambda f, T, x: f.channel_shuffle(x, 3),
    "channel_shuffle zero": lambda f, T, x: f.channel_shuffle(x, 0),
    "channel_shuffle rank": lambda f, T, x: f.channel_shuffle(x[0, 0], 2),
    "pdist rank": lambda f, T, x: f.pdist(x),
    "pdist long": lambda f, T, x: f.pdist(x[0, 0].long()),
    "pdist p": lambda f, T, x: f.pdist(x[0, 0], -1.0),
    "bilinear batch": lambda f, T, x: f.bilinear(T.ones(5, 3), T.ones(6, 4), T.ones(2, 3, 4)),
    "bilinear size": lambda f, T, x: f.bilinear(T.ones(5, 3), T.ones(5, 5), T.ones(2, 3, 4)),
    "bilinear bias": lambda f, T, x: f.bilinear(T.ones(5, 3), T.ones(5, 4), T.ones(2, 3, 4), T.ones(3)),
    "bilinear dtype": lambda f, T, x: f.bilinear(T.ones(5, 3).double(), T.ones(5, 4), T.ones(2, 3, 4)),
    "embedding index": lambda f, T, x: f.embedding(T.tensor([5]), T.ones(5, 2)),
    "embedding dtype": lambda f, T, x: f.embedding(T.ones(2), T.ones(5, 2)),
    "embedding rank": lambda f, T, x: f.embedding(T.tensor([1]), T.ones(5)),
    "embedding padding": lambda f, T, x: f.embedding(T.tensor([1]), T.ones(5, 2), -6),
    "bag mode": lambda f, T, x: f.embedding_bag(T.tensor([[1]]), T.ones(5, 2), mode="best"),
    "bag offsets": lambda f, T, x: f.embedding_bag(T.tensor([1]), T.ones(5, 2)),
    "bag first": lambda f, T, x: f.embedding_bag(T.tensor([1, 2]), T.ones(5, 2), T.tensor([1])),
    "bag last": lambda f, T, x: f.embedding_bag(T.tensor([1, 2]), T.ones(5, 2), T.tensor([0, 3])),
    "bag weights": lambda f, T, x: f.embedding_bag(T.tensor([[1]]), T.ones(5, 2), per_sample_weights=T.ones(1, 1)),
    "bag padding": lambda f, T, x: f.embedding_bag(T.tensor([[1]]), T.ones(5, 2), padding_idx=9),
    "dropout1d rank": lambda f, T, x: f.dropout1d(x),
    "dropout2d p": lambda f, T, x: f.dropout2d(x, 2),
    "dropout2d long": lambda f, T, x: f.dropout2d(x.long()),
    "feature rank": lambda f, T, x: f.feature_alpha_dropout(T.ones(3), training=True),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", ERRORS)
def test_errors_equal_pytorch(name):
    pytest.importorskip("torch")
    check_error(lambda T: ERRORS[name](T.nn.functional, T, T.ones(2, 8, 4, 4)))
