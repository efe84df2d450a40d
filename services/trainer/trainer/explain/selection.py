"""Which rows are shown: the hardest, and a few from one lock to the other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Numbers = npt.NDArray[np.int64]


def hardest(
    error: Floats, time_s: Floats, recording: Numbers, count: int, apart_s: float
) -> list[int]:
    """Return the rows with the largest errors, the worst first, none soon after another.

    Neighbouring frames are nearly the same picture: without a distance all would be of one moment.

    Args:
        error: (rows,).
        time_s: (rows,).
        recording: (rows,), the number of the one that each is of; distance holds within one.
        count: how many at most.
        apart_s: least distance between two.
    """
    found: list[int] = []
    for row in np.argsort(-np.abs(error), kind="stable").tolist():
        if all(
            recording[row] != recording[each] or abs(time_s[row] - time_s[each]) >= apart_s
            for each in found
        ):
            found.append(row)
            if len(found) == count:
                break
    return found


def spread(steering: Floats, shares: tuple[float, ...]) -> list[int]:
    """Return the rows at these shares of all, 0..1, in the order of their steering; each once."""
    ordered = np.argsort(steering, kind="stable")
    places = [round(share * (len(ordered) - 1)) for share in shares]
    return list(dict.fromkeys(int(ordered[place]) for place in places))
