"""Several transforms of samples: all, all or none, one of them, in random order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import nn

from .._arguments import happens
from ._transform import Transform

__all__ = ["Compose", "RandomApply", "RandomChoice", "RandomOrder"]


class Compose(Transform):
    """Applies transforms one after the other; TypeError for no sequence, ValueError for an empty one."""

    def __init__(self, transforms: Sequence[Callable[..., Any]]) -> None:
        super().__init__()
        if not isinstance(transforms, (Sequence, nn.ModuleList)):
            raise TypeError("Argument transforms should be a sequence of callables")
        if not transforms:
            raise ValueError("Pass at least one transform")
        self.transforms = transforms

    def _chosen(self) -> Any:
        """Return the transforms to apply."""
        return self.transforms

    def forward(self, *inputs: Any) -> Any:
        """Return the sample after the chosen transforms."""
        several = len(inputs) > 1
        for transform in self._chosen():
            outputs = transform(*inputs)
            inputs = outputs if several else (outputs,)
        return inputs if several else inputs[0]

    def extra_repr(self) -> str:
        """Return a line for each transform."""
        return "\n".join(f"    {transform}" for transform in self.transforms)


class RandomApply(Compose):
    """Applies all transforms with probability p, or none; ValueError for p outside [0, 1]."""

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__(transforms)
        if not 0.0 <= p <= 1.0:
            raise ValueError("`p` should be a floating point value in the interval [0.0, 1.0].")
        self.p = p

    def _chosen(self) -> Any:
        return self.transforms if happens(self.p) else ()


class RandomChoice(Compose):
    """Applies one of the transforms, with weights p; ValueError if there are not as many."""

    def __init__(self, transforms: Sequence[Callable[..., Any]], p: list[float] | None = None) -> None:
        super().__init__(transforms)
        weights = [1.0] * len(transforms) if p is None else p
        if len(weights) != len(transforms):
            raise ValueError(f"Length of p doesn't match the number of transforms: {len(weights)} != {len(transforms)}")
        self.p = [weight / sum(weights) for weight in weights]

    def _chosen(self) -> Any:
        return [self.transforms[int(torch.multinomial(torch.tensor(self.p), 1))]]


class RandomOrder(Compose):
    """Applies all transforms in random order."""

    def _chosen(self) -> Any:
        return [self.transforms[i] for i in torch.randperm(len(self.transforms)).tolist()]
