"""PyTorch's own list of operations on inputs with NaN, infinities, signed zeros, denormals and borders of the range.

Both packages get the same inputs; results and gradients must agree in where NaN, infinities and negative zeros are, and
in value up to rounding. PyTorch runs on one thread and flushes denormals, as the kernels here do.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

import tinygrad_cnn as tc
from tests.parity.differences import why_absent
from tests.parity.operators import BY_TITLE, Case, derivatives, samples, title
from tests.parity.operators import function_of as ours_of
from tests.parity.translate import DTYPES, Untranslatable, leaves

from .known import is_known
from .patterns import compare, flushing

FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def specials(dtype: torch.dtype) -> dict[str, float]:
    """Return the values that are planted, by name."""
    info = torch.finfo(dtype)
    least = torch.tensor([1], dtype=torch.int64 if info.bits == 64 else torch.int32 if info.bits == 32 else torch.int16)
    return {
        "nan": float("nan"),
        "inf": float("inf"),
        "-inf": -float("inf"),
        "-0": -0.0,
        "0": 0.0,
        "max": info.max,
        "-max": -info.max,
        "normal": info.tiny,
        "-normal": -info.tiny,
        "denormal": info.tiny / 2,
        "-denormal": -info.tiny / 2,
        "least": least.view(dtype).item(),
        "1+eps": 1 + info.eps,
        "1-eps": 1 - info.eps / 2,
        "huge": info.max**0.5 * 4,
        "small": info.tiny**0.5 / 4,
    }


def fresh(tensor: torch.Tensor) -> torch.Tensor:
    """Return the same on memory of its own."""
    made = tensor.detach().clone()
    return made.requires_grad_() if tensor.requires_grad else made


# PyTorch reads outside of memory at coordinates that are not numbers, and may crash.
ONLY_THE_INPUT = ("nn.functional.grid_sample", "grid_sampler_2d", "grid_sampler_3d")


def planted(title: str, sample: Any, values: list[float], share: float, rng: np.random.Generator) -> Any:
    """Return the sample with some of `values` in its float tensors: one in one of them, or `share` of all elements."""
    sample = sample.transform(lambda x: fresh(x) if isinstance(x, torch.Tensor) else x)
    tensors = leaves((sample.input, sample.args, sample.kwargs), torch.Tensor)
    tensors = [x for x in tensors if x.is_floating_point() and x.numel() and x.layout is torch.strided]
    if title in ONLY_THE_INPUT:
        tensors = [x for x in tensors if x is sample.input]
    if tensors and not share:
        tensors = [tensors[int(rng.integers(len(tensors)))]]
    for x in tensors:
        memory = x.detach()
        count = max(1, int(share * memory.numel() + 0.5))
        for place in rng.choice(memory.numel(), count, replace=False):
            index = tuple(int(i) for i in np.unravel_index(place, tuple(memory.shape)))
            memory[index] = values[int(rng.integers(len(values)))]
    return sample


def walk(op: Any, dtype: torch.dtype, most: int, gradient: bool, plans: Any) -> Iterator[tuple[str, str, str] | None]:
    """Yield (kind, what, text) for each input on which the packages differ, None for each on which they agree."""
    form = ours_of(op)
    try:
        made = samples(op, dtype, gradient, most)
    except Exception:
        return
    rng = np.random.default_rng(zlib.crc32(title(op).encode()))
    for number, sample in enumerate(made):
        for name, values, share in plans:
            try:
                with torch.no_grad():
                    case = Case(planted(title(op), sample, values, share, rng))
            except Untranslatable:
                continue
            what = f"{op.name}{case} sample {number}, {name} planted"
            found = run(op, form, case, dtype, gradient)
            yield (found[0], what, found[1]) if found else None


def run(op: Any, form: Any, case: Case, dtype: torch.dtype, gradient: bool) -> tuple[str, str] | None:
    """Return how the packages differ on one input, or None."""
    with flushing():
        expected, error = case.outcome(op.op, torch)
        if gradient and error is None:
            try:
                theirs = derivatives(torch, case.process(expected), case.theirs, False)[0]
            except Exception:
                return None
    if any(t.dtype not in DTYPES for t in leaves(expected, torch.Tensor)):
        return None
    got, mistake = case.outcome(form, tc)
    if (error is None) != (mistake is None):
        return "error", f"{mistake!r}, expected {error!r}"[:300]
    if error is not None:
        return None
    found = compare(got, expected, dtype)
    if found or not gradient:
        return found
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            mine = derivatives(tc, case.process(got), case.ours, False)[0]
    except Exception as e:
        return "error", f"gradient {e!r}"[:300]
    found = compare(mine, theirs, dtype)
    return found and ("gradient " + found[0], found[1])


# ---- all operations ----

BATCHES: tuple[tuple[torch.dtype, bool], ...] = (*((dtype, False) for dtype in FLOATS), (torch.float64, True))


def plans(dtype: torch.dtype) -> list[tuple[str, list[float], float]]:
    """Return (name, values, share) of what is planted: one value in one place, and several in many."""
    values = specials(dtype)
    one = [(name, [values[name]], 0.0) for name in ("nan", "inf", "-inf")]
    return [*one, ("many", [values[name] for name in ("nan", "inf", "-inf", "0", "-0")], 0.4)]


def walk_all(only: list[str], most: int) -> tuple[int, list[tuple[str, str, str, str]], int]:
    """Walk all operations; return (inputs, differences as (title, kind, what, text), those that are known)."""
    count = known = 0
    findings = []
    for name, op in BY_TITLE.items():
        if why_absent(name) or ours_of(op) is None or (only and not any(part in name for part in only)):
            continue
        for dtype, gradient in BATCHES:
            takes = op.supported_backward_dtypes("cpu") if gradient else op.supported_dtypes("cpu")
            if dtype not in takes or (gradient and not op.supports_autograd):
                continue
            seen = set()
            for found in walk(op, dtype, most, gradient, plans(dtype)):
                count += 1
                if found is None:
                    continue
                kind, what, text = found
                if is_known(name, kind):
                    known += 1
                elif kind not in seen:
                    seen.add(kind)
                    findings.append((name, kind, f"{what}, {dtype}", text))
                    print(f"{name}, {kind}: {what}, {dtype} -> {text}", flush=True)
    return count, findings, known
