"""POST /predict: the frames of a request in, their answers out."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from contract.errors import ModelError
from contract.models.registry import ModelManifest
from contract.policy.answer import PolicyAnswer
from contract.vehicle import MAX_STEER_DEG
from inference.api import error_responses, request_body
from inference.api.body_reader import BodyReader
from inference.metrics import InferenceMetrics
from inference.model_watcher import ModelWatcher
from inference.workers.scheduler import Scheduler

PATH: Final = "/predict"
ERROR_STATUSES: Final = (408, 413, 415, 422, 503)
CONTENT_TYPE: Final = (b"content-type", b"application/json")
NO_MODEL_REMEDY: Final = "Publish a model with `lapwing train`, and send the frame again"
JPEG_CONTENT: Final = {"schema": {"type": "string", "format": "binary"}}
FORM_CONTENT: Final = {
    "schema": {
        "type": "object",
        "description": "Either `file`, for one answer, or `files`, for a list of answers.",
        "properties": {
            "file": JPEG_CONTENT["schema"],
            "files": {
                "type": "array",
                "items": JPEG_CONTENT["schema"],
                "minItems": 1,
                "maxItems": request_body.MAX_FILES,
            },
        },
        "oneOf": [{"required": ["file"]}, {"required": ["files"]}],
    }
}
REQUEST_BODY: Final = {
    "required": True,
    "description": "A JPEG of any size up to 4 million pixels. In a form: one file of any name "
    f"for one answer, or up to {request_body.MAX_FILES} files named `files` for a list of answers "
    "in their order.",
    "content": {"image/jpeg": JPEG_CONTENT, "multipart/form-data": FORM_CONTENT},
}


class PredictMiddleware:
    """Answers POST /predict, and passes every other request to `app`.

    The routing of FastAPI takes as long as the decoding of a frame: with all cores busy, a tenth of
    the frames that could be answered. So this class answers /predict before FastAPI, which only
    documents it (`document`). docs/adr/0007-inference.md has the figures.

    Args:
        app: the application with all other pages.
        scheduler: predicts frames.
        watcher: holds the model that drives.
        metrics: counts every request.
        max_body_bytes: maximum size of a body.
    """

    def __init__(
        self,
        app: ASGIApp,
        scheduler: Scheduler,
        watcher: ModelWatcher,
        metrics: InferenceMetrics,
        max_body_bytes: int,
    ) -> None:
        self._app = app
        self._scheduler = scheduler
        self._watcher = watcher
        self._metrics = metrics
        self._bodies = BodyReader(max_body_bytes)
        self._answered = metrics.requests.labels("200")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        try:
            body = await self._predict(scope["headers"], receive)
            self._metrics.seconds.observe(time.perf_counter() - began)
        except Exception as error:  # noqa: BLE001 - response_to logs unexpected errors
            response = error_responses.response_to(error)
            self._metrics.refusals.labels(error_responses.metric_reason(error)).inc()
            self._metrics.requests.labels(str(response.status_code)).inc()
            await response(scope, receive, send)
            return
        self._answered.inc()
        # A Response of Starlette takes as long as all of the rest of this method.
        length = (b"content-length", b"%d" % len(body))
        await send(
            {"type": "http.response.start", "status": 200, "headers": [length, CONTENT_TYPE]}
        )
        await send({"type": "http.response.body", "body": body})

    async def _predict(self, headers: list[tuple[bytes, bytes]], receive: Receive) -> bytes:
        content_type = declared = None
        for name, value in headers:  # the first of each name counts
            if name == b"content-type" and content_type is None:
                content_type = value.decode("latin-1")
            elif name == b"content-length" and declared is None:
                declared = value.decode("latin-1")
        content_type = content_type or ""
        # Before anything of the body is read.
        self._scheduler.admit(is_form=content_type.startswith("multipart/"))
        frames = await request_body.read_frames(
            _chunks(receive), content_type, declared or "", self._bodies
        )
        model = self._watcher.model  # this version answers, even if another is published meanwhile
        if model is None:
            reason = self._watcher.unready_reason() or "no model is served"
            raise ModelError(reason, remedy=NO_MODEL_REMEDY)
        answers = await self._scheduler.predict(model.manifest.version, frames.jpegs)
        predictions = [_prediction(answer, model.manifest) for answer in answers]
        body = {"predictions": predictions} if frames.is_list else predictions[0]
        return json.dumps(body).encode()

    async def document(self, request: Request) -> Response:
        """Predict the steering for one JPEG, or for each of several."""
        body = await self._predict(request.scope["headers"], request.receive)
        return Response(body, media_type="application/json")


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    """Yield the body of a request as it arrives.

    Raises:
        ClientDisconnect: the client left before the end.
    """
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        if body := message.get("body"):
            yield body
        if not message.get("more_body"):
            return


def _prediction(answer: PolicyAnswer, manifest: ModelManifest) -> dict[str, Any]:
    """Return the JSON of one answer, as schemas.Prediction describes it."""
    prediction = {
        "steering": answer.steering,
        "steering_angle_deg": answer.steering * MAX_STEER_DEG,
        "model_version": manifest.version,
        "model_sha256": manifest.sha256,
    }
    if answer.speed_mph is not None:
        prediction["speed_mph"] = answer.speed_mph
    return prediction
