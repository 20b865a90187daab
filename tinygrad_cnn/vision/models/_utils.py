"""What several architectures need: rounding of channels, initialisation, features of inner layers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from tinygrad_cnn import Tensor, nn

__all__ = ["IntermediateLayerGetter", "initialize"]


def _make_divisible(v: float, divisor: int, min_value: int | None = None) -> int:
    """Round to a multiple of `divisor`, at least `min_value` (default `divisor`), never down by more than a tenth."""
    rounded = max(divisor if min_value is None else min_value, int(v + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * v else rounded + divisor


def initialize(
    model: nn.Module,
    convolution: Callable[[nn.Conv2d], Any],
    linear: Callable[[nn.Linear], Any] | None = None,
    keep_bias: tuple[type[nn.Module], ...] = (),
) -> None:
    """Draw weights by `convolution(layer)` and `linear(layer)`, in the order of `modules()`.

    Biases become 0, but those of layers in `keep_bias`; normalisations become the identity. linear=None leaves linear
    layers as they are.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            convolution(module)
        elif isinstance(module, nn.Linear) and linear is not None:
            linear(module)
        elif isinstance(module, (nn.BatchNorm2d, nn.GroupNorm)):
            if module.weight is not None:
                nn.init.ones_(module.weight)
        else:
            continue
        if module.bias is not None and not isinstance(module, keep_bias):
            nn.init.zeros_(module.bias)


class IntermediateLayerGetter(nn.ModuleDict):
    """The first children of a model, called one after the other, whose outputs are returned by new names.

    return_layers: {name of a child: name of its output}. ValueError for a name that is no child.
    """

    _version = 2

    def __init__(self, model: nn.Module, return_layers: dict[str, str]) -> None:
        if not set(return_layers).issubset(name for name, _ in model.named_children()):
            raise ValueError("return_layers are not present in model")
        wanted = {str(name) for name in return_layers}
        layers = OrderedDict()
        for name, module in model.named_children():
            layers[name] = module
            wanted.discard(name)
            if not wanted:
                break
        super().__init__(layers)
        self.return_layers = return_layers

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return the outputs, in the order of the layers."""
        outputs = OrderedDict()
        for name, module in self.items():
            x = module(x)
            if name in self.return_layers:
                outputs[self.return_layers[name]] = x
        return outputs
