"""How errors become answers: a status, the three parts of the message, and when to ask again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from contract.errors import BrokenFrameError, LapwingError, ModelError, NotAJpegError
from inference.api.request_body import FormError, TooLargeError, TooSlowError, UnsupportedTypeError
from inference.api.schemas import Refusal
from inference.workers.scheduler import BusyError
from inference.workers.worker_client import LaneDiedError

log = logging.getLogger(__name__)

STATUS: Final[dict[type[LapwingError], int]] = {
    TooSlowError: 408,
    TooLargeError: 413,
    UnsupportedTypeError: 415,
    NotAJpegError: 415,
    BrokenFrameError: 422,
    FormError: 422,
    ModelError: 503,
    BusyError: 503,
    LaneDiedError: 503,
}
MEANING: Final = {
    401: "A token is wanted (LAPWING_API_TOKEN), and was not shown.",
    408: "The body did not arrive in time.",
    413: "The body is too large; no more of it is read.",
    415: "No JPEG, or neither image/jpeg nor multipart/form-data.",
    422: "A picture that is empty, truncated, corrupt or of too many pixels, or a bad form.",
    503: "No model is served, or too many frames are waiting; Retry-After says when to ask again.",
}
RETRY_AFTER_S: Final = {ModelError: "2", BusyError: "1", LaneDiedError: "1"}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of refusals."""
    return {each: {"model": Refusal, "description": MEANING[each]} for each in statuses}


def answer(error: Exception) -> Response:
    """Return what a request is answered that ended in an error."""
    if isinstance(error, ClientDisconnect):
        return Response(status_code=499)  # nobody is there to read it
    if not isinstance(error, LapwingError) or type(error) not in STATUS:
        # The log has the traceback: it is none of the client's business.
        log.error("a request failed", exc_info=error)
        return _say(500, LapwingError("the service failed", remedy="Its log tells why"))
    status = STATUS[type(error)]
    headers = {}
    if type(error) in RETRY_AFTER_S:
        headers["Retry-After"] = RETRY_AFTER_S[type(error)]
    if status in (408, 413):  # what is left of the body is not read
        headers["Connection"] = "close"
    return _say(status, error, headers)


def install(app: FastAPI) -> None:
    """Let the other pages of `app` answer errors in the same words."""

    @app.exception_handler(HTTPException)
    async def refuse_request(request: Request, error: HTTPException) -> JSONResponse:
        got = f"{request.method} {request.url.path}"
        said = LapwingError(error.detail, got=got, remedy="/docs tells what there is")
        return _say(error.status_code, said, error.headers)

    @app.exception_handler(Exception)
    async def confess(_: Request, error: Exception) -> Response:
        return answer(error)


def _say(
    status: int, error: LapwingError, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    got = "" if error.got is None else str(error.got)
    # What answers.Refusal describes; made by hand, since under load most answers are this one.
    refusal = {"error": error.what, "got": got, "remedy": error.remedy}
    return JSONResponse(refusal, status, headers)
