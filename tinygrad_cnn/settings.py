"""Switches for the whole process: determinism, precision of products, the default device, denormals, warnings.

Most are answers: results are deterministic, products are exact float32, the device is the CPU and kernels flush
denormals, whatever is asked for.
"""

from __future__ import annotations

import warnings
from typing import Any

from tinygrad_cnn import dtypes

__all__ = [
    "are_deterministic_algorithms_enabled",
    "get_default_device",
    "get_deterministic_debug_mode",
    "get_device_module",
    "get_float32_matmul_precision",
    "is_deterministic_algorithms_warn_only_enabled",
    "is_warn_always_enabled",
    "set_default_device",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_warn_always",
    "use_deterministic_algorithms",
]

_state: dict[str, Any] = {"deterministic": False, "warn_only": False, "precision": "highest", "warn_always": False}
_MODES = ("default", "warn", "error")


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for the same results in each run, which there are anyway (`torch.use_deterministic_algorithms`)."""
    if not isinstance(mode, bool):
        raise TypeError(
            f"_set_deterministic_algorithms(): argument 'mode' (position 1) must be bool, not {type(mode).__name__}"
        )
    _state.update(deterministic=mode, warn_only=bool(warn_only))


def are_deterministic_algorithms_enabled() -> bool:
    """Return what was asked for."""
    return bool(_state["deterministic"])


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Return what was asked for."""
    return bool(_state["warn_only"])


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Set both switches by one of "default" (0), "warn" (1), "error" (2)."""
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in _MODES:
            raise RuntimeError(
                "invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got " + debug_mode
            )
        debug_mode = _MODES.index(debug_mode)
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    use_deterministic_algorithms(debug_mode > 0, warn_only=debug_mode == 1)


def get_deterministic_debug_mode() -> int:
    """Return 0, 1 or 2, see `set_deterministic_debug_mode`."""
    return 0 if not _state["deterministic"] else 1 if _state["warn_only"] else 2


def set_float32_matmul_precision(precision: str) -> None:
    """Allow less precise products of float32 matrices, which nobody computes here; warn for an unknown word."""
    if precision not in ("highest", "high", "medium"):
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the currentsetFloat32MatmulPrecision call has "
            "no effect.",
            stacklevel=2,
        )
        return
    _state["precision"] = precision


def get_float32_matmul_precision() -> str:
    """Return what was set."""
    return str(_state["precision"])


def set_default_device(device: Any) -> None:
    """Set where new tensors are made: on the CPU. Another device raises here what PyTorch's CPU build raises later."""
    dtypes.check_device(device)


def get_default_device() -> dtypes.device:
    """Return the CPU."""
    return dtypes.CPU


def get_device_module(device: Any = None) -> Any:
    """Return the module of a type of device: `torch.cpu`, `torch.cuda`, ...; RuntimeError for one without."""
    import importlib

    kind = dtypes.CPU.type if device is None else dtypes.device(device).type
    if kind not in ("cpu", "cuda", "mps", "xpu"):
        raise RuntimeError(f"Device '{kind}' does not have a corresponding module registered as 'torch.{kind}'.")
    return importlib.import_module(f"{__name__.split('.')[0]}.{kind}")


def set_flush_denormal(mode: bool) -> bool:
    """Return whether the wish is met: kernels always flush denormals, other code never (`torch.set_flush_denormal`)."""
    return bool(mode)


def set_warn_always(b: bool) -> None:
    """Keep the switch; warnings follow Python's filters in any case."""
    _state["warn_always"] = bool(b)


def is_warn_always_enabled() -> bool:
    """Return what was set."""
    return bool(_state["warn_always"])
