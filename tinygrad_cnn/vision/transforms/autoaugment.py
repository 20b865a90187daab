"""Policies of augmentation: AutoAugment, RandAugment, TrivialAugmentWide, AugMix.

All draw operations from a table of names, each with its magnitudes and whether their sign is drawn too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import nn
from tinygrad_cnn.tensor import Tensor

from . import _policies
from . import functional as F
from ._arguments import fill_of, integer, remembered
from ._dirichlet import sample_dirichlet
from .functional._image import InterpolationMode

__all__ = ["AugMix", "AutoAugment", "AutoAugmentPolicy", "RandAugment", "TrivialAugmentWide"]

Space = dict[str, tuple[Tensor, bool]]

# The magnitude of a shear is a slope.
_MOVES: dict[str, Callable[[float], dict[str, Any]]] = {
    "ShearX": lambda m: {"shear": [math.degrees(math.atan(m)), 0.0], "center": [0, 0]},
    "ShearY": lambda m: {"shear": [0.0, math.degrees(math.atan(m))], "center": [0, 0]},
    "TranslateX": lambda m: {"translate": [int(m), 0]},
    "TranslateY": lambda m: {"translate": [0, int(m)]},
}
_CHANGES: dict[str, Callable[[Any, float], Any]] = {
    "Brightness": lambda img, m: F.adjust_brightness(img, 1.0 + m),
    "Color": lambda img, m: F.adjust_saturation(img, 1.0 + m),
    "Contrast": lambda img, m: F.adjust_contrast(img, 1.0 + m),
    "Sharpness": lambda img, m: F.adjust_sharpness(img, 1.0 + m),
    "Posterize": lambda img, m: F.posterize(img, int(m)),
    "Solarize": F.solarize,
    "AutoContrast": lambda img, m: F.autocontrast(img),
    "Equalize": lambda img, m: F.equalize(img),
    "Invert": lambda img, m: F.invert(img),
    "Identity": lambda img, m: img,
}


def _apply_op(img: Any, op_name: str, magnitude: float, interpolation: Any, fill: Any) -> Any:
    """Return the image after the operation of that name; ValueError for an unknown one."""
    if op_name in _MOVES:
        still: dict[str, Any] = {"angle": 0.0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0]}
        return F.affine(img, **(still | _MOVES[op_name](magnitude)), interpolation=interpolation, fill=fill)
    if op_name == "Rotate":
        return F.rotate(img, magnitude, interpolation=interpolation, fill=fill)
    if op_name not in _CHANGES:
        raise ValueError(f"The provided operator {op_name} is not recognized.")
    return _CHANGES[op_name](img, magnitude)


@remembered
def _moves(bins: int, shear: float, shift: tuple[float, float], turn: float) -> Space:
    """Return the operations that move pixels; shift is the longest one for (height, width)."""
    tops = {"ShearX": shear, "ShearY": shear, "TranslateX": shift[1], "TranslateY": shift[0], "Rotate": turn}
    return {name: (torch.linspace(0.0, top, bins), True) for name, top in tops.items()}


@remembered
def _factors(bins: int, top: float) -> Space:
    """Return the operations that blend."""
    return {name: (torch.linspace(0.0, top, bins), True) for name in ("Brightness", "Color", "Contrast", "Sharpness")}


@remembered
def _tones(bins: int, bits: int, fewer_bits: int, names: tuple[str, ...]) -> Space:
    """Return the operations on tones; `names` are those without a magnitude."""
    dropped = (torch.arange(bins) / ((bins - 1) / fewer_bits)).round().int()
    space = {"Posterize": (bits - dropped, False), "Solarize": (torch.linspace(255.0, 0.0, bins), False)}
    return space | {name: (torch.tensor(0.0), False) for name in names}


class AutoAugmentPolicy(Enum):
    """The data sets on which AutoAugment's policies were found."""

    IMAGENET = "imagenet"
    CIFAR10 = "cifar10"
    SVHN = "svhn"


