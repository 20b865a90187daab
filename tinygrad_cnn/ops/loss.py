"""Losses: cross-entropy and negative log-likelihood of class indices, mean squared error.

Inputs of the first two are (N, C, ...), targets int64 (N, ...). `reduction` is 'none', 'sum' or 'mean' (divided by the
total weight of the targets that are not ignored).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.core import Array
from tinygrad_cnn.core import loss as kernels
from tinygrad_cnn.ops.softmax import Softmax
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["BinaryCrossEntropy", "ClassLoss", "CrossEntropy", "MSELoss", "NLLLoss"]


class ClassLoss(NamedTuple):
    """The options of a loss on class indices."""

    ignore_index: int
    label_smoothing: float
    reduction: str


def _scale(total: float, reduction: str) -> float:
    """What the gradient of the reduced loss is multiplied with to be that of each loss."""
    if reduction == "mean":
        return 1.0 / total if total else float("inf")
    return 1.0


def _targets_of(
    target: Array, weight: Array | None, classes: int, scale: float, options: ClassLoss, dtype: Any
) -> Array:
    """The weights (N, C, ...) of the log-probabilities in each loss: q with loss = -sum(q * logp), times `scale`; 0
    where ignored, also if the scale is infinite because all are."""
    counted = target != options.ignore_index
    safe = np.where(counted, target, 0)
    weights = np.ones(classes, dtype) if weight is None else weight
    q = np.zeros((classes, *target.shape), dtype)
    np.put_along_axis(q, safe[None], ((1.0 - options.label_smoothing) * weights[safe])[None], axis=0)
    if options.label_smoothing:
        q += (options.label_smoothing / classes * weights).reshape(-1, *[1] * target.ndim)
    with np.errstate(invalid="ignore"):
        q = np.where(counted, q * q.dtype.type(scale), q.dtype.type(0))
    return np.ascontiguousarray(np.moveaxis(q, 0, 1))


class CrossEntropy(Operation):
    """The loss of logits (N, C, ...) for the targets, from the logits directly."""

    def forward(self, logits: Array, target: Array, weight: Array | None, *, options: ClassLoss) -> Array:
        """Compute the losses and reduce them."""
        result, lse, self.total = kernels.cross_entropy(logits, target, weight, *options)
        self.options = options
        self.save_for_backward(logits, target, weight, lse)
        return result

    def name(self) -> str:
        """Return the name of the last step of what PyTorch composes."""
        return "NllLoss2DBackward0" if self.options.reduction == "none" else "NllLossBackward0"

    def backward(self, grad: Any) -> Any:
        """Return dlogits."""
        logits, target, weight, lse = self.saved_tensors
        scale = _scale(self.total, self.options.reduction)
        return CrossEntropyGrad.apply(grad, logits, target, weight, lse, scale=scale, options=self.options), None, None


class CrossEntropyGrad(Operation):
    """dlogits = g * (softmax * sum(q) - q), g the gradient of each loss (N, ...), or one for all () times `scale`."""

    def forward(
        self,
        grad: Array,
        logits: Array,
        target: Array,
        weight: Array | None,
        lse: Array,
        *,
        scale: float,
        options: ClassLoss,
    ) -> Array:
        """Compute it in one pass from the log-sum-exp."""
        self.scale, self.options = scale, options
        self.save_for_backward(grad, logits, target, weight)
        return kernels.cross_entropy_grad(
            grad, scale, logits, target, weight, lse, options.ignore_index, options.label_smoothing
        )

    def backward(self, outer: Any) -> Any:
        """By g it is sum(G * (p Q - q)), by the logits g Q p (G - sum(p G)), with Q = sum(q) over the classes,
        and the scale in q."""
        grad, logits, target, weight = self.saved_tensors
        array = _targets_of(
            target._array,
            None if weight is None else weight._array,
            logits.shape[1],
            self.scale,
            self.options,
            logits._array.dtype,
        )
        q = wrap(array)
        q_sum = wrap(array.sum(1, keepdims=True))
        p = Softmax.apply(logits, dim=1)
        by_grad, by_logits = None, None
        if self.needs_input_grad[0]:
            by_grad = (outer * (p * q_sum - q)).sum(1)
            by_grad = by_grad if grad.ndim else by_grad.sum()
        if self.needs_input_grad[1]:
            g = grad.unsqueeze(1) if grad.ndim else grad
            by_logits = g * q_sum * p * (outer - (p * outer).sum(1, True))
        return by_grad, by_logits, None, None, None


class NLLLoss(Operation):
    """The loss -weight[t] * logp[t] of log-probabilities (N, C, ...) for the targets."""

    def forward(self, logp: Array, target: Array, weight: Array | None, *, options: ClassLoss) -> Array:
        """Pick and reduce."""
        result, self.total = kernels.nll_loss(logp, target, weight, options.ignore_index, options.reduction)
        self.options = options
        self.shape = logp.shape
        self.save_for_backward(target, weight)
        return result

    def name(self) -> str:
        """Return PyTorch's name, which depends on the rank."""
        return "NllLossBackward0" if len(self.shape) <= 2 else "NllLoss2DBackward0"

    def backward(self, grad: Any) -> Any:
        """Return dlogp."""
        target, weight = self.saved_tensors
        scale = _scale(self.total, self.options.reduction)
        return NLLLossGrad.apply(grad, target, weight, scale=scale, shape=self.shape, options=self.options), None, None


