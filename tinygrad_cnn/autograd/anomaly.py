"""Anomaly detection: where in the forward pass the trouble of a backward pass began."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .grad_mode import anomaly

if TYPE_CHECKING:
    from .node import Node

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class set_detect_anomaly:
    """Turn anomaly detection on or off at once; as a context manager, restore it at the end.

    `check_nan`: also raise RuntimeError as soon as a backward function returns NaN
    (`torch.autograd.set_detect_anomaly`).
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        for name, value in (("enabled", mode), ("check_nan", check_nan)):
            if not isinstance(value, bool):
                raise TypeError(f"set_anomaly_enabled(): argument '{name}' must be bool, not {type(value).__name__}")
        self._before = anomaly.enabled, anomaly.check_nan
        anomaly.enabled, anomaly.check_nan = mode, check_nan

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        anomaly.enabled, anomaly.check_nan = self._before


class detect_anomaly:
    """Record, inside, where each operation was called, and say so if its backward fails or makes NaN.

    For debugging only: it is slow, and says so in a warning as `torch.autograd.detect_anomaly` does.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self._check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self._setting = set_detect_anomaly(True, self._check_nan)

    def __exit__(self, *exception: object) -> None:
        self._setting.__exit__()


def is_anomaly_enabled() -> bool:
    """Return whether anomaly detection is on (`torch.is_anomaly_enabled`)."""
    return anomaly.enabled


def is_anomaly_check_nan_enabled() -> bool:
    """Return whether it looks for NaN (`torch.is_anomaly_check_nan_enabled`)."""
    return anomaly.check_nan


def set_anomaly_enabled(mode: bool, check_nan: bool = True) -> None:
    """Turn anomaly detection on or off (`torch.set_anomaly_enabled`); TypeError unless both are bools."""
    set_detect_anomaly(mode, check_nan)


def run_watched(node: Node, grads: list[Any]) -> tuple[Any, ...]:
    """Run a node; on an error or a NaN in its result, show the forward call that made it."""
    try:
        result = node.run(grads)
    except Exception:
        show_origin(node)
        raise
    if anomaly.check_nan:
        for index, grad in enumerate(result):
            if grad is not None and np.isnan(grad._array).any():
                show_origin(node)
                raise RuntimeError(f"Function '{node.name()}' returned nan values in its {index}th output.")
    return result


def show_origin(node: Node) -> None:
    """Warn with the traceback of the forward call that made `node`."""
    if node._origin is None:
        text = (
            f"Error detected in {node.name()}. No forward pass information available. Enable detect anomaly during "
            "forward pass for more information."
        )
    else:
        where = "".join(node._origin)
        text = f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n{where}"
    warnings.warn(text, stacklevel=2)
