"""The connections of Engine.IO: one class for each version of the protocol that is spoken.

They use and override private methods of python-engineio; simulator_server.py says what guards that.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable
from typing import Any, Final, Self

import engineio
from engineio import packet
from engineio.exceptions import QueueEmpty, SocketIsClosedError

from driver_bridge.connection.engine_io_3 import MESSAGE, decode_payload
from driver_bridge.connection.gate import PLACE
from driver_bridge.connection.places import ConnectionPlace
from driver_bridge.connection.websocket import MessageSocket

log = logging.getLogger(__name__)

MAX_UNREAD_PACKETS: Final = 64
"""Number of packets that may wait for a client to read them. A client that never reads is
disconnected."""
MAX_PING_CHARACTERS: Final = 125
"""Maximum number of characters in a PING, which its PONG repeats: as many as a PING of the
websocket protocol may have. Clients send none, or "probe"."""
MALFORMED: Final = (ValueError, LookupError, RecursionError)
"""What the library's parser raises where text is no packet."""


class PacketSocket:
    """A websocket whose messages are packets of Engine.IO: the first that is none ends it.

    It has the methods that python-engineio calls, which would take such a message for an error of
    its own, and leave it to the web server.

    Args:
        websocket: the websocket.
        refuse: is called with what came in place of a packet, in words, and the message.
        lives: returns whether the client lives, where nothing came in time.
    """

    def __init__(
        self,
        websocket: MessageSocket,
        refuse: Callable[[str, object], None],
        lives: Callable[[], bool],
    ) -> None:
        self.socket = websocket.socket
        self.send = websocket.send
        self.close = websocket.close
        self._wait = websocket.wait
        self._refuse = refuse
        self._lives = lives

    def wait(self) -> str | bytes | None:
        """Return the next message, or None once the connection has ended or must end.

        Raises:
            TimeoutError: nothing came in time, and the client does not live.
        """
        while True:
            try:
                message = self._wait()
                break
            except TimeoutError:  # of the library; also where the bridge itself stood still
                if not self._lives():
                    raise
        try:
            if message is not None:
                packet.Packet(encoded_packet=message)
        except MALFORMED:
            self._refuse("a message that is no packet of Engine.IO", message)
            return None
        return message


