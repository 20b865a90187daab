"""What a check returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Outcome:
    """Whether nothing was found, and the figures as a few lines of Markdown.

    `part` tells apart the runs of one check that are recorded one beside the other, such as two sanitizers.
    """

    passed: bool
    figures: str
    part: str = ""
