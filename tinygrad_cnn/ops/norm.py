"""Batch normalisation; its fused gradient is an operation of its own and differentiable again."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.autograd.deferred import Deferrable, Deferred, Task, put_off
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.autograd.saved import unchanged, unpack
from tinygrad_cnn.core import FLOATS, Array
from tinygrad_cnn.core import norm as kernels
from tinygrad_cnn.tensor import wrap

from .conv import ConvTask
from .unary import ReluGradTask

__all__ = ["BatchNorm", "fold"]


class NormTask(Task):
    """A normalisation to be done."""

    __slots__ = ("eps",)

    def __init__(self, x: Array, weight: Array | None, bias: Array | None, mean: Array, var: Array, eps: float):
        super().__init__(x.shape, x.dtype, (x, mean, var, weight, bias))
        self.eps = eps

    def run(self, relu: bool) -> Array:
        """Normalise."""
        x, mean, var, weight, bias = self.sources
        return kernels.batch_norm(x, mean, var, weight, bias, self.eps, relu)


class BatchNorm(Deferrable):
    """y (N, C, ...) = (x - mean) / sqrt(var + eps) * weight + bias, each of the four (C,).

    training: mean and var are x's own, the gradient goes through them too. weight and bias may be None.
    """

    grad_name = "NativeBatchNormBackward0"
    takes_relu_gradient = True

    def prepare(
        self,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        mean: Array,
        var: Array,
        *,
        training: bool,
        eps: float,
    ) -> NormTask:
        """Normalise."""
        self.training, self.eps = training, eps
        self.save_for_backward(x, weight, mean, var, bias)
        return NormTask(x, weight, bias, mean, var, eps)

    def backward(self, grad: Any) -> Any:
        """Return the gradients by x, weight and bias, each only if needed."""
        # The bias only tells what a ReLU behind has cut; PyTorch does not ask that it has not changed.
        x, weight, mean, var = unpack(self, self._saved[:4])
        needed = self.needs_input_grad[:3]
        options: dict[str, Any] = {"training": self.training, "eps": self.eps, "needed": needed}
        if self._is_of_relu_behind(grad) and unchanged(self._saved[4]):
            (bias,) = unpack(self, self._saved[4:])
            grads = BatchNormReluGrad.apply(wrap(grad._task.sources[0]), x, weight, mean, var, bias, **options)
        else:
            grads = BatchNormGrad.apply(grad, x, weight, mean, var, **options)
        found = iter(grads)
        return (*[next(found) if need else None for need in needed], None, None)

    def _is_of_relu_behind(self, grad: Any) -> bool:
        """Whether the gradient is that of a ReLU of this node's output, not yet computed."""
        return type(grad) is Deferred and isinstance(grad._task, ReluGradTask) and grad._task.before is self


def fold(input: Deferred, weight: Any, bias: Any, mean: Any, var: Any, eps: float) -> Any:
    """Return the convolution that `input` is, put off with weights that normalise as well; None if it is not one."""
    task = input._task
    if not isinstance(task, ConvTask) or task.dtype not in FLOATS:
        return None
    gamma, beta = (None if tensor is None else tensor._array for tensor in (weight, bias))
    return put_off(task.normalised(gamma, beta, mean._array, var._array, eps))


class BatchNormGrad(Operation):
    """Those `needed` of dx, dweight and dbias, of dy, x, weight, mean and var."""

    grad_name = "NativeBatchNormBackwardBackward0"

    def forward(
        self,
        dy: Array,
        x: Array,
        weight: Array | None,
        mean: Array,
        var: Array,
        *,
        training: bool,
        eps: float,
        needed: tuple[bool, bool, bool],
    ) -> tuple[Array, ...]:
        """Compute them together: they share two sums."""
        self.training, self.eps, self.needed = training, eps, needed
        self.save_for_backward(dy, x, weight, mean, var)
        grads = kernels.batch_norm_grad(dy, x, mean, var, weight, training, eps, needed)
        return tuple([grad for grad in grads if grad is not None])

    def backward(self, *grads: Any) -> Any:
        """Return the gradients by dy, x and weight for those by dx, dweight and dbias."""
        dy, x, weight, mean, var = self.saved_tensors
        given = iter(grads)
        by_dx, by_dweight, by_dbias = [next(given) if need else None for need in self.needed]
        rule = _second_training if self.training else _second_eval
        return (*rule(_Channels(dy, x, weight, mean, var, self.eps), by_dx, by_dweight, by_dbias), None, None)


