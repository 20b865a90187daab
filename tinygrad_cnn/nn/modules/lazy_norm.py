"""Normalisations that learn the number of channels from their first input."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.data import tensor
from tinygrad_cnn.dtypes import int64
from tinygrad_cnn.nn.modules.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from tinygrad_cnn.nn.modules.instancenorm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from tinygrad_cnn.nn.modules.lazy import Lazy
from tinygrad_cnn.nn.parameter import UninitializedBuffer, UninitializedParameter
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyInstanceNorm1d", "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
]  # fmt: skip


class _LazyNorm(Lazy):
    """What all of them share: the arguments of the layer without num_features (affine and tracking are on)."""

    inferred = "num_features"
    num_features: int
    affine: bool
    track_running_stats: bool

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, device, dtype, bias=False)
        self.affine = affine
        self.track_running_stats = track_running_stats
        options = {"device": device, "dtype": dtype}
        made: dict[str, Any] = {}
        if affine:
            made |= {name: UninitializedParameter(**options) for name in ("weight", "bias")[: 1 + bias]}
        if track_running_stats:
            made |= {name: UninitializedBuffer(**options) for name in ("running_mean", "running_var")}
            made["num_batches_tracked"] = tensor(0, dtype=int64, device=device)
        for name, value in made.items():
            setattr(self, name, value)

    def initialize_parameters(self, input: Tensor) -> None:
        """Take num_features from dimension 1 of the first input."""
        names = ("weight", "bias", "running_mean", "running_var")
        self._materialize(input.shape[1], dict.fromkeys(names, (input.shape[1],)))


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """A BatchNorm1d whose num_features are those of its first input."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """A BatchNorm2d whose num_features are those of its first input."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """A BatchNorm3d whose num_features are those of its first input."""

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """An InstanceNorm1d whose num_features are those of its first input."""

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """An InstanceNorm2d whose num_features are those of its first input."""

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    """An InstanceNorm3d whose num_features are those of its first input."""

    cls_to_become = InstanceNorm3d
