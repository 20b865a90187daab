"""The base of transforms of whole samples: which parts of a sample are images, and the same random numbers for all."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import nn
from tinygrad_cnn._absent import abstract
from tinygrad_cnn.tensor import Tensor
from tinygrad_cnn.vision._extras import is_pillow_image

from ..functional._image import InterpolationMode
from .functional import is_marked, mark

__all__ = ["Transform", "of_images"]


def map_leaves(function: Callable[[Any], Any], sample: Any) -> Any:
    """Return a sample of tuples, lists and dictionaries with `function` applied to what they hold, in order."""
    if isinstance(sample, dict):
        return type(sample)((key, map_leaves(function, value)) for key, value in sample.items())
    if isinstance(sample, tuple) and hasattr(sample, "_fields"):
        return type(sample)(*(map_leaves(function, value) for value in sample))
    if type(sample) in (tuple, list):
        return type(sample)(map_leaves(function, value) for value in sample)
    return function(sample)


def leaves(sample: Any) -> list[Any]:
    """Return what the tuples, lists and dictionaries of a sample hold."""
    found: list[Any] = []
    map_leaves(found.append, sample)
    return found


class Transform(nn.Module):
    """Base class of transforms of samples (`torchvision.transforms.v2.Transform`): `transform(image, label, ...)`.

    The inputs may be nested tuples, lists and dictionaries. What is transformed: Pillow images, and tensors that
    `ToImage` made or that were made of such; without any, the first tensor. Everything else passes through. Subclasses
    define `transform(inpt, params)` and, for what all parts of a sample shall share, `make_params(flat_inputs)`, which
    returns a dictionary.
    """

    _transformed_types: tuple[Any, ...] = (Tensor, is_pillow_image)

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        """Raise an error for inputs that cannot be transformed."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw what all parts share; flat_inputs are those that will be transformed."""
        return {}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Return one part, transformed."""
        raise abstract(self, "transform")

    def _wanted(self, flat_inputs: list[Any]) -> list[bool]:
        """Tell which parts are transformed."""
        tensors_left = 0 if any(is_pillow_image(part) or is_marked(part) for part in flat_inputs) else 1
        wanted = []
        for part in flat_inputs:
            known = any(
                isinstance(part, kind) if isinstance(kind, type) else kind(part) for kind in self._transformed_types
            )
            if known and isinstance(part, Tensor) and not is_marked(part):
                known = tensors_left > 0
                tensors_left = 0
            wanted.append(known)
        return wanted

    def forward(self, *inputs: Any) -> Any:
        """Return the sample, transformed: one input as it is, several as a tuple."""
        sample = inputs if len(inputs) > 1 else inputs[0]
        parts = leaves(sample)
        self.check_inputs(parts)
        return self._apply_to(sample, parts)

    def _apply_to(self, sample: Any, parts: list[Any]) -> Any:
        wanted = self._wanted(parts)
        params = self.make_params([part for part, is_wanted in zip(parts, wanted, strict=True) if is_wanted])
        marks = iter(wanted)
        return map_leaves(lambda part: self._transformed(part, params) if next(marks) else part, sample)

    def _transformed(self, part: Any, params: dict[str, Any]) -> Any:
        """Return one part, transformed: of a marked image a marked one."""
        result = self.transform(part, params)
        return mark(result) if is_marked(part) and isinstance(result, Tensor) else result

    def extra_repr(self) -> str:
        """Return the attributes that are numbers, texts, sequences or modes."""
        kinds = (bool, int, float, str, tuple, list, enum.Enum)
        shown = [
            f"{name}={value.value if isinstance(value, InterpolationMode) else value}"
            for name, value in vars(self).items()
            if not name.startswith("_") and name != "training" and isinstance(value, kinds)
        ]
        return ", ".join(shown)

    def __repr__(self) -> str:
        return nn.Module.__repr__(self)


class _OfImages(Transform):
    """A transform of one image, by the class of the first version, made one of samples.

    All images of a sample are transformed from the same state of the generator, so that they get the same parameters.
    """

    _v1_transform_cls: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        modes = {mode.value: mode for mode in InterpolationMode}
        named = {name: modes.get(value, value) if name == "interpolation" else value for name, value in kwargs.items()}
        self._v1_transform_cls.__init__(
            self, *(modes.get(value, value) if isinstance(value, str) else value for value in args), **named
        )

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Keep the state of the generator."""
        return {"state": torch.get_rng_state()} if len(flat_inputs) > 1 else {}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Return the image as the first version transforms it."""
        if "state" in params:
            torch.set_rng_state(params["state"])
        return self._v1_transform_cls.forward(self, inpt)


def of_images(v1_class: Any) -> Any:
    """Return the class of samples that corresponds to a class of the first version, under the same name."""
    body = {"_v1_transform_cls": v1_class, "__doc__": f"`{v1_class.__name__}` of the first version, for samples."}
    made = type(v1_class.__name__, (_OfImages, v1_class), body)
    made.__module__ = __name__.rpartition(".")[0]
    return made
