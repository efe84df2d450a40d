import numpy as np
import pytest

from contract.vehicle import (
    CAMERA_NAMES,
    CAMERA_PITCH_DOWN_DEG,
    CAMERA_ROLL_COUNTERCLOCKWISE_DEG,
    CAMERA_YAW_RIGHT_DEG,
)
from simulator.rendering.appearance import PRESETS
from simulator.rendering.hood import build_hood, hood_middle
from simulator.rendering.randomization import SceneLook
from simulator.rendering.scene_preset import CameraPose

LOOK = SceneLook(PRESETS["clear"])


@pytest.mark.parametrize(
    ("pose", "right_px", "down_px"),
    [
        (CameraPose(), 0, 0),
        (CameraPose(yaw_right_deg=CAMERA_YAW_RIGHT_DEG + 1), -2.4, 0),
        (CameraPose(pitch_down_deg=CAMERA_PITCH_DOWN_DEG + 1), 0.05, -2.4),
        (CameraPose(roll_counterclockwise_deg=CAMERA_ROLL_COUNTERCLOCKWISE_DEG + 1), -1.6, 0),
    ],
    ids=["real", "yaw", "pitch", "roll"],
)
def test_the_hood_moves_against_the_cameras(
    pose: CameraPose, right_px: float, down_px: float
) -> None:
    """A degree is 2.42 pixels; the hood's middle is 91 below the middle of the picture."""
    (x, y), (real_x, real_y) = hood_middle("center", pose), hood_middle("center", CameraPose())
    assert x - real_x == pytest.approx(right_px, abs=0.1)
    assert y - real_y == pytest.approx(down_px, abs=0.1)


@pytest.mark.parametrize("side", CAMERA_NAMES)
def test_a_hood_covers_its_place_and_nothing_else(side: str) -> None:
    """A pixel of the hood is the same over black and over white; one beside it stays as it is."""
    hood, covered = build_hood(side, LOOK), []
    for value in (0, 255):
        picture = np.full((160, 320, 3), value, np.uint8)
        hood.draw_over(picture)
        covered.append(picture)
    over_black, over_white = covered
    middle = round(hood_middle(side, LOOK.camera)[0])
    assert (over_black[150:, middle] == over_white[150:, middle]).all()
    assert over_black[150:, middle].min() > 0
    # The outermost ellipse of the hood is 33 rows high at its middle, at row 169 to 173.
    away = middle + (-110 if middle > 160 else 110)
    for row, column in ((134, middle), (159, away)):
        assert (over_black[row, column] == 0).all()
        assert (over_white[row, column] == 255).all()
    # The rim is mixed: its share of the picture is the same for each of the colours.
    share = (over_white.astype(int) - over_black) / 255
    assert (np.ptp(share, axis=2) <= 1 / 255).all()
    assert ((share > 0.1) & (share < 0.9)).any()
