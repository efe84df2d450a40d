"""The fit is held against poses that the renderer was given, and against the real recordings."""

import numpy as np
import pytest
from support.data import samples, unity_cameras

from contract.errors import RecordingError
from contract.vehicle import CAMERA_NAMES
from simulator.calibration.camera_fit import CameraFit, camera_rotation, fit_camera
from simulator.calibration.moments import Moment, read_moments
from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera
from simulator.rendering.scene_preset import CameraPose, ScenePreset
from simulator.track.builtin import lake

MOMENTS = 10


def rendered(pose: CameraPose) -> list[Moment]:
    """Return what three cameras in a pose see at several places of the lake's straights."""
    found = []
    with Camera(lake(), Appearance(preset=ScenePreset(pose))) as camera:
        for station_m in np.linspace(5.0, 55.0, MOMENTS):
            at = lake().pose_at(float(station_m), 0.3)
            found.append(tuple(camera.render(at, side) for side in CAMERA_NAMES))
    return found


def assert_pose(fit: CameraFit, height_m: float, pitch_deg: float, roll_deg: float) -> None:
    """Assert a pose within 0.02 m, 0.3 and 0.15 degrees: the bounds that the docs state."""
    assert fit.pose.height_m == pytest.approx(height_m, abs=0.02)
    assert fit.pose.pitch_down_deg == pytest.approx(pitch_deg, abs=0.3)
    assert fit.pose.roll_counterclockwise_deg == pytest.approx(roll_deg, abs=0.15)


@pytest.mark.parametrize(
    ("height_m", "pitch_deg", "roll_deg"),
    [(1.2, 9.5, 1.2), (1.35, 8.0, -1.0), (1.1, 10.5, 3.0)],
    ids=["as the prefab's", "higher, rolled clockwise", "lower, rolled more"],
)
def test_a_pose_is_found_from_the_images_alone(
    height_m: float, pitch_deg: float, roll_deg: float
) -> None:
    pose = CameraPose(0.72, pitch_deg, roll_deg, height_m)
    fit = fit_camera(rendered(pose))
    assert_pose(fit, height_m, pitch_deg, roll_deg)
    assert fit.moments == MOMENTS
    assert 0 < fit.margins["height_m"] < 0.02
    assert fit.correlation > 0.9


@pytest.mark.parametrize(
    "start",
    [CameraPose(height_m=1.0), CameraPose(pitch_down_deg=12.0, height_m=1.4)],
    ids=["lower", "higher and steeper"],
)
def test_the_pose_does_not_depend_on_the_start(start: CameraPose) -> None:
    moments = rendered(CameraPose())
    one, other = fit_camera(moments), fit_camera(moments, start)
    assert other.pose.height_m == pytest.approx(one.pose.height_m, abs=0.002)
    assert other.pose.pitch_down_deg == pytest.approx(one.pose.pitch_down_deg, abs=0.03)


def test_real_cameras_stand_alike_in_the_recordings_of_two_drivers() -> None:
    """The roll is the prefab's, seen from behind; the car's springs change height and pitch."""
    fits = [
        fit_camera(read_moments(samples.shared("data", name), 16)) for name in ("lake", "lake-3")
    ]
    for fit in fits:
        assert fit.pose.roll_counterclockwise_deg == pytest.approx(1.2, abs=0.2)
        assert_pose(fit, fits[0].pose.height_m, fits[0].pose.pitch_down_deg, 1.12)


def test_the_rotation_is_that_of_unitys_prefab() -> None:
    pitch, yaw, roll = unity_cameras.ANGLES_DEG
    down = np.diag([1.0, -1.0, 1.0])
    found = camera_rotation(CameraPose(yaw, pitch, roll))
    assert found == pytest.approx(down @ unity_cameras.rotation() @ down)


def test_too_few_moments_are_refused() -> None:
    blank = tuple(np.zeros((160, 320, 3), np.uint8) for _ in range(3))
    with pytest.raises(RecordingError, match="too few moments"):
        fit_camera([blank] * 7)


def test_images_without_texture_are_refused() -> None:
    blank = tuple(np.full((160, 320, 3), 90, np.uint8) for _ in range(3))
    with pytest.raises(RecordingError, match="cannot be aligned on level ground"):
        fit_camera([blank] * 8)


def test_images_that_do_not_belong_together_are_refused() -> None:
    noise = np.random.default_rng(1)
    moments = [
        tuple(noise.integers(0, 256, (160, 320, 3), np.uint8) for _ in range(3)) for _ in range(8)
    ]
    with pytest.raises(RecordingError, match="cannot be aligned on level ground"):
        fit_camera(moments)


def test_exchanged_cameras_are_refused() -> None:
    """Columns of another order: the left image is then taken for the right one."""
    moments = [(centre, right, left) for centre, left, right in rendered(CameraPose())]
    with pytest.raises(RecordingError, match="cannot be aligned on level ground"):
        fit_camera(moments)
