import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.data import models

from contract.dataset import store, store_catalog
from contract.frames.preprocess import Frame
from contract.frames.spec import FrameSpec
from evaluator.offline import log_replay_eval
from evaluator.offline.lens.recorded_pose import REAL
from evaluator.offline.log_replay_eval import Floats, Steer
from evaluator.offline.stored_drive import StoredDrive, select_rows
from ingest.job import import_source
from ingest.settings import Settings


@contextmanager
def opened(data: Path, name: str, piece_s: float | None) -> Iterator[StoredDrive]:
    [manifest] = [
        each for each in store_catalog.read_manifests(data) if each.dataset.startswith(name)
    ]
    with store.open_store(data, manifest) as reader:
        made = select_rows(name, reader, np.ones(manifest.rows, bool), piece_s)
        assert made is not None
        yield made


@pytest.fixture(scope="module")
def drive(data: Path) -> Iterator[StoredDrive]:
    """Yield the recording with one camera, in four pieces of about 4 s."""
    with opened(data, "long", 4.0) as made:
        yield made


@pytest.fixture(scope="module")
def three(data: Path) -> Iterator[StoredDrive]:
    """Yield the recording with three cameras, in one piece."""
    with opened(data, "short", None) as made:
        yield made


@pytest.fixture(scope="module")
def on_asphalt(tmp_path_factory: pytest.TempPathFactory, asphalt: Path) -> Iterator[StoredDrive]:
    """Yield a recording of our simulator's, as a store keeps it."""
    folder = tmp_path_factory.mktemp("stored")
    import_source(Settings(data_dir=folder), asphalt, None, 0.0, lambda **_: None)
    with opened(folder, "asphalt", None) as made:
        yield made


def kept_percent(drive: StoredDrive, steer: Steer | None) -> Floats:
    left_m = log_replay_eval.replay_stored(drive, steer, 3.0, REAL).left_m
    return log_replay_eval.path_keeping_percent(drive, left_m)


class RecordedSteering:
    """Steers as recorded, with a constant error, and keeps the frames that it is given."""

    def __init__(self, drive: StoredDrive, error: float = 0.0) -> None:
        self.steering = iter(np.clip(drive.steering + error, -1, 1).tolist())
        self.frames: list[Frame] = []

    def __call__(self, frame: Frame) -> float:
        self.frames.append(frame)
        return float(next(self.steering))


def test_the_recorded_steering_keeps_to_the_path(drive: StoredDrive) -> None:
    driver = RecordedSteering(drive)
    kept = kept_percent(drive, driver)
    assert kept.tolist() == [100.0] * 4
    assert [frame.shape for frame in driver.frames] == [(128, 128, 3)] * 252
    # On the path nothing is warped: the network gets the pixels of the store.
    assert np.array_equal(driver.frames[7], drive.image(7, 0))


def test_a_steering_error_lowers_the_score_of_each_piece(drive: StoredDrive) -> None:
    """By definition, offsets beyond 3 m count as 3 m."""
    error = 0.1
    kept = kept_percent(drive, RecordedSteering(drive, error))
    left_m = np.abs(
        log_replay_eval.replay_stored(drive, RecordedSteering(drive, error), 3.0, REAL).left_m
    )
    expected = [
        100 * (1 - np.minimum(left_m[drive.segment == piece], 3).mean() / 3) for piece in range(4)
    ]
    assert kept == pytest.approx(expected)
    assert (kept < 95).all()
    assert (kept_percent(drive, RecordedSteering(drive, 0.3)) < kept).all()


def test_without_a_model_the_steering_is_zero(drive: StoredDrive) -> None:
    blind = kept_percent(drive, None)
    assert blind == pytest.approx(kept_percent(drive, lambda frame: 0.0))
    assert blind.mean() > 50  # this score alone looks like good driving


@pytest.mark.parametrize(
    ("block_s", "expected"),
    [
        pytest.param(4.0, [10.0, 20.0, 40.0, 80.0], id="a piece each"),
        pytest.param(9.0, [15.0, 60.0], id="two pieces each"),
        pytest.param(60.0, [37.5], id="longer than the recording"),
    ],
)
def test_pieces_of_a_block_have_one_score(
    drive: StoredDrive, block_s: float, expected: list[float]
) -> None:
    """The recording lasts 16.8 s and has four pieces; their scores are made up."""
    scores = np.array([10.0, 20.0, 40.0, 80.0])
    assert log_replay_eval.mean_by_block(drive, scores, block_s).tolist() == expected


