"""map_location: where the storages of a file go. There is one place here, and the errors of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_cnn import dtypes
from tinygrad_cnn.serialization.storage import Storage

__all__ = ["MapLocation", "place"]

MapLocation = str | dtypes.device | dict[str, str] | Callable[[Storage, str], Any] | None

_ON_A_CPU = (
    "If you are running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your "
    "storages to the CPU."
)


def _check(location: str) -> None:
    """Raise what PyTorch's CPU build raises for storages of a device that is not there."""
    kind = location.split(":")[0]
    if kind == "cpu":
        return
    if kind in ("cuda", "xpu"):
        name = kind.upper()
        raise RuntimeError(
            f"Attempting to deserialize object on a {name} device but torch.{kind}.is_available() is False. {_ON_A_CPU}"
        )
    if kind in ("hpu", "privateuseone"):
        raise RuntimeError(f"The {kind.upper()} device module is not registered. {_ON_A_CPU}")
    if kind == "mps":
        raise RuntimeError("torch.UntypedStorage(): Storage device not recognized: mps")
    if kind == "meta":
        raise NotImplementedError("load: there is no meta device here, whose tensors have no data")
    raise RuntimeError(
        f"don't know how to restore data location of torch.storage.UntypedStorage (tagged with {location})"
    )


def place(storage: Storage, location: str, map_location: MapLocation) -> Storage:
    """Apply `map_location` to a storage that the file says belongs to `location`."""
    if map_location is None:
        _check(location)
    elif isinstance(map_location, dict):
        _check(map_location.get(location, location))
    elif isinstance(map_location, (str, bytes, dtypes.device)):
        _check(map_location.decode() if isinstance(map_location, bytes) else str(map_location))
    else:
        placed = map_location(storage, location)
        if placed is None:
            _check(location)
        elif not isinstance(placed, Storage):
            raise TypeError(f"map_location returned {type(placed).__name__} instead of a storage or None")
        else:
            return placed
    return storage
