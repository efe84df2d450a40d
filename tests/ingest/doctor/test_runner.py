"""A clean recording is silent; each fault put into a copy is found, and nothing else is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.data import spoiling

from contract.errors import RecordingError
from ingest.doctor.finding import Finding
from ingest.doctor.recording_arrays import Drive
from ingest.doctor.runner import examine, read

Spoil = Callable[[Path], None]


@pytest.fixture
def doctor(
    forwards: Path, other_way: Sequence[Drive], tmp_path: Path
) -> Callable[[Spoil], list[Finding]]:
    """Spoil a copy of the lap forwards, and examine it together with the one backwards."""

    def examined(spoil: Spoil) -> list[Finding]:
        folder = spoiling.copy(forwards, tmp_path / "spoilt")
        spoil(folder)
        return examine([*read([folder], tmp_path / "scratch"), *other_way])

    return examined


def only(findings: list[Finding], name: str) -> Finding:
    assert [each.name for each in findings] == [name], findings
    assert findings[0].recording == "spoilt"
    return findings[0]


def test_a_clean_recording_both_ways_round_is_silent(
    doctor: Callable[[Spoil], list[Finding]],
) -> None:
    assert doctor(lambda folder: None) == []


def test_exchanged_side_cameras(doctor: Callable[[Spoil], list[Finding]]) -> None:
    found = only(doctor(spoiling.exchange_sides), "swapped-cameras")
    assert "left and right are exchanged" in found.evidence


def test_a_side_camera_in_the_centres_place(doctor: Callable[[Spoil], list[Finding]]) -> None:
    def spoil(folder: Path) -> None:
        rows = spoiling.lines(folder)
        spoiling.write(folder, [[row[1], row[0], *row[2:]] for row in rows])

    found = only(doctor(spoil), "swapped-cameras")
    assert "left and center are exchanged" in found.evidence


def test_mirrored_pictures(doctor: Callable[[Spoil], list[Finding]]) -> None:
    found = only(doctor(spoiling.mirror), "mirrored-cameras")
    assert "center and left and right" in found.evidence


def test_one_mirrored_camera(doctor: Callable[[Spoil], list[Finding]]) -> None:
    found = only(doctor(lambda folder: spoiling.mirror(folder, [2])), "mirrored-cameras")
    assert found.evidence.startswith("right: ")


def test_a_steering_of_the_wrong_sign(doctor: Callable[[Spoil], list[Finding]]) -> None:
    only(doctor(lambda folder: spoiling.steer(folder, np.negative)), "inverted-steering")


@pytest.mark.parametrize("bias", [-0.05, 0.06])
def test_a_constant_bias(doctor: Callable[[Spoil], list[Finding]], bias: float) -> None:
    spoil = doctor(lambda folder: spoiling.steer(folder, lambda steering: steering + bias))
    assert only(spoil, "steering-bias").figures["bias"] == pytest.approx(bias, abs=0.015)


def test_keyboard_impulses(doctor: Callable[[Spoil], list[Finding]]) -> None:
    found = only(
        doctor(lambda folder: spoiling.steer(folder, spoiling.press_keys)), "keyboard-impulses"
    )
    assert found.figures["rest"] == 0


@pytest.mark.parametrize("rows", [5, -5])
def test_labels_of_other_rows(doctor: Callable[[Spoil], list[Finding]], rows: int) -> None:
    def late(steering: np.ndarray) -> np.ndarray:
        return np.roll(steering, rows)

    found = only(doctor(lambda folder: spoiling.steer(folder, late)), "label-lag")
    assert found.figures["late_s"] == pytest.approx(rows / 15, abs=0.1)


@pytest.mark.parametrize("cameras", [(0, 1, 2), (1,)])
def test_frozen_frames(doctor: Callable[[Spoil], list[Finding]], cameras: tuple[int, ...]) -> None:
    found = only(doctor(lambda folder: spoiling.freeze(folder, 200, 12, cameras)), "frozen-frames")
    assert found.figures["rows"] == found.figures["longest"] == 12
    assert "lines 202-213" in found.evidence


def test_a_gap_in_time(doctor: Callable[[Spoil], list[Finding]]) -> None:
    def spoil(folder: Path) -> None:
        rows = spoiling.lines(folder)
        spoiling.write(folder, rows[:300] + rows[330:])

    found = only(doctor(spoil), "time-gaps")
    assert found.figures["missing_s"] == pytest.approx(31 / 15, abs=0.01)
    assert found.figures["lines"] == [301]


def test_rows_in_another_order(doctor: Callable[[Spoil], list[Finding]]) -> None:
    def spoil(folder: Path) -> None:
        rows = spoiling.lines(folder)
        rows[400], rows[401] = rows[401], rows[400]
        spoiling.write(folder, rows)

    assert only(doctor(spoil), "time-disorder").figures["lines"] == [402]


def test_rows_written_twice(doctor: Callable[[Spoil], list[Finding]]) -> None:
    def spoil(folder: Path) -> None:
        rows = spoiling.lines(folder)
        spoiling.write(folder, [*rows[:250], rows[249], *rows[250:], *rows[100:109]])

    assert only(doctor(spoil), "duplicate-rows").figures["repeated_rows"] == 10


def test_a_picture_under_two_names(doctor: Callable[[Spoil], list[Finding]]) -> None:
    def spoil(folder: Path) -> None:
        rows = spoiling.lines(folder)
        content = spoiling.picture(folder, rows[150], 0).read_bytes()
        spoiling.rewrite(spoiling.picture(folder, rows[350], 0), content)

    found = only(doctor(spoil), "duplicate-rows")
    assert found.figures["copied_pictures"] == 1
    assert found.figures["lines"] == [351]


def test_missing_pictures(doctor: Callable[[Spoil], list[Finding]]) -> None:
    def spoil(folder: Path) -> None:
        for row in spoiling.lines(folder)[100:107]:
            spoiling.picture(folder, row, 1).unlink()

    found = only(doctor(spoil), "missing-images")
    assert found.figures["pictures"] == 7
    assert "lines 101-107" in found.evidence


def test_broken_pictures(doctor: Callable[[Spoil], list[Finding]]) -> None:
    def spoil(folder: Path) -> None:
        rows = spoiling.lines(folder)
        half = spoiling.picture(folder, rows[60], 0).read_bytes()[:4000]
        spoiling.rewrite(spoiling.picture(folder, rows[60], 0), half)
        spoiling.rewrite(spoiling.picture(folder, rows[61], 2), b"")

    found = only(doctor(spoil), "broken-images")
    assert found.figures["lines"] == [61, 62]
    assert "no" in found.evidence


def test_numbers_that_are_none(doctor: Callable[[Spoil], list[Finding]]) -> None:
    def spoil(folder: Path) -> None:
        rows = spoiling.lines(folder)
        rows[10][3], rows[11][3], rows[12][6] = "nan", "-1.7", "fast"
        spoiling.write(folder, rows)

    found = only(doctor(spoil), "bad-values")
    assert found.figures["lines"] == [11, 12, 13]
    assert found.figures["got"] == ["nan", "-1.7", "fast"]


def test_pictures_of_another_size(doctor: Callable[[Spoil], list[Finding]]) -> None:
    def spoil(folder: Path) -> None:
        for row in spoiling.lines(folder)[500:504]:
            spoiling.redraw(
                spoiling.picture(folder, row, 0), lambda pixels: cv2.resize(pixels, (320, 240))
            )

    found = only(doctor(spoil), "picture-size")
    assert found.figures["sizes"] == {"320 x 240": 4}


def test_laps_one_way_only(forwards: Path, backwards: Path, tmp_path: Path) -> None:
    for source, side in ((forwards, "left"), (backwards, "right")):
        (found,) = examine(read([source], tmp_path))
        assert found.name == "one-direction"
        assert f"turns to the {side}" in found.evidence
        assert abs(found.figures["net_turns_right"]) == pytest.approx(1, abs=0.25)


def test_frames_in_two_recordings(
    forwards: Path, other_way: Sequence[Drive], tmp_path: Path
) -> None:
    rows = spoiling.lines(forwards)
    for name, part in (("one", rows[:400]), ("two", rows[370:])):
        spoiling.write(spoiling.copy(forwards, tmp_path / name), part)
    (found,) = examine([*read([tmp_path / "one", tmp_path / "two"], tmp_path), *other_way])
    assert (found.name, found.recording) == ("leak", "one + two")
    assert found.figures["frames"] == 30
    assert found.figures["lines"] == [list(range(371, 376)), list(range(1, 6))]


def test_a_recording_without_side_cameras_and_times_is_examined_all_the_same(
    doctor: Callable[[Spoil], list[Finding]],
) -> None:
    def spoil(folder: Path) -> None:
        rows = spoiling.lines(folder)
        for number, row in enumerate(rows):
            spoiling.picture(folder, row, 0).rename(folder / "IMG" / f"{number:04}.jpg")
            row[:3] = [f"{number:04}.jpg"]
        spoiling.write(folder, rows)

    assert doctor(spoil) == []


def test_a_log_without_a_row_is_refused(tmp_path: Path) -> None:
    (tmp_path / "driving_log.csv").write_text("a.jpg,b.jpg,c.jpg,nan,0,0,0\n")
    with pytest.raises(RecordingError, match=r"no line of .* is a row"):
        read([tmp_path], tmp_path)
