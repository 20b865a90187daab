"""Which names a file may mention, and what they mean here. Nothing else in a file can call or create anything."""

from __future__ import annotations

import contextlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tinygrad_cnn import dtypes
from tinygrad_cnn.nn.parameter import Parameter
from tinygrad_cnn.serialization.budget import brief
from tinygrad_cnn.serialization.storage import DTYPE_NAMES, OTHER_DTYPES, Storage, StorageType, known_dtype, rebuild
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


def rebuild_tensor_v3(
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any,
    backward_hooks: Any,
    dtype: Any,
    metadata: Any = None,
) -> Tensor:
    """Stand for `torch._utils._rebuild_tensor_v3`, of dtypes that have no storage class: a storage of bytes."""
    if not isinstance(storage, Storage) or not isinstance(dtype, dtypes.dtype):
        raise RuntimeError("corrupt file: a tensor without storage or dtype")
    return rebuild_tensor_v2(storage.as_type(dtype), offset, size, stride, requires_grad, backward_hooks)


def rebuild_from_type_v2(function: Any, kind: Any, arguments: Any, state: Any) -> Tensor:
    """Stand for `torch._tensor._rebuild_from_type_v2`: a tensor that has attributes of its own."""
    if not any(function is rebuilder for rebuilder in REBUILDERS) or type(arguments) is not tuple:
        raise RuntimeError(f"corrupt file: {brief(kind)} is made by {brief(function)} of {type(arguments).__name__}")
    if kind is not Tensor and kind is not Parameter:
        raise RuntimeError(f"corrupt file: {brief(kind)} instead of a tensor")
    tensor: Tensor = function(*arguments)
    return _set_attributes(tensor, state[0] if isinstance(state, tuple) and state else state)


def _set_attributes(tensor: Any, state: Any) -> Any:
    for name, value in (state if isinstance(state, dict) else {}).items():
        # A file must not replace what a Tensor consists of.
        if isinstance(name, str) and not name.startswith("_") and not hasattr(type(tensor), name):
            setattr(tensor, name, value)
    return tensor


def rebuild_parameter(data: Any, requires_grad: Any, backward_hooks: Any) -> Parameter:
    """Stand for `torch._utils._rebuild_parameter`."""
    if not isinstance(data, Tensor):
        raise RuntimeError(f"corrupt file: a parameter is made of {type(data).__name__} instead of a tensor")
    return Parameter(data, bool(requires_grad))


def rebuild_parameter_with_state(data: Any, requires_grad: Any, backward_hooks: Any, state: Any) -> Parameter:
    """Stand for `torch._utils._rebuild_parameter_with_state`: a parameter with attributes of its own."""
    return _set_attributes(rebuild_parameter(data, requires_grad, backward_hooks), state)


REBUILDERS = (rebuild_tensor, rebuild_tensor_v2, rebuild_tensor_v3, rebuild_parameter)


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    """Stand for `_codecs.encode`, by which protocol 2 writes bytes: only of text, only to latin-1."""
    if type(text) is not str or type(encoding) is not str or encoding not in ("latin1", "latin-1", "iso-8859-1"):
        raise RuntimeError(f"corrupt file: _codecs.encode of {type(text).__name__} to {brief(encoding)}")
    return text.encode("latin-1")


def _bytearray(data: Any = b"", encoding: Any = None) -> bytearray:
    """Stand for bytearray, which given a number would allocate that many bytes."""
    if isinstance(data, str):
        return bytearray(_encode(data, encoding))
    if not isinstance(data, (bytes, list)):
        raise RuntimeError(f"corrupt file: bytearray of {type(data).__name__}")
    return bytearray(data)


def _filled(kind: Any) -> Callable[..., Any]:
    """Return what stands for a container's class where it is called: of built-in containers alone.

    A tensor can be iterated over, too, and one of 2**60 equal elements fits into any file.
    """

    def make(items: Any = ()) -> Any:
        pairs = items if kind is OrderedDict and type(items) is list else ()
        if type(items) not in (list, tuple, dict, set) or not all(type(pair) in (list, tuple) for pair in pairs):
            raise RuntimeError(f"corrupt file: {kind.__name__} of {type(items).__name__}")
        return kind(items)

    return make


def keys_of(items: Any) -> Iterable[Any]:
    """Return what a container made of `items` would hash."""
    if type(items) not in (list, tuple):
        return items if type(items) in (dict, set) else ()
    return [part for item in items for part in ((item, *item[:1]) if type(item) in (list, tuple) else (item,))]


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
        "torch.Tensor": Tensor,
        "torch.nn.parameter.Parameter": Parameter,
        "torch._utils._rebuild_tensor": rebuild_tensor,
        "torch._utils._rebuild_tensor_v2": rebuild_tensor_v2,
        "torch._utils._rebuild_tensor_v3": rebuild_tensor_v3,
        "torch._tensor._rebuild_from_type_v2": rebuild_from_type_v2,
        "torch._utils._rebuild_parameter": rebuild_parameter,
        "torch._utils._rebuild_parameter_with_state": rebuild_parameter_with_state,
        "torch.storage.UntypedStorage": StorageType("UntypedStorage"),
    }
    table.update({str(dtype): dtype for dtype in dtypes.ALL})
    table.update({f"torch.{name}": StorageType(name) for name in DTYPE_NAMES})
    # Files from before normalised the names.
    table.update({f"torch.cuda.{name}": StorageType(name) for name in DTYPE_NAMES})
    return table


REFUSED = {
    "torch._utils._rebuild_qtensor": "a quantized tensor",
    "torch._utils._rebuild_sparse_tensor": "a sparse tensor",
    "torch._utils._rebuild_sparse_csr_tensor": "a sparse tensor",
    "torch._utils._rebuild_nested_tensor": "a nested tensor",
    "torch._utils._rebuild_meta_tensor_no_storage": "a tensor of the meta device, which has no data",
    "torch._utils._rebuild_wrapper_subclass": "a tensor subclass",
    "torch._utils._rebuild_device_tensor_from_numpy": "a tensor of a device that is not there",
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": "a tensor of a device that is not there",
    "torch.jit._pickle.build_intlist": "a TorchScript object",
}
"""Names that PyTorch allows (or knows) and for which there is nothing here."""


TABLE = _make_table()

HASHING = (OrderedDict, Counter, set)

# What REDUCE may call, and what is called then: functions above, and classes whose construction is harmless. Dtypes and
# storage types are not callable; `Parameter` is only made by NEWOBJ and the rebuild functions.
CALLABLE: dict[int, Callable[..., Any]] = {
    id(value): _filled(value) if value in HASHING else value
    for value in TABLE.values()
    if not isinstance(value, (dtypes.dtype, StorageType)) and value not in (Parameter, Tensor)
}


def find(name: str) -> Any:
    """Return what a full name means, KeyError if it is not allowed; NotImplementedError for what is not supported."""
    if name in TABLE:
        return TABLE[name]
    if name in REFUSED:
        raise NotImplementedError(f"the file has {REFUSED[name]} ({name}), which is not supported")
    module, _, last = name.rpartition(".")
    if module == "torch" and (last in OTHER_DTYPES or last in DTYPE_NAMES.values()):
        known_dtype(last)
    return _user_globals[name][1]


def is_known(name: str) -> bool:
    """Tell whether a file may use a name."""
    try:
        find(name)
    except KeyError:
        return False
    except NotImplementedError:  # harmless, if not supported
        pass
    return True


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
