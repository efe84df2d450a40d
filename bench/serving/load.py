"""Sends frames to /predict from a process of its own.

python -m bench.serving.load URL FRAMES [--rate 200]

It uses plain sockets and one epoll, which cost 50 µs a request, so that the service is measured and
not the client. Without --rate each client sends the next request once the last is answered (closed
loop). With it, requests are due at fixed times, even if earlier ones are not answered yet (open
loop), and the latency counts from the time that a request was due.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

PATIENCE_S = 2.0
"""A request that is not answered within this time is given up."""


@dataclass
class Client:
    """A connection that sends one request at a time."""

    socket: socket.socket
    asked_s: float = 0.0
    answer: bytes = b""


@dataclass
class Result:
    """The outcomes of the requests."""

    statuses: Counter[str] = field(default_factory=Counter)
    latencies_s: dict[str, list[float]] = field(default_factory=dict)
    versions: Counter[str] = field(default_factory=Counter)
    broken: int = 0
    """Number of connections that were lost and of answers that did not come."""
    turned_away: int = 0
    """Number of clients that could not connect again after their connection was closed."""
    unsent: int = 0
    """Number of requests that were due while every connection waited for an answer."""

    def add(self, answer: bytes, seconds: float) -> None:
        status = answer[9:12].decode()
        self.statuses[status] += 1
        self.latencies_s.setdefault(status, []).append(seconds)
        if status == "200":
            self.versions[str(json.loads(answer.partition(b"\r\n\r\n")[2])["model_version"])] += 1

    def document(self, seconds: float) -> dict[str, object]:
        def percentile(status: str, share: float) -> float | None:
            values = sorted(self.latencies_s.get(status, []))
            return values[min(len(values) - 1, int(share * len(values)))] * 1000 if values else None

        return {
            "seconds": seconds,
            "statuses": dict(self.statuses),
            "goodput": self.statuses["200"] / seconds,
            "p10_ms": percentile("200", 0.1),
            "p50_ms": percentile("200", 0.5),
            "p99_ms": percentile("200", 0.99),
            "refused_p99_ms": percentile("503", 0.99),
            "versions": dict(self.versions),
            "broken": self.broken,
            "turned_away": self.turned_away,
            "unsent": self.unsent,
            "cpu_share": time.process_time() / seconds,
        }


class Load:
    """The clients of one address."""

    def __init__(self, url: str, jpegs: list[bytes], clients: int, token: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 80)
        shown = f"Authorization: Bearer {token}\r\n" if token else ""
        self._requests = [
            f"POST /predict HTTP/1.1\r\nHost: localhost\r\n{shown}Content-Type: image/jpeg\r\n"
            f"Content-Length: {len(jpeg)}\r\n\r\n".encode()
            + jpeg
            for jpeg in jpegs
        ]
        self._epoll = select.epoll()
        self._waiting: dict[int, Client] = {}
        self._idle: deque[Client] = deque(self._connect() for _ in range(clients))
        self._next = 0
        self.result = Result()

    def _connect(self) -> Client:
        made = socket.create_connection(self._address, timeout=PATIENCE_S)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._epoll.register(made.fileno(), select.EPOLLIN)
        return Client(made)

    def run(self, seconds: float, rate: float | None) -> float:
        """Send requests for some seconds; return the seconds until the last answer came."""
        began = time.perf_counter()
        due = 0
        while (now := time.perf_counter()) - began < seconds:
            if not self._idle and not self._waiting:  # all were turned away
                break
            if rate is None:
                while self._idle:
                    self._ask(self._idle.popleft(), time.perf_counter())
                self._collect(1.0)
                continue
            while due < (now - began) * rate:
                if self._idle:
                    self._ask(self._idle.popleft(), began + due / rate)
                else:
                    self.result.unsent += 1
                due += 1
            self._collect(max(0.0, began + due / rate - time.perf_counter()))
        deadline = time.perf_counter() + PATIENCE_S
        while self._waiting and time.perf_counter() < deadline:
            self._collect(0.1)
        self.result.broken += len(self._waiting)
        return time.perf_counter() - began

    def _ask(self, client: Client, asked_s: float) -> None:
        client.asked_s, client.answer = asked_s, b""
        self._waiting[client.socket.fileno()] = client
        request = self._requests[self._next % len(self._requests)]
        self._next += 1
        try:
            client.socket.sendall(request)
        except OSError:
            self._lose(client)

    def _collect(self, timeout_s: float) -> None:
        for number, _ in self._epoll.poll(timeout_s):
            client = self._waiting.get(number)
            if client is None:  # an idle connection that was closed: found out when it is used
                self._epoll.unregister(number)
                continue
            try:
                part = client.socket.recv(65536)
            except OSError:
                part = b""
            if not part:
                self._lose(client)
                continue
            client.answer += part
            if _whole(client.answer):
                self.result.add(client.answer, time.perf_counter() - client.asked_s)
                if b"\r\nconnection: close" in client.answer.partition(b"\r\n\r\n")[0].lower():
                    self._reconnect(client)
                else:
                    del self._waiting[number]
                    self._idle.append(client)

    def _lose(self, client: Client) -> None:
        self.result.broken += 1
        self._reconnect(client)

    def _reconnect(self, client: Client) -> None:
        del self._waiting[client.socket.fileno()]
        client.socket.close()
        try:
            self._idle.append(self._connect())
        except OSError:  # it takes no more connections: this client is done
            self.result.turned_away += 1


def _whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    length = next(
        line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    )
    return len(body) >= int(length.split(b":")[1])


def main() -> int:
    """Send the requests, and print their outcomes as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.serving.load", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("frames", type=Path, help="a folder of JPEG files")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", type=float, help="requests a second; else as many as go")
    arguments = parser.parse_args()
    paths = sorted(arguments.frames.glob("*.jpg"))[:200]
    load = Load(
        arguments.url,
        [path.read_bytes() for path in paths],
        arguments.clients,
        os.environ.get("LAPWING_API_TOKEN", ""),
    )
    seconds = load.run(arguments.seconds, arguments.rate)
    print(json.dumps(load.result.document(seconds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
