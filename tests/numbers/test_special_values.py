"""NaN, infinities, signed zeros and borders of the range, beside PyTorch: values that a user writes down.

`checks/numbers.py` walks all operations; here are those that networks meet, and the defects that were found.
"""

from __future__ import annotations

import warnings

import pytest

torch = pytest.importorskip("torch")

import tinygrad_cnn as tc  # noqa: E402

from .patterns import compare, flushing  # noqa: E402

nan, inf = float("nan"), float("inf")
LINE = [1.0, nan, 3.0, -inf, inf, -0.0, 0.0, -2.5]
DISTINCT = [1.0, nan, 3.0, -inf, inf, 0.0, -2.5]
LONG = LINE * 8  # whole vectors, for what is left of these PyTorch treats otherwise
ROWS = [[-inf, -inf], [inf, 1.0], [1.0, -inf], [inf, -inf], [nan, 1.0], [3e38, -3e38], [3e38, 3e38], [-1e4, 1e4]]
PLANE = [[[[1.0, nan, 3.0, -inf], [nan, 2.0, -inf, -inf], [5.0, 1.0, -inf, -inf], [0.0, inf, 7.0, -0.0]]]]
PAIRS = [nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 2.5, -3.0, 3e38]

UNARY = (
    "abs ceil cos cosh elu erf erfc exp expm1 exp2 floor frac hardshrink hardsigmoid hardswish hardtanh leaky_relu "
    "log log1p log2 log10 logsigmoid gelu mish neg reciprocal relu relu6 round rsqrt selu celu sigmoid sign silu sin "
    "sinh softplus softshrink softsign sqrt square tan tanh tanhshrink trunc asin acos atan asinh acosh atanh isnan "
    "isinf isfinite isposinf isneginf nan_to_num signbit sgn deg2rad digamma lgamma"
)
BINARY = (
    "add sub mul div floor_divide fmod remainder pow atan2 hypot maximum minimum fmax fmin copysign nextafter "
    "heaviside xlogy eq ne lt le gt ge isclose logical_and logical_or logical_xor float_power"
)
ALONG = (
    "max min argmax argmin amax amin sort argsort median nanmedian sum mean prod nansum nanmean cumsum cumprod cummax "
    "cummin logcumsumexp var std logsumexp softmax log_softmax all any count_nonzero"
)
# name -> (function of (package, its nn.functional, a tensor of the values), values); gradients where there are any.
CASES = {
    "topk": (lambda m, F, x: m.topk(x, 3), LINE),
    "topk smallest": (lambda m, F, x: m.topk(x, 3, largest=False), DISTINCT),
    "kthvalue": (lambda m, F, x: m.kthvalue(x, 4), DISTINCT),
    "aminmax": (lambda m, F, x: m.aminmax(x.detach()), LINE),
    "quantile": (lambda m, F, x: m.quantile(x, 0.9), [1.0, inf, 3.0, 2.0]),
    "unique": (lambda m, F, x: m.unique(x.detach(), return_counts=True), [1.0, nan, nan, 0.0, -0.0]),
    "isin": (lambda m, F, x: m.isin(x, x), LINE),
    "clamp": (lambda m, F, x: x.clamp(-1.0, 2.0), LINE),
    "clamp by tensors": (lambda m, F, x: m.clamp(x, x.detach() * 0 - 1), LINE),
    "lerp": (lambda m, F, x: m.lerp(x, m.ones_like(x), 0.75), LINE),
    "lerp by tensor": (lambda m, F, x: m.lerp(x.flip(0), x, m.full_like(x, 0.25)), LINE),
    "gradient": (lambda m, F, x: m.gradient(x, spacing=2.0)[0], [1.0, nan, 3.0, 4.0, 5.0]),
    "renorm": (lambda m, F, x: m.renorm(x.detach(), 2, 0, 1.0), [[1.0, nan], [3.0, 4.0], [inf, 2.0]]),
    "0-distance": (lambda m, F, x: m.cdist(x, x.detach() + 1, 0.0), [[1.0, nan], [2.0, inf]]),
    "digamma near poles": (lambda m, F, x: m.digamma(x), [-1e-20, 1e-20, -1e-15, -1.5, -0.5]),
    "cholesky, upper": (lambda m, F, x: m.linalg.cholesky(x, upper=True), [[4.0, 1.0], [9.0, 5.0]]),
    "prelu": (lambda m, F, x: F.prelu(x, x.new_full((1,), 0.25)), LONG),
    "threshold": (lambda m, F, x: F.threshold(x, 0.5, 2.0), LINE),
    "glu": (lambda m, F, x: F.glu(x), LINE),
    "normalize": (lambda m, F, x: F.normalize(x), ROWS),
    "cosine_similarity": (lambda m, F, x: F.cosine_similarity(x, x.flip(0)), ROWS),
    "pairwise_distance": (lambda m, F, x: F.pairwise_distance(x, x.flip(0)), ROWS),
    "layer_norm": (lambda m, F, x: F.layer_norm(x, (4,)), [[1.0, 2.0, -inf, 3.0], [1.0, nan, 2.0, 3.0], [5.0] * 4]),
    "batch_norm": (lambda m, F, x: F.batch_norm(x, None, None, training=True), PLANE),
    "batch_norm, known statistics": (lambda m, F, x: F.batch_norm(x, x.new_zeros(1), x.new_ones(1)), PLANE),
    "max_pool2d": (lambda m, F, x: F.max_pool2d(x, 2, 1, return_indices=True), PLANE),
    "max_pool2d, padded": (lambda m, F, x: F.max_pool2d(x, 3, 2, 1, return_indices=True), PLANE),
    "adaptive_max_pool2d": (lambda m, F, x: F.adaptive_max_pool2d(x, 3, return_indices=True), PLANE),
    "avg_pool2d": (lambda m, F, x: F.avg_pool2d(x, 2, 1), PLANE),
    "adaptive_avg_pool2d": (lambda m, F, x: F.adaptive_avg_pool2d(x, 3), PLANE),
    "lp_pool2d": (lambda m, F, x: F.lp_pool2d(x, 2, 2), PLANE),
    "interpolate, bilinear": (lambda m, F, x: F.interpolate(x, size=(7, 3), mode="bilinear"), PLANE),
    "interpolate, corners": (lambda m, F, x: F.interpolate(x, size=7, mode="bilinear", align_corners=True), PLANE),
    "interpolate, bicubic": (lambda m, F, x: F.interpolate(x, size=(5, 9), mode="bicubic"), PLANE),
    "interpolate, antialias": (
        lambda m, F, x: F.interpolate(x, size=(2, 9), mode="bilinear", antialias=True),
        PLANE,
    ),
    "interpolate, nearest": (lambda m, F, x: F.interpolate(x, scale_factor=2), PLANE),
    "pad": (lambda m, F, x: F.pad(x, (1, 1, 2, 0), mode="replicate"), PLANE),
    "dropout of all": (lambda m, F, x: F.dropout(x, 1.0), LINE),
    "embedding": (lambda m, F, x: F.embedding(m.tensor([1, 0, 4]), x, padding_idx=0), ROWS),
    "linear": (lambda m, F, x: F.linear(x, x.new_ones(3, 2), x.new_zeros(3)), ROWS),
    "conv2d": (lambda m, F, x: F.conv2d(x, x.new_ones(2, 1, 3, 3), padding=1), PLANE),
    "conv2d, strided": (lambda m, F, x: F.conv2d(x, x.new_ones(2, 1, 2, 2), stride=2), PLANE),
    "conv_transpose2d": (lambda m, F, x: F.conv_transpose2d(x, x.new_ones(1, 2, 3, 3), stride=2), PLANE),
    "one_hot": (lambda m, F, x: F.one_hot(m.tensor([0, 2]), 3) * x[0], LINE),
    "binary_cross_entropy": (
        lambda m, F, x: F.binary_cross_entropy(x.detach(), x.new_ones(4), reduction="none"),
        [0.0, 1.0, 0.5, 1e-30],
    ),
    "with logits": (
        lambda m, F, x: F.binary_cross_entropy_with_logits(x, x.new_ones(8) / 2, reduction="none"),
        [3e38, -3e38, 1e4, -1e4, nan, 0.0, 100.0, -100.0],
    ),
    "mse_loss": (lambda m, F, x: F.mse_loss(x, x.new_zeros(8), reduction="none"), LINE),
    "smooth_l1_loss": (lambda m, F, x: F.smooth_l1_loss(x, x.new_zeros(8), reduction="none"), LINE),
    "huber_loss": (lambda m, F, x: F.huber_loss(x, x.new_zeros(8), reduction="none"), LINE),
    "kl_div": (lambda m, F, x: F.kl_div(x, x.new_zeros(8), reduction="none"), LINE),
    "multi_margin_loss": (lambda m, F, x: F.multi_margin_loss(x, m.zeros(8).long(), reduction="none"), ROWS),
    "multilabel_margin_loss": (
        lambda m, F, x: F.multilabel_margin_loss(x, m.tensor([[0, -1]] * 8), reduction="none"),
        ROWS,
    ),
    "nll_loss": (lambda m, F, x: F.nll_loss(x, m.zeros(8).long(), reduction="none"), ROWS),
    "cross_entropy": (lambda m, F, x: F.cross_entropy(x, m.zeros(8).long(), reduction="none"), ROWS),
    "cross_entropy, smoothed": (lambda m, F, x: F.cross_entropy(x, m.ones(8).long(), label_smoothing=0.1), ROWS[2:3]*8),
    "var of huge numbers": (lambda m, F, x: m.var(x), [1e30, 2e30, 1e30, 3e30]),
    "std of huge numbers": (lambda m, F, x: m.std(x), [1e25, 2e25, 1e25, 3e25]),
    "norms": (lambda m, F, x: [m.linalg.vector_norm(x, p) for p in (2, 1, inf, -inf, 0, 3)], LINE),
}  # fmt: skip
CASES |= {
    name: (lambda m, F, x, n=name: getattr(m, n)(x) if hasattr(m, n) else getattr(F, n)(x), LONG)
    for name in UNARY.split()
}
CASES |= {
    name: (lambda m, F, x, n=name: getattr(m, n)(x.unsqueeze(1), x.unsqueeze(0)), PAIRS) for name in BINARY.split()
}
CASES |= {f"{name} along rows": (lambda m, F, x, n=name: getattr(m, n)(x, dim=1), ROWS) for name in ALONG.split()}
# Gradients that are not compared, and why.
OURS = {
    "copysign": "NaN for an infinity in PyTorch, which divides by it; here its sign",
    "hardsigmoid": "1/6 is rounded to float32 in PyTorch",
    "floor_divide": "PyTorch has none",
    "heaviside": "PyTorch has none",
    "amax along rows": "a NaN gets the gradient, where PyTorch divides 0 by 0 for the whole row",
    "amin along rows": "as amax",
    "cumprod along rows": "sums of products; PyTorch divides, which makes an infinity NaN",
    "logcumsumexp along rows": "1 from each of two sums; PyTorch's goes by rounded logarithms",
    "logsumexp along rows": "1/2 each for two 3e38; PyTorch's exp(x - y) with the rounded y makes it 1 each",
}


def outcome(package, call, values, dtype, gradient):
    x = package.tensor(values, dtype=getattr(package, dtype)).requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = call(package, package.nn.functional, x)
        results = list(result) if isinstance(result, (tuple, list)) else [result]
        loss = sum(part.sum() for part in results if part.requires_grad)
        if gradient and isinstance(loss, package.Tensor):
            loss.backward()
    return results, x.grad


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_special_values_are_pytorchs(name):
    call, values = CASES[name]
    for dtype in ("float32", "float64"):
        with flushing():
            theirs, their_grad = outcome(torch, call, values, dtype, name not in OURS)
        ours, our_grad = outcome(tc, call, values, dtype, name not in OURS)
        found = compare(ours, theirs, getattr(torch, dtype))
        assert found is None, f"{dtype}: {found}"
        if their_grad is not None:
            found = compare(our_grad, their_grad, getattr(torch, dtype))
            assert found is None, f"gradient, {dtype}: {found}"
