"""A Socket.IO server with what Udacity's simulator needs and python-socketio does not offer.

The simulator announces Engine.IO 4 but behaves as a Socket.IO 2 client: it never sends the CONNECT
packet, so python-socketio 5 drops its events; and it sends its own Engine.IO PINGs, which only
servers of later protocols send. Clients of Socket.IO 1 and 2 proper announce Engine.IO 3. See
docs/protocol.md.

All uses of private methods of python-socketio and python-engineio are in this file and in
engine_server.py, engine_socket.py and strict_packet.py beside it. Both libraries are pinned to an
exact version, and tests/driver_bridge/connection/test_library_contract.py fails when a release
changes these methods.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import socketio
from socketio import packet

from contract.watchdog import Watchdog
from driver_bridge.connection.engine_server import ENGINE_IO_3, LOOK_S, EngineServer
from driver_bridge.connection.engine_socket import Engine3Socket, PongingSocket
from driver_bridge.connection.strict_packet import (
    ROOT_NAMESPACE,
    MalformedPacketError,
    StrictPacket,
)


@dataclass(frozen=True)
class Heartbeat:
    """Times in seconds that decide whether a client is still there."""

    interval_s: float = 5
    """Time between two PINGs. The library keeps all objects of a connection until its next PING is
    due, even after the client has left. At its own 25 s, 400 connections a second that come and go
    leave half a million objects behind, and the garbage collector stops every simulator for 0.3 s
    to scan them."""
    timeout_s: float = 20
    """Time within which a PING must be answered."""
    silence_s: float = 60
    """Time within which a client must send its first telemetry. The real simulator sends it at
    once. A client that answers PINGs alone would else stay for ever."""


HEARTBEAT: Final = Heartbeat()


class SimulatorServer(socketio.Server):
    """A Socket.IO server for Udacity's simulator and for standard clients alike.

    Args:
        heartbeat: times after which a client is taken for gone.
        options: the options of python-socketio.
    """

    def __init__(self, heartbeat: Heartbeat, **options: Any) -> None:  # noqa: ANN401
        super().__init__(
            serializer=StrictPacket,
            ping_interval=heartbeat.interval_s,
            ping_timeout=heartbeat.timeout_s,
            **options,
        )
        self._newcomers = Watchdog(heartbeat.silence_s, LOOK_S)
        self._incomplete: dict[str, StrictPacket] = {}
        """Packets whose attachments have not all arrived, by Engine.IO's name of the client."""

    def use_websocket(self, upgrade: Callable[..., object]) -> None:
        """Let `upgrade` answer the requests for websockets, in place of the library's own class."""
        self.eio._async = {**self.eio._async, "websocket": upgrade}

    def client(self, sid: str) -> PongingSocket:
        """Return the connection of a client."""
        connection = self.eio.sockets[self.manager.eio_sid_from_sid(sid, ROOT_NAMESPACE)]
        assert isinstance(connection, PongingSocket)
        return connection

    def hang_up(self, sid: str) -> None:
        """Disconnect a client, if it has not left already."""
        connection = self.eio.sockets.get(self.manager.eio_sid_from_sid(sid, ROOT_NAMESPACE))
        if connection is not None:
            connection.close(reason=self.eio.reason.SERVER_DISCONNECT)

    def close_silent(self) -> int:
        """Disconnect the clients that never sent a telemetry, and return their number.

        It must be called several times a second: it also measures for how long the bridge stood
        still.
        """
        self.eio.look()
        self._newcomers.look()
        silent = [
            connection
            for connection in self.eio.sockets.values()
            if not connection.driving
            and not connection.closed
            and self._newcomers.is_overdue(connection.opened_s)
        ]
        for connection in silent:
            connection.close(reason=self.eio.reason.SERVER_DISCONNECT)
        return len(silent)

    def _engineio_server_class(self) -> type[EngineServer]:
        return EngineServer

    def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        # This is the first moment at which the class of a socket can be changed, before anything
        # was received.
        version_3 = ENGINE_IO_3 in environ
        (Engine3Socket if version_3 else PongingSocket).adopt(self.eio.sockets[eio_sid])
        super()._handle_eio_connect(eio_sid, environ)
        if version_3:  # Socket.IO 1 and 2 connect every client to the root namespace at once
            self._handle_connect(eio_sid, ROOT_NAMESPACE, None)

    def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        self._incomplete.pop(eio_sid, None)
        super()._handle_eio_disconnect(eio_sid, reason)

    def _handle_eio_message(self, eio_sid: str, data: object) -> None:
        # The library's method reads a packet and handles it in one, so that the faults of a client
        # could not be told from our own. Here the former disconnect the client, in one line of the
        # log, and the latter are reported by the library, with their traceback.
        try:
            received = self._read(eio_sid, data)
        except MalformedPacketError as error:
            self.eio.sockets[eio_sid].refuse(str(error), data)
            return
        if received is None:
            return
        kind, namespace = received.packet_type, received.namespace
        if kind == packet.CONNECT:
            self._handle_connect(eio_sid, namespace, received.data)
        elif kind == packet.DISCONNECT:
            self._handle_disconnect(eio_sid, namespace, self.reason.CLIENT_DISCONNECT)
        elif kind in (packet.EVENT, packet.BINARY_EVENT):
            if self.manager.sid_from_eio_sid(eio_sid, ROOT_NAMESPACE) is None:
                # An event of a client that never connected: connect it now, as Socket.IO 2 did.
                self._handle_connect(eio_sid, ROOT_NAMESPACE, None)
            self._handle_event(eio_sid, namespace, received.id, received.data)
        # What is left are acknowledgements. The bridge asks for none, so none means anything.

    def _read(self, eio_sid: str, data: object) -> StrictPacket | None:
        """Return the packet that this message completes, or None where attachments are missing.

        Raises:
            MalformedPacketError: the message is no packet that a client sends.
        """
        incomplete = self._incomplete.get(eio_sid)
        if incomplete is not None:
            if not incomplete.add_attachment(data):
                return None
            return self._incomplete.pop(eio_sid)
        if not data:
            raise MalformedPacketError("a message without a packet")
        received = StrictPacket(encoded_packet=data)
        if received.attachment_count:
            self._incomplete[eio_sid] = received
            return None
        return received

    def _handle_connect(self, eio_sid: str, namespace: str | None, data: object) -> None:
        if (namespace or ROOT_NAMESPACE) != ROOT_NAMESPACE:
            error = {"message": "Invalid namespace"}
            self._send_packet(eio_sid, StrictPacket(packet.CONNECT_ERROR, error, namespace))
        elif sid := self.manager.sid_from_eio_sid(eio_sid, ROOT_NAMESPACE):
            # It is connected already, by its first event or because its version need not ask.
            self._send_packet(eio_sid, StrictPacket(packet.CONNECT, {"sid": sid}))
        else:
            super()._handle_connect(eio_sid, namespace, data)

    def _send_packet(self, eio_sid: str, pkt: packet.Packet) -> None:
        connection = self.eio.sockets.get(eio_sid)
        if pkt.packet_type == packet.CONNECT and isinstance(connection, Engine3Socket):
            pkt.data = None  # clients of Socket.IO 2 take a CONNECT with data for an error
        super()._send_packet(eio_sid, pkt)
