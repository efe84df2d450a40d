"""Reads a driving_log.csv into rows, with the reason for each line that is rejected."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from contract.errors import RecordingError
from contract.recordings import line_reader, log_form
from contract.recordings.line_reader import RANGES
from contract.recordings.log_columns import CAMERAS
from contract.recordings.log_rows import Rejection, Row
from contract.recordings.log_text import split_lines
from contract.recordings.steering_unit import RECORDER_UNIT, check_unit

__all__ = [
    "RANGES",
    "Log",
    "Rejection",
    "Row",
    "read",
    "with_images",
    "without_missing_sides",
]


@dataclass
class Log:
    """Holds the rows of a driving log, its rejected lines, and notes on its format."""

    rows: list[Row] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def images(self) -> list[str]:
        """Return the file names of all images in the rows."""
        return [image for row in self.rows for image in row.images]


def read(raw: bytes, full_lock: float = RECORDER_UNIT) -> Log:
    """Read a whole log; a bad line becomes a rejection and never raises an error.

    Args:
        raw: the bytes of the file.
        full_lock: the value of the steering at full lock, 25 for degrees.

    Raises:
        RecordingError: the file has no rows, its header or its separator leaves open where a value
            is, or its steering is in another unit.
    """
    log = Log()
    lines = []
    texts = split_lines(raw)
    for number, line in enumerate(texts, 1):
        if "\0" in line:  # a power cut leaves zero bytes at the end of a file
            log.rejections.append(Rejection(number, "line", "zero bytes"))
        elif line.strip(" ,;|\t\"'"):
            lines.append((number, line))
    parts = log_form.split_parts(lines, steering_unit_given=full_lock != RECORDER_UNIT)
    if not parts and not log.rejections:
        raise RecordingError("the driving log is empty", remedy="Record a lap first")
    forms = []
    for part in parts:
        rows, rejections, form = line_reader.read_part(part, full_lock)
        log.rows += rows
        log.rejections += rejections
        forms.append(form)
    log.notes += log_form.notes_on(forms)
    if full_lock != RECORDER_UNIT:
        log.notes.append(f"steering converted from values of which {full_lock:g} is the full lock")
    if len(texts) > 1 and texts[-1].strip():
        log.notes.append("the last line has no line end: it may be cut off")
    log.notes += _note_cameras(log.rows)
    check_unit(log.rows, line_reader.steering_beyond_lock(log.rejections, full_lock), full_lock)
    _tell_apart(log)
    return log


def without_missing_sides(log: Log, images: Collection[str]) -> Log:
    """Return the log without side cameras if none of the side cameras' images exists.

    Many recordings are passed on without them. If some of them exist, a missing one is a fault.

    Args:
        log: the driving log.
        images: file names of the images that exist.
    """
    sides = {name for row in log.rows for name in row.images[1:]}
    if not sides or not sides.isdisjoint(images):
        return log
    rows = [dataclasses.replace(row, images=row.images[:1], side_folders=()) for row in log.rows]
    return Log(rows, log.rejections, [*log.notes, "no side camera's image is there: centre only"])


def with_images(log: Log, images: Collection[str]) -> list[Row]:
    """Return the rows whose images all exist; ingest imports these if their images are sound."""
    return [row for row in log.rows if all(image in images for image in row.images)]


def _note_cameras(rows: Sequence[Row]) -> list[str]:
    """Return a note if the names of the images say that the columns have another order.

    The columns are not exchanged for it: `lapwing doctor` sees in the images which of both is so.
    """
    orders = Counter(
        tuple(name.partition("_")[0].lower() for name in row.images)
        for row in rows
        if len(row.images) > 1
    )
    [(order, count)] = orders.most_common(1) or [(CAMERAS, 0)]
    if order == CAMERAS or sorted(order) != sorted(CAMERAS):
        return []
    return [
        f"the images of {count} rows are named {', '.join(order)}, where the recorder has "
        f"{', '.join(CAMERAS)}: `lapwing doctor` says whether columns are exchanged"
    ]


def _tell_apart(log: Log) -> None:
    """Name images by their whole paths where the log has one name in several folders."""
    folders: dict[str, str] = {}
    shared = set()
    for row in log.rows:
        for name, folder in zip(row.images, row.folders, strict=True):
            known = folders.setdefault(name, folder)
            if known != folder and _parts(known) != _parts(folder):
                shared.add(name)
    if shared:
        log.rows = [
            dataclasses.replace(
                row,
                images=tuple(
                    "/".join([*_parts(folder), name]) if name in shared else name
                    for name, folder in zip(row.images, row.folders, strict=True)
                ),
            )
            for row in log.rows
        ]


def _parts(folder: str) -> list[str]:
    return [part for part in folder.split("/") if part not in ("", ".")]
