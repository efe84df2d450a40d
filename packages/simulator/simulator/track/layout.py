"""Builds the plan of a road from straights and arcs, with a transition between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.track.geometry import STEP_M, Floats

TRANSITION_M: Final = 8.0
"""Length over which the curvature changes from one element to the next, so that a steering wheel
can follow. It is taken from the ends of the elements, so a shorter arc never reaches its radius."""
CLOSING_ITERATIONS: Final = 8


@dataclass(frozen=True)
class Straight:
    """A straight; the two free straights of a loop get the lengths that close it."""

    length_m: float
    free: bool = False


@dataclass(frozen=True)
class Arc:
    """An arc; a positive turn is to the left."""

    radius_m: float
    turn_deg: float


RoadElement = Straight | Arc


def lay_out_loop(elements: Sequence[RoadElement]) -> Floats:
    """Return the plan of a closed road as (N, 2) points in equal steps.

    The road starts at the origin and leads east.

    Args:
        elements: Straights and arcs in driving order. The turns of the arcs add up to 360 degrees,
            and exactly two straights are free.

    Raises:
        ValueError: The elements do not close a loop.
    """
    turn = sum(element.turn_deg for element in elements if isinstance(element, Arc))
    free = [i for i, item in enumerate(elements) if isinstance(item, Straight) and item.free]
    if abs(abs(turn) - 360) > 1e-9 or len(free) != 2:
        raise ValueError(f"a loop needs one whole turn and two free straights: {turn}°, {free}")
    lengths = np.array([_length_m(element) for element in elements])
    curvatures = np.array([_curvature(element) for element in elements])
    # The gap depends almost linearly on the free lengths, so Newton's method finds them.
    for _ in range(CLOSING_ITERATIONS):
        gap = _trace(lengths, curvatures)[-1]
        if np.hypot(*gap) < STEP_M / 10:
            break
        columns = []
        for index in free:
            longer = lengths.copy()
            longer[index] += 1.0
            columns.append(_trace(longer, curvatures)[-1] - gap)
        jacobian = np.column_stack(columns)
        if abs(np.linalg.det(jacobian)) < 1e-3:
            raise ValueError("the two free straights are parallel: they cannot close the loop")
        lengths[free] -= np.linalg.solve(jacobian, gap)
        if lengths.min() <= 0:
            break
    if lengths.min() <= 0 or np.hypot(*gap) > STEP_M:
        raise ValueError(f"no lengths of the free straights close this loop: {lengths[free]}")
    points = _trace(lengths, curvatures)
    # The remaining gap of some centimetres is distributed evenly along the road.
    points -= np.linspace(0, 1, len(points))[:, None] * points[-1]
    return np.asarray(points[:-1])


def _length_m(element: RoadElement) -> float:
    if isinstance(element, Straight):
        return element.length_m
    return element.radius_m * math.radians(abs(element.turn_deg))


def _curvature(element: RoadElement) -> float:
    if isinstance(element, Straight):
        return 0.0
    return math.copysign(1 / element.radius_m, element.turn_deg)


def _trace(lengths: Floats, curvatures: Floats) -> Floats:
    """Return the line along the elements as (N + 1, 2) points; the last point is its end."""
    total = float(lengths.sum())
    count = round(total / STEP_M)
    step = total / count
    # The heading is the integral of the curvature, so it is exact wherever the elements begin. Its
    # mean over the transition's length is the heading of a linearly changing curvature.
    ends = np.concatenate([[0.0], np.cumsum(lengths)])
    headings = np.concatenate([[0.0], np.cumsum(lengths * curvatures)])
    window = np.linspace(-TRANSITION_M / 2, TRANSITION_M / 2, 33)
    middles = (np.arange(count)[:, None] + 0.5) * step + window
    rounds = np.floor(middles / total)
    heading = np.interp(middles - rounds * total, ends, headings) + rounds * headings[-1]
    heading = heading.mean(axis=1)
    steps = step * np.column_stack([np.cos(heading), np.sin(heading)])
    return np.concatenate([[[0.0, 0.0]], np.cumsum(steps, axis=0)])