class _Augmentation(nn.Module):
    """What the policies have in common: interpolation and fill of moves, a repr of the arguments."""

    _shown: tuple[str, ...] = ()

    def __init__(self, interpolation: InterpolationMode, fill: Any) -> None:
        super().__init__()
        self.interpolation = interpolation
        self.fill = fill

    def _operate(self, img: Any, name: str, magnitude: float, fill: Any) -> Any:
        return _apply_op(img, name, magnitude, self.interpolation, fill)

    def _negative(self) -> bool:
        """Draw a sign."""
        return bool(integer(0, 2))

    def _draw(self, space: Space, magnitude_of: Callable[[Tensor], float]) -> tuple[str, float]:
        """Draw an operation; `magnitude_of` picks from its magnitudes, then the sign is drawn."""
        name = list(space)[integer(0, len(space))]
        magnitudes, signed = space[name]
        magnitude = magnitude_of(magnitudes) if magnitudes.ndim > 0 else 0.0
        return name, -magnitude if signed and self._negative() else magnitude

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in self._shown)})"


class AutoAugment(_Augmentation):
    """Draws one of the 25 policies found for a data set (Cubuk et al., arXiv:1805.09501): two operations each.

    Takes Pillow images of mode L or RGB and uint8 tensors (..., 1 or 3, H, W), as the other classes here.
    """

    _shown = ("policy", "fill")

    def __init__(
        self,
        policy: AutoAugmentPolicy = AutoAugmentPolicy.IMAGENET,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Any = None,
    ) -> None:
        super().__init__(interpolation, fill)
        self.policy = policy
        self.policies = self._get_policies(policy)

    def _get_policies(self, policy: AutoAugmentPolicy) -> list[_policies.Policy]:
        if not isinstance(policy, AutoAugmentPolicy):
            raise ValueError(f"The provided policy {policy} is not recognized.")
        return _policies.policies(getattr(_policies, policy.name))

    def _augmentation_space(self, num_bins: int, image_size: tuple[int, int]) -> Space:
        shift = (150.0 / 331.0 * image_size[0], 150.0 / 331.0 * image_size[1])
        tones = _tones(num_bins, 8, 4, ("AutoContrast", "Equalize", "Invert"))
        return _moves(num_bins, 0.3, shift, 30.0) | _factors(num_bins, 0.9) | tones

    @staticmethod
    def get_params(transform_num: int) -> tuple[int, Tensor, Tensor]:
        """Draw the policy, and for each of its operations a number for its probability and a sign."""
        return integer(0, transform_num), torch.rand((2,)), torch.randint(2, (2,))

    def forward(self, img: Any) -> Any:
        """Return the augmented image."""
        fill = fill_of(img, self.fill)
        _, height, width = F.get_dimensions(img)
        number, chances, signs = self.get_params(len(self.policies))
        space = self._augmentation_space(10, (height, width))
        for i, (name, p, magnitude_id) in enumerate(self.policies[number]):
            if chances[i] <= p:
                magnitudes, signed = space[name]
                magnitude = 0.0 if magnitude_id is None else float(magnitudes[magnitude_id].item())
                if signed and signs[i] == 0:
                    magnitude *= -1.0
                img = self._operate(img, name, magnitude, fill)
        return img


class RandAugment(_Augmentation):
    """Applies `num_ops` random operations, all of one magnitude (Cubuk et al., arXiv:1909.13719)."""

    _shown = ("num_ops", "magnitude", "num_magnitude_bins", "interpolation", "fill")

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: int = 9,
        num_magnitude_bins: int = 31,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Any = None,
    ) -> None:
        super().__init__(interpolation, fill)
        self.num_ops = num_ops
        self.magnitude = magnitude
        self.num_magnitude_bins = num_magnitude_bins

    def _augmentation_space(self, num_bins: int, image_size: tuple[int, int]) -> Space:
        shift = (150.0 / 331.0 * image_size[0], 150.0 / 331.0 * image_size[1])
        tones = _tones(num_bins, 8, 4, ("AutoContrast", "Equalize"))
        identity = {"Identity": (torch.tensor(0.0), False)}
        return identity | _moves(num_bins, 0.3, shift, 30.0) | _factors(num_bins, 0.9) | tones

    def forward(self, img: Any) -> Any:
        """Return the augmented image."""
        fill = fill_of(img, self.fill)
        _, height, width = F.get_dimensions(img)
        space = self._augmentation_space(self.num_magnitude_bins, (height, width))
        for _ in range(self.num_ops):
            img = self._operate(img, *self._draw(space, lambda values: float(values[self.magnitude].item())), fill)
        return img


