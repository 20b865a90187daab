"""`torch.nn.parallel` on a machine with one device: a DataParallel module passes through to the module it wraps."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.nn.modules import Module

__all__ = [
    "DataParallel",
    "DistributedDataParallel",
    "data_parallel",
    "gather",
    "parallel_apply",
    "replicate",
    "scatter",
]

_NO_DEVICES = "there are no devices here to spread work over; the CPU's threads share each operation already"


class DataParallel(Module):
    """Calls `module`, as PyTorch's does where there is no CUDA device; its names get `module.` in front.

    device_ids, output_device and dim are accepted and change nothing.
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[Any] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Return `module(*inputs, **kwargs)`."""
        return self.module(*inputs, **kwargs)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Any = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: Any = None,
) -> Any:
    """Raise RuntimeError, as PyTorch's without a device."""
    raise RuntimeError("device type could not be determined")


class DistributedDataParallel(Module):
    """Raises RuntimeError: this is a build without `torch.distributed`."""

    def __init__(self, module: Module, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError(
            "DistributedDataParallel: this is a build without distributed training, torch.distributed.is_available() "
            "is False"
        )


def scatter(inputs: Any, target_gpus: Any, dim: int = 0) -> Any:
    """Raise NotImplementedError."""
    raise NotImplementedError(f"scatter: {_NO_DEVICES}")


def gather(outputs: Any, target_device: Any, dim: int = 0) -> Any:
    """Raise NotImplementedError."""
    raise NotImplementedError(f"gather: {_NO_DEVICES}")


def replicate(network: Module, devices: Any, detach: bool = False) -> Any:
    """Raise NotImplementedError."""
    raise NotImplementedError(f"replicate: {_NO_DEVICES}")


def parallel_apply(modules: Any, inputs: Any, kwargs_tup: Any = None, devices: Any = None) -> Any:
    """Raise NotImplementedError."""
    raise NotImplementedError(f"parallel_apply: {_NO_DEVICES}")
