"""Runs Docker and Compose on this repository, in a project of the tests' own."""

import os
import shutil
import subprocess

import pytest

from support.data import samples

# An address and a project of the tests' own: they disturb no Lapwing that runs on this machine.
BIND = "127.0.0.2"
PORTS = {
    "LAPWING_INFERENCE_PORT": "8100",
    "LAPWING_BRIDGE_PORT": "4667",
    "LAPWING_TENSORBOARD_PORT": "6106",
    "LAPWING_DASHBOARD_PORT": "9281",
}
STORAGE = {"LAPWING_STORAGE": "s3://bucket/prefix"}
"""Read by docker-compose.storage.yml alone."""
PROJECT = "lapwing-test"
PROFILES = ("--profile", "cli", "--profile", "demo", "--profile", "observe")


def run_docker(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a docker command in the repository's root."""
    return subprocess.run(
        ["docker", *words],
        cwd=samples.ROOT,
        capture_output=True,
        text=True,
        timeout=3600,
        env={**os.environ, "LAPWING_BIND": BIND, "LAPWING_OBSERVE_BIND": BIND, **PORTS, **STORAGE},
    )


def docker(*words: str, check: bool = True) -> str:
    """Return what a docker command printed."""
    done = run_docker(*words)
    assert done.returncode == 0 or not check, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def compose(*words: str, check: bool = True) -> str:
    return docker("compose", "-p", PROJECT, *words, check=check)


def require_engine() -> None:
    """Skip the test where there is no engine."""
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode
        or subprocess.run(["docker", "info"], capture_output=True).returncode
    ):
        pytest.skip("needs a Docker engine with Compose v2: none runs here")
