"""Where results on NaN and infinities may differ from PyTorch's, and why."""

from __future__ import annotations

import re

# Of (titles of operations, kinds of differences): "nan", "inf", "value", "shape", "error", with "gradient " before it.
LAPACK = "which elements of a decomposition become NaN follows from the order in which LAPACK's versions compute"
WEIGHTS = "an infinite weight meets the padding's zeros, or not, as goes the way on which a convolution is computed"
OVERFLOW = "PyTorch's value overflows, or divides 0 by 0, on the way; ours is the true one"
EQUALS = "which of several equal elements is named, or gets the gradient: zeros of both signs are equal"
KEPT = "a NaN stays here; a comparison of PyTorch's loses it"
ENDS = "PyTorch's vectors, and the loop over what is left of them, disagree on the gradient at NaN"
RANDOM = "other random numbers"
FACTORS = "an infinite factor is multiplied after the sum of gradients in one of both, before it in the other"
MULTIPLIED = "infinite weights, or elements of a row of one: PyTorch multiplies out"
IN_BETWEEN = "PyTorch rounds halves in between, weights and coordinates included; sums of infinities go in other orders"
UNSORTED = "boundaries with NaN are not sorted: where the search ends is its own affair"

KNOWN = {
    (r".*(cholesky|lu|qr|svd|pinv|eig|solve|inv|det|lstsq|ormqr|householder|cond).*", r".*"): LAPACK,
    (r"(linalg\.)?matrix_(exp|norm|rank|power)|linalg\.(multi_dot|tensorinv|vander)|norm\.nuc", r".*"): LAPACK,
    (r"nn\.functional\.conv.*", r".*"): WEIGHTS,
    (r"(kthvalue|topk|sort|argsort|msort|median|cummax|cummin).*", r"value|gradient .*"): EQUALS,
    (r"aminmax|amin|amax|max\..*|min\..*", r"gradient .*"): EQUALS,
    (r"mode|unique|nn\.functional\.fractional_max_pool.*", r".*"): EQUALS,
    (r"(new_)?empty(_like|_strided|_permuted)?", r".*"): "fresh memory holds anything",
    (r"nn\.functional\.(alpha_|feature_alpha_)?dropout\d?d?|nn\.functional\.rrelu", r".*"): RANDOM,
    (r"bernoulli|multinomial|normal.*", r".*"): RANDOM,
    (r"(var|std)_mean.*", r"nan|inf"): "PyTorch's running mean makes NaN of an infinite one",
    (r"nn\.functional\.(batch|instance)_norm", r".*"): "known statistics that are infinite: 0 times infinity, or not",
    (r"cdist|igammac?|polygamma.*|mvlgamma.*|nn\.functional\.binary_cross_entropy", r".*"): KEPT,
    (r"copysign|cumprod|prod|logaddexp2?|logcumsumexp|logsumexp|dist|renorm", r"gradient .*"): OVERFLOW,
    (r"pow|__rpow__|float_power|nn\.functional\.multilabel_soft_margin_loss", r"gradient .*"): OVERFLOW,
    (r"fmod|remainder|__rmod__|floor_divide|sinc|nn\.functional\.(hardswish|soft_margin_loss)", r".*"): OVERFLOW,
    (r"addcmul|addcdiv|ldexp|xlogy|norm", r"gradient .*"): FACTORS,
    (r"nn\.functional\.(group|layer)_norm", r".*"): MULTIPLIED,
    (r"nn\.functional\.normalize", r"gradient value"): "a difference that cancels, but for its rounding",
    (r"nn\.functional\.binary_cross_entropy_with_logits", r".*"): OVERFLOW,
    (r"nanquantile", r"gradient .*"): KEPT,
    (r"nn\.functional\.embedding_bag", r"nan"): KEPT,
    (r"nn\.functional\.grid_sample|grid_sampler_.*", r"(gradient )?(nan|inf|value)"): IN_BETWEEN,
    (r"prod", r"nan"): IN_BETWEEN,
    (r"nanmean|nn\.functional\.kl_div", r"gradient nan"): OVERFLOW,
    (
        r"nn\.functional\.pdist",
        r"nan|gradient nan",
    ): "differences that are NaN count, in norms 0 and infinity, as in norm()",
    (r"linalg\.(matrix_)?norm.*", r"gradient nan"): "of a maximum that is NaN the NaN gets the gradient, as in max()",
    (
        r"nn\.functional\.ctc_loss",
        r"gradient nan",
    ): "log-probabilities above 0: infinity less infinity, or not, by order",
    (r"scatter_reduce\.(amin|amax)", r"gradient value"): EQUALS,
    (r"histc", r"value"): "PyTorch looks for the bin of a half in halves",
    (r"bucketize|searchsorted", r"value"): UNSORTED,
    (r"as_strided_scatter", r"gradient .*"): "PyTorch's gradient of an overwritten element is not 0, ours is",
    (r"nn\.functional\.scaled_dot_product_attention", r".*"): OVERFLOW,
    (r"nn\.functional\.(elu|selu|celu|hardshrink|softshrink|hardtanh|hardsigmoid|relu6)|logit", r"gradient .*"): ENDS,
    (r"nn\.functional\.cross_entropy", r"gradient nan"): "an ignored row gets zeros; PyTorch multiplies its NaN by 0",
}


def is_known(title: str, kind: str) -> bool:
    """Return whether a difference is one of those that are listed."""
    return any(re.fullmatch(titles, title) and re.fullmatch(kinds, kind) for titles, kinds in KNOWN)
