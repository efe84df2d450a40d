"""A Socket.IO server with what Udacity's simulator needs and python-socketio does not offer.

The simulator announces Engine.IO 4 but behaves as a Socket.IO 2 client: it never sends the CONNECT
packet, so python-socketio 5 drops its events; and it sends its own Engine.IO PINGs, which only
servers of later protocols send. See docs/protocol.md.

All uses of private methods of python-socketio and python-engineio are in this file. Both libraries
are pinned to an exact version, and tests/driver_bridge/connection/test_simulator_server.py fails
when a release changes these methods.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final

import engineio
import socketio
from engineio import packet
from engineio.exceptions import SocketIsClosedError

from driver_bridge.connection.gate import PLACE
from driver_bridge.connection.places import ConnectionPlace
from driver_bridge.connection.websocket import MessageSocket

log = logging.getLogger(__name__)

ROOT_NAMESPACE: Final = "/"
EVENT_PREFIX: Final = "2"
"""First character of a Socket.IO event packet; the Engine.IO "4" before it is already removed."""
MAX_UNREAD_PACKETS: Final = 64
"""Number of packets that may wait for a client to read them. A client that never reads is
disconnected."""
SILENCE_S: Final = 60.0
"""Time in seconds within which a client must send its first telemetry. The real simulator sends it
at once. A client that answers PINGs alone would else stay for ever."""
MAX_POLLING_CLIENTS: Final = 256
"""Number of clients above which none may begin with long polling. Each such request creates a
client, which lasts until its PINGs are missed. The simulator begins with a websocket, which is
always accepted."""


class PongingSocket(engineio.socket.Socket):
    """An Engine.IO socket that answers the PING of a client and bounds its own queue."""

    opened_s = 0.0
    driving = False
    """Whether a telemetry has come."""
    place: ConnectionPlace | None = None
    """The place of the connection that it used last."""
    websocket: MessageSocket | None = None

    @property
    def message_began_s(self) -> float | None:
        """When the first bytes of the last message arrived; None with long polling."""
        return None if self.websocket is None else self.websocket.began_s

    def mark_driving(self) -> None:
        """Note that a telemetry has come."""
        self.driving = True
        if self.place is not None:
            self.place.mark_driving()

    def handle_get_request(self, environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401
        """Answer a request of long polling, or become a websocket."""
        self._use(environ)
        return super().handle_get_request(environ, start_response)

    def handle_post_request(self, environ: dict[str, Any]) -> None:
        """Receive the packets of a request of long polling."""
        self._use(environ)
        super().handle_post_request(environ)

    def _use(self, environ: dict[str, Any]) -> None:
        self.place = environ.get(PLACE)
        if self.driving:
            self.mark_driving()

    def _websocket_handler(self, ws: MessageSocket) -> Any:  # noqa: ANN401
        self.websocket = ws
        return super()._websocket_handler(ws)

    def receive(self, pkt: packet.Packet) -> None:
        """Answer a PING with a PONG of the same data; leave all other packets to the library.

        Raises:
            SocketIsClosedError: the connection was closed.
        """
        if self.closed:  # without this, the next event would connect the client again
            raise SocketIsClosedError
        if pkt.packet_type == packet.PING:
            self.send(packet.Packet(packet.PONG, pkt.data))
        else:
            super().receive(pkt)

    def send(self, pkt: packet.Packet) -> None:
        """Queue a packet for the client, or disconnect a client that does not read."""
        if self.queue.qsize() >= MAX_UNREAD_PACKETS:
            self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_ERROR)
        elif not self.closed:
            super().send(pkt)


class SimulatorServer(socketio.Server):
    """A Socket.IO server for Udacity's simulator and for standard clients alike."""

    def use_websocket(self, upgrade: Callable[..., object]) -> None:
        """Let `upgrade` answer the requests for websockets, in place of the library's own class."""
        self.eio._async = {**self.eio._async, "websocket": upgrade}

    def client(self, sid: str) -> PongingSocket:
        """Return the connection of a client."""
        connection = self.eio.sockets[self.manager.eio_sid_from_sid(sid, ROOT_NAMESPACE)]
        assert isinstance(connection, PongingSocket)
        return connection

    def close_silent(self) -> int:
        """Disconnect the clients that never sent a telemetry, and return their number."""
        before_s = time.monotonic() - SILENCE_S
        silent = [
            connection
            for connection in self.eio.sockets.values()
            if not connection.driving and connection.opened_s < before_s and not connection.closed
        ]
        for connection in silent:
            connection.close(wait=False, reason=self.eio.reason.SERVER_DISCONNECT)
        return len(silent)

    def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> Any:  # noqa: ANN401
        # The library creates its sockets itself and takes no class for them. This is the first
        # moment at which the class can be changed, before anything was received.
        connection = self.eio.sockets[eio_sid]
        connection.__class__ = PongingSocket
        connection.opened_s = time.monotonic()
        polling = "transport=polling" in environ.get("QUERY_STRING", "")
        if polling and len(self.eio.sockets) > MAX_POLLING_CLIENTS:
            return False
        return super()._handle_eio_connect(eio_sid, environ)

    def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> None:
        # An event of a client that never connected: connect it now, as Socket.IO 2 did.
        if (
            isinstance(data, str)
            and data.startswith(EVENT_PREFIX)
            and self.manager.sid_from_eio_sid(eio_sid, ROOT_NAMESPACE) is None
        ):
            self._handle_connect(eio_sid, ROOT_NAMESPACE, None)
        try:
            super()._handle_eio_message(eio_sid, data)
        except (
            ValueError,
            KeyError,
            IndexError,
            TypeError,
            AttributeError,
            RecursionError,
        ) as error:
            # The parser of the library found no Socket.IO packet. The library itself would print a
            # traceback and keep the client.
            log.warning("a client that does not speak Socket.IO is disconnected: %r", error)
            self.eio.disconnect(eio_sid)
