import json
from typing import Any

import numpy as np
import pytest

from contract.errors import ModelError
from evaluator.closed_loop import betting
from evaluator.closed_loop.noninferiority import (
    MARGIN_POINTS,
    MIN_BLOCKS,
    NAMED_PAIRS,
    NO_WORSE,
    NOT_INFORMATIVE,
    NOT_SHOWN,
    WORSE,
    Comparison,
    PairedScores,
    compare_drives,
    compare_recordings,
    decide,
    judge_drives,
)
from simulator.rendering.appearance import LIGHTS

BLOCKS = np.linspace(60, 100, 12)
"""Scores in blocks of different difficulty, which is the same for both drivers."""


def drives(count: int, candidate: object, incumbent: object = 100.0) -> PairedScores:
    """Return pairs of drives in which the lights alternate every second pair, as in a block."""
    part = np.resize(np.repeat(np.array(LIGHTS), 2), count)
    one, other = (
        np.asarray(each, dtype=float) + np.zeros(count) for each in (candidate, incumbent)
    )
    return PairedScores(part, one, other)


def recorded(
    candidate: object, incumbent: object, blind: float = 0.0, names: tuple[str, ...] = ("lake",)
) -> Comparison:
    """Compare twelve blocks of each recording."""
    count = 12 * len(names)
    one, other = (
        np.asarray(each, dtype=float) + np.zeros(count) for each in (candidate, incumbent)
    )
    scores = PairedScores(np.repeat(np.array(names), 12), one, other)
    return compare_recordings("recordings", scores, np.full(count, blind))


def test_equal_drivers_are_accepted_after_64_pairs() -> None:
    """docs/gate.md promises this number; 62 pairs would do, and blocks have eight."""
    verdicts = [judge_drives(drives(count, 100.0), 128 - count) for count in range(8, 129, 8)]
    assert verdicts[:7] == [None] * 7
    assert verdicts[7] == NO_WORSE


def test_a_better_driver_is_accepted_sooner_and_a_worse_one_is_refused_at_once() -> None:
    assert judge_drives(drives(8, 100.0, 0.0), 120) == NO_WORSE
    assert judge_drives(drives(8, 0.0), 120) == WORSE


def test_a_candidate_that_is_worse_by_the_margin_in_each_drive_is_never_accepted() -> None:
    for count in range(8, 129, 8):
        assert judge_drives(drives(count, 100 - MARGIN_POINTS), 128 - count) in (None, NOT_SHOWN)
    assert judge_drives(drives(128, 100 - MARGIN_POINTS), 0) == NOT_SHOWN


def test_at_the_bound_on_drives_what_is_undecided_is_not_shown() -> None:
    assert judge_drives(drives(48, 100.0), 80) is None
    assert judge_drives(drives(48, 100.0), 0) == NOT_SHOWN
    few = drives(48, np.where(np.arange(48) % 12 == 0, 72.0, 100.0))
    assert judge_drives(few, 8) == NOT_SHOWN


def test_it_ends_when_equal_scores_in_the_pairs_that_are_left_would_not_be_enough() -> None:
    """By the wealth: ln 20 = 2.996 is needed, and a pair without a difference adds 0.0488."""
    scores = drives(16, np.where(np.arange(16) == 3, 72.0, 100.0))
    wealth = betting.log_wealth_above(scores.difference, -MARGIN_POINTS)
    enough = int(np.ceil((np.log(20) - wealth) / np.log(1 + 0.95 * 5 / 95)))
    assert 48 < enough < 60
    assert judge_drives(scores, enough) is None
    assert judge_drives(scores, enough - 1) == NOT_SHOWN


def test_a_driver_that_fails_in_one_light_is_named_worse_though_its_mean_is_not_decided() -> None:
    """It is hopeless in one of four lights. After a block it could not be accepted any more."""

    def one_light(count: int) -> PairedScores:
        scores = drives(count, 100.0)
        return PairedScores(
            scores.part, np.where(scores.part == "dusk", 0.0, 100.0), scores.incumbent
        )

    assert judge_drives(one_light(8), 120) is None
    assert judge_drives(one_light(8), 0) == NOT_SHOWN
    assert judge_drives(one_light(NAMED_PAIRS), 96) == WORSE
    found = compare_drives("lake", one_light(NAMED_PAIRS), WORSE)
    assert [part.name for part in found.parts if part.worse] == ["dusk"]
    assert "worse in dusk 0.0 against 100.0 %" in str(found)


