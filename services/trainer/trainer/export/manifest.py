"""The conditions of a model: what its manifest says of how it was made."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from contract import atomic_files
from contract.dataset import store
from contract.dataset.store import StoreManifest
from contract.errors import TrainingError
from contract.frames import spec
from contract.models.registry import SCHEMA, ModelManifest

PACKAGES: Final = (
    "lapwing-trainer", "keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "numpy", "tables",
)  # fmt: skip


def compose(
    job_id: str,
    data_dir: Path,
    manifests: Sequence[StoreManifest],
    config: Mapping[str, Any],
    history: list[dict[str, Any]],
    metrics: dict[str, float],
    quarantined: dict[str, str],
) -> ModelManifest:
    """Return the manifest of a version that the registry has yet to number and digest."""
    return ModelManifest(
        version=0,
        schema=SCHEMA,
        job_id=job_id,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        files={},
        frame_spec=frame_spec(manifests),
        data=[_lineage(data_dir, manifest) for manifest in manifests],
        config=dict(config),
        seed=int(config["seed"]),
        history=history,
        metrics=metrics,
        packages=_versions(),
        quarantined=quarantined,
    )


def imported(job_id: str, config: Mapping[str, Any], metrics: dict[str, float]) -> ModelManifest:
    """Return the manifest of a version that came from somebody's model file, as `config` tells."""
    return ModelManifest(
        version=0,
        schema=SCHEMA,
        job_id=job_id,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        files={},
        frame_spec=dict(spec.SPEC),
        data=[],
        config=dict(config),
        seed=0,
        history=[],
        metrics=metrics,
        packages=_versions(),
    )


def frame_spec(manifests: Sequence[StoreManifest]) -> dict[str, object]:
    """Return how the frames of all stores were prepared.

    Raises:
        TrainingError: not all in the same way.
    """
    if any(manifest.frame_spec != manifests[0].frame_spec for manifest in manifests):
        raise TrainingError(
            "the recordings hold frames of different kinds",
            got={manifest.dataset: manifest.frame_spec for manifest in manifests},
            remedy="Import them again with this release",
        )
    return manifests[0].frame_spec


def summary(manifest: ModelManifest, verdict: str) -> dict[str, Any]:
    """Return the result of a training job: what `lapwing train` shows."""
    return {
        "verdict": verdict,
        "version": manifest.version,
        "datasets": [each["dataset"] for each in manifest.data],
        "sha256": {name: each["sha256"] for name, each in manifest.files.items()},
        "metrics": manifest.metrics,
        "history": manifest.history,
        "quarantined": manifest.quarantined,
    }


def _lineage(data_dir: Path, manifest: StoreManifest) -> dict[str, object]:
    digest = atomic_files.sha256(store.paths(data_dir, manifest.dataset)[1])
    return {"dataset": manifest.dataset, "rows": manifest.rows, "manifest_sha256": digest}


def _versions() -> dict[str, str]:
    """Return the releases of what computed the model, as far as they are installed."""
    installed = {
        each.metadata["Name"].lower().replace("_", "-")
        for each in importlib.metadata.distributions()
    }
    return {name: importlib.metadata.version(name) for name in PACKAGES if name in installed}
