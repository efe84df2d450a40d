"""Runs a real inference server in this process or in another one, and sends requests to it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn

from inference.api.bounded_protocol import Deadlines, bounded
from inference.api.connection_table import MAX_CONNECTIONS, ConnectionTable
from inference.api.uvicorn_protocol import BUSY_PAUSE_S
from inference.app import create_app
from inference.settings import Settings
from support.waiting import await_true

FOLLOW_EVERY_S = 0.05
PATIENT_MS = 10_000
"""The longest time that a frame can be allowed to wait: on a busy machine some wait for long."""


def settings(model_dir: Path, **changes: object) -> Settings:
    """Return settings with which inference polls the registry often, and refuses no frame."""
    patient = {"queue_ms": PATIENT_MS, "follow_every_s": FOLLOW_EVERY_S}
    values = {"model_dir": model_dir, "port": 0} | patient | changes
    return Settings(**values)  # type: ignore[arg-type]  # the values are of the fields' types


@contextmanager
def serving(
    chosen: Settings,
    connections: int = MAX_CONNECTIONS,
    deadlines: Deadlines | None = None,
    busy_pause_s: float = BUSY_PAUSE_S,
) -> Iterator[httpx.Client]:
    """Run a server in this process, and yield a client that keeps its connection open."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(
            create_app(chosen),
            log_config=None,
            access_log=False,
            ws="none",
            loop="uvloop",
            http=bounded(
                ConnectionTable(connections), chosen.max_body_bytes, deadlines, busy_pause_s
            ),
            timeout_graceful_shutdown=5,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            await_true(lambda: server.started)
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with httpx.Client(base_url=address, timeout=60) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join(60)
        assert not thread.is_alive(), "the server did not end"


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a service, with no LAPWING_ variables but those in `changes`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LAPWING_")}
    own = {"LAPWING_INFERENCE_PORT": "0", "LAPWING_INFERENCE_QUEUE_MS": str(PATIENT_MS)}
    return clean | own | dict(changes)


@contextmanager
def running(
    model_dir: Path, files: int | None = None, **changes: str
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run the service in another process, which may open a number of files.

    Yields the process, and the port in its log.
    """
    limit = [] if files is None else ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh"]
    process = subprocess.Popen(
        [*limit, sys.executable, "-m", "inference"],
        env=environment({"LAPWING_MODEL_DIR": str(model_dir), **changes}),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    reader = None
    try:
        line = next(line for line in process.stderr if "listening on" in line)
        match = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert match, line
        # The log is read to its end, because a full pipe would stop the service.
        reader = threading.Thread(target=process.stderr.read)
        reader.start()
        yield process, int(match[1])
    finally:
        process.kill()
        process.wait()
        if reader is not None:
            reader.join()
        process.stderr.close()


def predict(client: httpx.Client, body: bytes, kind: str = "image/jpeg") -> httpx.Response:
    """Ask for the steering of an image."""
    return client.post("/predict", content=body, headers={"Content-Type": kind})


def refused(answer: httpx.Response, status: int) -> dict[str, str]:
    """Check that an answer is an error with this status, and return its body."""
    assert answer.status_code == status, answer.text
    document = answer.json()
    assert set(document) == {"error", "got", "remedy"}
    assert document["error"]
    return dict(document)
