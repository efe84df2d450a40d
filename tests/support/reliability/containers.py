"""Runs some services of docker-compose.yml in containers of a project of their own.

The volumes are folders of this machine, so that a test sees what a container has written. The file
compose.yml in this folder says what differs from what users run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from contract.jobs import queue
from contract.jobs.lapwing_worker import LapwingWorker
from support.data import samples
from support.waiting import await_true

OVERRIDE = Path(__file__).with_name("compose.yml")
PASSWORD = "matrix"  # of Redis's user "default", who may look at everything


def skip_without_engine() -> None:
    """Skip the test where there is no Docker engine with Compose v2."""
    if shutil.which("docker") is None or any(
        subprocess.run(["docker", *words], capture_output=True).returncode
        for words in (["compose", "version"], ["info"])
    ):
        pytest.skip("needs a Docker engine with Compose v2: none runs here")


@dataclass
class Containers:
    """The containers of one Compose project."""

    project: str
    folder: Path
    """Its folders data, models, recordings and failpoints are mounted in the containers."""
    bind: str
    """Address of this machine at which the ports are published."""
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def models(self) -> Path:
        return self.folder / "models"

    @property
    def inference(self) -> str:
        return f"http://{self.bind}:8000"

    @property
    def bridge(self) -> str:
        """The bridge's own address: Docker's proxy for local ports would delay each telemetry.

        It acknowledges the fragments of a message 40 ms late, and the real client waits for that.
        """
        return f"ws://{self.address(self.ids('driver-bridge')[0])}:4567"

    def docker(self, *words: str, check: bool = True) -> str:
        """Run a docker command in the repository's root, and return what it printed."""
        environ = {
            **os.environ,
            "LAPWING_BIND": self.bind,
            "LAPWING_OBSERVE_BIND": self.bind,
            "LAPWING_TRIAL_DIR": str(self.folder),
            "LAPWING_TRIAL_DATA": str(self.data),
            "LAPWING_REDIS_PASSWORD": PASSWORD,
            **self.settings,
        }
        done = subprocess.run(
            ["docker", *words],
            cwd=samples.ROOT,
            capture_output=True,
            text=True,
            timeout=1800,
            env=environ,
        )
        assert done.returncode == 0 or not check, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def compose(self, *words: str, check: bool = True) -> str:
        files = ("-f", "docker-compose.yml", "-f", str(OVERRIDE))
        return self.docker("compose", "-p", self.project, *files, *words, check=check)

    def up(self, *services: str, scale: int = 1) -> None:
        """Start services, the first of them in a number of containers, without what they need."""
        self.compose(
            "up", "-d", "--no-deps", "--no-recreate", "--scale", f"{services[0]}={scale}", *services
        )

    def ids(self, service: str) -> list[str]:
        """Return the identities of a service's containers, also of those that do not run."""
        return self.compose("ps", "-a", "-q", service).split()

    def address(self, container: str) -> str:
        """Return the first address of a container, which this machine can reach."""
        networks = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
        return self.docker("inspect", container, "--format", networks).split()[0]

    def pause(self, container: str) -> None:
        """Freeze a container; on a busy machine the runtime may give up, and is asked again."""

        def is_paused() -> bool:
            self.docker("pause", container, check=False)
            return self.docker("inspect", container, "--format", "{{.State.Paused}}") == "true\n"

        await_true(is_paused, f"{container} is frozen")

    def redis(self) -> Redis:
        """Return a client of the Redis of these containers once it answers."""
        client: Redis = Redis(self.address(self.ids("redis")[0]), password=PASSWORD)
        await_true(lambda: answers(client), "Redis answers")
        return client

    def await_workers(self, queue_name: str, number: int, redis: Redis) -> None:
        """Wait until a number of workers listen to a queue."""
        await_true(
            lambda: len(LapwingWorker.all(queue=queue.queue(queue_name, redis))) >= number,
            f"{number} workers of {queue_name}",
        )

    def processes(self, service: str, job: str) -> list[tuple[str, int, str]]:
        """Return the container, the number and the command line of each process of a job."""
        script = (
            f"for file in $(grep -ls RQ_JOB_ID={job} /proc/[0-9]*/environ); do "
            "folder=${file%/environ}; "
            'echo "${folder#/proc/} $(tr "\\0" " " <$folder/cmdline)"; done'
        )
        found = []
        for container in self.ids(service):
            for line in self.docker("exec", container, "sh", "-c", script).splitlines():
                pid, _, command = line.partition(" ")
                if command.strip():  # it ended while the script read it
                    found.append((container, int(pid), command))
        return found

    def segments(self, service: str) -> set[str]:
        """Return the names of the segments of shared memory in the containers of a service."""
        return {
            name
            for container in self.ids(service)
            for name in self.docker("exec", container, "ls", "/dev/shm").split()
        }

    def logs(self, service: str) -> str:
        return self.compose("logs", "--no-color", service)


def answers(client: Redis) -> bool:
    """Return whether Redis answers."""
    try:
        return bool(client.ping())
    except RedisError:
        return False


@contextmanager
def containers(name: str, bind: str, *services: str, **settings: str) -> Iterator[Containers]:
    """Build the images of services, yield their project, and remove all of it afterwards."""
    skip_without_engine()
    # The user of the containers must reach the folder, which a folder of pytest does not let it.
    with tempfile.TemporaryDirectory(prefix=f"lapwing-{name}-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o755)
        for part in ("data", "models", "recordings", "failpoints"):
            (folder / part).mkdir()
            (folder / part).chmod(0o777)
        project = Containers(f"lapwing-{name}", folder, bind, settings)
        project.compose("build", *services)
        try:
            yield project
        finally:
            project.compose("down", "--volumes", "--remove-orphans", "--timeout", "0", check=False)
