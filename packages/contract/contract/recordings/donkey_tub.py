"""Reads tubs, the recordings of Donkey cars (donkeycar.com), of both forms.

    manifest.json         form 2, donkeycar 4 and later: five lines of JSON, which are the names of
                          the inputs, their types, metadata, sessions, and the list of catalogs
    catalog_0.catalog     records, one line of JSON each
    images/               12_cam_image_array_.jpg is the image of record 12

    meta.json             form 1, donkeycar 2 and 3: names and types of the inputs, and the start
    record_12.json        one record
    exclude.json          numbers of the records that the user has deleted, if there are any
    12_cam-image_array_.jpg

A steering angle of -1 is full left and 1 full right, as with us. What a tub does not say is not
made up: without a speed, the speed of its rows is NaN. Records in which the autopilot steered are
left out, because their angle is that of a driver whose hands were off the wheel. The line of a row
is the number of its record plus 1, since records are counted from 0.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contract.errors import RecordingError
from contract.files import regular_files
from contract.recordings.driving_log import Log
from contract.recordings.line_reader import RANGE_TOLERANCE, RANGES
from contract.recordings.log_rows import Rejection, Row
from contract.recordings.log_text import MAX_LOG_BYTES, check_lines
from contract.recordings.steering_unit import OPTION, RECORDER_UNIT

__all__ = ["TubReader", "find_tubs", "image_paths", "is_part"]

MANIFEST: Final = "manifest.json"
META: Final = "meta.json"
EXCLUDED: Final = "exclude.json"
RECORD: Final = re.compile(r"record_(\d+)\.json")
CATALOG: Final = ".catalog"
MANIFEST_LINES: Final = 5

IMAGE: Final = "cam/image_array"
ANGLE: Final = "user/angle"
THROTTLE: Final = "user/throttle"
MODE: Final = "user/mode"
SPEED: Final = "enc/speed"
"""Speed of the car's encoder, in m/s."""
OTHER_SPEED: Final = "pos/speed"
"""Speed in a simulator, in a unit that nothing states; so it is not used."""
BY_HAND: Final = "user"
"""Value of MODE while the driver steers."""

MPH_PER_MPS: Final = 3600 / 1609.344
ANGLE_RANGE: Final = RANGES[0]
SPEED_RANGE: Final = RANGES[3]
THROTTLE_RANGE: Final = (-1.0, 1.0)


class TubReader:
    """Reads the records of a tub."""

    def content(self, log: Path) -> bytes:
        """Return a line of JSON on the whole tub, and then one for each record.

        Args:
            log: path of MANIFEST or META in the tub.

        Raises:
            OSError: a file cannot be read.
            RecordingError: the manifest is damaged, or names a catalog that is missing or
                elsewhere.
        """
        header, records = _read_tub(log) if log.name == MANIFEST else _read_old_tub(log)
        return b"\n".join([json.dumps(header, sort_keys=True).encode(), *records])

    def rows(self, content: bytes, full_lock: float) -> Log:
        """Return the rows of the records.

        Raises:
            RecordingError: the tub has no record, or none that was driven by hand, or the full
                lock is not 1.
        """
        if full_lock != RECORDER_UNIT:
            raise RecordingError(
                "the steering of a Donkey tub has one unit, the share of the full lock",
                got=f"{full_lock:g} as the full lock",
                remedy=f"Import it without {OPTION}",
            )
        header, *lines = content.split(b"\n")
        return _Records(json.loads(header)).read(lines)


def find_tubs(root: Path) -> list[Path]:
    """Return the path of MANIFEST or META of each tub in a folder and the folders in it.

    A file of that name in another program's folder is not mistaken for one: the content decides.
    """
    found = []
    for folder, _, files in os.walk(root):
        if MANIFEST in files and _is_manifest(Path(folder) / MANIFEST):
            found.append(Path(folder) / MANIFEST)
        elif META in files and any(map(RECORD.fullmatch, files)):
            found.append(Path(folder) / META)
    return sorted(path for path in found if not path.is_symlink())


def is_part(name: str) -> bool:
    """Tell whether a file has the name of a part of a tub other than an image."""
    return (
        name in (MANIFEST, META, EXCLUDED)
        or name.endswith(CATALOG)
        or RECORD.fullmatch(name) is not None
    )


