"""Schedules of the learning rate, as `torch.optim.lr_scheduler` has them."""

from tinygrad_cnn.optim.lr_scheduler.base import LRScheduler
from tinygrad_cnn.optim.lr_scheduler.decay import CosineAnnealingLR, ExponentialLR, LambdaLR, MultiStepLR, StepLR
from tinygrad_cnn.optim.lr_scheduler.one_cycle import OneCycleLR

__all__ = [
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "MultiStepLR",
    "OneCycleLR",
    "StepLR",
]
