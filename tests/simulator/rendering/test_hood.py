import numpy as np
import pytest

from contract.vehicle import CAMERA_NAMES
from simulator.rendering.appearance import PRESETS
from simulator.rendering.hood import build_hood, hood_middle


@pytest.mark.parametrize("side", CAMERA_NAMES)
def test_a_hood_covers_its_place_and_nothing_else(side: str) -> None:
    """A pixel of the hood is the same over black and over white; one beside it stays as it is."""
    hood, covered = build_hood(side, PRESETS["clear"]), []
    for value in (0, 255):
        picture = np.full((160, 320, 3), value, np.uint8)
        hood.draw_over(picture)
        covered.append(picture)
    over_black, over_white = covered
    middle = round(hood_middle(side)[0])
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
