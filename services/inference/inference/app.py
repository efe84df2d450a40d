"""The inference service: JPEG frames in, steering commands out."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Depends, FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import PlainTextResponse
from fastapi.security import HTTPBearer
from starlette.types import ASGIApp

from contract.models.registry import ModelManifest, Registry
from contract.policy.litert import NAME
from inference.api import error_responses, predict
from inference.api.auth import Guard
from inference.api.predict import Predictor
from inference.api.schemas import Alive, Model, Prediction, Predictions, Readiness, describe
from inference.metrics import Metrics
from inference.model_watcher import Follower
from inference.settings import Settings
from inference.workers.scheduler import Engine

MOST_LANES: Final = 6
"""That one event loop can keep busy: it spends a sixth of what a lane spends on a frame."""
FIRST_LOOK_S: Final = 5.0
"""How long the start waits for a model: lanes take half a second, where there is time for them."""


@dataclass(frozen=True)
class Loaded:
    """A version that the lanes have loaded; for the thread that follows the registry."""

    manifest: ModelManifest
    engine: Engine
    loop: asyncio.AbstractEventLoop

    def check(self) -> None:
        """See that it answers as it did where it was made; raises ModelError."""
        asked = self.engine.check(self.manifest.version)
        asyncio.run_coroutine_threadsafe(asked, self.loop).result()


def create_app(settings: Settings) -> ASGIApp:
    """Return the service; it follows the registry from its start to its end."""
    metrics = Metrics()
    registry = Registry(settings.model_dir)
    lanes = settings.workers or min(os.cpu_count() or 1, MOST_LANES)
    engine = Engine(lanes, settings.queue_ms / 1000, settings.model_dir, metrics)

    def load(version: int) -> Loaded:
        asyncio.run_coroutine_threadsafe(engine.load(version), app.state.loop).result()
        return Loaded(registry.manifest(version), engine, app.state.loop)

    follower = Follower(registry, load)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.loop = asyncio.get_running_loop()
        async with engine:
            first = asyncio.create_task(_look(follower, engine, metrics))
            await asyncio.wait({first}, timeout=FIRST_LOOK_S)
            following = asyncio.create_task(_follow(first, follower, engine, metrics, settings))
            yield
            following.cancel()

    app = FastAPI(
        title="Lapwing inference",
        description="Predicts the steering of Udacity's simulator from its camera frames.",
        version=importlib.metadata.version("lapwing-inference"),
        lifespan=lifespan,
    )
    error_responses.install(app)
    predictor = Predictor(app, engine, follower, metrics, settings.max_body_bytes)
    # The token's dependency only documents it: the guard sees it before a route is found.
    guarded: dict[str, Any] = {"responses": {}}
    if settings.api_token:
        guarded["dependencies"] = [Depends(HTTPBearer(auto_error=False))]
        guarded["responses"] = error_responses.documented(401)
    app.add_api_route(
        predict.PATH,
        predictor.document,
        methods=["POST"],
        response_model=Prediction | Predictions,
        openapi_extra={"requestBody": predict.REQUEST_BODY},
        **(
            guarded
            | {"responses": guarded["responses"] | error_responses.documented(*predict.REFUSALS)}
        ),
    )

    @app.get("/healthz")
    async def healthz() -> Alive:
        """Tell that the service runs."""
        return Alive()

    @app.get("/readyz", responses={503: {"model": Readiness, "description": "It is not ready."}})
    async def readyz(response: Response) -> Readiness:
        """Tell whether frames are answered as they should be, and why not."""
        reason, driving = follower.why_not_ready(), follower.pilot
        if reason is not None:
            response.status_code = 503
            response.headers["Retry-After"] = "2"
        return Readiness(
            ready=reason is None,
            reason=reason or "",
            model_version=driving.manifest.version if driving else None,
            refused=dict(follower.refused),
            trouble=follower.trouble,
        )

    @app.get("/model", **guarded)
    async def model() -> Model:
        """Describe the version that is served."""
        driving = follower.pilot
        return describe(driving.manifest if driving else None, NAME, follower.refused)

    @app.get("/metrics", response_class=PlainTextResponse, **guarded)
    async def prometheus() -> Response:
        """Return the service's counters in Prometheus's text format."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    served: ASGIApp = predictor
    if settings.api_token:
        served = Guard(served, settings.api_token)
    origins = [each.strip() for each in settings.cors_origins.split(",") if each.strip()]
    if origins:  # outermost: a browser asks whether it may before it shows a token
        served = CORSMiddleware(
            served,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
        )
    return served


async def _look(follower: Follower, engine: Engine, metrics: Metrics) -> None:
    if await asyncio.to_thread(follower.look) and follower.pilot is not None:
        engine.keep(follower.pilot.manifest.version)
        metrics.serve(follower.pilot.manifest.version, follower.pilot.manifest.sha256)
    metrics.refused.set(len(follower.refused))


async def _follow(
    first: asyncio.Task[None],
    follower: Follower,
    engine: Engine,
    metrics: Metrics,
    settings: Settings,
) -> None:
    await first
    checked_s = time.monotonic()
    while True:
        await asyncio.sleep(settings.follow_every_s)
        await _look(follower, engine, metrics)
        if time.monotonic() - checked_s >= settings.check_every_s:
            await asyncio.to_thread(follower.check)
            checked_s = time.monotonic()