class TrivialAugmentWide(_Augmentation):
    """Applies one random operation of random magnitude (Mueller and Hutter, arXiv:2103.10158)."""

    _shown = ("num_magnitude_bins", "interpolation", "fill")

    def __init__(
        self,
        num_magnitude_bins: int = 31,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Any = None,
    ) -> None:
        super().__init__(interpolation, fill)
        self.num_magnitude_bins = num_magnitude_bins

    def _augmentation_space(self, num_bins: int) -> Space:
        tones = _tones(num_bins, 8, 6, ("AutoContrast", "Equalize"))
        identity = {"Identity": (torch.tensor(0.0), False)}
        return identity | _moves(num_bins, 0.99, (32.0, 32.0), 135.0) | _factors(num_bins, 0.99) | tones

    def forward(self, img: Any) -> Any:
        """Return the augmented image."""
        fill = fill_of(img, self.fill)
        space = self._augmentation_space(self.num_magnitude_bins)
        drawn = self._draw(space, lambda values: float(values[integer(0, len(values))].item()))
        return self._operate(img, *drawn, fill)


class AugMix(_Augmentation):
    """Mixes the image with `mixture_width` chains of `chain_depth` operations (negative: 1 to 3), in random shares of
    concentration `alpha` (Hendrycks et al., arXiv:1912.02781).

    severity: the largest magnitude, 1 to 10, ValueError for another. all_ops: use brightness, contrast, colour and
    sharpness too.
    """

    _shown = ("severity", "mixture_width", "chain_depth", "alpha", "all_ops", "interpolation", "fill")
    _PARAMETER_MAX = 10

    def __init__(
        self,
        severity: int = 3,
        mixture_width: int = 3,
        chain_depth: int = -1,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        fill: Any = None,
    ) -> None:
        super().__init__(interpolation, fill)
        if not (1 <= severity <= self._PARAMETER_MAX):
            raise ValueError(f"The severity must be between [1, {self._PARAMETER_MAX}]. Got {severity} instead.")
        self.severity = severity
        self.mixture_width = mixture_width
        self.chain_depth = chain_depth
        self.alpha = alpha
        self.all_ops = all_ops

    def _augmentation_space(self, num_bins: int, image_size: tuple[int, int]) -> Space:
        moves = _moves(num_bins, 0.3, (image_size[0] / 3.0, image_size[1] / 3.0), 30.0)
        space = moves | _tones(num_bins, 4, 4, ("AutoContrast", "Equalize"))
        return space | _factors(num_bins, 0.9) if self.all_ops else space

    def _sample_dirichlet(self, params: Tensor) -> Tensor:
        return sample_dirichlet(params)

    def forward(self, orig_img: Any) -> Any:
        """Return the mixture."""
        if isinstance(orig_img, Tensor):
            return self._mixed(orig_img, fill_of(orig_img, self.fill))
        return F.to_pil_image(self._mixed(F.pil_to_tensor(orig_img), self.fill))

    def _mixed(self, img: Tensor, fill: Any) -> Tensor:
        space = self._augmentation_space(self._PARAMETER_MAX, (img.shape[-2], img.shape[-1]))
        batch = img.reshape([1] * max(4 - img.ndim, 0) + list(img.shape))
        count, ones = batch.shape[0], [1] * (batch.ndim - 1)
        # The shares of the image and of all chains together, then of each chain.
        shares = self._sample_dirichlet(torch.tensor([self.alpha] * 2).expand(count, -1))
        chains = self._sample_dirichlet(torch.tensor([self.alpha] * self.mixture_width).expand(count, -1))
        weights = chains * shares[:, 1].view(count, -1)
        mix = shares[:, 0].view(count, *ones) * batch
        for i in range(self.mixture_width):
            augmented = batch
            for _ in range(self.chain_depth if self.chain_depth > 0 else integer(1, 4)):
                drawn = self._draw(space, lambda values: float(values[integer(0, self.severity)].item()))
                augmented = self._operate(augmented, *drawn, fill)
            mix.add_(weights[:, i].view(count, *ones) * augmented)
        return mix.view(img.shape).to(img.dtype)
