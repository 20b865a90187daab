"""The modules of `torch.nn` that exist here."""

from tinygrad_cnn.nn.modules.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from tinygrad_cnn.nn.modules.batchnorm import BatchNorm2d
from tinygrad_cnn.nn.modules.container import ModuleDict, ModuleList, Sequential
from tinygrad_cnn.nn.modules.conv import Conv2d
from tinygrad_cnn.nn.modules.dropout import Dropout
from tinygrad_cnn.nn.modules.flatten import Flatten, Unflatten
from tinygrad_cnn.nn.modules.linear import Identity, Linear
from tinygrad_cnn.nn.modules.loss import CrossEntropyLoss, MSELoss, NLLLoss
from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.nn.modules.parameters import ParameterDict, ParameterList
from tinygrad_cnn.nn.modules.pooling import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d, MinPool2d

__all__ = [
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "AvgPool2d",
    "BatchNorm2d",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "Identity",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool2d",
    "MinPool2d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "ParameterDict",
    "ParameterList",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "Unflatten",
]
