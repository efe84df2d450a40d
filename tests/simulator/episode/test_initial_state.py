import pytest
from support.data.roads import circle, straight

from simulator.episode.initial_state import starts


def test_they_are_seeded_and_spread() -> None:
    found = starts(circle(), 20, 1, 1.0, ("clear", "dusk"))
    assert found == starts(circle(), 20, 1, 1.0, ("clear", "dusk"))
    assert found != starts(circle(), 20, 2, 1.0, ("clear", "dusk"))
    assert {each.direction for each in found} == {1, -1}
    assert {(each.direction, each.light) for each in found} == {
        (way, light) for way in (1, -1) for light in ("clear", "dusk")
    }
    assert max(abs(each.offset_m) for each in found) <= 1.0
    assert len({each.station_m for each in found}) == len({each.seed for each in found}) == 20


def test_the_first_ones_do_not_depend_on_how_many_there_are() -> None:
    assert starts(circle(), 3, 1, 1.0, ("clear",)) == starts(circle(), 9, 1, 1.0, ("clear",))[:3]


def test_an_open_track_is_begun_at_an_end() -> None:
    there, back = starts(straight(200.0), 2, 1, 1.0, ("clear",))
    assert (there.station_m, there.direction) == (0.0, 1)
    assert (back.station_m, back.direction) == (pytest.approx(200.0), -1)
