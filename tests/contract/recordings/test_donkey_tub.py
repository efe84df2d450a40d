"""The tubs are written by the tests (support/data/tubs.py), from donkeycar's documented form."""

import json
import math
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.data import samples, tubs

from contract.errors import RecordingError
from contract.recordings import archive
from contract.recordings.driving_log import Log


def read(source: Path, scratch: Path) -> Log:
    with archive.open_recordings(source, scratch) as (recording,):
        log = recording.read()
        assert set(log.images()) <= set(recording.images)
        return log


def digest(source: Path, scratch: Path) -> str:
    with (
        archive.open_recordings(source, scratch) as (recording,),
        ThreadPoolExecutor(1) as executor,
    ):
        return recording.digest(recording.read().images(), executor)


def test_the_records_of_a_tub_are_rows(tmp_path: Path) -> None:
    log = read(tubs.tub(tmp_path / "tub", rows=30), tmp_path)
    assert log.rejections == []
    assert [row.line for row in log.rows] == list(range(1, 31))
    assert [row.steering for row in log.rows] == [samples.steering_at(row) for row in range(30)]
    assert [row.time_s for row in log.rows[:3]] == [1767323045.0, 1767323045.05, 1767323045.1]
    assert log.rows[7].images == ("7_cam_image_array_.jpg",)
    assert (log.rows[8].throttle, log.rows[8].brake) == (0.5, 0.0)
    assert (log.rows[9].throttle, log.rows[9].brake) == (0.0, 0.25)
    assert "a throttle below 0 was taken as the brake, in 3 rows" in log.notes


def test_a_speed_that_a_tub_does_not_say_is_not_made_up(tmp_path: Path) -> None:
    log = read(tubs.tub(tmp_path / "tub"), tmp_path)
    assert all(math.isnan(row.speed_mph) for row in log.rows)
    assert "the speed is not known: it is NaN in every row" in log.notes


def test_the_speed_of_an_encoder_is_in_metres_per_second(tmp_path: Path) -> None:
    changes = {row: {"enc/speed": 0.44704 * (row + 1)} for row in range(11)}
    inputs = {**tubs.INPUTS, "enc/speed": "float"}
    log = read(tubs.tub(tmp_path / "tub", 12, changes=changes, inputs=inputs), tmp_path)
    assert [row.speed_mph for row in log.rows] == pytest.approx(range(1, 12))
    (rejection,) = log.rejections  # no row without a speed stands among rows that have one
    assert (rejection.line, rejection.field, rejection.reason) == (12, "enc/speed", "not a number")


def test_a_speed_of_an_unknown_unit_is_not_used(tmp_path: Path) -> None:
    inputs = {**tubs.INPUTS, "pos/speed": "float"}
    log = read(tubs.tub(tmp_path / "tub", changes={0: {"pos/speed": 3}}, inputs=inputs), tmp_path)
    assert math.isnan(log.rows[0].speed_mph)
    assert any("pos/speed has no known unit" in note for note in log.notes)


def test_records_that_were_deleted_or_driven_by_the_autopilot_are_left_out(tmp_path: Path) -> None:
    changes = {20: {"user/mode": "local_angle"}, 21: {"user/mode": "local"}}
    log = read(tubs.tub(tmp_path / "tub", deleted=[3, 4, 15], changes=changes), tmp_path)
    assert {row.line - 1 for row in log.rows} == set(range(30)) - {3, 4, 15, 20, 21}
    assert log.rejections == []
    assert (
        "records that were left out: 3 deleted in the tub, "
        "2 user/mode is not user: the autopilot steered"
    ) in log.notes


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"user/angle": 1.2}, "user/angle", "not from -1 to 1"),
        ({"user/angle": None}, "user/angle", "not a number"),
        ({"user/angle": float("nan")}, "user/angle", "not a number"),
        ({"user/angle": True}, "user/angle", "not a number"),
        ({"user/throttle": "0.5"}, "user/throttle", "not a number"),
        ({"user/throttle": -1.5}, "user/throttle", "not from -1 to 1"),
        ({"cam/image_array": None}, "cam/image_array", "no image name"),
    ],
)
def test_a_wrong_record_is_rejected_with_its_reason(
    tmp_path: Path, change: dict[str, Any], field: str, reason: str
) -> None:
    log = read(tubs.tub(tmp_path / "tub", 5, changes={2: change}), tmp_path)
    (rejection,) = log.rejections
    assert (rejection.line, rejection.field, rejection.reason) == (3, field, reason)
    assert len(log.rows) == 4


def test_half_a_record_at_the_end_is_rejected(tmp_path: Path) -> None:
    folder = tubs.tub(tmp_path / "tub", 5)
    catalog = folder / "catalog_0.catalog"
    catalog.write_bytes(catalog.read_bytes()[:-40])
    log = read(folder, tmp_path)
    assert [row.line for row in log.rows] == [1, 2, 3, 4]
    assert [(rejection.line, rejection.reason) for rejection in log.rejections] == [(5, "not JSON")]


def test_a_time_that_is_missing_is_not_made_up(tmp_path: Path) -> None:
    log = read(tubs.tub(tmp_path / "tub", 3, changes={1: {"_timestamp_ms": None}}), tmp_path)
    assert [row.line for row in log.rows] == [1, 3]
    [rejection] = log.rejections
    assert rejection.reason == "no time stamp, as other rows have"


