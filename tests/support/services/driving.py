"""Runs a real bridge in another process, and simulators that it drives."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from simulator.unity.client import UnityClient
from simulator.unity.number_format import find_locale
from support.data import samples

JPEG = samples.jpeg()


PATIENT = """
import dataclasses, logging, os
from contract.settings import load
from driver_bridge.server import serve
from driver_bridge.settings import Settings
logging.basicConfig(level=logging.INFO)
settings = dataclasses.replace(load(Settings, os.environ), inference_timeout_ms=60_000)
serve(settings, lambda port: logging.info("listening on ws://%s:%d", settings.host, port))
os._exit(0)
"""


@contextmanager
def bridge(inference_url: str, *arguments: str, **environ: str) -> Iterator[int]:
    """Run `python -m driver_bridge` on a free port and yield the port; it must exit with 0."""
    with _running(["-m", "driver_bridge", *arguments], inference_url, environ) as port:
        yield port


@contextmanager
def patient_bridge(inference_url: str, **environ: str) -> Iterator[int]:
    """Run a bridge that waits for inference for a minute; it must exit with 0.

    Its answers depend on what inference says, and not on how busy the machine is.
    """
    with _running(["-c", PATIENT], inference_url, environ) as port:
        yield port


@contextmanager
def _running(command: list[str], inference_url: str, environ: Mapping[str, str]) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, *command],
        env={
            **os.environ,
            "LAPWING_BRIDGE_PORT": "0",
            "LAPWING_INFERENCE_URL": inference_url,
            **environ,
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    reader = threading.Thread(target=process.stderr.read)
    try:
        port = None
        for line in process.stderr:
            port = re.search(r"listening on ws://[^:]+:(\d+)", line)
            if port:
                break
        assert port, f"the bridge ended with {process.wait(60)}"
        # The log is read to its end, because a full pipe would stop the bridge.
        reader.start()
        yield int(port[1])
        process.terminate()
        assert process.wait(60) == 0
    finally:
        # The pipe is closed last: that would wait for the reader, and the reader for the bridge.
        process.kill()
        process.wait()
        if reader.ident is not None:
            reader.join()
        process.stderr.close()


def unity(port: int, name: str = "en-US", timeout_s: float = 60.0) -> UnityClient:
    """Return a simulator that is connected to the bridge."""
    return UnityClient(f"ws://127.0.0.1:{port}", find_locale(name), timeout_s)


def drive(client: UnityClient) -> float:
    """Send a telemetry message, and return the steering of the answer."""
    client.send_telemetry(0.0, 0.0, 9.0, JPEG)
    command = client.command()
    assert command is not None, "the telemetry was not answered"
    return command.steering
