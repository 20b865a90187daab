"""Modules on several devices (`torch.nn.parallel`): there is one, the CPU."""

from tinygrad_cnn.nn.parallel.data_parallel import DataParallel

__all__ = ["DataParallel"]
