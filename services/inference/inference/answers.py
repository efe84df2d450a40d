"""The bodies of inference's answers, as OpenAPI documents them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from contract.registry import ModelManifest


class Prediction(BaseModel):
    """The steering for a frame, and who says so."""

    steering: float = Field(ge=-1, le=1, description="-1..1, right is positive", examples=[-0.12])
    steering_angle_deg: float = Field(
        ge=-25, le=25, description="degrees at the front wheels", examples=[-3.0]
    )
    model_version: int = Field(examples=[3])
    model_sha256: str = Field(description="of the version's model.h5", examples=["9f86d081884c…"])


class Refusal(BaseModel):
    """Why a request was not answered."""

    error: str = Field(description="what was wrong", examples=["the frame is not a JPEG"])
    got: str = Field(default="", description="what was found instead")
    remedy: str = Field(default="", description="what to do about it")


class Readiness(BaseModel):
    """Whether frames are answered."""

    ready: bool
    reason: str = Field(default="", description="why not")


class Model(BaseModel):
    """What is served, and what was refused."""

    backend: str
    refused: dict[int, str] = Field(description="why, by version")
    version: int | None = Field(default=None, description="null while none is served")
    sha256: str | None = None
    created_at: str | None = None
    frame_spec: dict[str, Any] | None = None
    metrics: dict[str, float] | None = None


def describe(manifest: ModelManifest | None, backend: str, refused: dict[int, str]) -> Model:
    """Describe the version that is served, if one is."""
    if manifest is None:
        return Model(backend=backend, refused=refused)
    return Model(
        backend=backend,
        refused=refused,
        version=manifest.version,
        sha256=manifest.sha256,
        created_at=manifest.created_at,
        frame_spec=manifest.frame_spec,
        metrics=manifest.metrics,
    )
