"""The bodies of inference's answers, as OpenAPI documents them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from contract.models.registry import ModelManifest


class Prediction(BaseModel):
    """The steering for a frame, and who says so."""

    steering: float = Field(ge=-1, le=1, description="-1..1, right is positive", examples=[-0.12])
    steering_angle_deg: float = Field(
        ge=-25, le=25, description="degrees at the front wheels", examples=[-3.0]
    )
    model_version: int = Field(examples=[3])
    model_sha256: str = Field(description="of the version's model.h5", examples=["9f86d081884c…"])


class Predictions(BaseModel):
    """The steering for each picture of a form, in order."""

    predictions: list[Prediction]


class Refusal(BaseModel):
    """Why a request was not answered."""

    error: str = Field(description="what was wrong", examples=["the frame is not a JPEG"])
    got: str = Field(
        default="",
        description="what was found instead",
        examples=["5 bytes that begin with b'GIF89'"],
    )
    remedy: str = Field(
        default="", description="what to do about it", examples=["Send the JPEG file's own bytes"]
    )


class Readiness(BaseModel):
    """Whether frames are answered."""

    ready: bool
    reason: str = Field(default="", description="why not")
    model_version: int | None = Field(default=None, description="what answers", examples=[3])
    refused: dict[int, str] = Field(
        default={},
        description="versions that became current and were not fit to drive, and why",
        examples=[{4: "model.h5 of model version 4 is not what its manifest says."}],
    )
    trouble: str = Field(default="", description="why newer versions cannot be looked for")


class Alive(BaseModel):
    """That the service runs."""

    status: str = Field(default="ok", examples=["ok"])


class Model(BaseModel):
    """What is served, and what was refused."""

    backend: str
    refused: dict[int, str] = Field(description="why, by version")
    version: int | None = Field(default=None, description="null while none is served")
    sha256: str | None = None
    created_at: str | None = None
    frame_spec: dict[str, Any] | None = None
    metrics: dict[str, float] | None = None
    data: list[dict[str, Any]] | None = Field(
        default=None, description="the datasets that it learned from"
    )


def describe(manifest: ModelManifest | None, backend: str, refused: Mapping[int, str]) -> Model:
    """Describe the version that is served, if one is."""
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
