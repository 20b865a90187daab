"""dropout."""

from __future__ import annotations

from tinygrad_cnn.nn.functional._arguments import check_tensor, scalar_name
from tinygrad_cnn.ops.dropout import Dropout
from tinygrad_cnn.random.fill import locked
from tinygrad_cnn.tensor import Tensor

__all__ = ["dropout"]


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set each element to 0 with probability `p`, scale the others by 1 / (1 - p) (`F.dropout`; Hinton, 2012).

    Without `training` returns the input. The mask is made in parallel by a counter-based generator (Philox) whose key
    is drawn from the default generator: `manual_seed` fixes it, but it is not the mask that PyTorch draws.

    Raises ValueError unless p is in [0, 1], RuntimeError for NaN or an integer tensor.
    """
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    check_tensor(input, "dropout")
    if not training or p == 0.0 or not input.numel():
        return input
    if p != p:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not input.is_floating_point():
        raise RuntimeError(f"result type Float can't be cast to the desired output type {scalar_name(input.dtype)}")
    if p == 1.0:
        return input.mul_(0.0) if inplace else input * 0.0
    with locked(None) as state:
        key = state.random64()
    if inplace:
        return input._inplace(Dropout, p=float(p), key=key)
    return Dropout.apply(input, p=float(p), key=key)
