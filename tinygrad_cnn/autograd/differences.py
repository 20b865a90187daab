"""The comparison behind `gradcheck`: a function's derivatives by differences and by backward passes, at one point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_cnn.tensor import Tensor, wrap

from .engine import grad


class GradcheckError(RuntimeError):
    """Raised by `gradcheck` and `gradgradcheck` where gradients do not agree."""


def tensors_of(value: Any) -> tuple[Tensor, ...]:
    """Return the tensors among what a function returned."""
    items = (value,) if isinstance(value, Tensor) else tuple(value)
    return tuple([item for item in items if isinstance(item, Tensor)])


class Check:
    """One function at one point."""

    def __init__(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        wanted: list[int],
        eps: float,
        atol: float,
        rtol: float,
        nondet_tol: float,
    ):
        self.func, self.args, self.wanted = func, args, wanted
        self.eps, self.atol, self.rtol = eps, atol, rtol
        self.nondet_tol = nondet_tol
        self.inputs = [args[i] for i in wanted]
        self.outputs = self.evaluate()

    def evaluate(self) -> tuple[Tensor, ...]:
        """Return the function's output tensors."""
        return tensors_of(self.func(*self.args))

    def values(self) -> list[Any]:
        """Return copies of the outputs as flat float64 arrays: outputs may share memory with inputs."""
        return [out._array.astype(np.float64).ravel() for out in self.evaluate() if out.is_floating_point()]

    @property
    def differentiable(self) -> list[Tensor]:
        """The outputs that have a gradient."""
        return [out for out in self.outputs if out.requires_grad]

    def central(self, array: Any, step: Any) -> list[Any]:
        """Return (f(x + step) - f(x - step)) / 2 of each output; `step` is an array or an index of one element."""
        saved = array.copy()
        try:
            _move(array, saved, step, self.eps)
            high = self.values()
            _move(array, saved, step, -self.eps)
            low = self.values()
        finally:
            array[...] = saved
        return [(b - a) / (2 * self.eps) for a, b in zip(low, high, strict=True)]

    def numerical(self, input: Tensor) -> list[Any]:
        """Return the Jacobian of each floating output by one input: (elements of input, elements of output)."""
        array = input._array
        rows = [self.central(array, index) for index in np.ndindex(array.shape)]
        floats = [out for out in self.outputs if out.is_floating_point()]
        return [np.array([row[k] for row in rows]).reshape(array.size, out.numel()) for k, out in enumerate(floats)]

    def backward(self, output: Tensor, weights: Any) -> list[Any]:
        """Return the gradients of sum(output * weights) by all inputs, as flat float64 arrays."""
        seed = wrap(np.asarray(weights.reshape(output.shape), output._array.dtype, order="C"))
        found = []
        gradients = grad(output, self.inputs, seed, retain_graph=True, allow_unused=True)
        for input, value in zip(self.inputs, gradients, strict=True):
            if value is None:
                found.append(np.zeros(input.numel()))
                continue
            found.append(value._array.astype(np.float64).ravel())
        return found

    def analytical(self, output: Tensor) -> list[Any]:
        """Return the Jacobian of one output by each input, as `numerical` has it."""
        count = output.numel()
        jacobians = [np.zeros((input.numel(), count)) for input in self.inputs]
        for column in range(count):
            weights = np.zeros(count)
            weights[column] = 1
            for jacobian, value in zip(jacobians, self.backward(output, weights), strict=True):
                jacobian[:, column] = value
        return jacobians

    def outputs_without_gradient(self) -> None:
        """Where no output has a gradient, the numerical one must be zero."""
        if self.differentiable:
            return
        for input in self.inputs:
            for jacobian in self.numerical(input):
                if np.abs(jacobian).max(initial=0) > self.atol:
                    raise GradcheckError("Numerical gradient for function expected to be zero")

    def slow(self) -> None:
        """Compare whole Jacobians."""
        floats = [out for out in self.outputs if out.is_floating_point()]
        numerical = [self.numerical(input) for input in self.inputs]
        for o, output in enumerate(floats):
            if not output.requires_grad:
                continue
            analytical, again = self.analytical(output), self.analytical(output)
            for i in range(len(self.inputs)):
                self.compare(analytical[i], numerical[i][o], o, self.wanted[i])
                self.reentrant(analytical[i], again[i])

    def fast(self) -> None:
        """Compare v J u for a random direction u of each input and random weights v of each output."""
        rng = np.random.default_rng(0)
        floats = [out for out in self.outputs if out.is_floating_point()]
        weights = [rng.uniform(0.5, 1.5, out.numel()) for out in floats]
        directions = [rng.uniform(0.5, 1.5, input._array.shape) for input in self.inputs]
        slopes = [
            self.central(input._array, direction) for input, direction in zip(self.inputs, directions, strict=True)
        ]
        for o, output in enumerate(floats):
            if not output.requires_grad:
                continue
            gradients, again = self.backward(output, weights[o]), self.backward(output, weights[o])
            for i, direction in enumerate(directions):
                numerical = np.array([[slopes[i][o] @ weights[o]]])
                analytical = np.array([[gradients[i] @ direction.ravel()]])
                # An error of atol in each element of the Jacobian adds up to this much.
                scale = direction.sum() * weights[o].sum()
                self.compare(analytical, numerical, o, self.wanted[i], self.atol * max(scale, 1.0))
                self.reentrant(gradients[i], again[i])

    def compare(self, analytical: Any, numerical: Any, output: int, input: int, atol: float | None = None) -> None:
        """Raise GradcheckError if the two differ."""
        if not np.allclose(analytical, numerical, self.rtol, self.atol if atol is None else atol, equal_nan=True):
            raise GradcheckError(
                f"Jacobian mismatch for output {output} with respect to input {input},\nnumerical:{numerical}\n"
                f"analytical:{analytical}\n"
            )

    def reentrant(self, first: Any, second: Any) -> None:
        """Raise GradcheckError if two backward passes gave different results."""
        if first.size and np.abs(first - second).max() > self.nondet_tol:
            raise GradcheckError(
                "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
                "gives different values, although analytical gradient matches numerical gradient."
                f"The tolerance for nondeterminism was {self.nondet_tol}."
            )


def _move(array: Any, saved: Any, step: Any, eps: float) -> None:
    if isinstance(step, tuple):
        array[step] = saved[step] + eps
    else:
        array[...] = saved + eps * step
