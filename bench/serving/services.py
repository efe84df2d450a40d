"""Runs the services that a benchmark asks, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3

from bench.recordings import ROOT

PORT = 18123
URL = f"http://127.0.0.1:{PORT}"
KIND = {"Content-Type": "image/jpeg"}


def load(recording: Path, clients: int, seconds: float) -> dict[str, Any]:
    """Send requests with some clients in a closed loop; return the figures of load.py."""
    printed = run(
        "bench.serving.load",
        URL,
        str(recording / "IMG"),
        "--clients",
        str(clients),
        "--seconds",
        str(seconds),
        environ={},
    )
    document: dict[str, Any] = json.loads(printed)
    return document


def run(module: str, *words: str, environ: dict[str, str]) -> str:
    """Run a module to its end; return its standard output."""
    return subprocess.run(
        [sys.executable, "-m", module, *words],
        check=True,
        text=True,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environ},
    ).stdout


@contextmanager
def process(*words: str, environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a module in a process of its own while the block runs, and yield the process."""
    started = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environ},
    )
    try:
        yield started
    finally:
        started.terminate()
        started.wait()


@contextmanager
def ready(
    *words: str, recording: Path, environ: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a service while the block runs; yields its process once it has answered a picture."""
    jpeg = next((recording / "IMG").glob("center*.jpg")).read_bytes()
    pool = urllib3.PoolManager(retries=False)
    with process(*words, environ=environ) as started:
        deadline = time.monotonic() + 60
        while True:
            try:
                if pool.request("POST", URL + "/predict", body=jpeg, headers=KIND).status == 200:
                    break
            except urllib3.exceptions.HTTPError:
                assert time.monotonic() < deadline, f"{words[0]} does not answer"
            time.sleep(0.1)
        yield started
