"""The older interface of the profiler (`torch.autograd.profiler`)."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn import profiler
from tinygrad_cnn.profiler import EventList, FunctionEventAvg, ProfilerAction, record_function

__all__ = ["EventList", "FunctionEventAvg", "profile", "record_function"]


class profile(profiler.profile):
    """Measures what runs inside a `with` block, if `enabled`; options of devices and details add nothing."""

    def __init__(self, enabled: bool = True, **options: Any) -> None:
        action = ProfilerAction.RECORD if enabled else ProfilerAction.NONE
        super().__init__(schedule=lambda step: action)

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all functions together."""
        return self.key_averages().self_cpu_time_total

    def table(self, sort_by: str | None = None, row_limit: int = 100, **options: Any) -> str:
        """Return the rows as text."""
        return self.key_averages().table(sort_by, row_limit, **options)
