"""`torch.version`: the version of this package, and that it is built for no device but the CPU."""

from __future__ import annotations

from tinygrad_cnn._version import __version__

__all__ = ["__version__", "cuda", "debug", "hip", "xpu"]

cuda: str | None = None
hip: str | None = None
rocm: str | None = None
xpu: str | None = None
git_version: str | None = None
debug = False