def test_a_block_without_a_piece_is_left_out(drive: StoredDrive) -> None:
    """As in the rows that validate a version, which are short stretches with much between them."""
    kept = drive.segment != 1
    gap = dataclasses.replace(
        drive,
        time_s=drive.time_s[kept],
        segment=np.unique(drive.segment[kept], return_inverse=True)[1].astype(np.int64),
    )
    scores = np.array([10.0, 40.0, 80.0])
    assert log_replay_eval.mean_by_block(gap, scores, 4.0).tolist() == [10.0, 40.0, 80.0]


def test_the_document_has_both_limits_and_the_path_quality(drive: StoredDrive) -> None:
    document, drives = log_replay_eval.evaluate_replays(drive, lambda frame: 0.5)
    assert [each["limit_m"] for each in document["drives"]] == [1.0, 3.0]
    assert [each.limit_m for each in drives] == [1.0, 3.0]
    near, far = document["drives"]
    assert near["autonomy_percent"] < far["autonomy_percent"] < 100
    assert (document["dataset"], document["rows"], document["cameras"]) == ("long", 252, 1)
    assert set(document["reference"]) == {"swinging", "slipping", "unfit"}
    assert document["cameras_pose"]["known_from"] == (
        "those of real recordings, since it has one camera"
    )
    json.dumps(document, allow_nan=False)


class Swerving:
    """Steers straight on for some rows of each drive, and then to the right."""

    def __init__(self, rows: int) -> None:
        self.rows, self.shown = rows, 0

    def __call__(self, frame: Frame) -> float:
        self.shown += 1
        return 0.0 if self.shown % self.rows < self.rows // 2 else 0.4


def test_an_evaluation_tells_the_road(on_asphalt: StoredDrive) -> None:
    """The recorded car is 1.2 m to the left of the middle, and the model swerves to the right."""
    rows = len(on_asphalt.time_s)
    document, [_, far] = log_replay_eval.evaluate_replays(on_asphalt, Swerving(rows))
    road = document["road"]
    assert road["found_percent"] > 50
    assert road["width_m"] == pytest.approx(8.0, abs=1.0)
    # Who keeps to one side sees the near line sharply, so it is no road, and the far one blurred.
    assert road["driver_left_m"] == pytest.approx(1.2, abs=0.6)
    assert road["driver_off_road_percent"] == 0.0
    # 3 m to the right of the recorded car is 1.8 m to the right of the middle: no wheel is outside.
    assert far.left_m.min() < -3.0
    assert document["drives"][1]["road"] == {"off_road_percent": 0.0, "times_off_road": 0}
    assert document["cameras_pose"]["pitch_down_deg"] == pytest.approx(9.5, abs=0.3)


def test_a_car_that_swerves_to_the_near_edge_leaves_the_road(on_asphalt: StoredDrive) -> None:
    """3 m to the left of the recorded car is 4.2 m to the left of the middle."""
    swerving = Swerving(len(on_asphalt.time_s))
    document, _ = log_replay_eval.evaluate_replays(on_asphalt, lambda frame: -swerving(frame))
    road = document["drives"][1]["road"]
    assert road["times_off_road"] >= 1
    assert road["off_road_percent"] > 2


def test_open_loop_scores_have_baselines(three: StoredDrive) -> None:
    document = log_replay_eval.score_open_loop(three, lambda frame: 0.0)
    score = document["score"]
    assert score["mse"] == pytest.approx(float(np.mean(three.steering**2)))
    assert score["mse"] == score["mse_zero"]
    assert score["skill"] <= 0
    assert [each["camera"] for each in document["by_camera"]] == ["center", "left", "right"]
    assert sum(each["rows"] for each in document["by_bin"]) == document["rows"] == 60
    json.dumps(document, allow_nan=False)


def test_each_camera_is_scored_on_its_own_frames(three: StoredDrive) -> None:
    frames: list[Frame] = []
    log_replay_eval.score_open_loop(three, lambda frame: float(frames.append(frame) or 0.0))
    assert len(frames) == 180
    for camera in range(3):
        assert np.array_equal(frames[60 * camera + 5], three.image(5, camera))


def test_a_version_with_a_frame_of_its_own_is_told_to_have_seen_less() -> None:
    """A store keeps 128 x 128 pixels, so its frames cannot show what the version drives with."""
    assert log_replay_eval.stored_frames_note(models.manifest("job")) == ""
    frame = FrameSpec(66, 200, "yuv", "area", (60, 25))
    note = log_replay_eval.stored_frames_note(models.manifest("job", frame_spec=frame.document()))
    assert "the store keeps frames of 128 x 128 pixels" in note
    assert "it saw less detail than it does when it drives" in note
