"""interpolate, and its old names upsample, upsample_nearest and upsample_bilinear."""

from __future__ import annotations

import math
import warnings
from typing import Any

from tinygrad_cnn.casts import FLOATING
from tinygrad_cnn.nn.functional._arguments import LARGEST, not_implemented_for
from tinygrad_cnn.ops.halves import in_float32
from tinygrad_cnn.ops.resample import Nearest, Resample, axis, resample_bytes
from tinygrad_cnn.ops.resample_weights import nearest
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]

# For each mode: the rank that it takes (0: any), the filter, the name of PyTorch's operator, and that of the kernel
# which an integer input is missing.
_MODES = {
    "nearest": (0, "", "nearest{}d", "compute_indices_weights_nearest"),
    "nearest-exact": (0, "", "nearest_exact{}d", "compute_indices_weights_nearest"),
    "area": (0, "", "", ""),
    "linear": (3, "linear", "linear1d", "compute_indices_weights_linear"),
    "bilinear": (4, "linear", "bilinear2d", "upsample_bilinear2d_channels_last"),
    "trilinear": (5, "linear", "trilinear3d", "compute_indices_weights_linear"),
    "bicubic": (4, "cubic", "bicubic2d", "compute_indices_weights_cubic"),
    "lanczos": (4, "lanczos", "lanczos2d", "compute_index_ranges_weights"),
}


@in_float32
def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resample the last dimensions of input (N, C, W), (N, C, H, W) or (N, C, D, H, W) (`F.interpolate`).

    Either `size` or `scale_factor`, a number or one for each dimension, says how large the result is. mode: 'nearest'
    (the place that the left edge falls on), 'nearest-exact' (the nearest centre), 'linear' (3-D input), 'bilinear',
    'bicubic', 'lanczos' (4-D), 'trilinear' (5-D), 'area' (means over adaptive windows). align_corners: the centres of
    the corner pixels, not their edges, are aligned. recompute_scale_factor: from the sizes, instead of the one given.
    antialias: with filters as wide as the step (bilinear, bicubic, lanczos), as Pillow. Bytes are resampled, too, in
    'nearest', 'bilinear' and 'bicubic' modes, with integer weights.

    Raises ValueError for arguments that contradict each other, RuntimeError for sizes below 1, NotImplementedError for
    a mode that does not go with the rank or the dtype.
    """
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the interpolating modes: "
                "linear | bilinear | bicubic | trilinear"
            )
    elif align_corners is None:
        align_corners = False
    sizes, scales = _sizes(input, size, scale_factor, bool(recompute_scale_factor) or mode == "area", size is not None)
    if size is not None and recompute_scale_factor:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    ndim = input.dim()
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    _check_mode(mode, ndim, align_corners, antialias)
    if mode == "area":
        from tinygrad_cnn.nn import functional

        return getattr(functional, f"adaptive_avg_pool{ndim - 2}d")(input, sizes)
    _, kind, operator, kernel = _MODES[mode]
    operator = f"upsample_{operator}".format(ndim - 2)
    operator = f"_{operator}_aa" if antialias else f"_{operator}" if mode == "nearest-exact" else operator
    if kind and type(align_corners) is not bool:
        raise TypeError(f"{operator}(): argument 'align_corners' must be bool, not {type(align_corners).__name__}")
    sizes, scales = _checked(input, sizes, scales, operator)
    if input._array.dtype not in FLOATING and (input._array.dtype != "uint8" or mode in ("linear", "trilinear")):
        four = f"{operator.strip('_')}_channels_last".replace("_exact", "") if not kind and ndim == 4 else kernel
        raise not_implemented_for("compute_index_ranges_weights" if antialias else four, input)
    before = input._array.shape[2:]
    if not kind:
        rule = (mode == "nearest-exact", ndim == 4)
        maps = tuple([nearest(n, out, rule[0], s, rule[1]) for n, out, s in zip(before, sizes, scales, strict=True)])
        return Nearest.apply(input, maps=maps, grad_name=_node(operator))
    smooth = input._array.dtype in FLOATING
    if antialias or not smooth:  # what keeps its size is left alone, whatever its scale
        scales = [None if pair[0] == pair[1] else s for *pair, s in zip(before, sizes, scales, strict=True)]
    axes = tuple([(kind, *pair, align_corners, s, antialias) for *pair, s in zip(before, sizes, scales, strict=True)])
    if not smooth:
        return wrap(resample_bytes(input._array, axes))
    matrices = tuple([axis(*arguments, input._array.dtype) for arguments in axes])
    return Resample.apply(input, axes=matrices, grad_name=_node(operator))


def _node(operator: str) -> str:
    """Return the name of the graph's node: UpsampleBilinear2DAaBackward0 of _upsample_bilinear2d_aa."""
    name = "".join(word.capitalize() for word in operator.split("_"))
    return f"{name.removesuffix('Aa')[:-1]}D{'Aa' if operator.endswith('_aa') else ''}Backward0"


