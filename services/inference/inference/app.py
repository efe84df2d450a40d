"""The inference service: a JPEG frame in, a steering command out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Final

import cv2
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from contract import frame
from contract.errors import BrokenFrameError, LapwingError, ModelError, NotAJpegError
from contract.registry import Registry
from contract.telemetry import STEERING_LOCK_DEG
from inference import body, pilot
from inference.answers import Alive, Model, Prediction, Readiness, Refusal, describe
from inference.backend import KINDS, Kind
from inference.body import FormError, TooLargeError, TooSlowError, UnsupportedTypeError
from inference.follower import Follower
from inference.metrics import Metrics
from inference.pilot import Pilot
from inference.settings import Settings

STATUS: Final[dict[type[LapwingError], int]] = {
    TooSlowError: 408,
    TooLargeError: 413,
    UnsupportedTypeError: 415,
    NotAJpegError: 415,
    BrokenFrameError: 422,
    FormError: 422,
    ModelError: 503,
}
MEANING: Final = {
    408: "The body did not arrive in time.",
    413: "The body is too large; no more of it is read.",
    415: "No JPEG, or neither image/jpeg nor multipart/form-data.",
    422: "A picture that is empty, truncated, corrupt or of too many pixels, or a bad form.",
    503: "No model is served; Retry-After says when to ask again.",
}
RETRY_AFTER_S: Final = "2"
NOT_READY: Final = "`lapwing train` publishes a model; ask again then"
BODY_TIMEOUT_S: Final = 5.0
"""How long a frame may take to arrive; the simulator's take a millisecond."""
FIRST_LOOK_S: Final = 1.0
"""How long the start waits for a model: LiteRT's is loaded within that, TensorFlow's is not."""
PICTURE: Final = {"schema": {"type": "string", "format": "binary"}}
PROMETHEUS: Final = {"text/plain": {"schema": {"type": "string"}}}
FORM: Final = {
    "schema": {"type": "object", "required": ["file"], "properties": {"file": PICTURE["schema"]}}
}
REQUEST_BODY: Final = {
    "required": True,
    "description": "A JPEG of any size up to 4 million pixels; in a form, one file of any name.",
    "content": {"image/jpeg": PICTURE, "multipart/form-data": FORM},
}


