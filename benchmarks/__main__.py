"""Command line of the benchmarks: `python -m benchmarks gemm --against torch --threads 1,2`."""

from __future__ import annotations

import argparse
from importlib.util import find_spec

from . import conv, gemm
from .harness import OURS, run_all


def _numbers(text: str) -> list[int]:
    values = [int(word) for word in text.split(",")]
    if min(values) < 1:
        raise argparse.ArgumentTypeError("a number of threads is at least 1")
    return values


def _words(text: str) -> list[str]:
    return text.split(",")


def _modes(text: str) -> list[str]:
    for word in _words(text):
        if word not in ("forward", "train"):
            raise argparse.ArgumentTypeError(f"not a mode: {word!r} (forward, train)")
    return _words(text)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--against", type=_words, default=[], metavar="LIB,...",
                        help="libraries with PyTorch's names to compare with, such as torch")  # fmt: skip
    shared.add_argument("--threads", type=_numbers, default=[1, 2], metavar="N,...", help="default: 1,2")
    shared.add_argument("--rounds", type=int, default=9, help="measurements whose median counts (default: 9)")
    shared.add_argument("--json", metavar="FILE", help="write the results to FILE as well")
    main = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    families = main.add_subparsers(dest="family", required=True)
    products = families.add_parser("gemm", parents=[shared], help="matrix products")
    products.add_argument("--size", action="append", metavar="[NT:]MxNxK", help="may be repeated; default: a choice")
    products.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    convolutions = families.add_parser("conv", parents=[shared], help="convolutions")
    convolutions.add_argument(
        "--shape", action="append", choices=list(conv.SHAPES), help="may be repeated; default: all"
    )
    convolutions.add_argument("--mode", type=_modes, default=["forward", "train"], help="default: forward,train")
    return main


def main() -> None:
    """Run what the command line asks for."""
    command = parser()
    args = command.parse_args()
    for library in args.against:
        if library == OURS or find_spec(library) is None:
            command.error(f"--against {library}: no such other library here")
    try:
        if args.family == "gemm":
            sizes = [gemm.parse_size(size) for size in args.size] if args.size else gemm.SIZES
            tasks = gemm.tasks(sizes, args.dtype)
        else:
            tasks = conv.tasks(args.shape or list(conv.SHAPES), args.mode)
    except ValueError as error:
        command.error(str(error))
    run_all(tasks, args.against, args.threads, args.rounds, args.json)


if __name__ == "__main__":
    main()
