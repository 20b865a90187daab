"""CTC loss: against the sum over all alignments written out, and against PyTorch with its gradients and messages."""

import itertools

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn.nn import functional as F


def scores(t, steps=5, batch=2, classes=4):
    x = (t.arange(steps * batch * classes, dtype=t.float64).reshape(steps, batch, classes) * 0.7).sin() * 2
    return x.requires_grad_()


def collapsed(path, blank):
    """The labels of an alignment: repetitions, then blanks, left out."""
    return [label for label, _ in itertools.groupby(path) if label != blank]


def naive(log_probs, labels, steps, blank):
    """-log of the sum of the probabilities of all alignments of one sequence."""
    total = 0.0
    for path in itertools.product(range(log_probs.shape[1]), repeat=steps):
        if collapsed(path, blank) == labels:
            total += np.exp(log_probs[np.arange(steps), path].sum())
    with np.errstate(divide="ignore"):
        return -np.log(total)


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("labels", [[], [1], [1, 3], [3, 3], [1, 3, 1], [1, 1, 1]])
@pytest.mark.parametrize("steps", [1, 3, 4])
def test_sum_over_all_alignments(labels, steps, blank):
    log_probs = F.log_softmax(scores(tg, 4, 1), -1).detach()
    target = tg.tensor([labels], dtype=tg.int64)
    got = F.ctc_loss(log_probs, target, [steps], [len(labels)], blank, "none")
    np.testing.assert_allclose(got.numpy(), [naive(log_probs[:, 0].numpy(), labels, steps, blank)], rtol=1e-12)


def test_gradient_through_log_softmax_is_that_of_differences():
    x = scores(tg)
    target = tg.tensor([[1, 1, 3], [2, 0, 0]])

    def loss(x):
        return F.ctc_loss(F.log_softmax(x, -1), target, [5, 3], [3, 1], reduction="none")

    assert tg.autograd.gradcheck(loss, (x,))


def test_second_gradient_is_refused_as_pytorch_does():
    x = scores(tg)
    loss = F.ctc_loss(F.log_softmax(x, -1), tg.tensor([[1, 2], [3, 1]]), [5, 5], [2, 2])
    (first,) = tg.autograd.grad(loss, x, create_graph=True)
    with pytest.raises(RuntimeError, match="derivative for aten::_ctc_loss_backward is not implemented"):
        first.sum().backward()


def test_label_that_does_not_exist():
    with pytest.raises(RuntimeError, match=r"targets must be in \[0, 3\]"):
        F.ctc_loss(F.log_softmax(scores(tg), -1), tg.tensor([[1, 7], [3, 1]]), [5, 5], [2, 2])


def run(t, targets, lengths, target_lengths, shape=(5, 2, 4), **options):
    """Losses and gradients."""
    x = scores(t, *shape)
    y = t.nn.functional.ctc_loss(x.log_softmax(-1), t.tensor(targets), lengths, target_lengths, **options)
    return [y, *t.autograd.grad(y.sum(), x)]


PAIRS = [[1, 2], [3, 1]]
CASES = {
    "mean": lambda t: run(t, PAIRS, [5, 5], [2, 2]),
    "sum": lambda t: run(t, PAIRS, [5, 4], [2, 1], reduction="sum"),
    "none": lambda t: run(t, PAIRS, t.tensor([5, 3]), t.tensor([1, 2]), reduction="none"),
    "blank": lambda t: run(t, PAIRS, [5, 5], [2, 2], blank=0),
    "other_blank": lambda t: run(t, [[1, 2], [0, 1]], [5, 5], [2, 2], blank=3),
    "in_one_row": lambda t: run(t, [1, 2, 3], (5, 4), (2, 1), reduction="none"),
    "no_label": lambda t: run(t, PAIRS, [5, 5], [0, 2], reduction="none"),
    "no_label_mean": lambda t: run(t, PAIRS, [5, 5], [0, 2]),
    "repeated": lambda t: run(t, [[1, 1], [3, 3]], [5, 3], [2, 2], reduction="none"),
    "impossible": lambda t: t.nn.functional.ctc_loss(
        scores(t).log_softmax(-1), t.tensor([[1, 1], [3, 3]]), [2, 0], [2, 0], reduction="none"
    ),
    "impossible_zero": lambda t: run(t, [[1, 1], [3, 3]], [2, 5], [2, 1], zero_infinity=True),
    "int_lengths": lambda t: run(t, PAIRS, t.tensor([5, 4], dtype=t.int32), t.tensor([2, 1], dtype=t.int32)),
    "unbatched": lambda t: t.nn.functional.ctc_loss(
        scores(t)[:, 0].log_softmax(-1), t.tensor([1, 2]), t.tensor(5), t.tensor(2), reduction="none"
    ),
    "unbatched_mean": lambda t: t.nn.functional.ctc_loss(scores(t)[:, 0].log_softmax(-1), t.tensor([1, 2]), (5,), (2,)),
    "module": lambda t: t.nn.CTCLoss(1, "sum", True)(
        scores(t).log_softmax(-1), t.tensor([[0, 2], [3, 0]]), (5, 5), (2, 2)
    ),
    "module_repr": lambda t: repr(t.nn.CTCLoss()),
    "float32": lambda t: t.nn.functional.ctc_loss(
        scores(t).float().log_softmax(-1), t.tensor(PAIRS), (5, 5), (2, 2)
    ).double(),
    "lengths_count": lambda t: run(t, PAIRS, (5,), (2, 2)),
    "targets_count": lambda t: run(t, [1, 2, 3], (5, 5), (2, 2)),
    "targets_batch": lambda t: run(t, [[1, 2], [3, 1], [1, 1]], (5, 5), (2, 2)),
    "targets_width": lambda t: run(t, PAIRS, (5, 5), (3, 2)),
    "too_long": lambda t: run(t, PAIRS, (6, 5), (2, 2)),
    "negative": lambda t: run(t, PAIRS, (-1, 5), (2, 2)),
    "negative_target": lambda t: run(t, PAIRS, (5, 5), (-2, 2)),
    "blank_range": lambda t: run(t, PAIRS, (5, 5), (2, 2), blank=4),
    "reduction": lambda t: run(t, PAIRS, (5, 5), (2, 2), reduction="x"),
    "empty": lambda t: run(t, PAIRS, (0, 0), (2, 2), shape=(0, 2, 4)),
    "dims": lambda t: t.nn.functional.ctc_loss(t.ones(1, 1, 1, 1, 1), t.tensor(PAIRS), (5, 5), (2, 2)),
    "integers": lambda t: t.nn.functional.ctc_loss(t.ones(5, 2, 4).long(), t.tensor(PAIRS), (5, 5), (2, 2)),
    "float_lengths": lambda t: run(t, PAIRS, t.tensor([5.0, 5]), t.tensor([2, 2])),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    pytest.importorskip("torch")
    check_twin(CASES[name], rtol=1e-6 if name == "float32" else 1e-9, atol=1e-12)
