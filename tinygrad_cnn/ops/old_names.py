"""Names of PyTorch for what other names have: adjoint, constant_pad_nd, norms and resampling by their old names."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.tensor import Tensor

from .base import check_tensor
from .forms import public
from .order import transpose


@public()
def adjoint(input: Tensor) -> Tensor:
    """Return matrices with their last two dimensions swapped, a view (`torch.adjoint`)."""
    return input if check_tensor(input, "adjoint")._array.ndim == 0 else transpose(input, -2, -1)


@public(method=False)
def constant_pad_nd(input: Tensor, pad: Any, value: Any = 0) -> Tensor:
    """Return `F.pad` with a constant (`torch.constant_pad_nd`)."""
    from tinygrad_cnn.nn.functional.padding import constant_pad_nd

    return constant_pad_nd(input, pad, value)


@public(method=False)
def frobenius_norm(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """Return the root of the sum of squares over `dim` (`torch.frobenius_norm`)."""
    return input.norm(2, dim, keepdim)


@public(method=False)
def nuclear_norm(input: Tensor, dim: Any = (-2, -1), keepdim: bool = False) -> Tensor:
    """Return the sum of singular values (`torch.nuclear_norm`)."""
    from tinygrad_cnn.linalg import matrix_norm

    return matrix_norm(input, "nuc", dim, keepdim)


@public(method=False)
def detach(input: Tensor) -> Tensor:
    """Return a tensor on the same memory outside the graph (`torch.detach`)."""
    return check_tensor(input, "detach").detach()


@public(method=False)
def detach_(input: Tensor) -> Tensor:
    """Take a tensor out of the graph (`torch.detach_`)."""
    return check_tensor(input, "detach_").detach_()


@public(method=False)
def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """Return `F.grid_sample` with its modes as numbers (`torch.grid_sampler`)."""
    from tinygrad_cnn.nn.functional import grid_sample

    modes, paddings = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")
    return grid_sample(input, grid, modes[interpolation_mode], paddings[padding_mode], align_corners)


@public(method=False)
def affine_grid_generator(theta: Tensor, size: Any, align_corners: bool) -> Tensor:
    """Return `F.affine_grid` (`torch.affine_grid_generator`)."""
    from tinygrad_cnn.nn.functional import affine_grid

    return affine_grid(theta, size, align_corners)
