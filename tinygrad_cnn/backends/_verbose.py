"""The context in which a library would report its calls."""

from __future__ import annotations

__all__ = ["verbose"]


class verbose:
    """Change nothing: the library that would report is not here."""

    def __init__(self, enable: int = 1, level: int | None = None) -> None:
        self.enable = enable

    def __enter__(self) -> verbose:
        return self

    def __exit__(self, *exception: object) -> None:
        pass
