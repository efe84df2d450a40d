import itertools
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError
from support.data.samples import ROOT

from contract.settings import load
from contract.wire.live_view import CHANNEL
from lapwing.settings import Settings
from lapwing.stack import processes


def test_redis_listens_only_on_its_socket_and_keeps_jobs(tmp_path: Path) -> None:
    command = list(processes.redis_process(tmp_path, tmp_path / "redis.sock").command)
    assert Path(command[0]).name == "redis-server"
    settings = dict(itertools.pairwise(command))
    assert settings["--port"] == "0"
    assert settings["--unixsocketperm"] == "700"
    assert settings["--appendonly"] == "yes"


def test_the_bridge_may_only_publish_its_live_view_in_the_homes_own_redis(tmp_path: Path) -> None:
    socket = tmp_path / "redis.sock"
    services = {each.name: each for each in processes.services_with_own_redis(socket)}
    assert [name for name, each in services.items() if each.environment] == ["driver-bridge"]
    url = services["driver-bridge"].environment["LAPWING_REDIS_URL"]
    server = subprocess.Popen(processes.redis_process(tmp_path, socket).command)
    try:
        deadline = time.monotonic() + 20
        while not socket.exists():
            assert time.monotonic() < deadline, "Redis did not start in time"
            time.sleep(0.02)
        with Redis.from_url(url) as bridge:
            assert bridge.publish(CHANNEL, "a view") == 0
            with pytest.raises(NoPermissionError):
                bridge.get("rq:job:x")
            with pytest.raises(NoPermissionError):
                bridge.publish("rq:pubsub:x", "stop")
        with Redis(unix_socket_path=str(socket)) as others:
            assert others.set("rq:job:x", "a job")
    finally:
        server.terminate()
        server.wait(10)


def test_every_service_is_a_module_of_its_own() -> None:
    modules = [process.command[2] for process in processes.SERVICES]
    assert modules == ["ingest", "trainer", "evaluator", "inference", "driver_bridge"]


def test_what_is_not_installed_is_named_with_the_command_to_run_instead() -> None:
    """The image `cli` has the command line and the contract, and none of the services."""
    code = (
        "import importlib.util, sys; from lapwing.__main__ import main;"
        "installed = importlib.util.find_spec;"
        "importlib.util.find_spec = lambda name: None if name in"
        " ('ingest', 'trainer', 'evaluator', 'inference', 'driver_bridge') else installed(name);"
        "main()"
    )
    for command, instead in (
        ("up", "docker compose up -d"),
        ("demo", "docker compose --profile demo run --rm simulator"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, command], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        [line] = done.stderr.splitlines()
        assert "got no ingest, trainer, evaluator, inference, driver-bridge" in line
        assert f"With containers, run `{instead}` instead" in line


def test_lapwing_up_bounds_the_memory_as_compose_does() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    environment = load(Settings, {}).environment()
    for process in processes.SERVICES:
        assert f"mem_limit: ${{{process.memory}:-{environment[process.memory]}}}" in compose
