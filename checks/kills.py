"""kill -9 while checkpoints are saved, training runs and data sets arrive: the old or the new file is there, whole.

Every killed process is a fork of its own on a real file system. Half of the kills in a save fall at any time, the
others at any line of the code that saves; with files that have no name until they are whole, as on Linux, and with
temporary files, as elsewhere.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

from ._kills import data
from ._kills.resume import Runs
from ._kills.saving import KINDS, STAGES, Campaign
from .outcome import Outcome


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--count", type=int, default=1000, help="kills while a checkpoint is saved (default 1000)")
    parser.add_argument("--resume-kills", type=int, default=50, help="kills of a training run (default 50)")
    parser.add_argument("--data-kills", type=int, default=50, help="kills of a download with unpacking (default 50)")
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS), help="ways of saving")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--folder", type=Path, help="where to write (default: the folder for temporary files)")


def _saving(args: argparse.Namespace, folder: Path, findings: list[str]) -> list[str]:
    """Kill saves; return the figures."""
    kinds = [kind for kind in args.kinds if kind != "safetensors" or find_spec("safetensors")]
    campaigns = [
        Campaign(KINDS[kind](kind, folder / f"{kind}-{nameless}"), nameless, args.seed)
        for kind in kinds
        for nameless in (True, False)
    ]
    for number in range(args.count):
        campaigns[number % len(campaigns)].kill_once()
        if number % 100 == 99:
            print(f"{number + 1} of {args.count} kills in saves", flush=True)
    stages: Counter[str] = Counter()
    for campaign in campaigns:
        campaign.finish()
        stages += campaign.stages
        findings += campaign.findings
    left = [sum(campaign.left for campaign in campaigns[start::2]) for start in (0, 1)]
    places = ", ".join(f"{stages[stage]} {stage}" for stage in STAGES)
    inside, new = args.count - stages[STAGES[0]], sum(campaign.new for campaign in campaigns)
    return [
        f"{args.count:,} kills of processes that save ({', '.join(kinds)}).",
        f"{inside:,} of them hit a save ({places}); the file was the new one {new:,} times, else the old one.",
        f"A temporary file was left by {left[0]} kills with nameless files and by {left[1]} with named ones, until the "
        "next save.",
    ]


def run(args: argparse.Namespace) -> Outcome:
    """Kill, look, and kill again."""
    findings: list[str] = []
    figures: list[str] = []
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        if args.count:
            figures += _saving(args, folder, findings)
        if args.resume_kills:
            runs = Runs(folder / "resume", args.seed)
            while runs.kills < args.resume_kills:
                runs.kill_one(most=4)
            print(f"{runs.kills} kills of training runs", flush=True)
            findings += runs.findings
            figures.append(f"{runs.kills} kills of the MNIST example, each resumed to the same bits.")
        if args.data_kills:
            (folder / "data").mkdir()
            inside, found = data.kills(folder / "data", args.data_kills, args.seed)
            findings += found
            figures.append(f"{inside} downloads with unpacking killed.")
    for finding in findings:
        print(finding)
    if findings:
        figures.append(f"{len(findings)} findings, the first: {findings[0]}")
        print(f"again: python -m checks kills --count {args.count} --seed {args.seed}")
    return Outcome(not findings, "\n".join(figures))
