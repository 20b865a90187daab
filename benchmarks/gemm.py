"""Matrix products: square ones in all layouts, and the skinny ones that small networks are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .harness import Task
from .library import Library

LAYOUTS = ("NN", "NT", "TN", "TT")
SQUARE = [(layout, n, n, n) for n in (32, 64, 128, 256, 512, 1024, 2048) for layout in LAYOUTS]
# Layout (A and B stored as they are used, N, or transposed, T), m, n, k: columns of convolutions, linear layers and
# their gradients.
SKINNY = [
    ("NN", 64, 6400, 150),
    ("NN", 16, 6400, 150),
    ("NN", 6, 50176, 25),
    ("NN", 64, 36864, 288),
    ("NN", 16, 65536, 144),
    ("NN", 64, 4096, 576),
    ("NT", 64, 128, 9216),
    ("NN", 64, 9216, 128),
    ("TN", 128, 9216, 64),
    ("NT", 64, 120, 400),
    ("NT", 64, 84, 120),
    ("TN", 288, 36864, 64),
]


def parse_size(text: str) -> tuple[str, int, int, int]:
    """Read `1024`, `64x120x400` or `NT:64x120x400`; raise ValueError for anything else."""
    layout, colon, sizes = text.rpartition(":")
    numbers = [int(word) for word in sizes.split("x")]
    if len(numbers) == 1:
        numbers *= 3
    if (colon and layout not in LAYOUTS) or len(numbers) != 3 or min(numbers) < 1:
        raise ValueError(f"not a size: {text!r} (say 1024, 64x120x400 or NT:64x120x400)")
    return (layout or "NN", numbers[0], numbers[1], numbers[2])


def setup(library: Library, threads: int, layout: str, m: int, n: int, k: int, dtype: str) -> Callable[[], Any]:
    """Return a product of an (m, k) and a (k, n) matrix."""
    torch = library.module
    kind = getattr(torch, dtype)
    a = torch.randn(m, k, dtype=kind) if layout[0] == "N" else torch.randn(k, m, dtype=kind).t()
    b = torch.randn(k, n, dtype=kind) if layout[1] == "N" else torch.randn(n, k, dtype=kind).t()
    return lambda: a @ b


def tasks(sizes: list[str] | None = None, dtype: str = "float32") -> list[Task]:
    """Return the products of these sizes (default: all)."""
    chosen = [("asked for", parse_size(size)) for size in sizes or []]
    chosen = chosen or [("square", size) for size in SQUARE] + [("skinny", size) for size in SKINNY]
    bytes_each = {"float32": 4, "float64": 8}[dtype]
    return [
        Task("gemm", group, f"{layout} {m}x{n}x{k}", setup, (layout, m, n, k, dtype), 2.0 * m * n * k,
             bytes_each * (m * k + k * n + m * n), dtype=dtype)
        for group, (layout, m, n, k) in chosen
    ]  # fmt: skip