class BatchNormReluGrad(Operation):
    """As BatchNormGrad, of the dy behind a ReLU of y: one pass less, as y's sign is found out from x again.

    Only for gradients that are not differentiated themselves: `Relu.backward` does not put off those that are.
    """

    grad_name = "NativeBatchNormBackwardBackward0"

    def forward(
        self,
        dy: Array,
        x: Array,
        weight: Array | None,
        mean: Array,
        var: Array,
        bias: Array | None,
        *,
        training: bool,
        eps: float,
        needed: tuple[bool, bool, bool],
    ) -> tuple[Array, ...]:
        """Compute them together."""
        grads = kernels.batch_norm_grad(dy, x, mean, var, weight, training, eps, needed, bias, True)
        return tuple([grad for grad in grads if grad is not None])


class _Channels:
    """What the second derivative is made of; per-channel tensors have the shape (1, C, 1, ...).

    mean(v) is the mean over all dimensions but C, and project(v) = v - mean(v) - xhat * mean(v * xhat): symmetric, so
    that sum(G * project(g)) = sum(project(G) * g).
    """

    def __init__(self, dy: Any, x: Any, weight: Any, mean: Any, var: Any, eps: float) -> None:
        self.dy, self.x, self.eps = dy, x, eps
        self.dims = tuple([d for d in range(x.ndim) if d != 1])
        self.shape = (1, x.shape[1]) + (1,) * (x.ndim - 2)
        self.weight = None if weight is None else weight.reshape(self.shape)
        self.mean_, self.var = mean.reshape(self.shape), var.reshape(self.shape)
        self.count = max(x.numel() // max(x.shape[1], 1), 1)

    def mean(self, value: Any) -> Any:
        return value.sum(self.dims, True) / self.count  # 0 over nothing

    def scaled(self, value: Any) -> Any:
        """Times the weight, if there is one."""
        return value if self.weight is None else value * self.weight

    def spread(self, per_channel: Any) -> Any:
        """A tensor (C,) in a shape that broadcasts."""
        return per_channel.reshape(self.shape)


def _plus(a: Any, b: Any) -> Any:
    """The sum, where None is zero."""
    return b if a is None else a if b is None else a + b


def _second_training(s: _Channels, by_dx: Any, by_dweight: Any, by_dbias: Any) -> tuple[Any, Any, Any]:
    """Differentiate dx = w rstd project(dy), dweight = sum(dy xhat), dbias = sum(dy), where xhat and rstd depend on x.

    L = w rstd sum(G project(dy)) + sum(Gw dy xhat) + sum(Gb dy). Through xhat, rstd fixed, it has the gradient
    E = -w rstd (G mean(dy xhat) + dy mean(G xhat)) + Gw dy, which reaches x as rstd project(E); through rstd it has
    R = w sum(G project(dy)), which reaches x as -R rstd^2 xhat / count.
    """
    dy, centred = s.dy, s.x - s.mean(s.x)
    rstd = (s.mean(centred * centred) + s.eps).rsqrt()
    xhat = centred * rstd

    def project(value: Any) -> Any:
        return value - s.mean(value) - xhat * s.mean(value * xhat)

    to_dy, to_weight, through_xhat, to_x = None, None, None, None
    if by_dx is not None:
        to_dy = s.scaled(rstd * project(by_dx))
        through_xhat = s.scaled(-rstd * (by_dx * s.mean(dy * xhat) + dy * s.mean(by_dx * xhat)))
        product = (by_dx * project(dy)).sum(s.dims, True)
        to_weight = (rstd * product).reshape(-1)
        to_x = s.scaled(product) * rstd * rstd * xhat * (-1.0 / s.count)
    if by_dweight is not None:
        spread = s.spread(by_dweight)
        to_dy = _plus(to_dy, spread * xhat)
        through_xhat = _plus(through_xhat, spread * dy)
    if by_dbias is not None:
        to_dy = _plus(to_dy, s.spread(by_dbias).expand_as(s.dy))
    if through_xhat is not None:
        to_x = _plus(to_x, rstd * project(through_xhat))
    return to_dy, to_x, None if s.weight is None else to_weight


def _second_eval(s: _Channels, by_dx: Any, by_dweight: Any, by_dbias: Any) -> tuple[Any, Any, Any]:
    """Differentiate dx = w rstd dy, dweight = sum(dy xhat), dbias = sum(dy), where rstd and the mean are constants."""
    rstd = (s.var + s.eps).rsqrt()
    to_dy, to_weight, to_x = None, None, None
    if by_dx is not None:
        to_dy = s.scaled(rstd * by_dx)
        to_weight = (rstd * (by_dx * s.dy).sum(s.dims, True)).reshape(-1)
    if by_dweight is not None:
        spread = s.spread(by_dweight)
        to_dy = _plus(to_dy, spread * ((s.x - s.mean_) * rstd))
        to_x = spread * s.dy * rstd
    if by_dbias is not None:
        to_dy = _plus(to_dy, s.spread(by_dbias).expand_as(s.dy))
    return to_dy, to_x, None if s.weight is None else to_weight
