"""Lays out a road as surveyors do: straights and arcs in turn, with a transition between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.track.geometry import STEP_M, Floats

TRANSITION_M = 8.0
"""Over which the curvature changes from one element's to the next's, so that a steering wheel can
follow; taken from the elements' ends, so a shorter arc never reaches its radius."""


@dataclass(frozen=True)
class Straight:
    """A straight; the two free ones get the lengths that close the loop."""

    length_m: float
    free: bool = False


@dataclass(frozen=True)
class Bend:
    """An arc; a positive turn goes to the left."""

    radius_m: float
    turn_deg: float


Element = Straight | Bend


def loop(elements: Sequence[Element]) -> Floats:
    """Return the plan of a closed road, (N, 2) in equal steps, starting at the origin eastwards.

    Args:
        elements: whose turns add up to one whole turn, and of whose straights two are free.

    Raises:
        ValueError: these elements close no loop.
    """
    turn = sum(each.turn_deg for each in elements if isinstance(each, Bend))
    free = [i for i, each in enumerate(elements) if isinstance(each, Straight) and each.free]
    if abs(abs(turn) - 360) > 1e-9 or len(free) != 2:
        raise ValueError(f"a loop needs one whole turn and two free straights: {turn}°, {free}")
    lengths = np.array([_length_m(each) for each in elements])
    bends = np.array([_curvature(each) for each in elements])
    for _ in range(8):  # the gap depends on the free lengths almost linearly: Newton's method
        gap = _walk(lengths, bends)[-1]
        if np.hypot(*gap) < STEP_M / 10:
            break
        columns = []
        for index in free:
            longer = lengths.copy()
            longer[index] += 1.0
            columns.append(_walk(longer, bends)[-1] - gap)
        change = np.column_stack(columns)
        if abs(np.linalg.det(change)) < 1e-3:
            raise ValueError("the two free straights are parallel: they close no gap across")
        lengths[free] -= np.linalg.solve(change, gap)
        if lengths.min() <= 0:
            break
    if lengths.min() <= 0 or np.hypot(*gap) > STEP_M:
        raise ValueError(f"no lengths of the free straights close this loop: {lengths[free]}")
    places = _walk(lengths, bends)
    # The centimetres that are left are shared out along the whole way.
    places -= np.linspace(0, 1, len(places))[:, None] * places[-1]
    return np.asarray(places[:-1])


def _length_m(element: Element) -> float:
    if isinstance(element, Straight):
        return element.length_m
    return element.radius_m * math.radians(abs(element.turn_deg))


def _curvature(element: Element) -> float:
    if isinstance(element, Straight):
        return 0.0
    return math.copysign(1 / element.radius_m, element.turn_deg)


def _walk(lengths: Floats, bends: Floats) -> Floats:
    """Return (N + 1, 2): the way along the elements, the last place being where it arrives."""
    total = float(lengths.sum())
    count = round(total / STEP_M)
    step = total / count
    # The heading at a point is the integral of the curvature: exact, however elements fall on the
    # grid. Its mean over the transition's length is what a linearly growing curvature turns.
    ends = np.concatenate([[0.0], np.cumsum(lengths)])
    turned = np.concatenate([[0.0], np.cumsum(lengths * bends)])
    window = np.linspace(-TRANSITION_M / 2, TRANSITION_M / 2, 33)
    middles = (np.arange(count)[:, None] + 0.5) * step + window
    around = np.floor(middles / total)
    heading = (np.interp(middles - around * total, ends, turned) + around * turned[-1]).mean(axis=1)
    steps = step * np.column_stack([np.cos(heading), np.sin(heading)])
    return np.concatenate([[[0.0, 0.0]], np.cumsum(steps, axis=0)])
