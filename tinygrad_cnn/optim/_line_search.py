"""Line search for LBFGS: a step length that satisfies the strong Wolfe conditions.

Nocedal and Wright, Numerical Optimization (2006), algorithms 3.5 (bracketing) and 3.6 (zoom), with the safeguards of
Mark Schmidt's minFunc; every decision is taken as `torch.optim.lbfgs` takes it, so that trajectories agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tinygrad_cnn.tensor import Tensor

__all__ = ["Point", "strong_wolfe"]

SUFFICIENT_DECREASE = 1e-4  # c1 of the Wolfe conditions
CURVATURE = 0.9  # c2


@dataclass
class Point:
    """A step length, and the function there: its value, its gradient, the gradient's component along the direction."""

    t: Any
    value: float
    gradient: Tensor
    slope: Any


def cubic_minimum(a: Point, b: Point, bounds: tuple[Any, Any] | None = None) -> Any:
    """Return where the cubic through both points, with their slopes, is least, within bounds (default: between them).

    Where that cubic has no minimum, return the middle of the bounds.
    """
    left, right = (a, b) if a.t <= b.t else (b, a)
    low, high = bounds or (left.t, right.t)
    d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.t - b.t)
    square = d1**2 - a.slope * b.slope
    if square < 0:
        return (low + high) / 2.0
    d2 = square**0.5
    best = right.t - (right.t - left.t) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2))
    return min(max(best, low), high)


def _too_high(point: Point, start: Point) -> bool:
    """Tell whether the value has not decreased enough for the step (the Armijo condition fails)."""
    return bool(point.value > start.value + SUFFICIENT_DECREASE * point.t * start.slope)


def _flat(point: Point, start: Point) -> bool:
    """Tell whether the slope is small enough (the curvature condition holds)."""
    return bool(abs(point.slope) <= -CURVATURE * start.slope)


def _bracket(evaluate: Callable[[Any], Point], first: Point, start: Point, most: int) -> tuple[list[Point], int, bool]:
    """Lengthen the step until a minimum lies between two points; return them, the evaluations and whether it is met."""
    before, point, done = start, first, 0
    while done < most:
        if _too_high(point, start) or (done > 1 and point.value >= before.value):
            return [before, point], done, False
        if _flat(point, start):
            return [point], done, True
        if point.slope >= 0:
            return [before, point], done, False
        bounds = (point.t + 0.01 * (point.t - before.t), point.t * 10)
        t = cubic_minimum(before, point, bounds)
        before, point = point, evaluate(t)
        done += 1
    return [start, point], done, False


def _inside(t: Any, ends: list[Point], stuck: bool) -> tuple[Any, bool]:
    """Keep a trial step away from both ends of the bracket, at the second time in a row that it comes near one."""
    low, high = min(end.t for end in ends), max(end.t for end in ends)
    margin = 0.1 * (high - low)
    if min(high - t, t - low) >= margin:
        return t, False
    if not (stuck or t >= high or t <= low):
        return t, True
    return (high - margin if abs(t - high) < abs(t - low) else low + margin), False


def strong_wolfe(
    evaluate: Callable[[Any], Point], t: Any, start: Point, longest: Any, tolerance: float = 1e-9, most: int = 25
) -> tuple[Point, int]:
    """Return a point that satisfies the strong Wolfe conditions, or the best found, and the number of evaluations.

    evaluate: the point of a step length. start: the point of length 0. longest: the largest element of the direction;
    a bracket whose steps differ by less than `tolerance` in every parameter ends the search.
    """
    first = evaluate(t)
    ends, done, met = _bracket(evaluate, first, start, most)
    low = 0 if ends[0].value <= ends[-1].value else len(ends) - 1
    stuck = False
    while not met and done < most:
        if abs(ends[1].t - ends[0].t) * longest < tolerance:
            break
        t, stuck = _inside(cubic_minimum(ends[0], ends[1]), ends, stuck)
        point = evaluate(t)
        done += 1
        high = 1 - low
        if _too_high(point, start) or point.value >= ends[low].value:
            ends[high] = point
            low = 0 if ends[0].value <= ends[1].value else 1
            continue
        if _flat(point, start):
            met = True
        elif point.slope * (ends[high].t - ends[low].t) >= 0:
            ends[high] = ends[low]
        ends[low] = point
    return ends[low], done + 1
