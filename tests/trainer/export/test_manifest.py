"""The manifest of a version says what it was made of, so that anybody can check it."""

from __future__ import annotations

import hashlib
import importlib.metadata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.data.manifests import write_manifest

from contract.dataset import exclusions, store_catalog
from contract.dataset.exclusions import Exclusions
from contract.dataset.store_catalog import StoreManifest
from contract.frames.spec import OWN, FrameSpec
from contract.models.registry import SCHEMA, ModelManifest
from trainer.export import manifest as made

CONFIG = {"seed": 5, "epochs": 2}
HISTORY = [{"epoch": 1, "loss": 0.5}]


@pytest.fixture
def stores(tmp_path: Path) -> list[StoreManifest]:
    paths = [
        write_manifest(tmp_path, name, frame_spec={"height": 128, "of": name})
        for name in ("lake", "jungle")
    ]
    return [store_catalog.read_manifest(path) for path in paths]


def trained(
    tmp_path: Path,
    stores: list[StoreManifest],
    excluded: list[Exclusions] | None = None,
    unfit: dict[str, dict[str, int]] | None = None,
) -> ModelManifest:
    return made.trained_manifest(
        "job-7",
        tmp_path,
        stores,
        CONFIG,
        HISTORY,
        {"validation_mse": 0.25},
        {"torn": "its checksum is another"},
        excluded or (),
        {"computed": "bfloat16", "reason": "the CPU has avx512_bf16"},
        unfit,
    )


def test_a_trained_version_names_all_that_it_was_made_of(
    tmp_path: Path, stores: list[StoreManifest]
) -> None:
    found = trained(tmp_path, stores)
    assert (found.version, found.schema, found.job_id, found.files) == (0, SCHEMA, "job-7", {})
    assert found.frame_spec == {"height": 128, "of": "lake"}
    assert (found.config, found.seed, found.history) == (CONFIG, 5, HISTORY)
    assert found.metrics == {"validation_mse": 0.25}
    assert found.quarantined == {"torn": "its checksum is another"}
    assert found.lineage == []
    assert found.precision == {"computed": "bfloat16", "reason": "the CPU has avx512_bf16"}
    assert abs(datetime.fromisoformat(found.created_at) - datetime.now(UTC)).seconds < 60


def test_each_dataset_is_named_with_the_digest_of_its_manifest(
    tmp_path: Path, stores: list[StoreManifest]
) -> None:
    digests = [
        hashlib.sha256((tmp_path / "stores" / f"{name}.json").read_bytes()).hexdigest()
        for name in ("lake", "jungle")
    ]
    assert digests[0] != digests[1]
    assert trained(tmp_path, stores).data == [
        {"dataset": "lake", "rows": 5, "manifest_sha256": digests[0]},
        {"dataset": "jungle", "rows": 5, "manifest_sha256": digests[1]},
    ]


def test_exclusions_are_named_where_there_are_any(
    tmp_path: Path, stores: list[StoreManifest]
) -> None:
    exclusions.exclude(tmp_path, "jungle", ((1, 2),), "off the road")
    excluded = [exclusions.read(tmp_path, name) for name in ("lake", "jungle")]
    lake, jungle = trained(tmp_path, stores, excluded).data
    assert "exclusions" not in lake
    assert jungle["exclusions"] == {"version": 1, "sha256": excluded[1].digest}


def test_rows_that_were_left_out_as_unfit_are_named(
    tmp_path: Path, stores: list[StoreManifest]
) -> None:
    unfit = {"jungle": {"standing": 3, "swinging": 1}}
    manifest = trained(tmp_path, stores, unfit=unfit)
    lake, jungle = manifest.data
    assert "unfit" not in lake
    assert jungle["unfit"] == {"standing": 3, "swinging": 1}
    assert made.job_result(manifest, "the processor")["unfit"] == unfit


def test_an_imported_version_names_its_origin_and_no_data() -> None:
    config = {"imported_from": "theirs.h5"}
    frame = FrameSpec(66, 200, "yuv", "area", (60, 25))
    found = made.imported_manifest("job-8", config, {"difference": 0.001}, frame)
    assert (found.version, found.schema, found.job_id, found.files) == (0, SCHEMA, "job-8", {})
    assert (found.data, found.history, found.lineage, found.seed) == ([], [], [], 0)
    assert (found.config, found.metrics) == (config, {"difference": 0.001})
    assert found.frame_spec == frame.document()
    assert made.imported_manifest("job-8", {}, {}).frame_spec == OWN.document()
    assert abs(datetime.fromisoformat(found.created_at) - datetime.now(UTC)).seconds < 60


def test_the_releases_are_those_that_are_installed() -> None:
    releases = made.imported_manifest("job-8", {}, {}).packages
    assert releases["numpy"] == importlib.metadata.version("numpy")
    assert releases["lapwing-trainer"] == importlib.metadata.version("lapwing-trainer")
    assert set(releases) <= set(made.PACKAGES)
    for name in set(made.PACKAGES) - set(releases):
        with pytest.raises(importlib.metadata.PackageNotFoundError):
            importlib.metadata.version(name)


def test_the_result_of_a_job_names_the_versions_own_datasets_alone() -> None:
    manifest = ModelManifest(
        version=3,
        schema=SCHEMA,
        job_id="job-9",
        created_at="2026-01-02T03:04:05+00:00",
        files={
            "model.h5": {"sha256": "aa", "bytes": 2},
            "golden.npz": {"sha256": "bb", "bytes": 3},
        },
        frame_spec={},
        data=[{"dataset": "lake"}, {"dataset": "jungle", "version": 1}],
        config={},
        seed=0,
        history=HISTORY,
        metrics={"validation_mse": 0.25},
        packages={},
        quarantined={"torn": "why"},
        lineage=[{"version": 1}],
    )
    assert made.job_result(manifest, "the processor") == {
        "verdict": "the processor",
        "version": 3,
        "datasets": ["lake"],
        "lineage": [{"version": 1}],
        "sha256": {"model.h5": "aa", "golden.npz": "bb"},
        "metrics": {"validation_mse": 0.25},
        "history": HISTORY,
        "quarantined": {"torn": "why"},
        "unfit": {},
    }
