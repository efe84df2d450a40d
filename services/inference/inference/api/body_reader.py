"""Reads the bodies of requests, each and all together within bounds of bytes and of time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from contract.errors import FrameError, ServiceError

BODY_S: Final = 5.0
"""Time in seconds within which a body must arrive; a frame of the simulator takes a millisecond."""
ALL_BODIES_BYTES: Final = 32_000_000
"""Number of bytes of all bodies that are arriving: 2,000 frames of the simulator."""


class TooLargeError(FrameError):
    """The body has more bytes than a frame may have."""


class TooSlowError(FrameError):
    """The body did not arrive in time."""


class CrowdedError(ServiceError):
    """The bodies of other requests leave no room for this one."""


class ArrivingBody:
    """A body of which a part has arrived."""

    def __init__(self, timeout: asyncio.Timeout) -> None:
        self.content = bytearray()
        self.gave_way = False
        self._timeout = timeout

    def give_way(self) -> None:
        """Forget what has arrived, and let the reader stop."""
        self.gave_way = True
        self.content = bytearray()
        self._timeout.reschedule(0.0)


class BodyReader:
    """Reads bodies. When all together have too many bytes, the largest gives way.

    Many large ones, which arrive slowly or not to the end, so take no room from a frame, and a
    length that is only announced takes none from anybody.

    Args:
        limit: number of bytes that a body may have; at most this and one chunk is read.
        limit_of_all: number of bytes that all of them may have.
        timeout_s: time in seconds within which a body must arrive.
    """

    def __init__(
        self, limit: int, limit_of_all: int = ALL_BODIES_BYTES, timeout_s: float = BODY_S
    ) -> None:
        self._limit = limit
        self._limit_of_all = max(limit_of_all, 2 * limit)
        self._timeout_s = timeout_s
        self._bodies: set[ArrivingBody] = set()
        self._held = 0
        """Number of bytes of all bodies in the set."""

    async def read(self, chunks: AsyncIterator[bytes], declared: str) -> bytes:
        """Return a body.

        Args:
            chunks: the body, in chunks as they arrive.
            declared: its Content-Length; "" if it has none.

        Raises:
            TooLargeError: it is larger than the limit.
            TooSlowError: it is late.
            CrowdedError: it is the largest of too many.
        """
        # Before reading, so that a client that waits for "100 Continue" need not send anything.
        if declared.isdecimal() and int(declared) > self._limit:
            raise self._too_large(f"{declared} bytes")
        timeout = asyncio.timeout(self._timeout_s)
        body = ArrivingBody(timeout)
        self._bodies.add(body)
        try:
            async with timeout:
                async for chunk in chunks:
                    self._add(body, chunk)
        except TimeoutError:
            if not body.gave_way:
                remedy = f"Send it within {self._timeout_s:g} s"
                raise TooSlowError("the body did not arrive in time", remedy=remedy) from None
        finally:
            if body in self._bodies:
                self._bodies.discard(body)
                self._held -= len(body.content)
        if body.gave_way:
            raise CrowdedError(
                "too many bodies are arriving",
                remedy="Send the frame later, or send fewer and smaller ones at the same time",
            )
        return bytes(body.content)

    def _add(self, body: ArrivingBody, chunk: bytes) -> None:
        if body.gave_way:  # the timeout stops its reader in the next turn of the event loop
            return
        body.content += chunk
        self._held += len(chunk)
        if len(body.content) > self._limit:
            raise self._too_large(f"{len(body.content)} bytes and more to come")
        while self._held > self._limit_of_all:
            largest = max(self._bodies, key=lambda each: len(each.content))
            self._bodies.discard(largest)
            self._held -= len(largest.content)
            largest.give_way()

    def _too_large(self, got: str) -> TooLargeError:
        return TooLargeError(
            "the body is too large",
            got=got,
            remedy=f"Send at most {self._limit:,} bytes; a frame of the simulator has about 13,000",
        )
