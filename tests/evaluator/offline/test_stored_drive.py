from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from support.data import rows, samples

from contract.dataset import store, store_catalog, timeline
from contract.dataset.store import ABSENT, Rows, StoreReader
from contract.dataset.timeline import Timeline
from contract.errors import StoreError
from contract.frames import preprocess
from contract.vehicle import MPS_PER_MPH
from evaluator.offline.stored_drive import StoredDrive, select_rows


@dataclass
class Table:
    """Stands for a store of which only the rows are read."""

    rows: Rows

    @property
    def timeline(self) -> Timeline:
        return timeline.build(self.rows["time_s"])


def select(
    table: Rows, selected: object = True, piece_s: float | None = None
) -> StoredDrive | None:
    mask = np.broadcast_to(np.asarray(selected, dtype=bool), len(table))
    return select_rows("made", cast(StoreReader, Table(table)), mask, piece_s)


def moving(count: int, step_s: float = 0.1, sides: bool = True) -> Rows:
    table = rows.rows(count, step_s=step_s, sides=sides)
    table["speed_mph"] = 10.0
    return table


def lengths(made: StoredDrive | None) -> list[int]:
    assert made is not None
    return [int(each) for each in np.bincount(made.segment)]


@pytest.fixture
def reader(data: Path) -> Iterator[StoreReader]:
    """Yield the reader of the recording with three cameras."""
    [manifest] = [
        each for each in store_catalog.read_manifests(data) if each.dataset.startswith("short")
    ]
    with store.open_store(data, manifest) as opened:
        yield opened


def test_the_selected_rows_form_a_drive(reader: StoreReader) -> None:
    selected = np.zeros(60, bool)
    selected[10:20] = selected[30:35] = True
    made = select_rows("short", reader, selected)
    assert made is not None
    assert (made.name, made.camera_count, made.left_out, made.nominal) == ("short", 3, 0, False)
    assert made.segment.tolist() == [0] * 10 + [1] * 5
    assert made.time_s[[0, 1, 10]] == pytest.approx([0, 0.067, 20 * 0.067], abs=1e-6)
    expected = [samples.steering_at(row) for row in [*range(10, 20), *range(30, 35)]]
    assert made.steering == pytest.approx(expected)
    assert made.speed_mps[0] == pytest.approx((15 + 10 % 3 + 0.25) * MPS_PER_MPH)


def test_an_image_is_the_stored_frame(reader: StoreReader) -> None:
    selected = np.zeros(60, bool)
    selected[10:20] = True
    made = select_rows("short", reader, selected)
    assert made is not None
    jpeg = samples.jpeg(samples.steering_at(13) - 0.2, seed=1_000_000 + 13 * 3 + 2)
    assert np.array_equal(made.image(3, 2), preprocess.prepare(jpeg))


def test_after_the_store_is_closed_images_cannot_be_read(reader: StoreReader) -> None:
    made = select_rows("short", reader, np.ones(60, bool))
    assert made is not None
    reader.close()
    with pytest.raises(StoreError, match="cannot be read any more"):
        made.image(0, 0)


def test_one_camera_is_enough() -> None:
    made = select(moving(20, sides=False))
    assert made is not None
    assert (made.camera_count, made.frames.shape, made.left_out) == (1, (20, 1), 0)


def test_rows_without_side_cameras_are_left_out_among_rows_with_them() -> None:
    table = moving(20)
    table["left"][4] = ABSENT
    made = select(table)
    assert made is not None
    assert (made.camera_count, made.left_out, lengths(made)) == (3, 1, [4, 15])
    assert (made.frames >= 0).all()


def test_a_pause_or_an_unselected_row_separates_segments() -> None:
    table = moving(20)
    table["time_s"][10:] += 5
    assert lengths(select(table, np.arange(20) != 5)) == [5, 4, 10]


def test_file_names_without_a_time_count_as_a_fifteenth_of_a_second() -> None:
    table = moving(20)
    table["time_s"] = np.nan
    made = select(table, np.arange(20) != 5)
    assert made is not None
    assert made.nominal
    assert made.time_s[:6] == pytest.approx(np.array([0, 1, 2, 3, 4, 6]) / 15)


@pytest.mark.parametrize("selected", [False, np.arange(20) == 3, np.arange(20) % 2 == 0])
def test_without_driving_there_is_no_drive(selected: object) -> None:
    """Rows that are not neighbours are no drive: autonomy is not defined over 0 s."""
    assert select(moving(20), selected) is None
    assert select(moving(20), selected, 1.0) is None


def test_a_standing_car_gives_no_drive() -> None:
    standing = rows.rows(50)
    standing["speed_mph"] = 0
    assert select(standing) is None
    assert select(standing, piece_s=1.0) is None


@pytest.mark.parametrize(
    ("count", "pieces"), [(81, [40, 41]), (42, [42]), (50, [50]), (59, [59]), (64, [32, 32])]
)
def test_pieces_of_a_segment_are_equal(count: int, pieces: list[int]) -> None:
    """A last piece of one row would be a pair of scores in which no driver can be worse."""
    piece_rows = lengths(select(moving(count), piece_s=4.0))
    assert sum(piece_rows) == count
    assert piece_rows == pytest.approx(pieces, abs=1)


def test_segments_too_short_to_leave_the_path_are_left_out() -> None:
    table = moving(100)
    made = select(table, (np.arange(100) != 10) & (np.arange(100) != 60), 4.0)
    assert made is not None
    assert lengths(made) == [49, 39]  # the first segment, of one second, is left out
    assert (made.time_s[0], made.left_out) == (0.0, 10)
    assert made.frames[:, 0].tolist() == table["center"][made.row_numbers].tolist()
    assert (made.row_numbers[0], len(made.row_numbers)) == (11, 88)


def test_a_piece_in_which_the_car_stands_is_left_out() -> None:
    table = moving(120)
    table["speed_mph"][:45] = 0.0
    assert lengths(select(table, piece_s=4.0)) == [40, 40]
