"""Calling a module with other parameters than its own (`torch.func.functional_call`, `torch.nn.utils.stateless`)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.tensor import Tensor

__all__ = ["functional_call"]

Tensors = dict[str, Tensor]


def _with_tied(module: Module, tensors: Tensors) -> Tensors:
    """Return the tensors, one given under one of several names of a parameter under all its names."""
    names_of: dict[int, list[str]] = {}
    for members in (module.named_parameters(remove_duplicate=False), module.named_buffers(remove_duplicate=False)):
        for name, tensor in members:
            names_of.setdefault(id(tensor), []).append(name)
    result = dict(tensors)
    for names in names_of.values():
        given = [name for name in names if name in tensors]
        if len({id(tensors[name]) for name in given}) > 1:
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(names)}, which are tied. Consider using "
                "tie_weights=False"
            )
        if given:
            result.update(dict.fromkeys(names, tensors[given[0]]))
    return result


def _check_keys(module: Module, tensors: Tensors) -> None:
    known = {
        *dict(module.named_parameters(remove_duplicate=False)),
        *dict(module.named_buffers(remove_duplicate=False)),
    }
    problems = []
    for kind, keys in (("Unexpected", set(tensors) - known), ("Missing", known - set(tensors))):
        if keys:
            problems.append(f"{kind} key(s): {', '.join(repr(key) for key in sorted(keys))}.")
    if problems:
        raise RuntimeError(f"Error(s) in reparametrizing for {module._get_name()}:\n\t" + "\n\t".join(problems))


def _swap(module: Module, name: str, tensor: Any) -> tuple[bool, Any]:
    """Put a tensor into the place of a parameter, buffer or attribute; return whether there was one, and it."""
    path, _, leaf = name.rpartition(".")
    owner = module.get_submodule(path)
    for register in (owner._parameters, owner._buffers):
        if leaf in register:
            old = register[leaf]
            register[leaf] = tensor
            return True, old
    if hasattr(owner, leaf):
        old = getattr(owner, leaf)
        if not isinstance(old, Tensor):
            raise TypeError(f"attribute `{leaf}`: {old} is not an instance of torch.Tensor")
        setattr(owner, leaf, tensor)
        return True, old
    setattr(owner, leaf, tensor)
    return False, None


@contextmanager
def _replaced(module: Module, tensors: Tensors) -> Iterator[None]:
    """Run the block with the tensors in the module. What the module put in their place itself (running statistics) is
    put into the dictionary, as in PyTorch."""
    originals: dict[str, tuple[bool, Any]] = {}
    try:
        for name, tensor in tensors.items():
            if not isinstance(tensor, Tensor):
                raise TypeError(f"{tensor} is not an instance of torch.Tensor")
            originals[name] = _swap(module, name, tensor)
        yield
    finally:
        for name, (existed, old) in originals.items():
            if existed:
                tensors[name] = _swap(module, name, old)[1]
            else:
                path, _, leaf = name.rpartition(".")
                delattr(module.get_submodule(path), leaf)


def call(
    module: Module,
    parameters_and_buffers: Tensors,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Return module(*args, **kwargs) with other tensors in the places of these names; see `func.functional_call`."""
    tensors = _with_tied(module, parameters_and_buffers) if tie_weights else dict(parameters_and_buffers)
    if strict:
        _check_keys(module, tensors)
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced(module, tensors):
        result = module(*args, **(kwargs or {}))
    parameters_and_buffers.update({name: tensors[name] for name in parameters_and_buffers})
    return result


def functional_call(
    module: Module,
    parameters_and_buffers: Tensors,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call `func.functional_call`, whose old name this is (FutureWarning)."""
    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be removed in a future "
        "version of PyTorch. Please use `torch.func.functional_call` instead which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return call(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)
