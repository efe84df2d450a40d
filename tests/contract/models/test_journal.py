from pathlib import Path

import pytest

from contract.errors import ModelError
from contract.models import journal
from contract.models.journal import FIRST, FORCED, GATE, ROLLBACK, Decision, decide


def test_a_missing_journal_is_empty(tmp_path: Path) -> None:
    assert journal.read(tmp_path) == []


def test_decisions_are_kept_in_their_order(tmp_path: Path) -> None:
    decisions = [
        decide(1, FIRST, "alone", None),
        decide(2, GATE, "no", 1, accepted=False, evidence={"lower": -9.5}),
    ]
    for decision in decisions:
        journal.append(tmp_path, decision)
    assert journal.read(tmp_path) == decisions


def test_a_decision_is_written_once(tmp_path: Path) -> None:
    decision = decide(1, FIRST, "alone", None)
    journal.append(tmp_path, decision)
    journal.append(tmp_path, decision)
    assert journal.read(tmp_path) == [decision]


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"version": 1}]', "3"])
def test_a_journal_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / journal.JOURNAL).write_text(text)
    with pytest.raises(ModelError, match=r"journal\.json cannot be read"):
        journal.read(tmp_path)


def decisions_of(*steps: tuple[int, str] | tuple[int, str, bool]) -> list[Decision]:
    return [
        decide(step[0], step[1], "", None, accepted=step[2] if len(step) > 2 else True)
        for step in steps
    ]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], None),
        ([(1, FIRST)], None),
        ([(1, FIRST), (2, GATE)], 1),
        ([(1, FIRST), (2, GATE, False)], None),
        ([(1, FIRST), (2, GATE), (3, FORCED)], 2),
        ([(1, FIRST), (2, GATE), (3, FORCED), (2, ROLLBACK)], 1),
        ([(1, FIRST), (2, GATE), (1, ROLLBACK)], None),
        ([(1, FIRST), (2, GATE), (1, ROLLBACK), (3, GATE)], 1),
        ([(1, FIRST), (2, GATE), (2, FORCED)], 1),
    ],
)
def test_a_rollback_goes_back_to_the_version_before(
    steps: list[tuple[int, str]], expected: int | None
) -> None:
    assert journal.rollback_target(decisions_of(*steps)) == expected


def test_the_chain_holds_what_a_rollback_can_go_back_to() -> None:
    decisions = [
        journal.decide(1, journal.FIRST, "", None),
        journal.decide(2, journal.GATE, "", 1, accepted=False),
        journal.decide(3, journal.GATE, "", 1),
        journal.decide(4, journal.FORCED, "", 3),
        journal.decide(3, journal.ROLLBACK, "", 4),
        journal.decide(5, journal.GATE, "", 3),
    ]
    assert journal.chain(decisions) == [1, 3, 5]
    assert journal.chain([]) == []
