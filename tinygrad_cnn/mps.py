"""`torch.mps` without Apple's graphics processors: there are none, and everything else raises."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._absent import refusing

__all__ = ["device_count", "is_available", "manual_seed"]

for _name, _internal in {
    "current_allocated_memory": "getCurrentAllocatedMemory",
    "driver_allocated_memory": "getDriverAllocatedMemory",
    "recommended_max_memory": "getRecommendedMaxMemory",
    "empty_cache": "emptyCache",
    "synchronize": "deviceSynchronize",
    "get_rng_state": "getDefaultGenerator",
    "set_rng_state": "getDefaultGenerator",
    "seed": "getDefaultGenerator",
    "set_per_process_memory_fraction": "setMemoryFraction",
}.items():
    globals().update(refusing(__name__, RuntimeError, f"Cannot execute {_internal}() without MPS backend.", _name))


def is_available() -> bool:
    """Return False."""
    return False


def device_count() -> int:
    """Return 0."""
    return 0


def manual_seed(seed: int) -> Any:
    """Do nothing, as PyTorch without such a device; ValueError if `seed` is no int."""
    int(seed)
