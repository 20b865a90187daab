"""Building blocks of networks, as `torch.nn` names them: modules, and their functions in `functional` and `init`."""

# The modules' list is this package's, too.
# ruff: noqa: F403
from tinygrad_cnn.nn import functional, init, modules, parallel, parameter, utils
from tinygrad_cnn.nn.modules import *
from tinygrad_cnn.nn.modules import __all__ as _modules
from tinygrad_cnn.nn.parallel import DataParallel
from tinygrad_cnn.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

__all__ = [
    "Buffer",
    "DataParallel",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "functional",
    "init",
    "modules",
    "parallel",
    "parameter",
    "utils",
]
__all__ += _modules
