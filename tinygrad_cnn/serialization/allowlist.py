"""Which names a file may mention, and what they mean here. Nothing else in a file can call or create anything."""

from __future__ import annotations

import codecs
import contextlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from tinygrad_cnn import dtypes
from tinygrad_cnn.nn.parameter import Parameter
from tinygrad_cnn.serialization.storage import STORAGE_DTYPES, UNSUPPORTED_STORAGES, StorageType, rebuild
from tinygrad_cnn.tensor import Tensor

__all__ = ["add_safe_globals", "clear_safe_globals", "find", "get_safe_globals", "safe_globals"]

SafeGlobal = Callable[..., Any] | tuple[Callable[..., Any], str]

_user_globals: dict[str, tuple[SafeGlobal, Any]] = {}


def rebuild_tensor_v2(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, backward_hooks: Any, metadata: Any = None
) -> Tensor:
    """Stand for `torch._utils._rebuild_tensor_v2`."""
    tensor = rebuild(storage, offset, size, stride)
    if requires_grad:
        tensor.requires_grad_(True)
    return tensor


def rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any) -> Tensor:
    """Stand for `torch._utils._rebuild_tensor`."""
    return rebuild(storage, offset, size, stride)


def rebuild_parameter(data: Any, requires_grad: Any, backward_hooks: Any) -> Parameter:
    """Stand for `torch._utils._rebuild_parameter`."""
    if not isinstance(data, Tensor):
        raise RuntimeError(f"corrupt file: a parameter is made of {type(data).__name__} instead of a tensor")
    return Parameter(data, bool(requires_grad))


def rebuild_parameter_with_state(data: Any, requires_grad: Any, backward_hooks: Any, state: Any) -> Parameter:
    """Stand for `torch._utils._rebuild_parameter_with_state`: a parameter with attributes of its own."""
    parameter = rebuild_parameter(data, requires_grad, backward_hooks)
    for name, value in (state if isinstance(state, dict) else {}).items():
        # A file must not replace what a Tensor consists of.
        if isinstance(name, str) and not name.startswith("_") and not hasattr(type(parameter), name):
            setattr(parameter, name, value)
    return parameter


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    """Stand for `_codecs.encode`, by which protocol 2 writes bytes: only of text, only to latin-1."""
    if not isinstance(text, str) or codecs.lookup(encoding).name != "iso8859-1":
        raise RuntimeError(f"corrupt file: _codecs.encode to {encoding!r}")
    return text.encode("latin-1")


def _bytearray(data: Any = b"", encoding: Any = None) -> bytearray:
    """Stand for bytearray, which given a number would allocate that many bytes."""
    if isinstance(data, str):
        return bytearray(_encode(data, encoding))
    if not isinstance(data, (bytes, list)):
        raise RuntimeError(f"corrupt file: bytearray of {type(data).__name__}")
    return bytearray(data)


def _bytes() -> bytes:
    """Stand for bytes, by which protocol 2 writes the empty one."""
    return b""


def _size(sizes: Any) -> dtypes.Size:
    """Stand for `torch.Size`."""
    if not isinstance(sizes, (tuple, list)) or not all(type(size) is int for size in sizes):
        raise RuntimeError("corrupt file: torch.Size of something else than integers")
    return dtypes.Size(sizes)


def _make_table() -> dict[str, Any]:
    table: dict[str, Any] = {
        "collections.OrderedDict": OrderedDict,
        "collections.Counter": Counter,
        "builtins.set": set,
        "builtins.bytes": _bytes,
        "builtins.bytearray": _bytearray,
        "builtins.complex": complex,
        "_codecs.encode": _encode,
        "torch.Size": _size,
        "torch.device": dtypes.device,
        "torch.nn.parameter.Parameter": Parameter,
        "torch._utils._rebuild_tensor": rebuild_tensor,
        "torch._utils._rebuild_tensor_v2": rebuild_tensor_v2,
        "torch._utils._rebuild_parameter": rebuild_parameter,
        "torch._utils._rebuild_parameter_with_state": rebuild_parameter_with_state,
        "torch.storage.UntypedStorage": StorageType("UntypedStorage"),
    }
    table.update({str(dtype): dtype for dtype in dtypes.ALL})
    table.update({f"torch.{name}": StorageType(name) for name in (*STORAGE_DTYPES, *UNSUPPORTED_STORAGES)})
    return table


TABLE = _make_table()

# What REDUCE may call: functions above and classes whose construction is harmless. Dtypes and storage types are not
# callable; `Parameter` is only made by NEWOBJ and the rebuild functions.
CALLABLE = frozenset(
    id(TABLE[name])
    for name in TABLE
    if not isinstance(TABLE[name], (dtypes.dtype, StorageType)) and TABLE[name] is not Parameter
)


def find(name: str) -> Any:
    """Return what a full name means, KeyError if it is not allowed."""
    if name in TABLE:
        return TABLE[name]
    return _user_globals[name][1]


def is_user_global(value: Any) -> bool:
    """Tell whether `value` was allowed by `add_safe_globals`."""
    return any(value is allowed for _, allowed in _user_globals.values())


def add_safe_globals(safe_globals: list[SafeGlobal]) -> None:
    """Allow files to name these classes and functions, which loading may then call (`torch.serialization`).

    Each entry is an object, or (object, "module.name") where the file knows it by another name.
    """
    for entry in safe_globals:
        if isinstance(entry, tuple):
            if len(entry) != 2:
                raise ValueError(
                    "Expected tuple of length 2 (global, str of callable full path), but got tuple of length: "
                    f"{len(entry)}"
                )
            if type(entry[1]) is not str:
                raise TypeError(
                    f"Expected second item in tuple to be str of callable full path, but got: {type(entry[1])}"
                )
            _user_globals[entry[1]] = entry, entry[0]
        else:
            _user_globals[f"{entry.__module__}.{entry.__qualname__}"] = entry, entry


def get_safe_globals() -> list[SafeGlobal]:
    """Return what `add_safe_globals` has allowed."""
    return [entry for entry, _ in _user_globals.values()]


def clear_safe_globals() -> None:
    """Forget all that `add_safe_globals` has allowed."""
    _user_globals.clear()


@contextlib.contextmanager
def safe_globals(safe_globals: list[SafeGlobal]) -> Iterator[None]:
    """Allow these classes and functions within a `with` block."""
    before = dict(_user_globals)
    add_safe_globals(safe_globals)
    try:
        yield
    finally:
        _user_globals.clear()
        _user_globals.update(before)
