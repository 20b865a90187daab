"""GradScaler: losses multiplied by a large number, so that gradients do not vanish in low precision, and its care."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from tinygrad_cnn.autograd.grad_mode import no_grad
from tinygrad_cnn.creation import full
from tinygrad_cnn.tensor import Tensor

__all__ = ["GradScaler", "OptState"]

_FIX = "This may indicate your script did not use scaler.scale(loss or outputs) earlier in the iteration."


class OptState:
    """How far an optimizer has come since the last `update`."""

    READY, UNSCALED, STEPPED = range(3)


class GradScaler:
    """Scales losses and unscales gradients; skips steps with infinite or NaN gradients (`torch.amp.GradScaler`).

    After such a step the scale is multiplied by backoff_factor, after growth_interval good ones by growth_factor.
    device 'cuda' (the default) warns and disables it, as PyTorch's CPU build does: `step` then only steps. 'cpu' works.
    AssertionError for factors on the wrong side of 1 and for a step without a scaled loss, RuntimeError for steps and
    unscaling in the wrong order.
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = device
        self._enabled = enabled and device != "cuda"
        if enabled and device == "cuda":
            warnings.warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.", stacklevel=2)
        if not self._enabled:
            return
        if growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._init_scale = init_scale
        self._scale: Tensor | None = None
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._good_steps = 0
        self._states: dict[int, dict[str, Any]] = {}

    def _the_scale(self, function: str) -> Tensor:
        if self._scale is None:
            raise AssertionError(f"Attempted {function} but _scale is None.  {_FIX}")
        return self._scale

    def _state(self, optimizer: Any) -> dict[str, Any]:
        return self._states.setdefault(id(optimizer), {"stage": OptState.READY, "found_inf": None})

    def scale(self, outputs: Any) -> Any:
        """Return a tensor, or an iterable of such, times the scale."""
        if not self._enabled:
            return outputs
        if self._scale is None:
            self._scale = full((), self._init_scale)
        if isinstance(outputs, Tensor):
            return outputs * self._scale
        if isinstance(outputs, Iterable):
            scaled = map(self.scale, outputs)
            return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def unscale_(self, optimizer: Any) -> None:
        """Divide an optimizer's gradients by the scale, for instance to clip them; once before a step."""
        if not self._enabled:
            return
        scale = self._the_scale("unscale_")
        state = self._state(optimizer)
        if state["stage"] == OptState.UNSCALED:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if state["stage"] == OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        found = None
        factor = 1.0 / scale.item()
        with no_grad():
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    gradient = parameter.grad
                    if gradient is None:
                        continue
                    if str(gradient.dtype) == "torch.float16":
                        raise ValueError("Attempting to unscale FP16 gradients.")
                    gradient.mul_(factor)
                    found = bool(found) or not bool(gradient.isfinite().all())
        state["found_inf"], state["stage"] = found, OptState.UNSCALED

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Unscale if that has not been done, and `optimizer.step(*args, **kwargs)` unless a gradient is infinite."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._the_scale("step")
        state = self._state(optimizer)
        if state["stage"] == OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if state["stage"] == OptState.READY:
            self.unscale_(optimizer)
        if state["found_inf"] is None:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        result = None if state["found_inf"] else optimizer.step(*args, **kwargs)
        state["stage"] = OptState.STEPPED
        return result

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Adapt the scale to how the steps went, or set it."""
        if not self._enabled:
            return
        scale = self._the_scale("update")
        if new_scale is not None:
            scale.fill_(new_scale if isinstance(new_scale, (int, float)) else new_scale.item())
        else:
            found = [state["found_inf"] for state in self._states.values() if state["found_inf"] is not None]
            if not found:
                raise AssertionError("No inf checks were recorded prior to update.")
            self._adapt(scale, any(found))
        self._states.clear()

    def _adapt(self, scale: Tensor, overflown: bool) -> None:
        if overflown:
            scale.mul_(self._backoff_factor)
            self._good_steps = 0
            return
        self._good_steps += 1
        if self._good_steps == self._growth_interval:
            grown = scale * self._growth_factor
            if bool(grown.isfinite()):
                scale.copy_(grown)
            self._good_steps = 0

    def get_scale(self) -> float:
        """Return the scale; 1.0 if disabled."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else float(self._scale.item())

    def is_enabled(self) -> bool:
        """Return whether anything is scaled."""
        return self._enabled

    def get_growth_factor(self) -> float:
        """Return the factor after good steps."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set the factor after good steps."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """Return the factor after a skipped step."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set the factor after a skipped step."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """Return after how many good steps the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set after how many good steps the scale grows."""
        self._growth_interval = new_interval

    def state_dict(self) -> dict[str, Any]:
        """Return the scale and its rules; {} if disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._good_steps,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken; RuntimeError for that of a disabled scaler."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        self._init_scale = state_dict["scale"]
        if self._scale is not None:
            self._scale.fill_(state_dict["scale"])
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._good_steps = state_dict["_growth_tracker"]
