import math
from pathlib import Path

import av
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure

from contract.errors import SettingError
from simulator.track.geometry import Track
from simulator.viz import track_plot

NONE = np.empty((0, 2))


def ellipse(across_m: float = 100.0, up_m: float = 60.0) -> Track:
    turn = np.linspace(0, 2 * math.pi, 800, endpoint=False)
    points = np.column_stack([across_m * np.cos(turn), up_m * np.sin(turn), 0 * turn])
    return Track("oval", "lake", True, points, np.full(800, 8.0))


def lap_path(track: Track, lateral_m: float) -> np.ndarray:
    """Return the positions of a lap at an offset from the centre line."""
    across = np.column_stack([-np.sin(track.heading_rad), np.cos(track.heading_rad)])
    return track.points[:, :2] + lateral_m * across


def axes() -> Axes:
    return Figure().subplots()


def read_png(path: Path) -> np.ndarray:
    with av.open(str(path)) as file:
        return next(file.decode(video=0)).to_ndarray(format="rgb24")


def drawn(path: Path, lateral_m: float, interventions: np.ndarray = NONE) -> np.ndarray:
    track = ellipse()
    line = lap_path(track, lateral_m)
    errors = np.full(len(line), lateral_m)
    track_plot.draw_track_plot(path, track, line, errors, interventions, "A lap")
    return read_png(path)


def test_each_piece_of_the_path_has_the_colour_of_its_error() -> None:
    chart = axes()
    path = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    track_plot.draw_path(chart, [path], [np.array([0.0, 0.0, 1.0, 2.0])], 2.0)
    (lines,) = [each for each in chart.collections if isinstance(each, LineCollection)]
    lines.update_scalarmappable()
    luminance = lines.get_colors()[:, :3] @ [0.2126, 0.7152, 0.0722]  # of sRGB, by ITU-R BT.709
    assert len(luminance) == 3
    assert luminance[0] < luminance[1] < luminance[2]
    bar = chart.figure.axes[1]
    assert (bar.get_ylabel(), bar.get_ylim()) == ("m off the line", (0.0, 2.0))


def test_a_car_that_was_put_back_leaves_a_gap(tmp_path: Path) -> None:
    chart = axes()
    parts = [np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[50.0, 0.0], [51.0, 0.0]])]
    track_plot.draw_path(chart, parts, [np.zeros(2), np.zeros(2)], 1.0)
    (lines,) = [each for each in chart.collections if isinstance(each, LineCollection)]
    assert [piece.tolist() for piece in lines.get_segments()] == [part.tolist() for part in parts]


def test_interventions_are_marked_where_they_were() -> None:
    chart, none = axes(), axes()
    places = np.array([[0.0, 64.0], [-104.0, 0.0]])
    track_plot.draw_interventions(chart, places)
    track_plot.draw_interventions(none, NONE)
    (crosses,) = [each for each in chart.collections if isinstance(each, PathCollection)]
    assert np.asarray(crosses.get_offsets()).tolist() == places.tolist()
    assert not none.collections


def test_the_road_has_its_width_and_both_axes_have_one_scale() -> None:
    chart = axes()
    track_plot.draw_road(chart, ellipse(50.0, 50.0))
    corners = np.concatenate([patch.get_xy() for patch in chart.patches])
    radii = np.hypot(*corners.T)
    assert (radii.min(), radii.max()) == pytest.approx((46.0, 54.0), abs=0.05)
    assert chart.get_aspect() == 1.0


@pytest.mark.parametrize(("across_m", "up_m"), [(300.0, 20.0), (20.0, 300.0), (15.0, 15.0)])
def test_any_track_fits(tmp_path: Path, across_m: float, up_m: float) -> None:
    track = ellipse(across_m, up_m)
    path = tmp_path / "drive.png"
    track_plot.draw_track_plot(path, track, lap_path(track, 0.0), np.zeros(800), NONE, "A lap")
    image = read_png(path)
    assert image.shape[1] == 1600
    assert 600 < image.shape[0] <= 1600
    for border in (image[:, :4], image[:, -4:], image[:4], image[-4:]):
        assert (border == 255).all()


def test_a_drive_without_observations_shows_only_the_track(tmp_path: Path) -> None:
    path = tmp_path / "drive.png"
    track_plot.draw_track_plot(path, ellipse(), NONE, np.empty(0), NONE, "Nothing")
    assert (read_png(path) == [0xD8, 0xDD, 0xE3]).all(axis=2).sum() > 5000


def test_a_path_needs_an_error_for_each_point(tmp_path: Path) -> None:
    line = lap_path(ellipse(), 0.0)
    with pytest.raises(SettingError, match="one lateral error: got 800 points and 3 errors"):
        track_plot.draw_track_plot(tmp_path / "x.png", ellipse(), line, np.zeros(3), NONE, "A lap")


def test_equal_drives_give_equal_files_and_nothing_else(tmp_path: Path) -> None:
    drawn(tmp_path / "one.png", 0.7)
    drawn(tmp_path / "two.png", 0.7)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["one.png", "two.png"]


def test_the_edges_are_half_a_width_from_the_centre_line() -> None:
    left, right = track_plot.road_edges(ellipse(50.0, 50.0))
    assert len(left) == len(right) == 801
    assert np.hypot(*left.T) == pytest.approx(46.0, abs=0.01)
    assert np.hypot(*right.T) == pytest.approx(54.0, abs=0.01)


@pytest.mark.parametrize(("value", "end"), [(0.0, 0.5), (0.5, 0.5), (0.51, 1), (3.0, 4), (9.0, 16)])
def test_the_bar_ends_at_a_round_number(value: float, end: float) -> None:
    assert track_plot.round_up_limit(value) == end