def test_lights_share_the_error_of_being_called_worse() -> None:
    """Two lost drives in a light are by chance in one of hundreds of gates with four lights."""
    scores = drives(8, 100.0)
    lost = PairedScores(scores.part, np.where(scores.part == "fog", 0.0, 100.0), scores.incumbent)
    assert judge_drives(lost, 0) == NOT_SHOWN
    alone = PairedScores(np.full(8, "fog"), np.zeros(8), np.full(8, 100.0))
    assert judge_drives(alone, 0) == WORSE


def test_the_bounds_of_drives_are_those_that_decide() -> None:
    found = compare_drives("lake", drives(64, 100.0), NO_WORSE)
    assert -MARGIN_POINTS <= found.lower < 0
    earlier = compare_drives("lake", drives(56, 100.0), NOT_SHOWN)
    assert earlier.lower < -MARGIN_POINTS
    assert (found.pairs, found.unit, found.difference) == (64, "pairs of drives", 0.0)
    assert [(part.name, part.pairs) for part in found.parts] == [(name, 16) for name in LIGHTS]


def test_equal_drivers_pass_along_recordings() -> None:
    found = recorded(BLOCKS, BLOCKS)
    assert (found.verdict, found.difference, found.lower, found.upper) == (NO_WORSE, 0, 0, 0)


def test_the_difficulty_of_a_block_cancels() -> None:
    assert recorded(BLOCKS - 4, BLOCKS).verdict == NO_WORSE
    shuffled = recorded(np.roll(BLOCKS, 5) - 4, BLOCKS)
    assert shuffled.difference == pytest.approx(-4)
    assert shuffled.verdict == NOT_SHOWN  # without pairs, the same scores show too little


@pytest.mark.parametrize(
    ("worse", "verdict"),
    [
        pytest.param(4.99, NO_WORSE, id="within"),
        pytest.param(5.01, WORSE, id="beyond"),
    ],
)
def test_the_margin_is_five_points(worse: float, verdict: str) -> None:
    """docs/gate.md promises this number, and so does the document of each comparison."""
    found = recorded(BLOCKS - worse, BLOCKS)
    assert (found.verdict, found.document()["margin"]) == (verdict, 5.0)


def test_a_candidate_that_is_much_worse_on_one_recording_is_worse_though_its_mean_is_not() -> None:
    names = ("lake", "lake-2", "jungle")
    candidate = 90.0 + np.repeat([6.0, 6.0, -12.0], 12)
    found = recorded(candidate, 90.0, names=names)
    assert found.difference == pytest.approx(0)
    assert found.verdict == WORSE
    assert [part.name for part in found.parts if part.worse] == ["jungle"]
    assert "worse in jungle 78.0 against 90.0 %" in str(found)
    # A single block of a recording shows nothing about it.
    part = np.array(["lake"] * 12 + ["jungle"])
    scores = PairedScores(part, np.append(np.full(12, 96.0), 70.0), np.full(13, 90.0))
    assert compare_recordings("", scores, np.zeros(13)).verdict == NO_WORSE


def test_recordings_share_the_error_of_being_called_worse() -> None:
    """Of five blocks, the largest bound errs in 1 of 32; three chances need 1 of 60."""
    part = np.repeat(np.array(["lake", "jungle"]), 5)
    candidate = np.repeat([100.0, 80.0], 5)
    found = compare_recordings("", PairedScores(part, candidate, np.full(10, 90.0)), np.zeros(10))
    assert not any(each.worse for each in found.parts)
    part, candidate = np.repeat(np.array(["lake", "jungle"]), 6), np.repeat([100.0, 80.0], 6)
    found = compare_recordings("", PairedScores(part, candidate, np.full(12, 90.0)), np.zeros(12))
    assert [each.name for each in found.parts if each.worse] == ["jungle"]


def test_recordings_that_are_too_short_to_show_anything_take_no_share_of_the_error() -> None:
    """Six blocks, each of another recording: the mean alone is judged, with 3 of 64."""
    part = np.array([f"lap-{number}" for number in range(6)])
    scores = PairedScores(part, np.full(6, 80.0), np.full(6, 90.0))
    assert compare_recordings("", scores, np.zeros(6)).verdict == WORSE


