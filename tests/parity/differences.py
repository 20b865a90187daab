"""What of PyTorch's own list of operations is not compared, and why.

`ABSENT`: operations of kinds that do not exist here. `DIFFERENT`: checks whose results differ, each with its reason.
"""

from __future__ import annotations

import re

# Regular expressions on the whole title -> why such operations do not exist here.
ABSENT = {
    r"(sparse|masked|fft|signal|jiterator|torch)[._].*|to_sparse|special\..*": (
        "sparse and masked tensors, Fourier transforms, windows, torch.special: not what CNN code uses"
    ),
    r"view_as_(real|complex)|complex|polar|imag|cfloat|cdouble|chalf|i?stft|nn.functional.silu.complex": "complex",
    r"_.*(?<!_)|native_.*|max_pool2d_with_indices_backward|grid_sampler_[23]d|hash_tensor|slice": "internals",
    r"(svd|pca)_lowrank": "randomised decompositions",
    r"linalg\.(eig|eigvals)": "complex",
    r"linalg\.ldl_.*": "LDL decompositions",
    r"bmm.triton_optimized|nn.functional.(scaled_grouped_mm|scaled_mm|grouped_mm)": "kernels of other devices",
}

SIGNS = "vectors are defined up to their sign, which LAPACK's versions choose differently"
EQUALS = "which of several equal elements is named differs: here always the first in order"
UNDEFINED = "fresh memory holds anything"
ROUNDED = "PyTorch rounds halves in between; ours, rounded once, is nearer to what float64 gives"

# Regular expressions on (title, check) -> reason; a check is 'forward float32', ..., 'forms', 'gradients' or 'errors'.
DIFFERENT = {
    (r"kthvalue|topk|sort|argsort|mode|msort|median", r"forward (u?int\d+|bool|b?float16)|forms"): EQUALS,
    (r"(new_)?empty(_like|_strided|_permuted)?", r"forward .*|forms"): UNDEFINED,
    (r"as_strided_scatter", "gradients"): "PyTorch's gradient of an overwritten element is not 0, ours is",
    (r"narrow_copy", "errors"): "IndexError as narrow has it; PyTorch's copy raises RuntimeError",
    (r"__r(and|or|xor|add|mul)__", "errors"): "a Python operator returns NotImplemented where PyTorch's raises at once",
    (r"addbmm", "forms"): "in place, PyTorch resizes the tensor to the broadcast shape, ours raises",
    (r"(linalg\.)?(svd|eigh)", r"forward .*|forms"): SIGNS,
    (r"linalg\.eigh", "gradients"): SIGNS,
    (r"linalg\.eigvalsh", "gradients"): "one triangle is read: how the gradient is shared with the other one is free",
    (r"linalg\.norm\.subgradients_at_zero", "gradients"): "at 0 PyTorch's second derivative is NaN, ours 0",
    (r"nn\.functional\.dropout", r"forward .*|forms|gradients"): "masks are made in parallel, by Philox",
    (
        r"matrix_exp",
        r"forward (float32|b?float16)",
    ): "computed in float64; PyTorch loses digits by its squarings",
    (
        r"kthvalue|take|cat|gather",
        "errors",
    ): "`out` may overlap an input: results are made before they are written",
    (
        r"histogramdd",
        r"forward .*|forms",
    ): "edges that do not rise raise ValueError; there is no `out`",
    (r"equal|nonzero|lu", "forms"): "`out` of such calls means nothing in PyTorch",
    (
        r"polygamma.*",
        r"forward u?int\d+",
    ): "at negative poles PyTorch's are large finite numbers, ours infinity",
    (r"addbmm|baddbmm|addr|div\.trunc_rounding|gradient|histc|matrix_exp", r"forward b?float16"): ROUNDED,
    (
        r"nn\.functional\.(adaptive_avg_pool3d|conv_transpose\dd|instance_norm|(interpolate|upsample).*|grid_sample|.*_loss)",
        r"forward b?float16",
    ): ROUNDED,
    (r"einsum", r"forward u?int\d+"): "sums of integers become int64 in PyTorch where a factor is summed alone",
    (r"amin|amax|aminmax", "errors"): "the input has 65 dimensions; NumPy's arrays have at most 64",
}


def why_absent(title: str) -> str | None:
    """Return why an operation is not compared at all, or None."""
    for pattern, reason in ABSENT.items():
        if re.fullmatch(pattern, title) and not title.startswith("__"):
            return reason
    return None


def why_different(title: str, check: str) -> str | None:
    """Return why a check of an operation is left out, or None."""
    for (titles, checks), reason in DIFFERENT.items():
        if re.fullmatch(titles, title) and re.fullmatch(checks, check):
            return reason
    return None
