"""The bodies of the answers of inference, as OpenAPI documents them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from contract.models.registry import ModelManifest


class Prediction(BaseModel):
    """The answer to a frame, and the model that predicted it."""

    steering: float = Field(
        ge=-1, le=1, description="The steering, -1..1; right is positive.", examples=[-0.12]
    )
    steering_angle_deg: float = Field(
        ge=-25, le=25, description="The angle of the front wheels in degrees.", examples=[-3.0]
    )
    model_version: int = Field(description="The version of the model.", examples=[3])
    model_sha256: str = Field(
        description="The SHA-256 of model.h5 of this version.", examples=["9f86d081884c…"]
    )
    speed_mph: float | None = Field(
        default=None,
        ge=0,
        le=30,
        description="The speed that the driver would hold, in miles per hour; only of a version "
        "that was trained with --learn-speed.",
        examples=[21.5],
    )


class Predictions(BaseModel):
    """The steering of each file of a form, in order."""

    predictions: list[Prediction]


class Refusal(BaseModel):
    """The reason why a request was refused."""

    error: str = Field(description="What was wrong.", examples=["the frame is not a JPEG"])
    got: str = Field(
        default="",
        description="What was found instead.",
        examples=["5 bytes that begin with b'GIF89'"],
    )
    remedy: str = Field(
        default="", description="What to do about it.", examples=["Send the JPEG file's own bytes"]
    )


class Readiness(BaseModel):
    """Says whether frames are answered as they should be."""

    ready: bool
    reason: str = Field(default="", description="The reason why they are not.")
    model_version: int | None = Field(
        default=None, description="The version that answers.", examples=[3]
    )
    refused: dict[int, str] = Field(
        default={},
        description="Versions that became current and were not fit to drive, with the reasons.",
        examples=[{4: "model.h5 of model version 4 is not what its manifest says."}],
    )
    trouble: str = Field(
        default="",
        description="What is tried again and again, and why it failed: to read the registry, to "
        "load a version, to check it, to start a worker.",
    )


class Alive(BaseModel):
    """The answer of a service that runs."""

    status: str = Field(default="ok", examples=["ok"])


class Model(BaseModel):
    """The version that is served, and the versions that were refused."""

    backend: str
    refused: dict[int, str] = Field(description="Versions that were refused, with the reasons.")
    version: int | None = Field(default=None, description="The version that is served, or null.")
    sha256: str | None = None
    created_at: str | None = None
    frame_spec: dict[str, Any] | None = None
    metrics: dict[str, float] | None = None
    data: list[dict[str, Any]] | None = Field(
        default=None, description="The datasets that the model was trained on."
    )


def describe(manifest: ModelManifest | None, backend: str, refused: Mapping[int, str]) -> Model:
    """Return the description of the version that is served, if there is one."""
    if manifest is None:
        return Model(backend=backend, refused=dict(refused))
    return Model(
        backend=backend,
        refused=dict(refused),
        version=manifest.version,
        sha256=manifest.sha256,
        created_at=manifest.created_at,
        frame_spec=manifest.frame_spec,
        metrics=manifest.metrics,
        data=manifest.data,
    )