class NLLLossGrad(Operation):
    """dlogp: -weight[t] * g at the targets, 0 elsewhere; one g for all is multiplied with `scale`."""

    def forward(
        self,
        grad: Array,
        target: Array,
        weight: Array | None,
        *,
        scale: float,
        shape: tuple[int, ...],
        options: ClassLoss,
    ) -> Array:
        """Put the gradients at the targets."""
        self.scale, self.options = scale, options
        self.scalar = grad.ndim == 0
        self.save_for_backward(target, weight)
        return kernels.nll_loss_grad(grad, scale, shape, target, weight, options.ignore_index)

    def backward(self, outer: Any) -> Any:
        """The operation is linear in g: its gradient picks the targets again."""
        target, weight = self.saved_tensors
        options = self.options._replace(reduction="sum" if self.scalar else "none")
        return NLLLoss.apply(outer * self.scale, target, weight, options=options), None, None


class MSELoss(Operation):
    """The squared difference of two tensors of one shape, reduced."""

    grad_name = "MseLossBackward0"

    def forward(self, input: Array, target: Array, *, reduction: str) -> Array:
        """Square the difference; the mean over no element is NaN."""
        self.save_for_backward(input, target)
        self.reduction, self.count = reduction, input.size
        difference = core.binary(core.SUB, input, target)
        squared = core.unary(core.SQUARE, difference, out=difference)
        if reduction == "none":
            return squared
        return core.reduce(core.MEAN if reduction == "mean" else core.SUM, squared, tuple(range(squared.ndim)))

    def backward(self, grad: Any) -> Any:
        """2 (a - b) g, and its negative."""
        input, target = self.saved_tensors
        scale = 2.0 / self.count if self.reduction == "mean" and self.count else 2.0
        by_input = (input - target) * (grad * scale)
        return by_input, -by_input if self.needs_input_grad[1] else None


class BinaryCrossEntropy(Operation):
    """-(t log(x) + (1 - t) log(1 - x)) of probabilities x and targets t, logarithms from -100 on."""

    def forward(self, x: Array, target: Array) -> Array:
        """Compute each loss."""
        self.save_for_backward(x, target)
        with np.errstate(divide="ignore"):
            loss = (target - 1) * np.maximum(np.log1p(-x), -100) - target * np.maximum(np.log(x), -100)
        return np.asarray(loss)

    def backward(self, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """dx = (x - t) / (x (1 - x)), whose denominator is at least 1e-12; dt = log(1 - x) - log(x)."""
        x, target = self.saved_tensors
        by_x = by_target = None
        if self.needs_input_grad[0]:
            by_x = grad * (x - target) / ((1 - x) * x).clamp(min=1e-12)
        if self.needs_input_grad[1]:
            by_target = grad * ((1 - x).log().clamp(min=-100) - x.log().clamp(min=-100))
        return by_x, by_target
