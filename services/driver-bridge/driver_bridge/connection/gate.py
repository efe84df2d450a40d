"""The gate before the application: who may ask, and how much a request may bring.

It is WSGI, and judges every request, also those that become a websocket.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from typing import Any, Final

from contract.errors import LapwingError
from contract.wire.web_access import ForeignHostError, ForeignOriginError, WebAccess

PLACE: Final = "lapwing.place"
"""Key under which a request carries the place of its connection."""
SOCKET_IO_PATH: Final = "/socket.io/"
MAX_ARRIVING_BYTES: Final = 8_388_608
"""Number of bytes of all bodies that are being read; a telemetry has 18 kB."""

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class RefusedRequestError(Exception):
    """A request is refused with this status, for this reason."""

    def __init__(self, status: str, reason: str) -> None:
        self.status = status
        super().__init__(reason)


class Gate:
    """Lets requests through to the application, with their whole bodies.

    Args:
        app: the application behind the gate.
        access: judges the headers Host and Origin.
        max_body_bytes: maximum size of a body.
    """

    def __init__(self, app: WsgiApp, access: WebAccess, max_body_bytes: int) -> None:
        self._app = app
        self._access = access
        self._max_body_bytes = max_body_bytes
        self._arriving_bytes = 0

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        try:
            self._check_page(environ)
            self._check_place(environ)
            environ["wsgi.input"] = io.BytesIO(self._read_body(environ))
        except RefusedRequestError as refusal:
            body = json.dumps({"error": str(refusal)}).encode() + b"\n"
            headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
            if refusal.status.startswith("503"):
                headers.append(("Retry-After", "1"))
            start(refusal.status, headers)
            return [body]
        return self._app(environ, self._readable(environ, start))

    def _readable(self, environ: dict[str, Any], start: Callable[..., Any]) -> Callable[..., Any]:
        """Return what begins an answer, so that the page that asks may read it."""
        origin = environ.get("HTTP_ORIGIN")
        if origin is None or environ["PATH_INFO"].startswith(SOCKET_IO_PATH):
            return start  # python-socketio adds these headers itself

        def begin(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:  # noqa: ANN401
            allowed = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
            return start(status, headers + allowed, *rest)

        return begin

    def _check_page(self, environ: dict[str, Any]) -> None:
        try:
            self._access.check(environ.get("HTTP_HOST"), environ.get("HTTP_ORIGIN"))
        except ForeignHostError as error:
            raise _refusal("421 Misdirected Request", error) from error
        except ForeignOriginError as error:
            raise _refusal("403 Forbidden", error) from error

    def _check_place(self, environ: dict[str, Any]) -> None:
        place = environ.get(PLACE)
        if place is not None and place.spare and environ["PATH_INFO"].startswith(SOCKET_IO_PATH):
            raise RefusedRequestError(
                "503 Service Unavailable", "all places are taken by simulators that drive"
            )

    def _read_body(self, environ: dict[str, Any]) -> bytes:
        if "HTTP_TRANSFER_ENCODING" in environ:
            raise RefusedRequestError(
                "411 Length Required", "a body must come with a Content-Length"
            )
        size = int(environ.get("CONTENT_LENGTH") or 0)
        if size > self._max_body_bytes:
            raise RefusedRequestError(
                "413 Content Too Large", f"a body may have at most {self._max_body_bytes} bytes"
            )
        if not size:
            return b""
        if self._arriving_bytes + size > MAX_ARRIVING_BYTES:
            raise RefusedRequestError("503 Service Unavailable", "too many bodies arrive at once")
        self._arriving_bytes += size
        try:
            body: bytes = environ["wsgi.input"].read(size)
        except TimeoutError as error:
            raise RefusedRequestError(
                "408 Request Timeout", "the body did not arrive in time"
            ) from error
        finally:
            self._arriving_bytes -= size
        if len(body) < size:
            raise RefusedRequestError("400 Bad Request", "the body ended early")
        return body


def _refusal(status: str, error: LapwingError) -> RefusedRequestError:
    return RefusedRequestError(status, str(error))
