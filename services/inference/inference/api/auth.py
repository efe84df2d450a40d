"""Access to the service: a bearer token for everything but the health pages."""

from __future__ import annotations

import hmac
from typing import Final

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from inference.api.schemas import Refusal

PUBLIC_PATHS: Final = ("/healthz", "/readyz")
"""Pages without a token, for programs that monitor the service; they reveal none of its data."""


class BearerAuth:
    """Refuses requests without the token, before anything of their body is read.

    Args:
        app: the application that is protected.
        token: the token that a request must carry as in RFC 6750: `Authorization: Bearer <token>`.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if (
            scope["type"] != "http"
            or scope["path"] in PUBLIC_PATHS
            or self._is_authorized(Headers(scope=scope))
        ):
            await self._app(scope, receive, send)
            return
        refusal = Refusal(
            error="this service needs a token",
            got="no token, or another token",
            remedy="Send Authorization: Bearer with the value of LAPWING_API_TOKEN",
        )
        response = JSONResponse(refusal.model_dump(), 401, {"WWW-Authenticate": "Bearer"})
        await response(scope, receive, send)

    def _is_authorized(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        # The time of this comparison does not depend on how much of the token is right.
        same = hmac.compare_digest(token.strip().encode(), self._token)
        return scheme.lower() == "bearer" and same
