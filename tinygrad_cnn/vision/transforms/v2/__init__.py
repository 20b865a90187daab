"""Transforms of whole samples (`torchvision.transforms.v2`), of which here only images are transformed.

The classes take an image, or a sample of an image and other things, which they pass through. There are no bounding
boxes, masks, key points and videos (`tv_tensors`); images are Pillow's or plain tensors. The first version does the
work: of uint8 tensors, which torchvision computes otherwise here, pixels may differ by a level or two.
"""

from .. import color as _color
from .. import conversion as _conversion
from .. import geometry as _geometry
from .. import local as _local
from .. import warp as _warp
from ..autoaugment import AutoAugmentPolicy
from . import functional
from ._containers import Compose, RandomApply, RandomChoice, RandomOrder
from ._mixing import CutMix, MixUp
from ._samples import (
    AugMix,
    AutoAugment,
    ConvertImageDtype,
    Grayscale,
    Identity,
    Lambda,
    PILToTensor,
    RandAugment,
    RandomCrop,
    RandomEqualize,
    RandomPosterize,
    RandomZoomOut,
    ToDtype,
    ToImage,
    ToPILImage,
    ToPureTensor,
    ToTensor,
    TrivialAugmentWide,
)
from ._transform import Transform
from ._transform import of_images as _of
from .functional import InterpolationMode

CenterCrop, FiveCrop, Pad, Resize, TenCrop = map(
    _of, (_geometry.CenterCrop, _geometry.FiveCrop, _geometry.Pad, _geometry.Resize, _geometry.TenCrop)
)
RandomHorizontalFlip, RandomResizedCrop, RandomVerticalFlip = map(
    _of, (_geometry.RandomHorizontalFlip, _geometry.RandomResizedCrop, _geometry.RandomVerticalFlip)
)
ElasticTransform, RandomAffine, RandomPerspective, RandomRotation = map(
    _of, (_warp.ElasticTransform, _warp.RandomAffine, _warp.RandomPerspective, _warp.RandomRotation)
)
ColorJitter, RandomAutocontrast = _of(_color.ColorJitter), _of(_color.RandomAutocontrast)
RandomGrayscale, RandomInvert, RandomSolarize = map(
    _of, (_color.RandomGrayscale, _color.RandomInvert, _color.RandomSolarize)
)
GaussianBlur, RandomAdjustSharpness, RandomErasing = map(
    _of, (_local.GaussianBlur, _local.RandomAdjustSharpness, _local.RandomErasing)
)
LinearTransformation, Normalize = map(_of, (_conversion.LinearTransformation, _conversion.Normalize))

__all__ = [
    "AugMix",
    "AutoAugment",
    "AutoAugmentPolicy",
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "ConvertImageDtype",
    "CutMix",
    "ElasticTransform",
    "FiveCrop",
    "GaussianBlur",
    "Grayscale",
    "Identity",
    "InterpolationMode",
    "Lambda",
    "LinearTransformation",
    "MixUp",
    "Normalize",
    "PILToTensor",
    "Pad",
    "RandAugment",
    "RandomAdjustSharpness",
    "RandomAffine",
    "RandomApply",
    "RandomAutocontrast",
    "RandomChoice",
    "RandomCrop",
    "RandomEqualize",
    "RandomErasing",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomInvert",
    "RandomOrder",
    "RandomPerspective",
    "RandomPosterize",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomSolarize",
    "RandomVerticalFlip",
    "RandomZoomOut",
    "Resize",
    "TenCrop",
    "ToDtype",
    "ToImage",
    "ToPILImage",
    "ToPureTensor",
    "ToTensor",
    "Transform",
    "TrivialAugmentWide",
    "functional",
]
