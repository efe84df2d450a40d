import hashlib
import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from contract.dataset import exclusions
from contract.dataset.exclusions import Exclusions
from contract.errors import SettingError, StoreError

NAME = "lake-12345678"


def test_without_a_file_nothing_is_excluded(tmp_path: Path) -> None:
    nothing = exclusions.read(tmp_path, NAME)
    assert (nothing.version, nothing.digest, nothing.lines) == (0, "", ())
    assert not nothing.mask([1, 2, 3]).any()


def test_excluded_lines_are_masked_in_any_order_of_rows(tmp_path: Path) -> None:
    exclusions.exclude(tmp_path, NAME, [(10, 12), (20, 20)], "off the road")
    mask = exclusions.read(tmp_path, NAME).mask(np.array([20, 9, 10, 13, 12, 21, 1]))
    assert mask.tolist() == [True, False, True, False, True, False, False]


def test_any_changes_give_what_a_set_of_lines_gives(tmp_path: Path) -> None:
    rng = random.Random(4)
    expected: set[int] = set()
    reasons: dict[int, str] = {}
    for number in range(60):
        first = rng.randint(1, 80)
        run = (first, first + rng.randint(0, 15))
        lines = set(range(run[0], run[1] + 1))
        if rng.random() < 0.6:
            exclusions.exclude(tmp_path, NAME, [run], f"reason {number}")
            expected |= lines
            reasons |= dict.fromkeys(lines, f"reason {number}")
        else:
            exclusions.restore(tmp_path, NAME, [run], "")
            expected -= lines
        state = exclusions.read(tmp_path, NAME)
        assert set(np.flatnonzero(state.mask(np.arange(120)))) == expected
        told = {
            line: why for runs, why in state.reasons for a, b in runs for line in range(a, b + 1)
        }
        assert told == {line: reasons[line] for line in expected}
        assert exclusions.count_lines(state.lines, [(1, 40)]) == len(expected & set(range(1, 41)))


def test_each_change_is_a_version_with_its_time_and_reason(tmp_path: Path) -> None:
    exclusions.exclude(tmp_path, NAME, [(3, 4)], " the car stood in the lake ")
    exclusions.restore(tmp_path, NAME, [(4, 4)], "it did not")
    document = json.loads((tmp_path / "stores" / f"{NAME}.exclusions.json").read_text())
    told = [(c["version"], c["action"], c["lines"], c["why"]) for c in document["changes"]]
    assert told == [
        (1, "exclude", [[3, 4]], "the car stood in the lake"),
        (2, "restore", [[4, 4]], "it did not"),
    ]
    assert all(change["at"].startswith("20") for change in document["changes"])


def test_the_digest_is_that_of_the_lines_and_comes_back_with_them(tmp_path: Path) -> None:
    first = exclusions.exclude(tmp_path, NAME, [(1, 5), (9, 9)], "a")
    assert first.digest == hashlib.sha256(b"1-5,9-9").hexdigest()
    assert exclusions.exclude(tmp_path, NAME, [(30, 31)], "b").digest != first.digest
    back = exclusions.restore(tmp_path, NAME, [(30, 31)], "")
    assert (back.digest, back.version) == (first.digest, 3)
    assert exclusions.restore(tmp_path, NAME, [], "").digest == ""


def test_a_change_that_changes_nothing_is_no_version(tmp_path: Path) -> None:
    exclusions.exclude(tmp_path, NAME, [(1, 5)], "a")
    assert exclusions.exclude(tmp_path, NAME, [(2, 3)], "a").version == 1
    assert exclusions.restore(tmp_path, NAME, [(8, 9)], "").version == 1
    assert exclusions.exclude(tmp_path, NAME, [(1, 5)], "another reason").version == 2


