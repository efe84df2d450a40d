import numpy as np
import pytest

from contract.errors import SettingError
from simulator.track.builtin import TRACK_NAMES, builtin_track
from simulator.track.geometry import Track


@pytest.fixture(params=TRACK_NAMES)
def track(request: pytest.FixtureRequest) -> Track:
    return builtin_track(request.param)


def test_lake_has_the_dimensions_of_the_real_track() -> None:
    lake = builtin_track("lake")
    assert lake.length_m == pytest.approx(1140, abs=20)
    assert 1 / np.abs(lake.curvature).max() == pytest.approx(21, abs=1)
    assert set(lake.width_m) == {8.0}
    assert lake.curvature.max() > 0.02
    assert lake.curvature.min() < -0.02
    assert {feature.kind for feature in lake.features} == {"bridge", "water", "dirt", "kerb"}


def test_jungle_is_steep_and_has_hairpins() -> None:
    jungle = builtin_track("jungle")
    assert np.abs(jungle.grade).max() == pytest.approx(0.1, abs=0.002)
    assert 1 / np.abs(jungle.curvature).max() == pytest.approx(12, abs=0.5)
    assert jungle.lane_m < 0
    assert {feature.kind for feature in jungle.features} == {"shade"}


def test_there_is_no_kerb_at_the_dirt_road() -> None:
    lake = builtin_track("lake")
    dirt = next(feature for feature in lake.features if feature.kind == "dirt")
    for kerb in (feature for feature in lake.features if feature.kind == "kerb"):
        assert kerb.to_m < dirt.from_m or kerb.from_m > dirt.to_m or kerb.to_m < kerb.from_m


def test_the_end_meets_the_start(track: Track) -> None:
    gap = np.hypot(*(track.points[0] - track.points[-1])[:2])
    assert gap == pytest.approx(track.step_m, abs=0.01)
    assert track.points[0, 2] == pytest.approx(track.points[-1, 2], abs=0.06)


def test_the_curvature_never_jumps(track: Track) -> None:
    """A steering wheel can follow it: at 15 mph, full lock takes at least one second."""
    change = np.abs(np.diff(track.curvature)).max() / track.step_m
    assert change < 0.02


def test_no_part_of_the_road_meets_another(track: Track) -> None:
    points = track.points[::4, :2]
    distance = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    index = np.arange(len(points))
    along = np.abs(index[:, None] - index[None])
    along = np.minimum(along, len(points) - along) * 4 * track.step_m
    assert distance[along > 45].min() > track.width_m.max() + 6


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(SettingError, match="lake or jungle"):
        builtin_track("moon")
