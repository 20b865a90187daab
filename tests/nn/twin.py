"""Run the same code with tinygrad_cnn and with PyTorch, and compare what comes out: values, exceptions, warnings."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import tinygrad_cnn as tg
import tinygrad_cnn.nn
import tinygrad_cnn.nn.functional


def outcome(code, torch: Any) -> tuple[Any, ...]:
    """What `code(torch)` does: ('ok', value) or (exception type, message), and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = ("ok", plain(code(torch)))
        except Exception as error:
            result = (type(error).__name__, message(error))
    return *result, [(warning.category.__name__, clean(str(warning.message))) for warning in caught]


def clean(text: str) -> str:
    """A message without what tells the two packages apart."""
    return text.replace("tinygrad_cnn", "torch").split("\nThe above operation failed")[0]


def message(error: Exception) -> str:
    """The message of an exception."""
    return clean(str(error))


def plain(value: Any) -> Any:
    """Tensors as NumPy arrays, modules and other objects as text."""
    if hasattr(value, "detach") and hasattr(value, "numpy"):
        return value.detach().numpy()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(item) for item in value) if type(value) in (list, tuple) else clean(repr(value))
    if value is None or isinstance(value, (str, int, float, bool, np.ndarray)):
        return value
    return clean(repr(value))


def assert_equal(ours: Any, theirs: Any, rtol: float = 0.0, atol: float = 0.0) -> None:
    """Compare plain values; arrays also in shape and dtype."""
    if isinstance(theirs, np.ndarray):
        assert isinstance(ours, np.ndarray), (ours, theirs)
        assert ours.shape == theirs.shape
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for key in theirs:
            assert_equal(ours[key], theirs[key], rtol, atol)
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs), (ours, theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert_equal(a, b, rtol, atol)
    else:
        assert ours == theirs


def check_twin(code, rtol: float = 0.0, atol: float = 0.0) -> Any:
    """Assert that `code(torch)` does the same with both packages; return our outcome."""
    import torch

    theirs = outcome(code, torch)
    ours = outcome(code, tg)
    assert ours[0] == theirs[0], f"ours {ours[:2]}, PyTorch's {theirs[:2]}"
    assert_equal(ours[1], theirs[1], rtol, atol)
    assert ours[2] == theirs[2]
    return ours


def from_numpy_pair(array: np.ndarray) -> tuple[Any, Any]:
    """The same data as a tensor of ours and one of PyTorch's."""
    import torch

    return tg.from_numpy(array.copy()), torch.from_numpy(array.copy())
