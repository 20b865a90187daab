"""`torch.profiler`: how long the operations of a program take, on the thread that asks, by Python's own cProfile.

    with profile() as prof:
        train_step()
    print(prof.key_averages().table(sort_by="self_cpu_time_total", row_limit=10))

Rows are the functions of this package, kernels as part of those in `core` that call them, and the ranges that
`record_function` marks. Times include what the profiler itself costs, some tenths of a
microsecond a call. Shapes, memory, stacks and FLOPs are not recorded.
"""

from tinygrad_cnn.profiler.events import EventList, FunctionEventAvg
from tinygrad_cnn.profiler.profile import (
    ProfilerAction,
    ProfilerActivity,
    profile,
    record_function,
    schedule,
    supported_activities,
    tensorboard_trace_handler,
)

__all__ = [
    "EventList",
    "FunctionEventAvg",
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]