def test_writers_at_the_same_time_lose_no_change(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as executor:
        list(
            executor.map(
                lambda n: exclusions.exclude(tmp_path, NAME, [(10 * n, 10 * n)], f"reason {n}"),
                range(1, 25),
            )
        )
    state = exclusions.read(tmp_path, NAME)
    assert (state.version, len(state.lines)) == (24, 24)


@pytest.mark.parametrize("run", [(0, 3), (5, 4), (-1, 1)])
def test_what_is_no_run_of_lines_is_refused(tmp_path: Path, run: tuple[int, int]) -> None:
    with pytest.raises(SettingError, match="these are not lines of a driving log"):
        exclusions.exclude(tmp_path, NAME, [run], "a")


def test_an_exclusion_needs_a_reason(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="needs a reason"):
        exclusions.exclude(tmp_path, NAME, [(1, 2)], "  ")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"schema": 7, "changes": []}',
        '{"schema": 1}',
        '{"schema": 1, "changes": [{"version": 2, "at": "", "action": "exclude", "lines": [[1, 2]],'
        ' "why": ""}]}',
        '{"schema": 1, "changes": [{"version": 1, "at": "", "action": "exclude", "lines": [[2, 1]],'
        ' "why": ""}]}',
        '{"schema": 1, "changes": [{"version": 1, "at": "", "action": "drop", "lines": [[1, 2]],'
        ' "why": ""}]}',
        '{"schema": 1, "changes": [{"version": 1, "at": "", "action": "exclude", "lines": [[1.5, 2]'
        '], "why": ""}]}',
    ],
)
def test_a_torn_file_brings_no_row_back_without_a_word(tmp_path: Path, text: str) -> None:
    path = exclusions.path(tmp_path, NAME)
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(StoreError, match=r"the exclusions lake-12345678\.exclusions\.json cannot"):
        exclusions.read(tmp_path, NAME)
    with pytest.raises(StoreError):
        exclusions.exclude(tmp_path, NAME, [(1, 2)], "a")
    assert path.read_text() == text


def test_the_state_of_an_older_version_can_be_made_again(tmp_path: Path) -> None:
    exclusions.exclude(tmp_path, NAME, [(1, 2)], "a")
    now = exclusions.exclude(tmp_path, NAME, [(7, 9)], "b")
    assert Exclusions(NAME, now.changes[:1]).lines == ((1, 2),)


def test_the_document_is_that_of_the_release(tmp_path: Path) -> None:
    path = tmp_path / "stores" / f"{NAME}.exclusions.json"
    path.parent.mkdir()
    change = {"version": 1, "at": "2026-01-02T03:04:05+00:00", "action": "exclude"}
    change |= {"lines": [[1, 2]], "why": "a"}
    path.write_text(json.dumps({"schema": 1, "changes": [change]}))
    assert exclusions.read(tmp_path, NAME).lines == ((1, 2),)
    exclusions.exclude(tmp_path, NAME, [(2**31 - 1, 2**31 - 1)], "the last line of a store")
    document = json.loads(path.read_text())
    assert (document["schema"], document["changes"][0]) == (1, change)


def test_lines_beyond_those_of_a_store_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="these are not lines"):
        exclusions.exclude(tmp_path, NAME, [(1, 2**31)], "a")
    exclusions.exclude(tmp_path, NAME, [(1, 2)], "a")
    path = exclusions.path(tmp_path, NAME)
    for lines in ([[0, 2]], [[1, 2**31]], [[3, 2]]):
        document = json.loads(path.read_text())
        document["changes"][0]["lines"] = lines
        path.write_text(json.dumps(document))
        with pytest.raises(StoreError, match="the lines"):
            exclusions.read(tmp_path, NAME)
        document["changes"][0]["lines"] = [[1, 2]]
        path.write_text(json.dumps(document))


def test_a_history_that_was_cut_is_told(tmp_path: Path) -> None:
    """A training that goes on must use the rows that it began with."""
    now = exclusions.exclude(tmp_path, NAME, [(1, 2)], "a")
    assert now.at(1) == now
    assert now.at(0).lines == ()
    with pytest.raises(StoreError, match="are not those of before: got 1 changes, not 2"):
        now.at(2)
