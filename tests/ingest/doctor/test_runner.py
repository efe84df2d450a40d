"""A clean recording has no findings. Each fault that is put into a copy is the only finding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.data import spoiling, tubs

from contract.errors import RecordingError
from ingest.doctor.finding import Finding
from ingest.doctor.recording_arrays import RecordingArrays
from ingest.doctor.runner import check_recordings, read_recordings

Spoil = Callable[[Path], None]


@pytest.fixture
def doctor(
    forwards: Path, other_way: Sequence[RecordingArrays], tmp_path: Path
) -> Callable[[Spoil], list[Finding]]:
    """Return a function that checks a spoilt copy of one lap together with the other lap."""

    def check(spoil: Spoil) -> list[Finding]:
        folder = spoiling.copy(forwards, tmp_path / "spoilt")
        spoil(folder)
        return check_recordings([*read_recordings([folder], tmp_path / "scratch"), *other_way])

    return check


def only(findings: list[Finding], name: str) -> Finding:
    assert [finding.name for finding in findings] == [name], findings
    assert findings[0].recording == "spoilt"
    return findings[0]


def test_clean_laps_in_both_directions_have_no_findings(
    doctor: Callable[[Spoil], list[Finding]],
) -> None:
    assert doctor(lambda folder: None) == []


def test_exchanged_side_cameras(doctor: Callable[[Spoil], list[Finding]]) -> None:
    finding = only(doctor(spoiling.exchange_sides), "swapped-cameras")
    assert "Left and right are exchanged" in finding.evidence


def test_a_side_camera_exchanged_with_the_centre_one(
    doctor: Callable[[Spoil], list[Finding]],
) -> None:
    def spoil(folder: Path) -> None:
        rows = spoiling.lines(folder)
        spoiling.write(folder, [[row[1], row[0], *row[2:]] for row in rows])

    finding = only(doctor(spoil), "swapped-cameras")
    assert "Left and center are exchanged" in finding.evidence


def test_mirrored_images(doctor: Callable[[Spoil], list[Finding]]) -> None:
    finding = only(doctor(spoiling.mirror), "mirrored-cameras")
    assert "center and left and right" in finding.evidence


def test_one_mirrored_camera(doctor: Callable[[Spoil], list[Finding]]) -> None:
    finding = only(doctor(lambda folder: spoiling.mirror(folder, [2])), "mirrored-cameras")
    assert finding.evidence.startswith("Images of right turn against")


def test_a_steering_of_the_wrong_sign(doctor: Callable[[Spoil], list[Finding]]) -> None:
    only(doctor(lambda folder: spoiling.steer(folder, np.negative)), "inverted-steering")


@pytest.mark.parametrize("bias", [-0.05, 0.06])
def test_a_constant_bias(doctor: Callable[[Spoil], list[Finding]], bias: float) -> None:
    spoil = doctor(lambda folder: spoiling.steer(folder, lambda steering: steering + bias))
    assert only(spoil, "steering-bias").figures["bias"] == pytest.approx(bias, abs=0.015)


def test_keyboard_impulses(doctor: Callable[[Spoil], list[Finding]]) -> None:
    finding = only(
        doctor(lambda folder: spoiling.steer(folder, spoiling.press_keys)), "keyboard-impulses"
    )
    assert finding.figures["rest"] == 0


@pytest.mark.parametrize("rows", [5, -5])
def test_steering_of_other_rows(doctor: Callable[[Spoil], list[Finding]], rows: int) -> None:
    def late(steering: np.ndarray) -> np.ndarray:
        return np.roll(steering, rows)

    finding = only(doctor(lambda folder: spoiling.steer(folder, late)), "label-lag")
    assert finding.figures["late_s"] == pytest.approx(rows / 15, abs=0.1)


@pytest.mark.parametrize("cameras", [(0, 1, 2), (1,)])
def test_frozen_frames(doctor: Callable[[Spoil], list[Finding]], cameras: tuple[int, ...]) -> None:
    finding = only(
        doctor(lambda folder: spoiling.freeze(folder, 200, 12, cameras)), "frozen-frames"
    )
    assert finding.figures["rows"] == finding.figures["longest"] == 12
    assert "lines 202-213" in finding.evidence


def test_a_gap_in_time(doctor: Callable[[Spoil], list[Finding]]) -> None:
    def spoil(folder: Path) -> None:
        rows = spoiling.lines(folder)
        spoiling.write(folder, rows[:300] + rows[330:])

    finding = only(doctor(spoil), "time-gaps")
    assert finding.figures["missing_s"] == pytest.approx(31 / 15, abs=0.01)
    assert finding.figures["lines"] == [301]


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


def test_an_image_under_two_names(doctor: Callable[[Spoil], list[Finding]]) -> None:
    def spoil(folder: Path) -> None:
        rows = spoiling.lines(folder)
        content = spoiling.picture(folder, rows[150], 0).read_bytes()
        spoiling.rewrite(spoiling.picture(folder, rows[350], 0), content)

    finding = only(doctor(spoil), "duplicate-rows")
    assert finding.figures["copied_pictures"] == 1
    assert finding.figures["lines"] == [351]


def test_missing_images(doctor: Callable[[Spoil], list[Finding]]) -> None:
    def spoil(folder: Path) -> None:
        for row in spoiling.lines(folder)[100:107]:
            spoiling.picture(folder, row, 1).unlink()

    finding = only(doctor(spoil), "missing-images")
    assert finding.figures["pictures"] == 7
    assert "lines 101-107" in finding.evidence


def test_broken_images(doctor: Callable[[Spoil], list[Finding]]) -> None:
    def spoil(folder: Path) -> None:
        rows = spoiling.lines(folder)
        half = spoiling.picture(folder, rows[60], 0).read_bytes()[:4000]
        spoiling.rewrite(spoiling.picture(folder, rows[60], 0), half)
        spoiling.rewrite(spoiling.picture(folder, rows[61], 2), b"")

    finding = only(doctor(spoil), "broken-images")
    assert finding.figures["lines"] == [61, 62]
    assert "no" in finding.evidence


def test_values_that_are_not_numbers(doctor: Callable[[Spoil], list[Finding]]) -> None:
    def spoil(folder: Path) -> None:
        rows = spoiling.lines(folder)
        rows[10][3], rows[11][3], rows[12][6] = "nan", "-1.7", "fast"
        spoiling.write(folder, rows)

    finding = only(doctor(spoil), "bad-values")
    assert finding.figures["lines"] == [11, 12, 13]
    assert finding.figures["got"] == ["nan", "-1.7", "fast"]


def test_images_of_another_size(doctor: Callable[[Spoil], list[Finding]]) -> None:
    def spoil(folder: Path) -> None:
        for row in spoiling.lines(folder)[500:504]:
            spoiling.redraw(
                spoiling.picture(folder, row, 0), lambda pixels: cv2.resize(pixels, (320, 240))
            )

    finding = only(doctor(spoil), "picture-size")
    assert finding.figures["sizes"] == {"320 x 240": 4}


def test_laps_in_one_direction_only(forwards: Path, backwards: Path, tmp_path: Path) -> None:
    for source, side in ((forwards, "left"), (backwards, "right")):
        (finding,) = check_recordings(read_recordings([source], tmp_path))
        assert finding.name == "one-direction"
        assert f"turns to the {side}" in finding.evidence
        assert abs(finding.figures["net_turns_right"]) == pytest.approx(1, abs=0.25)


def test_frames_in_two_recordings(
    forwards: Path, other_way: Sequence[RecordingArrays], tmp_path: Path
) -> None:
    rows = spoiling.lines(forwards)
    for name, part in (("one", rows[:400]), ("two", rows[370:])):
        spoiling.write(spoiling.copy(forwards, tmp_path / name), part)
    (finding,) = check_recordings(
        [*read_recordings([tmp_path / "one", tmp_path / "two"], tmp_path), *other_way]
    )
    assert (finding.name, finding.recording) == ("leak", "one + two")
    assert finding.figures["frames"] == 30
    assert finding.figures["lines"] == [list(range(371, 376)), list(range(1, 6))]


def test_a_recording_without_side_cameras_and_times_is_checked_as_well(
    doctor: Callable[[Spoil], list[Finding]],
) -> None:
    def spoil(folder: Path) -> None:
        rows = spoiling.lines(folder)
        for number, row in enumerate(rows):
            spoiling.picture(folder, row, 0).rename(folder / "IMG" / f"{number:04}.jpg")
            row[:3] = [f"{number:04}.jpg"]
        spoiling.write(folder, rows)

    assert doctor(spoil) == []


def test_rows_of_the_centre_camera_alone_are_rows(
    doctor: Callable[[Spoil], list[Finding]], forwards: Path, tmp_path: Path
) -> None:
    """Ingest takes them, and the trainer uses them: nothing is to be deleted."""

    def spoil(folder: Path) -> None:
        rows = spoiling.lines(folder)
        spoiling.write(folder, [*rows[:200], *([row[0], *row[3:]] for row in rows[200:])])

    assert doctor(spoil) == []
    folder = spoiling.copy(forwards, tmp_path / "again")
    spoil(folder)
    (recording,) = read_recordings([folder], tmp_path)
    assert (len(recording.lines), recording.rejections) == (len(recording.images), [])
    assert recording.notes == [
        f"{len(recording.lines) - 200} of {len(recording.lines)} rows have the centre camera alone"
    ]
    assert np.isnan(recording.features.yaw_rad[201:, 1]).all()
    assert not recording.features.sizes[200:, 1:].any()


def test_png_images_are_read_as_ingest_reads_them(
    doctor: Callable[[Spoil], list[Finding]],
) -> None:
    def spoil(folder: Path) -> None:
        rows = spoiling.lines(folder)
        for row in rows[:20]:
            path = spoiling.picture(folder, row, 0)
            cv2.imwrite(str(path.with_suffix(".png")), cv2.imread(str(path)))
            path.unlink()
            row[0] = row[0].replace(".jpg", ".png")
        spoiling.write(folder, rows)

    assert doctor(spoil) == []


def test_steering_in_degrees_is_refused_as_ingest_refuses_it(
    forwards: Path, tmp_path: Path
) -> None:
    folder = spoiling.copy(forwards, tmp_path / "degrees")
    rows = spoiling.lines(folder)
    spoiling.write(folder, [[*row[:3], f"{25 * float(row[3]):g}", *row[4:]] for row in rows])
    with pytest.raises(RecordingError, match=r"^degrees: the steering is beyond.*--steering-unit"):
        read_recordings([folder], tmp_path)
    (converted,) = read_recordings([folder], tmp_path, full_lock=25)
    (original,) = read_recordings([forwards], tmp_path)
    np.testing.assert_allclose(converted.steering, original.steering, atol=1e-5)


def test_a_log_without_a_row_is_refused(tmp_path: Path) -> None:
    (tmp_path / "driving_log.csv").write_text("a.jpg,b.jpg,c.jpg,nan,0,0,0\n")
    with pytest.raises(RecordingError, match=r"no line of .* is a row"):
        read_recordings([tmp_path], tmp_path)


def test_a_tub_without_a_speed_is_not_said_to_be_clean(tmp_path: Path) -> None:
    findings = check_recordings(read_recordings([tubs.tub(tmp_path / "tub")], tmp_path))
    by_name = {finding.name: finding for finding in findings}
    assert by_name["no-speed"].figures == {"rows": 30}
    assert set(by_name) == {"no-speed", "picture-size"}
