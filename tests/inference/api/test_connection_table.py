"""Tests of which connections make room for others."""

import asyncio
from collections.abc import Callable

from inference.api.connection_table import SWEEP_S, ConnectionTable


class Connection:
    """A connection that knows whether it was closed."""

    def __init__(self, opened_s: float, address: str = "10.0.0.1", answered_s: float = 0.0) -> None:
        self.address = address
        self.opened_s = opened_s
        self.answered_s = answered_s
        self.is_being_answered = False
        self.aborted = False
        self.checked_s: list[float] = []

    def abort(self) -> None:
        self.aborted = True

    def check_deadline(self, now_s: float) -> None:
        self.checked_s.append(now_s)


def in_loop(test: Callable[[], None]) -> None:
    async def run() -> None:
        test()

    asyncio.run(run())


def fill(table: ConnectionTable, *connections: Connection) -> None:
    for connection in connections:
        table.add(connection)


def test_a_flood_of_strangers_makes_room_for_itself_alone() -> None:
    def flood() -> None:
        table = ConnectionTable(32)
        bridge = Connection(0.0, answered_s=1.0)
        table.add(bridge)
        strangers = [Connection(float(number)) for number in range(1, 1000)]
        fill(table, *strangers)
        assert len(table) <= 32
        assert not bridge.aborted
        assert not strangers[-1].aborted
        # The oldest left first.
        assert [each.aborted for each in strangers] == sorted(
            (each.aborted for each in strangers), reverse=True
        )

    in_loop(flood)


def test_the_address_with_the_most_strangers_gives_way_first() -> None:
    def crowd() -> None:
        table = ConnectionTable(10)
        quiet = Connection(0.0, "10.0.0.2")
        crowded = [Connection(float(number), "10.0.0.1") for number in range(1, 10)]
        fill(table, quiet, *crowded)
        table.add(Connection(50.0, "10.0.0.3"))
        assert crowded[0].aborted
        assert not quiet.aborted

    in_loop(crowd)


def test_among_clients_that_had_answers_the_longest_idle_one_leaves() -> None:
    def add() -> None:
        table = ConnectionTable(3)
        clients = [Connection(0.0, answered_s=answered) for answered in (5.0, 3.0, 9.0)]
        fill(table, *clients, Connection(10.0))
        assert [each.aborted for each in clients] == [False, True, False]

    in_loop(add)


def test_a_connection_that_is_being_answered_is_never_closed_for_another() -> None:
    def add() -> None:
        table = ConnectionTable(2)
        busy = [Connection(0.0), Connection(0.0, answered_s=1.0)]
        for each in busy:
            each.is_being_answered = True
        late = Connection(2.0)
        fill(table, *busy, late)
        assert [each.aborted for each in busy] == [False, False]
        assert late.aborted
        assert len(table) == 2

    in_loop(add)


def test_every_connection_is_held_to_its_deadline_until_it_is_removed() -> None:
    async def run() -> tuple[Connection, Connection]:
        table = ConnectionTable(8)
        kept, gone = Connection(0.0), Connection(0.0)
        fill(table, kept, gone)
        table.remove(gone)
        await asyncio.sleep(2.5 * SWEEP_S)
        table.remove(kept)
        return kept, gone

    kept, gone = asyncio.run(run())
    assert len(kept.checked_s) >= 2
    assert not gone.checked_s
