"""Tests that a bridge accepts connections again after errors that pass."""

import errno
import os
import resource
import socket
from pathlib import Path

import httpx
import pytest
from support.services import answering
from support.services.logged_bridge import logged_bridge

from driver_bridge.connection.patient_listener import PatientListener


class FaultyListener(socket.socket):
    """A listening socket that raises the errors that a test sets before it accepts."""

    errors: list[int]

    def accept(self) -> tuple[socket.socket, object]:
        if self.errors:
            number = self.errors.pop(0)
            raise OSError(number, os.strerror(number))
        return super().accept()


@pytest.mark.parametrize(
    "error", [errno.EMFILE, errno.ENFILE, errno.ECONNABORTED, errno.ECONNRESET, errno.EPIPE]
)
def test_a_connection_is_accepted_after_errors(
    error: int, caplog: pytest.LogCaptureFixture
) -> None:
    paused_s: list[float] = []
    with FaultyListener() as listener:
        listener.errors = [error] * 3
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        patient = PatientListener(listener, paused_s.append)
        with socket.create_connection(patient.getsockname(), timeout=60) as client:
            accepted, address = patient.accept()
            accepted.close()
            assert address == client.getsockname()
        patient.close()
        socket.create_connection(patient.getsockname(), timeout=60).close()  # it still listens
    assert paused_s == [0.5, 1.0, 1.0]
    assert caplog.text.count("accepting a connection failed: ") >= 3


def test_a_bridge_without_files_accepts_connections_once_there_are_some() -> None:
    """eventlet's server alone would end here, and the bridge be deaf for ever."""
    with answering.inference() as answers, logged_bridge(answers.url) as bridge:
        address = f"http://127.0.0.1:{bridge.port}/healthz"
        assert httpx.get(address, timeout=60).status_code == 200
        files = len(list(Path(f"/proc/{bridge.pid}/fd").iterdir()))
        limits = resource.prlimit(bridge.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(bridge.pid, resource.RLIMIT_NOFILE, (files, limits[1]))
        with socket.create_connection(("127.0.0.1", bridge.port), timeout=60) as waiting:
            bridge.wait_for("accepting a connection failed: OSError: [Errno 24]")
            resource.prlimit(bridge.pid, resource.RLIMIT_NOFILE, limits)
            waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert waiting.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert httpx.get(address, timeout=60).status_code == 200
