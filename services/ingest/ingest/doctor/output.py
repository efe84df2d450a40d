"""What the doctor prints: a table for people, JSON for programs, and how far it is."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from typing import Final

from ingest.doctor.finding import Finding
from ingest.doctor.recording_arrays import Drive

NAME_WIDE: Final = 18
LEAST_WIDE: Final = 80
OFTEN_S: Final = 0.2


def table(
    drives: Sequence[Drive], findings: Sequence[Finding], paused: Sequence[int], wide: int
) -> str:
    """Return the findings in three columns, `wide` characters in all: name, evidence, cure.

    Args:
        drives: the recordings.
        findings: of them.
        paused: how often each was paused.
        wide: in characters.
    """
    rows = sum(len(drive.lines) for drive in drives)
    names = ", ".join(drive.name for drive in drives)
    head = f"{len(drives)} recording{'s'[: len(drives) != 1]} ({names}), {rows:,} rows"
    if pauses := sum(paused):
        head += f"; the recorder was paused {pauses} time{'s'[: pauses != 1]}"
    lines = [head]
    if not findings:
        return "\n".join([*lines, "Nothing found."])
    column = (max(wide, LEAST_WIDE) - NAME_WIDE - 4) // 2
    lines += _across("finding", "evidence", "cure", column)
    for recording, group in itertools.groupby(findings, lambda each: each.recording):
        lines += ["", recording]
        for each in group:
            lines += _across(each.name, f"{each.evidence}.", f"{each.cure}.", column)
    return "\n".join(lines)


def _across(name: str, evidence: str, cure: str, column: int) -> list[str]:
    parts = ([name], textwrap.wrap(evidence, column), textwrap.wrap(cure, column))
    return [
        f"{a:{NAME_WIDE}}  {b:{column}}  {c}".rstrip()
        for a, b, c in itertools.zip_longest(*parts, fillvalue="")
    ]


def document(drives: Sequence[Drive], findings: Sequence[Finding], paused: Sequence[int]) -> str:
    """Return one JSON document: the recordings, how often each was paused, and what was found."""
    recordings = [
        {
            "name": drive.name,
            "rows": len(drive.lines),
            "cameras": len(drive.images[0]),
            "pauses": pauses,
        }
        for drive, pauses in zip(drives, paused, strict=True)
    ]
    found = [dataclasses.asdict(each) for each in findings]
    return json.dumps({"recordings": recordings, "findings": found}, indent=2, ensure_ascii=False)


def width() -> int:
    """Return the terminal's width in characters, 120 where there is none."""
    return shutil.get_terminal_size((120, 40)).columns


def progress() -> Callable[[str, int, int], None]:
    """Return what tells, on standard error if that is a terminal, how far the reading is."""
    last = 0.0

    def told(name: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if not sys.stderr.isatty() or (done < total and now - last < OFTEN_S):
            return
        last = now
        end = "\r\x1b[K" if done == total else ""
        sys.stderr.write(f"\r\x1b[K{name}: {done:,} of {total:,} rows{end}")
        sys.stderr.flush()

    return told
