"""The inference service as an ASGI application: JPEG frames in, steering out."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
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
from contract.wire.web_access import WebAccess
from inference.api import error_responses, predict
from inference.api.auth import BearerAuth
from inference.api.predict import PredictMiddleware
from inference.api.schemas import Alive, Model, Prediction, Predictions, Readiness, describe
from inference.api.web_guard import WebGuard
from inference.follower import Follower
from inference.metrics import InferenceMetrics
from inference.model_watcher import ModelWatcher
from inference.settings import Settings
from inference.workers.pool import WorkerPool, no_worker
from inference.workers.scheduler import Scheduler

MAX_WORKERS: Final = 6
"""Number of workers that one event loop can keep busy: it spends a sixth of a worker's time on each
frame."""


@dataclass(frozen=True)
class LoadedModel:
    """A version that the workers have loaded, for the thread that watches the registry."""

    manifest: ModelManifest
    pool: WorkerPool
    loop: asyncio.AbstractEventLoop

    def check(self) -> None:
        """Check that the model predicts its golden frames as it did where it was made.

        Raises:
            ModelError: it does not.
        """
        check = self.pool.check(self.manifest.version)
        asyncio.run_coroutine_threadsafe(check, self.loop).result()


def create_app(settings: Settings) -> ASGIApp:
    """Return the service, which watches the registry from its start to its end.

    Raises:
        SettingError: a list of hosts or of origins holds what is none.
    """
    access = WebAccess.from_settings(settings.allowed_hosts, settings.cors_origins)
    metrics = InferenceMetrics()
    registry = Registry(settings.model_dir)
    workers = settings.workers or min(os.cpu_count() or 1, MAX_WORKERS)
    scheduler = Scheduler(
        workers,
        settings.queue_ms / 1000,
        settings.model_dir,
        metrics,
        backend=settings.backend,
    )
    pool = scheduler.pool

    def load(version: int) -> LoadedModel:
        # If its manifest cannot be read, nothing of it may stay loaded.
        manifest = registry.manifest(version)
        asyncio.run_coroutine_threadsafe(pool.load(version), app.state.loop).result()
        return LoadedModel(manifest, pool, app.state.loop)

    watcher = ModelWatcher(registry, load)
    follower = Follower(watcher, pool, metrics)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.loop = asyncio.get_running_loop()
        async with scheduler, follower.following(settings):
            yield

    app = FastAPI(
        title="Lapwing inference",
        description="Predicts the steering of Udacity's simulator from its camera frames.",
        version=importlib.metadata.version("lapwing-inference"),
        lifespan=lifespan,
        responses=error_responses.openapi_responses(403, 421, 431),
    )
    error_responses.install(app)
    predictor = PredictMiddleware(app, scheduler, watcher, metrics, settings.max_body_bytes)
    # This dependency only documents the token: BearerAuth checks it before a route is found.
    protected: dict[str, Any] = {"responses": {}}
    if settings.api_token:
        protected["dependencies"] = [Depends(HTTPBearer(auto_error=False))]
        protected["responses"] = error_responses.openapi_responses(401)
    predict_responses = error_responses.openapi_responses(*predict.ERROR_STATUSES)
    app.add_api_route(
        predict.PATH,
        predictor.document,
        methods=["POST"],
        response_model=Prediction | Predictions,
        openapi_extra={"requestBody": predict.REQUEST_BODY},
        **(protected | {"responses": protected["responses"] | predict_responses}),
    )

    @app.get("/healthz")
    async def healthz() -> Alive:
        """Tell that the service runs."""
        return Alive()

    @app.get("/readyz", responses={503: {"model": Readiness, "description": "It is not ready."}})
    async def readyz(response: Response) -> Readiness:
        """Tell whether frames are answered as they should be, and why not."""
        reason, serving = watcher.unready_reason(), watcher.model
        if reason is None and not pool.serving:
            reason = str(no_worker())
        if reason is not None:
            response.status_code = 503
            response.headers["Retry-After"] = "2"
        return Readiness(
            ready=reason is None,
            reason=reason or "",
            model_version=serving.manifest.version if serving else None,
            refused=dict(watcher.refused),
            trouble=" ".join(filter(None, (follower.trouble, pool.trouble))),
        )

    @app.get("/model", **protected)
    async def model() -> Model:
        """Describe the version that is served."""
        manifest = watcher.model.manifest if watcher.model else None
        backend = pool.backend(manifest.version if manifest else None)
        return describe(manifest, backend, watcher.refused)

    @app.get("/metrics", response_class=PlainTextResponse, **protected)
    async def prometheus() -> Response:
        """Return the counters of the service in the text format of Prometheus."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    service: ASGIApp = predictor
    if settings.api_token:
        service = BearerAuth(service, settings.api_token)
    if access.origins:  # before the token, since a browser asks for permission without one
        service = CORSMiddleware(
            service,
            allow_origins=sorted(access.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
        )
    return WebGuard(service, access)
