"""Names the reasons for which rows are unfit to learn from, and says how many there are.

path_fitness.py finds these rows. The command line, which has no NumPy, tells of them too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["REASONS", "describe"]

REASONS: Final = ("standing", "stopping", "slipping", "swinging")
"""The kinds of unfit rows. A row of several kinds counts as the first of them."""


def describe(counts: Mapping[str, int]) -> str:
    """Return in words how many rows are unfit, "9 rows (5 standing, 4 slipping)".

    Args:
        counts: number of rows by the reason.
    """
    parts = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
    return f"{sum(counts.values()):,} rows ({parts})"
