"""A plugin of pytest: `--every N` runs one test in N, the first, the (N + 1)-th and so on."""

from __future__ import annotations

from typing import Any


def pytest_addoption(parser: Any) -> None:
    """Add the option."""
    parser.addoption("--every", type=int, default=1, help="run one test in so many")


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Leave the others out."""
    step = config.getoption("--every")
    config.hook.pytest_deselected(items=[item for number, item in enumerate(items) if number % step])
    items[:] = items[::step]
