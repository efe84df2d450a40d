"""Whether one driver is no worse than another: pairs of figures in, a verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evaluator import measures

MARGIN: Final = 5.0
"""Points by which the lower bound may be below 0. Two equal drivers differ by chance, and a bound
that must be above 0 would refuse half of the better ones."""
DRIVES: Final = 50.0
"""A course on which neither reaches this tells nothing: models of Udacity's lake do not on ours."""

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

    @property
    def tells(self) -> bool:
        """Whether either of them drives there at all."""
        return max(self.candidate, self.incumbent) >= DRIVES

    @property
    def passed(self) -> bool:
        """Whether the candidate is shown to be not worse."""
        return self.lower >= -MARGIN

    def document(self) -> dict[str, Any]:
        """Return it as a JSON document."""
        return {**asdict(self), "tells": self.tells, "passed": self.passed, "margin": MARGIN}

    def __str__(self) -> str:
        """Return it in words."""
        return (
            f"{self.course}: {self.measure} {self.candidate:.1f} against {self.incumbent:.1f} %, "
            f"difference {self.difference:+.1f}, at least {self.lower:+.1f} points "
            f"({self.pairs} pairs)"
        )


def compare(course: str, measure: str, candidate: Floats, incumbent: Floats) -> Comparison:
    """Compare (N,) figures, 0..100, of two versions from the same N starts.

    The bound is the 5th percentile of the bootstrapped mean of the paired differences: what is hard
    about a start is hard for both and cancels. That it may be down to the margin is a test of
    non-inferiority. Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap,
    chapters 13 and 15; Wellek 2010, Testing Statistical Hypotheses of Equivalence and
    Noninferiority, chapter 1.
    """
    apart = candidate - incumbent
    return Comparison(
        course, measure, len(apart), float(candidate.mean()), float(incumbent.mean()),
        float(apart.mean()), float(np.quantile(measures.resampled_means(apart), 0.05)),
    )  # fmt: skip


def verdict(found: Sequence[Comparison]) -> tuple[bool, str]:
    """Return whether a candidate may drive, and why, in words."""
    telling = [each for each in found if each.tells]
    if not telling:
        return False, (
            "nothing shows that it is not worse: neither drives any course; "
            + "; ".join(map(str, found))
        )
    worse = [each for each in telling if not each.passed]
    if worse:
        return False, "worse, or not shown to be as good: " + "; ".join(map(str, worse))
    return True, "as good or better: " + "; ".join(map(str, telling))
