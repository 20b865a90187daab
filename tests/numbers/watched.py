"""The compiled core behind a proxy that looks, around each call, whether the caller's floating-point mode stays.

`install()` must come before the package is imported. Each call then runs in a mode that is not the kernels': "rounding"
rounds down, has some exception flags raised and others not, and takes denormal operands, but not results, for zero;
"trapping" unmasks all exceptions, so that what is computed in the caller's mode ends the process. In the end `changed`
names the functions that left another mode, with what it was, and `called` all that were called.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import platform
import struct
import sys
from pathlib import Path
from typing import Any

# Where fenv_t of the C library has x86-64's MXCSR or ARM's FPCR and FPSR, and the modes: bits of their manuals.
PLACES: dict[str, tuple[int, str]] = {"x86_64": (28, "<I"), "aarch64": (0, "<II")}
MODES: dict[tuple[str, str], tuple[int, ...]] = {
    ("x86_64", "rounding"): (0x1F80 | 0x2000 | 0x0040 | 0x0011,),
    ("x86_64", "trapping"): (0,),
    ("aarch64", "rounding"): (0x00800000, 0x00000011),
    ("aarch64", "trapping"): (0x00009F00, 0),
}
PLACE = PLACES.get(platform.machine())
called: dict[str, int] = {}
changed: dict[str, str] = {}
_libm = ctypes.CDLL(ctypes.util.find_library("m"))
_default, _mode = ctypes.create_string_buffer(64), ctypes.create_string_buffer(64)


def _words(environment: Any) -> tuple[int, ...]:
    place, kinds = PLACE or (0, "<")
    return struct.unpack_from(kinds, environment, place)


class Watched:
    """The functions of the compiled module, watched; its constants as they are."""

    def __init__(self, lib: Any):
        self._lib = lib

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._lib, name)
        if name.startswith("tc_") and callable(found):  # not what the core calls back
            found = watch(name, found)
        setattr(self, name, found)
        return found


def watch(name: str, function: Any) -> Any:
    """Return the function with a look at the mode before and after."""
    after, enter, look = ctypes.create_string_buffer(64), _libm.fesetenv, _libm.fegetenv

    def call(*args: Any) -> Any:
        called[name] = called.get(name, 0) + 1
        enter(_mode)
        result = function(*args)
        look(after)
        enter(_default)
        if _words(after) != _words(_mode):
            changed[name] = " ".join(hex(word) for word in _words(after))
        return result

    return call


def install(mode: str) -> None:
    """Put the proxy where the package will find the compiled module."""
    assert PLACE is not None, platform.machine()
    assert "tinygrad_cnn" not in sys.modules
    found = importlib.util.find_spec("tinygrad_cnn")
    assert found is not None and found.origin is not None
    (file,) = Path(found.origin).parent.glob("_core.*")
    spec = importlib.util.spec_from_file_location("tinygrad_cnn._core", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    _libm.fegetenv(_default)
    _libm.fegetenv(_mode)
    place, kinds = PLACE
    struct.pack_into(kinds, _mode, place, *MODES[platform.machine(), mode])
    module.lib = Watched(module.lib)
    sys.modules["tinygrad_cnn._core"] = module
