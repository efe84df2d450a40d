"""Decides from paired scores whether one version drives no worse than another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.errors import ModelError
from evaluator.closed_loop import statistics

MARGIN_POINTS: Final = 5.0
"""Points by which the lower bound may be below 0.

Two equal drivers differ by chance. A bound that must be above 0 would refuse half of the candidates
that are better."""
MIN_SCORE: Final = 50.0
"""Score that one of the versions must reach, or the scenario says nothing.

Models that learned from Udacity's lake do not reach it on Lapwing's."""
MIN_PAIRS: Final = 4
"""Smallest number of pairs: with fewer, resampling shows too little spread (with one, none)."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """The scores of two versions in one scenario, both from the same starts."""

    scenario: str
    measure: str
    pairs: int
    candidate: float
    """Mean score of the candidate, 0..100."""
    incumbent: float
    """Mean score of the incumbent, 0..100."""
    difference: float
    """Mean of candidate - incumbent over the pairs, in points."""
    lower: float
    """One-sided lower 95 % bound of the difference."""
    informative: bool
    """Whether a version drives there at all, and there are at least MIN_PAIRS."""

    @property
    def passed(self) -> bool:
        """Whether the candidate is shown to be no worse."""
        return self.lower >= -MARGIN_POINTS

    def document(self) -> dict[str, Any]:
        """Return the comparison as a JSON document."""
        return {
            "course": self.scenario,
            "measure": self.measure,
            "pairs": self.pairs,
            "candidate": self.candidate,
            "incumbent": self.incumbent,
            "difference": self.difference,
            "lower": self.lower,
            "tells": self.informative,
            "passed": self.passed,
            "margin": MARGIN_POINTS,
        }

    def __str__(self) -> str:
        """Return the comparison in words."""
        return (
            f"{self.scenario}: {self.measure} {self.candidate:.1f} against {self.incumbent:.1f} %, "
            f"difference {self.difference:+.1f}, at least {self.lower:+.1f} points "
            f"({self.pairs} pairs)"
        )


def compare(
    scenario: str, measure: str, candidate: Floats, incumbent: Floats, blind: Floats | None = None
) -> Comparison:
    """Compare the scores of two versions from the same starts.

    The bound is the 5th percentile of the bootstrapped mean of the paired differences: a difficult
    start is difficult for both versions, so its effect cancels. Allowing the bound to lie below 0
    by the margin makes this a test of non-inferiority. Source: Efron and Tibshirani 1993, An
    Introduction to the Bootstrap, chapters 13 and 15; Wellek 2010, Testing Statistical Hypotheses
    of Equivalence and Noninferiority, chapter 1.

    Args:
        scenario: name of the scenario, in words.
        measure: name of the measure, in words.
        candidate: scores of the candidate, shape (starts,), 0..100.
        incumbent: scores of the incumbent, shape (starts,), 0..100.
        blind: scores of a constant steering of 0, shape (starts,), for a measure that is high even
            then. The better version must be shown to be better than this. With None, it must reach
            MIN_SCORE.

    Raises:
        ModelError: a score is not finite.
    """
    difference = candidate - incumbent
    if not np.isfinite(difference).all():
        value = difference[~np.isfinite(difference)][0]
        raise ModelError(f"{scenario}: {measure} is not a finite number", got=value)
    best = max(candidate, incumbent, key=lambda scores: float(scores.mean()))
    drives = best.mean() >= MIN_SCORE if blind is None else _lower_bound(best - blind) > 0
    return Comparison(
        scenario,
        measure,
        len(difference),
        float(candidate.mean()),
        float(incumbent.mean()),
        float(difference.mean()),
        _lower_bound(difference),
        bool(drives) and len(difference) >= MIN_PAIRS,
    )


def decide(comparisons: Sequence[Comparison]) -> tuple[bool, str]:
    """Return whether a candidate may become the current version, and the reason in words."""
    informative = [comparison for comparison in comparisons if comparison.informative]
    if not informative:
        return False, (
            "nothing shows that it is not worse: "
            + "; ".join(["neither version drives in any scenario", *map(str, comparisons)])
        )
    worse = [comparison for comparison in informative if not comparison.passed]
    if worse:
        return False, "worse, or not shown to be as good: " + "; ".join(map(str, worse))
    return True, "as good or better: " + "; ".join(map(str, informative))


def _lower_bound(differences: Floats) -> float:
    """Return the one-sided 95 % bound of the mean of paired differences, shape (pairs,)."""
    return float(np.quantile(statistics.bootstrap_means(differences), 0.05))
