"""Publishes versions of a few bytes, which are no real models, for tests of the registry."""

from __future__ import annotations

from pathlib import Path

from contract.models.registry import H5, TFLITE, ModelManifest, Registry
from support.data.models import manifest


def staged(root: Path, job_id: str) -> Path:
    """Make the folder of a version that is not published yet."""
    folder = root / f".staged-{job_id}"
    folder.mkdir(parents=True)
    (folder / H5).write_bytes(b"weights of " + job_id.encode())
    (folder / TFLITE).write_bytes(b"twin of " + job_id.encode())
    return folder


def publish_one(registry: Registry, job_id: str) -> ModelManifest:
    """Publish a version: the first one becomes the current one, later ones are candidates."""
    return registry.publish(staged(registry.root, job_id), manifest(job_id))
