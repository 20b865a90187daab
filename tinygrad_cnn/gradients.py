"""What a tensor has to do with gradients: `requires_grad`, `grad`, hooks, `detach`, `data`.

The base class of Tensor; how the graph itself is kept is in `tensor.py`.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .casts import FLOATING
from .dtypes import scalar_name

if TYPE_CHECKING:
    from .tensor import Tensor


class Gradient:
    """The part of Tensor that deals with gradients."""

    if TYPE_CHECKING:
        _array: Any
        _requires_grad: bool
        _grad: Any
        _node: Any
        _output_index: int
        _view_base: Any
        _hooks: Any
        _post_accumulate_hooks: Any
        _current_node: Any
        _alias_detached: Any
        _bump: Any
        is_floating_point: Any
        shape: Any
        dtype: Any

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are computed for this tensor."""
        if self._requires_grad:
            return True
        base = self._view_base
        return base is not None and base._requires_grad and self._current_node() is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value and not self.is_floating_point():
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if self._current_node() is not None:
            if not value:
                raise RuntimeError(
                    "you can only change requires_grad flags of leaf variables. If you want to use a computed variable "
                    "in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
                )
            return
        if value:
            self._array  # noqa: B018  (a leaf has elements: this one's are computed if they were put off)
        self._requires_grad = bool(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad` and return the tensor."""
        self.requires_grad = requires_grad
        return self  # type: ignore[return-value]

    @property
    def is_leaf(self) -> bool:
        """Whether no operation of the graph made this tensor."""
        return self._current_node() is None

    @property
    def grad_fn(self) -> Any:
        """The node that made this tensor, None for a leaf."""
        node = self._current_node()
        if node is None:
            return None
        from .autograd.node import named

        return named(node)

    @property
    def output_nr(self) -> int:
        """Which output of `grad_fn` this tensor is."""
        return self._output_index

    @property
    def grad(self) -> Any:
        """The gradient that backward has added up, None before."""
        found = self._grad
        if found is None and self._node is not None and not self.retains_grad:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute "
                "won't be populated during autograd.backward(). If you indeed want the .grad field to be populated for "
                "a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by "
                "mistake, make sure you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for "
                "more informations.",
                stacklevel=2,
            )
        return found

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Gradient):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
                )
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value.shape != self.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size "
                    f"'{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size"
                )
            if value.dtype is not self.dtype:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{scalar_name(value.dtype).lower()}' to a tensor "
                    f"with dtype '{scalar_name(self.dtype).lower()}'. The gradient must match the tensor's dtype "
                    "(data type)."
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    def retain_grad(self) -> None:
        """Keep the gradient of a tensor that is not a leaf, too."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        node = self._current_node()
        if node is not None:
            node.hooks().retained[self._output_index] = weakref.ref(self)

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called on this tensor, which is not a leaf."""
        node = self._current_node()
        if node is None or node._hooks is None:
            return False
        reference = node._hooks.retained.get(self._output_index)
        return reference is not None and reference() is self

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Any:
        """Call `hook(gradient)` when this tensor's gradient is known; a returned tensor replaces it."""
        from .utils.hooks import register

        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        node = self._current_node()
        if node is None:
            if self._hooks is None:
                self._hooks = {}
            hooks = self._hooks
        else:
            hooks = node.hooks().outputs.setdefault(self._output_index, {})
        return register(hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> Any:
        """Call `hook(tensor)` after a gradient was added to this leaf's `grad`."""
        from .utils.hooks import register

        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._current_node() is not None:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        if self._post_accumulate_hooks is None:
            self._post_accumulate_hooks = {}
        return register(self._post_accumulate_hooks, hook)

    def detach(self) -> Tensor:
        """Return a tensor on the same memory that the graph does not know."""
        return self._alias_detached()

    def detach_(self) -> Tensor:
        """Take this tensor out of the graph: it becomes a leaf that needs no gradient."""
        if self._view_base is not None:
            raise RuntimeError(
                "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for "
                "training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence "
                "detach_() cannot be called on these gradients. To fix this error, please refer to the "
                "Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution."
            )
        self._node, self._requires_grad, self._output_index = None, False, 0
        return self  # type: ignore[return-value]

    @property
    def data(self) -> Tensor:
        """The same memory outside the graph; changes through it are not noticed (no version is counted)."""
        from .tensor import wrap

        return wrap(self._array)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Gradient):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self._requires_grad and value._array.dtype not in FLOATING:
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        if value._array.shape != self._array.shape or value._array.dtype != self._array.dtype:
            self._bump()  # operations that saved this tensor count on its sizes: their backward must refuse
        self._array = value._array
