"""Runs the programs that other packages bring, in the foreground, each in a process of its own.

They need libraries that the command line does without: the simulator needs Panda3D, the dataset
doctor OpenCV, log replay both. In containers each lies in the image of its own service.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contract.errors import ServiceError
from lapwing.settings import Settings


@dataclass(frozen=True)
class Program:
    """A module that `python -m` runs, and what to do where it is not installed."""

    module: str
    title: str
    remedy: str


SIMULATOR: Final = Program(
    "simulator",
    "the simulator",
    "In containers it has an image of its own: "
    "docker compose --profile demo run --rm simulator --help",
)
DOCTOR: Final = Program(
    "ingest.doctor",
    "the dataset doctor",
    "In containers ingest has it: docker compose run --rm "
    "-v /path/to/recording:/recording/lake:ro ingest python -m ingest.doctor /recording/lake",
)
OFFLINE: Final = Program(
    "evaluator.offline",
    "log replay",
    "In containers the evaluator has it: docker compose run --rm "
    "-v /path/to/recording:/recording/lake:ro evaluator "
    "python -m evaluator.offline rerun /recording/lake",
)


def command(program: Program, arguments: Sequence[str]) -> list[str]:
    """Return the command line that runs a program.

    Raises:
        ServiceError: the package that brings it is not installed here.
    """
    if importlib.util.find_spec(program.module.partition(".")[0]) is None:
        raise ServiceError(f"{program.title} is not installed here", remedy=program.remedy)
    return [sys.executable, "-m", program.module, *arguments]


def environment(settings: Settings, name: str) -> dict[str, str]:
    """Return the environment of a program: where bridge and models are, and its name in messages.

    Args:
        settings: of this home.
        name: what the user typed, such as "lapwing sim"; usage lines show it.
    """
    return {
        "LAPWING_BRIDGE_URL": f"ws://127.0.0.1:{settings.bridge_port}",
        "LAPWING_MODEL_DIR": str(settings.models),
        **os.environ,
        "LAPWING_COMMAND": name,
    }


def run(settings: Settings, program: Program, name: str, arguments: Sequence[str]) -> int:
    """Run a program that gets this terminal; return its exit status.

    Raises:
        ServiceError: the package that brings it is not installed here.
    """
    return _run_in_foreground(command(program, arguments), environment(settings, name))


def _run_in_foreground(command_line: Sequence[str], variables: Mapping[str, str]) -> int:
    process = subprocess.Popen(command_line, env=variables)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # The program got the same Ctrl-C, and cleans up first.
