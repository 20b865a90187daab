"""The functions of `tinygrad_cnn.ops` that PyTorch has at top level (`torch.add`, `torch.cat`, ...).

Each is described beside its operation (`ops.forms.public`). For type checkers the stub beside this file lists them.
"""

from . import ops
from .ops.forms import FUNCTIONS

ops.load()
globals().update(FUNCTIONS)
__all__ = list(FUNCTIONS)
