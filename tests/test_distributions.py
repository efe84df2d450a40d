"""What is installed with each service, by its lock, its pyproject.toml and its container."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from support.house import PACKAGES, ROOT, label

from lapwing.stack.processes import SERVICES

# What must never be installed with a service: the lightest path to the car stays light.
NEVER = {
    "inference": {"tensorflow", "tensorflow-cpu", "keras", "tables", "redis", "rq", "h5py"},
    "driver-bridge": {"openvino", "numpy", "tensorflow", "tensorflow-cpu", "keras", "tables", "rq"},
    "simulator": {
        "ai-edge-litert",
        "tensorflow",
        "tensorflow-cpu",
        "keras",
        "tables",
        "redis",
        "rq",
    },
    # Its drives are compared byte by byte: LiteRT alone computes them.
    "evaluator": {"openvino", "tensorflow", "tensorflow-cpu", "keras", "fastapi", "eventlet"},
    "ingest": {"tensorflow", "tensorflow-cpu", "keras", "fastapi", "eventlet"},
    "cli": {
        "openvino",
        "numpy",
        "tensorflow",
        "tensorflow-cpu",
        "keras",
        "tables",
        "fastapi",
        "eventlet",
    },
    "trainer": {"fastapi", "eventlet", "python-socketio"},
    "trainer-cuda": {"tensorflow-cpu", "fastapi", "eventlet"},
}


def locked(lock: str) -> set[str]:
    text = (ROOT / "requirements" / f"{lock}.lock").read_text()
    return set(re.findall(r"^([a-z0-9.-]+)==", text, re.MULTILINE))


@pytest.mark.parametrize("lock", NEVER)
def test_light_never_installs_heavy(lock: str) -> None:
    names = locked(lock)
    assert names, "the lock is empty"
    assert not names & NEVER[lock]


@pytest.mark.parametrize(
    "lock",
    sorted({path.stem for path in (ROOT / "requirements").glob("*.lock")} - {"dev", "gym-example"}),
)
def test_what_trains_agents_is_in_no_image(lock: str) -> None:
    assert not locked(lock) & {"gymnasium", "stable-baselines3", "torch"}


def test_the_example_of_the_environments_chooses_its_own_build_of_pytorch() -> None:
    """Its lock holds all else: the wheel that PyTorch has for Linux brings 3 GB of CUDA."""
    names = locked("gym-example")
    assert {"gymnasium", "stable-baselines3", "panda3d"} <= names
    assert not {name for name in names if name.startswith(("torch", "nvidia", "triton"))}
    example = (ROOT / "packages/gym/examples/requirements.txt").read_text()
    assert re.search(r"^torch==", example, re.MULTILINE)


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.lock")), ids=label)
def test_a_lock_is_hashed_and_names_no_address(path: Path) -> None:
    text = path.read_text()
    assert "--hash=sha256:" in text
    assert "://" not in text


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_a_wheel_brings_its_types(package: str, tmp_path: Path) -> None:
    """Without py.typed, whoever installs the wheel would have no annotations."""
    build = f"from flit_core import buildapi; print(buildapi.build_wheel({str(tmp_path)!r}))"
    folder = PACKAGES[package].parent
    wheel = subprocess.run(
        [sys.executable, "-c", build], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()
    names = zipfile.ZipFile(tmp_path / wheel).namelist()
    assert f"{package}/py.typed" in names
    modules = {str(path.relative_to(folder)) for path in PACKAGES[package].rglob("*.py")}
    assert modules == {name for name in names if name.endswith(".py")}
    data = {str(path.relative_to(folder)) for path in PACKAGES[package].rglob("*.toml")}
    assert data == {name for name in names if name.endswith(".toml")}


def test_every_distribution_says_what_it_imports() -> None:
    for package, path in PACKAGES.items():
        project = tomllib.loads((path.parent / "pyproject.toml").read_text())
        assert project["tool"]["flit"]["module"]["name"] == package
        assert project["project"]["name"].startswith("lapwing-")


def target(name: str) -> str:
    """Return the stage of the Dockerfile that is called `name`."""
    text = (ROOT / "Dockerfile").read_text()
    (stage,) = re.findall(rf"^FROM \S+ AS {name}$(.*?)(?=^FROM|\Z)", text, re.MULTILINE | re.DOTALL)
    return str(stage)


def test_compose_runs_the_table_of_processes() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    for process in SERVICES:
        command = ", ".join(f'"{word}"' for word in ("python", *process.command[1:]))
        assert f"CMD [{command}]" in target(process.name)
        assert f"\n  {process.name}:\n" in compose
        assert f"target: {process.name}, args: {{SERVICE: {process.name}}}" in compose


def test_every_image_of_compose_is_a_target_of_the_one_dockerfile() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    cluster = (ROOT / "docker-compose.cluster.yml").read_text()
    for name in set(re.findall(r"target: ([a-z-]+)", compose + cluster)):
        assert target(name)
    for service, project in re.findall(r"SERVICE: ([a-z-]+)(?:, PROJECT: ([a-z/-]+))?", compose):
        assert (ROOT / "requirements" / f"{service}.lock").is_file()
        assert service == "observe" or (ROOT / (project or f"services/{service}")).is_dir()
