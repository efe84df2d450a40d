import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from redis import Redis
from support.data.manifests import write_manifest
from support.data.versions import publish_one
from typer.testing import CliRunner

from contract.dataset import store_catalog
from contract.errors import ModelError
from contract.frames import spec
from contract.jobs import queue
from contract.models import notes, promotion
from contract.models.registry import Registry
from lapwing.app import app


@pytest.fixture
def registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_socket: Path, redis: Redis
) -> Registry:
    """A registry of eight versions: 1, 3 and 5 were current one after the other, and 6 in vain."""
    monkeypatch.setenv("LAPWING_HOME", str(tmp_path))
    monkeypatch.setenv("LAPWING_REDIS_URL", f"unix://{redis_socket}")
    monkeypatch.delenv("LAPWING_RECORD_DIR", raising=False)
    registry = Registry(tmp_path / "models")
    registry.root.mkdir()
    for number in range(1, 9):
        publish_one(registry, f"job-{number}")
    for version in (3, 5, 6):
        promotion.force(registry, version, "")
    promotion.rollback(registry)
    return registry


def prune(*words: str) -> Result:
    return CliRunner().invoke(app, ["prune", *words])


def removed(*words: str) -> list[tuple[str, str]]:
    """Return the kinds and names of what a prune removes."""
    document = json.loads(prune("--json", *words).stdout)
    return [(one["kind"], Path(one["name"]).name) for one in document["removed"]]


def disk_bytes(folder: Path) -> int:
    """Return how many bytes the files below a folder take, each file once."""
    stats = {p.stat().st_ino: p.stat().st_size for p in folder.rglob("*") if p.is_file()}
    return sum(stats.values())


def add_drive(folder: Path, name: str, age_s: float = 3600, table: str = "driving_log.csv") -> None:
    """Write a drive of the bridge whose table was last written some time ago."""
    log = folder / name / table
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("x")
    moment = log.stat().st_mtime - age_s
    os.utime(log, (moment, moment))


def test_the_current_version_its_ancestors_and_pinned_ones_stay(registry: Registry) -> None:
    notes.write(registry, 2, pinned=True)
    notes.write(registry, 4, note="only a note")
    assert removed("--keep", "1") == [("version", "4"), ("version", "6"), ("version", "7")]
    assert registry.versions() == [1, 2, 3, 5, 8]
    assert [*notes.read(registry.root)] == [2]
    assert registry.verify(5).version == registry.current() == 5
    assert promotion.rollback(registry).version == 3
    assert publish_one(registry, "job-9").version == 9


def test_a_version_that_a_job_works_on_stays(registry: Registry, redis: Redis) -> None:
    queue.enqueue(queue.EVALUATE, redis, "4", {"version": 4})
    queue.enqueue(queue.TRAIN, redis, "all", {"datasets": [], "parent": 6})
    assert removed("--keep", "1") == [("version", "2"), ("version", "7")]


def test_a_dry_run_says_the_same_and_removes_nothing(registry: Registry) -> None:
    before = sorted(registry.root.rglob("*"))
    would = prune("--keep", "2", "--dry-run").stdout
    assert "would be removed" in would
    assert "version 5 is kept: current" in would
    assert sorted(registry.root.rglob("*")) == before
    freed = json.loads(prune("--keep", "2", "--dry-run", "--json").stdout)["freed_bytes"]
    size = disk_bytes(registry.root)
    assert json.loads(prune("--keep", "2", "--json").stdout)["freed_bytes"] == freed
    assert size - disk_bytes(registry.root) == freed > 0


def test_the_curves_of_a_training_go_with_its_version(registry: Registry) -> None:
    for job in ("job-2", "job-5", "evaluations"):
        (registry.root / "tensorboard" / job).mkdir(parents=True)
    prune("--keep", "1")
    left = sorted(path.name for path in (registry.root / "tensorboard").iterdir())
    assert left == ["evaluations", "job-5"]


def test_a_manifest_cannot_lead_the_removal_elsewhere(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (registry.root / "tensorboard" / "job-1").mkdir(parents=True)
    for version, job_id in ((2, "../../precious"), (4, "")):
        path = registry.path(version) / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"job_id": job_id}))
    prune("--keep", "1")
    assert (tmp_path / "precious").is_dir()
    assert (registry.root / "tensorboard" / "job-1").is_dir()
    assert registry.versions() == [1, 3, 5, 8]


def test_a_damaged_version_can_go(registry: Registry) -> None:
    (registry.path(2) / "manifest.json").write_text("{")
    assert ("version", "2") in removed("--keep", "3")


def test_workspaces_of_ended_jobs_go_and_of_waiting_ones_stay(
    registry: Registry, redis: Redis
) -> None:
    waiting = queue.enqueue(queue.TRAIN, redis, "all", {})
    for job in (waiting, "train-gone-123456"):
        (registry.root / ".jobs" / job).mkdir(parents=True)
        (registry.root / ".jobs" / job / "epoch-1.h5").write_bytes(b"x" * 10)
        (registry.root / ".jobs" / f"{job}.lock").touch()
    assert removed("--keep", "8") == [("workspace", "train-gone-123456")]
    left = sorted(path.name for path in (registry.root / ".jobs").iterdir())
    assert left == [waiting, f"{waiting}.lock"]


