"""Computes the reward of a step."""

from __future__ import annotations

from typing import Final

INTERVENTION_COST: Final = 10.0
"""Reward that is taken away when the car must be put back on the road: ten metres of good road."""


def step_reward(progress_m: float, offset_m: float, width_m: float, intervened: bool) -> float:
    """Return the reward of one step, in metres.

    A step forwards earns

        progress · max(0, 1 − |offset| / (width / 2)) − 10 · [the car must be put back]

    and a step backwards costs its whole length, so nothing is gained by going back and forth. The
    factor is 1 on the driving line and 0 half a road beside it. As the factor is never negative,
    no episode is worth more for ending early.

    Args:
        progress_m: Distance made good along the centre line; negative if the car went backwards.
        offset_m: Offset from the driving line at the end of the step.
        width_m: Width of the road there.
        intervened: Whether the car left the road, stood for 5 s or came back 5 m.
    """
    nearness = max(0.0, 1.0 - abs(offset_m) / (width_m / 2))
    earned = progress_m * nearness if progress_m > 0 else progress_m
    return earned - (INTERVENTION_COST if intervened else 0.0)
