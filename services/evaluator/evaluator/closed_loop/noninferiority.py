"""Decides from paired scores whether one version drives no worse than another.

A version is no worse on a course if the mean of candidate - incumbent is shown to be above
-MARGIN_POINTS. It is worse if the mean, or that of one part of the course, is shown to be below.
Else it is *not shown* to be as good. Source: Wellek 2010, Testing Statistical Hypotheses of
Equivalence and Noninferiority, chapter 1.

A candidate is accepted only if each course that says something shows that it is no worse. So for a
candidate that is worse by the margin on any course, the error of that course's test alone bounds
the probability that it is accepted: more courses need no correction (an intersection-union test;
Berger 1982, Multiparameter Hypothesis Testing and Acceptance Sampling, Technometrics 24 (4),
295-300). That a candidate is called worse, though it is not, has several chances on a course, the
mean and each part. They share the error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.errors import ModelError
from evaluator.closed_loop import betting, statistics

MARGIN_POINTS: Final = 5.0
"""Points by which the lower bound may be below 0.

Two equal drivers differ by chance. A bound that must be above 0 would refuse half of the candidates
that are better."""
MIN_SCORE: Final = 50.0
"""Autonomy that a version must reach in a light, or it does not drive there."""
MIN_BLOCKS: Final = 5
"""Smallest number of blocks of recordings: of fewer, no subset's mean is a bound at 5 %."""

NAMED_PAIRS: Final = 32
"""Pairs up to which a candidate that cannot be accepted any more may be shown to be worse."""

NO_WORSE: Final = "no worse"
WORSE: Final = "worse"
NOT_SHOWN: Final = "not shown"
"""Neither of the two could be shown."""
NOT_INFORMATIVE: Final = "not informative"
"""Neither version drives there, so that they do not differ says nothing."""

Floats = NDArray[np.float64]
OnRoad = Mapping[str, float | None]
"""Percent of the rows in which each was off the road of a recording; None if it is not known."""


@dataclass(frozen=True)
class PairedScores:
    """The scores of two versions in the same situations, 0..100, shape (pairs,) each."""

    part: NDArray[np.str_]
    """Name of the part of the course that each pair belongs to: a light, or a recording."""
    candidate: Floats
    incumbent: Floats

    def __post_init__(self) -> None:
        """Check the scores.

        Raises:
            ModelError: A score is not finite.
        """
        strange = np.flatnonzero(~np.isfinite(self.difference))
        if len(strange):
            pair = strange[0]
            raise ModelError(
                f"a score of {self.part[pair]} is not a finite number",
                got=f"{self.candidate[pair]} and {self.incumbent[pair]}",
            )

    @property
    def difference(self) -> Floats:
        """Candidate - incumbent, in points, shape (pairs,)."""
        return self.candidate - self.incumbent

    def parts(self) -> dict[str, PairedScores]:
        """Return the pairs of each part, in the order in which the parts begin."""
        return {
            name: PairedScores(
                *(each[self.part == name] for each in (self.part, self.candidate, self.incumbent))
            )
            for name in dict.fromkeys(self.part.tolist())
        }


@dataclass(frozen=True)
class CoursePart:
    """The scores of two versions in one part of a course."""

    name: str
    pairs: int
    candidate: float
    incumbent: float
    worse: bool
    """Whether the candidate is shown to be worse there by more than the margin."""
    new_to_both: bool = False
    """Whether it is a recording that neither version was trained on."""
    road: OnRoad | None = None
    """How often the two, and the recorded driver, left the road there; it decides nothing."""

    def document(self) -> dict[str, Any]:
        """Return the part as a JSON document."""
        return {
            "name": self.name,
            "pairs": self.pairs,
            "candidate": self.candidate,
            "incumbent": self.incumbent,
            "difference": self.candidate - self.incumbent,
            "worse": self.worse,
            "new_to_both": self.new_to_both,
            "road": None if self.road is None else dict(self.road),
        }

    def __str__(self) -> str:
        """Return the part in words."""
        return f"{self.name} {self.candidate:.1f} against {self.incumbent:.1f} %"


