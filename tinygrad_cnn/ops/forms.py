"""The forms in which an operation is offered: function of the package, method of Tensor, in-place method, `out=`.

`@public(...)` beside the operation is the one description; `tinygrad_cnn.functions` and `tinygrad_cnn.methods` take all
that stands in `FUNCTIONS` and `METHODS`. Type checkers read the stubs that `tools/stubs.py` makes of the same two.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from tinygrad_cnn.casts import FLOATING
from tinygrad_cnn.tensor import Tensor

from .base import clone, numpy_names, write_out
from .base import inplace as inplace_of
from .promotion import result_type

F = TypeVar("F", bound=Callable[..., Any])

FUNCTIONS: dict[str, Callable[..., Any]] = {}
METHODS: dict[str, Callable[..., Any]] = {}
# Where the type of a form stands: name of the form -> (module, name there). An in-place form has its function's type.
ORIGINS: dict[str, tuple[str, str]] = {}


def public(
    *aliases: str,
    function: bool = True,
    method: bool = True,
    inplace: Any = None,
    inplace_function: bool | tuple[str, ...] | None = None,
    out: bool = False,
) -> Callable[[F], F]:
    """Offer a function under its own name and `aliases`.

    Args:
        aliases: PyTorch's other names for it.
        function: whether the package has it (`torch.abs`).
        method: whether Tensor has it (`Tensor.abs`).
        inplace: True for an in-place form (`Tensor.abs_`) made of the function, or the Operation that computes it for
            floats by one call of the core.
        inplace_function: whether the package has the in-place form, too (`torch.abs_`), or the names under which alone
            it has; by default so for Operations.
        out: whether the keyword `out`, which the function declares but need not read, is handled here.
    """

    def offer(original: F) -> F:
        offered: Any = with_out(original) if out else original
        if not _NAMES_OF_NUMPY.isdisjoint(_parameters(original)):
            offered = numpy_names(offered)
        changed = _inplace_form(offered, inplace) if inplace else None
        in_package = inplace is not True if inplace_function is None else inplace_function
        names = in_package if isinstance(in_package, tuple) else ()
        for name in (original.__name__, *aliases):
            forms = [(name, offered, function, method)]
            if changed is not None:
                also = f"{name}_" in names if names else bool(in_package)
                forms.append((f"{name}_", changed, also, True))
            for form, call, in_functions, in_methods in forms:
                ORIGINS[form] = (original.__module__, original.__name__)
                if in_functions:
                    FUNCTIONS[form] = call
                if in_methods:
                    METHODS[form] = call
        return offered

    return offer


_NAMES_OF_NUMPY = frozenset(("dim", "keepdim"))


def _parameters(function: Any) -> tuple[str, ...]:
    """Return the names of a function's parameters, of one that is wrapped too."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = function.__code__
    return tuple(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def _inplace_form(function: Callable[..., Any], operation: Any) -> Callable[..., Any]:
    general = inplace_of(function)
    if operation is True:
        return general

    @functools.wraps(general)
    def changed(input: Tensor) -> Tensor:
        return input._inplace(operation) if input._array.dtype in FLOATING else general(input)

    return changed


def _written(name: str, out: Any, result: Any, inputs: list[Any]) -> Any:
    """Write the tensors of a result, in tuples of any depth, into those of `out`, which may be in one flat tuple."""
    targets = iter(out if len(out) != len(result) or not isinstance(out[-1], (tuple, list)) else _flat(out))

    def part(value: Any) -> Any:
        if isinstance(value, Tensor):
            return write_out(name, next(targets), value, *inputs)
        parts = [part(item) for item in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)

    return part(result)


def _flat(values: Any) -> list[Any]:
    return [item for value in values for item in (value if isinstance(value, (tuple, list)) else [value])]


def with_out(function: F) -> F:
    """Return the function with the keyword `out`: a tensor, or a tuple of them for several results."""
    name = function.__name__

    @functools.wraps(function)
    def called(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if out is None:
            return result
        inputs: list[Any] = []
        for value in (*args, *kwargs.values()):
            inputs.extend(value if isinstance(value, (tuple, list)) else (value,))
        if isinstance(result, Tensor):
            return write_out(name, out, result, *inputs)
        return _written(name, out, result, inputs)

    return called  # type: ignore[return-value]


# What the families build on, and so cannot describe itself.
public()(clone)
public(method=False)(result_type)
