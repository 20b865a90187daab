"""The table of `summary`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinygrad_cnn._summary import ModelStatistics, Row

__all__ = ["COLUMNS", "ROW_SETTINGS", "table"]

COLUMNS = {
    "input_size": "Input Shape",
    "output_size": "Output Shape",
    "num_params": "Param #",
    "params_percent": "Param %",
    "kernel_size": "Kernel Shape",
    "mult_adds": "Mult-Adds",
    "trainable": "Trainable",
}
ROW_SETTINGS = ("depth", "var_names", "ascii_only", "hide_recursive_layers")
_NONE = "--"


def table(
    statistics: ModelStatistics,
    columns: tuple[str, ...],
    settings: tuple[str, ...],
    width: int,
    depth: int,
    with_parameters: bool,
) -> str:
    """Return a line for each row down to `depth`, the totals, and what takes memory."""
    names = [_name(row, settings) for row in statistics.summary_list]
    longest = max(len(name) + 5 * row.depth + 1 for name, row in zip(names, statistics.summary_list, strict=True))
    first = 40 if longest < 40 else math.ceil(longest / 5) * 5
    divider = "=" * (first + width * len(columns))

    def line(name: str, cells: dict[str, str]) -> str:
        rest = "".join(f"{cells.get(column, ''):<{width}} " for column in columns)
        return f"{name:<{first}} {rest}".rstrip()

    title = "Layer (type" + (" (var_name)" if "var_names" in settings else "")
    lines = [divider, line(title + (":depth-idx" if "depth" in settings else "") + ")", COLUMNS), divider]
    for name, row in zip(names, statistics.summary_list, strict=True):
        if row.depth > depth or (row.is_recursive and "hide_recursive_layers" in settings):
            continue
        cells = _cells(row, row.depth == depth, statistics.total_params)
        lines.append(line(_branch(row.depth, settings) + name, cells))
        if with_parameters and row.is_leaf_layer:
            lines += [line(_branch(row.depth + 1, settings) + name, cells) for name, cells in _parameters(row)]
    return "\n".join([*lines, divider, *_totals(statistics, divider), divider])


def _name(row: Row, settings: tuple[str, ...]) -> str:
    name = row.class_name
    if "var_names" in settings:
        name += f" ({row.var_name})"
    if "depth" in settings and row.depth > 0:
        name += f": {row.depth}-{row.depth_index}"
    return name


def _branch(depth: int, settings: tuple[str, ...]) -> str:
    if depth == 0:
        return ""
    down, end, first = ("|    ", "+ ", "+ ") if "ascii_only" in settings else ("│    ", "└─", "├─")
    return first if depth == 1 else down * (depth - 1) + end


def _cells(row: Row, deepest: bool, total: int) -> dict[str, str]:
    """Return what a row says in each column; the deepest that are shown speak for all below them."""
    whole = deepest or row.is_leaf_layer
    shown = row.num_params if whole else max(row.own_params, 0)
    count = f"{shown:,}" if shown else _NONE
    if whole and shown and not row.trainable_params:
        count = f"({count})"
    below = sum(leaf.macs for leaf in _leaves(row)) if deepest else 0
    macs = row.macs if row.is_leaf_layer else below
    percent = f"{shown / total:>7.2%}" if shown and total else " " * 5 + _NONE
    recursive = row.is_recursive and row.num_params > 0
    return {
        "input_size": str(row.input_size or _NONE),
        "output_size": str(row.output_size or _NONE),
        "num_params": "(recursive)" if recursive else count,
        "params_percent": "(recursive)" if recursive else percent,
        "kernel_size": str(row.kernel_size or _NONE),
        "mult_adds": f"{macs:,}" if macs else _NONE,
        "trainable": _trainable(row),
    }


def _leaves(row: Row) -> Iterator[Row]:
    for child in row.children:
        if child.is_leaf_layer:
            yield child
        else:
            yield from _leaves(child)


def _trainable(row: Row) -> str:
    if row.num_params == 0:
        return _NONE
    return {0: "False", row.num_params: "True"}.get(row.trainable_params, "Partial")


def _parameters(row: Row) -> Iterator[tuple[str, dict[str, str]]]:
    for name, parameter in row.module.named_parameters():
        yield name, {"kernel_size": str([*parameter.shape]), "num_params": f"{parameter.numel():,}"}


def _totals(statistics: ModelStatistics, divider: str) -> list[str]:
    total, trainable = statistics.total_params, statistics.trainable_params
    lines = [
        f"Total params: {total:,}",
        f"Trainable params: {trainable:,}",
        f"Non-trainable params: {total - trainable:,}",
    ]
    if not statistics.executed:
        return lines
    work = statistics.total_mult_adds
    unit, size = next(((u, s) for u, s in (("T", 1e12), ("G", 1e9)) if work >= s), ("M", 1e6))
    scaled = work / size
    lines.append(f"Total mult-adds ({unit}): {int(scaled) if scaled.is_integer() else f'{scaled:,.2f}'}")
    memory = [
        ("Input size", statistics.total_input),
        ("Forward/backward pass size", statistics.total_output_bytes),
        ("Params size", statistics.total_param_bytes),
    ]
    memory.append(("Estimated Total Size", sum(size for _, size in memory)))
    return [*lines, divider, *(f"{name} (MB): {size / 1e6:0.2f}" for name, size in memory)]
