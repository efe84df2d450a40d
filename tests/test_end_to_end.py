"""Runs the whole chain on this machine with real Redis, HDF5, HTTP and sockets, without Docker."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.data import candidates, hostile_files, model_files, samples
from support.services import running
from support.services.running import Lapwing

from contract.frames import preprocess
from trainer.graph import numpy_backend
from trainer.jobs import import_model
from trainer.jobs.import_model import ImportOptions


@pytest.fixture(scope="module")
def lapwing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lapwing]:
    """Yield a running Lapwing that has imported a recording and published a model."""
    folder = tmp_path_factory.mktemp("lapwing")
    samples.recording(folder / "run", rows=120)
    # The gate's default drives take minutes; tests/evaluator tests its decisions.
    gate = {"LAPWING_GATE_TRACK": str(candidates.road(folder)), "LAPWING_GATE_PAIRS": "8"}
    with running.up(folder / "home", **gate) as lapwing:
        lapwing.ask("ingest", str(folder / "run"), "--wait")
        lapwing.ask("train", "run", "--epochs", "2", "--wait")
        yield lapwing


@pytest.fixture(scope="module")
def run(lapwing: Lapwing) -> Path:
    return lapwing.home.parent / "run"


def test_the_recording_was_imported_and_is_not_imported_again(lapwing: Lapwing, run: Path) -> None:
    (result,) = lapwing.ask("ingest", str(run), "--wait").values()
    (again,) = result["imports"]
    assert (again["skipped"], again["rows"]) == (True, 120)


def test_a_dataset_is_listed_shown_and_cleaned(lapwing: Lapwing) -> None:
    """The worker describes it, and the version of this chain was trained on it."""
    document = lapwing.ask("datasets")
    (entry,) = document["datasets"]
    assert document["not_examined"] == ""
    assert (entry["name"], entry["rows"], entry["versions"]) == ("run", 120, [1])
    assert entry["overview"]["steering_std"] > 0
    shown = lapwing.ask("datasets", "show", "run", "--wait")
    assert sorted(shown["pictures"]) == ["contact_sheet", "steering"]
    assert all(Path(path).read_bytes()[:4] == b"\x89PNG" for path in shown["pictures"].values())
    lapwing.ask("datasets", "exclude", "run", "3-5", "--why", "a test")
    assert lapwing.ask("datasets")["datasets"][0]["excluded"] == 3
    lapwing.ask("datasets", "restore", "run")
    refused = lapwing.command("datasets", "remove", "run")
    assert refused.returncode == 1
    assert "trained on by version 1" in refused.stderr


def test_the_model_is_published_with_its_scores(lapwing: Lapwing) -> None:
    models = lapwing.ask("models")
    assert models["current"] == 1
    metrics = models["versions"][0]["metrics"]
    assert metrics["validation_mse_zero"] > 0
    assert metrics["twin_difference"] <= 1e-4
    assert (lapwing.home / "models" / "model.h5").is_file()


def test_jobs_show_how_they_ended(lapwing: Lapwing) -> None:
    jobs = lapwing.ask("jobs")
    assert {job["status"] for job in jobs} == {"finished"}
    training = next(job for job in jobs if job["queue"] == "train")
    assert training["progress"]["epoch"] == 2
    assert training["progress"]["samples_per_s"] > 0


def test_the_steering_of_an_image_is_predicted(lapwing: Lapwing, run: Path) -> None:
    picture = next((run / "IMG").glob("center_*.jpg"))
    (answer,) = lapwing.ask("predict", str(picture)).values()
    assert -1 <= answer["steering"] <= 1
    assert answer["model_version"] == 1


def test_a_version_is_explained(lapwing: Lapwing, run: Path) -> None:
    picture = next((run / "IMG").glob("center_*.jpg"))
    explained = lapwing.ask("explain", "1", str(picture), "--wait")["explained"]
    assert [frame["name"] for frame in explained["frames"]] == [picture.name]
    assert explained["missing"] == []
    folder = Path(explained["folder"])
    assert folder == lapwing.home / "models" / "versions" / "1" / "explanation"
    assert all((folder / entry["file"]).is_file() for entry in explained["pictures"])
    figures = {figure["name"]: figure["value"] for figure in explained["figures"]}
    metrics = lapwing.ask("models")["versions"][0]["metrics"]
    assert figures["validation MSE"] == pytest.approx(metrics["validation_mse"], abs=1e-4)
    process = lapwing.command("explain", "7", "--wait")
    assert process.returncode == 1
    assert "no such model version: got 7" in process.stderr


@pytest.mark.parametrize("locale", ["en-US", "de-DE"])
def test_a_replayed_drive_is_answered(lapwing: Lapwing, run: Path, locale: str) -> None:
    process = subprocess.run(
        [
            sys.executable,
            "-m",
            "simulator",
            "replay",
            str(run),
            "--locale",
            locale,
            "--bridge",
            f"ws://127.0.0.1:{lapwing.bridge_port}",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode == 0, process.stderr
    assert "120 of 120" in process.stdout


def test_real_frames_are_answered(lapwing: Lapwing) -> None:
    folder = samples.shared("data", "lake")
    process = subprocess.run(
        [
            sys.executable,
            "-m",
            "simulator",
            "replay",
            str(folder),
            "--frames",
            "200",
            "--bridge",
            f"ws://127.0.0.1:{lapwing.bridge_port}",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "200 of 200" in process.stdout, process.stderr


def test_a_report_is_written_and_copied(lapwing: Lapwing, tmp_path: Path) -> None:
    result = lapwing.ask("report", "1", "--out", str(tmp_path / "copy"))["report"]
    assert result["html"] == str(tmp_path / "copy" / "report.html")
    report = lapwing.home / "models" / "versions" / "1" / "report"
    assert (tmp_path / "copy" / "report.pdf").read_bytes() == (report / "report.pdf").read_bytes()


def test_an_error_is_one_line_and_status_1(lapwing: Lapwing, tmp_path: Path) -> None:
    process = lapwing.command("ingest", str(tmp_path / "nothing"))
    assert process.returncode == 1
    assert process.stderr.startswith("lapwing: there is no such recording")
    assert process.stdout == ""


def test_a_failed_job_says_why(lapwing: Lapwing, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    process = lapwing.command("ingest", str(tmp_path / "empty"), "--wait")
    assert process.returncode == 1
    assert "there is no driving_log.csv in the recording" in process.stderr


def test_a_second_lapwing_does_not_use_the_same_home(lapwing: Lapwing) -> None:
    other = Lapwing(lapwing.home)  # it has other ports
    process = other.command("up", timeout_s=30)
    assert process.returncode == 1
    assert "another `lapwing up` or `lapwing demo` is running" in process.stderr


def test_an_imported_model_drives(lapwing: Lapwing, run: Path, tmp_path: Path) -> None:
    described = model_files.driver(1)
    path, weights = tmp_path / "theirs.json", tmp_path / "theirs.h5"  # the second is found
    path.write_text(json.dumps(model_files.architecture(described, 1)))
    model_files.write(weights, described, 1)
    command = ["import-model", str(path), "--crop", "60,25", "--color", "yuv", "--name", "theirs"]
    result, gate = lapwing.ask(*command, "--wait").values()
    version = result["imported"]["version"]
    assert gate["gate"]["version"] == version
    lapwing.ask("promote", str(version), "--force")
    assert lapwing.ask("models")["current"] == version
    assert "imported from theirs" in lapwing.command("models").stdout
    picture = next((run / "IMG").glob("center_*.jpg"))
    options = ImportOptions("theirs", crop=(60, 25), color="yuv", weights=weights)
    _, network = import_model.load_network(path, options)
    part = cv2.resize(preprocess.decode(picture.read_bytes())[60:-25], (40, 20))
    frames = cv2.cvtColor(part, cv2.COLOR_RGB2YUV)[None]
    expected = float(np.clip(numpy_backend.predict(network, frames)[0, 0], -1, 1))
    await_version(lapwing, picture, version)
    (answer,) = lapwing.ask("predict", str(picture)).values()
    assert answer["steering"] == pytest.approx(expected, abs=1e-4)


def test_a_hostile_model_is_refused_and_not_retried(lapwing: Lapwing, tmp_path: Path) -> None:
    hostile_files.lambda_that_runs(tmp_path / "hostile.h5")
    before = lapwing.ask("models")
    process = lapwing.command("import-model", str(tmp_path / "hostile.h5"), "--wait")
    assert process.returncode == 1
    assert "lambda_1 (Lambda) does something else than arithmetic" in process.stderr
    assert "`lapwing logs trainer` shows what its worker printed" in process.stderr
    assert not (tmp_path / "canary").exists()
    assert lapwing.ask("models") == before


def await_version(lapwing: Lapwing, picture: Path, version: int) -> None:
    """Wait until inference uses a version."""
    deadline = time.monotonic() + 60
    while True:
        (answer,) = lapwing.ask("predict", str(picture)).values()
        if answer["model_version"] == version:
            return
        assert time.monotonic() < deadline, answer
        time.sleep(0.2)
