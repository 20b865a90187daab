"""Schedules of the learning rate, as `torch.optim.lr_scheduler` has them."""

from tinygrad_cnn.optim.lr_scheduler.base import LRScheduler, _LRScheduler
from tinygrad_cnn.optim.lr_scheduler.combined import ChainedScheduler, SequentialLR
from tinygrad_cnn.optim.lr_scheduler.cyclic import CosineAnnealingWarmRestarts, CyclicLR
from tinygrad_cnn.optim.lr_scheduler.decay import CosineAnnealingLR, ExponentialLR, LambdaLR, MultiStepLR, StepLR
from tinygrad_cnn.optim.lr_scheduler.one_cycle import OneCycleLR
from tinygrad_cnn.optim.lr_scheduler.plateau import ReduceLROnPlateau
from tinygrad_cnn.optim.lr_scheduler.warmup import ConstantLR, LinearLR, MultiplicativeLR, PolynomialLR

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "_LRScheduler",
]
