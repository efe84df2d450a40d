import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.data import samples
from support.data.models import manifest
from support.data.versions import publish_one, staged

from contract.errors import ModelError
from contract.files import atomic_files
from contract.models.registry import H5, MANIFEST, SCHEMA, TFLITE, ModelManifest, Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


def change(registry: Registry, version: int, **fields: object) -> None:
    """Change a published manifest, which Lapwing itself never does."""
    path = registry.path(version) / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_missing_registry_is_empty(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "models")
    assert registry.versions() == []
    assert registry.current() is None


def test_the_first_publication_gets_a_number_and_digests_and_is_current(registry: Registry) -> None:
    published = publish_one(registry, "one")
    assert published.version == 1
    assert published.files[H5] == {
        "sha256": atomic_files.sha256(registry.path(1) / H5),
        "bytes": len(b"weights of one"),
    }
    assert published.sha256 == published.files[H5]["sha256"]
    assert registry.current() == 1
    assert registry.verify(1) == published == registry.manifest(1)


def test_later_publications_are_candidates(registry: Registry) -> None:
    publish_one(registry, "one")
    publish_one(registry, "two")
    assert registry.versions() == [1, 2]
    assert registry.current() == 1
    assert (registry.root / H5).read_bytes() == b"weights of one"
    assert [(decision.version, decision.by) for decision in registry.decisions()] == [(1, "first")]


def test_versions_are_ordered_as_numbers(registry: Registry) -> None:
    for number in range(11):
        publish_one(registry, f"job-{number}")
    assert registry.versions()[-2:] == [10, 11]


def test_a_publication_leaves_no_other_files(registry: Registry) -> None:
    publish_one(registry, "one")
    assert {path.name for path in registry.root.iterdir()} == {
        ".lock",
        "current",
        "journal.json",
        H5,
        "versions",
    }
    assert {path.name for path in registry.path(1).iterdir()} == {H5, TFLITE, MANIFEST}


def test_a_job_publishes_once(registry: Registry) -> None:
    first = publish_one(registry, "one")
    publish_one(registry, "two")
    again = registry.publish(staged(registry.root, "one"), manifest("one"))
    assert again == first
    assert registry.versions() == [1, 2]


def test_the_version_that_a_job_published_is_found(registry: Registry) -> None:
    published = publish_one(registry, "one")
    assert registry.published_by("one") == published
    assert registry.published_by("other") is None


def test_a_missing_file_is_noticed(registry: Registry) -> None:
    publish_one(registry, "one")
    (registry.path(1) / H5).unlink()
    with pytest.raises(ModelError, match="got no file"):
        registry.verify(1)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"schema": 1}', '{"schema": 1, "what": 2}', "\udcff"]
)
def test_a_manifest_that_cannot_be_read_is_refused(registry: Registry, text: str) -> None:
    publish_one(registry, "one")
    (registry.path(1) / MANIFEST).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelError, match="model version 1"):
        registry.verify(1)


@pytest.mark.parametrize("files", [{}, {H5: {}}, {H5: None}, [], {TFLITE: {"sha256": "0"}}])
def test_a_manifest_without_digests_is_refused(registry: Registry, files: object) -> None:
    publish_one(registry, "one")
    change(registry, 1, files=files)
    with pytest.raises(ModelError, match="the manifest of model version 1 cannot be read"):
        registry.manifest(1)


def test_a_manifest_of_another_schema_is_refused(registry: Registry) -> None:
    publish_one(registry, "one")
    change(registry, 1, schema=SCHEMA + 1)
    with pytest.raises(ModelError, match=f"got {SCHEMA + 1}. This release reads schema {SCHEMA}"):
        registry.manifest(1)


def test_a_damaged_manifest_does_not_stop_publications(registry: Registry) -> None:
    publish_one(registry, "one")
    (registry.path(1) / MANIFEST).write_text("{")
    assert publish_one(registry, "two").version == 2


PUBLISHER = """
import sys
from pathlib import Path
from support.data import versions
from support.data.models import manifest
registry = versions.Registry(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(10):
    versions.publish_one(registry, f"{sys.argv[2]}-{number}")
    folder = versions.staged(registry.root, f"same-{number}-{sys.argv[2]}")
    registry.publish(folder, manifest(f"same-{number}"))
"""


