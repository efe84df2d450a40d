import json

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
"""Some starts are harder than others, for both."""


def of(candidate: object, incumbent: object, blind: float | None = None) -> Comparison:
    one, other = (np.asarray(each, dtype=float) + np.zeros(12) for each in (candidate, incumbent))
    return compare("lake", "autonomy", one, other, None if blind is None else np.full(12, blind))


def test_equal_drivers_pass() -> None:
    found = of(STARTS, STARTS)
    assert (found.informative, found.passed) == (True, True)
    assert (found.difference, found.lower, found.pairs) == (0.0, 0.0, 12)


def test_what_is_hard_about_a_start_is_hard_for_both_and_cancels() -> None:
    found = of(STARTS - 4, STARTS)
    assert found.lower == pytest.approx(-4)
    assert found.passed
    shuffled = of(np.roll(STARTS, 5) - 4, STARTS)
    assert shuffled.difference == pytest.approx(-4)
    assert not shuffled.passed  # the same figures unpaired tell too little


@pytest.mark.parametrize(
    ("worse", "passed"), [(MARGIN_POINTS, True), (MARGIN_POINTS + 0.01, False)]
)
def test_the_margin_is_what_may_be_lost(worse: float, passed: bool) -> None:
    assert of(STARTS - worse, STARTS).passed is passed


def test_the_bound_is_one_sided_and_of_the_mean() -> None:
    """Of differences that are normal: mean - 1.645 standard errors."""
    apart = np.random.default_rng(2).normal(1.0, 6.0, 400)
    found = compare("lake", "autonomy", 80 + apart, np.full(400, 80.0))
    assert found.lower == pytest.approx(apart.mean() - 1.645 * apart.std() / 20, abs=0.1)


def test_one_better_drive_does_not_hide_many_worse_ones() -> None:
    candidate = np.full(12, 80.0) - 7
    candidate[0] = 100.0
    assert not of(candidate, 80.0).passed


def test_a_driver_that_is_better_on_most_and_fails_on_some_is_not_shown_to_be_as_good() -> None:
    candidate = np.full(12, 85.0)
    candidate[:3] = 60.0
    assert not of(candidate, 80.0).passed


def test_a_course_that_neither_drives_tells_nothing() -> None:
    assert not of(MIN_SCORE - 1, 0).informative
    assert of(MIN_SCORE, 0).informative
    assert of(0, MIN_SCORE).informative


def test_where_hands_that_never_move_come_far_one_must_be_better_than_they() -> None:
    """On recordings steering 0 keeps 70 to 84 % to the path: reaching 50 % says nothing there."""
    assert not of(79, 79, blind=79).informative
    assert not of(70, 75, blind=79).informative
    assert of(70, 90, blind=79).informative
    noisy = 79 + np.array([9.0, -8.0] * 6)  # better on the mean, and not shown to be
    assert not of(noisy, 60, blind=79).informative


def test_too_few_pairs_tell_nothing() -> None:
    """Resampled, one pair has no spread: it would pass for certain."""
    few, enough = np.full(MIN_PAIRS - 1, 90.0), np.full(MIN_PAIRS, 90.0)
    assert not compare("", "", few, few).informative
    assert compare("", "", enough, enough).informative


def test_a_figure_that_is_no_number_is_refused() -> None:
    with pytest.raises(ModelError, match="lake: autonomy is no number"):
        of(float("nan"), 80)


def test_a_verdict_needs_a_course_that_tells() -> None:
    accepted, why = decide([of(10, 10), of(20, 20)])
    assert not accepted
    assert why.startswith("nothing shows that it is not worse: neither drives any course; lake: ")
    assert decide([]) == (False, "nothing shows that it is not worse: neither drives any course")


def test_one_course_on_which_it_is_worse_refuses_it() -> None:
    good, bad, silent = of(90, 80), of(60, 80), of(10, 10)
    accepted, why = decide([good, bad, silent])
    assert not accepted
    assert why == f"worse, or not shown to be as good: {bad}"
    assert decide([good, silent]) == (True, f"as good or better: {good}")


def test_it_is_told_in_words_and_as_a_document() -> None:
    found = of(60, 80)
    assert str(found) == (
        "lake: autonomy 60.0 against 80.0 %, difference -20.0, at least -20.0 points (12 pairs)"
    )
    document = json.loads(json.dumps(found.document()))
    assert document["passed"] is False
    assert document["tells"] is True
    assert (document["lower"], document["margin"]) == (-20.0, MARGIN_POINTS)
