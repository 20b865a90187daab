"""Work put off until the next operation is known, so that both pass over memory once.

While an nn.Module is being called, a convolution, a batch normalisation and a sum return a `Deferred`: a tensor of
known shape whose elements nobody has asked for yet. If a ReLU comes next, it goes along in the same pass; a batch
normalisation by running statistics goes into the weights of the convolution before it. Everything else just looks at
the elements, and finds them computed: whatever the user's code does, it sees what it would have seen.

- The graph is the same as without: the node of the put-off operation, the ReLU's node behind it. What ReLU's gradient
  needs is its own output, so the elements in between are never written unless somebody still holds that tensor and
  looks at it.
- Nothing may change under a Deferred. In-place operations call `settle` before they write; memory that NumPy or
  another library shares (`Tensor._expose`) is never put off; and at the end of the outermost call of a module whatever
  is left is computed, so that no Deferred leaves a network.
- `tinygrad_cnn.backends.fusion.enabled = False` switches all of it off.
"""

from __future__ import annotations

import weakref
from typing import Any

from tinygrad_cnn import core
from tinygrad_cnn._absent import abstract
from tinygrad_cnn.backends import fusion
from tinygrad_cnn.dtypes import Size, from_numpy_dtype
from tinygrad_cnn.tensor import Tensor, wrap

from .grad_mode import anomaly, mode
from .node import connect, connect_to
from .operation import Operation
from .saved import pack
from .waiting import calls

# Up to this a tensor stays in the first-level cache, where another pass costs less than putting it off.
WORTH = 16 * 1024
# References to look through before those are dropped whose tensors are gone or computed.
MOST_WAITING = 256


class Task:
    """What is left to do for a tensor of `shape` and `dtype`, made of the arrays `sources`."""

    __slots__ = ("dtype", "shape", "sources")

    def __init__(self, shape: tuple[int, ...], dtype: Any, sources: tuple[Any, ...]):
        self.shape, self.dtype, self.sources = shape, dtype, sources

    def run(self, relu: bool) -> Any:
        """Return the array, or max(array, 0); may be called again as long as the sources have not changed."""
        raise abstract(self, "run")


class Deferred(Tensor):
    """A tensor that turns into a plain Tensor when its elements are asked for."""

    _task: Task

    @property
    def _array(self) -> Any:
        task = self.__dict__.get("_task")
        if task is not None:  # else another thread was first
            self._become(task.run(False))
        return self.__dict__["_array"]

    @_array.setter
    def _array(self, array: Any) -> None:
        self._become(array)

    def _become(self, array: Any) -> None:
        # The elements first: from the change of class on, other threads read them.
        self.__dict__["_array"] = array
        self.__class__ = Tensor  # type: ignore[assignment]
        self.__dict__.pop("_task", None)

    # What is known without the elements.

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions."""
        return Size(self._task.shape)

    @property
    def dtype(self) -> Any:
        """The type of the elements."""
        return from_numpy_dtype(self._task.dtype)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self._task.shape)

    def dim(self) -> int:
        """Return the number of dimensions."""
        return len(self._task.shape)

    def is_floating_point(self) -> bool:
        """Return True: only floats are put off."""
        return True


# type(x).__name__ is what messages and users print.
Deferred.__name__, Deferred.__qualname__, Deferred.__module__ = "Tensor", "Tensor", Tensor.__module__


class Deferrable(Operation):
    """An operation that can be put off. Subclasses define `prepare(self, *arrays, **params)`, which saves for backward
    and returns the Task, where other operations define `forward`."""

    def prepare(self, *arrays: Any, **params: Any) -> Task:
        """Return the work."""
        raise abstract(self, "prepare")

    def forward(self, *arrays: Any, **params: Any) -> Any:
        """Do the work."""
        return self.prepare(*arrays, **params).run(False)


def run(operation: type[Deferrable], nbytes: int, inputs: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """Put an operation whose result has `nbytes` off inside a module's call, if that is worth it; else run it."""
    if nbytes > WORTH and calls.depth and facts(inputs[0])[1] in core.FLOATS and may_wait(inputs):
        return defer(operation(), inputs, params)
    return operation.apply(*inputs, **params)


def may_wait(inputs: tuple[Any, ...]) -> bool:
    """Whether an operation on these may be put off: not if somebody outside could change one without our knowing."""
    if not fusion.enabled or anomaly.enabled:
        return False
    for tensor in inputs:
        if tensor is not None and tensor._version_counter is not None and len(tensor._version_counter) > 1:
            return False
    return True


def defer(node: Any, inputs: tuple[Any, ...], params: dict[str, Any]) -> Tensor:
    """Put off an operation that has `prepare`; the graph is made now."""
    task = node.prepare(*connect(node, inputs), **params)
    tensor = put_off(task)
    if node.recording:
        tensor._set_node(node, 0)
        if node._saved is not None:
            node._saved = pack(node._saved, inputs, ())  # the output has no elements yet that could be among them
    return tensor


def put_off(task: Task) -> Tensor:
    """Return a tensor for the task: a Deferred if that is worth it."""
    size = task.dtype.itemsize
    for length in task.shape:
        size *= length
    if size <= WORTH:
        return wrap(task.run(False))
    tensor: Deferred = object.__new__(Deferred)
    tensor._task = task
    if len(calls.waiting) >= MOST_WAITING:  # a training loop inside a module's call would keep them all
        calls.waiting = [reference for reference in calls.waiting if type(reference()) is Deferred]
    calls.waiting.append(weakref.ref(tensor))
    return tensor


def compute(values: Any) -> None:
    """Compute the tensors among `values` that were put off, before a user's code sees them and asks for their type."""
    for value in values:
        if type(value) is Deferred:
            value._array  # noqa: B018


def facts(tensor: Tensor) -> tuple[tuple[int, ...], Any]:
    """Return shape and NumPy dtype without asking for elements."""
    source: Any = tensor._task if type(tensor) is Deferred else tensor._array
    return source.shape, source.dtype


def records(*tensors: Tensor | None) -> bool:
    """Whether an operation on these tensors becomes part of the graph."""
    return mode.enabled and any(tensor is not None and tensor.requires_grad for tensor in tensors)


# ---- the ReLU that comes next ----


def take_relu(tensor: Deferred, relu: type[Operation]) -> Tensor:
    """Return relu(tensor), computed in one go; `tensor` itself stays put off."""
    return _attach(wrap(tensor._task.run(True)), relu, tensor._node, tensor._output_index, tensor._task.shape)


def take_relu_inplace(tensor: Deferred, relu: type[Operation]) -> Tensor:
    """Set the tensor to its relu, computed in one go: its elements before are never written."""
    tensor._check_inplace()
    source, index, task = tensor._node, tensor._output_index, tensor._task
    tensor._become(task.run(True))
    tensor._bump()
    return _attach(tensor, relu, source, index, task.shape)


def _attach(result: Tensor, relu: type[Operation], source: Any, index: int, shape: tuple[int, ...]) -> Tensor:
    """Hang relu's node between `source`, which made its input, and its result."""
    if source is not None and mode.enabled:
        node = relu()
        connect_to(node, source, index, shape)
        node.save_for_backward(result._array)
        node._finish((), (result,))
    return result
