"""`torch.cuda.nvtx` without NVIDIA's tools: RuntimeError, as in PyTorch's CPU build."""

from __future__ import annotations

from tinygrad_cnn._absent import refusing

__all__ = ["mark", "range_end", "range_pop", "range_push", "range_start"]  # noqa: F822

_MESSAGE = "NVTX functions not installed. Are you sure you have a CUDA build?"
globals().update(refusing(__name__, RuntimeError, _MESSAGE, " ".join([*__all__, "range"])))