class PongingSocket(engineio.socket.Socket):
    """An Engine.IO 4 socket that answers PINGs, bounds its queue and refuses what is no packet.

    The library makes its sockets itself and takes no class for them, so `adopt` changes the class
    of one. There is no __init__ for that reason.
    """

    upgrading: bool
    """Whether a websocket is on trial beside long polling; the library sets it."""
    opened_s = 0.0
    refused = False
    """Whether the client was disconnected because it broke the protocol."""
    driving = False
    """Whether a telemetry has come."""
    place: ConnectionPlace | None = None
    """The place of the connection that it used last."""
    websocket: MessageSocket | None = None
    _is_polled = False

    @classmethod
    def adopt(cls, connection: engineio.socket.Socket) -> Self:
        """Make a socket that has received nothing yet one of this class, and return it."""
        connection.__class__ = cls
        connection.opened_s = time.monotonic()
        adopted: Self = connection
        return adopted

    @property
    def message_began_s(self) -> float | None:
        """When the first bytes of the last message arrived; None with long polling."""
        return None if self.websocket is None else self.websocket.began_s

    def mark_driving(self) -> None:
        """Note that a telemetry has come."""
        self.driving = True
        if self.place is not None:
            self.place.mark_driving()

    def refuse(self, what: str, got: object = None) -> None:
        """Disconnect the client, because of what it sent; say that in the log alone."""
        if not self.refused:
            self.refused = True
            text = f"{got!r:.80}" if got is not None else "nothing"
            log.warning("a client is disconnected. It sent %s: got %s", what, text)
            self.close(reason=self.server.reason.TRANSPORT_ERROR)

    def receive(self, pkt: packet.Packet) -> None:
        """Answer a PING with a PONG of the same data; leave other packets to the library.

        Raises:
            SocketIsClosedError: the connection is closed, or was closed because of this packet.
        """
        if self.closed:  # without this, the next event would connect the client again
            raise SocketIsClosedError
        if pkt.packet_type == packet.PING:
            if isinstance(pkt.data, str) and len(pkt.data) <= MAX_PING_CHARACTERS:
                self.send(packet.Packet(packet.PONG, pkt.data))
            else:
                self.refuse("a PING with data that is no short text", pkt.data)
        elif pkt.packet_type > packet.NOOP:
            self.refuse("a packet of a type that Engine.IO does not have", pkt.packet_type)
        elif pkt.packet_type not in (packet.OPEN, packet.NOOP):  # these two are for clients
            super().receive(pkt)
        if self.refused:
            raise SocketIsClosedError

    def send(self, pkt: packet.Packet) -> None:
        """Queue a packet for the client, or disconnect a client that does not read."""
        if self.queue.qsize() >= MAX_UNREAD_PACKETS:
            self.close(abort=True, reason=self.server.reason.TRANSPORT_ERROR)
        elif not self.closed:
            super().send(pkt)

    def close(self, wait: bool = False, abort: bool = False, reason: str | None = None) -> None:
        """Close the connection, never waiting until its client has read what is queued.

        The library would wait in the request that made it close, for ever where nobody reads.
        """
        super().close(wait=False, abort=abort, reason=reason)

    def check_ping_timeout(self) -> bool:
        """Return whether the client lives; disconnect it if it does not.

        While the bridge stood still, the answers of a client wait to be read, so that time does not
        count.

        Raises:
            SocketIsClosedError: it was closed before.
        """
        if self.closed:
            raise SocketIsClosedError
        self.server.look()
        if not self._is_silent():
            return True
        self.close(reason=self.server.reason.PING_TIMEOUT)
        return False

    def _lives(self) -> bool:
        return not self.closed and self.check_ping_timeout()

    def _is_silent(self) -> bool:
        """Return whether the last PING was not answered in time."""
        return bool(self.last_ping and self.server.pinged.is_overdue(self.last_ping))

    def poll(self) -> list[packet.Packet]:
        """Wait for packets for the client; one request may do so at a time.

        Raises:
            SocketIsClosedError: the client has two such requests, or its time is over.
            QueueEmpty: there was no packet, not even a PING, and the client does not live.
        """
        if self.upgraded:  # the writer of a websocket, where the end of a poll means nothing
            while True:
                packets = self._next_packets()
                useful = [pkt for pkt in packets if pkt.packet_type != packet.NOOP]
                if useful or not packets:
                    return useful
        if self._is_polled:
            self.refuse("two requests that poll at the same time")
            raise SocketIsClosedError
        self._is_polled = True
        try:
            # A poll always ends with a packet, also if the client has closed its connection.
            return self._next_packets() or [packet.Packet(packet.NOOP)]
        finally:
            self._is_polled = False

    def _next_packets(self) -> list[packet.Packet]:
        """Wait for packets for the client.

        Raises:
            QueueEmpty: there was no packet, not even a PING, and the client does not live.
        """
        while True:
            try:
                packets: list[packet.Packet] = super().poll()
                return packets
            except QueueEmpty:  # also where the bridge stood still while it should have sent a PING
                if not self._lives():
                    raise

    def handle_get_request(self, environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401
        """Answer a poll, or serve a websocket to its end.

        Raises:
            EngineIOError: the client is disconnected.
        """
        self._use(environ)
        if self.connected and not self.check_ping_timeout():
            raise SocketIsClosedError
        answer = super().handle_get_request(environ, start_response)
        if not self.connected:  # the websocket's own handshake failed
            self.close(abort=True, reason=self.server.reason.TRANSPORT_ERROR)
        return answer

    def handle_post_request(self, environ: dict[str, Any]) -> None:
        """Receive the packets in the body of a request.

        Raises:
            EngineIOError: the client is disconnected, perhaps because of these packets.
        """
        self._use(environ)
        if not self.check_ping_timeout():
            raise SocketIsClosedError
        try:
            super().handle_post_request(self._version_4(environ))
        except MALFORMED as error:
            self.refuse("a body that holds no packets of Engine.IO", error)
            raise SocketIsClosedError from error

    def _use(self, environ: dict[str, Any]) -> None:
        self.place = environ.get(PLACE)
        if self.driving:
            self.mark_driving()

    def _version_4(self, environ: dict[str, Any]) -> dict[str, Any]:
        """Return a request whose body is a payload of Engine.IO 4."""
        return environ

    def _websocket_handler(self, ws: MessageSocket) -> list[bytes]:
        self.websocket = ws
        try:
            super()._websocket_handler(PacketSocket(ws, self.refuse, self._lives))
        except OSError:
            # The websocket was lost. If it was still on trial, the client goes on polling.
            if not self.upgrading:
                self.close(abort=True, reason=self.server.reason.TRANSPORT_ERROR)
        self.upgrading = False
        return []


class Engine3Socket(PongingSocket):
    """A socket of Engine.IO 3, where clients send the PINGs and a server only answers them."""

    _heard_at_s = 0.0

    def receive(self, pkt: packet.Packet) -> None:
        """Note that the client lives, and receive a packet without the type of binary ones.

        Raises:
            SocketIsClosedError: the connection is closed, or was closed because of this packet.
        """
        self._heard_at_s = time.monotonic()
        if isinstance(pkt.data, bytes):
            if pkt.data.startswith(MESSAGE):
                pkt.data = pkt.data.removeprefix(MESSAGE)
            else:
                self.refuse("bytes that are no MESSAGE of Engine.IO 3", pkt.data[:16])
        super().receive(pkt)

    def _is_silent(self) -> bool:
        """Return whether nothing was heard within a PING's interval and its time limit."""
        return bool(self.server.pinging.is_overdue(max(self._heard_at_s, self.opened_s)))

    def schedule_ping(self) -> None:
        """Send no PING: clients of Engine.IO 3 do not answer it."""

    def _version_4(self, environ: dict[str, Any]) -> dict[str, Any]:
        length = int(environ.get("CONTENT_LENGTH", "0"))
        if length > self.server.max_http_buffer_size:
            return environ  # the library refuses it
        body = decode_payload(environ["wsgi.input"].read(length)).encode()
        return {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