def test_one_driver_must_be_better_along_recordings_than_a_steering_of_zero() -> None:
    assert recorded(79, 79, blind=79).verdict == NOT_INFORMATIVE
    assert recorded(70, 75, blind=79).verdict == NOT_INFORMATIVE
    for one, other in ((90.0, 70.0), (70.0, 90.0)):
        assert recorded(one, other, blind=79).verdict != NOT_INFORMATIVE
    noisy = 79 + np.array([9.0, -8.0] * 6)  # better on average, but this is not shown
    assert recorded(noisy, 60, blind=79).verdict == NOT_INFORMATIVE


@pytest.mark.parametrize(
    ("blocks", "verdict"),
    [
        pytest.param(MIN_BLOCKS - 1, NOT_INFORMATIVE, id="four"),
        pytest.param(MIN_BLOCKS, NO_WORSE, id="five"),
    ],
)
def test_too_few_blocks_are_not_informative(blocks: int, verdict: str) -> None:
    scores = PairedScores(np.full(blocks, "lake"), np.full(blocks, 90.0), np.full(blocks, 90.0))
    found = compare_recordings("", scores, np.zeros(blocks))
    assert found.verdict == verdict
    json.loads(json.dumps(found.document(), allow_nan=False))


def test_a_score_that_is_not_finite_is_an_error() -> None:
    with pytest.raises(
        ModelError, match="a score of clear is not a finite number: got nan and 100"
    ):
        drives(8, float("nan"))


def test_a_decision_needs_an_informative_course() -> None:
    silent = recorded(79, 79, blind=79)
    verdict, why = decide([silent, silent])
    assert verdict == NOT_INFORMATIVE
    assert why.startswith(
        "nothing shows that it is not worse: neither version drives on any course; recordings: "
    )
    assert decide([])[1] == (
        "nothing shows that it is not worse: neither version drives on any course"
    )


def test_each_course_that_says_something_must_show_that_the_candidate_is_no_worse() -> None:
    good, bad = recorded(90, 80), recorded(60, 80)
    noisy = recorded(80 + np.array([9.0, -12.0] * 6), 80)
    silent = recorded(10, 10, blind=79)
    assert decide([good, silent]) == (NO_WORSE, f"as good or better: {good}")
    assert decide([good, noisy]) == (NOT_SHOWN, f"not shown to be as good: {noisy}")
    assert decide([noisy, good, bad]) == (WORSE, f"worse: {bad}")


def test_a_comparison_has_words_and_a_document() -> None:
    found = recorded(60, 80)
    assert str(found) == (
        "recordings: kept to the path 60.0 against 80.0 %, difference -20.0, between -20.0 and "
        "-20.0 points (12 blocks)"
    )
    document: dict[str, Any] = json.loads(json.dumps(found.document()))
    assert document == {
        "course": "recordings",
        "measure": "kept to the path",
        "unit": "blocks",
        "pairs": 12,
        "candidate": 60.0,
        "incumbent": 80.0,
        "difference": -20.0,
        "lower": -20.0,
        "upper": -20.0,
        "verdict": "worse",
        "tells": True,
        "passed": False,
        "margin": 5.0,
        "parts": [
            {
                "name": "lake",
                "pairs": 12,
                "candidate": 60.0,
                "incumbent": 80.0,
                "difference": -20.0,
                "worse": False,
                "new_to_both": False,
                "road": None,
            }
        ],
    }


def test_recordings_that_neither_version_was_trained_on_are_marked() -> None:
    scores = PairedScores(np.repeat(np.array(["a", "b"]), 6), np.full(12, 90.0), np.full(12, 90.0))
    found = compare_recordings("", scores, np.zeros(12), frozenset({"b"}))
    assert [(part.name, part.new_to_both) for part in found.parts] == [("a", False), ("b", True)]


def test_the_road_is_told_beside_and_decides_nothing() -> None:
    scores = PairedScores(np.repeat(np.array(["a", "b"]), 6), np.full(12, 90.0), np.full(12, 90.0))
    road = {"candidate_off_road_percent": 80.0, "incumbent_off_road_percent": 0.0}
    without = compare_recordings("", scores, np.zeros(12)).document()
    beside = compare_recordings("", scores, np.zeros(12), frozenset(), {"a": road}).document()
    assert [part.pop("road") for part in beside["parts"]] == [road, None]
    assert [part.pop("road") for part in without["parts"]] == [None, None]
    assert beside == without
