"""Tests of who makes room for a new connection when all places are taken."""

from collections.abc import Callable

import pytest

from driver_bridge.connection.places import DRIVING_S, ConnectionPlace, Places

LIMIT = 32
HALF = LIMIT // 2


class Room:
    """Places, and the names of the connections that were ended for others."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.ended: list[str] = []
        self.places = Places(LIMIT, lambda: self.now_s)

    def end(self, name: str) -> Callable[[], None]:
        return lambda: self.ended.append(name)

    def enter(self, name: str, address: str = "") -> ConnectionPlace:
        """Let a connection in, from an address of its own if none is given."""
        place = self.places.enter(address or name, self.end(name))
        assert place is not None
        return place

    def fill(self, count: int, name: str = "stranger") -> list[ConnectionPlace]:
        return [self.enter(f"{name} {number}") for number in range(count)]


@pytest.fixture
def room() -> Room:
    return Room()


def test_all_are_let_in_while_there_are_places(room: Room) -> None:
    room.fill(LIMIT)
    assert (len(room.places), room.ended, room.places.evicted) == (LIMIT, [], 0)
    assert room.places.most == LIMIT + LIMIT // 16


def test_there_is_room_until_all_places_are_taken_by_simulators_that_drive(room: Room) -> None:
    places = room.fill(LIMIT)
    assert room.places.has_room  # strangers make room
    for place in places:
        assert room.places.has_room
        place.mark_driving()
    assert not room.places.has_room
    room.now_s = DRIVING_S + 1
    assert room.places.has_room  # none of them has sent a telemetry for long


def test_the_stranger_whose_last_request_is_the_oldest_makes_room_first(room: Room) -> None:
    """Requests and websockets stand in one line, so that neither can crowd out the other."""
    first, second, third, *_ = room.fill(LIMIT)
    first.renew()  # it has begun another request
    third.upgrade(room.end("websocket of the third"))
    for number in range(LIMIT):
        room.enter(f"simulator {number}").mark_driving()
    others = [f"stranger {number}" for number in range(3, LIMIT)]
    assert room.ended == ["stranger 1", *others, "stranger 0", "websocket of the third"]
    assert room.places.evicted == LIMIT
    second.renew()  # a late request of a connection that has ended
    assert len(room.places) == LIMIT


def test_a_simulator_that_drives_never_makes_room(room: Room) -> None:
    room.enter("simulator").mark_driving()
    for number in range(10 * LIMIT):
        room.enter(f"stranger {number}").upgrade(room.end(f"websocket {number}"))
    assert len(room.ended) == 9 * LIMIT + 1
    assert "simulator" not in room.ended


def test_when_all_drive_a_new_connection_gets_a_spare_place_or_none(room: Room) -> None:
    for place in room.fill(LIMIT):
        place.mark_driving()
    spare = [room.places.enter("new", room.end("new")) for _ in range(LIMIT // 16 + 1)]
    assert [place is not None and place.spare for place in spare] == [True, True, False]
    assert spare[-1] is None
    assert spare[0] is not None
    room.places.leave(spare[0])
    assert room.enter("again").spare
    assert room.ended == []


def test_a_simulator_that_has_sent_nothing_for_long_makes_room_in_the_end(room: Room) -> None:
    first, *others = room.fill(LIMIT)
    first.mark_driving()
    room.now_s = DRIVING_S + 1
    for place in others:
        place.mark_driving()
    assert not room.enter("new").spare
    assert room.ended == ["stranger 0"]


def test_an_address_with_half_of_the_places_makes_room_for_itself(room: Room) -> None:
    other = room.enter("other")
    for number in range(HALF):
        room.enter(f"hog {number}", "hog")
    assert room.ended == []
    room.enter("hog again", "hog")
    assert room.ended == ["hog 0"]
    room.places.leave(other)


def test_simulators_of_one_address_take_at_most_half_of_the_places(room: Room) -> None:
    for number in range(HALF):
        room.enter(f"hog {number}", "hog").mark_driving()
    assert room.enter("hog again", "hog").spare
    assert not room.enter("other").spare


def test_places_are_free_again_when_connections_have_ended(room: Room) -> None:
    for _ in range(3):
        for place in room.fill(LIMIT):
            place.upgrade(room.end("websocket"))
            place.mark_driving()
            room.places.leave(place)
            room.places.leave(place)
            place.mark_driving()  # a late telemetry of a connection that has ended
    assert (len(room.places), room.ended) == (0, [])
    assert room.places._addresses == {}
