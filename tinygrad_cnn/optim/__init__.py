"""Optimizers and learning-rate schedules, as `torch.optim` has them."""

from tinygrad_cnn.optim import lr_scheduler, swa_utils
from tinygrad_cnn.optim._hooks import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from tinygrad_cnn.optim.adadelta import Adadelta
from tinygrad_cnn.optim.adafactor import Adafactor
from tinygrad_cnn.optim.adagrad import Adagrad
from tinygrad_cnn.optim.adam import Adam
from tinygrad_cnn.optim.adamax import Adamax
from tinygrad_cnn.optim.adamw import AdamW
from tinygrad_cnn.optim.asgd import ASGD
from tinygrad_cnn.optim.lbfgs import LBFGS
from tinygrad_cnn.optim.muon import Muon
from tinygrad_cnn.optim.nadam import NAdam
from tinygrad_cnn.optim.optimizer import Optimizer
from tinygrad_cnn.optim.radam import RAdam
from tinygrad_cnn.optim.rmsprop import RMSprop
from tinygrad_cnn.optim.rprop import Rprop
from tinygrad_cnn.optim.sgd import SGD
from tinygrad_cnn.optim.sparse_adam import SparseAdam

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SparseAdam",
    "lr_scheduler",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
    "swa_utils",
]
