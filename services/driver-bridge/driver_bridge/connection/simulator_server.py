"""What Udacity's simulator needs of a Socket.IO server that python-socketio does not give it.

The simulator says Engine.IO 4 but behaves as a Socket.IO 2 client: it never sends the CONNECT
packet, so python-socketio 5 drops its events; and it sends Engine.IO PINGs of its own, which only
servers of later protocols send. See docs/protocol.md.

The private methods of python-socketio and python-engineio that Lapwing leans on are all here. Both
are pinned exactly, and tests/driver_bridge/connection/test_simulator_server.py fails when a release
changes them.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import engineio
import socketio
from engineio import packet
from engineio.exceptions import SocketIsClosedError

log = logging.getLogger(__name__)

ROOT: Final = "/"
EVENT: Final = "2"
"""How a Socket.IO event packet begins; the Engine.IO "4" before it is stripped already."""
MOST_UNREAD: Final = 64
"""Packets that wait for a client to read them: the connection of one that never does is ended."""
MOST_POLLING: Final = 256
"""Clients beyond which none may begin with long polling: each such request makes one, which lasts
until its PINGs are missed. The simulator begins with a websocket, and is always let in."""


class PongingSocket(engineio.socket.Socket):
    """An Engine.IO socket that answers a client's PING, and keeps no more than a client reads."""

    def receive(self, pkt: packet.Packet) -> None:
        """Answer a PING with a PONG of the same data; leave all else to the library.

        Raises:
            SocketIsClosedError: the connection was ended, and is only to be let go.
        """
        if self.closed:  # else its next event would connect it anew
            raise SocketIsClosedError
        if pkt.packet_type == packet.PING:
            self.send(packet.Packet(packet.PONG, pkt.data))
        else:
            super().receive(pkt)

    def send(self, pkt: packet.Packet) -> None:
        """Queue a packet for the client, or end its connection when it reads none."""
        if self.queue.qsize() >= MOST_UNREAD:
            self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_ERROR)
        elif not self.closed:
            super().send(pkt)


class SimulatorServer(socketio.Server):
    """A Socket.IO server for the simulator and for standard clients alike."""

    def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> Any:  # noqa: ANN401
        # The library makes its sockets itself, with no say in their class; this is the first
        # moment at which one can be had, before anything was received on it.
        self.eio.sockets[eio_sid].__class__ = PongingSocket
        polling = "transport=polling" in environ.get("QUERY_STRING", "")
        if polling and len(self.eio.sockets) > MOST_POLLING:
            return False
        return super()._handle_eio_connect(eio_sid, environ)

    def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> None:
        # An event from a client that never connected: connect it now, as Socket.IO 2 did.
        if (
            isinstance(data, str)
            and data.startswith(EVENT)
            and self.manager.sid_from_eio_sid(eio_sid, ROOT) is None
        ):
            self._handle_connect(eio_sid, ROOT, None)
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
            # No Socket.IO packet, as far as the library's parser could tell. The library itself
            # would print its traceback, and go on with this client.
            log.warning("a client that speaks no Socket.IO is disconnected: %r", error)
            self.eio.disconnect(eio_sid)
