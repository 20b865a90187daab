"""What a profile has found, and its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["EventList", "FunctionEventAvg"]


@dataclass
class FunctionEventAvg:
    """One row: all calls of one function, or all ranges of one name; times in microseconds."""

    key: str
    count: int
    cpu_time_total: float
    self_cpu_time_total: float

    @property
    def cpu_time(self) -> float:
        """Microseconds of one call."""
        return self.cpu_time_total / self.count

    @property
    def name(self) -> str:
        """The key."""
        return self.key


def _time(microseconds: float) -> str:
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= size:
            return f"{microseconds / size:.3f}{unit}"
    return f"{microseconds:.3f}us"


class EventList(list[FunctionEventAvg]):
    """The rows of a profile."""

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all functions together."""
        return sum(event.self_cpu_time_total for event in self)

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """Return the rows as text, largest first by `sort_by`: cpu_time, cpu_time_total, self_cpu_time_total or count.

        AttributeError for another column.
        """
        rows = list(self)
        if sort_by is not None:
            rows.sort(key=lambda event: getattr(event, sort_by), reverse=True)
        total = self.self_cpu_time_total or 1.0
        titles = ("Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "# of Calls")
        lines: list[Any] = [titles]
        for row in rows if row_limit < 0 else rows[:row_limit]:
            name = row.key if len(row.key) <= max_name_column_width else row.key[: max_name_column_width - 3] + "..."
            shares = (f"{100 * part / total:.2f}%" for part in (row.self_cpu_time_total, row.cpu_time_total))
            times = map(_time, (row.self_cpu_time_total, row.cpu_time_total, row.cpu_time))
            own_share, all_share = shares
            own, whole, each = times
            lines.append((name, own_share, own, all_share, whole, each, str(row.count)))
        widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
        rule = "  ".join("-" * width for width in widths)
        text = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
        end = f"Self CPU time total: {_time(self.self_cpu_time_total)}"
        return "\n".join([*([header] if header else []), rule, text[0], rule, *text[1:], rule, end, ""])
