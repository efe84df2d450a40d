import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.data import samples, tubs

from contract.dataset import store, store_catalog
from contract.errors import RecordingError
from contract.files import atomic_files
from contract.frames import preprocess
from contract.recordings import archive
from contract.settings import load
from contract.vehicle import MAX_STEER_DEG
from ingest.job import import_source
from ingest.settings import Settings


def settings(tmp_path: Path) -> Settings:
    return load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})


def imported(tmp_path: Path, source: Path, limit: float = 0.05, name: str | None = None) -> Any:
    return import_source(settings(tmp_path), source, name, limit, lambda **_: None)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return samples.recording(tmp_path / "run", rows=40)


def test_a_recording_becomes_a_store(tmp_path: Path, run: Path) -> None:
    (result,) = imported(tmp_path, run)
    assert (result["rows"], result["frames"], result["rejected"]) == (40, 120, 0)
    assert result["skipped"] is False
    (manifest,) = store_catalog.read_manifests(tmp_path / "data")
    with store.open_store(tmp_path / "data", manifest) as reader:
        reader.verify()
        rows = reader.rows
        out = np.empty((1, 128, 128, 3), np.uint8)
        reader.gather(rows["left"][7:8], out)
    np.testing.assert_allclose(rows["steering"], [samples.steering_at(n) for n in range(40)])
    np.testing.assert_allclose(np.diff(rows["time_s"]), samples.ROW_MS / 1000, atol=1e-6)
    jpeg = (run / "IMG" / f"left_{samples.stamp(7)}.jpg").read_bytes()
    np.testing.assert_array_equal(out[0], preprocess.prepare(jpeg))


def test_the_same_content_is_imported_once_under_any_name(tmp_path: Path, run: Path) -> None:
    (first,) = imported(tmp_path, run)
    other = shutil.copytree(run, tmp_path / "elsewhere")
    (again,) = imported(tmp_path, other, name="another")
    assert again["skipped"] is True
    assert again["dataset"] == first["dataset"]
    assert len(store_catalog.read_manifests(tmp_path / "data")) == 1


def test_a_name_can_be_given(tmp_path: Path, run: Path) -> None:
    (result,) = imported(tmp_path, run, name="First Lap!")
    assert result["dataset"].startswith("first-lap-")
    assert (
        store_catalog.select_manifests(tmp_path / "data", ["First Lap!"])[0].dataset
        == result["dataset"]
    )


def test_a_recording_of_the_centre_camera_alone_is_imported(tmp_path: Path) -> None:
    run = samples.recording(tmp_path / "run", rows=10, cameras=("center",))
    (result,) = imported(tmp_path, run)
    assert result["frames"] == 10
    (manifest,) = store_catalog.read_manifests(tmp_path / "data")
    with store.open_store(tmp_path / "data", manifest) as reader:
        assert set(reader.rows["left"]) == {store.ABSENT}


def test_png_images_are_decoded_like_jpegs(tmp_path: Path) -> None:
    run = samples.recording(tmp_path / "run", rows=3, cameras=("center",))
    for image in list((run / "IMG").iterdir()):
        pixels = Image.open(image).convert("RGB")
        pixels.save(image.with_suffix(".png"))
        image.unlink()
    log = run / "driving_log.csv"
    log.write_text(log.read_text().replace(".jpg", ".png"))
    (result,) = imported(tmp_path, run)
    assert result["frames"] == 3
    (manifest,) = store_catalog.read_manifests(tmp_path / "data")
    expected = np.asarray(Image.open(run / "IMG" / f"center_{samples.stamp(2)}.png"))
    out = np.empty((1, 128, 128, 3), np.uint8)
    with store.open_store(tmp_path / "data", manifest) as reader:
        reader.gather(reader.rows["center"][2:], out)
    np.testing.assert_array_equal(out[0], preprocess.resize(expected))


def test_rows_of_two_days_get_the_images_of_their_day(tmp_path: Path) -> None:
    lines = []
    for day, shade in (("day1", 40), ("day2", 200)):
        folder = tmp_path / "run" / day / "IMG"
        folder.mkdir(parents=True)
        for row in range(4):
            Image.new("RGB", (320, 160), (shade,) * 3).save(folder / f"c_{row:04d}.jpg")
            lines.append(f"C:\\x\\{day}\\IMG\\c_{row:04d}.jpg,0,0,0,9.5\n")
    (tmp_path / "run" / "driving_log.csv").write_text("".join(lines))
    (result,) = imported(tmp_path, tmp_path / "run")
    assert (result["rows"], result["frames"]) == (8, 8)
    (manifest,) = store_catalog.read_manifests(tmp_path / "data")
    out = np.empty((8, 128, 128, 3), np.uint8)
    with store.open_store(tmp_path / "data", manifest) as reader:
        reader.gather(reader.rows["center"], out)
    np.testing.assert_allclose(out.mean(axis=(1, 2, 3)), [40] * 4 + [200] * 4, atol=2)


