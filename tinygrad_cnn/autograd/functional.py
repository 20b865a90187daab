"""Derivatives of functions rather than of tensors (`torch.autograd.functional`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_cnn.tensor import Tensor

from .engine import grad
from .grad_mode import enable_grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


INPUT, OUTPUT = "input to the user-provided function is", "user-provided function returns"


def _tensors(name: str, what: str, values: Any) -> tuple[tuple[Tensor, ...], bool]:
    """Return the values as a tuple, and if they were one; TypeError unless all are tensors."""
    several = isinstance(values, tuple)
    items = values if several else (values,)
    for index, item in enumerate(items):
        if not isinstance(item, Tensor):
            where = f"value at index {index}" if several else f"given {what}"
            raise TypeError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but the {where} has "
                f"type {type(item)}."
            )
    return items, several


def _inputs(name: str, inputs: Any, create_graph: bool) -> tuple[tuple[Tensor, ...], bool]:
    """Return the inputs as leaves of their own (with `create_graph`: still tied to their graph), and if it was a
    tuple."""
    items, several = _tensors(name, "inputs", inputs)
    if create_graph:
        tied = [item.view_as(item) if item.requires_grad else item.detach().requires_grad_() for item in items]
        return tuple(tied), several
    return tuple([item.detach().clone().requires_grad_() for item in items]), several


def _outputs(name: str, outputs: Any) -> tuple[tuple[Tensor, ...], bool]:
    return _tensors(name, "outputs of the user-provided function", outputs)


def _zeros_for(input: Tensor, strict: bool, name: str) -> Tensor:
    if strict:
        raise RuntimeError(
            f"{name}: an output of the user-provided function is independent of an input. This is not allowed in "
            "strict mode."
        )
    return Tensor._zeros(tuple(input.shape), input._array.dtype)


def _gradients(
    outputs: tuple[Tensor, ...], inputs: tuple[Tensor, ...], weights: Any, create_graph: bool, strict: bool, name: str
) -> tuple[Tensor, ...]:
    """Return the gradients of the weighted outputs by all inputs, zeros where there is none."""
    weights = (None,) * len(outputs) if weights is None else weights
    pairs = [(output, weight) for output, weight in zip(outputs, weights, strict=True) if output.requires_grad]
    found: Any = (None,) * len(inputs)
    if pairs:
        tensors, given = zip(*pairs, strict=True)
        found = grad(tensors, inputs, given, retain_graph=True, create_graph=create_graph, allow_unused=True)
    return tuple([_zeros_for(i, strict, name) if g is None else g for g, i in zip(found, inputs, strict=True)])


def _vectors(
    name: str, v: Any, like: tuple[Tensor, ...], several: bool, create_graph: bool, what: str
) -> tuple[Tensor, ...] | None:
    """Return the vectors to multiply by, of the shapes of `like`; None, for a single element alone, stands for 1."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"The vector v can only be None if the {what} a single Tensor with a single element.")
        return None
    items, _ = _tensors(name, "v", v)
    if len(items) != len(like):
        if several:
            raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(items)}.")
        raise RuntimeError("The given v should contain a single Tensor.")
    for index, (item, other) in enumerate(zip(items, like, strict=True)):
        if item.shape != other.shape:
            entry = f"Entry {index} in " if several else ""
            raise RuntimeError(f"{entry}v has invalid size: should be {other.shape} but got {item.shape}.")
    return tuple([item if create_graph else item.detach() for item in items])


def _finish(values: tuple[Tensor, ...], several: bool, create_graph: bool) -> Any:
    """Return the tensors, a single one as such, outside the graph unless it is to be differentiated further."""
    done = values if create_graph else tuple([value.detach() for value in values])
    return done if several else done[0]


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return (func(*inputs), v times its Jacobian); `v` may be left out for one output of one element.

    Raises RuntimeError if `v` does not fit, or with `strict` if an output does not depend on an input.
    """
    with enable_grad():
        leaves, several_in = _inputs("vjp", inputs, create_graph)
        outputs, several_out = _outputs("vjp", func(*leaves))
        weights = _vectors("vjp", v, outputs, several_out, create_graph, OUTPUT)
        found = _gradients(outputs, leaves, weights, create_graph, strict, "vjp")
    return _finish(outputs, several_out, create_graph), _finish(found, several_in, create_graph)


def _dummies(like: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return vectors u for rows u J, which are linear in u: their gradient by u, weighted with v, is J v."""
    return tuple([Tensor._zeros(x._array.shape, x._array.dtype).requires_grad_() for x in like])


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return (func(*inputs), its Jacobian times v); `v` may be left out for one input of one element.

    There is no forward mode here: two backward passes, as in PyTorch. Raises as `vjp`.
    """
    with enable_grad():
        leaves, several_in = _inputs("jvp", inputs, create_graph)
        vectors = _vectors("jvp", v, leaves, several_in, create_graph, INPUT)
        outputs, several_out = _outputs("jvp", func(*leaves))
        dummies = _dummies(outputs)
        rows = _gradients(outputs, leaves, dummies, True, strict, "jvp")
        found = _gradients(rows, dummies, vectors, create_graph, strict, "jvp")
    return _finish(outputs, several_out, create_graph), _finish(found, several_out, create_graph)


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
                _gradients((flat[i],), leaves, None, create_graph, strict, "jacobian") for i in range(output.numel())
            ]
            row = []
            for i, leaf in enumerate(leaves):
                shape = (*output.shape, *leaf.shape)
                if gradients:
                    value = stack([gradient[i] for gradient in gradients]).reshape(shape)
                else:
                    value = Tensor._zeros(shape, leaf._array.dtype)
                row.append(value if create_graph else value.detach())
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
        found = _gradients(outputs, values, None, True, strict, "hessian")
        return found if several else found[0]

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


def _first(name: str, func: Any, leaves: tuple[Tensor, ...], strict: bool) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the only output of func, which has one element, and its gradients."""
    outputs, several = _outputs(name, func(*leaves))
    if several:
        raise RuntimeError(f"The function given to {name} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {name} should contain a single element")
    return outputs[0], _gradients(outputs, leaves, None, True, strict, name)


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return (func(*inputs), v times its Hessian) for a func that returns one element."""
    with enable_grad():
        leaves, several = _inputs("vhp", inputs, create_graph)
        vectors = _vectors("vhp", v, leaves, several, create_graph, INPUT)
        output, first = _first("vhp", func, leaves, strict)
        found = _gradients(first, leaves, vectors, create_graph, strict, "vhp")
    return _finish((output,), False, create_graph), _finish(found, several, create_graph)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return (func(*inputs), its Hessian times v) for a func that returns one element.

    `vhp` is quicker, and the same where the Hessian is symmetric.
    """
    with enable_grad():
        leaves, several = _inputs("hvp", inputs, create_graph)
        vectors = _vectors("hvp", v, leaves, several, create_graph, INPUT)
        output, first = _first("hvp", func, leaves, strict)
        dummies = _dummies(leaves)
        rows = _gradients(first, leaves, dummies, True, strict, "hvp")
        found = _gradients(rows, dummies, vectors, create_graph, strict, "hvp")
    return _finish((output,), False, create_graph), _finish(found, several, create_graph)
