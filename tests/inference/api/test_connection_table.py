"""Tests of the connections that make room for others, and of the limit of open files."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx
import pytest
from support.services.serving import running, serving, settings

from contract.models.registry import Registry
from inference.api.connection_table import MAX_CONNECTIONS, SWEEP_S, ConnectionTable

LIMIT = 32
HALF = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Ty"


@dataclass(eq=False)
class Connection:
    """A connection that is nothing but its times."""

    opened_s: float
    answered_s: float = 0.0
    address: str = "10.0.0.1"
    is_being_answered: bool = False
    aborted: list[float] = field(default_factory=list)
    postponed_s: float = 0.0

    def abort(self) -> None:
        self.aborted.append(self.opened_s)

    def postpone(self, seconds: float) -> None:
        self.postponed_s += seconds

    def check_deadline(self, now_s: float) -> bool:
        return False


class FaultyConnection(Connection):
    """A connection whose deadline cannot be checked."""

    def check_deadline(self, now_s: float) -> bool:
        raise RuntimeError("broken")


class LateConnection(Connection):
    """A connection that is late when it is looked at for the third time."""

    checks = 0

    def check_deadline(self, now_s: float) -> bool:
        self.checks += 1
        return self.checks == 3


def left_by_one_more(connections: list[Connection]) -> list[Connection]:
    """Fill a table with connections, and return those that make room for another."""

    async def fill() -> None:
        table = ConnectionTable(len(connections))
        for connection in connections:
            table.add(connection)
        newest = Connection(opened_s=1000.0)
        table.add(newest)
        assert not newest.aborted

    asyncio.run(fill())
    return [connection for connection in connections if connection.aborted]


def test_the_deadlines_wait_while_the_service_stands_still() -> None:
    async def stand_still() -> float:
        table, connection = ConnectionTable(8), Connection(opened_s=0.0)
        table.add(connection)
        time.sleep(3 * SWEEP_S)
        while not connection.postponed_s:
            await asyncio.sleep(0.01)
        return connection.postponed_s

    assert asyncio.run(asyncio.wait_for(stand_still(), 60)) > 0.9 * SWEEP_S


def test_the_oldest_that_had_no_answer_makes_room() -> None:
    answered = [Connection(float(number), answered_s=50.0) for number in range(8)]
    strangers = [Connection(20.0 - number) for number in range(2)]
    assert left_by_one_more(answered + strangers) == [strangers[1]]


def test_the_address_with_the_most_of_them_makes_room_first() -> None:
    few = [Connection(1.0, address="10.0.0.2") for _ in range(2)]
    many = [Connection(2.0 + number, address="10.0.0.3") for number in range(3)]
    assert left_by_one_more(few + many) == [many[0]]


def test_of_answered_ones_that_with_the_oldest_answer_makes_room() -> None:
    answered = [Connection(1.0, answered_s=float(number)) for number in (5, 3, 4)]
    assert left_by_one_more(answered) == [answered[1]]


def test_a_connection_that_is_being_answered_is_kept() -> None:
    busy = Connection(1.0, is_being_answered=True)
    idle = Connection(2.0, answered_s=3.0)
    assert left_by_one_more([busy, idle]) == [idle]


def test_no_more_than_half_of_those_without_an_answer_make_room_at_once() -> None:
    strangers = [Connection(float(number)) for number in range(64)]
    assert left_by_one_more(strangers) == strangers[:4]  # a sixteenth of the limit


def test_a_connection_that_cannot_be_checked_costs_the_others_no_deadline(
    caplog: pytest.LogCaptureFixture,
) -> None:
    faulty = [FaultyConnection(1.0) for _ in range(3)]
    late = [LateConnection(2.0) for _ in range(3)]

    async def body() -> None:
        table = ConnectionTable(LIMIT)
        for connection in (*faulty, *late):
            table.add(connection)
        async with asyncio.timeout(60):
            while any(connection.checks < 3 for connection in late):
                await asyncio.sleep(0.01)
        assert len(table) == len(late)

    asyncio.run(body())
    assert all(connection.aborted for connection in faulty)
    assert caplog.text.count("its deadline cannot be checked") == len(faulty)


def test_a_kept_connection_and_the_health_pages_outlive_a_crowd(registry: Registry) -> None:
    with (
        serving(settings(registry.root), connections=LIMIT) as client,
        ExitStack() as stack,
    ):
        address = (client.base_url.host, client.base_url.port or 0)
        used = []
        for _ in range(4 * LIMIT):
            crowd = stack.enter_context(socket.create_connection(address, timeout=60))
            crowd.sendall(HALF)
            with client.stream("GET", "/healthz") as answer:
                answer.read()
                assert answer.status_code == 200
                used.append(answer.extensions["network_stream"].get_extra_info("client_addr"))
        assert len(set(used)) == 1  # it is the same connection all the time
        assert httpx.get(client.base_url.join("/readyz")).status_code == 503  # no model, but heard


def test_half_sent_requests_do_not_shut_others_out(registry: Registry) -> None:
    """The service may open 256 files, and 300 clients connect to it."""
    with running(registry.root, 256) as (process, port), ExitStack() as stack:
        httpx.get(f"http://127.0.0.1:{port}/healthz")  # it has started
        for _ in range(300):
            crowd = socket.create_connection(("127.0.0.1", port), timeout=60)
            stack.enter_context(crowd).sendall(HALF)
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=60).status_code == 200
        assert process.poll() is None


@pytest.mark.parametrize(
    ("soft", "hard", "limit", "connections"),
    [(256, 8192, 1664, MAX_CONNECTIONS), (2000, 2000, 2000, 1024), (1024, 1024, 1024, 384)],
)
def test_the_limit_of_open_files_is_raised_as_far_as_needed(
    soft: int, hard: int, limit: int, connections: int
) -> None:
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}));"
        "from inference.api.connection_table import raise_file_limit;"
        "print(raise_file_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    printed = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert printed.split() == [str(connections), str(limit), str(hard)]


class ManualLoop(asyncio.SelectorEventLoop):
    """An event loop whose timers a test calls itself."""

    def __init__(self) -> None:
        super().__init__()
        self.timers: list[tuple[float, Callable[..., object]]] = []

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: object, context: object = None
    ) -> asyncio.TimerHandle:
        self.timers.append((delay, callback))
        return asyncio.TimerHandle(self.time() + delay, callback, args, self)


@dataclass(eq=False)
class LeavingConnection(Connection):
    """A connection that is late as often as a test says, and then leaves its table."""

    table: ConnectionTable | None = None
    looks: int = 0
    late: bool = True

    def check_deadline(self, now_s: float) -> bool:
        assert now_s == pytest.approx(asyncio.get_running_loop().time(), abs=60)
        self.looks += 1
        if self.late and self.table is not None:
            self.table.remove(self)
        return self.late


def test_late_connections_are_ended_a_few_at_a_time_and_the_looks_end_with_them() -> None:
    """Sixteen at a time, and fifty times a second: a frame waits for a millisecond of it."""
    loop = ManualLoop()

    async def run() -> None:
        table = ConnectionTable(100)
        for number in range(40):
            table.add(LeavingConnection(float(number), table=table))
        assert len(table) == 40
        delays = []
        while loop.timers:
            ((delay, look),) = loop.timers
            loop.timers.clear()
            delays.append((delay, len(table)))
            look()
        assert delays == [(0.5, 40), (0.02, 24), (0.02, 8)]
        assert len(table) == 0
        table.add(LeavingConnection(1.0, table=table))
        assert [delay for delay, _ in loop.timers] == [0.5]

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(run())


def test_connections_in_time_are_looked_at_twice_a_second() -> None:
    loop = ManualLoop()

    async def run() -> None:
        table = ConnectionTable(100)
        kept = [LeavingConnection(float(number), table=table, late=False) for number in range(30)]
        for connection in kept:
            table.add(connection)
        for number in range(1, 4):
            ((delay, look),) = loop.timers
            assert delay == 0.5
            loop.timers.clear()
            look()
            assert [connection.looks for connection in kept] == [number] * 30

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(run())


def test_a_new_connection_is_closed_where_all_others_are_being_answered() -> None:
    async def run() -> None:
        table = ConnectionTable(2)
        busy = [Connection(float(number), is_being_answered=True) for number in range(2)]
        for connection in busy:
            table.add(connection)
        newest = Connection(9.0)
        table.add(newest)
        assert newest.aborted
        assert not [connection for connection in busy if connection.aborted]
        assert len(table) == 2

    asyncio.run(run())


def test_one_that_makes_room_is_closed_and_forgotten() -> None:
    async def run() -> None:
        table = ConnectionTable(32)
        connections = [Connection(float(number)) for number in range(40)]
        for connection in connections:
            table.add(connection)
        assert len(table) <= 32
        closed = [connection.opened_s for connection in connections if connection.aborted]
        assert closed == sorted(closed)
        assert len(table) + len(closed) == 40

    asyncio.run(run())
