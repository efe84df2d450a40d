"""HTTP of eventlet, with a place for each connection and bounds for each request as a whole.

eventlet itself bounds the request line, each header line and all headers together in bytes, but in
time only each receive. This module is imported by server.py alone, after eventlet has replaced the
modules that block.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Final

import eventlet
import eventlet.wsgi
from eventlet import greenio, hubs

from driver_bridge.app import MAX_MESSAGE_BYTES
from driver_bridge.connection.bounded_input import BoundedInput
from driver_bridge.connection.gate import PLACE
from driver_bridge.connection.places import ConnectionPlace, Places
from driver_bridge.connection.websocket import HandshakeError, MessageSocket, shake_hands

log = logging.getLogger(__name__)

REQUEST_S: Final = 10.0
"""Time in seconds within which a request must have arrived as a whole, from the opening of its
connection or from the answer before it."""
MAX_REQUEST_BYTES: Final = 65_536 + MAX_MESSAGE_BYTES
"""Number of bytes that a request may have: headers, of which eventlet reads 64 KiB, and body."""


class PlacedProtocol(eventlet.wsgi.HttpProtocol):  # type: ignore[misc]
    """One connection, from its place to its end; `placed` makes the class for a server."""

    places: ClassVar[Places]
    rfile: Any
    """The stream from which eventlet reads requests."""

    def __init__(self, conn_state: list[Any], server: Any) -> None:  # noqa: ANN401 - no types
        connection = conn_state[1]
        place = self.places.enter(
            str(conn_state[0][0]),
            # A request may wait for more than its socket: long polling waits for an answer.
            partial(hubs.get_hub().schedule_call_global, 0, eventlet.getcurrent().kill),
        )
        if place is None:
            connection.close()
            return
        self.place: ConnectionPlace = place
        try:
            super().__init__(conn_state, server)
        except OSError:
            # The client has left, or was too slow, or its request too large: it hears no answer.
            connection.close()
        finally:
            self.places.leave(place)

    def setup(self) -> None:
        """Read the connection through bounds."""
        super().setup()
        self.rfile.close()
        self.bounded = BoundedInput(self.connection, REQUEST_S, MAX_REQUEST_BYTES)
        self.rfile = io.BufferedReader(self.bounded)

    def handle_one_request(self) -> None:
        """Read and answer a request."""
        self.bounded.begin()
        self.place.renew()
        super().handle_one_request()

    def get_environ(self) -> dict[str, Any]:
        """Return the request as WSGI has it, with the place of its connection."""
        environ: dict[str, Any] = super().get_environ()
        environ[PLACE] = self.place
        if "HTTP_TRANSFER_ENCODING" in environ:  # refused, and its body is not read
            self.close_connection = True
        return environ

    def log_message(self, *_: object) -> None:
        """Log nothing of requests that break off or are no HTTP."""


def placed(places: Places) -> type[PlacedProtocol]:
    """Return the class of the connections that share these places."""
    return type("PlacedProtocol", (PlacedProtocol,), {"places": places})


class WebSocketUpgrade:
    """Answers the request for a websocket and runs it, in place of python-engineio's own class.

    Args:
        handler: runs the websocket until it ends.
        server: the server of python-engineio.
    """

    def __init__(self, handler: Callable[[MessageSocket], object], server: object) -> None:
        self._handler = handler

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        """Run the websocket, or answer that the request is none."""
        try:
            protocol, answer = shake_hands(environ)
        except HandshakeError as error:
            reason = f"{error}\n".encode()
            start(f"{error.status} No Websocket", [("Connection", "close"), *error.headers])
            return [reason]
        stream = environ["eventlet.input"].get_socket()
        environ[PLACE].upgrade(partial(greenio.shutdown_safe, stream))
        websocket = MessageSocket(
            stream, protocol, MAX_MESSAGE_BYTES, time.monotonic, eventlet.sleep
        )
        environ["eventlet.set_idle"]()
        try:
            stream.sendall(answer)
            self._handler(websocket)
        except OSError as error:
            log.debug("a websocket has ended: %s", error)
        except Exception:
            log.exception("a websocket failed")
        finally:
            websocket.close()
            # Whatever happened, no HTTP may follow.
            eventlet.wsgi.WSGI_LOCAL.already_handled = True
        return []
