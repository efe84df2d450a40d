"""Checks recordings: `python -m ingest.doctor`, which `lapwing doctor` runs."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from contract.errors import LapwingError, SettingError
from contract.files import file_access
from contract.printable import printable
from contract.recordings import steering_unit
from contract.settings import load
from ingest.doctor import examination, output
from ingest.doctor.examination import Examination
from ingest.settings import Settings

NO_FINDINGS, FINDINGS, UNREADABLE = 0, 1, 2
DESCRIPTION: Final = """\
Look for faults in recordings, and say how to cure each of them.

The doctor finds cameras that are exchanged or mirrored, steering that is
biased, delayed or made with a keyboard, images that are frozen, missing,
broken or repeated, gaps in time, laps in one direction only, and frames that
two recordings share. It reads a recording as ingest does. Without a recording,
it examines all imported datasets, and their files too. It does not change
anything unless it is asked to."""
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
        usage="%(prog)s [OPTIONS] [RECORDING]...",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
    )
    parser.add_argument(
        "recordings",
        nargs="*",
        type=Path,
        metavar="RECORDING",
        help="Folder, zip file, tar file or driving_log.csv to check. Several recordings are also "
        "compared with each other.",
    )
    parser.add_argument(
        "--exclude",
        action="store_true",
        help="Take the rows out of use that are frozen or repeated. They stay in the dataset, and "
        "`lapwing datasets restore` brings them back.",
    )
    parser.add_argument(
        "--cure",
        action="store_true",
        help="Make datasets usable again whose manifest is torn or of an earlier release, or whose "
        "file is damaged: migrate them, or import the given recordings again.",
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
    result = None
    try:
        with (
            file_access.explain_denied(),
            tempfile.TemporaryDirectory(prefix="lapwing-doctor-") as scratch,
        ):
            result = _examine(arguments, Path(scratch), errors)
    except LapwingError as fatal:
        errors.append(fatal)
    for error in errors:
        sys.stderr.write(f"{parser.prog}: {error}\n")
    if result is None or (errors and not result.recordings):
        return UNREADABLE
    text = (
        output.format_json(result)
        if arguments.json
        else output.format_table(result, output.terminal_width())
    )
    sys.stdout.write(printable(text, "\n") + "\n")
    return UNREADABLE if errors else FINDINGS if result.findings else NO_FINDINGS


def _examine(
    arguments: argparse.Namespace, scratch: Path, errors: list[LapwingError]
) -> Examination:
    """Do what the options ask for. A cure comes first, so that the findings are those after it.

    Errors of single recordings are added to `errors`; then nothing is excluded.
    """
    settings = load(Settings, os.environ)
    on_progress = output.progress_printer()
    paths, excluded = arguments.recordings, []
    cured = examination.cure(settings, paths, scratch) if arguments.cure else []
    if paths:
        result = examination.examine_recordings(
            paths, scratch, on_progress, arguments.steering_unit, errors
        )
        result.findings.extend(examination.remaining_faults(settings) if arguments.cure else [])
        if arguments.exclude and not errors:
            excluded = examination.exclude_recordings(settings, paths, result.recordings, scratch)
    else:
        result = examination.examine_datasets(settings, on_progress)
        if arguments.exclude:
            excluded = examination.exclude_datasets(settings, result.recordings)
    return dataclasses.replace(result, exclusions=excluded, cured=cured)


def _unit(text: str) -> float:
    """Return the steering at full lock for the value of the option; argparse tells an error."""
    try:
        return steering_unit.parse_unit(text)
    except SettingError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
