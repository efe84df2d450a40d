"""Lapwing has one version, and everything that shows one reads it from an installed package.

Each pyproject.toml states the number as text, so that a package can be built from its own folder
alone, as the containers do. This file keeps the eight equal; `make version TO=…` changes them.
"""

import asyncio
import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

import httpx
import pytest
from support.house import PACKAGES

from contract.settings import load
from inference.app import create_app
from inference.settings import Settings
from trainer.export import manifest

PROJECTS = {
    package: tomllib.loads((path.parent / "pyproject.toml").read_text())["project"]
    for package, path in PACKAGES.items()
}
VERSION = PROJECTS["contract"]["version"]


@pytest.mark.parametrize("package", sorted(PROJECTS))
def test_every_package_has_the_same_version(package: str) -> None:
    assert PROJECTS[package]["version"] == VERSION
    assert importlib.metadata.version(PROJECTS[package]["name"]) == VERSION, "run make setup"


def test_the_command_line_shows_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lapwing", "--version"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, f"lapwing {VERSION}\n")


def test_the_description_of_the_http_interface_shows_it(tmp_path: Path) -> None:
    app = create_app(load(Settings, {"LAPWING_MODEL_DIR": str(tmp_path)}))

    async def fetch() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/openapi.json")

    assert asyncio.run(fetch()).json()["info"]["version"] == VERSION


def test_a_models_manifest_says_which_release_made_it() -> None:
    made = manifest.imported_manifest("a-job", {}, {})
    assert made.packages["lapwing-trainer"] == VERSION
