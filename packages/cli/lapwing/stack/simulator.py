"""Has the simulator do its part in the demonstration: it records laps and drives one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Final

from contract.errors import ServiceError
from lapwing.programs import SIMULATOR, command_line, environment
from lapwing.settings import Settings

RECORDINGS: Final = {
    "lake-forwards-clear": ("--light", "clear"),
    "lake-backwards-dusk": ("--light", "dusk", "--reverse"),
    "lake-forwards-fog": ("--light", "fog"),
    "lake-backwards-overcast": ("--light", "overcast", "--reverse"),
}
"""Options of each recording by its name. The track is driven both ways round, so that there are as
many left bends as right bends, and each time in another light."""
STYLE: Final = [
    "--laps",
    "1",
    "--mph",
    "24-30",
    "--weave",
    "0.25",
    "--recoveries",
    "12",
    "--randomize",
]
"""Options of all recordings. The recoveries show how to come back from the edge of the road. The
looks are random, so that the model learns the road and not the look of one world."""


def record_laps(settings: Settings, folder: Path) -> list[Path]:
    """Make the recordings of the demonstration at the same time. Existing ones are kept.

    Returns:
        The folders of the recordings.

    Raises:
        ServiceError: a recording failed.
    """
    recordings = [folder / name for name in RECORDINGS]
    running: list[subprocess.Popen[str]] = []
    try:
        for seed, (recording, options) in enumerate(
            zip(recordings, RECORDINGS.values(), strict=True), 1
        ):
            if recording.exists():
                continue
            arguments = ["record", "--out", str(recording), "--seed", str(seed), *STYLE, *options]
            # Only the first shows its progress bar: they all take the same time.
            stderr = None if not running else subprocess.PIPE
            running.append(
                subprocess.Popen(
                    command_line(SIMULATOR, arguments),
                    env=environment(settings, "lapwing sim"),
                    text=True,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                )
            )
        for process in running:
            _, message = process.communicate()
            if process.returncode:
                raise ServiceError(
                    "the simulator could not record",
                    got=message or f"exit status {process.returncode}",
                    remedy="Run the command again: finished recordings are kept",
                )
    finally:
        for process in running:
            process.terminate()
            process.wait()
    return recordings


def drive_lap(settings: Settings, folder: Path, laps: float) -> dict[str, Any]:
    """Drive on lake over the bridge, and return the result, also of a drive that failed.

    Args:
        settings: the settings, which say where the bridge is.
        folder: the folder for drive.json, drive.png and drive.mp4.
        laps: the number of laps to drive.

    Raises:
        ServiceError: no drive took place.
    """
    arguments = ["drive", "--laps", str(laps), "--out", str(folder), "--json"]
    completed = subprocess.run(
        command_line(SIMULATOR, arguments),
        env=environment(settings, "lapwing sim"),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if not completed.stdout:
        raise ServiceError(
            "the drive failed",
            got=f"exit status {completed.returncode}",
            remedy="The simulator's message above says why",
        )
    result: dict[str, Any] = json.loads(completed.stdout)
    return result
