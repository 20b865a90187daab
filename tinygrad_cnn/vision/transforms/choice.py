"""Transforms that choose among transforms: apply or not, one of them, all in random order."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import nn
from tinygrad_cnn._absent import abstract

from .conversion import listed

__all__ = ["RandomApply", "RandomChoice", "RandomOrder"]


class RandomTransforms:
    """Base class of choices from a sequence of transforms; TypeError for no sequence."""

    def __init__(self, transforms: Sequence[Callable[..., Any]]) -> None:
        if not isinstance(transforms, Sequence):
            raise TypeError("Argument transforms should be a sequence")
        self.transforms = transforms

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the chosen transforms."""
        raise abstract(self, "__call__")

    def __repr__(self) -> str:
        return listed(type(self).__name__, self.transforms)


class RandomApply(nn.Module):
    """Applies all of a sequence (or ModuleList) of transforms with probability p, or none."""

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__()
        self.transforms = transforms
        self.p = p

    def forward(self, img: Any) -> Any:
        """Return the image, transformed or not."""
        if self.p < torch.rand(1):
            return img
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return listed(type(self).__name__, [f"p={self.p}", *self.transforms])


class RandomOrder(RandomTransforms):
    """Applies transforms in random order, which Python's `random` draws as in torchvision."""

    def __call__(self, img: Any) -> Any:
        """Return the transformed image."""
        order = list(range(len(self.transforms)))
        random.shuffle(order)
        for i in order:
            img = self.transforms[i](img)
        return img


class RandomChoice(RandomTransforms):
    """Applies one transform, drawn by Python's `random` with weights p; TypeError if p is no sequence."""

    def __init__(self, transforms: Sequence[Callable[..., Any]], p: Sequence[float] | None = None) -> None:
        super().__init__(transforms)
        if p is not None and not isinstance(p, Sequence):
            raise TypeError("Argument p should be a sequence")
        self.p = p

    def __call__(self, *args: Any) -> Any:
        """Return what the chosen transform returns."""
        return random.choices(self.transforms, weights=self.p)[0](*args)

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"
