"""Tests of the command `python -m driver_bridge`."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support.data import samples
from support.services import answering, running
from support.services.driving import bridge

from contract.recordings.driving_log import read
from simulator.unity.client import UnityClient
from simulator.unity.number_format import find_locale

JPEG = samples.jpeg()


def test_drives_are_recorded_with_the_option_record(tmp_path: Path) -> None:
    with (
        answering.inference() as answers,
        bridge(answers.url, "--record", str(tmp_path / "run")) as port,
    ):
        for _ in range(2):
            with UnityClient(f"ws://127.0.0.1:{port}", find_locale("en-US")) as client:
                for _ in range(5):
                    client.send_telemetry(0.0, 0.0, 9.0, JPEG)
                    assert client.command() is not None
    drives = sorted((tmp_path / "run").iterdir())
    assert len(drives) == 2
    for drive in drives:
        rows = read((drive / "driving_log.csv").read_bytes()).rows
        assert [row.steering for row in rows] == [0.25] * 5
        assert {path.read_bytes() for path in (drive / "IMG").iterdir()} == {JPEG}
        assert {path.name for path in (drive / "IMG").iterdir()} == {row.images[0] for row in rows}


def test_a_folder_that_cannot_be_created_is_one_line_and_status_1(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = subprocess.run(
        [sys.executable, "-m", "driver_bridge", "--record", str(tmp_path / "file" / "run")],
        text=True,
        capture_output=True,
        timeout=60,
        env={**os.environ, "LAPWING_BRIDGE_PORT": "0"},
    )
    assert done.returncode == 1
    assert "Not a directory" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_port_in_use_is_one_line_and_status_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "driver_bridge"],
            text=True,
            capture_output=True,
            timeout=60,
            env={**os.environ, "LAPWING_BRIDGE_PORT": str(port)},
        )
    assert done.returncode == 1
    assert done.stderr.startswith(f"driver-bridge: port {port} on 127.0.0.1 cannot be opened")
    assert len(done.stderr.splitlines()) == 1


def test_a_second_bridge_on_the_port_of_the_first_is_refused() -> None:
    """Otherwise the kernel would deal out the simulators between the two."""
    chosen = str(running.free_port())  # with port 0 eventlet never shares
    with answering.inference() as answers, bridge(answers.url, LAPWING_BRIDGE_PORT=chosen):
        done = subprocess.run(
            [sys.executable, "-m", "driver_bridge"],
            text=True,
            capture_output=True,
            timeout=60,
            env={**os.environ, "LAPWING_BRIDGE_PORT": chosen},
        )
    assert done.returncode == 1
    assert "cannot be opened" in done.stderr


def test_help_describes_the_option_record() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "driver_bridge", "--help"], text=True, capture_output=True
    )
    assert done.returncode == 0
    assert "--record FOLDER" in done.stdout


@pytest.mark.parametrize(
    ("host", "token", "warned"),
    [("0.0.0.0", "secret", True), ("127.0.0.1", "secret", False), ("0.0.0.0", "", False)],
)
def test_a_token_that_the_bridge_asks_nobody_for_is_told(
    host: str, token: str, warned: bool
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "driver_bridge"],
        text=True,
        stderr=subprocess.PIPE,
        env={
            **os.environ,
            "LAPWING_BRIDGE_PORT": "0",
            "LAPWING_BRIDGE_HOST": host,
            "LAPWING_API_TOKEN": token,
        },
    ) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "listening on" in line:
                break
        process.terminate()
    assert any("the bridge asks nobody for it" in line for line in lines) == warned
    assert not any("secret" in line for line in lines)
