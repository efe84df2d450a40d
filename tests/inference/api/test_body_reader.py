"""Tests of many bodies that arrive at the same time, and of their bounds."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from inference.api.body_reader import BodyReader, CrowdedError, TooLargeError

ROOM = 10_000


async def chunks(parts: list[bytes], then: asyncio.Event) -> AsyncIterator[bytes]:
    """Yield parts, and end after an event."""
    for part in parts:
        await asyncio.sleep(0)
        yield part
    await then.wait()


def test_the_largest_of_too_many_bodies_gives_way_and_frames_are_read() -> None:
    reader = BodyReader(limit=1000, limit_of_all=ROOM)
    frame = b"frame" * 20

    async def crowd() -> list[bytes | BaseException]:
        end = asyncio.Event()
        slow = [
            asyncio.create_task(reader.read(chunks([bytes(90)] * 10, end), "900"))
            for _ in range(50)
        ]
        for _ in range(50):
            await asyncio.sleep(0)
            ready = asyncio.Event()
            ready.set()
            assert await reader.read(chunks([frame], ready), "100") == frame
        end.set()
        return await asyncio.gather(*slow, return_exceptions=True)

    outcomes = asyncio.run(crowd())
    whole = [outcome for outcome in outcomes if isinstance(outcome, bytes)]
    assert whole == [bytes(900)] * len(whole)  # nobody gets a part for the whole
    assert 0 < len(whole) * 900 <= ROOM
    assert sum(isinstance(outcome, CrowdedError) for outcome in outcomes) == 50 - len(whole)


def test_a_length_that_is_only_declared_takes_no_room() -> None:
    reader = BodyReader(limit=1000, limit_of_all=2000)

    async def declare() -> None:
        never, ready = asyncio.Event(), asyncio.Event()
        ready.set()
        silent = [
            asyncio.create_task(reader.read(chunks([b""], never), "1000")) for _ in range(100)
        ]
        await asyncio.sleep(0.01)
        assert await reader.read(chunks([bytes(900)], ready), "900") == bytes(900)
        for task in silent:
            task.cancel()
        await asyncio.gather(*silent, return_exceptions=True)

    asyncio.run(declare())


def test_room_is_free_again_after_each_end() -> None:
    reader = BodyReader(limit=1000, limit_of_all=2000, timeout_s=0.01)

    async def read() -> None:
        never, ready = asyncio.Event(), asyncio.Event()
        ready.set()
        for _ in range(5):
            with pytest.raises(TooLargeError):
                await reader.read(chunks([bytes(600), bytes(600)], ready), "")
            with pytest.raises(Exception, match="did not arrive in time"):
                await reader.read(chunks([bytes(1000)], never), "")
            assert len(await reader.read(chunks([bytes(1000)], ready), "")) == 1000

    asyncio.run(read())


def test_bodies_may_have_all_the_room_and_one_byte_more_is_too_many() -> None:
    """Two bodies fill it to the last byte; earlier ones, which were larger, count no more."""
    reader = BodyReader(limit=1000, limit_of_all=2000)

    async def fill(extra: bytes) -> list[bytes | BaseException]:
        first, end = asyncio.Event(), asyncio.Event()
        first.set()
        for _ in range(3):
            assert len(await reader.read(chunks([bytes(1000)], first), "")) == 1000
        parts = [[bytes(990)], [bytes(980), bytes(10)], [bytes(20)], [extra]]
        tasks = [asyncio.create_task(reader.read(chunks(each, end), "")) for each in parts]
        for _ in range(10):
            await asyncio.sleep(0)
        end.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    lengths = [990, 990, 20, 0]
    assert [len(each) for each in asyncio.run(fill(b"")) if isinstance(each, bytes)] == lengths
    crowded = asyncio.run(fill(b"x"))
    assert [isinstance(each, CrowdedError) for each in crowded].count(True) == 1
    assert [len(each) for each in crowded[2:] if isinstance(each, bytes)] == [20, 1]
