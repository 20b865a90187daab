"""Transforms of images (`torchvision.transforms`): from Pillow images or arrays to normalised tensors, augmentation.

Randomness comes from the default generator in torchvision's order, so that after the same `manual_seed` the same
crops and flips are drawn.
"""

# The imports are the exports.
# ruff: noqa: F403
from . import autoaugment, functional, transforms
from .autoaugment import *
from .transforms import *

__all__ = ["autoaugment", "functional"]
__all__ += autoaugment.__all__ + [name for name in transforms.__all__ if name != "RandomTransforms"]
