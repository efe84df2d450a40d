"""What the doctor prints: a table for people, JSON for programs, and the progress of reading."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
import sys
import textwrap
import time
from collections.abc import Callable
from typing import Final

from contract.printable import printable
from ingest.doctor.examination import Examination
from ingest.doctor.finding import format_count

NAME_WIDTH: Final = 18
MIN_WIDTH: Final = 80
PROGRESS_INTERVAL_S: Final = 0.2


def format_table(examination: Examination, width: int) -> str:
    """Return the findings as text in three columns: name, evidence and cure.

    Args:
        examination: what was read, found and done.
        width: width of the whole table in characters.
    """
    recordings, findings = examination.recordings, examination.findings
    rows, pauses = sum(len(recording.lines) for recording in recordings), sum(examination.pauses)
    names = ", ".join(recording.name for recording in recordings)
    listed = f" ({names})" if names else ""
    heading = f"{format_count(len(recordings), 'recording')}{listed}, {format_count(rows, 'row')}"
    if pauses:
        heading += f"; the recorder was paused {format_count(pauses, 'time')}"
    lines = [heading, *(f"cured: {dataset}" for dataset in examination.cured)]
    for recording in recordings:
        for note in recording.notes:
            text = f"{recording.name}: {note}"
            lines += textwrap.wrap(text, max(width, MIN_WIDTH), subsequent_indent="  ")
    if not findings:
        return "\n".join([*lines, "There are no findings."])
    column = (max(width, MIN_WIDTH) - NAME_WIDTH - 4) // 2
    lines += _format_row("finding", "evidence", "cure", column)
    for recording, group in itertools.groupby(findings, lambda finding: finding.recording):
        lines += ["", recording]
        for finding in group:
            evidence, cure = f"{finding.evidence}.", f"{finding.cure}."
            lines += _format_row(finding.name, evidence, cure, column)
    if examination.exclusions:
        lines.append("")
    lines += [
        f"excluded from {exclusion.dataset}: {format_count(exclusion.rows, 'row')} "
        f"({exclusion.finding}); lapwing datasets restore {exclusion.dataset} brings them back"
        for exclusion in examination.exclusions
    ]
    return "\n".join(lines)


def _format_row(name: str, evidence: str, cure: str, column: int) -> list[str]:
    cells = ([name], textwrap.wrap(evidence, column), textwrap.wrap(cure, column))
    return [
        f"{a:{NAME_WIDTH}}  {b:{column}}  {c}".rstrip()
        for a, b, c in itertools.zip_longest(*cells, fillvalue="")
    ]


def format_json(examination: Examination) -> str:
    """Return one JSON document with what was read, found and done."""
    document = {
        "recordings": [
            {
                "name": recording.name,
                "rows": len(recording.lines),
                "cameras": recording.cameras,
                "pauses": count,
                "notes": recording.notes,
            }
            for recording, count in zip(examination.recordings, examination.pauses, strict=True)
        ],
        "findings": [dataclasses.asdict(finding) for finding in examination.findings],
        "exclusions": [dataclasses.asdict(exclusion) for exclusion in examination.exclusions],
        "cured": examination.cured,
    }
    return json.dumps(document, indent=2)


def terminal_width() -> int:
    """Return the width of the terminal in characters, or 120 if there is none."""
    return shutil.get_terminal_size((120, 40)).columns


def progress_printer() -> Callable[[str, int, int], None]:
    """Return a function that prints the progress to standard error, if that is a terminal."""
    last_print = 0.0

    def print_progress(name: str, done: int, total: int) -> None:
        nonlocal last_print
        now = time.monotonic()
        recently = done < total and now - last_print < PROGRESS_INTERVAL_S
        if recently or not sys.stderr.isatty():
            return
        last_print = now
        end = "\r\x1b[K" if done == total else ""
        sys.stderr.write(f"\r\x1b[K{printable(name)}: {done:,} of {total:,} rows{end}")
        sys.stderr.flush()

    return print_progress
