"""Tests of the bounds of bodies, each and all together."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from inference.api.body_reader import BodyReader, CrowdedError, TooLargeError, TooSlowError


async def chunks(size: int, count: int, pause_s: float = 0.0) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield bytes(size)
        await asyncio.sleep(pause_s)


async def endless(sent: list[int]) -> AsyncIterator[bytes]:
    while True:
        sent.append(1)
        yield b"x"
        await asyncio.sleep(0)


def test_a_body_is_returned_whole() -> None:
    assert asyncio.run(BodyReader(100).read(chunks(10, 10), "100")) == bytes(100)


@pytest.mark.parametrize("declared", ["101", "9" * 30])
def test_a_body_that_is_announced_as_too_large_is_not_read(declared: str) -> None:
    sent: list[int] = []
    with pytest.raises(TooLargeError, match=f"got {declared} bytes"):
        asyncio.run(BodyReader(100).read(endless(sent), declared))
    assert not sent


def test_an_endless_body_is_read_to_its_limit_and_no_further() -> None:
    sent: list[int] = []
    with pytest.raises(TooLargeError, match="101 bytes and more to come"):
        asyncio.run(BodyReader(100).read(endless(sent), ""))
    assert len(sent) == 101


def test_a_late_body_is_refused() -> None:
    with pytest.raises(TooSlowError, match=r"Send it within 0\.05 s"):
        asyncio.run(BodyReader(100, timeout_s=0.05).read(chunks(1, 90, pause_s=0.01), "90"))


def test_the_largest_body_gives_way_when_all_together_are_too_large() -> None:
    """The bodies that came late have few bytes, and are the frames of a car."""

    async def run() -> tuple[list[object], bytes]:
        reader = BodyReader(1000, limit_of_all=5000)
        slow = [asyncio.create_task(reader.read(chunks(90, 11, 0.02), "")) for _ in range(8)]
        await asyncio.sleep(0.12)
        frame = await reader.read(chunks(10, 10), "100")
        return await asyncio.gather(*slow, return_exceptions=True), frame

    outcomes, frame = asyncio.run(run())
    assert frame == bytes(100)
    refused = [each for each in outcomes if isinstance(each, CrowdedError)]
    arrived = [each for each in outcomes if isinstance(each, bytes)]
    assert len(refused) + len(arrived) == 8
    assert len(refused) >= 3  # 8 x 990 bytes do not fit into 5,000
    assert all(len(each) == 990 for each in arrived)


def test_bodies_that_ended_leave_their_room_to_others() -> None:
    async def run() -> None:
        reader = BodyReader(1000, limit_of_all=2000)
        for _ in range(20):
            await reader.read(chunks(100, 10), "")

    asyncio.run(run())
