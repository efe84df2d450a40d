from pathlib import Path

from redis import Redis
from support.data.versions import publish_one

from contract.files import locks
from contract.models.registry import Registry
from evaluator.jobs import cleanup
from evaluator.settings import Settings


def test_what_killed_jobs_left_in_a_version_is_removed(redis: Redis, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", model_dir=tmp_path / "models")
    registry = Registry(settings.model_dir)
    publish_one(registry, "one")
    evaluations = registry.path(1) / "evaluations"
    drives = evaluations / "drives" / "lake" / "clear" / "1-1"
    drives.mkdir(parents=True)
    (drives / "01.json").touch()
    (drives / ".02.0123.tmp.json").touch()
    left = [evaluations / ".lake-20x1-seed1.0123.tmp", registry.path(1) / ".report.0123.tmp"]
    for folder in left:
        (folder / ".film").mkdir(parents=True)
    with locks.new_folder(registry.path(1) / ".report.4567.tmp"):  # another job writes it
        cleanup.sweep(settings, redis)
        assert (registry.path(1) / ".report.4567.tmp").exists()
    assert [folder for folder in left if folder.exists()] == []
    assert [path.name for path in drives.iterdir()] == ["01.json"]
    assert registry.verify(1).job_id == "one"
