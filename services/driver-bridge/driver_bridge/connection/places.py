"""The places of a server's connections: who keeps one, and who makes room when all are taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

DRIVING_S: Final = 60.0
"""Time in seconds for which a telemetry keeps a simulator's place. The real client sends the next
one a few milliseconds after each answer."""


class ConnectionPlace:
    """The place of one connection.

    Args:
        places: all places.
        address: address of the client.
        end: ends the connection, soon and without waiting for it.
        spare: whether it may show pages only.
    """

    def __init__(
        self, places: Places, address: str, end: Callable[[], object], *, spare: bool
    ) -> None:
        self.address = address
        self.spare = spare
        self.end = end
        self._places = places

    def renew(self) -> None:
        """Note that a request of this connection begins."""
        self._places.renew(self)

    def upgrade(self, end: Callable[[], object]) -> None:
        """Note that the connection has become a websocket, which `end` ends."""
        self.end = end
        self._places.renew(self)

    def mark_driving(self) -> None:
        """Note that a telemetry of this client has arrived."""
        self._places.keep(self)


class Places:
    """The places of all connections.

    A new connection is let in. When all places are taken, the most dispensable connection makes
    room: of those that never brought a telemetry the one whose last request is the oldest, whether
    it is under way, was answered, or became a websocket; then the simulator that has sent nothing
    for the longest time. One that drives is never ended. At most half of the places go to one
    address, which makes room for itself.

    Args:
        limit: number of places.
        clock: returns seconds that never go backwards.
    """

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self.evicted = 0
        """Number of connections that made room for others."""
        self._limit = limit
        self._max_spare = max(1, limit // 16)  # for /healthz when all others drive
        self._clock = clock
        self._addresses: Counter[str] = Counter()
        # Each holds its places in the order in which they make room.
        self._strangers: dict[ConnectionPlace, None] = {}
        self._driving: dict[ConnectionPlace, float] = {}
        self._spare: set[ConnectionPlace] = set()

    def __len__(self) -> int:
        return len(self._strangers) + len(self._driving)

    @property
    def most(self) -> int:
        """The largest number of connections that have a place, also a spare one."""
        return self._limit + self._max_spare

    @property
    def has_room(self) -> bool:
        """Whether a client from a new address would get a place."""
        return len(self) < self._limit or self._dispensable(None) is not None

    def enter(self, address: str, end: Callable[[], object]) -> ConnectionPlace | None:
        """Give a connection a place; None where it must be closed at once."""
        crowded = self._addresses[address] >= self._limit // 2
        leaving = None
        if crowded or len(self) >= self._limit:
            leaving = self._dispensable(address if crowded else None)
            if leaving is None:
                if len(self._spare) >= self._max_spare:
                    return None
                place = ConnectionPlace(self, address, end, spare=True)
                self._spare.add(place)
                return place
        place = ConnectionPlace(self, address, end, spare=False)
        self._strangers[place] = None
        self._addresses[address] += 1
        if leaving is not None:
            self.leave(leaving)
            self.evicted += 1
            leaving.end()
        return place

    def leave(self, place: ConnectionPlace) -> None:
        """Forget a connection that has ended."""
        self._spare.discard(place)
        if self._take(place):
            self._addresses[place.address] -= 1
            if not self._addresses[place.address]:
                del self._addresses[place.address]

    def renew(self, place: ConnectionPlace) -> None:
        """Make a place the last of the strangers to make room."""
        if self._take(place):
            self._strangers[place] = None

    def keep(self, place: ConnectionPlace) -> None:
        """Keep a place for a simulator that drives."""
        if self._take(place):
            self._driving[place] = self._clock()

    def _take(self, place: ConnectionPlace) -> bool:
        for kind in (self._driving, self._strangers):
            if place in kind:
                del kind[place]
                return True
        return False

    def _dispensable(self, address: str | None) -> ConnectionPlace | None:
        """Return the connection that makes room, among those of an address if one is given."""
        for place in self._strangers:
            if address in (None, place.address):
                return place
        oldest_s = self._clock() - DRIVING_S
        for place, driven_s in self._driving.items():
            if driven_s < oldest_s and address in (None, place.address):
                return place
        return None
