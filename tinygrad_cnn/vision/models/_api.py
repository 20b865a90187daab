"""The builders of models by name (`torchvision.models.get_model`, ...), and how they are made."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from types import ModuleType
from typing import Any

from tinygrad_cnn import nn
from tinygrad_cnn.vision.models._weights import Weights, WeightsEnum, weights_of

__all__ = [
    "Weights",
    "WeightsEnum",
    "builder",
    "get_model",
    "get_model_builder",
    "get_model_weights",
    "get_weight",
    "list_models",
    "overwrite",
    "register_model",
]

BUILTIN_MODELS: dict[str, Callable[..., Any]] = {}
_ENUMS: dict[str, type[WeightsEnum]] = {}
_ABSENT: Any = object()
Prepare = Callable[[dict[str, Any]], Callable[[Any], None] | None]


def register_model(name: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a builder so that `get_model` finds it, by its own name or `name`; ValueError if that is taken."""

    def register(fn: Callable[..., Any]) -> Callable[..., Any]:
        key = fn.__name__ if name is None else name
        if key in BUILTIN_MODELS:
            raise ValueError(f"An entry is already registered under the name '{key}'.")
        BUILTIN_MODELS[key] = fn
        return fn

    return register


def builder(
    name: str,
    make: Callable[..., Any],
    doc: str,
    prepare: Prepare | None = None,
    convert: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
) -> tuple[Callable[..., Any], type[WeightsEnum]]:
    """Return the function that builds the model `name`, and the enum of its weights.

    make(**options) makes the model. With weights, prepare(options) is called first, and what it returns with the model
    when the weights are in; convert(state_dict) gives old files today's names.
    """
    enum = weights_of(name, make.__module__)

    def build(*arguments: Any, weights: Any = _ABSENT, progress: bool = True, **options: Any) -> Any:
        given, progress = _given(name, enum, arguments, weights, progress, options)
        if given is None:
            return make(**options)
        finish = prepare(options) if prepare is not None else None
        if given.meta["categories"] is not None:
            overwrite(options, "num_classes", len(given.meta["categories"]))
        model = make(**options)
        state = given.get_state_dict(progress=progress, check_hash=True)
        model.load_state_dict(state if convert is None else convert(state))
        if finish is not None:
            finish(model)
        return model

    build.__name__ = build.__qualname__ = name
    build.__module__ = make.__module__
    build.__doc__ = (
        f"{doc}\n\nweights: of {enum.__name__} or its name; None leaves the model as it is initialised. "
        "progress: show the download. Further arguments are the model's."
    )
    _ENUMS[name] = enum
    register_model()(build)
    return build, enum


def _given(
    name: str,
    enum: type[WeightsEnum],
    arguments: tuple[Any, ...],
    weights: Any,
    progress: bool,
    options: dict[str, Any],
) -> tuple[Any, bool]:
    """Return the weights that a call asks for, and `progress`, also in the old ways: `pretrained`, by position."""
    if len(arguments) > 2:
        raise TypeError(f"{name}() takes at most 2 positional arguments ({len(arguments)} given)")
    if arguments:
        names = " and ".join(["'weights'", "'progress'"][: len(arguments)])
        _warn(
            f"Using {names} as positional parameter(s) is deprecated since 0.13 and may be removed in the future. "
            "Please use keyword parameter(s) instead."
        )
        weights, progress = arguments[0], arguments[1] if len(arguments) == 2 else progress
    if "pretrained" in options:
        _warn(
            "The parameter 'pretrained' is deprecated since 0.13 and may be removed in the future, please use "
            "'weights' instead."
        )
        pretrained = options.pop("pretrained")
    elif weights is _ABSENT or weights is None or (isinstance(weights, (WeightsEnum, str)) and weights != "legacy"):
        return enum.verify(None if weights is _ABSENT else weights), progress
    else:
        pretrained = weights
    default = enum.__members__.get("IMAGENET1K_V1") if pretrained else None
    if pretrained and default is None:
        raise ValueError(f"No weights available for model {name}")
    message = (
        "Arguments other than a weight enum or `None` for 'weights' are deprecated since 0.13 and may be removed in "
        f"the future. The current behavior is equivalent to passing `weights={default}`."
    )
    if pretrained:
        message += f" You can also use `weights={enum.__name__}.DEFAULT` to get the most up-to-date weights."
    _warn(message)
    return default, progress


def _warn(message: str) -> None:
    warnings.warn(message, UserWarning, stacklevel=4)


def overwrite(options: dict[str, Any], name: str, value: Any) -> None:
    """Set an option that has to be `value`; ValueError if it was given as something else."""
    if options.setdefault(name, value) != value:
        raise ValueError(f"The parameter '{name}' expected value {value} but got {options[name]} instead.")


def list_models(
    module: ModuleType | None = None,
    include: Iterable[str] | str | None = None,
    exclude: Iterable[str] | str | None = None,
) -> list[str]:
    """Return the names of the models (of one module), sorted: those that match a pattern of `include` and none of
    `exclude`, as of file names ("resnet*")."""

    def matches(name: str, patterns: Iterable[str] | str) -> bool:
        return any(fnmatch(name, pattern) for pattern in ([patterns] if isinstance(patterns, str) else patterns))

    include, exclude = [p if p is None or isinstance(p, str) else list(p) for p in (include, exclude)]
    return sorted(
        name
        for name, build in BUILTIN_MODELS.items()
        if (module is None or build.__module__.rpartition(".")[0] == module.__name__)
        and (not include or matches(name, include))
        and not (exclude and matches(name, exclude))
    )


def get_model_builder(name: str) -> Callable[..., nn.Module]:
    """Return the function that builds a model; ValueError for an unknown name."""
    try:
        return BUILTIN_MODELS[name.lower()]
    except KeyError:
        raise ValueError(f"Unknown model {name.lower()}") from None


def get_model(name: str, **config: Any) -> nn.Module:
    """Build a model by its name: `get_model("resnet18", num_classes=10)`."""
    return get_model_builder(name)(**config)


def get_model_weights(name: Callable[..., nn.Module] | str) -> type[WeightsEnum]:
    """Return the enum of a model's weights, by the name of the model or its builder; ValueError if it has none."""
    build = get_model_builder(name) if isinstance(name, str) else name
    enum = _ENUMS.get(build.__name__)
    if enum is None:
        raise ValueError(f"The model {build.__name__} has no enum of weights.")
    return enum


def get_weight(name: str) -> WeightsEnum:
    """Return weights by their full name, as "ResNet50_Weights.IMAGENET1K_V1"; ValueError for another form or enum."""
    try:
        enum_name, member = name.split(".")
    except ValueError:
        raise ValueError(f"Invalid weight name provided: '{name}'.") from None
    for enum in _ENUMS.values():
        if enum.__name__ == enum_name:
            return enum[member]
    raise ValueError(f"The weight enum '{enum_name}' for the specific method couldn't be retrieved.")
