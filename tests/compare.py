"""Run one expression with this package and with PyTorch and compare results or exceptions."""

from __future__ import annotations

import re
import warnings

import numpy as np

import tinygrad_cnn


class HasIndex:
    """An object that can stand for an int, but is none."""

    def __index__(self):
        return 3


class HasArray:
    """An object that NumPy can convert."""

    def __array__(self, dtype=None, copy=None):
        return np.ones(2)


def outcome(module, expression, with_message=True):
    """Return (text of the result, None) or (type of the exception, its message)."""
    names = {"torch": module, "np": np, "HasIndex": HasIndex, "HasArray": HasArray, "inf": np.inf, "nan": np.nan}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = eval(expression, names)
        except Exception as error:
            return type(error), re.sub(r"\s+", " ", str(error)) if with_message else None
    return repr(value), None


def check(torch, expression, with_message=True):
    """Assert that both give the same."""
    ours = outcome(tinygrad_cnn, expression, with_message)
    theirs = outcome(torch, expression, with_message)
    if with_message and isinstance(theirs[0], type) and issubclass(theirs[0], Exception):
        assert ours[0] is theirs[0] and ours[1].startswith(theirs[1]), expression  # ours may say more
    else:
        assert ours == theirs, expression
