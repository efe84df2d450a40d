"""Refuses what a hostile web page in a user's browser sends, before anything else is looked at."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from contract.wire.web_access import ForeignHostError, ForeignOriginError, WebAccess
from inference.api import error_responses


class WebGuard:
    """Passes the requests on that name a host of ours and come from no page, or an allowed one.

    Args:
        app: the application that is protected.
        access: judges the headers Host and Origin.
    """

    def __init__(self, app: ASGIApp, access: WebAccess) -> None:
        self._app = app
        self._access = access
        self._accepted_host = b""
        """The last host that was accepted: a client sends the same one with every request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            try:
                self._check(scope["headers"])
            except (ForeignHostError, ForeignOriginError) as error:
                await error_responses.response_to(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, headers: list[tuple[bytes, bytes]]) -> None:
        host = origin = None
        for name, value in headers:  # each of them, where a request has several
            if name == b"host":
                host = value
                if value != self._accepted_host:
                    self._access.check(value.decode("latin-1"), None)
                    self._accepted_host = value
            elif name == b"origin":
                origin = value
        if origin is not None:
            text = None if host is None else host.decode("latin-1")
            self._access.check(text, origin.decode("latin-1"))
