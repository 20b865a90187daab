"""Run one of the long checks, and write what it found into `TESTING.md` when asked to.

    python -m checks                       # what there is
    python -m checks sanitizers --help     # the options of one
    python -m checks sanitizers --record   # run it and keep its figures

A check is a module of this package with `options(parser)`, which adds its arguments, and `run(args)`, which returns an
`Outcome`. The exit status is 0 when nothing was found.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import shlex
import sys
import time
from pathlib import Path

from .outcome import Outcome
from .record import write

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Return the checks: the modules that have a `run`."""
    found = (module.name for module in pkgutil.iter_modules([str(FOLDER)]) if not module.name.startswith("_"))
    return [name for name in found if "\ndef run(" in (FOLDER / f"{name}.py").read_text(encoding="utf-8")]


def listing() -> str:
    """Return every check with the first line of its docstring."""
    lines = []
    for name in names():
        about = importlib.import_module(f"{__package__}.{name}").__doc__ or ""
        lines.append(f"  {name:12} {about.partition(chr(10))[0]}")
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    """Run what the command line asks for; return the exit status."""
    if not argv or argv[0] not in names():
        print(f"usage: python -m checks CHECK [--record] [options]\n\n{listing()}")
        return 0 if not argv or argv[0] in ("-h", "--help") else 2
    module = importlib.import_module(f"{__package__}.{argv[0]}")
    parser = argparse.ArgumentParser(
        prog=f"python -m checks {argv[0]}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--record", action="store_true", help="keep the figures in TESTING.md")
    module.options(parser)
    args = parser.parse_args(argv[1:])
    started = time.monotonic()
    outcome: Outcome = module.run(args)
    print(f"\n{outcome.figures}\n{'passed' if outcome.passed else 'FAILED'}")
    if args.record:
        command = shlex.join(["python", "-m", "checks", *(word for word in argv if word != "--record")])
        write(argv[0], command, time.monotonic() - started, outcome)
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
