"""`Function`: an operation that the user writes, with PyTorch's interface (`torch.autograd.Function`).

Unlike the built-in `Operation`, its forward and backward are static methods on Tensors with a context object between
them; arguments may be anything, and outputs may be tensors, other values, or inputs changed in place (`mark_dirty`).
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable
from typing import Any

from tinygrad_cnn.tensor import Tensor

from .grad_mode import mode, no_grad
from .node import FREED, Node, connect
from .saved import NOTHING, Saved, save_input, save_output, unpack


class FunctionCtx:
    """What `forward` and `backward` share: saved tensors, marks, and any attribute that the user sets."""

    needs_input_grad: tuple[bool, ...]

    def __init__(self) -> None:
        self._to_save: tuple[Any, ...] = ()
        self._saved: list[Saved] = []
        self._dirty: tuple[Any, ...] = ()
        self._not_differentiable: tuple[Any, ...] = ()
        self._materialize = True
        self._node: Any = None  # a weak reference: the node holds the context

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs, outputs or intermediate tensors (or None) for backward, guarded against in-place changes."""
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    "save_for_backward can only save variables, but argument "
                    f"{tensors.index(tensor)} is of type {type(tensor).__name__}"
                )
        self._to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Not supported: forward-mode differentiation does not exist here."""
        raise NotImplementedError("save_for_forward: forward-mode differentiation is not implemented")

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors given to `save_for_backward`; RuntimeError once the graph is freed."""
        if self._node is None:
            return self._to_save
        node = self._node()
        if node is None or node.freed:
            raise RuntimeError(FREED)
        return unpack(node, self._saved)

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which inputs forward changed in place; they must be among its outputs."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which outputs (indices, masks) never need a gradient."""
        self._not_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """With False, backward gets None instead of zeros for an output that nothing used."""
        self._materialize = value


class _FunctionNode(Node):
    """The node of a user's Function: calls its `backward` with the context."""

    def __init__(self, function: type[Function], ctx: FunctionCtx):
        self.function = function
        self.ctx = ctx
        self.count = 0
        self.input_dtypes: tuple[Any, ...] = ()
        self.output_shapes: tuple[Any, ...] = ()
        self.output_dtypes: tuple[Any, ...] = ()

    def name(self) -> str:
        return f"{self.function.__name__}Backward"

    def __getattr__(self, name: str) -> Any:
        """Return what forward put on the context, which in PyTorch is the node itself."""
        if name.startswith("__") or "ctx" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.ctx, name)

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What forward gave to the context's `save_for_backward`."""
        return self.ctx.saved_tensors

    def release(self) -> None:
        if self.ctx._saved:
            self.ctx._saved = []
            self.freed = True

    def run(self, grads: list[Any]) -> tuple[Any, ...]:
        if self.freed:
            raise RuntimeError(FREED)
        if self.ctx._materialize:
            grads = [
                Tensor._zeros(shape, dtype) if grad is None and shape is not None else grad
                for grad, shape, dtype in zip(grads, self.output_shapes, self.output_dtypes, strict=True)
            ]
        result = self.function._vjp()(self.ctx, *grads)
        return self.checked(result if isinstance(result, tuple) else (result,))

    def checked(self, result: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the gradients, each in the dtype of its input; RuntimeError for what cannot be one."""
        name = self.name()
        while len(result) > self.count and result[-1] is None:
            result = result[:-1]
        if len(result) != self.count:
            raise RuntimeError(
                f"function {name} returned an incorrect number of gradients (expected {self.count}, got {len(result)})"
            )
        found = list(result)
        for index, (grad, edge) in enumerate(zip(result, self.edges, strict=True)):
            if grad is not None and not isinstance(grad, Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(grad).__name__})")
            if grad is None or edge is None:
                continue
            shape = edge[2]
            if grad.numel() != _count(shape) and not _fits(grad, shape):
                raise RuntimeError(
                    f"Function {name} returned an invalid gradient at index {index} - got {list(grad.shape)} but "
                    f"expected shape compatible with {list(shape)}"
                )
            dtype = self.input_dtypes[index]
            if grad.dtype is not dtype:
                found[index] = grad.to(dtype)
        return tuple(found)


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def _fits(grad: Tensor, shape: tuple[int, ...]) -> bool:
    """Whether a gradient can be summed down to `shape`."""
    extra = len(grad.shape) - len(shape)
    return extra >= 0 and all(size in (1, got) for size, got in zip(shape, grad.shape[extra:], strict=True))


class Function:
    """Base of custom operations: define static `forward(ctx, *args)` and `backward(ctx, *grads)`, call `apply`.

    `forward(*args)` together with `setup_context(ctx, inputs, output)` works too, as in PyTorch.
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs; override."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Fill the context after a `forward` that takes none; override."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Return one gradient (or None) for each argument of forward; override."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    vjp = backward  # PyTorch's other name: a subclass defines either

    @classmethod
    def _vjp(cls) -> Callable[..., Any]:
        return cls.backward if cls.backward is not Function.backward else cls.vjp

    def __init__(self, *args: Any, **kwargs: Any):
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Instantiating an autograd function will raise an error in a future "
            "version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run the function; its outputs are part of the graph if an argument needs a gradient."""
        ctx = FunctionCtx()
        node = _FunctionNode(cls, ctx)
        inputs = tuple([arg if isinstance(arg, Tensor) else None for arg in args])
        needs = tuple([tensor is not None and tensor.requires_grad for tensor in inputs])
        ctx.needs_input_grad = needs
        node.count = len(args)
        node.input_dtypes = tuple([None if tensor is None else tensor.dtype for tensor in inputs])
        connect(node, inputs)

        with no_grad():
            if cls.setup_context is Function.setup_context:
                result = cls.forward(ctx, *args, **kwargs)
            else:
                result = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, result)
        single = not isinstance(result, tuple)
        outputs = list((result,) if single else result)
        for tensor in ctx._dirty:
            if not any(tensor is output for output in outputs):
                raise RuntimeError(
                    "a tensor marked as dirty by the custom Function was not returned: mark_dirty() is for inputs that "
                    "forward changes in place and returns"
                )
        if node.recording:
            _attach(node, inputs, outputs)
        return outputs[0] if single else tuple(outputs)


