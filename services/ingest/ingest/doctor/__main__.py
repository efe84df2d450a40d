"""Checks recordings: `python -m ingest.doctor`, which `lapwing doctor` runs."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from contract.errors import LapwingError, SettingError
from contract.recordings import steering_unit
from ingest.doctor import output
from ingest.doctor.checks import timestamps
from ingest.doctor.runner import check_recordings, read_recordings

NO_FINDINGS, FINDINGS, UNREADABLE = 0, 1, 2
DESCRIPTION: Final = """\
Look for faults in recordings, and say how to cure each of them.

The doctor finds cameras that are exchanged or mirrored, steering that is
biased, delayed or made with a keyboard, images that are frozen, missing,
broken or repeated, gaps in time, laps in one direction only, and frames that
two recordings share. It reads a recording as ingest does, and does not change
anything."""
EPILOG: Final = """\
The exit status is 0 if there are no findings, 1 if there are findings, and 2
if a recording cannot be read. docs/doctor.md explains every check."""


class _Parser(argparse.ArgumentParser):
    """A parser whose help has the form of that of the other `lapwing` commands."""

    def format_help(self) -> str:
        text = super().format_help().replace("usage:", "Usage:", 1)
        text = text.replace("positional arguments:", "Arguments:", 1)
        return text.replace("options:", "Options:", 1)


def main() -> int:
    """Check recordings. Return 0 without findings, 1 with findings, 2 if one is unreadable."""
    parser = _Parser(
        prog=os.environ.get("LAPWING_COMMAND", "python -m ingest.doctor"),
        usage="%(prog)s [OPTIONS] RECORDING...",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
    )
    parser.add_argument(
        "recordings",
        nargs="+",
        type=Path,
        metavar="RECORDING",
        help="Folder, zip file, tar file or driving_log.csv to check. Several recordings are also "
        "compared with each other.",
    )
    parser.add_argument(
        "--json", action="store_true", help="Print one JSON document instead of text."
    )
    parser.add_argument(
        steering_unit.OPTION,
        type=_unit,
        default=steering_unit.RECORDER_UNIT,
        metavar="UNIT",
        help="Unit of the steering in the logs: degrees, radians, or its value at full lock, such "
        "as 450. By default, it is from -1 to 1, as the recorder writes it.",
    )
    parser.add_argument("--help", "-h", action="help", help="Show this message and exit.")
    arguments = parser.parse_args()
    errors: list[LapwingError] = []
    with tempfile.TemporaryDirectory(prefix="lapwing-doctor-") as scratch:
        recordings = read_recordings(
            arguments.recordings,
            Path(scratch),
            output.progress_printer(),
            arguments.steering_unit,
            errors,
        )
    for error in errors:
        sys.stderr.write(f"{parser.prog}: {error}\n")
    if not recordings:
        return UNREADABLE
    findings = check_recordings(recordings)
    pauses = [timestamps.count_pauses(recording) for recording in recordings]
    text = (
        output.format_json(recordings, findings, pauses)
        if arguments.json
        else output.format_table(recordings, findings, pauses, output.terminal_width())
    )
    sys.stdout.write(text + "\n")
    if errors:
        return UNREADABLE
    return FINDINGS if findings else NO_FINDINGS


def _unit(text: str) -> float:
    """Return the steering at full lock for the value of the option; argparse tells an error."""
    try:
        return steering_unit.parse_unit(text)
    except SettingError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
