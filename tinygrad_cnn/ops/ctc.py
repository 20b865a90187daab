"""Connectionist temporal classification: the probability of a sequence of labels, over all ways to align it in time.

Between and around the S labels stand blanks: 2 S + 1 states, passed in order, where a state may last any time and a
blank be left out between two labels that differ (Graves and others, 2006). alpha[t, s] is the probability of the first
t steps that end in state s, beta[t, s] that of the steps from t on that start there, both as logarithms and with the
step t itself. All arrays are (..., N, states): the recursion runs over time for the whole batch at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.core import Array

__all__ = ["CTCLoss"]

_NEVER = -np.inf


def _logsumexp(*parts: Array) -> Array:
    """Return log(sum(exp)) of several arrays, -inf where all are."""
    top = np.maximum.reduce(parts)
    safe = np.where(np.isneginf(top), 0, top)
    total = sum(np.exp(part - safe) for part in parts)
    with np.errstate(divide="ignore"):
        return np.log(total) + safe


def _delayed(states: Array, by: int) -> Array:
    """Return the states (N, K) moved `by` places to the right, -inf coming in."""
    moved = np.full_like(states, _NEVER)
    moved[:, by:] = states[:, : states.shape[1] - by]
    return moved


class _Lattice:
    """The states of a batch: which class each one emits, and from where it may be reached."""

    def __init__(self, targets: Array, target_lengths: Array, blank: int, dtype: Any) -> None:
        batch, longest = targets.shape
        self.classes = np.full((batch, 2 * longest + 1), blank)
        self.classes[:, 1::2] = targets
        self.count = 2 * target_lengths + 1
        repeated = np.zeros(self.classes.shape, bool)
        repeated[:, 2:] = self.classes[:, 2:] == self.classes[:, :-2]
        # A state two places on can be reached directly if it is a label, and another one.
        jump = ~repeated
        jump[:, ::2] = jump[:, :2] = False
        self.barrier = np.where(jump, 0, _NEVER).astype(dtype)

    def forward(self, emitted: Array) -> Array:
        """Return alpha (T, N, K) from the log-probabilities of what the states emit."""
        alpha = np.full_like(emitted, _NEVER)
        alpha[0, :, :2] = emitted[0, :, :2]
        for t in range(1, len(emitted)):
            before = alpha[t - 1]
            alpha[t] = _logsumexp(before, _delayed(before, 1), _delayed(before, 2) + self.barrier) + emitted[t]
        return alpha

    def ends(self) -> Array:
        """Return where the last state is (1 in (N, K)) and the one before, if there is one."""
        places = np.arange(self.classes.shape[1])
        return (places >= self.count[:, None] - 2) & (places < self.count[:, None])

    def backward(self, emitted: Array, lengths: Array) -> Array:
        """Return beta (T, N, K), -inf from the end of each sequence on."""
        beta = np.full_like(emitted, _NEVER)
        ends = self.ends()
        after = np.full_like(emitted[0], _NEVER)
        barrier = self.barrier[:, ::-1]
        for t in range(len(emitted) - 1, -1, -1):
            back = after[:, ::-1]
            jumps = _delayed(back + barrier, 2)
            reached = _logsumexp(back, _delayed(back, 1), jumps)[:, ::-1]
            start = np.where(ends, 0, _NEVER)
            after = np.where((lengths == t + 1)[:, None], start, reached) + emitted[t]
            after = np.where((lengths > t)[:, None], after, _NEVER)
            beta[t] = after
        return beta


class CTCLoss(Operation):
    """-log of the probability of targets (N, S) given log_probs (T, N, C), for each of the batch (N,).

    lengths (N,) steps and target_lengths (N,) labels count. zero_infinity: 0 instead of infinity where no alignment
    exists. As in PyTorch the gradient is that by the logits, if log_probs is their log_softmax (whose own gradient then
    changes nothing), and has no gradient itself.
    """

    grad_name = "CtcLossBackward0"

    def forward(
        self,
        log_probs: Array,
        *,
        targets: Array,
        lengths: Array,
        target_lengths: Array,
        blank: int,
        zero_infinity: bool,
    ) -> Array:
        """Sum over all alignments."""
        self.options = targets, lengths, target_lengths, blank, zero_infinity
        lattice = _Lattice(targets, target_lengths, blank, log_probs.dtype)
        emitted = np.take_along_axis(log_probs, lattice.classes[None], 2)
        alpha = lattice.forward(emitted)
        batch = np.arange(len(lengths))
        last = alpha[np.maximum(lengths - 1, 0), batch]
        masked = np.where(lattice.ends(), last, _NEVER)
        likelihood = _logsumexp(*masked.T)
        # Without a step only no label is possible.
        likelihood = np.where(lengths == 0, np.where(target_lengths == 0, 0, _NEVER), likelihood)
        loss = -likelihood.astype(log_probs.dtype)
        self.save_for_backward(log_probs, alpha, likelihood)
        return np.where(np.isinf(loss), loss.dtype.type(0), loss) if zero_infinity else loss

    def backward(self, grad: Any) -> Any:
        """Return the gradient by the logits."""
        log_probs, alpha, likelihood = self.saved_tensors
        return CTCLossGrad.apply(
            grad, log_probs, alpha=alpha._array, likelihood=likelihood._array, options=self.options
        )


class CTCLossGrad(Operation):
    """g (p - q), q the posterior probability of each class at each time: the sum of alpha beta / p over its states."""

    def forward(self, grad: Array, log_probs: Array, *, alpha: Array, likelihood: Array, options: Any) -> Array:
        """Run the recursion from the end, and sum."""
        targets, lengths, target_lengths, blank, zero_infinity = options
        lattice = _Lattice(targets, target_lengths, blank, log_probs.dtype)
        emitted = np.take_along_axis(log_probs, lattice.classes[None], 2)
        both = alpha + lattice.backward(emitted, lengths)
        posterior = np.full_like(log_probs, _NEVER)
        rows = np.arange(len(lengths))
        for state in range(both.shape[2]):
            column = lattice.classes[:, state]
            posterior[:, rows, column] = _logsumexp(posterior[:, rows, column], both[:, :, state])
        with np.errstate(invalid="ignore"):
            exponent = posterior - likelihood[:, None] - log_probs
        result = np.exp(log_probs) - np.exp(exponent)
        if zero_infinity:
            result = np.where(np.isinf(likelihood)[:, None], 0, result)
        counted = np.arange(len(log_probs))[:, None] < lengths
        return np.where(counted[:, :, None], result * grad[:, None], log_probs.dtype.type(0)).astype(log_probs.dtype)

    def backward(self, grad: Any) -> Any:
        """Raise, as PyTorch does: it is not the gradient by log_probs, so it has none by them."""
        raise RuntimeError("derivative for aten::_ctc_loss_backward is not implemented")
