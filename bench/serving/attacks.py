"""Measures what good traffic notices of attacks: `make bench-attacks`.

A client of /predict and a simulator at the bridge ask 20 times a second, first alone and then
beside each attack. An attack is a process of its own on the same machine, which lasts as long as
the good traffic. The memory is that of the attacked service with its workers.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import resource
import select
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from bench import output, recordings
from bench.serving import services
from bench.serving.bridge import PORT as BRIDGE_PORT
from bench.serving.bridge import pictures, predictions
from bench.serving.round_trip import await_page
from bench.serving.services import PORT as INFERENCE_PORT

SECONDS: Final = 30.0
RATE: Final = 20.0
MAX_FILES: Final = 4096
MANY_SCANS: Final = 990_000
"""Bytes of a JPEG with as many scans as fit into a request."""
HEAD: Final = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\n"
UPGRADE: Final = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
PONG: Final = b"\x81\x81\0\0\0\x003"
"""A masked text frame with Engine.IO's PONG."""


def endless_header() -> None:
    """Send one header that never ends, a megabyte every 50 ms, and begin again when cut off."""
    while True:
        with contextlib.suppress(OSError), _connect(INFERENCE_PORT) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
            while True:
                connection.sendall(b"a" * 1_000_000)
                time.sleep(0.05)
        time.sleep(0.05)


def half_requests() -> None:
    """Keep 1,100 connections open, each with the first half of a request's head."""
    _hold(INFERENCE_PORT, 1100, HEAD)


def slow_heads_at_the_bridge() -> None:
    """Keep 1,100 connections to the bridge open that send a byte of their head now and then."""
    _hold(BRIDGE_PORT, 1100, UPGRADE[:100], drip=b"a")


def bodies_under_way() -> None:
    """Keep 300 bodies of a megabyte under way, each but its last 10 kB, which trickle in."""
    head = HEAD + b"Content-Length: 1000000\r\n\r\n"
    _hold(INFERENCE_PORT, 300, head + bytes(990_000), drip=b"\0")


def scans() -> None:
    """Send a JPEG with tens of thousands of scans over two connections, again and again."""
    jpeg = _many_scans()
    _ask_for_ever(2, HEAD + b"Content-Length: %d\r\n\r\n" % len(jpeg) + jpeg)


def forms() -> None:
    """Send forms of 64 pictures from a foreign web page over six connections."""
    picture = next((recordings.chosen() / "IMG").glob("center*.jpg")).read_bytes()
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n%b\r\n'
    body = part % picture * 64 + b"--x--\r\n"
    head = (
        b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n"
    )
    _ask_for_ever(6, head % len(body) + body)


def websockets() -> None:
    """Keep 600 websockets open at the bridge that send no telemetry but answer its PINGs."""
    _hold(BRIDGE_PORT, 600, UPGRADE, answer=PONG)


