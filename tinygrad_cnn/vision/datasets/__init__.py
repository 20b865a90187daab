"""Data sets of images (`torchvision.datasets`) and the reader of the IDX format."""

from tinygrad_cnn.vision.datasets.cifar import CIFAR10, CIFAR100
from tinygrad_cnn.vision.datasets.fakedata import FakeData
from tinygrad_cnn.vision.datasets.folder import DatasetFolder, ImageFolder
from tinygrad_cnn.vision.datasets.idx import read_idx
from tinygrad_cnn.vision.datasets.mnist import MNIST
from tinygrad_cnn.vision.datasets.mnist_variants import EMNIST, KMNIST, QMNIST, FashionMNIST
from tinygrad_cnn.vision.datasets.stl10 import STL10
from tinygrad_cnn.vision.datasets.svhn import SVHN
from tinygrad_cnn.vision.datasets.usps import USPS
from tinygrad_cnn.vision.datasets.vision import VisionDataset

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "EMNIST",
    "KMNIST",
    "MNIST",
    "QMNIST",
    "STL10",
    "SVHN",
    "USPS",
    "DatasetFolder",
    "FakeData",
    "FashionMNIST",
    "ImageFolder",
    "VisionDataset",
    "read_idx",
]
