"""autocast: lower precision where a device gains by it. There is none here: it says so, and everything stays float32.

PyTorch's CPU build would compute convolutions and matrix products in bfloat16, for which there are no kernels here.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from tinygrad_cnn import dtypes

__all__ = [
    "autocast",
    "custom_bwd",
    "custom_fwd",
    "get_autocast_dtype",
    "is_autocast_available",
    "is_autocast_cache_enabled",
    "is_autocast_enabled",
]

_DEVICES = ("cpu", "cuda", "xpu", "mps", "hpu", "mtia", "maia", "xla", "ipu", "privateuseone")


def is_autocast_available(device_type: str) -> bool:
    """Return whether a type of device has an autocast, in PyTorch: whether it is there is another question."""
    return dtypes.device(device_type).type in _DEVICES


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Return False."""
    return False


def is_autocast_cache_enabled() -> bool:
    """Return True, PyTorch's default."""
    return True


def get_autocast_dtype(device_type: str) -> dtypes.dtype:
    """Return the dtype that autocast would compute in: bfloat16 on the CPU, float16 on others."""
    return dtypes.bfloat16 if dtypes.device(device_type).type in ("cpu", "xla") else dtypes.float16


class autocast:
    """A context (or decorator) that does nothing; it warns where PyTorch's would, or would have computed in bfloat16.

    device_type: 'cuda' warns that it is disabled, as PyTorch's CPU build; 'cpu' warns that there is no bfloat16.
    Raises ValueError for a device_type that is no str, RuntimeError for an unknown device.
    """

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if not is_autocast_available(device_type):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        self.device = dtypes.device(device_type).type
        self.fast_dtype = dtype
        if enabled and self.device == "cuda":
            warnings.warn("CUDA is not available or torch_xla is imported. Disabling autocast.", stacklevel=2)
        elif enabled and self.device == "cpu":
            lower = dtype is None or str(dtype) in ("torch.bfloat16", "torch.float16")
            reason = (
                "there are no bfloat16 and float16 kernels here, so everything is computed as it is without. Disabling "
                "autocast."
                if lower
                else "the target dtype is not supported. Disabling autocast.\nCPU Autocast only supports dtypes of "
                "torch.bfloat16, torch.float16 currently."
            )
            warnings.warn(f"In CPU autocast, but {reason}", stacklevel=2)

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that runs `func` in this context."""

        @functools.wraps(func)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with self:
                return func(*args, **kwargs)

        return decorated


def custom_fwd(fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: Any = None) -> Any:
    """Mark the forward of a Function as ready for autocast, which there is none of: it is called as it is."""
    _check_device(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        args[0]._fwd_used_autocast = False
        return fwd(*args, **kwargs)

    return decorated


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """Mark the backward of a Function as ready for autocast: it is called as it is."""
    _check_device(device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)
    return bwd


def _check_device(device_type: Any) -> None:
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