@dataclass(frozen=True)
class Comparison:
    """The scores of two versions on one course, and what they show."""

    scenario: str
    measure: str
    unit: str
    """What a pair is: "pairs of drives" or "blocks"."""
    pairs: int
    candidate: float
    """Mean score of the candidate, 0..100."""
    incumbent: float
    """Mean score of the incumbent, 0..100."""
    lower: float
    """One-sided lower 95 % bound of the difference, in points."""
    upper: float
    """One-sided upper 95 % bound of the difference, in points."""
    verdict: str
    """NO_WORSE, WORSE, NOT_SHOWN or NOT_INFORMATIVE."""
    parts: tuple[CoursePart, ...]
    lap_time_s: tuple[float, float] | None = None
    """Mean time of a lap of the candidate and of the incumbent, if their pace was compared."""

    @property
    def difference(self) -> float:
        """Mean of candidate - incumbent over the pairs, in points."""
        return self.candidate - self.incumbent

    def document(self) -> dict[str, Any]:
        """Return the comparison as a JSON document."""
        return {
            "course": self.scenario,
            "measure": self.measure,
            "unit": self.unit,
            "pairs": self.pairs,
            "candidate": self.candidate,
            "incumbent": self.incumbent,
            "difference": self.difference,
            "lower": self.lower,
            "upper": self.upper,
            "verdict": self.verdict,
            # Readers of release 0.1.0 know the next two.
            "tells": self.verdict != NOT_INFORMATIVE,
            "passed": self.verdict == NO_WORSE,
            "margin": MARGIN_POINTS,
            "parts": [part.document() for part in self.parts],
            **self._lap_times(),
        }

    def _lap_times(self) -> dict[str, Any]:
        if self.lap_time_s is None:
            return {}
        return {"lap_time_s": dict(zip(("candidate", "incumbent"), self.lap_time_s, strict=True))}

    def __str__(self) -> str:
        """Return the comparison in words."""
        worse = ", ".join(str(part) for part in self.parts if part.worse)
        laps = ""
        if self.lap_time_s is not None:
            laps = "; a lap takes {:.1f} s against {:.1f} s".format(*self.lap_time_s)
        return (
            f"{self.scenario}: {self.measure} {self.candidate:.1f} against {self.incumbent:.1f} %, "
            f"difference {self.difference:+.1f}, between {self.lower:+.1f} and {self.upper:+.1f} "
            f"points ({self.pairs} {self.unit}){f'; worse in {worse}' if worse else ''}{laps}"
        )


def judge_drives(scores: PairedScores, pairs_left: int) -> str | None:
    """Return what pairs of drives show at the end of a block; None if more pairs are needed.

    A candidate cannot be accepted any more once equal scores in all pairs that are left would not
    be enough. Then it is not shown to be as good, unless it is on the way to be shown to be worse
    within NAMED_PAIRS pairs.

    Args:
        scores: The pairs so far, shape (pairs,) each.
        pairs_left: Largest number of pairs that may follow.

    Returns:
        NO_WORSE, WORSE, NOT_SHOWN or None; never None if no pair is left.
    """
    against = _evidence_against(scores)
    if against >= 0:
        return WORSE
    wealth = betting.log_wealth_above(scores.difference, -MARGIN_POINTS)
    if wealth >= betting.log_threshold():
        return NO_WORSE
    equal = pairs_left * betting.log_wealth_above(np.zeros(1), -MARGIN_POINTS)
    if wealth + equal >= betting.log_threshold():
        return None
    pairs = len(scores.part)
    wanted = betting.log_threshold(_looks(scores))
    named = (against + wanted) * NAMED_PAIRS / pairs >= wanted
    return None if named and pairs < NAMED_PAIRS and pairs_left else NOT_SHOWN


def compare_drives(
    scenario: str,
    scores: PairedScores,
    verdict: str,
    measure: str = "autonomy",
    lap_time_s: tuple[float, float] | None = None,
) -> Comparison:
    """Return the comparison of pairs of drives that were judged.

    Args:
        scenario: name of the course, in words.
        scores: scores of the measure, shape (pairs,) each.
        verdict: what they show.
        measure: what was measured.
        lap_time_s: mean time of a lap of both versions, if their pace was measured.
    """
    looks, parts = _looks(scores), scores.parts()
    worse = {name: looks > 1 and _surplus(part, looks) >= 0 for name, part in parts.items()}
    return Comparison(
        scenario,
        measure,
        "pairs of drives",
        len(scores.part),
        float(scores.candidate.mean()),
        float(scores.incumbent.mean()),
        betting.lower_bound(scores.difference),
        betting.upper_bound(scores.difference),
        verdict,
        _course_parts(scores, worse, frozenset(), {}),
        lap_time_s,
    )


