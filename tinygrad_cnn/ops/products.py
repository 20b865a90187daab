"""Products of vectors and matrices added to something, chains of products, cross products, distances, covariances."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_cnn.casts import FLOATING
from tinygrad_cnn.dtypes import get_default_dtype
from tinygrad_cnn.tensor import Tensor

from .base import check_tensor, scalar_name, wrap_dim
from .broadcasting import broadcast_tensors
from .forms import public, with_out
from .halves import in_float32
from .matmul import added, bmm, dot, matmul, mv, outer
from .promotion import promoted


@public(inplace=True, inplace_function=True, out=True)
def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """Return beta * input + alpha * mat @ vec (`torch.addmv`)."""
    return added("addmv", input, mv(mat, vec), beta, alpha)


@public(inplace=True, out=True)
@in_float32
def addr(
    input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """Return beta * input + alpha * the outer product of two vectors (`torch.addr`)."""
    if vec1._array.ndim != 1 or vec2._array.ndim != 1:
        raise RuntimeError(
            f"addr: Expected 1-D argument vec1 and vec2, but got {vec1._array.ndim}-D and {vec2._array.ndim}-D"
        )
    product = outer(vec1, vec2)
    if product._array.dtype.kind == "b":
        return (input & bool(beta)) | (product & bool(alpha))
    input, product = promoted(input, product)
    for name, factor in (("beta", beta), ("alpha", alpha)):
        if product._array.dtype not in FLOATING and isinstance(factor, float):
            raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")
    return added("addr", input, product, beta, alpha)


@public(inplace=True, out=True)
@in_float32
def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """Return beta * input + alpha * the sum over the batch of batch1 @ batch2 (`torch.addbmm`)."""
    product = bmm(batch1, batch2)
    return added("addbmm", input, product.sum(0, dtype=product.dtype), beta, alpha)


@public(inplace=True, out=True)
@in_float32
def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """Return beta * input + alpha * batch1 @ batch2 of batches of matrices (`torch.baddbmm`)."""
    return added("baddbmm", input, bmm(batch1, batch2), beta, alpha)


@public(out=True)
def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the inner product of two vectors (`torch.vdot`), real ones here."""
    return dot(input, other)


@public(method=False)
def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """Return the product of matrices in the order that costs least (`torch.chain_matmul`)."""
    return multi_dot(list(matrices))


