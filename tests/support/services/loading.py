"""Load from a process of its own (bench/load.py), on a service of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from contract.models.registry import Registry
from support.data import samples
from support.services.serving import running
from support.waiting import await_true


def frames(folder: Path, count: int = 20) -> Path:
    """Make a folder of images to send."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.jpg").write_bytes(samples.jpeg(number / count, number))
    return folder


@contextmanager
def served(registry: Registry, **changes: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run inference in another process; yield the process and its URL when it is ready.

    Frames may wait for as long as in a service that nobody has set.
    """
    changes = {"LAPWING_INFERENCE_QUEUE_MS": "50", **changes}
    with running(registry.root, **changes) as (process, port):
        url = f"http://127.0.0.1:{port}"
        await_true(lambda: httpx.get(f"{url}/readyz").status_code == 200)
        yield process, url


@contextmanager
def loading(url: str, pictures: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Send requests until the `with` block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.serving.load", url, str(pictures), *options],
        cwd=samples.ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def result(process: subprocess.Popen[str], timeout_s: float = 300) -> dict[str, Any]:
    """Wait for the end of the requests, and return their results."""
    printed, _ = process.communicate(timeout=timeout_s)
    document: dict[str, Any] = json.loads(printed)
    return document


def load(url: str, pictures: Path, *options: str) -> dict[str, Any]:
    """Send requests, and return their results."""
    with loading(url, pictures, *options) as process:
        return result(process)