def test_steering_in_degrees_is_refused_and_converted_if_told(tmp_path: Path, run: Path) -> None:
    log = run / "driving_log.csv"
    rows = [line.split(",") for line in log.read_text().splitlines()]
    lines = [",".join([*row[:3], f"{25 * float(row[3]):g}", *row[4:]]) for row in rows]
    log.write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(RecordingError, match="Import it with --steering-unit degrees"):
        imported(tmp_path, run, limit=1.0)
    import_source(settings(tmp_path), run, None, 0.0, lambda **_: None, full_lock=MAX_STEER_DEG)
    (manifest,) = store_catalog.read_manifests(tmp_path / "data")
    with store.open_store(tmp_path / "data", manifest) as reader:
        steering = reader.rows["steering"]
    np.testing.assert_allclose(steering, [samples.steering_at(n) for n in range(40)], atol=1e-5)
    assert manifest.source["full_lock"] == 25


def test_one_recording_in_two_units_is_two_datasets(tmp_path: Path, run: Path) -> None:
    outcomes = [
        import_source(settings(tmp_path), run, None, 0.0, lambda **_: None, full_lock=lock)[0]
        for lock in (1.0, 0.5, 0.5)
    ]
    assert [outcome["skipped"] for outcome in outcomes] == [False, False, True]
    assert outcomes[0]["dataset"] != outcomes[1]["dataset"] == outcomes[2]["dataset"]


