"""Runs programs that other packages bring, each in a process of its own.

These programs need libraries that the command line does without: the simulator needs Panda3D, the
dataset doctor OpenCV, log replay LiteRT and OpenCV, and the export ONNX and Arrow. With containers,
each program is in the image of its own service.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contract.child_process import SAFE_PATH
from contract.errors import ServiceError
from lapwing.settings import Settings


@dataclass(frozen=True)
class Program:
    """A module that `python -m` runs, and the advice for a machine without it."""

    module: str
    title: str
    remedy: str


SIMULATOR: Final = Program(
    "simulator",
    "the simulator",
    "With containers, it has an image of its own: "
    "docker compose --profile demo run --rm simulator --help",
)
VIDEO: Final = Program(
    "simulator.cli.video",
    "the video encoder",
    "With containers, the image of the simulator has it: docker compose --profile demo run --rm "
    "-v /path/to/recording:/recording/lake:ro --entrypoint python simulator "
    "-m simulator.cli.video /recording/lake --out /drives/lake.mp4",
)
DOCTOR: Final = Program(
    "ingest.doctor",
    "the dataset doctor",
    "With containers, the image of ingest has it: docker compose run --rm "
    "-v /path/to/recording:/recording/lake:ro ingest python -m ingest.doctor /recording/lake",
)
OFFLINE: Final = Program(
    "evaluator.offline",
    "log replay",
    "With containers, the image of the evaluator has it: docker compose run --rm "
    "-v /path/to/recording:/recording/lake:ro evaluator "
    "python -m evaluator.offline rerun /recording/lake",
)
EXPORT: Final = Program(
    "trainer.export",
    "the export",
    "With containers, the image of the trainer has it: docker compose run --rm "
    "-v /path/to/folder:/out trainer python -m trainer.export --format onnx 1 --out /out/1.onnx",
)


def command_line(program: Program, arguments: Sequence[str]) -> list[str]:
    """Return the command line that runs a program.

    Raises:
        ServiceError: the package that brings the program is not installed.
    """
    if importlib.util.find_spec(program.module.partition(".")[0]) is None:
        raise ServiceError(f"{program.title} is not installed here", remedy=program.remedy)
    return [sys.executable, "-m", program.module, *arguments]


def environment(settings: Settings, name: str) -> dict[str, str]:
    """Return the environment variables of a program.

    They say where the bridge, the datasets, the recordings and the models are, unless the user's
    own variables do, and which name the program shows in its messages.

    Args:
        settings: the settings of the command line.
        name: the command that the user typed, such as "lapwing sim".
    """
    return {
        "LAPWING_BRIDGE_URL": settings.bridge,
        "LAPWING_DATA_DIR": str(settings.data),
        "LAPWING_MODEL_DIR": str(settings.models),
        **os.environ,
        **SAFE_PATH,
        "LAPWING_COMMAND": name,
    }


def run_in_foreground(
    settings: Settings, program: Program, name: str, arguments: Sequence[str]
) -> int:
    """Run a program that reads from and prints to this terminal, and return its exit status.

    Raises:
        ServiceError: the package that brings the program is not installed.
    """
    return wait_in_foreground(command_line(program, arguments), environment(settings, name))


def wait_in_foreground(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run a command until it ends, and return its exit status. Ctrl-C is left to the command."""
    process = subprocess.Popen(command, env=variables)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # The program got the same Ctrl-C. It cleans up and ends by itself.
