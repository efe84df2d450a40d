"""What is kept of mutants, and when one is tried again."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from mutants.__main__ import KINDS
from mutants.results import Fate, Fates, accepted, score, table
from support.house import ROOT

SURVIVED = Fate("part", "a/b/c.py", "m1", "t1", 3, "AddNot", "x → y", "survived", "", 0.5)
KILLED = dataclasses.replace(SURVIVED, digest="m2", outcome="killed", test="test_c.py::test_x")


@pytest.fixture
def fates(tmp_path: Path) -> Fates:
    fates = Fates(tmp_path / "new" / "fates.jsonl")
    fates.add(SURVIVED)
    fates.add(KILLED)
    return fates


def test_an_ended_run_goes_on_where_it_was(fates: Fates, tmp_path: Path) -> None:
    again = Fates(tmp_path / "new" / "fates.jsonl")
    assert again.known("a/b/c.py", "m1", "t1") == SURVIVED
    assert again.known("a/b/c.py", "m2", "t1") == KILLED
    assert again.known("a/b/c.py", "m3", "t1") is None
    assert again.known("a/b/other.py", "m1", "t1") is None


def test_a_survivor_is_tried_again_when_its_tests_have_changed(fates: Fates) -> None:
    assert fates.known("a/b/c.py", "m1", "t2") is None
    assert fates.known("a/b/c.py", "m2", "t2") == KILLED


def test_the_last_fate_counts(fates: Fates, tmp_path: Path) -> None:
    fates.add(dataclasses.replace(SURVIVED, outcome="timeout"))
    known = Fates(tmp_path / "new" / "fates.jsonl").known("a/b/c.py", "m1", "t1")
    assert known is not None
    assert known.outcome == "timeout"


def test_a_mutant_that_hangs_is_killed() -> None:
    hung = dataclasses.replace(KILLED, outcome="timeout")
    assert score([SURVIVED, KILLED, hung, hung]) == 0.75
    assert score([]) == 1.0
    rows = table([SURVIVED, KILLED, hung, hung]).splitlines()
    assert rows[2] == "| part | `c.py` | 4 | 3 | 1 | 75 % |"
    assert rows[-1] == "| **all** |  | 4 | 3 | 1 | 75 % |"


def test_kinds_are_found_by_module_and_change(tmp_path: Path) -> None:
    path = tmp_path / "survivors.toml"
    path.write_text('[kinds]\nsame = "Because"\n[survivors."a/b/c.py"]\n"x → y" = "same"\n')
    assert accepted(path) == {("a/b/c.py", "x → y"): "same"}
    path.write_text('[kinds]\n[survivors."a/b/c.py"]\n"x → y" = "same"\n')
    with pytest.raises(ValueError, match="'same' has no reason"):
        accepted(path)


def test_each_survivor_that_may_live_is_one_of_a_module_that_is_mutated() -> None:
    """A survivor of a module that has gone, or of a line that has, needs no reason."""
    for module, change in accepted(KINDS):
        before = change.partition(" → ")[0]
        lines = [line.strip() for line in (ROOT / module).read_text().splitlines()]
        assert before in " ".join(lines), f"{module}: {change}"
