import itertools
import subprocess
import time
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from contract.wire.live_view import CHANNEL
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
