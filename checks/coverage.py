"""What the tests run of the C core (`coverage core`) and of the Python package (`coverage package`)."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from pathlib import Path

from .outcome import Outcome

PREFIX = "_coverage_"


def parts() -> list[str]:
    """Return what can be measured: each has a module `_coverage_<part>` with `options` and `run`."""
    found = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return [name.removeprefix(PREFIX) for name in found if name.startswith(PREFIX)]


def options(parser: argparse.ArgumentParser) -> None:
    """Add the part, and the arguments of each."""
    choices = parser.add_subparsers(dest="part", required=True)
    for name in parts():
        module = importlib.import_module(f".{PREFIX}{name}", __package__)
        about = (module.__doc__ or "").strip()
        part = choices.add_parser(name, help=about.partition("\n")[0], description=about)
        part.add_argument("--record", action="store_true", default=argparse.SUPPRESS, help="as before the part's name")
        module.options(part)


def run(args: argparse.Namespace) -> Outcome:
    """Measure one part."""
    outcome: Outcome = importlib.import_module(f".{PREFIX}{args.part}", __package__).run(args)
    return outcome