def compare_recordings(
    scenario: str,
    scores: PairedScores,
    blind: Floats,
    new_to_both: frozenset[str] = frozenset(),
    roads: Mapping[str, OnRoad] | None = None,
) -> Comparison:
    """Compare how two versions keep to recorded paths, by blocks of recordings.

    The bounds are those of statistics.subset_bound. The better version must be shown to be better
    than a driver who always steers 0, or the course is not informative: in pieces of a few seconds
    that driver has 70 to 84 %, so no fixed score is a threshold.

    Args:
        scenario: name of the course, in words.
        scores: scores in each block; a part is a recording.
        blind: scores of a constant steering of 0, shape (blocks,), 0..100.
        new_to_both: names of the recordings that neither version was trained on.
        roads: what is told beside of each recording; it does not decide.
    """
    difference, parts = scores.difference, scores.parts()
    # A recording of fewer blocks cannot show anything, so it takes no share of the error.
    judged = [name for name, part in parts.items() if len(part.part) >= MIN_BLOCKS]
    judged = judged if len(parts) > 1 else []
    looks = 1 + len(judged)
    lower = max(betting.LOW, statistics.subset_bound(difference, betting.ALPHA))
    upper = min(betting.HIGH, -statistics.subset_bound(-difference, betting.ALPHA))
    best = max(scores.candidate, scores.incumbent, key=lambda each: float(each.mean()))
    worse = {name: name in judged and _worse_blocks(part, looks) for name, part in parts.items()}
    if statistics.subset_bound(best - blind, betting.ALPHA) <= 0:  # and -inf for few blocks
        verdict = NOT_INFORMATIVE
    elif _worse_blocks(scores, looks) or any(worse.values()):
        verdict = WORSE
    else:
        verdict = NO_WORSE if lower >= -MARGIN_POINTS else NOT_SHOWN
    return Comparison(
        scenario,
        "kept to the path",
        "blocks",
        len(difference),
        float(scores.candidate.mean()),
        float(scores.incumbent.mean()),
        lower,
        upper,
        verdict,
        _course_parts(scores, worse, new_to_both, roads or {}),
    )


def decide(comparisons: Sequence[Comparison]) -> tuple[str, str]:
    """Return the verdict on a candidate, and the reason in words; only NO_WORSE is accepted."""
    by_verdict: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        by_verdict.setdefault(comparison.verdict, []).append(comparison)
    reasons = {WORSE: "worse", NOT_SHOWN: "not shown to be as good", NO_WORSE: "as good or better"}
    for verdict, reason in reasons.items():
        if verdict in by_verdict:
            return verdict, f"{reason}: " + "; ".join(map(str, by_verdict[verdict]))
    return NOT_INFORMATIVE, "nothing shows that it is not worse: " + "; ".join(
        ["neither version drives on any course", *map(str, comparisons)]
    )


def _looks(scores: PairedScores) -> int:
    """Return the number of chances of being called worse: the mean, and each of several lights."""
    count = len(set(scores.part.tolist()))
    return 1 + count if count > 1 else 1


def _evidence_against(scores: PairedScores) -> float:
    """Return the largest surplus of the mean and of each of several lights."""
    looks = _looks(scores)
    lights = scores.parts().values() if looks > 1 else ()
    return max(_surplus(each, looks) for each in (scores, *lights))


def _surplus(scores: PairedScores, looks: int) -> float:
    """Return by how much the logarithm of the wealth is above what shows that drives are worse."""
    wealth = betting.log_wealth_below(scores.difference, -MARGIN_POINTS)
    return wealth - betting.log_threshold(looks)


def _worse_blocks(scores: PairedScores, looks: int) -> bool:
    upper = -statistics.subset_bound(-scores.difference, betting.ALPHA / looks)
    return upper < -MARGIN_POINTS


def _course_parts(
    scores: PairedScores,
    worse: dict[str, bool],
    new_to_both: frozenset[str],
    roads: Mapping[str, OnRoad],
) -> tuple[CoursePart, ...]:
    return tuple(
        CoursePart(
            name,
            len(part.part),
            float(part.candidate.mean()),
            float(part.incumbent.mean()),
            worse[name],
            name in new_to_both,
            roads.get(name),
        )
        for name, part in scores.parts().items()
    )
