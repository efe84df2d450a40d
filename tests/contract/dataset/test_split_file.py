import json
from pathlib import Path
from typing import Any

import pytest

from contract.dataset import split_file
from contract.dataset.split_file import DatasetSplit, SplitFile
from contract.errors import ModelError

SPLIT = SplitFile(
    1.0,
    {
        "lake-1": DatasetSplit(60, ((0, 20), (40, 60)), ((25, 35),)),
        "jungle-2": DatasetSplit(7, (), ((0, 7),)),
    },
)


def document(**changes: Any) -> dict[str, Any]:
    entry = {"rows": 10, "train": [[0, 4]], "validation": [[6, 9]], **changes}
    return {"gap_s": 0.5, "datasets": {"lake-1": entry}}


def test_a_written_split_is_read_back(tmp_path: Path) -> None:
    split_file.write(tmp_path / split_file.FILE, SPLIT)
    assert split_file.read(tmp_path / split_file.FILE) == SPLIT


def test_a_version_without_a_split_file_is_no_error(tmp_path: Path) -> None:
    assert split_file.read(tmp_path / split_file.FILE) is None


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        ("", ()),
        ("....", ()),
        ("####", ((0, 4),)),
        (".##.#", ((1, 3), (4, 5))),
        ("#..#", ((0, 1), (3, 4))),
    ],
)
def test_the_runs_of_a_mask_are_found(mask: str, expected: split_file.Runs) -> None:
    assert split_file.runs(character == "#" for character in mask) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "JSONDecodeError"),
        ("[]", "TypeError"),
        ('{"datasets": {}}', "KeyError: 'gap_s'"),
        ('{"gap_s": NaN, "datasets": {}}', "a gap of nan s"),
        ('{"gap_s": true, "datasets": {}}', "a gap of True s"),
        ('{"gap_s": 1, "datasets": []}', "AttributeError"),
        (document(rows=-1), "-1 rows"),
        (document(rows=8), "the rows 6 to 9 of 8, after row 0"),
        (document(train=[[4, 4]]), "the rows 4 to 4 of 10"),
        (document(train=[[3, 4], [0, 1]]), "the rows 0 to 1 of 10, after row 4"),
        (document(train=[[0, 4.0]]), r"a run of rows that is \[0, 4.0\]"),
        (document(train={"0": 4}), "runs of rows that are"),
        (document(train=[[0, 7]]), "row 6 in both train and validation"),
    ],
)
def test_a_file_that_is_no_split_is_refused(tmp_path: Path, text: object, why: str) -> None:
    path = tmp_path / split_file.FILE
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    with pytest.raises(ModelError, match=why) as caught:
        split_file.read(path)
    assert "does not say which rows trained it" in str(caught.value)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / split_file.FILE
    with path.open("wb") as file:
        file.truncate(split_file.MAX_BYTES + 1)
    with pytest.raises(ModelError, match="are read"):
        split_file.read(path)


@pytest.mark.parametrize("rows", [[], [True], [False], [True, True, False, True, False]])
def test_a_mask_is_the_inverse_of_its_runs(rows: list[bool]) -> None:
    assert split_file.mask(split_file.runs(rows), len(rows)) == rows


def test_a_gap_is_any_number_of_seconds_from_zero(tmp_path: Path) -> None:
    path = tmp_path / split_file.FILE
    for text, gap_s in (("0", 0.0), ("0.0", 0.0), ("1e300", 1e300)):
        path.write_text(f'{{"gap_s": {text}, "datasets": {{}}}}')
        found = split_file.read(path)
        assert found is not None
        assert found.gap_s == gap_s
    for text in ("-0.001", "-1", "1e999", "1" + "0" * 400):
        path.write_text(f'{{"gap_s": {text}, "datasets": {{}}}}')
        with pytest.raises(ModelError, match="a gap of"):
            split_file.read(path)


def test_a_split_of_a_million_rows_is_read(tmp_path: Path) -> None:
    """The docstring of the limit promises this; blocks of ten rows are the smallest there are."""
    runs = tuple((row, row + 10) for row in range(0, 1_000_000, 20))
    path = tmp_path / split_file.FILE
    split_file.write(path, SplitFile(1.0, {"lake-1": DatasetSplit(1_000_000, runs, ())}))
    assert path.stat().st_size < split_file.MAX_BYTES / 4
    found = split_file.read(path)
    assert found is not None
    assert found.datasets["lake-1"].train == runs
