import json
import threading
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from support.data.versions import publish_one
from support.services.workers import Workers
from typer.testing import CliRunner

from contract.errors import ModelError
from contract.jobs import queue
from contract.models.registry import Registry
from lapwing.app import app


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_socket: Path) -> Registry:
    monkeypatch.setenv("LAPWING_HOME", str(tmp_path))
    monkeypatch.setenv("LAPWING_REDIS_URL", f"unix://{redis_socket}")
    registry = Registry(tmp_path / "models")
    registry.root.mkdir()
    publish_one(registry, "one")
    return registry


def test_the_job_has_the_version_and_the_seconds(home: Registry, redis: Redis) -> None:
    done = CliRunner().invoke(app, ["shadow", "1", "--seconds", "20", "--no-wait"])
    assert (done.exit_code, "queued shadow-1-" in done.stdout) == (0, True)
    [view] = queue.views(redis)
    assert (view.queue, view.arguments) == ("evaluate", {"version": 1, "seconds": 20.0})


def test_the_result_is_one_document(home: Registry, redis: Redis) -> None:
    arguments: list[dict[str, Any]] = []
    result = {"shadow": {"version": 1, "moments": 600}}

    def work() -> None:
        arguments.append(Workers(redis).answer(queue.SHADOW, result))

    thread = threading.Thread(target=work)
    thread.start()
    done = CliRunner().invoke(app, ["shadow", "1", "--wait", "--json"])
    thread.join()
    assert json.loads(done.stdout) == result
    assert arguments == [{"version": 1, "seconds": 60.0}]


def test_an_unknown_version_queues_nothing(home: Registry, redis: Redis) -> None:
    done = CliRunner().invoke(app, ["shadow", "9"])
    assert isinstance(done.exception, ModelError)
    assert queue.views(redis) == []


@pytest.mark.parametrize("seconds", ["0.5", "3601"])
def test_seconds_out_of_range_are_refused(home: Registry, redis: Redis, seconds: str) -> None:
    done = CliRunner().invoke(app, ["shadow", "1", "--seconds", seconds])
    assert done.exit_code == 2
    assert queue.views(redis) == []
