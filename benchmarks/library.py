"""The columns of a comparison: which package is imported, in which environment, and how it is used."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

OURS = "tinygrad_cnn"

# glibc gives every large block back to the system when it is freed, and page faults of the next one follow; told to
# keep its memory, PyTorch needs no other allocator to show what its kernels can do.
KEEP_MEMORY = {
    "GLIBC_TUNABLES": "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=34359738368:glibc.malloc.top_pad=67108864"
}


@dataclass(frozen=True)
class Library:
    """One column: `tuned` means channels_last tensors and models, and fused optimizers."""

    name: str
    package: str
    tuned: bool = False
    environment: dict[str, str] = field(default_factory=dict)

    def load(self) -> None:
        """Import what the first task would import otherwise, without computing anything (no thread may start)."""
        importlib.import_module(self.package)
        if self.package == "torch":
            importlib.import_module("torch._dynamo")  # which every optimizer asks for, and which takes a second

    @property
    def module(self) -> Any:
        """Return the imported package."""
        return importlib.import_module(self.package)

    def place(self, value: Any) -> Any:
        """Return a tensor or a model in the memory format in which this column works."""
        if not self.tuned or getattr(value, "ndim", 4) != 4:
            return value
        return value.to(memory_format=self.module.channels_last)

    def optimizer_options(self) -> dict[str, Any]:
        """Return what the column passes to an optimizer besides its hyperparameters."""
        return {"fused": True} if self.tuned else {}


def get_library(name: str) -> Library:
    """Return the column of that name; ValueError if its package is not installed."""
    library = Library(name, name)
    if name == "torch-tuned":
        library = Library(name, "torch", tuned=True, environment=KEEP_MEMORY)
    for package in [library.package, *(["onnx"] if name == "onnxruntime" else [])]:
        if find_spec(package) is None:
            raise ValueError(f"{name} needs the package {package}, which is not installed here")
    return library
