"""L-BFGS (`torch.optim.LBFGS`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_cnn.autograd.grad_mode import enable_grad, no_grad
from tinygrad_cnn.ops.joining import cat
from tinygrad_cnn.optim._line_search import Point, strong_wolfe
from tinygrad_cnn.optim._rule import check_lr
from tinygrad_cnn.optim.optimizer import Optimizer, ParamsT, number
from tinygrad_cnn.tensor import Tensor

__all__ = ["LBFGS"]

CURVED = 1e-10  # a pair of differences whose product is not above tells nothing about the curvature


class LBFGS(Optimizer):
    """Limited-memory BFGS (Liu and Nocedal, 1989; `torch.optim.LBFGS`, after Mark Schmidt's minFunc).

    One `step(closure)` makes up to max_iter iterations, which evaluate the closure up to max_eval times (default
    max_iter * 5 / 4). The direction is made of the last history_size differences of gradients and parameters; the step
    is lr (at the very first iteration lr times min(1, 1 / sum of |gradient|)), or found by a line search with
    line_search_fn="strong_wolfe". It ends where the largest gradient is at most tolerance_grad, or parameters and loss
    change by less than tolerance_change. One group of parameters only (ValueError).
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    # ---------------------------------------------------------------- all parameters as one vector

    def _gradient(self) -> Tensor:
        """Return the gradients of all parameters in a row, zeros where there is none."""
        rows = [
            param.new_zeros(param.numel()) if param.grad is None else param.grad.reshape(-1)
            for param in self.param_groups[0]["params"]
        ]
        return cat(rows, 0)

    def _move(self, step: Any, direction: Tensor) -> None:
        offset = 0
        for param in self.param_groups[0]["params"]:
            part = direction[offset : offset + param.numel()]
            param.add_(part.reshape(param.shape), alpha=number(step))
            offset += param.numel()

    def _along(self, closure: Callable[[], Any], direction: Tensor) -> Callable[[Any], Point]:
        """Return the function on the line through the parameters as they are now."""
        params = self.param_groups[0]["params"]
        here = [param.clone() for param in params]

        def evaluate(t: Any) -> Point:
            self._move(t, direction)
            value = float(number(closure()))
            gradient = self._gradient()
            for param, start in zip(params, here, strict=True):
                param.copy_(start)
            return Point(t, value, gradient, gradient.dot(direction))

        return evaluate

    # ---------------------------------------------------------------- the direction

    def _remember(self, state: dict[str, Any], gradient: Tensor) -> None:
        """Take the last step's differences of gradients and parameters into the memory."""
        change, moved = gradient.sub(state["prev_flat_grad"]), state["d"].mul(state["t"])
        product = change.dot(moved)
        if product <= CURVED:
            return
        if len(state["old_dirs"]) == self.param_groups[0]["history_size"]:
            for name in ("old_dirs", "old_stps", "ro"):
                state[name].pop(0)
        state["old_dirs"].append(change)
        state["old_stps"].append(moved)
        state["ro"].append(1.0 / product)
        state["H_diag"] = product / change.dot(change)

    def _direction(self, state: dict[str, Any], gradient: Tensor) -> Tensor:
        """Return minus the inverse Hessian, as the memory has it, times the gradient (the two-loop recursion)."""
        changes, moves, ro = state["old_dirs"], state["old_stps"], state["ro"]
        weights = state.setdefault("al", [None] * self.param_groups[0]["history_size"])
        result = gradient.neg()
        for i in reversed(range(len(changes))):
            weights[i] = moves[i].dot(result) * ro[i]
            result.add_(changes[i], alpha=-number(weights[i]))
        result = result.mul(state["H_diag"])
        for i in range(len(changes)):
            result.add_(moves[i], alpha=number(weights[i] - changes[i].dot(result) * ro[i]))
        return result

    def _next_direction(self, state: dict[str, Any], gradient: Tensor) -> None:
        """Set the direction of a new iteration, and the length that is tried first."""
        lr = number(self.param_groups[0]["lr"])
        if state["n_iter"] == 1:
            state.update(d=gradient.neg(), old_dirs=[], old_stps=[], ro=[], H_diag=1)
            state["t"] = min(1.0, 1.0 / gradient.abs().sum()) * lr
        else:
            self._remember(state, gradient)
            state["d"] = self._direction(state, gradient)
            state["t"] = lr
        state["prev_flat_grad"] = gradient.clone()

    # ---------------------------------------------------------------- the step

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Minimise for up to max_iter iterations; return the loss before the first.

        closure: clears the gradients, computes the loss, calls backward and returns the loss. It is required.
        """
        if len(self.param_groups) != 1:
            raise AssertionError(f"Expected exactly one param_group, but got {len(self.param_groups)}")
        if closure is None:
            raise TypeError("LBFGS.step() needs a closure that recomputes the loss and its gradients")
        with no_grad():
            return self._minimise(enable_grad()(closure))

    def _minimise(self, closure: Callable[[], Any]) -> Any:
        group = self.param_groups[0]
        # The state is the whole vector's; it belongs to the first parameter, so that loading gives it that one's dtype.
        state = self.state[group["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = closure()
        state["func_evals"] += 1
        loss, gradient, evaluations = float(number(first_loss)), self._gradient(), 1
        if gradient.abs().max() <= group["tolerance_grad"]:
            return first_loss
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            self._next_direction(state, gradient)
            state["prev_loss"] = loss
            slope = gradient.dot(state["d"])
            if slope > -group["tolerance_change"]:
                break
            loss, gradient, more = self._advance(
                closure, state, Point(0, loss, gradient, slope), iteration, evaluations
            )
            evaluations += more
            state["func_evals"] += more
            if (
                iteration == group["max_iter"]
                or evaluations >= group["max_eval"]
                or self._arrived(state, loss, gradient)
            ):
                break
        return first_loss

    def _advance(
        self, closure: Callable[[], Any], state: dict[str, Any], start: Point, iteration: int, evaluations: int
    ) -> tuple[float, Tensor, int]:
        """Move the parameters along the direction; return the loss and the gradient there, and the evaluations made."""
        group, direction = self.param_groups[0], state["d"]
        search = group["line_search_fn"]
        if search is not None:
            if search != "strong_wolfe":
                raise RuntimeError("only 'strong_wolfe' is supported")
            longest, most = direction.abs().max(), group["max_eval"] - evaluations
            found, more = strong_wolfe(self._along(closure, direction), state["t"], start, longest, most=most)
            state["t"] = found.t
            self._move(found.t, direction)
            return found.value, found.gradient, more
        self._move(state["t"], direction)
        if iteration == group["max_iter"]:  # nobody asks for the loss after the last iteration
            return start.value, start.gradient, 0
        return float(number(closure())), self._gradient(), 1

    def _arrived(self, state: dict[str, Any], loss: float, gradient: Tensor) -> bool:
        """Tell whether the gradient is flat, or the last step changed next to nothing."""
        group = self.param_groups[0]
        least = group["tolerance_change"]
        return bool(
            gradient.abs().max() <= group["tolerance_grad"]
            or state["d"].mul(state["t"]).abs().max() <= least
            or abs(loss - state["prev_loss"]) < least
        )
