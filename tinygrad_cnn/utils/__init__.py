"""Utilities: data loading (`utils.data`) and removable hooks (`utils.hooks`)."""

from tinygrad_cnn.utils import data, hooks

__all__ = ["data", "hooks"]
