"""The modules of `torch.nn` that exist here."""

from tinygrad_cnn.nn.modules.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from tinygrad_cnn.nn.modules.batchnorm import BatchNorm2d
from tinygrad_cnn.nn.modules.container import ModuleDict, ModuleList, Sequential
from tinygrad_cnn.nn.modules.conv import Conv2d
from tinygrad_cnn.nn.modules.dropout import Dropout
from tinygrad_cnn.nn.modules.flatten import Flatten, Unflatten
from tinygrad_cnn.nn.modules.gates import (
    GELU,
    GLU,
    Hardsigmoid,
    Hardswish,
    LogSigmoid,
    Mish,
    SiLU,
    Softmax2d,
    Softmin,
    Softplus,
    Softsign,
    Tanhshrink,
)
from tinygrad_cnn.nn.modules.linear import Identity, Linear
from tinygrad_cnn.nn.modules.loss import CrossEntropyLoss, MSELoss, NLLLoss
from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.nn.modules.parameters import ParameterDict, ParameterList
from tinygrad_cnn.nn.modules.pooling import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d, MinPool2d
from tinygrad_cnn.nn.modules.rectifiers import (
    CELU,
    ELU,
    SELU,
    Hardshrink,
    Hardtanh,
    LeakyReLU,
    PReLU,
    ReLU6,
    RReLU,
    Softshrink,
    Threshold,
)

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "AvgPool2d",
    "BatchNorm2d",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "Identity",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MaxPool2d",
    "MinPool2d",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "PReLU",
    "ParameterDict",
    "ParameterList",
    "RReLU",
    "ReLU",
    "ReLU6",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "Unflatten",
]