def archive() -> None:
    """Examine a zip of 3 MB whose images unpack to 3 GB, again and again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bomb.zip"
        block = bytes(1 << 20)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("driving_log.csv", "IMG/a.jpg,IMG/a.jpg,IMG/a.jpg,0,0,0,9\n")
            with file.open("IMG/a.jpg", "w", force_zip64=True) as member:
                for _ in range(3000):
                    member.write(block)
        while True:
            subprocess.run(
                [sys.executable, "-m", "ingest.doctor", str(path)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )


ATTACKS: Final[Mapping[str, tuple[Callable[[], None], str]]] = {
    "an archive of 3 MB that unpacks to 3 GB": (archive, "inference"),
    "JPEGs with tens of thousands of scans": (scans, "inference"),
    "an endless header": (endless_header, "inference"),
    "1,100 half requests": (half_requests, "inference"),
    "300 bodies under way": (bodies_under_way, "inference"),
    "forms of 64 pictures from a foreign page": (forms, "inference"),
    "1,100 slow heads at the bridge": (slow_heads_at_the_bridge, "driver_bridge"),
    "600 idle websockets at the bridge": (websockets, "driver_bridge"),
}


def main(options: argparse.Namespace) -> int:
    """Measure the good traffic alone and beside each attack, and show the figures."""
    recording = recordings.chosen()
    console = output.console(options)
    rows: list[output.Row] = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        environ = {
            "LAPWING_DATA_DIR": f"{folder}/data",
            "LAPWING_MODEL_DIR": f"{folder}/models",
            "LAPWING_INFERENCE_PORT": str(INFERENCE_PORT),
            "LAPWING_INFERENCE_URL": services.URL,
            "LAPWING_BRIDGE_PORT": str(BRIDGE_PORT),
        }
        console.print("one epoch of training, for a model to serve …")
        services.run("bench.serving.trained_model", str(recording), environ=environ)
        started = {
            "inference": stack.enter_context(
                services.ready("inference", recording=recording, environ=environ)
            ),
            "driver_bridge": stack.enter_context(
                services.process("driver_bridge", environ=environ)
            ),
        }
        await_page(f"http://127.0.0.1:{BRIDGE_PORT}/healthz")
        expected = Path(folder) / "expected.json"
        expected.write_text(json.dumps(predictions(pictures(recording / "IMG"))))
        good_traffic(recording, expected)  # warms the services up
        for number, (name, (_, attacked)) in enumerate(ATTACKS.items()):
            if options.only and number not in options.only:
                continue
            process = started[attacked]
            console.print(f"{name} …")
            rows.append(_row("alone", good_traffic(recording, expected), None))
            before = _memory_mb(process.pid)
            with _attack(number):
                time.sleep(1.0)
                figures = good_traffic(recording, expected)
                grown = _memory_mb(process.pid) - before
            rows.append(_row(name, figures, grown))
            time.sleep(2.0)
    title = "What good traffic notices of attacks"
    result = output.Result("attacks", title, "make bench-attacks", recording.name, rows)
    output.finish(result, options)
    return 0


def good_traffic(recording: Path, expected: Path) -> dict[str, Any]:
    """Send the good traffic for SECONDS, and return the figures of both clients.

    Args:
        recording: its pictures are sent.
        expected: a file of what /predict returns for the pictures.
    """
    words = ["-m", "bench.serving.load", services.URL, str(recording / "IMG")]
    load = [*words, "--clients", "1", "--seconds", str(SECONDS), "--rate", str(RATE)]
    drive = ["-m", "bench.serving.bridge", "--client", str(recording / "IMG"), "--rate", str(RATE)]
    drive += ["--expected", str(expected), "--locale", "en-US"]
    running = [
        subprocess.Popen(
            [sys.executable, *each], cwd=recordings.ROOT, stdout=subprocess.PIPE, text=True
        )
        for each in (load, drive)
    ]
    asked, drove = (json.loads(each.communicate()[0] or "{}") for each in running)
    taken = sorted(drove.get("taken_ms", []))
    return {
        "predict": asked,
        "p50_ms": taken[len(taken) // 2] if taken else None,
        "p99_ms": taken[int(0.99 * len(taken))] if taken else None,
        "answers": len(taken),
        "unanswered or wrong": drove["unanswered"] + drove["wrong"] if drove else None,
    }


@contextlib.contextmanager
def _attack(number: int) -> Iterator[None]:
    # An attacker from elsewhere would take no time of these cores.
    nice = ["nice", "-n", "10"]
    words = [*nice, sys.executable, "-m", "bench.serving.attacks", "--attack", str(number)]
    with subprocess.Popen(words, cwd=recordings.ROOT, start_new_session=True) as attacker:
        try:
            yield
        finally:
            os.killpg(attacker.pid, 9)


def _row(name: str, figures: dict[str, Any], grown_mb: float | None) -> output.Row:
    predict = figures["predict"]
    refused = sum(predict["statuses"].values()) - predict["statuses"].get("200", 0)
    return {
        "what": name,
        "/predict p50 ms": predict["p50_ms"],
        "/predict p99 ms": predict["p99_ms"],
        "refused or lost": refused + predict["broken"] + predict["turned_away"],
        "bridge p50 ms": figures["p50_ms"],
        "bridge p99 ms": figures["p99_ms"],
        "answers": figures["answers"],
        "unanswered or wrong": figures["unanswered or wrong"],
        "memory grown, MB": grown_mb,
    }


def _memory_mb(pid: int) -> float:
    """Return the resident memory of a process and of its children, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(line.split()[1]) * 1024 / 1e6 + sum(_memory_mb(int(child)) for child in children)


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def _hold(port: int, count: int, sent: bytes, drip: bytes = b"", answer: bytes = b"") -> None:
    """Keep connections open that sent some bytes; one that is closed is replaced.

    Args:
        port: port of the service.
        count: number of connections.
        sent: bytes that each connection sends first.
        drip: bytes that each sends again every other second.
        answer: bytes that each sends when something arrives.
    """
    poll = select.epoll()
    held: dict[int, socket.socket] = {}
    dripped_s = time.monotonic()
    while True:
        while len(held) < count:
            try:
                connection = _connect(port)
                connection.sendall(sent)
            except OSError:
                time.sleep(0.05)
                break
            held[connection.fileno()] = connection
            poll.register(connection.fileno(), select.EPOLLIN)
        for number, _ in poll.poll(0.2):
            try:
                alive = bool(held[number].recv(65536))
                if alive and answer:
                    held[number].sendall(answer)
            except OSError:
                alive = False
            if not alive:
                poll.unregister(number)
                held.pop(number).close()
        if drip and time.monotonic() - dripped_s > 2:
            dripped_s = time.monotonic()
            for connection in held.values():
                with contextlib.suppress(OSError):
                    connection.sendall(drip)
        time.sleep(0.02)


def _ask_for_ever(count: int, request: bytes) -> None:
    """Send a request over some connections, each again as soon as it is answered."""
    waiting: list[socket.socket] = []
    while True:
        while len(waiting) < count:
            with contextlib.suppress(OSError):
                connection = _connect(INFERENCE_PORT)
                connection.sendall(request)
                waiting.append(connection)
        ready, _, _ = select.select(waiting, [], [], 1.0)
        for connection in ready:
            with contextlib.suppress(OSError):
                connection.recv(65536)
            connection.close()
            waiting.remove(connection)
        time.sleep(0.02)


def _many_scans() -> bytes:
    """Return a progressive JPEG whose first scan is repeated until it has MANY_SCANS bytes."""
    from PIL import Image

    content = io.BytesIO()
    Image.new("L", (1600, 1600)).save(content, "JPEG", progressive=True, quality=30)
    jpeg = content.getvalue()
    starts = [index for index in range(len(jpeg)) if jpeg[index : index + 2] == b"\xff\xda"]
    scan = jpeg[starts[-1] : -2]
    return jpeg[:-2] + scan * ((MANY_SCANS - len(jpeg)) // len(scan)) + jpeg[-2:]


if __name__ == "__main__":
    parser = output.arguments(__doc__)
    parser.add_argument("--attack", type=int, help="attack with the attack of this number")
    parser.add_argument(
        "--only", type=int, action="append", help="measure only the attack of this number"
    )
    arguments = parser.parse_args()
    if arguments.attack is None:
        sys.exit(main(arguments))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_FILES, MAX_FILES))
    list(ATTACKS.values())[arguments.attack][0]()
