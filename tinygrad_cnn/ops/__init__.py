"""Operations: one file a family, each operation one class with `forward` on NumPy arrays beside `backward` on Tensors.

`@public` beside a function says in which forms it is offered (`forms.py`): one file is all that an operation touches.
"""

import importlib

FAMILIES = (
    "unary", "transcendental", "trigonometry", "arithmetic", "division", "power", "pairs", "gamma", "combinations",
    "comparison", "conversion",
    "reduce", "spread", "extremes", "vector_norm", "sorting", "running", "softmax",
    "views", "order", "slices", "strided", "broadcasting", "joining", "splitting", "movement", "triangular", "matrices",
    "copies",
    "gather", "scatter", "indexing", "index_along", "search", "statistics", "differences", "special_values",
    "matmul", "products", "einsum", "linear_algebra", "old_names", "inplace",
)  # fmt: skip


def load() -> None:
    """Import the families, so that what they offer stands in `forms.FUNCTIONS` and `forms.METHODS`."""
    for family in FAMILIES:
        importlib.import_module(f".{family}", __name__)
