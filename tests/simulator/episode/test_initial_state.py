import pytest
from support.data.roads import circle, straight

from simulator.episode.initial_state import draw_initial_states


def test_initial_states_are_seeded_and_varied() -> None:
    states = draw_initial_states(circle(), 20, 1, 1.0, ("clear", "dusk"))
    assert states == draw_initial_states(circle(), 20, 1, 1.0, ("clear", "dusk"))
    assert states != draw_initial_states(circle(), 20, 2, 1.0, ("clear", "dusk"))
    assert {state.direction for state in states} == {1, -1}
    assert {(state.direction, state.light) for state in states} == {
        (direction, light) for direction in (1, -1) for light in ("clear", "dusk")
    }
    assert max(abs(state.offset_m) for state in states) <= 1.0
    assert len({state.station_m for state in states}) == 20
    assert len({state.seed for state in states}) == 20


def test_the_first_states_do_not_depend_on_their_number() -> None:
    assert (
        draw_initial_states(circle(), 3, 1, 1.0, ("clear",))
        == draw_initial_states(circle(), 9, 1, 1.0, ("clear",))[:3]
    )


def test_a_drive_of_an_open_track_begins_at_an_end() -> None:
    there, back = draw_initial_states(straight(200.0), 2, 1, 1.0, ("clear",))
    assert (there.station_m, there.direction) == (0.0, 1)
    assert (back.station_m, back.direction) == (pytest.approx(200.0), -1)
