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
from typing import Any, Final

import engineio
import socketio
from engineio import packet
from engineio.exceptions import SocketIsClosedError

log = logging.getLogger(__name__)

ROOT_NAMESPACE: Final = "/"
EVENT_PREFIX: Final = "2"
"""First character of a Socket.IO event packet; the Engine.IO "4" before it is already removed."""
MAX_UNREAD_PACKETS: Final = 64
"""Number of packets that may wait for a client to read them. A client that never reads is
disconnected."""
MAX_POLLING_CLIENTS: Final = 256
"""Number of clients above which none may begin with long polling. Each such request creates a
client, which lasts until its PINGs are missed. The simulator begins with a websocket, which is
always accepted."""


class PongingSocket(engineio.socket.Socket):
    """An Engine.IO socket that answers the PING of a client and bounds its own queue."""

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

    def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> Any:  # noqa: ANN401
        # The library creates its sockets itself and takes no class for them. This is the first
        # moment at which the class can be changed, before anything was received.
        self.eio.sockets[eio_sid].__class__ = PongingSocket
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
