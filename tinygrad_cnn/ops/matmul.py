"""Matrix products of float tensors by the core's GEMM, which takes any strides; of integers by NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_cnn.autograd.grad_mode import mode
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.casts import FLOATING, HALVES, halves
from tinygrad_cnn.core import gemm
from tinygrad_cnn.dtypes import C_NAMES
from tinygrad_cnn.tensor import Tensor, wrap

from .base import FLOATS, broadcast_error, check_tensor, scalar_name, write_out
from .forms import public

_apply: Any = Operation.apply.__func__  # type: ignore[attr-defined]


class Mm(Operation):
    """A @ B of matrices (M, K) and (K, N), or of two batches of them; `ta`, `tb` say which are given transposed."""

    grad_name = "MmBackward0"

    @classmethod
    def apply(cls, a: Any, b: Any, ta: bool = False, tb: bool = False, grad_name: str = "MmBackward0") -> Any:
        """Multiply two Tensors, with a node only if one of them may need a gradient."""
        if (
            a._requires_grad
            or b._requires_grad
            or ((base := a._view_base) is not None and base._requires_grad)
            or ((base := b._view_base) is not None and base._requires_grad)
        ) and mode.enabled:
            return _apply(cls, a, b, ta=ta, tb=tb, grad_name=grad_name)
        if halves.seen and a._array.dtype in HALVES:
            return _apply(cls, a, b, ta=ta, tb=tb, grad_name=grad_name)
        return wrap(cls.compute(a._array, b._array, ta, tb))

    @classmethod
    def compute(cls, a: Any, b: Any, ta: bool, tb: bool) -> Any:
        """Multiply arrays."""
        if ta:
            a = a.swapaxes(-1, -2)
        if tb:
            b = b.swapaxes(-1, -2)
        return gemm(a, b) if a.dtype in FLOATS else np.asarray(np.matmul(a, b))

    def forward(self, a: Any, b: Any, ta: bool, tb: bool, grad_name: str) -> Any:
        """Multiply."""
        self.ta, self.tb = ta, tb
        self.grad_name = grad_name
        self.save_for_backward(a, b)
        return self.compute(a, b, ta, tb)

    def backward(self, grad: Tensor) -> Any:
        """d(AB) = dA B + A dB: the gradients are G B^T and A^T G, or those transposed, B G^T and G^T A."""
        a, b = self.saved_tensors
        edge_a, edge_b = self.edges
        ta, tb, name = self.ta, self.tb, self.grad_name
        by_a = by_b = None
        if edge_a is not None:
            by_a = (
                Mm.apply(b, grad, ta=tb, tb=True, grad_name=name)
                if ta
                else Mm.apply(grad, b, tb=not tb, grad_name=name)
            )
        if edge_b is not None:
            by_b = (
                Mm.apply(grad, a, ta=True, tb=ta, grad_name=name)
                if tb
                else Mm.apply(a, grad, ta=not ta, grad_name=name)
            )
        return by_a, by_b


def _same_dtype(a: Tensor, b: Tensor, name: str = "") -> None:
    if a._array.dtype != b._array.dtype:
        words = [C_NAMES[x.dtype] for x in (a, b)]
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {words[0]} != {words[1]}")
    if a._array.dtype.kind == "b":
        raise NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Bool'")


def _mm(a: Tensor, b: Tensor) -> Tensor:
    x, y = a._array, b._array
    (m, k), (k2, n) = x.shape, y.shape
    if k != k2:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({m}x{k} and {k2}x{n})")
    if x.dtype is not y.dtype or x.dtype not in FLOATS:
        _same_dtype(a, b)
    return Mm.apply(a, b)


@public()
def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the product of matrices (M, K) and (K, N) (`torch.mm`); RuntimeError for other shapes or two dtypes."""
    for name, x in (("self", check_tensor(input, "mm")), ("mat2", check_tensor(mat2, "mm", "mat2", 2))):
        if x._array.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix")
    y = _mm(input, mat2)
    return y if out is None else write_out("mm", out, y, input, mat2)


@public()
def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the products of batches of matrices (B, M, K) and (B, K, N) (`torch.bmm`)."""
    a, b = check_tensor(input, "bmm")._array, check_tensor(mat2, "bmm", "mat2", 2)._array
    for name, x in (("batch1", a), ("batch2", b)):
        if x.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")
    if a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a.shape[0]}, {a.shape[2]}] but got: "
            f"[{b.shape[0]}, {b.shape[1]}]."
        )
    _same_dtype(input, mat2)
    y = Mm.apply(input, mat2, grad_name="BmmBackward0")
    return y if out is None else write_out("bmm", out, y, input, mat2)


@public()
def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the inner product of two vectors of one size (`torch.dot`)."""
    a, b = check_tensor(input, "dot")._array, check_tensor(tensor, "dot", "tensor", 2)._array
    if a.ndim != 1 or b.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {a.ndim}D and {b.ndim}D tensors")
    if a.dtype != b.dtype:
        words = [scalar_name(x).lower() for x in (input, tensor)]
        raise RuntimeError(
            f"dot : expected both vectors to have same dtype, but found {words[0].capitalize()} and "
            f"{words[1].capitalize()}"
        )
    if a.size != b.size:
        raise RuntimeError(
            "inconsistent tensor size, expected tensor "
            f"{list(a.shape)} and src {list(b.shape)} to have the same number of elements, but got {a.size} and "
            f"{b.size} elements respectively"
        )
    y = Mm.apply(input.unsqueeze(0), tensor.unsqueeze(1)).reshape(())
    return y if out is None else write_out("dot", out, y, input, tensor)


