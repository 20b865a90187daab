"""Functions of `torch.nn.functional`: layers without state. Here arguments are checked as PyTorch does."""

from tinygrad_cnn.nn.functional.activation import log_softmax, relu, relu_, sigmoid, softmax, tanh
from tinygrad_cnn.nn.functional.adaptive import (
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    adaptive_max_pool2d_with_indices,
)
from tinygrad_cnn.nn.functional.conv import conv2d, conv_transpose2d
from tinygrad_cnn.nn.functional.dropout import dropout
from tinygrad_cnn.nn.functional.linear import linear, one_hot
from tinygrad_cnn.nn.functional.loss import cross_entropy, mse_loss, nll_loss
from tinygrad_cnn.nn.functional.norm import batch_norm
from tinygrad_cnn.nn.functional.padding import pad
from tinygrad_cnn.nn.functional.pooling import (
    avg_pool2d,
    max_pool2d,
    max_pool2d_with_indices,
    min_pool2d,
    min_pool2d_with_indices,
)

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "avg_pool2d",
    "batch_norm",
    "conv2d",
    "conv_transpose2d",
    "cross_entropy",
    "dropout",
    "linear",
    "log_softmax",
    "max_pool2d",
    "max_pool2d_with_indices",
    "min_pool2d",
    "min_pool2d_with_indices",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "pad",
    "relu",
    "relu_",
    "sigmoid",
    "softmax",
    "tanh",
]
