"""All cases: importing a family registers its own."""

from . import arrays, kernels, layers
from .calls import CASES

__all__ = ["CASES", "arrays", "kernels", "layers"]
