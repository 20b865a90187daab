"""Published weights (`torchvision.models.*_Weights`): where they are, how images are prepared, how good they are."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import cache, partial
from typing import Any

from tinygrad_cnn.vision.models._imagenet import categories
from tinygrad_cnn.vision.models._table import TABLE
from tinygrad_cnn.vision.transforms import InterpolationMode
from tinygrad_cnn.vision.transforms._presets import ImageClassification

__all__ = ["Weights", "WeightsEnum", "weights_of"]

_ADDRESS = "https://download.pytorch.org/models/"
# Of the few that were not trained with the usual mean and deviation.
_NORMALISATION: dict[str, dict[str, Any]] = {
    "vgg16_features-amdegroot-88682ab5": {"mean": (0.48235, 0.45882, 0.40784), "std": (1 / 255,) * 3},
    "efficientnet_v2_l-59c71312": {"mean": (0.5,) * 3, "std": (0.5,) * 3},
}
_NO_CLASSIFIER = "vgg16_features-amdegroot-88682ab5"


class Weights:
    """Where weights are (`url`), what makes their preparation of images (`transforms()`), and facts (`meta`)."""

    def __init__(self, url: str, transforms: Callable[..., Any], meta: dict[str, Any]) -> None:
        self.url, self.transforms, self.meta = url, transforms, meta

    def __eq__(self, other: object) -> bool:
        return self.url == other.url if isinstance(other, Weights) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.url)

    def __repr__(self) -> str:
        return f"Weights(url={self.url!r}, transforms={self.transforms!r}, meta={self.meta!r})"


class WeightsEnum(Enum):
    """The weights of one model; DEFAULT are the best."""

    value: Weights

    @classmethod
    def verify(cls, obj: Any) -> Any:
        """Return a member for its name or itself, None for None; TypeError for others, KeyError for another name."""
        if isinstance(obj, str) and not isinstance(obj, cls):
            return cls[obj.replace(f"{cls.__name__}.", "")]
        if obj is not None and not isinstance(obj, cls):
            raise TypeError(
                f"Invalid Weight class provided; expected {cls.__name__} but received {type(obj).__name__}."
            )
        return obj

    def get_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Return the weights, from the folder of `hub`; they are fetched if need be (`hub.load_state_dict_from_url`).

        RuntimeError that says where to put the file if it is neither there nor to be had.
        """
        import os

        from tinygrad_cnn import hub

        try:
            return hub.load_state_dict_from_url(self.url, *args, **kwargs)
        except (OSError, RuntimeError) as error:
            folder = os.path.join(hub.get_dir(), "checkpoints")
            raise RuntimeError(
                f"the weights {self} could not be had: {error}\nFetch {self.url} by other means and put the file into "
                f"{folder} (set TORCH_HOME, or call torch.hub.set_dir, to keep it elsewhere), or build the model "
                "without weights and give it your own file by load_state_dict(torch.load(...))"
            ) from error

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    @property
    def url(self) -> str:
        """Where the file is."""
        return self.value.url

    @property
    def transforms(self) -> Callable[..., Any]:
        """What makes the preparation of images: `weights.transforms()(image)`."""
        return self.value.transforms

    @property
    def meta(self) -> dict[str, Any]:
        """Facts: "categories", "num_params", "min_size", "_metrics"."""
        return self.value.meta


@cache
def _table() -> dict[str, tuple[str, list[list[str]]]]:
    """Return for each builder its first line (name of the enum, parameters, least size) and those of its weights."""
    models: dict[str, tuple[str, list[list[str]]]] = {}
    members: list[list[str]] = []
    for line in TABLE.strip().splitlines():
        builder, rest = line.split(" ", 1)
        if builder in ("*", "-"):
            members.append(line.split())
        else:
            members = []
            models[builder] = (rest, members)
    return models


def weights_of(builder: str, module: str) -> type[WeightsEnum]:
    """Make the enum of a model's weights, which belongs to `module`."""
    first, lines = _table()[builder]
    name, parameters, size = first.split()
    members: dict[str, Weights] = {}
    for mark, short, file, crop, resize, interpolation, first_guess, within_five in lines:
        transforms = partial(
            ImageClassification,
            crop_size=int(crop),
            resize_size=int(resize),
            interpolation=InterpolationMode(interpolation),
            **_NORMALISATION.get(file, {}),
        )
        meta = {
            "num_params": int(parameters),
            "min_size": (int(size), int(size)),
            "categories": None if file == _NO_CLASSIFIER else categories(),
            "_metrics": {"ImageNet-1K": {"acc@1": float(first_guess), "acc@5": float(within_five)}},
        }
        members[f"IMAGENET1K_{short}"] = Weights(f"{_ADDRESS}{file}.pth", transforms, meta)
        if mark == "*":
            default = members[f"IMAGENET1K_{short}"]
    members["DEFAULT"] = default
    make: Any = WeightsEnum  # calling an enum without members makes a new one
    return make(f"{name}_Weights", members, module=module)
