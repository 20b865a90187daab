"""Command line of the benchmarks: `python -m benchmarks train --against torch,torch-tuned --threads 1,2`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from . import conv, gemm, infer, ops, overhead, report, train
from .harness import Plan, Result, Task, measure, workers
from .library import OURS, get_library

FAMILIES: dict[str, Callable[[], list[Task]]] = {
    "gemm": gemm.tasks,
    "conv": conv.tasks,
    "ops": ops.tasks,
    "overhead": overhead.tasks,
    "train": train.tasks,
    "infer": infer.tasks,
}


def _numbers(text: str) -> list[int]:
    values = [int(word) for word in text.split(",")]
    if min(values) < 1:
        raise argparse.ArgumentTypeError("a number of threads is at least 1")
    return values


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    main = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    main.add_argument("family", choices=list(FAMILIES))
    main.add_argument("--against", type=lambda text: text.split(","), default=[], metavar="LIB,...")
    main.add_argument("--threads", type=_numbers, default=[1, 2], metavar="N,...", help="default: 1,2")
    main.add_argument("--only", action="append", metavar="NAME", help="workloads with NAME in their name")
    main.add_argument("--rounds", type=int, default=7, help="measurements whose median counts (default: 7)")
    main.add_argument("--seconds", type=float, default=0.03, help="of one measurement")
    return main


def main() -> None:
    """Run what the command line asks for."""
    command = parser()
    args = command.parse_args()
    try:
        libraries = [get_library(name) for name in [OURS, *args.against]]
    except ValueError as error:
        command.error(str(error))
    if args.family != "infer":
        libraries = [library for library in libraries if library.package != "onnxruntime"]
    tasks = [task for task in FAMILIES[args.family]() if not args.only or any(part in task.name for part in args.only)]
    peers = [library.name for library in libraries[1:]]
    width = max(len(task.name) for task in tasks) + 10
    print("\n".join(report.header(peers, width)))
    results: list[Result] = []
    with workers(libraries) as started:
        for task in tasks:
            for threads in args.threads:
                results.append(measure(task, threads, started, Plan(args.rounds, args.seconds)))
                print(report.line(results[-1], peers, width), flush=True)
    print("\n".join(report.means(results, peers, width)))
    busiest = max(results, key=lambda result: result.disturbed)
    if busiest.disturbed > report.DISTURBED:
        print(
            f"(!) other processes took more than {report.DISTURBED:.0%} of the processors, up to {busiest.disturbed:.0%}"
        )
    for result in results:
        for name, error in result.errors.items():
            print(f"{result.task.name}: {name}: {error}")


if __name__ == "__main__":
    main()
