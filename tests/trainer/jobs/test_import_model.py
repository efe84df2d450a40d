"""The import job runs without its queue; tests/test_end_to_end.py has both."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.data import model_files, samples

from contract.errors import ModelError
from contract.files import atomic_files
from contract.frames import preprocess, spec
from contract.frames.spec import FrameSpec
from contract.models import golden, layer_table
from contract.models.registry import H5, TFLITE, Registry
from contract.policy import load_version
from contract.policy.litert import LiteRT
from contract.printing import TextConsole
from ingest.settings import Settings as IngestSettings
from lapwing.output import tables
from trainer.export import litert
from trainer.graph import numpy_backend
from trainer.jobs import import_model
from trainer.jobs.import_model import ImportOptions
from trainer.keras_import import reader
from trainer.settings import Settings


def no_report(**_: object) -> None:
    pass


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", model_dir=tmp_path / "models")


def imported(settings: Settings, path: Path, choices: ImportOptions, job_id: str = "job-1") -> Any:
    return import_model.import_file(settings, job_id, no_report, path, choices)["imported"]


def test_a_file_becomes_a_complete_version(tmp_path: Path, settings: Settings) -> None:
    path = model_files.write(tmp_path / "theirs.h5", model_files.driver(1), 1)
    phases: list[object] = []
    found = import_model.import_file(
        settings,
        "job-1",
        lambda **fields: phases.append(fields["phase"]),
        path,
        ImportOptions("theirs", crop=(60, 20), color="bgr"),
    )["imported"]
    assert phases == ["read", "convert", "verify", "publish"]
    registry = Registry(settings.model_dir)
    manifest = registry.verify(1)
    assert registry.current() == 1
    assert sorted(manifest.files) == [layer_table.FILE, golden.FILE, H5, TFLITE]
    frame = FrameSpec(20, 40, "bgr", "linear", (60, 20))
    assert manifest.frame_spec == frame.document()
    assert manifest.config["frame"] == ("rows 60 to 139 of 160, resized to 40 x 20 (linear), bgr")
    assert (manifest.data, manifest.config["imported_from"]) == ([], "theirs")
    assert manifest.config["source_sha256"] == atomic_files.sha256(path)
    assert manifest.config["crop"] == [60, 20]
    assert found["metrics"]["twin_difference"] <= litert.TOLERANCE
    assert found["metrics"]["forward_difference"] <= litert.TOLERANCE
    assert found["metrics"]["frames"] == 100
    assert not list((settings.model_dir / ".jobs").iterdir())
    known = golden.read(registry.path(1) / golden.FILE)
    prepared = np.stack(
        [cv2.resize(picture[60:-20], (40, 20))[..., ::-1] for picture in known.frames]
    )
    backend = LiteRT(registry.path(1), frame.shape)
    np.testing.assert_allclose(backend.predict(prepared), known.answers, atol=1e-6)


def test_what_was_published_can_be_imported_again(tmp_path: Path, settings: Settings) -> None:
    path = model_files.write(tmp_path / "theirs.h5", model_files.driver(2), 2)
    imported(settings, path, ImportOptions("theirs", color="yuv", normalize="x/127.5-1"))
    published = Registry(settings.model_dir).path(1) / H5
    _, network = import_model.load_network(published, ImportOptions("ours"))
    known = golden.read(published.parent / golden.FILE)
    frame = FrameSpec(20, 40, "yuv")
    prepared = np.stack([preprocess.fit(picture, frame) for picture in known.frames])
    found = numpy_backend.predict(network, prepared)
    np.testing.assert_allclose(found, known.answers, atol=1e-4)


def test_a_network_for_our_own_frame_has_our_own_frame_spec(
    tmp_path: Path, settings: Settings, networks: Path
) -> None:
    imported(settings, networks / "left" / H5, ImportOptions("ours"))
    assert Registry(settings.model_dir).manifest(1).frame_spec == spec.SPEC
    _, steer = load_version.load(Registry(settings.model_dir), 1)
    picture = samples.picture(0.2, 1)
    expected = LiteRT(networks / "left").predict(preprocess.resize(picture)[None]).item()
    assert steer(picture) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"interpolation": "best"}, "the interpolation is unknown: got best"),
        ({"color": "gray"}, "the network takes images of 3 channels: got gray: 1"),
        ({"crop": (100, 60)}, "the crop leaves nothing of the image"),
    ],
)
def test_an_option_that_does_not_fit_is_refused_before_anything_is_converted(
    tmp_path: Path, settings: Settings, options: dict[str, Any], message: str
) -> None:
    path = model_files.write(tmp_path / "theirs.h5", model_files.driver(2), 2)
    with pytest.raises(ModelError, match=message):
        imported(settings, path, ImportOptions("theirs", **options))
    assert Registry(settings.model_dir).versions() == []


def test_a_job_that_runs_twice_publishes_once(tmp_path: Path, settings: Settings) -> None:
    path = model_files.write(tmp_path / "theirs.h5", model_files.driver(2), 2)
    first = imported(settings, path, ImportOptions("theirs"))
    path.unlink()
    assert imported(settings, path, ImportOptions("theirs")) == first
    assert Registry(settings.model_dir).versions() == [1]


def test_recorded_frames_are_used_if_there_are_any(tmp_path: Path, settings: Settings) -> None:
    from ingest.job import import_source

    source = samples.recording(tmp_path / "run", rows=10, cameras=("center",))
    ingest = IngestSettings(data_dir=settings.data_dir)
    import_source(ingest, source, None, 0.0, no_report)
    path = model_files.write(tmp_path / "theirs.h5", model_files.driver(2), 2)
    assert imported(settings, path, ImportOptions("theirs"))["metrics"]["frames"] == 10


def test_a_refused_file_publishes_nothing_and_leaves_nothing(
    tmp_path: Path, settings: Settings
) -> None:
    described = model_files.driver(2)
    described[3] = ("GRU", {}, [])
    path = model_files.write(tmp_path / "theirs.h5", described, 2)
    with pytest.raises(ModelError, match=r"gru_4 \(GRU\) is of a class that is not supported"):
        imported(settings, path, ImportOptions("theirs"))
    assert Registry(settings.model_dir).versions() == []
    assert not list((settings.model_dir / ".jobs").iterdir())


def test_a_network_whose_steering_is_not_a_number_is_refused(
    tmp_path: Path, settings: Settings
) -> None:
    described = model_files.driver(2)
    kind, config, (kernel, bias) = described[1]
    wild = {**config, "activation": "exponential"}
    described[1] = (kind, wild, [kernel * np.float32(1e6), bias])
    path = model_files.write(tmp_path / "theirs.h5", described, 2)
    with pytest.raises(ModelError, match="the network's steering is not a finite number"):
        imported(settings, path, ImportOptions("theirs"))


def _with_last_layer(factor: float, bias: float) -> list[model_files.Described]:
    described = model_files.driver(2)
    kind, config, (kernel, _) = described[-1]
    described[-1] = (kind, config, [kernel * np.float32(factor), np.full(1, bias, np.float32)])
    return described


def test_a_dead_network_of_two_files_is_told(tmp_path: Path, settings: Settings) -> None:
    """As in a published file, all of its units end below 0, and the last bias is the answer."""
    described = _with_last_layer(0.0, 0.0268)
    path, weights = tmp_path / "theirs.json", tmp_path / "theirs.h5"
    path.write_text(json.dumps(model_files.architecture(described, 2)))
    options = ImportOptions("theirs", weights=model_files.write(weights, described, 2))
    result = import_model.import_file(settings, "job-1", no_report, path, options)
    assert result["imported"]["source_sha256"] == atomic_files.sha256(path)
    assert result["imported"]["weights_sha256"] == atomic_files.sha256(weights)
    (note,) = [each for each in result["imported"]["notes"] if "dead" in each]
    assert "it answers +0.0268 to every frame, whatever the frame shows" in note
    assert note in Registry(settings.model_dir).manifest(1).config["notes"]
    console = TextConsole(record=True, width=200)
    tables.print_result(console, result)
    assert "the network is dead: it answers +0.0268" in " ".join(console.export_text().split())


@pytest.mark.parametrize(
    ("factor", "bias", "same", "expected"),
    [
        (1.0, 0.0, True, None),  # only the recorded frames are all alike
        (1.0, 0.0, False, None),
        (1e-9, 0.02, True, "is dead: it answers +0.0200"),
        (0.0, -25.0, True, "is dead: it answers -25.0000"),
        (40.0, 0.0, False, "answers reach from "),
        (1.0, -3.0, False, "Perhaps its answers are degrees, or another --output"),
    ],
)
def test_answers_that_no_steering_looks_like_are_told(
    tmp_path: Path, factor: float, bias: float, same: bool, expected: str | None
) -> None:
    path = model_files.write(tmp_path / "theirs.h5", _with_last_layer(factor, bias), 2)
    options = ImportOptions("theirs")
    _, network = import_model.load_network(path, options)
    rng = np.random.default_rng(5)
    frames = rng.integers(0, 256, (1 if same else 20, *network.input_shape), dtype=np.uint8)
    answers = numpy_backend.predict(network, frames)[:, 0]
    metrics = {"steering_min": float(answers.min()), "steering_max": float(answers.max())}
    notes = import_model.remarks(network, options.frame_spec(network), metrics)
    assert [expected in note for note in notes] == [True] if expected else notes == []


def test_two_scalings_are_told(tmp_path: Path) -> None:
    described = model_files.driver(2)
    described[0] = ("Rescaling", {"scale": 1 / 255, "batch_input_shape": [None, 20, 40, 3]}, [])
    path = model_files.write(tmp_path / "theirs.h5", described, 2)
    found, _ = import_model.load_network(path, ImportOptions("theirs", normalize="x/255"))
    assert "the pixels are scaled twice" in found.notes[-1]
    found, _ = import_model.load_network(path, ImportOptions("theirs"))
    assert not [note for note in found.notes if "twice" in note]


def test_outside_a_job_nothing_is_imported() -> None:
    from contract.errors import JobError

    with pytest.raises(JobError, match="this process runs no job"):
        import_model.run("/nowhere", "x")


LEGACY = {
    "keras1.2.1_rgb2yuv_66x200.h5": ImportOptions(
        "behavioral-cloning", crop=(60, 25), color="yuv", interpolation="area"
    ),
    "keras2.4.0_66x200.h5": ImportOptions(
        "nicholas", "x/255", crop=(60, 25), color="yuv", interpolation="area"
    ),
}


@pytest.mark.parametrize("name", LEGACY)
def test_old_models_of_other_people_drive(tmp_path: Path, settings: Settings, name: str) -> None:
    """The steering for 100 real pictures is that of NumPy for what the authors' OpenCV made."""
    source = samples.shared("data", "legacy-models", name)
    paths = sorted(samples.shared("data", "lake", "IMG").glob("center_*.jpg"))[::15][:100]
    pictures = [preprocess.decode(path.read_bytes()) for path in paths]
    assert len(pictures) == 100
    parts = [
        cv2.resize(picture[60:-25], (200, 66), interpolation=cv2.INTER_AREA) for picture in pictures
    ]
    frames = np.stack([cv2.cvtColor(part, cv2.COLOR_RGB2YUV) for part in parts])
    found = imported(settings, source, LEGACY[name])
    registry = Registry(settings.model_dir)
    _, network = import_model.load_network(source, LEGACY[name])
    expected = numpy_backend.predict(network, frames)[:, 0]
    assert expected.std() > 0.01
    _, steer = load_version.load(registry, found["version"])
    answers = np.array([steer(picture) for picture in pictures])
    assert np.abs(answers - expected.clip(-1, 1)).max() <= 1e-4
    published = reader.read(registry.path(found["version"]) / H5).network
    reread = numpy_backend.predict(published, frames)[:, 0]
    assert np.abs(reread - expected).max() <= 1e-4
