"""Who may ask: a bearer token for everything but the service's health."""

from __future__ import annotations

import hmac
from typing import Final

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from inference.api.schemas import Refusal

OPEN: Final = ("/healthz", "/readyz")
"""Asked by whoever watches over the service; they tell nothing of the data."""


class Guard:
    """Refuses requests that do not carry the token, before anything of their body is read.

    Args:
        app: what is guarded.
        token: that must be shown, as in RFC 6750: `Authorization: Bearer <token>`.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["path"] in OPEN or self._knows(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        refusal = Refusal(
            error="this service wants a token",
            got="none, or another",
            remedy="Send Authorization: Bearer with the value of LAPWING_API_TOKEN",
        )
        answer = JSONResponse(refusal.model_dump(), 401, {"WWW-Authenticate": "Bearer"})
        await answer(scope, receive, send)

    def _knows(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        # In a time that does not tell how much of it was right.
        same = hmac.compare_digest(token.strip().encode(), self._token)
        return scheme.lower() == "bearer" and same
