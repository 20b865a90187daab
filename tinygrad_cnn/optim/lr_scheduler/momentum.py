"""The momentum that CyclicLR and OneCycleLR move against the rate: SGD's, or Adam's first beta."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.optim.optimizer import Optimizer

__all__ = ["check_momentum", "set_momentum"]


def check_momentum(optimizer: Optimizer) -> bool:
    """Return whether an optimizer's momentum is its first beta; ValueError if it has neither."""
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
    return "betas" in optimizer.defaults


def set_momentum(group: dict[str, Any], value: float, use_beta1: bool) -> None:
    """Set a group's momentum."""
    if use_beta1:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value
