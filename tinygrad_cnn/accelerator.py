"""`torch.accelerator`: there is none; questions get their answers, everything else raises."""

from __future__ import annotations

from tinygrad_cnn import dtypes
from tinygrad_cnn._absent import refusing

__all__ = ["current_accelerator", "device_count", "is_available"]

globals().update(
    refusing(
        __name__,
        RuntimeError,
        "Cannot access accelerator device when none is available.",
        "synchronize empty_cache empty_host_cache current_device_index current_device_idx set_device_index "
        "set_device_idx device_index current_stream set_stream get_device_capability get_memory_info memory_stats "
        "memory_allocated max_memory_allocated memory_reserved max_memory_reserved reset_peak_memory_stats "
        "reset_accumulated_memory_stats",
    )
)


def is_available() -> bool:
    """Return False."""
    return False


def device_count() -> int:
    """Return 0."""
    return 0


def current_accelerator(check_available: bool = False) -> dtypes.device | None:
    """Return None."""
    return None
