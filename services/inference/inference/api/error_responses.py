"""The HTTP responses to errors: a status, the three parts of the message, and when to try again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from contract.errors import BrokenFrameError, LapwingError, ModelError, NotAJpegError
from contract.wire.web_access import ForeignHostError, ForeignOriginError
from inference.api.body_reader import CrowdedError, TooLargeError, TooSlowError
from inference.api.request_body import FormError, UnsupportedTypeError
from inference.api.request_errors import (
    HeadTooLargeError,
    LateHeadError,
    LongMessageError,
    MalformedRequestError,
)
from inference.api.schemas import Refusal
from inference.workers.pool import NoWorkerError
from inference.workers.scheduler import BusyError, FrameTimeoutError
from inference.workers.worker_client import WorkerDiedError

log = logging.getLogger(__name__)

STATUS_CODES: Final[dict[type[LapwingError], int]] = {
    MalformedRequestError: 400,
    ForeignOriginError: 403,
    LateHeadError: 408,
    TooSlowError: 408,
    LongMessageError: 413,
    TooLargeError: 413,
    UnsupportedTypeError: 415,
    NotAJpegError: 415,
    BrokenFrameError: 422,
    FormError: 422,
    ForeignHostError: 421,
    HeadTooLargeError: 431,
    ModelError: 503,
    CrowdedError: 503,
    BusyError: 503,
    FrameTimeoutError: 503,
    NoWorkerError: 503,
    WorkerDiedError: 503,
}
DESCRIPTIONS: Final = {
    400: "What arrived is no HTTP request.",
    401: "The request does not carry the token of LAPWING_API_TOKEN.",
    403: "The web page that asks may not use the service (LAPWING_CORS_ORIGINS).",
    408: "The headers or the body did not arrive in time.",
    413: "The body is too large; the rest of it is not read.",
    415: "The body is no JPEG, or its type is neither image/jpeg nor multipart/form-data.",
    421: "The header Host names no host of the service (LAPWING_ALLOWED_HOSTS).",
    422: "An image is empty, truncated, corrupt or has too many pixels, or the form is invalid.",
    431: "The headers are too many or too large.",
    503: "No model is served, no worker process runs or answers, too many frames are waiting, or "
    "too many bodies are arriving; Retry-After says when to try again.",
}
RETRY_AFTER_S: Final = {
    ModelError: "2",
    BusyError: "1",
    CrowdedError: "1",
    FrameTimeoutError: "1",
    NoWorkerError: "1",
    WorkerDiedError: "1",
}

CLOSING: Final = (400, 408, 413, 431)
"""The statuses after which the connection is closed."""


def openapi_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the description of error responses for OpenAPI."""
    return {status: {"model": Refusal, "description": DESCRIPTIONS[status]} for status in statuses}


def response_to(error: Exception) -> Response:
    """Return the response to a request that ended in an error."""
    if isinstance(error, ClientDisconnect):
        return Response(status_code=499)  # nobody will read it
    if not isinstance(error, LapwingError) or type(error) not in STATUS_CODES:
        # The traceback goes to the log: it must not be shown to the client.
        log.error("a request failed", exc_info=error)
        return _response(500, LapwingError("the service failed", remedy="Its log says why"))
    status = STATUS_CODES[type(error)]
    headers = {}
    if type(error) in RETRY_AFTER_S:
        headers["Retry-After"] = RETRY_AFTER_S[type(error)]
    if status in CLOSING or type(error) is CrowdedError:  # the rest of the request is not read
        headers["Connection"] = "close"
    return _response(status, error, headers)


def metric_reason(error: Exception) -> str:
    """Return the value of the label `reason` that counts an error."""
    if isinstance(error, WorkerDiedError):
        return "LaneDied"  # the label is public and older than the name of the error
    return type(error).__name__.removesuffix("Error")


def install(app: FastAPI) -> None:
    """Let the other pages of `app` answer errors in the same form."""

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        got = f"{request.method} {request.url.path}"
        described = LapwingError(error.detail, got=got, remedy="/docs lists all pages")
        return _response(error.status_code, described, error.headers)

    @app.exception_handler(Exception)
    async def internal_error(_: Request, error: Exception) -> Response:
        return response_to(error)


def _response(
    status: int, error: LapwingError, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    got = "" if error.got is None else str(error.got)
    # The body is that of schemas.Refusal. It is made by hand, because under overload most responses
    # are refusals.
    body = {"error": error.what, "got": got, "remedy": error.remedy}
    return JSONResponse(body, status, headers)
