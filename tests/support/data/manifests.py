"""Writes manifests of stores that do not exist, for tests of what reads manifests alone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

from contract.dataset import store_catalog
from contract.dataset.store_catalog import StoreManifest


def write_manifest(
    data: Path,
    dataset: str,
    recording: str = "lake",
    at: str = "2026-01-01",
    frame_spec: Mapping[str, object] | None = None,
) -> Path:
    """Write the manifest of a store that does not exist, and return its path."""
    source: dict[str, object] = {"name": recording, "sha256": "0" * 64}
    spec = dict(frame_spec or {})
    manifest = StoreManifest(dataset, 2, spec, 5, 5, 9, 32, [], "0", source, {}, at)
    path = store_catalog.paths(data, dataset)[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dataclasses.asdict(manifest)))
    return path