@public()
def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the product of a matrix (M, N) and a vector (N,) (`torch.mv`)."""
    a, v = check_tensor(input, "mv")._array, check_tensor(vec, "mv", "vec", 2)._array
    if a.ndim != 2 or v.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {a.ndim}, {v.ndim}")
    if a.shape[1] != v.shape[0]:
        raise RuntimeError(
            f"size mismatch, got input ({a.shape[0]}), mat ({a.shape[0]}x{a.shape[1]}), vec ({v.shape[0]})"
        )
    _same_dtype(input, vec)
    y = Mm.apply(input, vec.unsqueeze(1)).squeeze(1)
    return y if out is None else write_out("mv", out, y, input, vec)


@public("ger")
def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the matrix of all products of two vectors' elements (`torch.outer`)."""
    for name, x, position in (("self", input, 1), ("vec2", vec2, 2)):
        if check_tensor(x, "outer", name, position)._array.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {x._array.ndim}-D")
    y = input.unsqueeze(1) * vec2
    return y if out is None else write_out("outer", out, y, input, vec2)


@public()
def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the matrix product by dimensions (`torch.matmul`).

    Vectors: inner product. A vector counts as a row before and as a column after a matrix. More dimensions: leading
    ones are batches, broadcast. RuntimeError for 0-d operands, sizes that do not fit, or two dtypes.
    """
    if not (isinstance(input, Tensor) and isinstance(other, Tensor)):
        check_tensor(input, "matmul")
        check_tensor(other, "matmul", "other", 2)
    a, b = input._array, other._array
    if a.ndim == 2 and b.ndim == 2:
        y = _mm(input, other)
    elif a.ndim == 0 or b.ndim == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a.ndim}D and {b.ndim}D")
    elif a.ndim == 1 and b.ndim == 1:
        y = dot(input, other)
    elif a.ndim == 2 and b.ndim == 1:
        y = mv(input, other)
    elif a.ndim == 1 and b.ndim == 2:
        y = _mm(input.unsqueeze(0), other).squeeze(0)
    elif b.ndim <= 2:  # the batch joins the rows: one product
        column = b.ndim == 1
        rows = input.reshape(math.prod(a.shape[:-1]), a.shape[-1])
        y = _mm(rows, other.unsqueeze(1) if column else other)
        y = y.reshape(a.shape[:-1] if column else (*a.shape[:-1], b.shape[-1]))
    elif a.ndim == 1:
        y = _batched(input.unsqueeze(0), other).squeeze(-2)
    else:
        y = _batched(input, other)
    return y if out is None else write_out("matmul", out, y, input, other)


def _batched(a: Tensor, b: Tensor) -> Tensor:
    """Return the product of (..., M, K) and (..., K, N), leading dimensions broadcast without copies where possible."""
    sa, sb = a._array.shape, b._array.shape
    try:
        batch = np.broadcast_shapes(sa[:-2], sb[:-2])
    except ValueError:
        raise broadcast_error(np.empty(sa[:-2], np.uint8), np.empty(sb[:-2], np.uint8)) from None
    if sa[-1] != sb[-2]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{math.prod(batch)}, {sa[-1]}] but got: "
            f"[{math.prod(batch)}, {sb[-2]}]."
        )
    _same_dtype(a, b)
    flat = math.prod(batch)
    a3 = a.expand(*batch, *sa[-2:]).reshape(flat, *sa[-2:])
    b3 = b.expand(*batch, *sb[-2:]).reshape(flat, *sb[-2:])
    return Mm.apply(a3, b3, grad_name="BmmBackward0").reshape(*batch, sa[-2], sb[-1])


def added(name: str, input: Tensor, product: Tensor, beta: Any, alpha: Any) -> Tensor:
    """Return beta * input + alpha * product; the input is broadcast, and not read if beta is 0."""
    if check_tensor(input, name)._array.dtype != product._array.dtype:
        a, b = scalar_name(input), scalar_name(product)
        if name == "addmv":
            raise RuntimeError(f"addmv input tensors must have the same dtype, but got {a}, {b}, and {b}")
        raise RuntimeError(f"self and mat2 must have the same dtype, but got {a} and {b} in {name}()")
    if product._array.dtype not in FLOATING:
        beta, alpha = int(beta), int(alpha)
    shape, target = input._array.shape, product._array.shape
    term = input if shape == target else input.expand(target)
    scaled = product if alpha == 1 else product * alpha
    if beta == 0:  # NaN in the input is not taken over; its gradient is 0
        return term.masked_fill(wrap(np.ones((), np.bool_)), 0) + scaled if input.requires_grad else scaled
    return (term if beta == 1 else term * beta) + scaled


@public(inplace=True)
def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """Return beta * input + alpha * mat1 @ mat2 (`torch.addmm`); input is broadcast, and not read if beta is 0."""
    y = added("addmm", input, mm(mat1, mat2), beta, alpha)
    return y if out is None else write_out("addmm", out, y, input, mat1, mat2)


@public()
def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the products summed over the last dimension of both (`torch.inner`)."""
    a, b = check_tensor(input, "inner")._array, check_tensor(other, "inner", "other", 2)._array
    if a.ndim == 0 or b.ndim == 0:
        y = input * other
    else:
        if a.shape[-1] != b.shape[-1]:
            raise RuntimeError(
                f"inner() the last dimension must match on both input tensors but got shapes {list(a.shape)} and "
                f"{list(b.shape)}"
            )
        _same_dtype(input, other)
        rows = Mm.apply(input.reshape(-1, a.shape[-1]), other.reshape(-1, b.shape[-1]).t())
        y = rows.reshape(*a.shape[:-1], *b.shape[:-1])
    return y if out is None else write_out("inner", out, y, input, other)
