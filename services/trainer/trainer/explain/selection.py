"""Selects the rows that are shown: those with the largest errors, and a few across the steering."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Numbers = npt.NDArray[np.int64]


def hardest(
    error: Floats, time_s: Floats, recording: Numbers, count: int, min_interval_s: float
) -> list[int]:
    """Return the rows with the largest errors, the largest first, some time apart.

    Neighbouring frames are nearly the same image: without an interval all rows would show one
    event.

    Args:
        error: (rows,).
        time_s: (rows,).
        recording: (rows,), the number of each row's recording; the interval holds within one.
        count: maximum number of rows.
        min_interval_s: minimum time between two rows of a recording.
    """
    selected: list[int] = []
    for row in np.argsort(-np.abs(error), kind="stable").tolist():
        if all(
            recording[row] != recording[other] or abs(time_s[row] - time_s[other]) >= min_interval_s
            for other in selected
        ):
            selected.append(row)
            if len(selected) == count:
                break
    return selected


def at_quantiles(steering: Floats, quantiles: tuple[float, ...]) -> list[int]:
    """Return the rows at these quantiles of the steering, 0..1, each row once."""
    order = np.argsort(steering, kind="stable")
    positions = [round(quantile * (len(order) - 1)) for quantile in quantiles]
    return list(dict.fromkeys(int(order[position]) for position in positions))
