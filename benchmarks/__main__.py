"""Measure tinygrad_cnn against other libraries, side by side in one run.

    python -m benchmarks conv --against torch,torch-tuned --threads 1,2 --plot roofline.png
    python -m benchmarks all --against torch,torch-tuned,onnxruntime --write benchmarks/RESULTS.md

Libraries: torch as a user runs it; torch-tuned: channels_last, fused optimizers, and glibc told to keep its memory;
onnxruntime (inference only); any other package with PyTorch's names.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from importlib.util import find_spec

from .harness import Plan
from .library import OURS, get_library
from .run import FAMILIES, Run


def _numbers(text: str) -> list[int]:
    values = [int(word) for word in text.split(",")]
    if min(values) < 1:
        raise argparse.ArgumentTypeError("a number of threads is at least 1")
    return list(dict.fromkeys(values))


def _positive(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("family", choices=[*FAMILIES, "all"], help="what to measure")
    made.add_argument("--against", type=lambda text: text.split(","), default=[], metavar="LIB,...",
                      help="libraries to compare with: torch, torch-tuned, onnxruntime")  # fmt: skip
    made.add_argument("--threads", type=_numbers, default=[1, 2], metavar="N,...", help="default: 1,2")
    made.add_argument("--only", action="append", metavar="TEXT", help="workloads with TEXT in their name; repeatable")
    made.add_argument("--rounds", type=_positive, default=5, help="measurements whose median counts (default: 5)")
    made.add_argument(
        "--seconds", type=float, default=0.02, help="of one measurement, at least one call (default: 0.02)"
    )
    made.add_argument("--json", metavar="FILE", help="write all figures to FILE")
    made.add_argument("--plot", metavar="FILE", help="draw a PNG: rooflines, bandwidths, growth (needs matplotlib)")
    made.add_argument("--write", metavar="FILE", help="write the tables to FILE, as Markdown")
    made.add_argument("--size", action="append", metavar="[NT:]MxNxK", help="gemm: other products; repeatable")
    made.add_argument("--dtype", choices=["float32", "float64"], default="float32", help="gemm: default float32")
    return made


def main(argv: list[str] | None = None) -> None:
    """Run what the command line asks for."""
    command = parser()
    args = command.parse_args(argv)
    if args.plot and find_spec("matplotlib") is None:
        command.error("--plot needs matplotlib, which is not installed here")
    try:
        libraries = [get_library(name) for name in [OURS, *dict.fromkeys(args.against)]]
        families = list(FAMILIES) if args.family == "all" else [args.family]
        run = Run(libraries, args.threads, Plan(args.rounds, args.seconds), args.only)
        run.prepare(families, args.size, args.dtype)
    except ValueError as error:
        command.error(str(error))
    run.execute(shlex.join(sys.argv[1:] if argv is None else argv), args.json, args.plot, args.write)


if __name__ == "__main__":
    main()