@with_out
def multi_dot(tensors: list[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Return the product of matrices; the first and the last may be vectors (`torch.linalg.multi_dot`).

    The order is that of the matrix chain problem: cost[i][j] is the least over k of cost[i][k] + cost[k + 1][j] plus
    the multiplications that join both.
    """
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    chain = list(tensors)
    row, column = chain[0]._array.ndim == 1, chain[-1]._array.ndim == 1
    chain[0] = chain[0].unsqueeze(0) if row else chain[0]
    chain[-1] = chain[-1].unsqueeze(1) if column else chain[-1]
    for i, matrix in enumerate(chain):
        if matrix._array.ndim != 2:
            ends = {0: "the first tensor must be 1D or", len(chain) - 1: "the last tensor must be 1D or"}
            which = ends.get(i, f"tensor {i} must be")
            raise RuntimeError(f"multi_dot(): {which} 2D but got {matrix._array.ndim}D")
        if i and chain[i - 1]._array.shape[1] != matrix._array.shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {i - 1} and {i} with shapes {list(chain[i - 1]._array.shape)} and "
                f"{list(matrix._array.shape)} cannot be multiplied"
            )
    sizes = [matrix._array.shape[0] for matrix in chain] + [chain[-1]._array.shape[1]]
    best: dict[tuple[int, int], tuple[float, int]] = {(i, i): (0.0, i) for i in range(len(chain))}
    for length in range(1, len(chain)):
        for i in range(len(chain) - length):
            j = i + length
            best[i, j] = min(
                (best[i, k][0] + best[k + 1, j][0] + math.prod((sizes[i], sizes[k + 1], sizes[j + 1])), k)
                for k in range(i, j)
            )

    def product(i: int, j: int) -> Tensor:
        k = best[i, j][1]
        return chain[i] if i == j else matmul(product(i, k), product(k + 1, j))

    result = product(0, len(chain) - 1)
    result = result.squeeze(-1) if column else result
    return result.squeeze(0) if row else result


@public(out=True)
def cross(input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """Return cross products along `dim`, by default the first of size 3 (`torch.cross`)."""
    if dim is None:
        sizes = check_tensor(input, "cross")._array.shape
        if 3 not in sizes:
            raise RuntimeError("no dimension of size 3 in input")
        dim = sizes.index(3)
    return cross_along(input, other, dim)


@with_out
def cross_along(input: Tensor, other: Tensor, dim: int = -1, *, out: Tensor | None = None) -> Tensor:
    """Return cross products along `dim` (`torch.linalg.cross`)."""
    a, b = check_tensor(input, "linalg.cross"), check_tensor(other, "linalg.cross", "other", 2)
    if a._array.ndim != b._array.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    given, dim = dim, wrap_dim(dim, a._array.ndim)
    if a._array.shape[dim] != 3 or b._array.shape[dim] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {given} must have length 3. Got {a._array.shape[dim]} and "
            f"{b._array.shape[dim]}"
        )
    a, b = broadcast_tensors(a, b)
    return a.roll(-1, dim) * b.roll(-2, dim) - a.roll(-2, dim) * b.roll(-1, dim)


@public(method=False)
@in_float32
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """Return the p-norm distances between all rows of x1 (..., P, M) and of x2 (..., R, M) (`torch.cdist`).

    Computed from the differences whatever `compute_mode` says: PyTorch's product form loses digits of small distances.
    """
    for name, x in (("X1", x1), ("X2", x2)):
        if check_tensor(x, "cdist", name.lower())._array.dtype not in FLOATING:
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {scalar_name(x)}")
        if x._array.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x._array.ndim}D")
    if x1._array.shape[-1] != x2._array.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1._array.shape[-1]} X2: {x2._array.shape[-1]}"
        )
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    modes = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")
    if compute_mode not in modes:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    difference = x1.unsqueeze(-2) - x2.unsqueeze(-3)
    # The count of what is not 0, but NaN for NaN, unlike the 0-norm.
    return difference.abs().ceil().clamp(max=1).sum(-1) if p == 0 else difference.norm(p, -1)


@public()
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """Return the covariance matrix of the rows of a matrix, whose columns are observations (`torch.cov`).

    `fweights` counts, `aweights` weighs the observations; divided by the sum of weights less `correction`.
    """
    x = _rows("cov", input)
    if x._array.dtype.kind == "b":
        raise RuntimeError("cov(): bool dtype is not supported for input")
    rows = x.reshape(1, -1) if x._array.ndim < 2 else x
    count = rows._array.shape[1]
    weights = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        _check_weights(name, given, count)
        weights = given if weights is None else weights * given
    total = count if weights is None else weights.sum()
    if weights is None:
        mean = (rows if rows._array.dtype in FLOATING else rows.to(get_default_dtype())).mean(1, keepdim=True)
    else:
        mean = (rows * weights).sum(1, keepdim=True) / total
    if weights is not None and aweights is not None and correction != 0:
        factor = total - correction * (weights * aweights).sum() / total
    else:
        factor = total - correction
    centred = rows - mean
    weighted = centred if weights is None else centred * weights
    factor = factor.clamp(min=0) if isinstance(factor, Tensor) else max(factor, 0)
    return (centred @ weighted.t() / factor).squeeze()


def _rows(name: str, input: Tensor) -> Tensor:
    ndim = check_tensor(input, name)._array.ndim
    if ndim > 2:
        raise RuntimeError(
            f"{name}(): expected input to have two or fewer dimensions but got an input with {ndim} dimensions"
        )
    return input


def _check_weights(name: str, weights: Tensor, count: int) -> None:
    array = weights._array
    expected, got = f"cov(): expected {name} to have", f"but got {name} with"
    if array.ndim > 1:
        raise RuntimeError(f"{expected} one or fewer dimensions {got} {array.ndim} dimensions")
    if name == "fweights" and array.dtype.kind not in "iu":
        raise RuntimeError(f"{expected} integral dtype {got} {scalar_name(weights)} dtype")
    if name == "aweights" and array.dtype.kind != "f":
        raise RuntimeError(f"{expected} floating point dtype {got} {scalar_name(weights)} dtype")
    if array.size != count:
        raise RuntimeError(
            f"{expected} the same numel as there are observations in the input but got {array.size} != {count}"
        )
    if count and not (array >= 0).all():  # NaN neither
        raise RuntimeError(f"cov(): {name} cannot be negative")


@public()
def corrcoef(input: Tensor) -> Tensor:
    """Return the correlation coefficients of the rows of a matrix, limited to [-1, 1] (`torch.corrcoef`)."""
    _rows("corrcoef", input)
    c = cov(input)
    if c._array.ndim == 0:
        return c / c
    deviation = c.diagonal().sqrt()
    return (c / deviation.unsqueeze(1) / deviation.unsqueeze(0)).clamp(-1, 1)
