"""ChannelShuffle."""

from __future__ import annotations

from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.tensor import Tensor

__all__ = ["ChannelShuffle"]


class ChannelShuffle(Module):
    """Takes channels from each group in turn, see `functional.channel_shuffle`."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        """Rearrange."""
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"groups={self.groups}"
