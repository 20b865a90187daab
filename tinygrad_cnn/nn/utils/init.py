"""skip_init: a module whose parameters are not drawn (`torch.nn.utils.skip_init`)."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.nn.modules.module import Module

__all__ = ["skip_init"]


def skip_init(module_cls: type[Any], *args: Any, **kwargs: Any) -> Any:
    """Return module_cls(*args, **kwargs); the generator stays where it was, the values are not to be relied on.

    There is no device without memory here, on which PyTorch makes it first: the numbers are drawn and forgotten.
    RuntimeError for a class that is no Module or takes no `device`.
    """
    import inspect

    from tinygrad_cnn.random import get_rng_state, set_rng_state

    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    parameters = inspect.signature(module_cls).parameters
    if "device" not in parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    state = get_rng_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        set_rng_state(state)
