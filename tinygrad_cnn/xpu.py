"""`torch.xpu` without Intel's graphics processors: there are none, and everything else raises."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._absent import refusing
from tinygrad_cnn.cuda import (
    device_count,
    empty_cache,
    get_rng_state_all,
    is_available,
    is_bf16_supported,
    is_initialized,
    manual_seed,
    manual_seed_all,
    max_memory_allocated,
    max_memory_reserved,
    memory_allocated,
    memory_reserved,
    memory_stats,
    seed,
    seed_all,
    set_rng_state,
    set_rng_state_all,
)

__all__ = [
    "device_count",
    "empty_cache",
    "get_rng_state_all",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "max_memory_reserved",
    "memory_allocated",
    "memory_reserved",
    "memory_stats",
    "seed",
    "seed_all",
    "set_rng_state",
    "set_rng_state_all",
]

default_generators: tuple[Any, ...] = ()
globals().update(
    refusing(
        __name__,
        AssertionError,
        "Torch not compiled with XPU enabled",
        "init synchronize set_device current_device current_stream get_device_name get_device_capability "
        "get_device_properties get_rng_state initial_seed mem_get_info Stream Event",
    )
)