def image_paths(log: Path) -> dict[str, Path]:
    """Return the path of each image of a tub by its name, without following links."""
    folder = log.parent / "images" if log.name == MANIFEST else log.parent
    if folder.is_symlink() or not folder.is_dir():
        return {}
    return {
        entry.name: Path(entry.path)
        for entry in os.scandir(folder)
        if entry.name.lower().endswith((".jpg", ".jpeg")) and entry.is_file(follow_symlinks=False)
    }


def _is_manifest(path: Path) -> bool:
    """Tell whether a manifest.json is a tub's: its first two lines are lists of names."""
    try:
        first, second, *_ = regular_files.read(path, MAX_LOG_BYTES).split(b"\n", 2)
        inputs, types = json.loads(first), json.loads(second)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(inputs, list) and isinstance(types, list) and len(inputs) == len(types)


def _read_tub(manifest: Path) -> tuple[dict[str, Any], list[bytes]]:
    """Return the header and the records of a tub of form 2."""
    files = _Files()
    lines = [line for line in files.read(manifest).splitlines() if line.strip()]
    try:
        inputs, _, _, _, catalogs = map(json.loads, lines[:MANIFEST_LINES])
        names, deleted = list(catalogs["paths"]), sorted(map(int, catalogs["deleted_indexes"]))
    except (ValueError, TypeError, KeyError) as error:
        raise RecordingError(
            f"{manifest} is not a whole manifest of a Donkey tub",
            got=f"{len(lines)} lines, {error!r}",
            remedy="Copy the tub again",
        ) from error
    records: list[bytes] = []
    for name in names:
        path = manifest.parent / str(name)
        if path.parent != manifest.parent or path.is_symlink():
            raise RecordingError(
                f"{manifest} names a catalog outside the tub",
                got=name,
                remedy="A catalog is a file beside the manifest, such as catalog_0.catalog",
            )
        if not path.exists():
            raise RecordingError(
                f"{manifest} names a catalog that is not there",
                got=name,
                remedy="Copy the whole tub: the manifest, all catalogs, and the images",
            )
        records += [line for line in files.read(path).split(b"\n") if line.strip()]
        check_lines(len(records))
    # The numbers of deleted records count the lines, whatever index the records themselves state.
    header = {"inputs": inputs, "deleted": deleted, "numbers": list(range(len(records)))}
    return header, records


def _read_old_tub(meta: Path) -> tuple[dict[str, Any], list[bytes]]:
    """Return the header and the records of a tub of form 1."""
    files = _Files()
    try:
        document = json.loads(files.read(meta))
        inputs, start_s = list(document["inputs"]), float(document.get("start", math.nan))
        excluded = meta.with_name(EXCLUDED)
        deleted = sorted(map(int, json.loads(files.read(excluded)))) if excluded.exists() else []
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecordingError(
            f"{meta} or its {EXCLUDED} is not that of a Donkey tub",
            got=repr(error),
            remedy="Copy the tub again",
        ) from error
    names = {
        int(match[1]): entry.name
        for entry in os.scandir(meta.parent)
        if (match := RECORD.fullmatch(entry.name)) and entry.is_file(follow_symlinks=False)
    }
    check_lines(len(names))
    numbers = sorted(names)
    records = [files.read(meta.with_name(names[number])).replace(b"\n", b" ") for number in numbers]
    # NaN is not JSON: None stands for it.
    header = {
        "inputs": inputs,
        "deleted": deleted,
        "numbers": numbers,
        "start_s": start_s if math.isfinite(start_s) else None,
    }
    return header, records


class _Files:
    """Reads the files of a tub, which together may have as many bytes as one log."""

    def __init__(self) -> None:
        self._left = MAX_LOG_BYTES

    def read(self, path: Path) -> bytes:
        """Return the content of a file.

        Raises:
            OSError: it cannot be read, or the files are too large together.
        """
        content = regular_files.read(path, self._left)
        self._left -= len(content)
        return content


