import json
from dataclasses import asdict
from datetime import UTC, datetime
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


def test_the_document_is_that_of_the_release(tmp_path: Path) -> None:
    entry = {
        "version": 2,
        "accepted": True,
        "by": "gate",
        "why": "as good",
        "at": "2026-01-02T03:04:05+00:00",
        "previous": 1,
        "evidence": {"lower": -1.5},
        "id": "gate-2",
    }
    (tmp_path / "journal.json").write_text(json.dumps([entry]))
    assert [asdict(decision) for decision in journal.read(tmp_path)] == [entry]
    journal.append(tmp_path, decide(1, ROLLBACK, "", 2))
    assert json.loads((tmp_path / "journal.json").read_text())[0] == entry
    assert [FIRST, GATE, FORCED, ROLLBACK] == ["first", "gate", "forced", "rollback"]


def test_a_decision_has_the_present_time_and_an_id_of_its_own() -> None:
    one, other = (decide(1, FORCED, "why", None) for _ in range(2))
    assert one.id != other.id
    assert len(one.id) == 32
    assert abs(datetime.fromisoformat(one.at) - datetime.now(UTC)).seconds < 60
    assert (one.accepted, one.evidence) == (True, {})
    found = decide(1, GATE, "", 2, decision_id="gate-7", evidence={"n": 1})
    assert (found.id, found.evidence) == ("gate-7", {"n": 1})


def test_a_rollback_in_an_empty_journal_names_its_version() -> None:
    """The journal may have been moved away, which is the remedy for a torn one."""
    assert journal.chain(decisions_of((4, ROLLBACK))) == [4]
    assert journal.rollback_target(decisions_of((4, ROLLBACK), (5, GATE))) == 4
