import math
from pathlib import Path

import numpy as np
import pytest

from contract.errors import SettingError
from contract.vehicle import ROW_HZ
from simulator.drivers.expert import DrivingStyle, Expert
from simulator.track.csv_file import read_track
from simulator.track.geometry import Track
from simulator.world import World

BRANDS_HATCH = Path(__file__).with_name("brands_hatch.csv")


def write_csv(folder: Path, *lines: str) -> Path:
    path = folder / "mine.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def ring(radius: float = 50.0, count: int = 24, extra: str = "") -> list[str]:
    return [
        f"{radius * math.cos(angle):.3f},{radius * math.sin(angle):.3f}{extra}"
        for angle in np.linspace(0, 2 * math.pi, count, endpoint=False)
    ]


def test_seventy_points_of_a_real_circuit_load_and_the_expert_drives_them() -> None:
    track = read_track(BRANDS_HATCH)
    assert track.closed
    assert track.length_m == pytest.approx(
        3908, abs=40
    )  # The published length of the Grand Prix circuit.
    world, expert = World(track), Expert(track, DrivingStyle(mph=25), seed=1)
    frame, largest_offset_m, last_station_m, distance_m = 0, 0.0, 0.0, 0.0
    while distance_m < track.length_m:
        frame += 1
        assert frame < 400 * ROW_HZ, f"only {distance_m:.0f} m in 400 s"
        world.steering, world.throttle = expert.command(world)
        for position in world.advance_to(frame / ROW_HZ):
            largest_offset_m = max(largest_offset_m, abs(position.lateral_m))
        distance_m += math.remainder(world.position.station_m - last_station_m, track.length_m)
        last_station_m = world.position.station_m
    assert largest_offset_m < 1.5


def test_the_columns_may_be_named_in_any_order(tmp_path: Path) -> None:
    lines = [line.replace(",", ";") for line in ring(extra=",9,0.5")]
    track = read_track(write_csv(tmp_path, "y_m;x_m;width;z", *lines))
    assert track.width_m == pytest.approx(np.full(len(track.points), 9.0))
    assert track.points[:, 2] == pytest.approx(np.full(len(track.points), 0.5))
    assert track.points[0, :2] == pytest.approx((0.0, 50.0), abs=0.01)


def test_a_comment_may_name_the_columns_and_each_side_may_have_a_width(tmp_path: Path) -> None:
    track = read_track(
        write_csv(tmp_path, "# x_m,y_m,w_tr_right_m,w_tr_left_m", *ring(extra=",4.5,5.5"))
    )
    assert track.width_m == pytest.approx(np.full(len(track.points), 10.0))


def test_the_third_and_fourth_columns_are_height_and_width(tmp_path: Path) -> None:
    track = read_track(write_csv(tmp_path, *ring(extra=",2.0,7")))
    assert (track.points[0, 2], track.width_m[0]) == pytest.approx((2.0, 7.0))


def test_an_open_road_stays_open(tmp_path: Path) -> None:
    track = read_track(write_csv(tmp_path, "x,y", "0,0", "50,0", "100,20", "150,60"))
    assert not track.closed
    assert track.points[-1, :2] == pytest.approx((150, 60))


def test_a_repeated_first_point_closes_the_road(tmp_path: Path) -> None:
    lines = ring()
    assert read_track(write_csv(tmp_path, *lines, lines[0])).length_m == pytest.approx(
        2 * math.pi * 50, rel=0.01
    )


def figure_eight() -> list[str]:
    return [
        f"{80 * math.sin(angle):.2f},{80 * math.sin(angle) * math.cos(angle):.2f}"
        for angle in np.linspace(0, 2 * math.pi, 40, endpoint=False)
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["0,0", "50,0", "50,50"], "too few points: got 3"),
        ([*ring(), "nan,3"], "line 25 .* x is not a finite number: got nan"),
        ([*ring(), "5,a"], "line 25 .* is not a point: got 5,a"),
        ([*ring(), "5,6,7"], "line 25 .* is not a point"),
        (["1"] * 9, "is not a track: got 1 columns"),
        (["lat,x", *ring()], "no columns x and y: got lat,x"),
        (figure_eight(), r"runs into itself: got at \d+ m .* and at \d+ m"),
        (["0,0", "100,0", "102,2", "100,4", "0,30"], "too tight: got [0-9.]+ m radius.*7 m"),
        (ring(radius=2.0), "too short: got 12.5 m.*degrees or kilometres"),
        (ring(extra=",0,2"), "line 1 .*width of the road is impossible: got 2 m"),
        ([*ring()[:5], ring()[4], *ring()[5:]], "points 5 and 6 are in the same place"),
        (["x,y,z", "0,0,0", "100,0,0", "200,0,50", "300,0,50"], "too steep: got [0-9]+%"),
        ([], "is not a track: got 0 columns"),
    ],
    ids=[
        "three",
        "nan",
        "word",
        "more",
        "one",
        "names",
        "crossing",
        "hairpin",
        "degrees",
        "narrow",
        "twice",
        "steep",
        "empty",
    ],
)
def test_a_road_that_no_car_can_drive_is_refused_with_the_reason(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        read_track(write_csv(tmp_path, *lines))


def test_a_bend_that_is_too_tight_is_named_with_its_place(tmp_path: Path) -> None:
    turn = [(100 + 2 * math.sin(a), 2 - 2 * math.cos(a)) for a in np.linspace(0, math.pi, 7)]
    points = [(0, 0), (50, 0), *turn, (50, 4), (0, 40)]
    with pytest.raises(SettingError, match=r"bend at 10\d m \(x 10\d, y \d\) is too tight"):
        read_track(write_csv(tmp_path, *(f"{x},{y}" for x, y in points)))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"cannot be read.*gone\.csv"):
        read_track(tmp_path / "gone.csv")


def are_equal(one: Track, other: Track) -> bool:
    return bool((one.points == other.points).all())


def test_equal_files_give_equal_tracks() -> None:
    assert are_equal(read_track(BRANDS_HATCH), read_track(BRANDS_HATCH))
