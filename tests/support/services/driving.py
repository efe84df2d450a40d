"""Runs a real bridge in another process, and simulators that it drives."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from simulator.unity.client import UnityClient
from simulator.unity.number_format import find_locale
from support.data import samples

JPEG = samples.jpeg()


@contextmanager
def bridge(inference_url: str, *arguments: str, **environ: str) -> Iterator[int]:
    """Run `python -m driver_bridge` on a free port and yield the port; it must exit with 0."""
    process = subprocess.Popen(
        [sys.executable, "-m", "driver_bridge", *arguments],
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
        assert port, f"the bridge ended with {process.wait(10)}"
        # The log is read to its end, because a full pipe would stop the bridge.
        reader.start()
        yield int(port[1])
        process.terminate()
        assert process.wait(10) == 0
    finally:
        # The pipe is closed last: that would wait for the reader, and the reader for the bridge.
        process.kill()
        process.wait()
        if reader.ident is not None:
            reader.join()
        process.stderr.close()


def unity(port: int, name: str = "en-US", timeout_s: float = 3.0) -> UnityClient:
    """Return a simulator that is connected to the bridge."""
    return UnityClient(f"ws://127.0.0.1:{port}", find_locale(name), timeout_s)


def drive(client: UnityClient) -> float:
    """Send a telemetry message, and return the steering of the answer."""
    client.send_telemetry(0.0, 0.0, 9.0, JPEG)
    command = client.command()
    assert command is not None, "the telemetry was not answered"
    return command.steering
