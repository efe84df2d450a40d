"""Tests of `lapwing up --json`, which prints one document once all services answer."""

import json
import os
import signal
import subprocess
from pathlib import Path

import httpx
from support.services import running
from support.services.running import Lapwing


def test_up_prints_one_document_once_the_ports_are_open(tmp_path: Path) -> None:
    lapwing = Lapwing(tmp_path / "home")
    process = subprocess.Popen(
        [*running.UP, "--json"],
        env=lapwing.environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line == "}\n":
                break
        document = json.loads("".join(lines))
        assert httpx.get(f"{document['inference']}/healthz").status_code == 200
        assert document["bridge"] == f"ws://127.0.0.1:{lapwing.bridge_port}"
        assert document["home"] == str(lapwing.home)
        names = [service["name"] for service in document["processes"]]
        assert names == ["redis", "ingest", "trainer", "evaluator", "inference", "driver-bridge"]
        for service in document["processes"]:
            os.kill(service["pid"], 0)
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == ""
        assert process.wait(running.STOP_S) == 0
        assert running.processes(str(lapwing.home)) == []
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
