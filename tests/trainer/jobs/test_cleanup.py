import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis
from support.data.versions import publish_one
from support.services import worker_processes
from support.services.workers import Workers
from support.waiting import await_true

from contract.files import inbox
from contract.jobs import queue
from contract.models.registry import MANIFEST, Registry
from trainer.jobs import cleanup
from trainer.settings import Settings
from trainer.training.run_state import FOLDER, Workspace


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", model_dir=tmp_path / "models")


def make_workspace(settings: Settings, job_id: str) -> None:
    with Workspace(settings.model_dir, job_id).lock():
        (settings.model_dir / FOLDER / job_id / "epoch-1.h5").write_bytes(b"weights")


def workspaces(settings: Settings) -> list[str]:
    return sorted(path.name for path in (settings.model_dir / FOLDER).iterdir())


def test_workspaces_of_trainings_that_have_ended_are_removed(
    settings: Settings, redis: Redis
) -> None:
    jobs = [queue.enqueue(queue.TRAIN, redis, name, {}) for name in ("fails", "runs", "waits")]
    workers = Workers(redis)
    failing, _ = workers.begin(queue.TRAIN), workers.begin(queue.TRAIN)
    workers.fail(failing, "why")
    for job in (*jobs, "train-forgotten-123456"):
        make_workspace(settings, job)
    (settings.model_dir / FOLDER / "train-gone-123456.lock").touch()
    cleanup.sweep(settings, redis)
    kept = sorted(jobs[1:])
    assert workspaces(settings) == sorted([*kept, *(f"{job}.lock" for job in kept)])


WORKING = """
import sys
from pathlib import Path
from trainer.training.run_state import Workspace
with Workspace(Path(sys.argv[1]), "train-a-123456").lock():
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_workspace_that_a_process_still_works_in_is_left_alone(
    settings: Settings, redis: Redis
) -> None:
    """A worker that was away may have lost its job in Redis, and its process goes on."""
    command = [sys.executable, "-c", WORKING, str(settings.model_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as working:
        assert working.stdout is not None
        assert working.stdout.readline() == b"held\n"
        cleanup.sweep(settings, redis)
        assert workspaces(settings) == ["train-a-123456", "train-a-123456.lock"]
        working.kill()
    cleanup.sweep(settings, redis)
    assert workspaces(settings) == []


def test_the_curves_of_a_failed_training_are_kept_while_it_is_listed(
    settings: Settings, redis: Redis
) -> None:
    registry = Registry(settings.model_dir)
    publish_one(registry, "train-good-123456")
    job = queue.enqueue(queue.TRAIN, redis, "fails", {})
    workers = Workers(redis)
    workers.fail(workers.begin(queue.TRAIN), "why")
    curves = settings.model_dir / "tensorboard"
    for name in (job, "train-good-123456", "train-old-654321", "evaluations", "of-the-user"):
        (curves / name / "hold-last").mkdir(parents=True)
    cleanup.sweep(settings, redis)
    assert {path.name for path in curves.iterdir()} == {
        job,
        "train-good-123456",
        "evaluations",
        "of-the-user",
    }
    redis.flushall()
    (registry.path(1) / MANIFEST).write_text("{")  # it does not say any more which curves it has
    cleanup.sweep(settings, redis)
    assert (curves / job).exists()


def test_what_killed_processes_left_on_the_model_volume_is_removed(
    settings: Settings, redis: Redis
) -> None:
    publish_one(Registry(settings.model_dir), "one")
    left = [
        settings.model_dir / inbox.MODEL_FILES / "0123" / "model.h5",
        settings.model_dir / "versions" / ".2.0123.tmp" / "model.h5",
        settings.model_dir / "versions" / "1" / ".explanation.0123.tmp" / "a.png",
    ]
    for path in left:
        path.parent.mkdir(parents=True)
        path.touch()
    cleanup.sweep(settings, redis)
    assert [path for path in left if path.parent.exists()] == []
    assert Registry(settings.model_dir).verify(1).job_id == "one"


def test_a_job_that_is_stopped_before_it_has_a_workspace_leaves_none(
    settings: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAPWING_MODEL_DIR", str(settings.model_dir))
    queue.enqueue(queue.TRAIN, redis, "a", {})
    cleanup.discard(Workers(redis).begin(queue.TRAIN))
    assert workspaces(settings) == []


def test_the_trainer_sweeps_when_it_starts(
    settings: Settings, redis: Redis, redis_socket: Path
) -> None:
    make_workspace(settings, "train-a-123456")
    variables = {"LAPWING_MODEL_DIR": str(settings.model_dir)}
    with worker_processes.working("trainer", redis, redis_socket, variables):
        await_true(lambda: workspaces(settings) == [])
