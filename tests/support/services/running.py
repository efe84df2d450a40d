"""Runs all of Lapwing on this machine: `lapwing up` in another process, and its commands."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

UP = [sys.executable, "-m", "lapwing", "up"]
STOP_S = 30.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Lapwing:
    """Holds the home folder and the ports of one Lapwing, and runs its commands."""

    home: Path
    inference_port: int = field(default_factory=free_port)
    bridge_port: int = field(default_factory=free_port)
    printed: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    """Environment variables in addition to those below."""

    @property
    def environ(self) -> dict[str, str]:
        return {
            **os.environ,
            "LAPWING_HOME": str(self.home),
            "COLUMNS": "200",
            "LAPWING_INFERENCE_PORT": str(self.inference_port),
            "LAPWING_BRIDGE_PORT": str(self.bridge_port),
            "LAPWING_GATE_PAIRS": "8",
            **self.settings,
        }

    def command(self, *words: str, timeout_s: float = 240) -> subprocess.CompletedProcess[str]:
        """Run a command until it ends."""
        return subprocess.run(
            [sys.executable, "-m", "lapwing", *words],
            env=self.environ,
            text=True,
            capture_output=True,
            timeout=timeout_s,
        )

    def ask(self, *words: str, timeout_s: float = 240) -> Any:
        """Run a command that must succeed, and return its JSON document."""
        process = self.command(*words, "--json", timeout_s=timeout_s)
        assert process.returncode == 0, process.stdout + process.stderr
        return json.loads(process.stdout)

    def await_line(self, text: str, timeout_s: float = 60) -> None:
        """Wait until a service has printed a line that contains `text`."""
        deadline = time.monotonic() + timeout_s
        while not any(text in line for line in self.printed):
            assert time.monotonic() < deadline, f"no {text!r} in:\n" + "".join(self.printed)
            time.sleep(0.05)


@contextmanager
def up(home: Path, **settings: str) -> Iterator[Lapwing]:
    """Run all services until the `with` block ends; Ctrl-C must then end all processes."""
    lapwing = Lapwing(home, settings=settings)
    process = subprocess.Popen(
        UP, env=lapwing.environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    reader = threading.Thread(target=lapwing.printed.extend, args=(process.stdout,))
    reader.start()
    try:
        for text in (
            "listening on http://",
            "listening on ws://",
            "queue ingest",
            "queue train",
            "queue evaluate",
        ):
            lapwing.await_line(text)
        yield lapwing
        process.send_signal(signal.SIGINT)
        assert process.wait(STOP_S) == 0, "".join(lapwing.printed)
        assert processes(str(home)) == []
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def processes(text: str) -> list[str]:
    """List the command lines of processes whose environment contains `text`."""
    lines = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().decode(errors="replace")
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in environment and int(folder.name) != os.getpid():
            lines.append(f"{folder.name}: {line}")
    return lines


def of_job(job_id: str) -> list[int]:
    """List the processes of a job, which have its id from RQ in their environment."""
    return [int(line.split(":")[0]) for line in processes(f"RQ_JOB_ID={job_id}")]


def with_parent(parent: int, text: str) -> list[int]:
    """List the children of a process whose command line contains `text`."""
    children = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            line = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if int(fields[1]) == parent and text in line:
            children.append(int(folder.name))
    return children
