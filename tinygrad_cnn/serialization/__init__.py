"""Saving and loading of tensors, state dicts and containers of them, in PyTorch's zip format (torch >= 1.6).

`load` reads the format before, too (`legacy.py`), and `.safetensors`.

Files go both ways: `torch.load` reads what `save` wrote, `load` reads what `torch.save` wrote. An archive holds
`data.pkl`, a pickle in which each tensor is a storage number, an offset, a shape and strides, and the storages' raw
bytes as `data/0`, `data/1`, ... Tensors that share memory share a storage, and do so again after loading.
"""

from tinygrad_cnn.serialization.allowlist import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    safe_globals,
)
from tinygrad_cnn.serialization.reader import get_unsafe_globals_in_checkpoint, load
from tinygrad_cnn.serialization.writer import save

__all__ = [
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "safe_globals",
    "save",
]
