"""Elementwise functions written with NumPy in a wider type, how much kernels may differ, and a call to compare."""

from __future__ import annotations

import math

import numpy as np

from tests.core.raw import Guarded, code, ptr
from tinygrad_cnn._core import lib

WIDE = {np.float32: np.float64, np.float64: np.longdouble}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def erf(x):
    """Return erf in double, the widest that the C library offers to Python."""
    return np.array([math.erf(value) for value in x.ravel()]).reshape(x.shape)


# op: (reference, allowed ulp). 0 means exact.
UNARY = {
    "NEG": (np.negative, 0),
    "ABS": (np.abs, 0),
    "SIGN": (lambda x: np.where(np.isnan(x), 0, np.sign(x)), 0),
    "SQRT": (np.sqrt, 0.5),
    "RSQRT": (lambda x: 1 / np.sqrt(x), 1.5),
    "RECIPROCAL": (np.reciprocal, 0.5),
    "SQUARE": (np.square, 0.5),
    "FLOOR": (np.floor, 0),
    "CEIL": (np.ceil, 0),
    "ROUND": (np.rint, 0),
    "TRUNC": (np.trunc, 0),
    "EXP": (np.exp, 2),
    "EXPM1": (np.expm1, 2),
    "LOG": (np.log, 2),
    "LOG1P": (np.log1p, 2),
    "SIN": (np.sin, 2),
    "COS": (np.cos, 2),
    "TANH": (np.tanh, 2),
    "SIGMOID": (sigmoid, 2.5),
    "ERF": (erf, 2),
    "RELU": (lambda x: np.maximum(x, 0), 0),
}
COMPARE = {
    "EQ": np.equal,
    "NE": np.not_equal,
    "LT": np.less,
    "LE": np.less_equal,
    "GT": np.greater,
    "GE": np.greater_equal,
}


def remainder(a, b):
    with np.errstate(all="ignore"):
        finite_by_infinite = np.isinf(b) & np.isfinite(a)  # NumPy gives NaN, Python and PyTorch a, or b if signs differ
        return np.where(finite_by_infinite, np.where(a * b < 0, b, a), np.where(b == 0, np.nan, np.remainder(a, b)))


BINARY = {
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "DIV": np.divide,
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
    "POW": np.power,
    "FMOD": np.fmod,
    "REMAINDER": remainder,
    "ATAN2": np.arctan2,
    "RELU_GRAD": lambda dy, y: np.where(y <= 0, 0, dy),
    "ADD_RELU": lambda a, b: np.maximum(a + b, 0),
}


def unary(name, x, out=None):
    """Call tc_unary on a dense array; return the checked output."""
    y = Guarded(x.shape, x.dtype) if out is None else out
    lib.tc_unary(getattr(lib, f"TC_{name}"), code(x), x.size, ptr(x), ptr(y.array))
    return y.check()


def ulp_error(y, expected):
    """Return |y - expected| in units of the last place of y's dtype; both infinite and equal, or both NaN, is 0."""
    dtype = y.dtype.type
    rounded = expected.astype(dtype)
    unit = np.spacing(np.maximum(np.abs(rounded), np.finfo(dtype).tiny)).astype(np.longdouble)
    same = (y == rounded) | (np.isnan(y) & np.isnan(rounded))
    with np.errstate(invalid="ignore"):
        error = np.abs(y.astype(np.longdouble) - expected.astype(np.longdouble)) / unit
    return np.where(same & ~np.isfinite(rounded), 0, error)
