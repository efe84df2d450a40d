import numpy as np
import pytest

from contract.errors import TrainingError
from contract.train_config import AUTO
from contract.vehicle import CAMERA_LEFT_M
from trainer.data.augmentation.recovery import recovery_steering
from trainer.data.side_cameras import make_labeller

STEERING = np.array([0.0, 0.3], np.float32)
SPEED = np.array([13.4, 6.7], np.float32)


@pytest.mark.parametrize("correction", [AUTO, 0.25])
def test_the_centre_camera_has_the_recorded_steering(correction: float | str) -> None:
    assert (make_labeller(correction, 1.0)(STEERING, "center", SPEED) == STEERING).all()


@pytest.mark.parametrize(("camera", "sign"), [("left", 1), ("right", -1)])
def test_a_constant_is_the_same_at_every_speed(camera: str, sign: int) -> None:
    labels = make_labeller(0.25, 1.0)(STEERING, camera, SPEED)
    np.testing.assert_allclose(labels, STEERING + sign * 0.25, rtol=1e-6)
    assert labels.dtype == np.float32


@pytest.mark.parametrize("camera", ["left", "right"])
def test_by_geometry_the_label_leads_back_from_the_cameras_position(camera: str) -> None:
    labels = make_labeller(AUTO, 1.0)(STEERING, camera, SPEED)
    back = recovery_steering(
        STEERING.astype(float),
        np.full(2, CAMERA_LEFT_M[camera]),
        np.zeros(2),
        SPEED.astype(float),
        1.0,
    )
    np.testing.assert_allclose(labels, back, rtol=1e-6)
    assert labels.dtype == np.float32


def test_by_geometry_the_slower_car_steers_harder() -> None:
    straight = np.zeros(2, np.float32)
    fast, slow = make_labeller(AUTO, 1.0)(straight, "left", SPEED)
    assert 0 < 2 * fast < slow < 0.3


def test_by_geometry_a_speed_that_is_not_known_is_refused() -> None:
    unknown = np.array([13.4, np.nan], np.float32)
    with pytest.raises(TrainingError, match=r"does not say the speed.*1 of 2 rows"):
        make_labeller(AUTO, 1.0)(STEERING, "left", unknown)
    assert (make_labeller(AUTO, 1.0)(STEERING, "center", unknown) == STEERING).all()
