"""Optimizers and learning-rate schedules, as `torch.optim` has them."""

from tinygrad_cnn.optim import lr_scheduler
from tinygrad_cnn.optim._hooks import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from tinygrad_cnn.optim.adam import Adam
from tinygrad_cnn.optim.adamw import AdamW
from tinygrad_cnn.optim.optimizer import Optimizer
from tinygrad_cnn.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Optimizer",
    "lr_scheduler",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
]
