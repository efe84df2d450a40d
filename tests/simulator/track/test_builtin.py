import numpy as np
import pytest

from contract.errors import SettingError
from simulator.track.builtin import NAMES, built_in
from simulator.track.geometry import Track


@pytest.fixture(params=NAMES)
def track(request: pytest.FixtureRequest) -> Track:
    return built_in(request.param)


def test_lake_is_what_the_real_one_is() -> None:
    lake = built_in("lake")
    assert lake.length_m == pytest.approx(1140, abs=20)
    assert 1 / np.abs(lake.curvature).max() == pytest.approx(21, abs=1)
    assert set(lake.width_m) == {8.0}
    assert lake.curvature.max() > 0.02
    assert lake.curvature.min() < -0.02
    assert {each.kind for each in lake.stretches} == {"bridge", "water", "dirt", "kerb"}


def test_jungle_is_steep_and_has_hairpins() -> None:
    jungle = built_in("jungle")
    assert np.abs(jungle.grade).max() == pytest.approx(0.1, abs=0.002)
    assert 1 / np.abs(jungle.curvature).max() == pytest.approx(12, abs=0.5)
    assert jungle.lane_m < 0
    assert {each.kind for each in jungle.stretches} == {"shade"}


def test_no_kerb_stands_before_the_dirt_road() -> None:
    lake = built_in("lake")
    dirt = next(each for each in lake.stretches if each.kind == "dirt")
    for kerb in (each for each in lake.stretches if each.kind == "kerb"):
        assert kerb.to_m < dirt.from_m or kerb.from_m > dirt.to_m or kerb.to_m < kerb.from_m


def test_the_end_meets_the_start(track: Track) -> None:
    gap = np.hypot(*(track.points[0] - track.points[-1])[:2])
    assert gap == pytest.approx(track.step_m, abs=0.01)
    assert track.points[0, 2] == pytest.approx(track.points[-1, 2], abs=0.06)


def test_the_curvature_never_leaps(track: Track) -> None:
    """A steering wheel follows it: full lock takes a second at least at 15 mph."""
    change = np.abs(np.diff(track.curvature)).max() / track.step_m
    assert change < 0.02


def test_no_part_runs_into_another(track: Track) -> None:
    places = track.points[::4, :2]
    away = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    index = np.arange(len(places))
    along = np.abs(index[:, None] - index[None])
    along = np.minimum(along, len(places) - along) * 4 * track.step_m
    assert away[along > 45].min() > track.width_m.max() + 6


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(SettingError, match="lake and jungle"):
        built_in("moon")
