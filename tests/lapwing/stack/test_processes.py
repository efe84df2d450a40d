from pathlib import Path

from lapwing.stack import processes


def test_redis_listens_only_on_its_socket_and_keeps_jobs(tmp_path: Path) -> None:
    command = list(processes.redis_process(tmp_path, tmp_path / "redis.sock").command)
    assert Path(command[0]).name == "redis-server"
    settings = dict(zip(command[1::2], command[2::2], strict=True))
    assert settings["--port"] == "0"
    assert settings["--unixsocketperm"] == "700"
    assert settings["--appendonly"] == "yes"


def test_every_service_is_a_module_of_its_own() -> None:
    modules = [process.command[2] for process in processes.SERVICES]
    assert modules == ["ingest", "trainer", "evaluator", "inference", "driver_bridge"]