def create_app(settings: Settings, kinds: Mapping[str, Kind] = KINDS) -> FastAPI:
    """Return the service; it follows the registry from its start to its end.

    `kinds` are the ways to compute a network, by the name that settings.backend chooses.

    Raises:
        SettingError: the backend is not installed here.
    """
    metrics = Metrics()
    registry = Registry(settings.model_dir)
    kind = kinds[settings.backend]
    kind.require()
    follower = Follower(registry, lambda version: pilot.load(registry, version, kind))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        cv2.setNumThreads(1)  # a frame is too small to be shared out
        # One thread decodes and computes: two would only take turns on the interpreter's lock.
        with ThreadPoolExecutor(1, thread_name_prefix="pilot") as executor:
            app.state.executor = executor
            first = asyncio.create_task(asyncio.to_thread(_look, follower, metrics))
            await asyncio.wait({first}, timeout=FIRST_LOOK_S)
            following = asyncio.create_task(
                _follow(first, follower, metrics, settings.follow_every_s)
            )
            yield
            following.cancel()

    app = FastAPI(
        title="Lapwing inference",
        description="Predicts the steering of Udacity's simulator from its camera frames.",
        version="0.1.0",
        lifespan=lifespan,
    )

    @app.post(
        "/predict",
        openapi_extra={"requestBody": REQUEST_BODY},
        responses=_refusals(*MEANING),
    )
    async def predict(request: Request) -> Prediction:
        """Predict the steering for one JPEG: the request's body, or the file of a form."""
        began = time.perf_counter()
        jpeg = await body.read(
            request.stream(), request.headers, settings.max_body_bytes, BODY_TIMEOUT_S
        )
        driving = follower.pilot  # this one answers, whatever is published meanwhile
        if driving is None:
            raise ModelError(follower.why_not_ready() or "no model is served", remedy=NOT_READY)
        loop = asyncio.get_running_loop()
        steering = await loop.run_in_executor(app.state.executor, _steer, driving, jpeg)
        metrics.requests.labels("200").inc()
        metrics.seconds.observe(time.perf_counter() - began)
        return Prediction(
            steering=steering,
            steering_angle_deg=steering * STEERING_LOCK_DEG,
            model_version=driving.manifest.version,
            model_sha256=driving.manifest.sha256,
        )

    @app.exception_handler(LapwingError)
    async def refuse(_: Request, error: LapwingError) -> JSONResponse:
        status = STATUS.get(type(error), 500)
        metrics.requests.labels(str(status)).inc()
        return _answer(status, error)

    @app.exception_handler(ClientDisconnect)
    async def forget(_: Request, error: ClientDisconnect) -> Response:
        metrics.requests.labels("499").inc()  # nobody is there to read an answer
        return Response(status_code=499)

    @app.exception_handler(HTTPException)
    async def refuse_request(request: Request, error: HTTPException) -> JSONResponse:
        got = f"{request.method} {request.url.path}"
        said = LapwingError(error.detail, got=got, remedy="/docs tells what there is")
        return _answer(error.status_code, said, error.headers)

    @app.exception_handler(Exception)
    async def confess(_: Request, error: Exception) -> JSONResponse:
        # The log has the traceback: it is none of the client's business.
        metrics.requests.labels("500").inc()
        return _answer(500, LapwingError("the service failed", remedy="Its log tells why"))

    @app.get("/healthz")
    async def healthz() -> Alive:
        """Tell that the service runs."""
        return Alive()

    @app.get("/readyz", responses={503: {"model": Readiness, "description": MEANING[503]}})
    async def readyz(response: Response) -> Readiness:
        """Tell whether frames are answered, and why not."""
        reason, driving = follower.why_not_ready(), follower.pilot
        if reason is not None:
            response.status_code = 503
            response.headers["Retry-After"] = RETRY_AFTER_S
        return Readiness(
            ready=reason is None,
            reason=reason or "",
            model_version=driving.manifest.version if driving else None,
            refused=dict(follower.refused),
            trouble=follower.trouble,
        )

    @app.get("/model")
    async def model() -> Model:
        """Describe the version that is served."""
        driving = follower.pilot
        return describe(driving.manifest if driving else None, settings.backend, follower.refused)

    @app.get("/metrics", response_class=Response, responses={200: {"content": PROMETHEUS}})
    async def prometheus() -> Response:
        """Return the service's counters in Prometheus's text format."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return app


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {each: {"model": Refusal, "description": MEANING[each]} for each in statuses}


def _answer(
    status: int, error: LapwingError, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Say what an error says."""
    got = "" if error.got is None else str(error.got)
    refusal = Refusal(error=error.what, got=got, remedy=error.remedy)
    headers = dict(headers or {})
    if status == 503:
        headers["Retry-After"] = RETRY_AFTER_S
    if status in (408, 413):  # what is left of the body is not read
        headers["Connection"] = "close"
    return JSONResponse(refusal.model_dump(), status, headers)


def _steer(driving: Pilot, jpeg: bytes) -> float:
    return driving.steer(frame.prepare(jpeg))


def _look(follower: Follower, metrics: Metrics) -> None:
    follower.look()
    metrics.version.set(follower.pilot.manifest.version if follower.pilot else 0)
    metrics.refused.set(len(follower.refused))


async def _follow(
    first: asyncio.Task[None], follower: Follower, metrics: Metrics, every_s: float
) -> None:
    await first
    while True:
        await asyncio.sleep(every_s)
        await asyncio.to_thread(_look, follower, metrics)
