"""The functions of `tinygrad_cnn.ops` that PyTorch has at top level (`torch.add`, `torch.cat`, ...)."""

# A list to be exported: one import a module, filled lines.
# ruff: noqa: F401, I001
# fmt: off
from .ops.arithmetic import add, atan2, mul, rsub, sub
from .ops.combinations import addcdiv, addcmul, lerp
from .ops.division import div, floor_divide, fmod, remainder
from .ops.broadcasting import broadcast_tensors, broadcast_to, meshgrid
from .ops.comparison import (
    allclose, bitwise_and, bitwise_not, bitwise_or, bitwise_xor, eq, equal, ge, gt, isclose, le, logical_and,
    logical_not, logical_or, logical_xor, lt, masked_fill, ne, where
)
from .ops.extremes import all, amax, amin, aminmax, any, argmax, argmin, count_nonzero, dist, logsumexp, max, min, norm
from .ops.gather import gather, scatter, scatter_add, take_along_dim
from .ops.indexing import (
    argwhere, index_add, index_fill, index_put, index_select, masked_scatter, masked_select, nonzero, take
)
from .ops.inplace import (
    abs_, ceil_, clamp_, clamp_max_, clamp_min_, clip_, cos_, erf_, exp_, expm1_, fill_, floor_, frac_, index_put_,
    log10_, log1p_, log2_, log_, neg_, negative_, reciprocal_, relu_, round_, rsqrt_, sigmoid_, sin_, sqrt_,
    square_, tanh_, trunc_, zero_
)
from .ops.matmul import addmm, baddbmm, bmm, dot, inner, matmul, mm, mv, outer
from .ops.joining import cat, concat, concatenate, hstack, stack, vstack
from .ops.movement import chunk, flip, repeat_interleave, roll, split, tile, unbind
from .ops.power import clamp, clamp_max, clamp_min, maximum, minimum, pow
from .ops.reduce import mean, nansum, prod, sum
from .ops.spread import std, std_mean, var, var_mean
from .ops.sorting import argsort, bincount, cummax, cummin, cumprod, cumsum, kthvalue, median, msort, sort, topk, unique
from .ops.transcendental import (
    cos, erf, exp, expm1, log, log10, log1p, log2, reciprocal, rsqrt, sigmoid, sin, sqrt, tanh
)
from .ops.unary import abs, ceil, floor, frac, isfinite, isinf, isnan, neg, positive, relu, round, sign, square, trunc
from .ops.slices import diagonal, narrow, select
from .ops.triangular import diag, tril, triu
from .ops.order import movedim, permute, t, transpose
from .ops.views import flatten, ravel, reshape, squeeze, unflatten, unsqueeze
from .ops.softmax import log_softmax, softmax
from .ops.base import clone
from .ops.promotion import result_type

# PyTorch's other names for some of them.
absolute, negative, fix, sgn = abs, neg, trunc, sign
arctan2, clip, ger = atan2, clamp, outer
divide, true_divide, multiply, subtract = div, div, mul, sub
greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
moveaxis, swapaxes, swapdims = movedim, transpose, transpose
