"""Examine recordings: `python -m ingest.doctor`, which `lapwing doctor` runs."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from contract.errors import LapwingError
from ingest.doctor import output
from ingest.doctor.checks import timestamps
from ingest.doctor.runner import examine, read


class _Parser(argparse.ArgumentParser):
    """Writes "Usage:" with the capital that Lapwing's other commands have."""

    def format_help(self) -> str:
        return super().format_help().replace("usage:", "Usage:", 1)


SOUND, FOUND, UNREADABLE = 0, 1, 2


def main() -> int:
    """Examine the recordings named; return 0 when nothing is found, 1 when something is, else 2."""
    parser = _Parser(
        prog=os.environ.get("LAPWING_COMMAND", "python -m ingest.doctor"),
        usage="%(prog)s [--json] RECORDING...",
        description="Looks for what is wrong with recordings: exchanged or mirrored cameras, "
        "biased or late steering, keyboard impulses, frozen, missing, broken or repeated pictures, "
        "gaps, laps one way round only, and frames that two recordings share. Says the evidence "
        "and the cure. Changes nothing.",
        epilog="Exit status: 0 when nothing is found, 1 when something is, 2 when a recording "
        "cannot be read. What is looked at, how and why: docs/doctor.md.",
    )
    parser.add_argument(
        "recordings",
        nargs="+",
        type=Path,
        metavar="RECORDING",
        help="A folder that was recorded, or a zip or tar of it; of several, all are compared.",
    )
    parser.add_argument("--json", action="store_true", help="Print one JSON document instead.")
    chosen = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="lapwing-doctor-") as scratch:
            drives = read(chosen.recordings, Path(scratch), output.progress())
    except LapwingError as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return UNREADABLE
    findings = examine(drives)
    paused = [timestamps.pauses(each) for each in drives]
    text = (
        output.document(drives, findings, paused)
        if chosen.json
        else output.table(drives, findings, paused, output.width())
    )
    sys.stdout.write(text + "\n")
    return FOUND if findings else SOUND


if __name__ == "__main__":
    sys.exit(main())
