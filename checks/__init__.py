"""Checks that take longer than the test suite, each one command; `TESTING.md` keeps what they found last."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
