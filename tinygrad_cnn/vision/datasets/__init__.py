"""Data sets of images (`torchvision.datasets`) and the reader of the IDX format."""

from tinygrad_cnn.vision.datasets.idx import read_idx
from tinygrad_cnn.vision.datasets.mnist import MNIST
from tinygrad_cnn.vision.datasets.vision import VisionDataset

__all__ = ["MNIST", "VisionDataset", "read_idx"]