def test_without_redis_workspaces_stay_and_this_is_said(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (registry.root / ".jobs" / "train-a-123456").mkdir(parents=True)
    monkeypatch.setenv("LAPWING_REDIS_URL", f"unix://{tmp_path}/none.sock")
    done = prune("--keep", "8")
    assert "1 workspaces of trainings are kept: Redis does not answer" in done.stdout
    assert (registry.root / ".jobs" / "train-a-123456").is_dir()


def test_old_drives_go_and_what_is_no_drive_stays(registry: Registry, tmp_path: Path) -> None:
    drives = tmp_path / "drives"
    for day in range(1, 6):
        add_drive(drives, f"2026_01_0{day}_10_00_00_000")
    add_drive(drives, "2025_12_31_10_00_00_000", age_s=5)  # it may still be recorded
    add_drive(drives, "my-best-lap")
    # The model never steered in one of them, and does not now in another, which is still recorded.
    add_drive(drives, "2025_12_30_10_00_00_000", table="not_driven.csv")
    add_drive(drives, "2025_12_29_10_00_00_000")
    add_drive(drives, "2025_12_29_10_00_00_000", age_s=5, table="not_driven.csv")
    (drives / "2020_01_01_10_00_00_000").mkdir()
    assert removed("--keep", "8", "--drives", str(drives)) == []
    found = removed("--keep", "2", "--drives", str(drives))
    names = [name for kind, name in found if kind == "drive"]
    assert names == [
        "2025_12_30_10_00_00_000",
        *(f"2026_01_0{day}_10_00_00_000" for day in (1, 2, 3)),
    ]
    left = sorted(path.name for path in drives.iterdir())
    assert left == [
        "2020_01_01_10_00_00_000",
        "2025_12_29_10_00_00_000",
        "2025_12_31_10_00_00_000",
        "2026_01_04_10_00_00_000",
        "2026_01_05_10_00_00_000",
        "my-best-lap",
    ]


@pytest.mark.parametrize("name", ["notes.json", "journal.json"])
def test_nothing_is_removed_while_it_is_not_known_what_to_keep(
    registry: Registry, name: str
) -> None:
    (registry.root / name).write_text("{")
    done: Any = prune("--keep", "1")
    assert isinstance(done.exception, ModelError)
    assert registry.versions() == [*range(1, 9)]


def test_at_least_the_newest_version_is_kept(registry: Registry) -> None:
    assert prune("--keep", "0").exit_code == 2


def test_what_a_killed_prune_left_is_removed(registry: Registry) -> None:
    left = registry.root / "versions" / ".2.abc.tmp"
    left.mkdir()
    prune("--keep", "8")
    assert not left.exists()


def add_lap(home: Path, number: int) -> str:
    """Write the manifest of a simulated lap, with a frame file, and return its dataset."""
    dataset = f"simulated-lap-{number}-0a1b2c3d"
    path = write_manifest(home / "data", dataset, dataset, frame_spec=spec.SPEC)
    path.with_suffix(".h5").write_bytes(b"x" * 5000)
    return dataset


def test_simulated_laps_are_removed_on_request_alone(registry: Registry, tmp_path: Path) -> None:
    """One of them trained version 1, which is kept; a person's own recording is not touched."""
    used, lap = add_lap(tmp_path, 1), add_lap(tmp_path, 2)
    own = write_manifest(tmp_path / "data", "lake-0a1b2c3d", frame_spec=spec.SPEC)
    manifest = registry.path(1) / "manifest.json"
    document = json.loads(manifest.read_text())
    document["data"] = [{"dataset": used, "rows": 5, "manifest_sha256": "0"}]
    manifest.write_text(json.dumps(document))
    assert prune("--keep", "8").exit_code == 0
    assert store_catalog.paths(tmp_path / "data", lap)[1].exists()
    assert removed("--keep", "8", "--simulated-laps", "--dry-run") == [("simulated lap", lap)]
    assert store_catalog.paths(tmp_path / "data", lap)[1].exists()
    result = json.loads(prune("--json", "--keep", "8", "--simulated-laps").stdout)
    assert result["freed_bytes"] > 5000
    assert [path.exists() for path in store_catalog.paths(tmp_path / "data", lap)] == [False] * 2
    assert store_catalog.paths(tmp_path / "data", used)[1].exists()
    assert own.exists()


def test_a_lap_goes_with_the_last_version_that_it_trained(
    registry: Registry, tmp_path: Path
) -> None:
    lap = add_lap(tmp_path, 1)
    manifest = registry.path(2) / "manifest.json"
    document = json.loads(manifest.read_text())
    document["data"] = [{"dataset": lap, "rows": 5, "manifest_sha256": "0"}]
    manifest.write_text(json.dumps(document))
    assert ("version", "2") in removed("--keep", "1", "--dry-run")
    assert ("simulated lap", lap) in removed("--keep", "1", "--simulated-laps")


def test_simulated_laps_stay_while_a_job_may_need_them(
    registry: Registry, tmp_path: Path, redis: Redis
) -> None:
    lap = add_lap(tmp_path, 1)
    queue.enqueue(queue.TRAIN, redis, "lake", {"datasets": ["lake"]})
    done = prune("--keep", "8", "--simulated-laps")
    assert "The simulated laps are kept: a job may need them." in done.stdout
    assert store_catalog.paths(tmp_path / "data", lap)[1].exists()