def _sizes(input: Tensor, size: Any, scale_factor: Any, recompute: bool, sized: bool) -> tuple[Any, Any]:
    """Return (sizes, None) or (None, scales), one for each dimension; scales become sizes if they are recomputed."""
    spatial = list(input.shape[2:])
    count = input.dim() - 2
    if sized and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if sized:
        if not isinstance(size, (list, tuple)):
            return [size] * count, None
        if len(size) != count:
            raise ValueError(
                "Input and output must have the same number of spatial dimensions, but got input with spatial "
                f"dimensions of {spatial} and output size of {size}. Please provide input tensor in (N, C, d1, d2, "
                "...,dK) format and output size in (o1, o2, ...,oK) format."
            )
        if not all(hasattr(item, "__index__") for item in size):
            raise TypeError(
                "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, int], but got size "
                f"with types {[type(item) for item in size]}"
            )
        return size, None
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if not isinstance(scale_factor, (list, tuple)):
        scale_factor = [scale_factor] * count
    elif len(scale_factor) != count:
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but got input with spatial "
            f"dimensions of {spatial} and scale_factor of shape {scale_factor}. Please provide input tensor in (N, C, "
            "d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format."
        )
    if recompute:
        return [int(before * scale) for before, scale in zip(spatial, scale_factor, strict=True)], None
    return None, scale_factor


def _check_mode(mode: str, ndim: int, align_corners: Any, antialias: bool) -> None:
    """Raise NotImplementedError for a mode that does not exist for the rank."""
    rank = _MODES[mode][0] if mode in _MODES else -1
    if mode == "lanczos" and ndim == 4:
        if align_corners:
            raise ValueError("Lanczos mode does not support align_corners=True")
        if not antialias:
            raise ValueError("Lanczos mode requires antialias=True")
    if ndim in (3, 4, 5) and rank in (0, ndim):
        return
    if ndim in (3, 4, 5) and mode in ("linear", "bilinear", "trilinear"):
        raise NotImplementedError(f"Got {ndim}D input, but {mode} mode needs {rank}D input")
    raise NotImplementedError(
        f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {ndim}D) for the modes: nearest | linear | "
        f"bilinear | bicubic | trilinear | lanczos | area | nearest-exact (got {mode})"
    )


def _checked(input: Tensor, sizes: Any, scales: Any, operator: str) -> tuple[list[int], list[float | None]]:
    """Return sizes and scales (None: from the sizes) as numbers, having checked that the result can be made."""
    shape = input._array.shape
    before = shape[2:]
    given = scales if sizes is None else sizes
    kind = (int, float) if sizes is None else int
    for k, item in enumerate(given):
        if isinstance(item, bool) or not (isinstance(item, kind) or (sizes is not None and hasattr(item, "__index__"))):
            name, wanted = ("scale_factors", "floats") if sizes is None else ("output_size", "ints")
            raise TypeError(
                f"{operator}(): argument '{name}' must be tuple of {wanted}, but found element of type "
                f"{type(item).__name__} at pos {k}"
            )
    if sizes is None:
        products = [n * scale for n, scale in zip(before, scales, strict=True)]
        if not all(abs(product) < LARGEST for product in products):
            raise RuntimeError("value cannot be converted to type int64_t without overflow")
        sizes, scales = [int(product) for product in products], [float(scale) for scale in scales]
    else:
        sizes, scales = [item.__index__() for item in sizes], [None] * len(before)
    if min(*before, *sizes, 1) < 1:
        names = "DHW"[-len(before) :]
        got, wanted = [
            ", ".join(f"{name}: {n}" for name, n in zip(names, part, strict=True)) for part in (before, sizes)
        ]
        joint = "and output" if len(before) == 1 else "output"
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got input ({got}) {joint} ({wanted})")
    if not math.prod(shape[1:]):
        raise RuntimeError(f"Non-empty {len(shape)}D data tensor expected but got a tensor with sizes {list(shape)}")
    if math.prod(sizes) * math.prod(shape[:2]) >= LARGEST:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={[*shape[:2], *sizes]}")
    return sizes, scales


def _deprecated(name: str) -> None:
    warnings.warn(
        f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.", UserWarning, stacklevel=3
    )


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """Return `interpolate` of the same arguments, with a warning (`F.upsample`)."""
    _deprecated("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """Return `interpolate` with mode 'nearest', with a warning (`F.upsample_nearest`)."""
    _deprecated("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """Return `interpolate` with mode 'bilinear' and aligned corners, with a warning (`F.upsample_bilinear`)."""
    _deprecated("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