def _attach(node: _FunctionNode, inputs: tuple[Any, ...], outputs: list[Any]) -> None:
    """Hang the node behind the outputs. An input returned unchanged is returned as a view of itself, as in PyTorch."""
    ctx = node.ctx
    for index, output in enumerate(outputs):
        if not isinstance(output, Tensor):
            continue
        dirty = any(output is tensor for tensor in ctx._dirty)
        if dirty:
            if output.is_leaf and output.requires_grad:
                raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
            output._bump()
        elif any(output is tensor for tensor in inputs):
            outputs[index] = output._alias_detached()
    node.output_count = len(outputs)
    node.output_shapes = tuple([out._array.shape if isinstance(out, Tensor) else None for out in outputs])
    node.output_dtypes = tuple([out._array.dtype if isinstance(out, Tensor) else None for out in outputs])
    for index, output in enumerate(outputs):
        if isinstance(output, Tensor) and output.is_floating_point():
            if any(output is tensor for tensor in ctx._not_differentiable):
                continue
            if any(output is tensor for tensor in ctx._dirty):
                output._rebase(node)
            else:
                output._set_node(node, index)
    for tensor in ctx._to_save:
        ctx._saved.append(_save(tensor, node, outputs))
    ctx._to_save = ()
    ctx._node = weakref.ref(node)


def _save(tensor: Tensor | None, node: Node, outputs: list[Any]) -> Saved:
    if tensor is None:
        return NOTHING
    for index, output in enumerate(outputs):
        if output is tensor or (isinstance(output, Tensor) and output._array is tensor._array and output._node is node):
            return save_output(tensor, index)
    return save_input(tensor)


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a `backward` whose result cannot be differentiated again
    (`torch.autograd.function.once_differentiable`)."""

    def wrapper(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            result = backward(ctx, *grads)
        if not mode.enabled or not any(isinstance(grad, Tensor) and grad.requires_grad for grad in grads):
            return result
        items = result if isinstance(result, tuple) else (result,)
        failing = tuple([_fail(item) if isinstance(item, Tensor) else item for item in items])
        return failing if isinstance(result, tuple) else failing[0]

    return wrapper


class _Once(Node):
    """Raises when a once-differentiable gradient is differentiated."""

    def run(self, grads: list[Any]) -> tuple[Any, ...]:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


def _fail(tensor: Tensor) -> Tensor:
    result = tensor._alias_detached()
    result._set_node(_Once(), 0)
    return result
