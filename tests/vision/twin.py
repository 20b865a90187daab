"""Evaluate an expression with torchvision and with `tinygrad_cnn.vision`, and compare values, errors and warnings."""

from __future__ import annotations

import functools
import importlib
import random
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tinygrad_cnn
import tinygrad_cnn.vision.transforms.v2
from tests.nn.twin import clean


def import_torchvision() -> Any:
    """torchvision, or skip. Beside a CPU build of PyTorch the wheel of PyPI does not find CUDA; what it then lacks are
    two operations on boxes, which nothing here uses: declaring them lets it load."""
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import torchvision
        except RuntimeError:
            library = torch.library.Library("torchvision", "FRAGMENT")
            import_torchvision.library = library  # held, or the declarations go with it
            for name in ("nms", "qnms"):
                library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            import torchvision
        except ImportError:
            pytest.skip("torchvision is not installed", allow_module_level=True)
    return torchvision


def sides() -> tuple[SimpleNamespace, SimpleNamespace]:
    """The names that expressions use: ours, then torchvision's."""
    torchvision = import_torchvision()
    import torch

    importlib.import_module("torchvision.transforms.v2")
    return tuple(
        SimpleNamespace(
            torch=t,
            tv=v,
            T=v.transforms,
            v2=v.transforms.v2,
            F=v.transforms.functional,
            IM=v.transforms.InterpolationMode,
        )
        for t, v in ((tinygrad_cnn, tinygrad_cnn.vision), (torch, torchvision))
    )


def pixels(*shape: int, seed: int = 0) -> np.ndarray:
    """Smooth bytes with some noise, as photographs are."""
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(*[np.linspace(0, 3, n) for n in shape[:2]], indexing="ij")
    smooth = np.sin(axes[0] * 2 + axes[1]) + np.cos(axes[1] * 3)
    strengths = np.linspace(0.5, 1.0, int(np.prod(shape[2:]))).reshape(shape[2:])
    wave = smooth.reshape(smooth.shape + (1,) * (len(shape) - 2)) * strengths
    noisy = wave * 55 + 128 + rng.normal(0, 12, shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


@functools.cache
def images() -> dict[str, Any]:
    """Pillow images of several modes, by name."""
    rgb = Image.fromarray(pixels(21, 30, 3))
    return {
        "rgb": rgb,
        "tall": Image.fromarray(pixels(33, 20, 3, seed=1)),
        "grey": Image.fromarray(pixels(21, 30)),
        **{f"in_{mode}": rgb.convert(mode) for mode in ("1", "RGBA", "P", "I", "F", "LA", "CMYK", "HSV")},
    }


@functools.cache
def arrays() -> dict[str, np.ndarray]:
    """Arrays that become tensors, by name."""
    byte = np.ascontiguousarray(pixels(21, 30, 3).transpose(2, 0, 1))
    unit = byte.astype(np.float32) / np.float32(255)
    return {
        "byte": byte,
        "unit": unit,
        "double": unit.astype(np.float64),
        "batch": np.stack([byte, byte[::-1]]),
        "floats": np.stack([unit, unit[::-1]]),
        "grey1": byte[:1],
        "unit1": unit[:1],
        "plane": unit[0],
        "short": (byte.astype(np.int16) - 100) * 250,
        "half": unit.astype(np.float16),
    }


def plain(value: Any) -> Any:
    """Tensors and images as arrays, other objects as they are or as text."""
    if isinstance(value, Image.Image):
        return (value.mode, value.size, value.getpalette(), np.array(value))
    if hasattr(value, "detach") and hasattr(value, "numpy"):
        return value.detach().numpy().copy()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (str, int, float, bool, np.ndarray)):
        return value
    return clean(repr(value))


def evaluate(expression: str, side: SimpleNamespace, seed: int = 7, **names: Any) -> tuple[Any, ...]:
    """What an expression gives: ('ok', value) or (exception type, message), the warnings, the next random number."""
    tensors = {name: side.torch.from_numpy(array.copy()) for name, array in arrays().items()}
    copies = {name: image.copy() for name, image in images().items()}
    scope = {**vars(side), **copies, **tensors, "np": np, "Image": Image, **names}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        side.torch.manual_seed(seed)
        random.seed(seed)
        assert not set(vars(side)) & {*tensors, *copies}
        try:
            result = ("ok", plain(eval(expression, scope)))
        except Exception as error:
            result = (type(error).__name__, clean(str(error)).replace("torch.tensor.Tensor", "torch.Tensor"))
    after = int(side.torch.randint(1 << 30, (1,)).item())
    return *result, [(w.category.__name__, clean(str(w.message))) for w in caught], after


def difference(ours: Any, theirs: Any, atol: float = 0.0, levels: int = 0) -> str | None:
    """The first difference of plain values, None if there is none.

    atol: what floats may differ by, as a share of the largest. levels: what integers may differ by, one in fifty.
    """
    if isinstance(theirs, np.ndarray):
        return _difference_of_arrays(ours, theirs, atol, levels)
    if isinstance(theirs, (list, tuple)) and isinstance(ours, (list, tuple)) and len(ours) == len(theirs):
        found = (difference(*pair, atol, levels) for pair in zip(ours, theirs, strict=True))
        return next(filter(None, found), None)
    if isinstance(theirs, dict) and isinstance(ours, dict) and list(ours) == list(theirs):
        return difference(list(ours.values()), list(theirs.values()), atol, levels)
    return None if ours == theirs and type(ours) is type(theirs) else f"{ours!r} instead of {theirs!r}"


def _difference_of_arrays(ours: Any, theirs: np.ndarray, atol: float, levels: int) -> str | None:
    if not isinstance(ours, np.ndarray) or ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        kind = [(a.shape, a.dtype) if isinstance(a, np.ndarray) else a for a in (ours, theirs)]
        return f"{kind[0]} instead of {kind[1]}"
    if np.array_equal(ours, theirs, equal_nan=theirs.dtype.kind == "f"):
        return None
    gap = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    if theirs.dtype.kind == "f":
        if theirs.dtype == np.float16:
            atol *= 100
        close = gap.max() <= atol * max(1.0, float(np.abs(theirs).max()))
    else:
        close = gap.max() <= levels and (gap > 0).mean() <= 0.02
    return None if close else f"{(gap > 0).sum()} of {gap.size} differ, by up to {gap.max()}"


def check(expression: str, atol: float = 0.0, levels: int = 0, seed: int = 7, **names: Any) -> None:
    """Assert that an expression gives the same with both, and draws as many random numbers."""
    ours, theirs = (evaluate(expression, side, seed, **names) for side in sides())
    found = difference(ours, theirs, atol, levels)
    assert found is None, f"{expression} after seed {seed}: {found}"


def check_each(call: str, atol: float = 1e-5, levels: int = 0, but: tuple[str, ...] = ()) -> None:
    """Check a call, `{}` for its image, on all images and tensors but some; `levels` are for integers of tensors."""
    both = sides()
    wrong = []
    for name in {**images(), **arrays()}.keys() - {*but}:
        ours, theirs = (evaluate(call.replace("{}", name), side) for side in both)
        if found := difference(ours, theirs, atol, 0 if name in images() else levels):
            wrong.append(f"{name}: {found}")
    assert not wrong, f"{call}\n" + "\n".join(wrong)
