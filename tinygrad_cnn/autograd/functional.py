"""Derivatives of functions rather than of tensors: vjp, jacobian, hessian, vhp (`torch.autograd.functional`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_cnn.tensor import Tensor

from .engine import grad
from .grad_mode import enable_grad

__all__ = ["hessian", "jacobian", "vhp", "vjp"]


def _inputs(name: str, inputs: Any, create_graph: bool) -> tuple[tuple[Tensor, ...], bool]:
    """Return the inputs as leaves of their own (with `create_graph`: still tied to their graph), and if it was a
    tuple."""
    several = isinstance(inputs, tuple)
    items = inputs if several else (inputs,)
    for index, item in enumerate(items):
        if not isinstance(item, Tensor):
            where = f"value at index {index} of the tuple" if several else "value"
            raise TypeError(
                f"The inputs given to {name} must be either a Tensor or a tuple of Tensors but the given {where} has "
                f"type {type(item)}."
            )
    if create_graph:
        tied = [item.view_as(item) if item.requires_grad else item.detach().requires_grad_() for item in items]
        return tuple(tied), several
    return tuple([item.detach().clone().requires_grad_() for item in items]), several


def _outputs(name: str, outputs: Any) -> tuple[tuple[Tensor, ...], bool]:
    several = isinstance(outputs, tuple)
    items = outputs if several else (outputs,)
    for item in items:
        if not isinstance(item, Tensor):
            raise TypeError(
                f"The outputs of the user-provided function given to {name} must be either a Tensor or a tuple of "
                f"Tensors but the given value has type {type(item)}."
            )
    return items, several


def _zeros_for(input: Tensor, strict: bool, name: str) -> Tensor:
    if strict:
        raise RuntimeError(
            f"{name}: an output of the user-provided function is independent of an input. This is not allowed in "
            "strict mode."
        )
    return Tensor._zeros(tuple(input.shape), input._array.dtype)


def _gradients(
    output: Tensor, inputs: tuple[Tensor, ...], weight: Any, create_graph: bool, strict: bool, name: str
) -> tuple[Tensor, ...]:
    """Return the gradients of one output by all inputs, zeros where there is none."""
    if output.requires_grad:
        found = grad(output, inputs, weight, retain_graph=True, create_graph=create_graph, allow_unused=True)
    else:
        found = (None,) * len(inputs)
    return tuple([_zeros_for(i, strict, name) if g is None else g for g, i in zip(found, inputs, strict=True)])


def _finish(value: Tensor, create_graph: bool) -> Tensor:
    return value if create_graph else value.detach()


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return (func(*inputs), v times its Jacobian); `v` may be left out for one output of one element.

    Raises RuntimeError if `v` does not fit, or with `strict` if an output does not depend on an input.
    """
    with enable_grad():
        leaves, several_in = _inputs("vjp", inputs, create_graph)
        outputs, several_out = _outputs("vjp", func(*leaves))
        weights = (None,) * len(outputs) if v is None else v if isinstance(v, tuple) else (v,)
        if v is None and (len(outputs) != 1 or outputs[0].numel() != 1):
            raise RuntimeError(
                "The vector v can only be None if the user-provided function returns a single Tensor with a single "
                "element."
            )
        if [w.shape for w in weights if w is not None] != ([] if v is None else [out.shape for out in outputs]):
            raise RuntimeError("v has invalid size: it must have the shapes of the outputs of the function")
        totals: list[Any] = [None] * len(leaves)
        for output, weight in zip(outputs, weights, strict=True):
            for i, value in enumerate(_gradients(output, leaves, weight, create_graph, strict, "vjp")):
                totals[i] = value if totals[i] is None else totals[i] + value
    found = tuple([_finish(total, create_graph) for total in totals])
    values = tuple([_finish(output, create_graph) for output in outputs])
    return values if several_out else values[0], found if several_in else found[0]


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """Return the Jacobian of func at `inputs`: for each output and input a tensor of shape (*output, *input).

    A tuple where inputs or outputs are one, tuples of tuples where both are. `vectorize` and forward mode raise
    NotImplementedError.
    """
    if vectorize or strategy != "reverse-mode":
        raise NotImplementedError("autograd.functional.jacobian: vectorize=True and forward mode are not implemented")
    from tinygrad_cnn.ops.joining import stack

    with enable_grad():
        leaves, several_in = _inputs("jacobian", inputs, create_graph)
        outputs, several_out = _outputs("jacobian", func(*leaves))
        rows = []
        for output in outputs:
            flat = output.reshape(-1)
            gradients = [
                _gradients(flat[i], leaves, None, create_graph, strict, "jacobian") for i in range(output.numel())
            ]
            row = []
            for i, leaf in enumerate(leaves):
                shape = (*output.shape, *leaf.shape)
                if gradients:
                    value = stack([gradient[i] for gradient in gradients]).reshape(shape)
                else:
                    value = Tensor._zeros(shape, leaf._array.dtype)
                row.append(_finish(value, create_graph))
            rows.append(tuple(row) if several_in else row[0])
    return tuple(rows) if several_out else rows[0]


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Return the second derivatives of a func that returns one element: a tensor of shape (*input, *input), or for a
    tuple of inputs a tuple of tuples of them. `vectorize` and forward mode raise NotImplementedError.
    """
    several = isinstance(inputs, tuple)

    def gradient(*values: Tensor) -> Any:
        outputs, _ = _outputs("hessian", func(*values))
        if len(outputs) != 1 or outputs[0].numel() != 1:
            raise RuntimeError("The Tensor returned by the function given to hessian should contain a single element")
        found = _gradients(outputs[0].reshape(()), values, None, True, strict, "hessian")
        return found if several else found[0]

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return (func(*inputs), v times its Hessian) for a func that returns one element."""
    with enable_grad():
        leaves, several = _inputs("vhp", inputs, create_graph)
        output = func(*leaves)
        if not isinstance(output, Tensor) or output.numel() != 1:
            raise RuntimeError("The Tensor returned by the function given to vhp should contain a single element")
        first = _gradients(output.reshape(()), leaves, None, True, strict, "vhp")
        weights = v if isinstance(v, tuple) else (v,)
        if v is None and (len(leaves) != 1 or leaves[0].numel() != 1):
            raise RuntimeError(
                "The vector v can only be None if the input to the user-provided function is a single Tensor with a "
                "single element."
            )
        totals: list[Any] = [None] * len(leaves)
        for gradient, weight in zip(first, weights, strict=True):
            for i, value in enumerate(_gradients(gradient, leaves, weight, create_graph, strict, "vhp")):
                totals[i] = value if totals[i] is None else totals[i] + value
    found = tuple([_finish(total, create_graph) for total in totals])
    return _finish(output, create_graph), found if several else found[0]
