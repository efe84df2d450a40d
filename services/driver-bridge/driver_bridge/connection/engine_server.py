"""An Engine.IO server that speaks versions 3 and 4, and refuses the rest in words.

It uses and overrides private methods of python-engineio; simulator_server.py says what guards that.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

import engineio

from contract.watchdog import Watchdog
from driver_bridge.connection.engine_io_3 import encode_payload
from driver_bridge.connection.engine_socket import Engine3Socket

log = logging.getLogger(__name__)

MAX_POLLING_CLIENTS: Final = 256
"""Number of clients above which none may begin with long polling. Each such request creates a
client, which lasts until its PINGs are missed. The simulator begins with a websocket, which is
always accepted."""
METHODS: Final = ("GET", "POST", "OPTIONS")
LOOK_S: Final = 0.5
"""Longest time in seconds between two calls of `look`, unless the bridge stands still."""
ENGINE_IO_3: Final = "driver_bridge.engine_io_3"
"""Key of the WSGI environment that is set for a handshake of Engine.IO 3."""

Query = dict[str, list[str]]


class EngineServer(engineio.Server):
    """An Engine.IO server for versions 3 and 4 of the protocol.

    Args:
        options: the options of python-engineio.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        # The library notes with time.time when it sent a PING.
        self.pinged = Watchdog(self.ping_timeout, LOOK_S, time.time)
        """Judges clients of version 4 by the PING that they have not answered."""
        self.pinging = Watchdog(self.ping_interval + self.ping_timeout, LOOK_S)
        """Judges clients of version 3 by what they sent last."""

    def look(self) -> None:
        """Measure for how long the bridge stood still, which is granted to all clients."""
        self.pinged.look()
        self.pinging.look()

    def handle_request(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request, as a WSGI application."""
        query = parse_qs(environ.get("QUERY_STRING", ""))
        refusal = self._refusal(environ["REQUEST_METHOD"], query)
        if refusal is not None:
            status, message = refusal
            if "sid" not in query:  # else it belongs to a client of whose end the log tells
                log.warning("a request is refused with %s: %s", status, message)
            body = json.dumps(message).encode()
            start_response(status, [("Content-Type", "application/json")])
            return [body]
        if "sid" in query:
            version_3 = isinstance(self.sockets[query["sid"][0]], Engine3Socket)
        else:
            version_3 = query["EIO"] == ["3"]
        if not version_3:
            return list(super().handle_request(environ, start_response))
        # The library knows no version but 4.
        query_4 = urlencode({**query, "EIO": "4"}, doseq=True)
        environ = {**environ, "QUERY_STRING": query_4, ENGINE_IO_3: True}
        if environ["REQUEST_METHOD"] != "GET" or query["transport"] != ["polling"]:
            return list(super().handle_request(environ, start_response))
        return self._poll_version_3(environ, start_response)

    def _poll_version_3(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        statuses: list[str] = []

        def start(status: str, headers: list[tuple[str, str]]) -> Any:  # noqa: ANN401
            statuses.append(status)
            return start_response(status, headers)

        environ.pop("HTTP_ACCEPT_ENCODING", None)  # what is compressed could not be rewritten
        body = b"".join(super().handle_request(environ, start)).decode()
        return [(encode_payload(body) if statuses[0].startswith("200") else body).encode()]

    def _refusal(self, method: str, query: Query) -> tuple[str, str] | None:
        """Return the status and the reason with which a request is refused, or None."""
        transport, version = (_first(query, name) for name in ("transport", "EIO"))
        bad = "400 Bad Request"
        if method not in METHODS:
            return bad, f"the method is none of {', '.join(METHODS)}"
        if transport not in self.transports:
            return bad, f"the transport must be polling or websocket: got={transport!r}"
        if "j" in query:
            return bad, "JSONP is not spoken: it lets any web page drive"
        if "sid" in query:
            # The library has no answer to a POST of a session that it is about to forget.
            known = self.sockets.get(query["sid"][0])
            is_open = known is not None and not known.closed
            return None if is_open else (bad, "there is no such session")
        if version not in ("3", "4"):
            return bad, (
                f"this version of Engine.IO is not spoken: got EIO={version!r}. Versions 3 and 4 "
                "are, which are those of Socket.IO 1 to 5 (clients of JavaScript 1.0 and later)"
            )
        if transport == "polling" and len(self.sockets) >= MAX_POLLING_CLIENTS:
            return "503 Service Unavailable", "too many clients: begin with a websocket"
        return None

    def _ok(self, packets: Any = None, **options: Any) -> dict[str, Any]:  # noqa: ANN401
        answer: dict[str, Any] = super()._ok(packets, **options)
        if packets is None:
            answer["response"] = b"ok"  # the protocol writes it so
        return answer


def _first(query: Query, name: str) -> str:
    """Return the first value of a field, shortened, because the answer repeats it."""
    return query.get(name, [""])[0][:16]
