"""`torch._C` as far as packages call it though it is PyTorch's own business: nothing here has an effect."""

from __future__ import annotations

__all__: list[str] = []


def _log_api_usage_once(event: str) -> None:
    """Do nothing: nobody counts what is used."""


def _get_tracing_state() -> None:
    """Return None: nothing is being traced."""
