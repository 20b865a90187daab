"""Losses that own a classifier, several classes of one sample, and what is left of cross-entropy if all is ignored."""

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn.autograd import gradcheck, gradgradcheck


def adaptive(t, **options):
    t.manual_seed(3)
    return t.nn.AdaptiveLogSoftmaxWithLoss(8, 12, [3, 7], div_value=2.0, **options).double()


def numbers(t, *shape):
    return (t.arange(int(np.prod(shape)), dtype=t.float64).reshape(*shape) * 0.7).sin()


def by_weights(t, loss, module):
    return [loss, *t.autograd.grad(loss, list(module.parameters()), allow_unused=True)]


def adaptive_gradients(t):
    module = adaptive(t, head_bias=True)
    output, loss = module(numbers(t, 5, 8), t.tensor([0, 11, 3, 6, 2]))
    return [output, *[g for g in by_weights(t, loss, module) if g is not None]]


def linear_loss(t, target, **options):
    t.manual_seed(3)
    module = t.nn.LinearCrossEntropyLoss(8, 4, **options).double()
    return [repr(module), *by_weights(t, module(numbers(t, 5, 8), target), module)]


def second_gradients_of_nothing(t):
    x = numbers(t, 2, 3).requires_grad_()
    y = t.nn.functional.cross_entropy(x, t.tensor([-100, -100]))
    (first,) = t.autograd.grad(y, x, create_graph=True)
    return [y, first, *t.autograd.grad(first.sum(), x)]


def margins(t, scores, target, **options):
    return t.nn.functional.multilabel_margin_loss(scores, target, **options)


CASES = {
    "adaptive": adaptive_gradients,
    "adaptive_repr": lambda t: repr(adaptive(t)),
    "adaptive_state": lambda t: dict(adaptive(t).state_dict()),
    "adaptive_frequent_only": lambda t: list(adaptive(t)(numbers(t, 2, 8), t.tensor([0, 2]))),
    "adaptive_unbatched": lambda t: list(adaptive(t)(numbers(t, 8), t.tensor(11))),
    "adaptive_log_prob": lambda t: adaptive(t).log_prob(numbers(t, 3, 8)),
    "adaptive_predict": lambda t: adaptive(t).predict(3 * numbers(t, 20, 8)),
    "adaptive_predict_none": lambda t: adaptive(t).predict(numbers(t, 0, 8)),
    "adaptive_cutoffs": lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(8, 12, []),
    "adaptive_cutoffs_order": lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(8, 12, [7, 3]),
    "adaptive_cutoffs_end": lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(8, 12, [3, 12]),
    "adaptive_cutoffs_float": lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(8, 12, [3.5]),
    "adaptive_batch": lambda t: adaptive(t)(numbers(t, 3, 8), t.tensor([1, 2])),
    "adaptive_dims": lambda t: adaptive(t)(numbers(t, 8), t.tensor([1] * 8)),
    "adaptive_scalar": lambda t: adaptive(t)(numbers(t, 2, 8), t.tensor(1)),
    "adaptive_multi": lambda t: adaptive(t)(numbers(t, 1, 8), t.tensor([[1]])),
    "adaptive_range": lambda t: adaptive(t)(numbers(t, 2, 8), t.tensor([-1, 12])),
    "linear": lambda t: linear_loss(t, t.tensor([0, 1, 3, 3, -100]), bias=True),
    "linear_dims": lambda t: linear_loss(t, t.arange(30).reshape(5, 2, 3) % 4, out_features=(2, 3), bias=True),
    "linear_probabilities": lambda t: linear_loss(t, numbers(t, 5, 4).softmax(1), label_smoothing=0.2),
    "linear_weight": lambda t: linear_loss(t, t.tensor([0, 1, 3, 3, 2]), weight=numbers(t, 4), ignore_index=3),
    "linear_ignore": lambda t: linear_loss(t, numbers(t, 5, 4), ignore_index=3),
    "linear_weight_shape": lambda t: t.nn.LinearCrossEntropyLoss(8, 4, weight=t.ones(3)),
    "linear_smoothing": lambda t: t.nn.LinearCrossEntropyLoss(8, 4, label_smoothing=2),
    "linear_input": lambda t: t.nn.LinearCrossEntropyLoss(8, 4)(t.ones(2, 7), t.tensor([0, 1])),
    "linear_input_dims": lambda t: t.nn.LinearCrossEntropyLoss(8, 4)(t.ones(2, 1, 8), t.tensor([0, 1])),
    "linear_unbatched": lambda t: t.nn.LinearCrossEntropyLoss(8, 4, out_features=(2,))(t.ones(8), t.tensor([0, 1])),
    "linear_bias_shape": lambda t: t.nn.functional.linear_cross_entropy(
        t.ones(1, 2), t.ones(3, 2), t.tensor([0]), linear_bias=t.ones(2)
    ),
    "nothing_counts": second_gradients_of_nothing,
    "nll2d": lambda t: t.nn.NLLLoss2d(ignore_index=1)(numbers(t, 1, 2, 2, 2), t.tensor([[[0, 1], [1, 0]]])),
    "margins_scalar": lambda t: margins(t, t.ones(()), t.tensor([0])),
    "margins_vector": lambda t: margins(t, numbers(t, 4), t.tensor([3, 3, 0, -1]), reduction="none"),
    "margins_empty": lambda t: margins(t, t.ones(0, 3), t.zeros(0, 3).long(), reduction="none"),
    "margins_no_class": lambda t: margins(t, t.ones(2, 0), t.zeros(2, 0).long()),
    "margins_dims": lambda t: margins(t, t.ones(2, 2, 2), t.zeros(2, 2, 2).long()),
    "margins_shape": lambda t: margins(t, t.ones(2, 3), t.zeros(3).long()),
    "margins_dtype": lambda t: margins(t, t.ones(2, 3), t.zeros(2, 3)),
    "margins_range": lambda t: margins(t, t.ones(3), t.tensor([-1, 0, 3])),
    "margin_scalar": lambda t: t.nn.functional.multi_margin_loss(t.ones(()), t.tensor(0)),
    "margin_dtype": lambda t: t.nn.functional.multi_margin_loss(t.ones(2, 3), t.zeros(2)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    pytest.importorskip("torch")
    check_twin(CASES[name], rtol=1e-9, atol=1e-12)


def test_gradients_of_the_adaptive_softmax(rng):
    module = adaptive(tg)
    x = tg.from_numpy(rng.standard_normal((4, 8))).requires_grad_()
    target = tg.tensor([1, 5, 11, 4])
    assert gradcheck(lambda x: module(x, target).loss, (x,))
    assert gradgradcheck(lambda x: module(x, target).loss, (x,))


def test_log_probabilities_of_the_adaptive_softmax_are_of_a_distribution(rng):
    log_prob = adaptive(tg).log_prob(tg.from_numpy(rng.standard_normal((4, 8))))
    np.testing.assert_allclose(log_prob.exp().sum(1).detach().numpy(), 1)


def test_linear_cross_entropy_in_chunks_says_that_it_is_not_there():
    with pytest.raises(NotImplementedError, match=r"linear_cross_entropy: options .* are not implemented"):
        tg.nn.functional.linear_cross_entropy(tg.ones(1, 2), tg.ones(3, 2), tg.tensor([0]), options=object())
