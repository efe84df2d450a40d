import math
from pathlib import Path

import av
import numpy as np
import pytest

from contract.errors import SettingError
from simulator.track.geometry import Track
from simulator.viz.colormap import map_colours, round_up_limit
from simulator.viz.map_projection import MapProjection, fit_projection, road_edges
from simulator.viz.track_plot import CROSS, PAPER, ROAD, draw_track_plot, write_png

NONE = np.empty((0, 2))


def ellipse(across_m: float = 100.0, up_m: float = 60.0) -> Track:
    turn = np.linspace(0, 2 * math.pi, 800, endpoint=False)
    points = np.column_stack([across_m * np.cos(turn), up_m * np.sin(turn), 0 * turn])
    return Track("oval", "lake", True, points, np.full(800, 8.0))


def lap_path(track: Track, lateral_m: float) -> np.ndarray:
    """Return the positions of a lap at an offset from the centre line."""
    across = np.column_stack([-np.sin(track.heading_rad), np.cos(track.heading_rad)])
    return track.points[:, :2] + lateral_m * across


def picture(lateral_m: float, interventions: np.ndarray = NONE) -> np.ndarray:
    track = ellipse()
    errors = np.full(len(track.points), lateral_m)
    errors[:10] = 2.0  # The colour bar then ends at 2 m.
    return draw_track_plot(track, lap_path(track, lateral_m), errors, interventions, "A lap")


def count(image: np.ndarray, colour: tuple[int, int, int], tolerance: int = 12) -> int:
    """Return the number of pixels of about a colour, without the colour bar."""
    return int((np.abs(image[:, :1000].astype(int) - colour).max(axis=2) <= tolerance).sum())


@pytest.mark.parametrize("lateral_m", [0.0, 1.0, 1.6])
def test_the_line_has_the_colour_of_its_error(lateral_m: float) -> None:
    colour = tuple(int(part) for part in map_colours(np.array([lateral_m / 2]))[0])
    others = [
        tuple(int(part) for part in map_colours(np.array([share]))[0])
        for share in (0.0, 0.5, 0.8)
        if share != lateral_m / 2
    ]
    image = picture(lateral_m)
    assert count(image, colour) > 2000
    assert all(count(image, other) < 200 for other in others)


def test_the_colour_bar_shows_all_colours() -> None:
    bar = picture(0.0)[:, 1050:1150].reshape(-1, 3)
    for colour in map_colours(np.linspace(0, 1, 9)):
        assert (np.abs(bar.astype(int) - colour).max(axis=1) <= 3).any()


def test_interventions_are_marked_with_crosses() -> None:
    points = np.array([[0.0, 64.0], [-104.0, 0.0]])
    without, with_two = count(picture(0.0), CROSS), count(picture(0.0, points), CROSS)
    assert with_two - without > 100


@pytest.mark.parametrize(("across_m", "up_m"), [(300.0, 20.0), (20.0, 300.0), (15.0, 15.0)])
def test_any_track_fits(across_m: float, up_m: float) -> None:
    track = ellipse(across_m, up_m)
    image = draw_track_plot(track, lap_path(track, 0.0), np.zeros(800), NONE, "A lap")
    assert image.shape[1] == 1200
    assert 500 < image.shape[0] < 1500
    assert count(image, ROAD) > 500
    assert (image[:, :40] == PAPER).all()


def test_a_car_that_was_put_back_leaves_a_gap() -> None:
    track = ellipse()
    before, after = lap_path(track, 0.0)[:400], lap_path(track, 20.0)[400:]
    bridge = np.linspace(before[-1], after[0], 30)  # A car could drive these steps of 0.7 m.
    colour = tuple(int(part) for part in map_colours(np.zeros(1))[0])

    def inked(line: np.ndarray) -> int:
        return count(draw_track_plot(track, line, np.zeros(len(line)), NONE, "A lap"), colour)

    driven, put_back = np.concatenate([before, bridge, after]), np.concatenate([before, after])
    assert inked(driven) - inked(put_back) > 150


def test_a_drive_without_observations_shows_only_the_track() -> None:
    image = draw_track_plot(ellipse(), NONE, np.empty(0), NONE, "Nothing")
    assert count(image, ROAD) > 5000


def test_a_path_needs_an_error_for_each_point() -> None:
    with pytest.raises(SettingError, match="one lateral error: got 800 points and 3 errors"):
        draw_track_plot(ellipse(), lap_path(ellipse(), 0.0), np.zeros(3), NONE, "A lap")


def test_equal_drives_give_equal_pictures() -> None:
    assert (picture(0.7) == picture(0.7)).all()


def test_a_png_holds_the_picture(tmp_path: Path) -> None:
    image = picture(0.5)
    path = tmp_path / "drive.png"
    write_png(path, image)
    with av.open(str(path)) as file:
        read = next(file.decode(video=0)).to_ndarray(format="rgb24")
    assert (read == image).all()
    assert [entry.name for entry in tmp_path.iterdir()] == ["drive.png"]


def test_north_is_up_and_both_axes_have_one_scale() -> None:
    projection = MapProjection(left_m=10.0, top_m=50.0, x=100.0, y=200.0, scale=2.0)
    pixels = projection.pixels(np.array([[10.0, 50.0], [20.0, 50.0], [10.0, 40.0]]))
    assert pixels.tolist() == [[100, 200], [120, 200], [100, 220]]


def test_a_projection_is_as_large_as_its_space_allows() -> None:
    projection, height = fit_projection(
        np.array([[0.0, 0.0], [100.0, 50.0]]), 1000, (100, 2000), margin_px=50
    )
    assert projection.scale == pytest.approx(9.0)
    assert height == 550
    assert projection.pixels(np.array([[0.0, 50.0]]))[0] == pytest.approx([50, 50])


def test_the_edges_are_half_a_width_from_the_centre_line() -> None:
    track = ellipse(50.0, 50.0)
    left, right = road_edges(track)
    assert len(left) == len(right) == 801
    assert np.hypot(*left.T) == pytest.approx(46.0, abs=0.01)
    assert np.hypot(*right.T) == pytest.approx(54.0, abs=0.01)


@pytest.mark.parametrize(("value", "end"), [(0.0, 0.5), (0.5, 0.5), (0.51, 1), (3.0, 4), (9.0, 16)])
def test_the_bar_ends_at_a_round_number(value: float, end: float) -> None:
    assert round_up_limit(value) == end
