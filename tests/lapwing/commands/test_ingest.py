import math
from pathlib import Path

import pytest
from redis import Redis
from support.data import samples
from typer.testing import CliRunner

from contract.errors import RecordingError, SettingError
from contract.jobs import queue
from lapwing.app import app


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, redis: Redis, redis_socket: Path) -> Redis:
    """Point the command line to the Redis of the test."""
    monkeypatch.setenv("LAPWING_REDIS_URL", f"unix://{redis_socket}")
    return redis


def ingest(*words: str | Path) -> int:
    """Run the command without waiting for its jobs, and return its status."""
    result = CliRunner().invoke(app, ["ingest", *map(str, words), "--no-wait"])
    if isinstance(result.exception, (RecordingError, SettingError)):
        raise result.exception
    return result.exit_code


def test_a_driving_log_stands_for_its_folder(home: Redis, tmp_path: Path) -> None:
    run = samples.recording(tmp_path / "run", rows=1)
    assert ingest(run / "driving_log.csv") == 0
    [view] = queue.views(home)
    assert view.arguments["source"] == str(run)
    assert view.id.startswith("ingest-run-")


def test_a_driving_log_is_copied_with_its_folder(
    home: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = samples.recording(tmp_path / "run", rows=1)
    monkeypatch.setenv("LAPWING_INBOX_DIR", str(tmp_path / "inbox"))
    assert ingest(run / "driving_log.csv") == 0
    [view] = queue.views(home)
    assert len(list((Path(view.arguments["source"]) / "IMG").iterdir())) == 3


def test_a_path_that_is_missing_does_not_stop_the_others(home: Redis, tmp_path: Path) -> None:
    run = samples.recording(tmp_path / "run", rows=1)
    assert ingest(tmp_path / "nowhere", run) == 1
    [view] = queue.views(home)
    assert view.arguments["source"] == str(run)


@pytest.mark.parametrize(
    ("unit", "full_lock"), [("degrees", 25), ("radians", math.radians(25)), ("450", 450)]
)
def test_the_unit_is_given_to_the_worker_as_the_value_at_full_lock(
    home: Redis, tmp_path: Path, unit: str, full_lock: float
) -> None:
    assert ingest(samples.recording(tmp_path / "run", rows=1), "--steering-unit", unit) == 0
    [view] = queue.views(home)
    assert view.arguments["full_lock"] == pytest.approx(full_lock)


def test_a_unit_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="--steering-unit has a value it cannot take: got 'x'"):
        ingest(tmp_path, "--steering-unit", "x")
