"""Tensor: a NumPy array, a place in the graph, and the rules that tie the two.

The arithmetic lives in `tinygrad_cnn.ops`; its functions become methods in `tinygrad_cnn.methods`. What stands here is
what a tensor is: memory that views share, a version that counts in-place changes, the node that made it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import core, dtypes
from .autograd.grad_mode import mode
from .autograd.waiting import calls, settle
from .casts import FLOATING
from .dtypes import CPU, Size, from_numpy_dtype
from .writing import NO_GRAD_VIEW, Writing

if TYPE_CHECKING:
    from .autograd.node import Node
    from .members import Members
    from .methods import Methods
    from .operators import Operators

    class _Base(Writing, Operators, Methods, Members):
        """Writing, and what `methods.install` puts into Tensor when the package is imported."""
else:
    _Base = Writing

_new = object.__new__


def wrap(array: Any) -> Tensor:
    """Return a Tensor on `array` itself, outside any graph: the constructor of the operations."""
    tensor = _new(Tensor)
    tensor._array = array
    return tensor


class Tensor(_Base):
    """An n-dimensional array of one dtype with a gradient (`torch.Tensor`).

    `Tensor(2, 3)` makes an uninitialised float32 tensor and `Tensor([1, 2])` a float32 copy of data, as in PyTorch,
    whose advice is the function `tensor`.
    """

    # Most tensors use none of these, so they are attributes of the class until they are set.
    _array: Any
    _requires_grad = False
    _grad: Any = None
    _node: Any = None  # what made it; None for a leaf
    _output_index = 0  # which output of the node
    _version_counter: Any = None  # a list of one int, shared by all views
    _view_base: Any = None  # of a view: the tensor whose memory it is, none itself
    _view_made: Any = None  # of a view that is part of the graph: (operation, tensor it was made from, parameters)
    _epoch = 0  # how often the node was replaced by an in-place change; of a view: of its base, when last looked
    _hooks: Any = None  # of a leaf, by handle id
    _post_accumulate_hooks: Any = None
    __array_priority__ = 1000  # np_array * tensor is the tensor's business

    def __new__(cls, *args: Any, device: Any = None) -> Any:
        """Make a tensor as PyTorch's old constructor does; a subclass gets one of its own class on the same memory."""
        from .legacy import new_tensor

        made = new_tensor(args, device)
        if cls is Tensor:
            return made
        instance = _new(cls)
        instance._array, instance._version_counter = made._array, made._version_counter
        return instance

    # ---- memory ----

    @staticmethod
    def _zeros(shape: tuple[int, ...], numpy_dtype: Any) -> Tensor:
        return wrap(core.zeros(shape, numpy_dtype))

    def _counter(self) -> list[int]:
        """Return the version counter, made when it is first needed."""
        counter = self._version_counter
        if counter is None:
            counter = self._version_counter = [0]
        return counter

    def _bump(self) -> None:
        """Count an in-place change."""
        self._counter()[0] += 1

    def _expose(self) -> None:
        """Note that somebody outside shares the memory and may write into it unseen: nothing made of it is put off."""
        counter = self._counter()
        if len(counter) == 1:
            counter.append(1)
            if calls.waiting:
                settle(self._array)

    @property
    def _version(self) -> int:
        return 0 if self._version_counter is None else self._version_counter[0]

    def _alias_detached(self) -> Tensor:
        """Return a tensor on the same memory and version counter, outside the graph."""
        alias = wrap(self._array)
        alias._version_counter = self._counter()
        return alias

    def _alias(self) -> Tensor:
        """Return a tensor on the same memory, version counter and node."""
        alias = self._alias_detached()
        alias._node, alias._output_index = self._current_node(), self._output_index
        alias._requires_grad = self.requires_grad
        return alias

    # ---- place in the graph ----

    def _set_node(self, node: Node, index: int) -> None:
        self._node = node
        self._output_index = index
        self._requires_grad = True

    def _current_node(self) -> Any:
        """Return the node, made anew for a view whose base has been changed in place since."""
        base = self._view_base
        if base is not None and self._epoch != base._epoch:
            if self._view_made is None:
                raise RuntimeError(NO_GRAD_VIEW.format("its base or another view of its base has been modified"))
            self._epoch = base._epoch
            made_by, parent, params = self._view_made
            before, mode.enabled = mode.enabled, True
            try:
                fresh = made_by.apply(parent, *params)
            finally:
                mode.enabled = before
            self._replace_node(fresh._node, fresh._output_index, fresh._requires_grad)
        return self._node

    def _replace_node(self, node: Any, index: int, requires_grad: bool) -> None:
        """Put another node behind this tensor; a gradient that is to be retained is the new one."""
        old, old_index = self._node, self._output_index
        self._node, self._output_index, self._requires_grad = node, index, requires_grad
        if old is not None and node is not None and old._hooks is not None:
            reference = old._hooks.retained.get(old_index)
            if reference is not None and reference() is self:
                del old._hooks.retained[old_index]
                node.hooks().retained[index] = reference

    def _rebase(self, node: Node) -> None:
        """Put `node` behind this tensor after an in-place change, and behind the base if it is a view."""
        base = self._view_base
        if base is None:
            self._replace_node(node, 0, True)
            self._epoch += 1
            return
        from .ops.slices import scatter_into_base

        changed = wrap(self._array)
        changed._set_node(node, 0)
        scattered = scatter_into_base(base, self, changed)
        base._replace_node(scattered, 0, True)
        base._epoch += 1
        self._current_node()

    # ---- what it is ----

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions."""
        return Size(self._array.shape)

    @property
    def dtype(self) -> dtypes.dtype:
        """The type of the elements."""
        return from_numpy_dtype(self._array.dtype)

    @property
    def device(self) -> dtypes.device:
        """Always the CPU."""
        return CPU

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    def numel(self) -> int:
        """Return the number of elements."""
        return self._array.size

    def is_floating_point(self) -> bool:
        """Return whether the dtype is a floating one: float32, float64, float16 or bfloat16."""
        return self._array.dtype in FLOATING

    def type(self, dtype: Any = None) -> Any:
        """Return the legacy name of the type ('torch.FloatTensor'), or a tensor of another dtype or named type."""
        from .legacy import legacy_type

        return legacy_type(self, dtype)
