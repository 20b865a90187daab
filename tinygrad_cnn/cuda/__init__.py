"""`torch.cuda` on a machine without CUDA: questions get their answers, everything else raises as PyTorch's CPU build
does."""

from __future__ import annotations

import importlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tinygrad_cnn._absent import refusing
from tinygrad_cnn.errors import AcceleratorError, OutOfMemoryError

if TYPE_CHECKING:
    from tinygrad_cnn.cuda import amp, nvtx

__all__ = [
    "AcceleratorError",
    "Event",
    "OutOfMemoryError",
    "Stream",
    "StreamContext",
    "amp",
    "device",
    "device_count",
    "device_of",
    "empty_cache",
    "get_arch_list",
    "get_gencode_flags",
    "get_rng_state_all",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "is_tf32_supported",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "max_memory_reserved",
    "memory_allocated",
    "memory_reserved",
    "memory_stats",
    "nvtx",
    "seed",
    "seed_all",
    "set_device",
    "set_rng_state",
    "set_rng_state_all",
    "stream",
]

_ABSENT = "Torch not compiled with CUDA enabled"

default_generators: tuple[Any, ...] = ()
has_half = True
has_magma = False

globals().update(
    refusing(
        __name__,
        AssertionError,
        _ABSENT,
        "init synchronize current_device current_stream default_stream current_blas_handle cudart get_device_name "
        "get_device_capability get_device_properties get_rng_state initial_seed ipc_collect mem_get_info "
        "set_per_process_memory_fraction get_per_process_memory_fraction can_device_access_peer get_sync_debug_mode "
        "set_sync_debug_mode memory_summary memory_snapshot reset_peak_memory_stats reset_max_memory_allocated "
        "reset_max_memory_cached reset_accumulated_memory_stats",
    )
)


def is_available() -> bool:
    """Return False."""
    return False


def is_initialized() -> bool:
    """Return False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Return False."""
    return False


def is_tf32_supported() -> bool:
    """Return False."""
    return False


def device_count() -> int:
    """Return 0."""
    return 0


def get_arch_list() -> list[str]:
    """Return []."""
    return []


def get_gencode_flags() -> str:
    """Return ''."""
    return ""


def get_rng_state_all() -> list[Any]:
    """Return []: the states of no devices."""
    return []


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    """Do nothing, as PyTorch, which waits for a device that never comes."""


def set_rng_state_all(new_states: Iterable[Any]) -> None:
    """Do nothing, as PyTorch without CUDA."""


def manual_seed(seed: int) -> None:
    """Do nothing, as PyTorch without CUDA; ValueError if `seed` is no int."""
    int(seed)


def manual_seed_all(seed: int) -> None:
    """Do nothing, as PyTorch without CUDA; ValueError if `seed` is no int."""
    int(seed)


def seed() -> None:
    """Do nothing, as PyTorch without CUDA."""


def seed_all() -> None:
    """Do nothing, as PyTorch without CUDA."""


def empty_cache() -> None:
    """Do nothing: there is no CUDA memory."""


def _no_bytes(device: Any = None) -> int:
    """Return 0: there is no CUDA memory."""
    return 0


memory_allocated = max_memory_allocated = memory_reserved = max_memory_reserved = _no_bytes
memory_cached = max_memory_cached = _no_bytes


def memory_stats(device: Any = None) -> dict[str, Any]:
    """Return nothing, in an OrderedDict."""
    return OrderedDict()


def _index(device: Any) -> int:
    from tinygrad_cnn import dtypes

    if device is None:
        return -1
    if isinstance(device, int):
        return device
    found = dtypes.device(device)
    if found.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {found}")
    return 0 if found.index is None else found.index


def set_device(device: Any) -> None:
    """Raise AssertionError for a device; do nothing for a negative index, which means none."""
    if _index(device) >= 0:
        raise AssertionError(_ABSENT)


class device:
    """The context in which a CUDA device is the current one: RuntimeError for a device, nothing for none."""

    def __init__(self, device: Any) -> None:
        self.idx = _index(device)

    def __enter__(self) -> None:
        if self.idx >= 0:
            raise RuntimeError("PyTorch was compiled without CUDA support")

    def __exit__(self, *exception: object) -> None:
        pass


class device_of(device):
    """The context of the device that a tensor is on: nothing changes for one on the CPU."""

    def __init__(self, obj: Any) -> None:
        super().__init__(None)


class Stream:
    """A queue of a device: RuntimeError, as there is none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("torch.cuda.Stream requires CUDA support")


class Event:
    """A mark in a queue of a device: RuntimeError, as there is none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("Tried to instantiate dummy base class Event")


class StreamContext:
    """The context of a stream, of which there is none: nothing changes."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        pass


def stream(stream: Stream | None) -> StreamContext:
    """Return the context of a stream; None changes nothing."""
    return StreamContext(stream)


class _TensorType(type):
    """The metaclass of the types below, of which nothing is an instance."""

    def __instancecheck__(cls, instance: object) -> bool:
        return False

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"type torch.cuda.{cls.__name__} not available. {_ABSENT}.")


def __getattr__(name: str) -> Any:
    """Import `amp` and `nvtx` when they are first used; make the tensor types, `FloatTensor` and so on."""
    if name in ("amp", "nvtx"):
        return importlib.import_module(f"{__name__}.{name}")
    kinds = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
    if name.removesuffix("Tensor") in kinds and name.endswith("Tensor"):
        kind = globals()[name] = _TensorType(name, (), {"__module__": "torch.cuda", "__doc__": "Not available."})
        return kind
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
