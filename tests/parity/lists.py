"""PyTorch's own lists of operations and modules with inputs for them, from what its tests are made of.

For each input PyTorch goes through the whole stack several times: to find the test that asked, and to say where a GPU
was seeded, should one ever be started. That took half the time of the comparisons, without such a test or a GPU.
"""

from __future__ import annotations

import torch
from torch.testing._internal import common_utils, opinfo
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_modules import module_db

__all__ = ["module_db", "op_db"]

for module in (common_utils, opinfo.core):
    module.extract_test_fn = lambda: None
if not torch.cuda.is_available():
    torch.cuda.manual_seed_all = lambda seed: None
if not torch.xpu.is_available():
    torch.xpu.manual_seed_all = lambda seed: None
