"""Matrix products: square ones, and those of a small network's layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# layout, m, n, k: A and B stored as they are used (N) or transposed (T). The last are LeNet's linear layers, batch 64.
SIZES = [
    *(("NN", n, n, n) for n in (64, 128, 256, 512, 1024)),
    *(("NT", n, n, n) for n in (128, 1024)),
    *(("TN", n, n, n) for n in (128, 1024)),
    ("NT", 64, 120, 400),
    ("NT", 64, 84, 120),
    ("TN", 120, 400, 64),
    ("NN", 64, 400, 120),
]


def parse_size(text: str) -> tuple[str, int, int, int]:
    """Read `1024`, `64x120x400` or `NT:64x120x400`; raise ValueError for anything else."""
    layout, colon, sizes = text.rpartition(":")
    numbers = [int(word) for word in sizes.split("x")]
    if len(numbers) == 1:
        numbers *= 3
    if (colon and layout not in ("NN", "NT", "TN", "TT")) or len(numbers) != 3 or min(numbers) < 1:
        raise ValueError(f"not a size: {text!r} (say 1024, 64x120x400 or NT:64x120x400)")
    return (layout or "NN", numbers[0], numbers[1], numbers[2])


def workload(module: Any, layout: str, m: int, n: int, k: int, dtype: str) -> tuple[Callable[[], Any], float]:
    """Return a product of an (m, k) and a (k, n) matrix, and its floating-point operations."""
    kind = getattr(module, dtype)
    a = module.randn(m, k, dtype=kind) if layout[0] == "N" else module.randn(k, m, dtype=kind).t()
    b = module.randn(k, n, dtype=kind) if layout[1] == "N" else module.randn(n, k, dtype=kind).t()
    return (lambda: a @ b), 2.0 * m * n * k


def tasks(sizes: list[tuple[str, int, int, int]], dtype: str) -> list[Any]:
    """Return (name, workload, arguments) for harness.run_all."""
    return [(f"{layout} {m}x{n}x{k}", workload, (layout, m, n, k, dtype)) for layout, m, n, k in sizes]
