"""Damaged and hostile files: a right result or a clear error, nothing executed, time and memory bounded by the size.

    python -m checks bytes --mutations 10000                    # damaged files of each format
    python -m checks bytes --minutes 60 --target pickle         # coverage-guided fuzzing, by libFuzzer
    python -m checks bytes --target zip --mutation 1234         # repeat one damaged file
    python -m checks bytes --target zip --file crash-0123       # repeat what the fuzzer found

Each execution may only compute (an audit hook sees files, processes, sockets, imports, code), raises nothing but the
exceptions that are documented, takes less than a second, and at most a fixed number of bytes of memory for each byte of
the file, besides a constant. A format whose bytes are all under checksums gives what the whole file gives, or an error.
Fuzzing needs a Python that has atheris (`pip install atheris numpy cffi safetensors`), not one with PyTorch.
"""

from __future__ import annotations

import argparse
import collections
import importlib.util
import re
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from . import ROOT
from .outcome import Outcome

LONGEST = 4096  # bytes of a file that the fuzzer makes


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this check."""
    parser.add_argument("--target", action="append", help="a format, and again for more; default: all")
    parser.add_argument("--mutations", type=int, default=10_000, help="damaged files of each format")
    parser.add_argument("--minutes", type=float, default=0, help="fuzz each target for so long instead")
    parser.add_argument("--runs", type=int, default=10_000_000, help="or until so many executions")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--corpus", type=Path, help="a folder that keeps what the fuzzer finds worth keeping")
    parser.add_argument("--mutation", type=int, help="only this one of the damaged files, with its traceback")
    parser.add_argument("--file", type=Path, help="only this file, with its traceback")


def run(args: argparse.Namespace) -> Outcome:
    """Damage files, or fuzz."""
    from ._parsers.formats import FORMATS

    names = args.target or list(FORMATS)
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise SystemExit(f"no target {', '.join(unknown)}; there are {', '.join(FORMATS)}")
    if args.file or args.mutation is not None:
        return _once(args, names)
    if not args.minutes:
        return _joined([_mutations(name, args) for name in names], "mutations")
    if importlib.util.find_spec("atheris") is None:
        raise SystemExit("fuzzing needs the package atheris: pip install atheris numpy cffi safetensors")
    if args.record and len(names) > 1:
        raise SystemExit("fuzzing takes hours, and is recorded for each target by itself: give one --target")
    return _joined([_fuzz(name, args) for name in names], f"fuzz {names[0]}")


def _joined(parts: list[tuple[bool, str]], part: str) -> Outcome:
    lines = [line for _, line in parts]
    return Outcome(all(passed for passed, _ in parts), "\n- ".join(["", *lines] if len(lines) > 1 else lines), part)


def _once(args: argparse.Namespace, names: list[str]) -> Outcome:
    """Read one file under guard and show what comes out."""
    from ._parsers.formats import FORMATS
    from ._parsers.guard import run as guarded
    from ._parsers.mutate import mutated

    form = FORMATS[names[0]]
    data = args.file.read_bytes() if args.file else mutated(form.seeds, f"{args.seed} {form.name} {args.mutation}")
    try:
        result, error, peak = guarded(form, data)
    except Exception:
        traceback.print_exc()
        return Outcome(False, f"{form.name}: {len(data)} bytes, {data!r:.2000}")
    return Outcome(True, f"{form.name}: {len(data)} bytes, {peak} of memory, {error!r} {type(result).__name__}")


# ---------------------------------------------------------------- damaged files


def _mutations(name: str, args: argparse.Namespace) -> tuple[bool, str]:
    from ._parsers.formats import FORMATS, same
    from ._parsers.guard import Finding
    from ._parsers.guard import run as guarded
    from ._parsers.mutate import mutated

    form = FORMATS[name]
    whole = [form.parse(seed) for seed in form.seeds]
    outcomes: collections.Counter[str] = collections.Counter()
    findings, most, started = 0, 0, time.monotonic()
    for number in range(args.mutations):
        data = mutated(form.seeds, f"{args.seed} {name} {number}")
        try:
            result, error, peak = guarded(form, data)
            if error is None and form.summed and not any(same(result, right) for right in whole):
                raise Finding("it gave something else than the whole file")
        except Exception as found:
            findings += 1
            print(
                f"{name}: {found!r:.300}; python -m checks bytes --target {name} --mutation {number} --seed {args.seed}"
            )
            continue
        outcomes["read" if error is None else type(error).__name__] += 1
        most = max(most, peak)
    counts = ", ".join(f"{count:,} {what}" for what, count in outcomes.most_common())
    line = f"{name}: {args.mutations:,} damaged files: {counts}; at most {most / 2**20:.1f} MiB of memory"
    print(f"{line}; {time.monotonic() - started:.0f} s", flush=True)
    return not findings, line + (f"; {findings} FINDINGS" if findings else "")


# ---------------------------------------------------------------- fuzzing


def _quoted(word: bytes) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n'


def _fuzz(name: str, args: argparse.Namespace) -> tuple[bool, str]:
    """Fuzz one target in a process of its own; then measure the memory of all that its corpus holds."""
    from ._parsers.formats import FORMATS

    form = FORMATS[name]
    with tempfile.TemporaryDirectory() as scratch:
        corpus = (args.corpus or Path(scratch)) / name
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(form.seeds):
            (corpus / f"seed-{number}").write_bytes(seed)
        words = Path(scratch) / "words"
        words.write_text("".join(map(_quoted, form.words)) or "# none\n", encoding="ascii")
        longest = max(LONGEST, *map(len, form.seeds))
        command = [
            *(sys.executable, "-m", "checks._parsers.fuzz", name, f"-max_total_time={int(args.minutes * 60)}"),
            *(f"-runs={args.runs}", f"-seed={args.seed + 1}", f"-max_len={longest}", f"-dict={words}"),
            *("-timeout=30", "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={Path.cwd()}/{name}-"),
            str(corpus),
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
        findings = _measured(form.name, corpus)
    return _summary(name, done.returncode, done.stdout + done.stderr, findings)


def _measured(name: str, corpus: Path) -> int:
    """Return how many of the files in the corpus take more memory than they may, or anything else they must not do."""
    from ._parsers.formats import FORMATS
    from ._parsers.guard import run as guarded

    findings = 0
    for path in sorted(corpus.iterdir()):
        data = path.read_bytes()
        try:
            guarded(FORMATS[name], data)
        except Exception as found:
            findings += 1
            kept = Path.cwd() / f"{name}-corpus-{path.name}"
            kept.write_bytes(data)
            print(f"{name}: {found!r:.300}; python -m checks bytes --target {name} --file {kept.name}")
    return findings


def _summary(name: str, status: int, output: str, findings: int) -> tuple[bool, str]:
    """Return whether nothing was found, and libFuzzer's figures on one line."""
    stats = dict(re.findall(r"^stat::(\w+):\s+(\d+)", output, re.MULTILINE))
    last = (re.findall(r"cov: (\d+) ft: \d+ corp: (\d+)", output) or [("?", "?")])[-1]
    executions, rate = int(stats.get("number_of_executed_units", 0)), stats.get("average_exec_per_sec", "?")
    line = f"{name}: {executions:,} executions, {rate} a second, {last[0]} branches, a corpus of {last[1]} files"
    kept = re.findall(r"Test unit written to (\S+)", output)
    if status or findings or not executions:
        print(output[-4000:])
        for path in kept:
            print(f"{name}: python -m checks bytes --target {name} --file {path}")
        line += f"; {len(kept) + findings} FINDINGS"
    print(line, flush=True)
    return not (status or findings) and executions > 0, line
