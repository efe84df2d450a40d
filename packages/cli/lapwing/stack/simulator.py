"""What the demonstration has the simulator do: record laps, and drive one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Final

from contract.errors import ServiceError
from lapwing.programs import SIMULATOR, command, environment
from lapwing.settings import Settings

LESSONS: Final = {"lake-forwards": (), "lake-backwards": ("--reverse",)}
"""What the demonstration records, by the recording's name: both ways around, so that left and right
bends are equally many, each with ways back from the edge."""
MANNER: Final = ("--laps", "1", "--mph", "13-17", "--weave", "0.25", "--recoveries", "12")


def record(settings: Settings, folder: Path) -> list[Path]:
    """Record the demonstration's lessons side by side; what is recorded already is left alone.

    Returns:
        The recordings.

    Raises:
        ServiceError: a recording failed.
    """
    recordings = [folder / name for name in LESSONS]
    running: list[subprocess.Popen[str]] = []
    try:
        for seed, (recording, extra) in enumerate(zip(recordings, LESSONS.values(), strict=True)):
            if recording.exists():
                continue
            words = ["record", "--out", str(recording), "--seed", str(seed + 1), *MANNER, *extra]
            # One bar is enough: they take the same time.
            shown = None if not running else subprocess.PIPE
            running.append(
                subprocess.Popen(
                    command(SIMULATOR, words),
                    env=environment(settings, "lapwing sim"),
                    text=True,
                    stdout=subprocess.DEVNULL,
                    stderr=shown,
                )
            )
        for process in running:
            _, said = process.communicate()
            if process.returncode:
                raise ServiceError("recording failed", got=said or f"exit {process.returncode}")
    finally:
        for process in running:
            process.terminate()
            process.wait()
    return recordings


def drive(settings: Settings, folder: Path, laps: float) -> dict[str, Any]:
    """Drive a lap of lake over the bridge; return the outcome, whether it is a success or not.

    Args:
        settings: that say where the bridge is.
        folder: for drive.json, drive.png and drive.mp4.
        laps: to be driven.

    Raises:
        ServiceError: there was no drive.
    """
    words = ["drive", "--laps", str(laps), "--out", str(folder), "--json"]
    done = subprocess.run(
        command(SIMULATOR, words),
        env=environment(settings, "lapwing sim"),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if not done.stdout:
        raise ServiceError("the drive failed", got=f"exit {done.returncode}")
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome
