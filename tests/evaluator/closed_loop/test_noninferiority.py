import json
import tracemalloc

import numpy as np
import pytest

from contract.errors import ModelError
from evaluator.closed_loop.noninferiority import (
    MARGIN_POINTS,
    MIN_PAIRS,
    MIN_SCORE,
    Comparison,
    compare,
    decide,
)

STARTS = np.linspace(60, 100, 12)
"""Scores from starts of different difficulty, which is the same for both drivers."""


def of(candidate: object, incumbent: object, blind: float | None = None) -> Comparison:
    one, other = (np.asarray(each, dtype=float) + np.zeros(12) for each in (candidate, incumbent))
    return compare("lake", "autonomy", one, other, None if blind is None else np.full(12, blind))


def test_equal_drivers_pass() -> None:
    found = of(STARTS, STARTS)
    assert (found.informative, found.passed) == (True, True)
    assert (found.difference, found.lower, found.pairs) == (0.0, 0.0, 12)


def test_the_difficulty_of_a_start_cancels() -> None:
    found = of(STARTS - 4, STARTS)
    assert found.lower == pytest.approx(-4)
    assert found.passed
    shuffled = of(np.roll(STARTS, 5) - 4, STARTS)
    assert shuffled.difference == pytest.approx(-4)
    assert not shuffled.passed  # without pairs, the same scores show too little


@pytest.mark.parametrize(
    ("worse", "passed"), [(MARGIN_POINTS, True), (MARGIN_POINTS + 0.01, False)]
)
def test_a_difference_up_to_the_margin_passes(worse: float, passed: bool) -> None:
    assert of(STARTS - worse, STARTS).passed is passed


def test_the_bound_of_the_mean_is_one_sided() -> None:
    """For normal differences it is the mean - 1.645 standard errors."""
    apart = np.random.default_rng(2).normal(1.0, 6.0, 400)
    found = compare("lake", "autonomy", 80 + apart, np.full(400, 80.0))
    assert found.lower == pytest.approx(apart.mean() - 1.645 * apart.std() / 20, abs=0.1)


def test_one_better_drive_does_not_hide_many_worse_ones() -> None:
    candidate = np.full(12, 80.0) - 7
    candidate[0] = 100.0
    assert not of(candidate, 80.0).passed


def test_a_driver_that_fails_on_some_starts_does_not_pass() -> None:
    candidate = np.full(12, 85.0)
    candidate[:3] = 60.0
    assert not of(candidate, 80.0).passed


def test_a_scenario_in_which_neither_drives_is_not_informative() -> None:
    assert not of(MIN_SCORE - 1, 0).informative
    assert of(MIN_SCORE, 0).informative
    assert of(0, MIN_SCORE).informative


def test_with_a_blind_baseline_one_driver_must_be_better_than_it() -> None:
    """On recordings, a steering of 0 scores 70 to 84 %, so a score of 50 % says nothing."""
    assert not of(79, 79, blind=79).informative
    assert not of(70, 75, blind=79).informative
    assert of(70, 90, blind=79).informative
    noisy = 79 + np.array([9.0, -8.0] * 6)  # better on average, but this is not shown
    assert not of(noisy, 60, blind=79).informative


def test_too_few_pairs_are_not_informative() -> None:
    """One pair has no spread when it is resampled, so it would always pass."""
    few, enough = np.full(MIN_PAIRS - 1, 90.0), np.full(MIN_PAIRS, 90.0)
    assert not compare("", "", few, few).informative
    assert compare("", "", enough, enough).informative


def test_ten_hours_of_recordings_are_compared_within_a_bounded_memory() -> None:
    """The gate has a pair for each 4 s of driving. Drawn at once they took 1.4 GB."""
    candidate, incumbent, blind = np.random.default_rng(3).normal(90, 5, (3, 10 * 3600 // 4))
    tracemalloc.start()
    try:
        found = compare("recordings", "kept to the path", candidate, incumbent, blind)
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.pairs == 9000
    assert most_bytes < 40e6


def test_a_score_that_is_not_finite_is_an_error() -> None:
    with pytest.raises(ModelError, match="lake: autonomy is not a finite number"):
        of(float("nan"), 80)


def test_a_decision_needs_an_informative_scenario() -> None:
    accepted, why = decide([of(10, 10), of(20, 20)])
    assert not accepted
    assert why.startswith(
        "nothing shows that it is not worse: neither version drives in any scenario; lake: "
    )
    assert decide([]) == (
        False,
        "nothing shows that it is not worse: neither version drives in any scenario",
    )


def test_a_candidate_that_is_worse_in_one_scenario_is_refused() -> None:
    good, bad, silent = of(90, 80), of(60, 80), of(10, 10)
    accepted, why = decide([good, bad, silent])
    assert not accepted
    assert why == f"worse, or not shown to be as good: {bad}"
    assert decide([good, silent]) == (True, f"as good or better: {good}")


def test_a_comparison_has_words_and_a_document() -> None:
    found = of(60, 80)
    assert str(found) == (
        "lake: autonomy 60.0 against 80.0 %, difference -20.0, at least -20.0 points (12 pairs)"
    )
    document = json.loads(json.dumps(found.document()))
    assert document["passed"] is False
    assert document["tells"] is True
    assert (document["lower"], document["margin"]) == (-20.0, MARGIN_POINTS)


@pytest.mark.parametrize(("worse", "passed"), [(5.0, True), (5.5, False), (4.5, True)])
def test_the_margin_is_five_points(worse: float, passed: bool) -> None:
    """docs/gate.md promises this number, and so does the document of each comparison."""
    found = of(80.0 - worse, 80.0)
    assert found.passed is passed
    assert found.document()["margin"] == 5.0


@pytest.mark.parametrize(("score", "tells"), [(50.0, True), (49.5, False)])
def test_a_version_must_reach_a_score_of_fifty(score: float, tells: bool) -> None:
    assert of(score, 0.0).informative is tells
    assert of(0.0, score).informative is tells


@pytest.mark.parametrize(("pairs", "tells"), [(3, False), (4, True)])
def test_a_comparison_needs_four_pairs(pairs: int, tells: bool) -> None:
    assert compare("", "", np.full(pairs, 90.0), np.full(pairs, 90.0)).informative is tells


def test_what_is_only_as_good_as_a_steering_of_zero_says_nothing() -> None:
    """The bound must lie above 0: a version that steers 0 itself has a difference of exactly 0."""
    assert not of(79.0, 60.0, blind=79.0).informative
    assert of(79.5, 60.0, blind=79.0).informative


def test_of_two_versions_the_better_one_shows_whether_a_scenario_tells() -> None:
    for one, other in ((90.0, 10.0), (10.0, 90.0)):
        assert of(one, other, blind=50.0).informative
        assert not of(one, other, blind=95.0).informative


def test_the_document_has_all_that_was_compared() -> None:
    found = compare("lake", "autonomy", np.full(6, 70.0), np.full(6, 72.0))
    assert found.document() == {
        "course": "lake",
        "measure": "autonomy",
        "pairs": 6,
        "candidate": 70.0,
        "incumbent": 72.0,
        "difference": -2.0,
        "lower": -2.0,
        "tells": True,
        "passed": True,
        "margin": 5.0,
    }
