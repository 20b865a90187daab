"""Dropout, Dropout1d, Dropout2d, Dropout3d, AlphaDropout and FeatureAlphaDropout."""

from __future__ import annotations

from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.tensor import Tensor

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _DropoutNd(Module):
    """Drops with probability `p` in training, see the function of `functional`; returns the input in evaluation.

    Raises ValueError unless p is in [0, 1].
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """Sets each element to 0, and scales the others by 1 / (1 - p)."""

    def forward(self, input: Tensor) -> Tensor:
        """Drop in training, return the input in evaluation."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """Sets whole channels of (N, C, L) or (C, L) to 0."""

    def forward(self, input: Tensor) -> Tensor:
        """Drop in training, return the input in evaluation."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """Sets whole channels of (N, C, H, W) to 0."""

    def forward(self, input: Tensor) -> Tensor:
        """Drop in training, return the input in evaluation."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """Sets whole channels of (N, C, D, H, W) or (C, D, H, W) to 0."""

    def forward(self, input: Tensor) -> Tensor:
        """Drop in training, return the input in evaluation."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Sets elements to the floor of SELU, and keeps mean and variance; never in place, as in PyTorch."""

    def forward(self, input: Tensor) -> Tensor:
        """Drop in training, return the input in evaluation."""
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_DropoutNd):
    """AlphaDropout of whole channels."""

    def forward(self, input: Tensor) -> Tensor:
        """Drop in training, return the input in evaluation."""
        return F.feature_alpha_dropout(input, self.p, self.training)
