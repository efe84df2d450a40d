"""Whether one driver is no worse than another: pairs of figures in, a verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.errors import ModelError
from evaluator.closed_loop import statistics

MARGIN: Final = 5.0
"""Points by which the lower bound may be below 0. Two equal drivers differ by chance, and a bound
that must be above 0 would refuse half of the better ones."""
DRIVES: Final = 50.0
"""A course on which neither reaches this tells nothing: models of Udacity's lake do not on ours."""
PAIRS: Final = 4
"""Fewer tell nothing either: resampled, one pair has no spread at all."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """Of two versions on one course, both from the same starts."""

    course: str
    measure: str
    pairs: int
    candidate: float
    """Mean, 0..100."""
    incumbent: float
    difference: float
    """Mean of candidate - incumbent over the pairs, in points."""
    lower: float
    """One-sided 95 % bound of that."""
    tells: bool
    """Whether either of them drives there at all, and there are PAIRS."""

    @property
    def passed(self) -> bool:
        """Whether the candidate is shown to be not worse."""
        return self.lower >= -MARGIN

    def document(self) -> dict[str, Any]:
        """Return it as a JSON document."""
        return {**asdict(self), "passed": self.passed, "margin": MARGIN}

    def __str__(self) -> str:
        """Return it in words."""
        return (
            f"{self.course}: {self.measure} {self.candidate:.1f} against {self.incumbent:.1f} %, "
            f"difference {self.difference:+.1f}, at least {self.lower:+.1f} points "
            f"({self.pairs} pairs)"
        )


def compare(
    course: str, measure: str, candidate: Floats, incumbent: Floats, blind: Floats | None = None
) -> Comparison:
    """Compare (N,) figures, 0..100, of two versions from the same N starts.

    Args:
        course: in words.
        measure: in words.
        candidate: (N,)
        incumbent: (N,)
        blind: (N,), of hands that never move, where these are kept from harm: then the better of
            the two must be shown to be better than that; None: it must reach DRIVES.

    Raises:
        ModelError: a figure is no number.

    The bound is the 5th percentile of the bootstrapped mean of the paired differences: what is hard
    about a start is hard for both and cancels. That it may be down to the margin is a test of
    non-inferiority. Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap,
    chapters 13 and 15; Wellek 2010, Testing Statistical Hypotheses of Equivalence and
    Noninferiority, chapter 1.
    """
    apart = candidate - incumbent
    if not np.isfinite(apart).all():
        raise ModelError(f"{course}: {measure} is no number", got=apart[~np.isfinite(apart)][0])
    best = max(candidate, incumbent, key=lambda figures: float(figures.mean()))
    drives = best.mean() >= DRIVES if blind is None else _lower(best - blind) > 0
    return Comparison(
        course,
        measure,
        len(apart),
        float(candidate.mean()),
        float(incumbent.mean()),
        float(apart.mean()),
        _lower(apart),
        bool(drives) and len(apart) >= PAIRS,
    )


def _lower(apart: Floats) -> float:
    """Return the one-sided 95 % bound of the mean of (N,) paired differences."""
    return float(np.quantile(statistics.resampled_means(apart), 0.05))


def verdict(found: Sequence[Comparison]) -> tuple[bool, str]:
    """Return whether a candidate may drive, and why, in words."""
    telling = [each for each in found if each.tells]
    if not telling:
        return False, (
            "nothing shows that it is not worse: "
            + "; ".join(["neither drives any course", *map(str, found)])
        )
    worse = [each for each in telling if not each.passed]
    if worse:
        return False, "worse, or not shown to be as good: " + "; ".join(map(str, worse))
    return True, "as good or better: " + "; ".join(map(str, telling))
