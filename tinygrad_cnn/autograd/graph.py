"""The graph's own objects (`torch.autograd.graph`)."""

from __future__ import annotations

from typing import Any

from .node import Node

__all__ = ["Node", "save_on_cpu", "saved_tensors_hooks"]


class saved_tensors_hooks:
    """Not implemented: packing and unpacking of saved tensors by the user's functions."""

    def __init__(self, pack_hook: Any, unpack_hook: Any) -> None:
        raise NotImplementedError("autograd.graph.saved_tensors_hooks is not implemented")


class save_on_cpu:
    """Do nothing: saved tensors are on the CPU anyway (`torch.autograd.graph.save_on_cpu`)."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        pass
