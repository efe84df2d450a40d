"""The driving path: a request's pictures in, steering out."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from contract.errors import ModelError
from contract.models.registry import ModelManifest
from contract.vehicle import MAX_STEER_DEG
from inference.api import error_responses, request_body
from inference.metrics import Metrics
from inference.model_watcher import Follower
from inference.workers.scheduler import Engine

PATH: Final = "/predict"
REFUSALS: Final = (408, 413, 415, 422, 503)
NOT_READY: Final = "`lapwing train` publishes a model; ask again then"
BODY_TIMEOUT_S: Final = 5.0
"""How long pictures may take to arrive; the simulator's take a millisecond."""
PICTURE: Final = {"schema": {"type": "string", "format": "binary"}}
FORM: Final = {
    "schema": {
        "type": "object",
        "description": "Either `file`, for one answer, or `files`, for a list of answers.",
        "properties": {
            "file": PICTURE["schema"],
            "files": {
                "type": "array",
                "items": PICTURE["schema"],
                "minItems": 1,
                "maxItems": request_body.MOST,
            },
        },
        "oneOf": [{"required": ["file"]}, {"required": ["files"]}],
    }
}
REQUEST_BODY: Final = {
    "required": True,
    "description": "A JPEG of any size up to 4 million pixels. In a form: one file of any name "
    f"for one answer, or up to {request_body.MOST} named `files` for a list of answers in their "
    "order.",
    "content": {"image/jpeg": PICTURE, "multipart/form-data": FORM},
}


class Predictor:
    """Answers POST /predict, and leaves every other request to `app`.

    FastAPI's own way to a function takes as long as decoding the picture: with all cores busy, a
    tenth of the frames that could be answered. So /predict is found before it; FastAPI documents
    it (`document`). docs/adr/0007-inference.md has the figures.

    Args:
        app: the other pages.
        engine: computes.
        follower: knows which model drives.
        metrics: are told of every request.
        max_body_bytes: of a request.
    """

    def __init__(
        self,
        app: ASGIApp,
        engine: Engine,
        follower: Follower,
        metrics: Metrics,
        max_body_bytes: int,
    ) -> None:
        self._app = app
        self._engine = engine
        self._follower = follower
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        try:
            response = await self._predict(Request(scope, receive))
            self._metrics.seconds.observe(time.perf_counter() - began)
        except Exception as error:  # noqa: BLE001 - refusals logs what is no refusal
            response = error_responses.answer(error)
            self._metrics.refusals.labels(type(error).__name__.removesuffix("Error")).inc()
        self._metrics.requests.labels(str(response.status_code)).inc()
        await response(scope, receive, send)

    async def _predict(self, request: Request) -> Response:
        self._engine.admit()  # before anything is read
        pictures = await request_body.read(
            request.stream(), request.headers, self._max_body_bytes, BODY_TIMEOUT_S
        )
        driving = self._follower.pilot  # this one answers, whatever is published meanwhile
        if driving is None:
            why = self._follower.why_not_ready() or "no model is served"
            raise ModelError(why, remedy=NOT_READY)
        steerings = await self._engine.steer(driving.manifest.version, pictures.jpegs)
        answers = [answer(each, driving.manifest) for each in steerings]
        document = {"predictions": answers} if pictures.several else answers[0]
        return Response(json.dumps(document), media_type="application/json")

    async def document(self, request: Request) -> Response:
        """Predict the steering for one JPEG, or for each of several."""
        return await self._predict(request)


def answer(steering: float, manifest: ModelManifest) -> dict[str, Any]:
    """Return what answers.Prediction describes."""
    return {
        "steering": steering,
        "steering_angle_deg": steering * MAX_STEER_DEG,
        "model_version": manifest.version,
        "model_sha256": manifest.sha256,
    }
