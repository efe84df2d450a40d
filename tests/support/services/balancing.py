"""Runs replicas of real services on addresses of this machine, and HAProxy before them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from support.data import samples
from support.services.running import free_port
from support.waiting import await_true

CONFIG = samples.ROOT / "containers" / "haproxy.cfg"
ADDRESSES = ("127.0.17.1", "127.0.17.2")
"""All of 127.0.0.0/8 is this machine: each replica has an address, as it has in a container."""


def haproxy() -> str:
    """Return the path of HAProxy; skip where it is not installed."""
    path = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.skip("needs HAProxy, Debian's package haproxy: it is not installed here")
    return path


class _Names(socketserver.BaseRequestHandler):
    """Answers a question for the addresses of a name (RFC 1035), as Docker's DNS server does."""

    addresses: dict[str, list[str]]

    def handle(self) -> None:
        packet, reply_socket = self.request
        end = packet.index(b"\0", 12)
        labels, position = [], 12
        while position < end:
            size = packet[position]
            labels.append(packet[position + 1 : position + 1 + size].decode())
            position += 1 + size
        question = packet[12 : end + 5]
        (kind,) = struct.unpack(">H", packet[end + 1 : end + 3])
        found = self.addresses.get(".".join(labels), []) if kind == 1 else []
        records = b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + socket.inet_aton(address)
            for address in found
        )
        head = packet[:2] + struct.pack(">HHHHH", 0x8180, 1, len(found), 0, 0)
        reply_socket.sendto(head + question + records, self.client_address)


@contextmanager
def name_server(addresses: dict[str, list[str]]) -> Iterator[str]:
    """Run a DNS server for these names, and yield its address with its port."""
    handler = type("Names", (_Names,), {"addresses": addresses})
    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Replica:
    """One process of a service, which a test may kill and start again."""

    address: str
    port: int
    command: list[str]
    environ: dict[str, str]
    lines: list[str] = field(default_factory=list)
    """What it wrote to its standard error."""
    process: subprocess.Popen[str] | None = None
    _reader: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}"

    def start(self) -> None:
        """Start the process."""
        self.process = subprocess.Popen(
            self.command,
            env=self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self.lines.extend, args=(self.process.stderr,))
        self._reader.start()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and to all that it has started."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """End the process with SIGKILL, so that it can clean up nothing."""
        if self.process is None:
            return
        self.signal(signal.SIGKILL)
        self.process.wait()
        assert self._reader is not None
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()
        self.process = None

    def answers(self, path: str) -> bool:
        """Tell whether a page is answered with 200."""
        assert self.process is not None
        assert self.process.poll() is None, "".join(self.lines[-20:])
        try:
            return httpx.get(self.url + path, timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def count(self, metric: str) -> float:
        """Return the value of a counter of the bridge or of inference; 0 if it is not there yet."""
        text = httpx.get(f"{self.url}/metrics", timeout=20).text
        found = re.search(rf"^{re.escape(metric)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0


@dataclass
class Balanced:
    """Two replicas of each service behind HAProxy."""

    inference: list[Replica]
    bridges: list[Replica]
    balancer: Replica
    inference_port: int
    bridge_port: int
    metrics_port: int
    names: dict[str, list[str]]
    """What the DNS server says; a test may change it."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.inference_port}"

    @property
    def bridge_url(self) -> str:
        return f"ws://127.0.0.1:{self.bridge_port}"

    def servers_up(self, backend: str) -> int:
        """Return the number of replicas to which HAProxy sends requests."""
        text = httpx.get(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=20).text
        found = re.search(
            rf'^haproxy_backend_active_servers{{proxy="{backend}_replicas"}} (\d+)', text, re.M
        )
        assert found, text
        return int(found[1])

    def await_servers(self, backend: str, number: int) -> None:
        """Wait until HAProxy uses this number of replicas."""
        await_true(lambda: self.servers_up(backend) == number, f"{number} of {backend} are up")


def _clean(changes: dict[str, str]) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LAPWING_")}
    return clean | changes


@contextmanager
def balanced(model_dir: Path, **changes: str) -> Iterator[Balanced]:
    """Run two replicas of inference and two bridges behind HAProxy, all of them ready.

    Args:
        model_dir: the model volume.
        changes: settings of all services.
    """
    program = haproxy()
    ports = {name: free_port() for name in ("one", "two", "front", "back", "metrics")}
    common = {"LAPWING_MODEL_DIR": str(model_dir), "LAPWING_INFERENCE_WORKERS": "1", **changes}

    def service(module: str, prefix: str, address: str, port: int, **own: str) -> Replica:
        listen = {f"{prefix}_HOST": address, f"{prefix}_PORT": str(port)}
        environ = _clean({**common, **listen, **own})
        return Replica(address, port, [sys.executable, "-m", module], environ)

    inference = [
        service("inference", "LAPWING_INFERENCE", address, ports["one"]) for address in ADDRESSES
    ]
    front = f"http://127.0.0.1:{ports['front']}"
    bridges = [
        service(
            "driver_bridge", "LAPWING_BRIDGE", address, ports["two"], LAPWING_INFERENCE_URL=front
        )
        for address in ADDRESSES
    ]
    names = {"inference": list(ADDRESSES), "driver-bridge": list(ADDRESSES)}
    with ExitStack() as stack:
        dns = stack.enter_context(name_server(names))
        balancer = Replica(
            "127.0.0.1",
            ports["metrics"],
            [program, "-db", "-f", str(CONFIG)],
            _clean(
                {
                    "BALANCER_BIND": "127.0.0.1",
                    "BALANCER_DNS": dns,
                    "BALANCER_INFERENCE_PORT": str(ports["front"]),
                    "BALANCER_BRIDGE_PORT": str(ports["back"]),
                    "BALANCER_METRICS_PORT": str(ports["metrics"]),
                    "INFERENCE_REPLICAS": f"inference:{ports['one']}",
                    "BRIDGE_REPLICAS": f"driver-bridge:{ports['two']}",
                }
            ),
        )
        for replica in (*inference, *bridges, balancer):
            stack.callback(replica.kill)
            replica.start()
        for replica in inference:
            await_true(lambda one=replica: one.answers("/readyz"), "inference is ready")  # type: ignore[misc]
        for replica in (*bridges, balancer):
            await_true(lambda one=replica: one.answers("/healthz"), "it answers")  # type: ignore[misc]
        running = Balanced(
            inference, bridges, balancer, ports["front"], ports["back"], ports["metrics"], names
        )
        running.await_servers("inference", 2)
        running.await_servers("bridge", 2)
        yield running
