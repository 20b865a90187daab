"""Transforms of batches that mix each image with the one before it, and their labels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn._absent import abstract
from tinygrad_cnn.nn.functional import one_hot
from tinygrad_cnn.tensor import Tensor
from tinygrad_cnn.vision._extras import is_pillow_image

from .. import functional as F
from .._arguments import integer
from .._dirichlet import sample_dirichlet
from ._transform import Transform, leaves, map_leaves

__all__ = ["CutMix", "MixUp"]


def _default_labels(sample: Any) -> Any:
    """Return the second part, or what a dictionary there calls its labels."""
    if isinstance(sample, (tuple, list)):
        sample = sample[1]
    if isinstance(sample, Tensor):
        return sample
    if not isinstance(sample, dict):
        raise ValueError(
            "When using the default labels_getter, the input passed to forward must be a dictionary or a two-tuple "
            f"whose second item is a dictionary or a tensor, but got {sample} instead."
        )
    names = [name for name in sample if name.lower() == "labels"] or [
        name for name in sample if "label" in name.lower()
    ]
    if not names:
        raise ValueError(
            "Could not infer where the labels are in the sample. Try passing a callable as the labels_getter parameter?"
            "If there are no labels in the sample by design, pass labels_getter=None."
        )
    return sample[names[0]]


class _Mixing(Transform):
    """What both have in common: finding and mixing the labels, and the share from a Beta(alpha, alpha) distribution."""

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        num_classes: int | None = None,
        labels_getter: str | Callable[[Any], Any] = "default",
    ) -> None:
        super().__init__()
        self.alpha = float(alpha)
        self.num_classes = num_classes
        if labels_getter != "default" and not callable(labels_getter):
            raise ValueError(f"labels_getter should either be 'default', a callable, or None, but got {labels_getter}.")
        self._labels_getter: Any = _default_labels if labels_getter == "default" else labels_getter

    def _share(self) -> float:
        """Draw the share of the image itself."""
        return float(sample_dirichlet(torch.tensor([[self.alpha, self.alpha]]))[0, 0])

    def _mix(self, images: Tensor) -> tuple[Tensor, float]:
        """Return mixed images and the share of the first ones."""
        raise abstract(self, "_mix")

    def _labels(self, sample: Any) -> Tensor:
        """Return the labels of a sample; ValueError for what cannot be mixed."""
        labels = self._labels_getter(sample)
        if not isinstance(labels, Tensor):
            raise ValueError(f"The labels must be a tensor, but got {type(labels)} instead.")
        if labels.ndim not in (1, 2):
            raise ValueError(
                "labels should be index based with shape (batch_size,) or probability based with shape (batch_size, "
                f"num_classes), but got a tensor of shape {labels.shape} instead."
            )
        if labels.ndim == 2 and self.num_classes is not None and labels.shape[-1] != self.num_classes:
            raise ValueError(
                "When passing 2D labels, the number of elements in last dimension must match num_classes: "
                f"{labels.shape[-1]} != {self.num_classes}. You can Leave num_classes to None."
            )
        if labels.ndim == 1 and self.num_classes is None:
            raise ValueError("num_classes must be passed if the labels are index-based (1D)")
        return labels

    def forward(self, *inputs: Any) -> Any:
        """Return the batch, mixed, with labels (N, classes)."""
        sample = inputs if len(inputs) > 1 else inputs[0]
        parts = leaves(sample)
        if any(map(is_pillow_image, parts)):
            raise ValueError(
                f"{type(self).__name__}() does not support PIL images, bounding boxes, keypoints and masks."
            )
        labels = self._labels(sample)
        images = next(part for part, wanted in zip(parts, self._wanted(parts), strict=True) if wanted)
        mixed, share = self._mix(images)
        if images.ndim != 4:
            raise ValueError(f"Expected a batched input with 4 dims, but got {images.ndim} dimensions instead.")
        if images.shape[0] != labels.shape[0]:
            raise ValueError(
                "The batch size of the image or video does not match the batch size of the labels: "
                f"{images.shape[0]} != {labels.shape[0]}."
            )
        if labels.ndim == 1:
            mixed_labels = one_hot(labels, num_classes=self.num_classes or -1).float()
        else:
            mixed_labels = labels if labels.is_floating_point() else labels.float()
        mixed_labels = mixed_labels.roll(1, 0).mul_(1.0 - share).add_(mixed_labels.mul(share))
        replaced = {id(images): mixed, id(labels): mixed_labels}
        return map_leaves(lambda part: replaced.get(id(part), part), sample)


class MixUp(_Mixing):
    """Mixes each image of a batch (N, C, H, W) with the one before it, in random shares (Zhang, arXiv:1710.09412).

    Labels (N,), for which num_classes is needed, or (N, classes) are mixed alike. labels_getter: how to find them in a
    sample; by default the second part, or its "labels". ValueError for other inputs.
    """

    def _mix(self, images: Tensor) -> tuple[Tensor, float]:
        share = self._share()
        return images.roll(1, 0).mul_(1.0 - share).add_(images.mul(share)), share


class CutMix(_Mixing):
    """Puts a rectangle of the image before it into each image of a batch (N, C, H, W) (Yun et al., arXiv:1905.04899).

    Labels are mixed by the rectangle's share of the area; see `MixUp`.
    """

    def _mix(self, images: Tensor) -> tuple[Tensor, float]:
        share = self._share()
        _, height, width = F.get_dimensions(images)
        x, y = integer(0, width), integer(0, height)
        half = 0.5 * math.sqrt(1.0 - share)
        left, right = max(x - int(half * width), 0), min(x + int(half * width), width)
        top, bottom = max(y - int(half * height), 0), min(y + int(half * height), height)
        mixed = images.clone()
        mixed[..., top:bottom, left:right] = images.roll(1, 0)[..., top:bottom, left:right]
        return mixed, 1.0 - (right - left) * (bottom - top) / (width * height)