def test_a_bad_recording_does_not_stop_the_others(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    samples.recording(runs / "b", rows=3)
    for bad in ("a", "c"):
        (runs / bad).mkdir()
        (runs / bad / "driving_log.csv").touch()
    outcomes = imported(tmp_path, runs)
    assert [outcome.get("recording", outcome.get("dataset"))[:6] for outcome in outcomes] == [
        "runs-a",
        "runs-b",
        "runs-c",
    ]
    assert [outcome.get("error") for outcome in outcomes] == [
        "the driving log is empty. Record a lap first.",
        None,
        "the driving log is empty. Record a lap first.",
    ]
    assert len(store_catalog.read_manifests(tmp_path / "data")) == 1


def test_without_any_good_recording_the_import_fails_with_all_reasons(tmp_path: Path) -> None:
    for bad in ("a", "b"):
        (tmp_path / "runs" / bad).mkdir(parents=True)
        (tmp_path / "runs" / bad / "driving_log.csv").touch()
    with pytest.raises(
        RecordingError, match=r"none of the 2 recordings.*runs-a: the .*runs-b: the"
    ):
        imported(tmp_path, tmp_path / "runs")


def test_an_image_that_two_rows_list_is_stored_once(tmp_path: Path, run: Path) -> None:
    lines = (run / "driving_log.csv").read_text().splitlines()
    braking = lines[-1].replace(",0.5,0,", ",0,1,")
    (run / "driving_log.csv").write_text("\n".join([*lines, braking]) + "\n")
    (result,) = imported(tmp_path, run)
    assert (result["rows"], result["frames"]) == (41, 120)


def test_a_line_that_repeats_another_one_counts_once(tmp_path: Path, run: Path) -> None:
    lines = (run / "driving_log.csv").read_text().splitlines()
    (run / "driving_log.csv").write_text("\n".join([*lines, lines[-1]]) + "\n")
    (result,) = imported(tmp_path, run)
    assert (result["rows"], result["rejected"]) == (40, 0)
    assert "lines that repeat another line: 1; each row counts once" in result["report"]["notes"]


def test_a_bad_image_costs_its_row_and_is_reported(tmp_path: Path, run: Path) -> None:
    (run / "IMG" / f"right_{samples.stamp(3)}.jpg").write_bytes(b"")
    (result,) = imported(tmp_path, run)
    assert (result["rows"], result["frames"], result["rejected"]) == (39, 117, 1)
    (rejection,) = result["report"]["rejections"]
    assert (rejection["line"], rejection["field"]) == (4, "right")
    report_path = tmp_path / "data" / "reports" / f"{result['dataset']}.json"
    assert json.loads(report_path.read_text()) == result["report"]


def test_too_many_bad_rows_fail_the_import_and_leave_a_report(tmp_path: Path, run: Path) -> None:
    for row in range(3):
        (run / "IMG" / f"center_{samples.stamp(row)}.jpg").unlink()
    with pytest.raises(
        RecordingError, match=r"3 of 40 rows of run are bad \(7.5%, and at most 5.0%"
    ):
        imported(tmp_path, run)
    assert store_catalog.read_manifests(tmp_path / "data") == []
    assert atomic_files.temporary_paths(store_catalog.folder(tmp_path / "data")) == []
    (report_path,) = (tmp_path / "data" / "reports").iterdir()
    assert json.loads(report_path.read_text())["reasons"] == {"center: image is missing": 3}
    (result,) = imported(tmp_path, run, limit=0.1)
    assert result["rows"] == 37


def test_the_leftovers_of_a_killed_import_are_removed_by_the_next(
    tmp_path: Path, run: Path
) -> None:
    (result,) = imported(tmp_path, run)
    final, manifest = store_catalog.paths(tmp_path / "data", result["dataset"])
    digest = hashlib.sha256((run / "driving_log.csv").read_bytes()).hexdigest()
    left = final.with_name(f".run-{digest[:8]}.h5.{'0' * 32}.tmp")
    left.mkdir()
    final.rename(left / final.name)  # A killed import leaves this.
    manifest.unlink()
    (again,) = imported(tmp_path, run)
    assert again["skipped"] is False
    assert atomic_files.temporary_paths(store_catalog.folder(tmp_path / "data")) == []


def test_the_images_of_a_new_recording_are_read_once(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    hashed = archive.Recording._digests

    def count(self: archive.Recording, names: Sequence[str]) -> list[bytes]:
        read.extend(names)
        return hashed(self, names)

    monkeypatch.setattr(archive.Recording, "_digests", count)
    imported(tmp_path, run)
    assert read == []
    (again,) = imported(tmp_path, run)
    assert again["skipped"] is True
    assert len(read) == len(set(read)) > 0


def test_the_same_log_with_other_images_is_another_recording(tmp_path: Path, run: Path) -> None:
    (first,) = imported(tmp_path, run)
    next((run / "IMG").glob("center_*")).write_bytes(samples.jpeg(0.9, 99))
    (other,) = imported(tmp_path, run)
    assert other["skipped"] is False
    assert other["dataset"] != first["dataset"]


def test_the_progress_has_rows_rate_and_remaining_time(tmp_path: Path, run: Path) -> None:
    reports: list[dict[str, Any]] = []
    import_source(settings(tmp_path), run, None, 0.05, lambda **fields: reports.append(fields))
    last = [report for report in reports if report.get("phase") == "decode"][-1]
    assert (last["rows_done"], last["rows_total"], last["eta_s"]) == (40, 40, 0)
    assert last["rows_per_s"] > 0


@pytest.mark.parametrize(
    ("name", "rows"),
    [("lake", 1544), ("lake-2", 613), ("jungle", 1200), ("lake-decimal-comma", 400)],
)
def test_real_recordings_are_imported(tmp_path: Path, name: str, rows: int) -> None:
    (result,) = imported(tmp_path, samples.shared("data", name))
    assert (result["rows"], result["rejected"]) == (rows, 0)


def test_a_donkey_tub_becomes_a_store_that_says_what_it_does_not_know(tmp_path: Path) -> None:
    (result,) = imported(tmp_path, tubs.tub(tmp_path / "tub", rows=20, deleted=[4]))
    assert (result["rows"], result["frames"], result["rejected"]) == (19, 19, 0)
    assert "the speed is not known: it is NaN in every row" in result["report"]["notes"]
    (manifest,) = store_catalog.read_manifests(tmp_path / "data")
    with store.open_store(tmp_path / "data", manifest) as reader:
        rows = reader.rows
        out = np.empty((1, 128, 128, 3), np.uint8)
        reader.gather(rows["center"][4:5], out)
    numbers = [number for number in range(20) if number != 4]
    np.testing.assert_allclose(rows["steering"], [samples.steering_at(n) for n in numbers])
    np.testing.assert_allclose(rows["time_s"] * 1000, [tubs.START_MS + 50 * n for n in numbers])
    assert np.isnan(rows["speed_mph"]).all()
    np.testing.assert_array_equal(out[0], preprocess.prepare(tubs.jpeg(5)))
    (again,) = imported(tmp_path, tmp_path / "tub", name="another")
    assert again["skipped"] is True
