"""Data sets of images and their transforms, as torchvision names them."""

from tinygrad_cnn.vision import datasets, transforms

__all__ = ["datasets", "transforms"]
