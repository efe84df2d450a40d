"""Makes the manifest of a version, which says how the version was made."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from contract.dataset import store_catalog
from contract.dataset.exclusions import Exclusions
from contract.dataset.store_catalog import StoreManifest
from contract.files import atomic_files
from contract.frames.spec import OWN, FrameSpec
from contract.models import lineage
from contract.models.registry import SCHEMA, ModelManifest

PACKAGES: Final = (
    "lapwing-trainer",
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "jax",
    "torch",
    "numpy",
    "tables",
)
"""The packages whose releases a manifest names, as far as they are installed."""


def trained_manifest(
    job_id: str,
    data_dir: Path,
    manifests: Sequence[StoreManifest],
    config: Mapping[str, Any],
    history: list[dict[str, Any]],
    metrics: dict[str, float],
    quarantined: dict[str, str],
    excluded: Sequence[Exclusions] = (),
    precision: Mapping[str, str] | None = None,
    unfit: Mapping[str, Mapping[str, int]] | None = None,
) -> ModelManifest:
    """Return the manifest of a trained version; the registry adds its number and hashes."""
    data = [data_entry(data_dir, manifest) for manifest in manifests]
    for entry, exclusions in zip(data, excluded, strict=False):
        if exclusions.digest:
            entry["exclusions"] = {"version": exclusions.version, "sha256": exclusions.digest}
    for entry in data:
        left_out = (unfit or {}).get(str(entry["dataset"]))
        if left_out:
            entry["unfit"] = dict(left_out)
    return ModelManifest(
        version=0,
        schema=SCHEMA,
        job_id=job_id,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        files={},
        frame_spec=manifests[0].frame_spec,
        data=data,
        config=dict(config),
        seed=int(config["seed"]),
        history=history,
        metrics=metrics,
        packages=_releases(),
        quarantined=quarantined,
        precision=dict(precision or {}),
    )


def imported_manifest(
    job_id: str, config: Mapping[str, Any], metrics: dict[str, float], frame: FrameSpec = OWN
) -> ModelManifest:
    """Return the manifest of a version that was imported as `config` says, and takes `frame`."""
    return ModelManifest(
        version=0,
        schema=SCHEMA,
        job_id=job_id,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        files={},
        frame_spec=frame.document(),
        data=[],
        config=dict(config),
        seed=0,
        history=[],
        metrics=metrics,
        packages=_releases(),
    )


def job_result(manifest: ModelManifest, bottleneck: str) -> dict[str, Any]:
    """Return the result of a training job, which `lapwing train` shows."""
    return {
        "verdict": bottleneck,
        "version": manifest.version,
        "datasets": [entry["dataset"] for entry in lineage.own_data(manifest)],
        "lineage": manifest.lineage,
        "sha256": {name: file["sha256"] for name, file in manifest.files.items()},
        "metrics": manifest.metrics,
        "history": manifest.history,
        "quarantined": manifest.quarantined,
        "unfit": {
            entry["dataset"]: entry["unfit"]
            for entry in lineage.own_data(manifest)
            if "unfit" in entry
        },
    }


def data_entry(data_dir: Path, manifest: StoreManifest) -> dict[str, object]:
    """Return how a version's manifest names a dataset that it was trained on."""
    digest = atomic_files.sha256(store_catalog.paths(data_dir, manifest.dataset)[1])
    return {"dataset": manifest.dataset, "rows": manifest.rows, "manifest_sha256": digest}


def _releases() -> dict[str, str]:
    """Return the installed releases of the packages that computed the model."""
    installed = {
        distribution.metadata["Name"].lower().replace("_", "-")
        for distribution in importlib.metadata.distributions()
    }
    return {name: importlib.metadata.version(name) for name in PACKAGES if name in installed}
