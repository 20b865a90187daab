"""dropout, of elements and of channels, and alpha dropout."""

from __future__ import annotations

import warnings

from tinygrad_cnn.nn.functional._arguments import check_tensor, scalar_name
from tinygrad_cnn.ops import dropout_noise as noise
from tinygrad_cnn.ops.dropout import Dropout
from tinygrad_cnn.random.fill import locked
from tinygrad_cnn.tensor import Tensor

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]


def _check_probability(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set each element to 0 with probability `p`, scale the others by 1 / (1 - p) (`F.dropout`; Hinton, 2012).

    Without `training` returns the input. The mask is made in parallel by a counter-based generator (Philox) whose key
    is drawn from the default generator: `manual_seed` fixes it, but it is not the mask that PyTorch draws.

    Raises ValueError unless p is in [0, 1], RuntimeError for NaN or an integer tensor.
    """
    _check_probability(p)
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


def _drop_channels(input: Tensor, p: float, training: bool, inplace: bool, single: bool) -> Tensor:
    """Drop channels; `single`: the input has no batch dimension."""
    drop = noise.feature_dropout_ if inplace else noise.feature_dropout
    if not single:
        return drop(input, p, training)
    if not inplace:
        return drop(input.unsqueeze(0), p, training).squeeze(0)
    drop(input.unsqueeze(0), p, training)  # a view: the input itself changes
    return input


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set whole channels of (N, C, L) or (C, L) to 0 with probability p, scale the others by 1 / (1 - p).

    The channels are those that PyTorch drops after the same seed (`F.dropout1d`; Tompson et al., 2014). Raises
    ValueError unless p is in [0, 1], RuntimeError for another rank or an integer tensor.
    """
    _check_probability(p)
    ndim = input.dim()
    if ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {ndim}D input. Note that dropout1d exists to provide "
            "channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch "
            "dimension (i.e. 2D or 3D inputs)."
        )
    return _drop_channels(input, p, training, inplace, ndim == 2)


def _warn_of_rank(name: str, ndim: int, ranks: tuple[int, int]) -> None:
    if ndim not in ranks:
        warnings.warn(
            f"{name}: Received a {ndim}-D input to {name}, which is deprecated and will result in an error in a future "
            "release. To retain the behavior and silence this warning, please use dropout instead. Note that "
            f"{name} exists to provide channel-wise dropout on inputs with {ranks[0] - 1} spatial dimensions, a "
            f"channel dimension, and an optional batch dimension (i.e. {ranks[0]}D or {ranks[1]}D inputs).",
            stacklevel=3,
        )


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Drop whole channels of (N, C, H, W), as dropout1d; three dimensions are taken as (N, C, L), with a warning."""
    _check_probability(p)
    ndim = input.dim()
    _warn_of_rank("dropout2d", ndim, (3, 4))
    if ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired "
            "- input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a "
            "future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain "
            "the 1D channel-wise dropout behavior, please switch to using dropout1d instead.",
            stacklevel=2,
        )
    return _drop_channels(input, p, training, inplace, False)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Drop whole channels of (N, C, D, H, W) or (C, D, H, W), as dropout1d."""
    _check_probability(p)
    ndim = input.dim()
    _warn_of_rank("dropout3d", ndim, (4, 5))
    return _drop_channels(input, p, training, inplace, ndim != 5)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Set elements to SELU's floor with probability p, then scale and shift to keep mean 0 and variance 1.

    The elements are those that PyTorch drops after the same seed (`F.alpha_dropout`; Klambauer et al., 2017). Raises
    ValueError unless p is in [0, 1], RuntimeError for an integer tensor.
    """
    _check_probability(p)
    return (noise.alpha_dropout_ if inplace else noise.alpha_dropout)(input, p, training)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """alpha_dropout of whole channels of (N, C, ...) (`F.feature_alpha_dropout`)."""
    _check_probability(p)
    return (noise.feature_alpha_dropout_ if inplace else noise.feature_alpha_dropout)(input, p, training)