@dataclass
class _Records:
    """Makes rows of the records of one tub.

    Args:
        header: names of the `inputs`; the `numbers` of the records, and of the `deleted` ones; for
            form 1 also the time `start_s` from which records count.
    """

    header: dict[str, Any]

    def read(self, lines: list[bytes]) -> Log:
        """Return the rows of the records, given as lines of JSON."""
        inputs = self.header["inputs"]
        missing = [name for name in (IMAGE, ANGLE, THROTTLE) if name not in inputs]
        if missing:
            raise RecordingError(
                f"the Donkey tub records no {' and no '.join(missing)}",
                got=", ".join(map(str, inputs)),
                remedy="Record with the camera and the driver's controls among the inputs",
            )
        log = Log()
        left_out: Counter[str] = Counter()
        braked = 0
        for number, line in self._alive(lines, left_out):
            result = self._row(number, line)
            if isinstance(result, Row):
                braked += result.brake > 0
                log.rows.append(result)
            elif isinstance(result, Rejection):
                log.rejections.append(result)
            else:
                left_out[result] += 1
        if not log.rows and not log.rejections:
            raise RecordingError(
                "the Donkey tub has no record that was driven by hand",
                got=_counts(left_out) or "no records",
                remedy="Record a lap with user/mode user, or restore the deleted records",
            )
        log.notes += self._notes(left_out, braked)
        return log

    def _alive(self, lines: list[bytes], left_out: Counter[str]) -> Iterator[tuple[int, bytes]]:
        """Yield the records that were not deleted, with their numbers."""
        deleted = set(self.header["deleted"])
        for number, line in zip(self.header["numbers"], lines, strict=True):
            if number in deleted:
                left_out["deleted in the tub"] += 1
            else:
                yield number, line

    def _row(self, number: int, line: bytes) -> Row | Rejection | str:
        """Return a record's row, why it is rejected, or why it is left out although sound."""
        line_number = number + 1
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):  # a power cut leaves half a line at the end
            return Rejection(line_number, "record", "not JSON", line[:80].decode(errors="replace"))
        mode = record.get(MODE, BY_HAND)
        if mode != BY_HAND:
            return f"{MODE} is not {BY_HAND}: the autopilot steered"
        image = record.get(IMAGE)
        if not isinstance(image, str) or not image:
            return Rejection(line_number, IMAGE, "no image name", repr(image))
        values = []
        for name, (low, high), factor in (
            (ANGLE, ANGLE_RANGE, 1.0),
            (THROTTLE, THROTTLE_RANGE, 1.0),
            *([(SPEED, SPEED_RANGE, MPH_PER_MPS)] if SPEED in self.header["inputs"] else []),
        ):
            value = _number(record.get(name))
            if value is None:
                return Rejection(line_number, name, "not a number", repr(record.get(name)))
            value *= factor
            if not low - RANGE_TOLERANCE <= value <= high + RANGE_TOLERANCE:
                unit = " mph" if factor != 1.0 else ""
                reason = f"not from {low:g} to {high:g}{unit}"
                return Rejection(line_number, name, reason, f"{value:g}{unit}")
            values.append(min(max(value, low), high))
        angle, throttle, speed_mph = values if len(values) == 3 else (*values, math.nan)
        return Row(
            line_number,
            (re.split(r"[\\/]", image)[-1],),
            angle,
            max(0.0, throttle),
            max(0.0, -throttle),
            speed_mph,
            folder=str(record.get("_session_id", "")),
            stamp_s=self._time_s(record),
        )

    def _time_s(self, record: dict[str, Any]) -> float:
        """Return the time of a record in seconds since 1970, NaN without one."""
        if "start_s" not in self.header:
            return (_number(record.get("_timestamp_ms")) or math.nan) / 1000
        milliseconds = _number(record.get("milliseconds"))
        if milliseconds is None:
            return math.nan
        return (self.header["start_s"] or 0.0) + milliseconds / 1000

    def _notes(self, left_out: Counter[str], braked: int) -> list[str]:
        notes = ["a Donkey tub: only a centre camera"]
        if left_out:
            notes.append(f"records that were left out: {_counts(left_out)}")
        if braked:
            notes.append(f"a throttle below 0 was taken as the brake, in {braked} rows")
        inputs = self.header["inputs"]
        if SPEED in inputs:
            notes.append(f"{SPEED} was taken as m/s")
        else:
            other = f" ({OTHER_SPEED} has no known unit)" if OTHER_SPEED in inputs else ""
            notes.append(f"the speed is not known{other}: it is NaN in every row")
        if "start_s" in self.header and self.header["start_s"] is None:
            notes.append(f"{META} has no start: times count from 1970")
        return notes


def _number(value: object) -> float | None:
    """Return a finite number of JSON, or None if the value is something else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer of a thousand digits
        return None
    return number if math.isfinite(number) else None


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