def test_a_tub_of_the_older_form_is_read_too(tmp_path: Path) -> None:
    log = read(tubs.old_tub(tmp_path / "tub", rows=12, deleted=[4]), tmp_path)
    numbers = [number for number in range(1, 13) if number != 4]
    assert [row.line - 1 for row in log.rows] == numbers  # 10 comes after 9, not after 1
    assert [row.steering for row in log.rows] == [samples.steering_at(row) for row in numbers]
    assert log.rows[0].time_s == pytest.approx(1767323045.05)
    assert "records that were left out: 1 deleted in the tub" in log.notes


@pytest.mark.parametrize("archive_format", ["zip", "gztar"])
@pytest.mark.parametrize("make", [tubs.tub, tubs.old_tub])
def test_a_tub_in_an_archive_is_found(
    tmp_path: Path, archive_format: str, make: Callable[[Path, int], Path]
) -> None:
    folder = make(tmp_path / "data" / "tub", 5)
    packed = shutil.make_archive(str(tmp_path / "packed"), archive_format, folder.parent)
    assert len(read(Path(packed), tmp_path / "scratch").rows) == 5


def test_tubs_and_driving_logs_may_lie_in_one_folder(tmp_path: Path) -> None:
    samples.recording(tmp_path / "all" / "b", rows=2)
    tubs.tub(tmp_path / "all" / "a", rows=3)
    with archive.open_recordings(tmp_path / "all", tmp_path) as recordings:
        assert [(found.name, len(found.read().rows)) for found in recordings] == [
            ("all-a", 3),
            ("all-b", 2),
        ]


@pytest.mark.parametrize("text", ['{"name": "a web page"}', "[1, 2]\n", "\x00", ""])
def test_the_manifest_of_another_program_is_not_a_tub(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "manifest.json").write_text(text)
    with pytest.raises(RecordingError, match="it is no Donkey tub"):
        read(folder, tmp_path)


def test_deleting_a_record_makes_another_recording(tmp_path: Path) -> None:
    folder = tubs.tub(tmp_path / "tub", 5)
    first = digest(folder, tmp_path)
    manifest = folder / "manifest.json"
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert digest(copy, tmp_path) == first
    manifest.write_text(
        manifest.read_text().replace('"deleted_indexes": []', '"deleted_indexes": [1]')
    )
    assert digest(folder, tmp_path) != first


def test_a_manifest_that_ends_early_is_refused(tmp_path: Path) -> None:
    manifest = tubs.tub(tmp_path / "tub", 5) / "manifest.json"
    manifest.write_text("".join(manifest.read_text().splitlines(keepends=True)[:3]))
    with pytest.raises(RecordingError, match=r"not a whole manifest.*got 3 lines"):
        read(tmp_path / "tub", tmp_path)


def test_a_catalog_outside_the_tub_is_refused(tmp_path: Path) -> None:
    manifest = tubs.tub(tmp_path / "tub", 5) / "manifest.json"
    manifest.write_text(manifest.read_text().replace("catalog_0", "../catalog_0"))
    with pytest.raises(RecordingError, match="names a catalog outside the tub"):
        read(tmp_path / "tub", tmp_path)


def test_a_missing_catalog_is_named(tmp_path: Path) -> None:
    (tubs.tub(tmp_path / "tub", 15) / "catalog_1.catalog").unlink()
    with pytest.raises(RecordingError, match=r"catalog that is not there: got catalog_1\.catalog"):
        read(tmp_path / "tub", tmp_path)


def test_a_tub_without_a_driver_is_refused_with_its_inputs(tmp_path: Path) -> None:
    inputs = {"cam/image_array": "image_array", "pilot/angle": "float"}
    tubs.tub(tmp_path / "tub", 5, inputs=inputs)
    with pytest.raises(RecordingError, match="records no user/angle and no user/throttle"):
        read(tmp_path / "tub", tmp_path)


def test_a_tub_whose_records_are_all_left_out_is_refused(tmp_path: Path) -> None:
    tubs.tub(tmp_path / "tub", 5, deleted=range(5))
    with pytest.raises(RecordingError, match="no record that was driven by hand: got 5 deleted"):
        read(tmp_path / "tub", tmp_path)


def test_links_in_a_tub_are_not_followed(tmp_path: Path) -> None:
    folder = tubs.tub(tmp_path / "tub", 5)
    (tmp_path / "secret").write_text(json.dumps({"cam/image_array": "x.jpg"}))
    (folder / "images" / "0_cam_image_array_.jpg").unlink()
    (folder / "images" / "0_cam_image_array_.jpg").symlink_to(tmp_path / "secret")
    with archive.open_recordings(folder, tmp_path) as (recording,):
        assert "0_cam_image_array_.jpg" not in recording.images
    (folder / "catalog_0.catalog").unlink()
    (folder / "catalog_0.catalog").symlink_to(tmp_path / "secret")
    with pytest.raises(RecordingError, match="names a catalog outside the tub"):
        read(folder, tmp_path)


def test_a_tub_whose_images_are_a_linked_folder_has_none(tmp_path: Path) -> None:
    folder = tubs.tub(tmp_path / "tub", 5)
    (folder / "images").rename(tmp_path / "elsewhere")
    (folder / "images").symlink_to(tmp_path / "elsewhere")
    with archive.open_recordings(folder, tmp_path) as (recording,):
        assert recording.images == {}


@pytest.mark.parametrize(
    ("make", "log"), [(tubs.tub, "manifest.json"), (tubs.old_tub, "meta.json")]
)
def test_a_linked_manifest_makes_no_tub(
    tmp_path: Path, make: Callable[[Path, int], Path], log: str
) -> None:
    folder = make(tmp_path / "tub", 5)
    (folder / log).rename(tmp_path / "elsewhere.json")
    (folder / log).symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(RecordingError, match="it is no Donkey tub"):
        read(folder, tmp_path)
