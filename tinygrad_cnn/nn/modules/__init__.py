"""The modules of `torch.nn` that exist here."""

from tinygrad_cnn.nn.modules.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from tinygrad_cnn.nn.modules.adaptive import AdaptiveLogSoftmaxWithLoss, LinearCrossEntropyLoss
from tinygrad_cnn.nn.modules.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d, SyncBatchNorm
from tinygrad_cnn.nn.modules.channelshuffle import ChannelShuffle
from tinygrad_cnn.nn.modules.container import ModuleDict, ModuleList, Sequential
from tinygrad_cnn.nn.modules.conv import Conv1d, Conv2d, Conv3d
from tinygrad_cnn.nn.modules.conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from tinygrad_cnn.nn.modules.dropout import Dropout
from tinygrad_cnn.nn.modules.conv import Conv2d
from tinygrad_cnn.nn.modules.dropout import AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout
from tinygrad_cnn.nn.modules.flatten import Flatten, Unflatten
from tinygrad_cnn.nn.modules.fold import Fold, Unfold
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
from tinygrad_cnn.nn.modules.instancenorm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from tinygrad_cnn.nn.modules.lazy import LazyLinear
from tinygrad_cnn.nn.modules.lazy_conv import (
    LazyConv1d,
    LazyConv2d,
    LazyConv3d,
    LazyConvTranspose1d,
    LazyConvTranspose2d,
    LazyConvTranspose3d,
)
from tinygrad_cnn.nn.modules.lazy_norm import (
    LazyBatchNorm1d,
    LazyBatchNorm2d,
    LazyBatchNorm3d,
    LazyInstanceNorm1d,
    LazyInstanceNorm2d,
    LazyInstanceNorm3d,
)
from tinygrad_cnn.nn.modules.linear import Identity, Linear
from tinygrad_cnn.nn.modules.loss import (
    CrossEntropyLoss,
    MSELoss,
    NLLLoss,
    NLLLoss2d,
)
from tinygrad_cnn.nn.modules.linear import Bilinear, Identity, Linear
from tinygrad_cnn.nn.modules.loss import CrossEntropyLoss, MSELoss, NLLLoss
from tinygrad_cnn.nn.modules.margin_loss import (
    CosineEmbeddingLoss,
    CosineSimilarity,
    HingeEmbeddingLoss,
    MarginRankingLoss,
    MultiLabelMarginLoss,
    MultiLabelSoftMarginLoss,
    MultiMarginLoss,
    PairwiseDistance,
    SoftMarginLoss,
    TripletMarginLoss,
    TripletMarginWithDistanceLoss,
)
from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.nn.modules.normalization import CrossMapLRN2d, GroupNorm, LayerNorm, LocalResponseNorm, RMSNorm
from tinygrad_cnn.nn.modules.parameters import ParameterDict, ParameterList
from tinygrad_cnn.nn.modules.pixelshuffle import PixelShuffle, PixelUnshuffle
from tinygrad_cnn.nn.modules.pointwise_loss import (
    BCELoss,
    BCEWithLogitsLoss,
    GaussianNLLLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    PoissonNLLLoss,
    SmoothL1Loss,
)
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
from tinygrad_cnn.nn.modules.rnn import GRU, LSTM, RNN, RNNBase
from tinygrad_cnn.nn.modules.rnn_cells import GRUCell, LSTMCell, RNNCell, RNNCellBase
from tinygrad_cnn.nn.modules.sparse import Embedding, EmbeddingBag
from tinygrad_cnn.nn.modules.upsampling import Upsample, UpsamplingBilinear2d, UpsamplingNearest2d

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "AdaptiveAvgPool2d",
    "AdaptiveLogSoftmaxWithLoss",
    "AdaptiveMaxPool2d",
    "AlphaDropout",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Conv1d",
    "Bilinear",
    "ChannelShuffle",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "CrossEntropyLoss",
    "CrossMapLRN2d",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "Embedding",
    "EmbeddingBag",
    "FeatureAlphaDropout",
    "Flatten",
    "GRUCell",
    "Fold",
    "GaussianNLLLoss",
    "GroupNorm",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "Identity",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "KLDivLoss",
    "L1Loss",
    "LSTMCell",
    "LayerNorm",
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
    "LazyLinear",
    "LeakyReLU",
    "Linear",
    "LinearCrossEntropyLoss",
    "LocalResponseNorm",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MarginRankingLoss",
    "MaxPool2d",
    "MinPool2d",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "NLLLoss2d",
    "PReLU",
    "PairwiseDistance",
    "ParameterDict",
    "ParameterList",
    "PixelShuffle",
    "PixelUnshuffle",
    "PoissonNLLLoss",
    "RMSNorm",
    "RNNBase",
    "RNNCell",
    "RNNCellBase",
    "RReLU",
    "ReLU",
    "ReLU6",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "SyncBatchNorm",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
    "Unflatten",
    "Unfold",
    "Upsample",
    "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
]
