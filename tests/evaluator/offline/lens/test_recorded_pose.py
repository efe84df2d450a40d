"""Measures the pose of cameras that our renderer placed, and of those of real recordings."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from support.data import roads, samples

from contract.frames import preprocess
from contract.vehicle import CAMERA_NAMES
from evaluator.offline import logged_drive
from evaluator.offline.lens.recorded_pose import REAL, measure_pose
from evaluator.offline.logged_drive import LoggedDrive
from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera
from simulator.rendering.scene_preset import CameraPose, ScenePreset

ROWS = 12


@dataclasses.dataclass(frozen=True)
class SeenDrive(LoggedDrive):
    """Rows of a straight drive, with the images of three cameras."""

    images: tuple[tuple[np.ndarray, ...], ...] = ()

    @property
    def camera_count(self) -> int:
        return len(self.images[0])

    def image(self, row: int, camera: int) -> np.ndarray:
        return self.images[row][camera]


def drive(images: list[tuple[np.ndarray, ...]], mps: float = 9.0) -> SeenDrive:
    count = len(images)
    return SeenDrive(
        name="seen",
        time_s=np.arange(count) / 15,
        steering=np.zeros(count),
        speed_mps=np.full(count, mps),
        segment=np.zeros(count, np.int64),
        image_paths=(),
        left_out=0,
        nominal=False,
        row_numbers=np.arange(count),
        images=tuple(images),
    )


def rendered(pose: CameraPose) -> list[tuple[np.ndarray, ...]]:
    road = roads.straight(300.0)
    with Camera(road, Appearance(preset=ScenePreset(pose))) as camera:
        places = [road.pose_at(30.0 + 15 * row, 0.3) for row in range(ROWS)]
        return [tuple(camera.render(at, side) for side in CAMERA_NAMES) for at in places]


@pytest.fixture(scope="module")
def higher() -> list[tuple[np.ndarray, ...]]:
    return rendered(CameraPose(0.72, 8.0, -0.6, 1.3))


def test_the_pose_is_that_which_the_renderer_was_given(
    higher: list[tuple[np.ndarray, ...]],
) -> None:
    found = measure_pose(drive(higher))
    assert found.pose.height_m == pytest.approx(1.3, abs=0.02)
    assert found.pose.pitch_down_deg == pytest.approx(8.0, abs=0.3)
    assert found.pose.roll_counterclockwise_deg == pytest.approx(-0.6, abs=0.15)
    assert found.known_from == "its own pictures"
    assert str(found).endswith("° down, by its own pictures")


def test_frames_of_a_store_tell_the_same_pose(higher: list[tuple[np.ndarray, ...]]) -> None:
    stored = [tuple(preprocess.resize(image) for image in row) for row in higher]
    found = measure_pose(drive(stored)).pose
    assert found.height_m == pytest.approx(1.3, abs=0.03)
    assert found.pitch_down_deg == pytest.approx(8.0, abs=0.4)
    assert found.roll_counterclockwise_deg == pytest.approx(-0.6, abs=0.2)


NOISE = np.random.default_rng(1).integers(0, 256, (ROWS, 3, 160, 320, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("unfit", "reason"),
    [
        pytest.param(drive([tuple(row) for row in NOISE]), "cannot be aligned", id="noise"),
        pytest.param(drive([tuple(row[:1]) for row in NOISE]), "one camera", id="one camera"),
        pytest.param(drive([tuple(row) for row in NOISE], 1.0), "straight on", id="too slow"),
        pytest.param(drive([tuple(row) for row in NOISE[:4]]), "straight on", id="too short"),
        pytest.param(
            drive([tuple(row) for row in NOISE[:, :, ::2, ::2]]), "not the simulator's", id="small"
        ),
    ],
)
def test_a_recording_that_cannot_tell_has_the_real_pose_and_says_why(
    unfit: SeenDrive, reason: str
) -> None:
    found = measure_pose(unfit)
    assert found.pose == REAL
    assert found.known_from.startswith("those of real recordings, since ")
    assert reason in found.known_from
    assert found.document()["known_from"] == found.known_from


@pytest.mark.parametrize("name", ["lake", "lake-3"])
def test_real_recordings_have_the_real_pose(name: str) -> None:
    found = measure_pose(logged_drive.read_folder(Path(samples.shared("data", name))))
    assert found.known_from == "its own pictures"
    assert found.pose.height_m == pytest.approx(REAL.height_m, abs=0.015)
    assert found.pose.pitch_down_deg == pytest.approx(REAL.pitch_down_deg, abs=0.2)
    assert found.pose.roll_counterclockwise_deg == pytest.approx(
        REAL.roll_counterclockwise_deg, abs=0.1
    )
