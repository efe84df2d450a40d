"""Runs a small HTTP server in place of inference, with answers that a test chooses."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answers:
    """Holds the answer of the server, and the requests that it got."""

    url: str = ""
    status: int = 200
    body: bytes = json.dumps({"steering": 0.25}).encode()
    delay_s: float = 0.0
    gate: threading.Event = field(default_factory=threading.Event)
    """The server answers only while this event is set, as it is at first."""
    frames: list[bytes] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    """Header Authorization of each request."""
    paths: list[str] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)


@contextmanager
def inference(port: int = 0) -> Iterator[Answers]:
    """Run the server until the `with` block ends."""
    answers = Answers()
    answers.gate.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            answers.frames.append(self.rfile.read(int(self.headers["Content-Length"])))
            answers.connections.add(self.client_address)
            answers.tokens.append(self.headers["Authorization"])
            answers.paths.append(self.path)
            answers.gate.wait(60)
            time.sleep(answers.delay_s)
            self.send_response(answers.status)
            self.send_header("Content-Length", str(len(answers.body)))
            self.end_headers()
            self.wfile.write(answers.body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Log nothing: some tests close their connection early."""

    with Server(("127.0.0.1", port), Handler) as server:
        answers.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield answers
        finally:
            server.shutdown()
            thread.join()
