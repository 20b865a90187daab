"""`torch.jit` as PyTorch has it with PYTORCH_JIT=0: scripted and traced modules are the modules themselves.

They compute the same as compiled ones. TorchScript archives can be neither written nor read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from tinygrad_cnn.nn import Module

__all__ = [
    "Attribute",
    "CompilationUnit",
    "Error",
    "Final",
    "ScriptFunction",
    "ScriptModule",
    "annotate",
    "export",
    "fork",
    "freeze",
    "ignore",
    "interface",
    "is_scripting",
    "is_tracing",
    "isinstance",
    "load",
    "onednn_fusion_enabled",
    "optimize_for_inference",
    "optimized_execution",
    "save",
    "script",
    "script_if_tracing",
    "script_method",
    "strict_fusion",
    "trace",
    "trace_module",
    "unused",
    "wait",
]

_isinstance = isinstance
_ARCHIVES = (
    "there are no TorchScript archives here: a module is a Python class. Save its state_dict with `torch.save`, and "
    "load it into a module made by the class"
)


class Error(RuntimeError):
    """What TorchScript raises; here nothing does."""


class ScriptModule(Module):
    """The base class of modules with `script_method`s: a Module."""

    def __init__(self, optimize: Any = None) -> None:
        super().__init__()


ScriptFunction = Callable[..., Any]


def script(obj: Any, optimize: Any = None, _frames_up: int = 0, _rcb: Any = None, example_inputs: Any = None) -> Any:
    """Return `obj` itself - a module, function or class: it runs uncompiled (`torch.jit.script`)."""
    return obj


def script_method(fn: Any) -> Any:
    """Return `fn` itself."""
    return fn


script_if_tracing = export = interface = script_method


def trace(func: Any, example_inputs: Any = None, *args: Any, **options: Any) -> Any:
    """Return `func` itself: it is not run with the example, and later follows its own control flow, not a recorded one.

    `torch.jit.trace`.
    """
    return func


def trace_module(mod: Any, inputs: Any, *args: Any, **options: Any) -> Any:
    """Return `mod` itself."""
    return mod


def unused(fn: Any) -> Any:
    """Return `fn` itself."""
    return fn


def ignore(drop: Any = False, **options: Any) -> Any:
    """Return a function itself, or a decorator that does."""
    return drop if callable(drop) else unused


def freeze(mod: Any, preserved_attrs: Any = None, optimize_numerics: bool = True) -> Any:
    """Return `mod` itself; RuntimeError while it is training, as in PyTorch."""
    if mod.training:
        raise RuntimeError(
            'Freezing is currently only implemented for modules in eval mode. Please call ".eval()" on your module '
            "before freezing."
        )
    return mod


def optimize_for_inference(mod: Any, other_methods: Any = None) -> Any:
    """Return `mod` itself."""
    return mod


@contextlib.contextmanager
def optimized_execution(should_optimize: bool) -> Iterator[None]:
    """Change nothing."""
    yield


@contextlib.contextmanager
def fuser(name: str) -> Iterator[None]:
    """Change nothing."""
    yield


class strict_fusion:
    """Change nothing."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        pass


def enable_onednn_fusion(enabled: bool) -> None:
    """Do nothing."""


def onednn_fusion_enabled() -> bool:
    """Return False."""
    return False


def set_fusion_strategy(strategy: Any) -> list[Any]:
    """Do nothing; return []."""
    return []


def is_scripting() -> bool:
    """Return False."""
    return False


def is_tracing() -> bool:
    """Return False."""
    return False


def annotate(the_type: Any, the_value: Any) -> Any:
    """Return the value."""
    return the_value


def Attribute(value: Any, type: Any) -> Any:
    """Return the value."""
    return value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Return Python's `isinstance`."""
    return _isinstance(obj, target_type)


def fork(func: Any, *args: Any, **kwargs: Any) -> Any:
    """Call `func` at once; return its result in a Future."""
    from concurrent.futures import Future

    future: Future[Any] = Future()
    try:
        future.set_result(func(*args, **kwargs))
    except Exception as error:
        future.set_exception(error)
    return future


def wait(future: Any) -> Any:
    """Return the result of a Future, or raise its exception."""
    return future.result()


def CompilationUnit(*args: Any, **kwargs: Any) -> Any:
    """Raise NotImplementedError: nothing is compiled here."""
    raise NotImplementedError("CompilationUnit: source code of TorchScript cannot be compiled here")


def save(m: Any, f: Any, _extra_files: Any = None) -> None:
    """Raise NotImplementedError."""
    raise NotImplementedError(f"jit.save: {_ARCHIVES}")


def load(f: Any, map_location: Any = None, _extra_files: Any = None, _restore_shapes: bool = False) -> Any:
    """Raise NotImplementedError."""
    raise NotImplementedError(f"jit.load: {_ARCHIVES}")
