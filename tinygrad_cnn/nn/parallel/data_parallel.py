"""DataParallel: without several devices it calls its module, as PyTorch's on a CPU."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.nn.modules.module import Module

__all__ = ["DataParallel"]


class DataParallel(Module):
    """Calls `module`, whose parameters it has under the prefix 'module.' (`torch.nn.DataParallel` without a GPU).

    NotImplementedError for device_ids.
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        if device_ids:
            raise NotImplementedError(f"DataParallel: device_ids={device_ids}, but there is only the CPU")
        self.module = module
        self.device_ids: list[int] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Call the module."""
        return self.module(*inputs, **kwargs)