def test_two_processes_publish_at_once_and_nothing_is_lost_or_doubled(registry: Registry) -> None:
    environment = {**os.environ, "PYTHONPATH": str(samples.TESTS)}
    publishers = [
        subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, str(registry.root), name],
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name in ("a", "b")
    ]
    for publisher in publishers:
        assert publisher.stdout is not None
        assert publisher.stdout.readline() == "ready\n"
    for publisher in publishers:
        publisher.communicate("go\n", timeout=60)
        assert publisher.returncode == 0
    jobs = [registry.verify(version).job_id for version in registry.versions()]
    assert sorted(jobs) == sorted(f"{job}-{n}" for job in ("a", "b", "same") for n in range(10))
    assert registry.versions() == list(range(1, 31))
    assert registry.current() == 1


def test_a_manifest_is_equal_after_it_became_a_document(registry: Registry) -> None:
    published = publish_one(registry, "one")
    assert ModelManifest(**dataclasses.asdict(published)) == published


def test_a_file_that_is_too_large_is_not_read(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_one(registry, "one")
    monkeypatch.setattr("contract.models.registry.MAX_FILE_BYTES", 10)
    with pytest.raises(ModelError, match=r"model\.h5 of model version 1 is too large: got 14 "):
        registry.verify(1)


def test_a_manifest_that_names_a_file_elsewhere_is_refused(registry: Registry) -> None:
    files = publish_one(registry, "one").files
    change(registry, 1, files={**files, "../../../etc/passwd": {"sha256": "0" * 64, "bytes": 1}})
    with pytest.raises(ModelError, match="version 1 names a file elsewhere"):
        registry.verify(1)


def test_a_manifest_of_an_earlier_release_has_no_lineage(registry: Registry) -> None:
    publish_one(registry, "one")
    path = registry.path(1) / MANIFEST
    document = json.loads(path.read_text())
    assert document.pop("lineage") == []
    path.write_text(json.dumps(document))
    assert registry.manifest(1).lineage == []


@pytest.mark.parametrize("version", ["1", "../../x", "/etc", 0, -1, True, 1.0, None])
def test_what_is_no_number_of_a_version_has_no_folder(registry: Registry, version: object) -> None:
    """A job from the queue may name anything."""
    with pytest.raises(ModelError, match="that is no number of a version"):
        registry.path(version)  # type: ignore[arg-type]


def test_the_manifest_that_a_killed_publication_left_is_no_file_of_the_version(
    registry: Registry,
) -> None:
    folder = staged(registry.root, "one")
    (folder / MANIFEST).write_text("{}")
    published = registry.publish(folder, manifest("one"))
    assert set(published.files) == {H5, TFLITE}
    assert registry.verify(1) == published


def test_the_version_of_a_job_is_found_behind_a_damaged_one(registry: Registry) -> None:
    first = publish_one(registry, "one")
    publish_one(registry, "two")
    (registry.path(2) / MANIFEST).write_text("{")
    assert registry.published_by("one") == first


def test_a_file_above_256_mib_is_not_read(registry: Registry) -> None:
    """The file has holes only, so it takes no room on the disk."""
    publish_one(registry, "one")
    with (registry.path(1) / H5).open("r+b") as file:
        file.truncate((256 << 20) + 1)
    with pytest.raises(ModelError, match=r"too large: got 268,435,457 bytes"):
        registry.verify(1)


def test_folders_that_are_no_versions_are_not_listed(registry: Registry) -> None:
    publish_one(registry, "one")
    for name in ("new", ".2.tmp", "-3", "4.5"):
        (registry.root / "versions" / name).mkdir()
    assert registry.versions() == [1]


def test_a_manifest_of_release_0_2_0_is_read(registry: Registry) -> None:
    """The text is that of the release, and not what this one writes."""
    publish_one(registry, "one")
    digest = atomic_files.sha256(registry.path(1) / H5)
    document = {
        "version": 1,
        "schema": 2,
        "job_id": "train-1",
        "created_at": "2026-01-02T03:04:05+00:00",
        "files": {"model.h5": {"sha256": digest, "bytes": 14}},
        "frame_spec": {},
        "data": [],
        "config": {},
        "seed": 1,
        "history": [],
        "metrics": {"validation_mse": 0.25},
        "packages": {},
        "quarantined": {},
        "lineage": [],
    }
    (registry.root / "versions" / "1" / "manifest.json").write_text(json.dumps(document))
    assert registry.verify(1).sha256 == digest
    assert dataclasses.asdict(registry.manifest(1)) == document | {"precision": {}}
