"""A corpus of driving logs and archives, each with what was written; it tells how they are read.

`PYTHONPATH=tests python -m support.data.log_corpus` prints the table of outcomes.
"""

from __future__ import annotations

import csv
import io
import random
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from contract.errors import RecordingError
from contract.recordings import archive, driving_log
from contract.recordings.image_paths import match_images
from support.data.log_forms import Form, Values, Written, numbers, random_form, write

LOGS, ARCHIVES, SEED = 500, 100, 12


@dataclass
class Case:
    """A log with a fault, or without one."""

    kind: str
    written: Written
    whole: bool
    """Whether every row that was written must be read."""
    full_lock: float = 1.0


def _without_titles(form: Form) -> Form:
    return replace(
        form,
        titles="",
        order=tuple(range(7)),
        extras=0,
        repeat_header=False,
        encoding="utf-8",
        line_end="\n",
    )


def _sound(rng: random.Random, form: Form, values: list[Values]) -> Case:
    kind = "sound, commas split numbers" if form.split_by_comma else "sound"
    return Case(kind, write(form, values), not form.split_by_comma)


def _edit_line(change: Callable[[str], str]) -> Callable[..., Case]:
    """Return a fault that changes one line in the middle."""

    def fault(rng: random.Random, form: Form, values: list[Values]) -> Case:
        form = replace(form, encoding="utf-8", line_end="\n", repeat_header=False)
        written = write(form, values)
        lines = written.raw.decode().split("\n")
        line = rng.choice(sorted(written.rows))
        lines[line - 1] = change(lines[line - 1])
        del written.rows[line]
        return Case("one damaged line", replace(written, raw="\n".join(lines).encode()), False)

    return fault


def _cut(rng: random.Random, form: Form, values: list[Values]) -> Case:
    """Cut the last line off inside the names of its images, as a recorder that goes on does."""
    form = replace(form, encoding="utf-8", line_end="\n", order=tuple(range(7)))
    written = write(form, values)
    begin = written.raw.rstrip(b"\n").rfind(b"\n") + 1
    image = written.raw.lower().rfind(form.suffix.lower().encode())
    del written.rows[max(written.rows)]
    raw = written.raw[: rng.randint(begin, image)]
    return Case("the last line is cut off", replace(written, raw=raw), False)


def _zeros(rng: random.Random, form: Form, values: list[Values]) -> Case:
    written = write(replace(form, encoding="utf-8"), values)
    raw = written.raw + b"\0" * rng.randint(1, 600)
    return Case("zero bytes at the end", replace(written, raw=raw), not form.split_by_comma)


def _degrees(*, told: bool) -> Callable[..., Case]:
    def fault(rng: random.Random, form: Form, values: list[Values]) -> Case:
        degrees = [(f"{float(s) * 25:.6g}", *rest) for s, *rest in values]
        degrees[0], degrees[1] = ("-12.4", *degrees[0][1:]), ("7.25", *degrees[1][1:])
        written = write(form, degrees)
        if told:
            rows = {
                line: (images, (steering / 25, *rest))
                for line, (images, (steering, *rest)) in written.rows.items()
            }
            return Case("degrees, told", replace(written, rows=rows), not form.split_by_comma, 25.0)
        return Case("degrees, not told", replace(written, rows={}), False)

    return fault


def _titles(kind: str, change: Callable[[str], str]) -> Callable[..., Case]:
    """Return a fault that changes the titles of a log with a plain header."""

    def fault(rng: random.Random, form: Form, values: list[Values]) -> Case:
        form = replace(
            form,
            titles="plain",
            encoding="utf-8",
            line_end="\n",
            repeat_header=False,
            quoting=csv.QUOTE_ALL,
            path="windows",
        )
        written = write(form, values)
        head, _, rest = written.raw.decode().partition("\n")
        raw = f"{change(head)}\n{rest}".encode()
        return Case(kind, Written(raw, {}), False)

    return fault


def _merged(rng: random.Random, form: Form, values: list[Values]) -> Case:
    """Put a log of another form, with a header, behind the first."""
    plain = replace(form, encoding="utf-8", line_end="\n")
    second = replace(_without_titles(random_form(rng)), titles="titled", index=False)
    first, last = write(plain, values), write(second, values, "b")
    shift = first.raw.count(b"\n")
    rows = first.rows | {line + shift: row for line, row in last.rows.items()}
    whole = not plain.split_by_comma and not second.split_by_comma
    return Case("two forms, each with its header", Written(first.raw + last.raw, rows), whole)


def _mixed(rng: random.Random, form: Form, values: list[Values]) -> Case:
    """Put a log of another separator, without a header, behind the first."""
    plain = _without_titles(form)
    other = replace(plain, separator=";" if plain.separator == "," else ",", decimal=".")
    first, last = write(plain, values), write(other, values[:3], "b")
    rows = first.rows | {line + len(values): row for line, row in last.rows.items()}
    return Case("two separators without headers", Written(first.raw + last.raw, rows), False)


def _unknown_separator(rng: random.Random, form: Form, values: list[Values]) -> Case:
    character = rng.choice([" ", ":", "~"])
    form = replace(_without_titles(form), separator=character, path="relative", space=False)
    return Case("unknown separator", write(replace(form, decimal="."), values), False)


def _pandas_titles(rng: random.Random, form: Form, values: list[Values]) -> Case:
    """Let pandas take the first line for titles, which it makes differ from each other."""
    form = replace(_without_titles(form), decimal=".")
    written = write(form, [("0", "0.1", "0.2", "1.8E-05"), *values])
    del written.rows[1]
    return Case("titles that pandas made of a row", written, not form.split_by_comma)


def _foreign(rng: random.Random, form: Form, values: list[Values]) -> Case:
    kind, raw = rng.choice(
        [
            (
                "a pointer of git-lfs",
                b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
            ),
            ("a web page", b"\n<!DOCTYPE html>\n<html><body>center.jpg</body></html>\n"),
            ("an empty file", b"\r\n"),
        ]
    )
    return Case(kind, Written(raw), False)


FAULTS: Final[tuple[tuple[int, Callable[..., Case]], ...]] = (
    (260, _sound),
    (20, _edit_line(lambda line: line[: len(line) // 3])),
    (15, _edit_line(lambda line: line.replace(".", "_", 1).replace("jpg", "txt"))),
    (15, _edit_line(lambda line: line + line)),
    (10, _edit_line(lambda line: "\ufffd" + line[::-1])),
    (20, _cut),
    (10, _zeros),
    (25, _degrees(told=False)),
    (25, _degrees(told=True)),
    (8, _titles("no title for the brake", lambda head: head.replace("brake", "x"))),
    (8, _titles("two titles for the steering", lambda head: head.replace("brake", "steering"))),
    (8, _titles("speed in another unit", lambda head: head.replace("speed", "speed (km/h)"))),
    (8, _titles("steering in another unit",
                lambda head: head.replace("steering", "steering (deg)"))),
    (8, _titles("titles in another language", lambda head: head.replace("center", "centro").replace(
        "steering", "volante").replace("throttle", "gas pedal").replace("speed", "velocidad"))),
    (20, _merged),
    (15, _mixed),
    (10, _unknown_separator),
    (10, _pandas_titles),
    (5, _foreign),
)  # fmt: skip


def cases() -> Iterator[Case]:
    """Yield the logs of the corpus."""
    rng = random.Random(SEED)
    for count, fault in FAULTS:
        for _ in range(count):
            values = [numbers(rng) for _ in range(rng.randint(25, 60))]
            yield fault(rng, random_form(rng), values)


def judge(case: Case) -> str:
    """Read a log, and return the outcome; an error that is none of Lapwing's is not caught."""
    try:
        log = driving_log.read(case.written.raw, case.full_lock)
    except RecordingError as error:
        named = error.remedy and (error.got is not None or "empty" in error.what)
        return "WRONG: refused" if case.whole or not named else "refused as a whole"
    for row in log.rows:
        expected = case.written.rows.get(row.line)
        if expected is None or row.images != expected[0]:
            return "WRONG: a row that was not written so"
        values = (row.steering, row.throttle, row.brake, row.speed_mph)
        if any(abs(a - b) > 1e-12 for a, b in zip(values, expected[1], strict=True)):
            return "WRONG: another value"
    if not all(rejection.field and rejection.reason for rejection in log.rejections):
        return "WRONG: a row without a reason"
    if case.whole and len(log.rows) < len(case.written.rows):
        return "WRONG: rows are missing"
    if len(log.rows) == len(case.written.rows):
        return "every row read"
    return "rows refused" if log.rows else "every row refused"


def table() -> Counter[tuple[str, str]]:
    """Return how often each kind of log had each outcome."""
    return Counter((case.kind, judge(case)) for case in cases())


@dataclass
class Packed:
    """An archive: its bytes, and the content of each row's images by recording and line."""

    kind: str
    content: bytes
    suffix: str
    truth: dict[tuple[str, int], tuple[bytes, ...]]
    whole: bool = True


Layout = dict[str, bytes]


def _day(folder: str, below: str, rows: int, prefix: str = "") -> tuple[Layout, list[list[str]]]:
    """Return the images of a day in a folder, and the names in each row."""
    names = [[f"{c}_{prefix}{n:04d}.jpg" for c in ("c", "l", "r")] for n in range(rows)]
    files = {f"{folder}{below}{name}": f"{below}{name}".encode() for row in names for name in row}
    return files, names


def _log(paths: list[list[str]]) -> bytes:
    return "".join(
        f"{','.join(row)},0.25,0.5,0,{12 + n}.5\n" for n, row in enumerate(paths)
    ).encode()


def _pack(rng: random.Random, files: Layout) -> tuple[bytes, str]:
    out = io.BytesIO()
    suffix = rng.choice(["zip", "zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
    if suffix == "zip":
        with zipfile.ZipFile(out, "w", rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as z:
            for name, content in files.items():
                z.writestr(name, content)
    else:
        mode = suffix.replace("tar", "w").replace(".", ":")
        with tarfile.open(fileobj=out, mode=mode) as tar:  # type: ignore[call-overload]
            for name, content in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return out.getvalue(), f".{suffix}"


def _archive(rng: random.Random, number: int) -> Packed:
    """Return one archive; the layouts and faults take turns."""
    root = rng.choice(["", "run/", "my data/run/"])
    rows = rng.randint(2, 6)
    image_folder = rng.choice(["IMG/", "img/"])
    absolute = rng.choice(["C:\\old\\", "/home/jo/", ""])
    junk = {"__MACOSX/._driving_log.csv": b"x", f"{root}.DS_Store": b"x"}
    kind = number % 10
    day, names = _day(root, image_folder, rows)
    written = [[absolute + "IMG/" + name for name in row] for row in names]
    truth = {
        ("", n + 1): tuple(day[f"{root}{image_folder}{name}"] for name in row)
        for n, row in enumerate(names)
    }
    files = day | {f"{root}driving_log.csv": _log(written)}
    label, whole = "as the recorder made it", True
    if kind == 1:
        label, files = "with the files of other systems", files | junk
    elif kind == 2:
        label = "images next to the log"
        files = {
            f"{root}{name}": day[f"{root}{image_folder}{name}"] for row in names for name in row
        }
        files[f"{root}driving_log.csv"] = _log(written)
    elif kind == 3:
        label = "one name in two folders"
        files, truth, paths = {}, {}, []
        for below in ("day1/IMG/", "day2/IMG/"):
            images, names = _day(root, below, rows)
            files |= images
            for row in names:
                paths.append([absolute + below + name for name in row])
                truth["", len(paths)] = tuple(images[f"{root}{below}{name}"] for name in row)
        files[f"{root}driving_log.csv"] = _log(paths)
    elif kind == 4:
        label, whole = "one name in two folders, one of them packed", False
        other = [[absolute + "day2/IMG/" + name for name in row] for row in names]
        first = [[absolute + "day1/IMG/" + name for name in row] for row in names]
        files[f"{root}driving_log.csv"] = _log(first + other)
        truth = {}
    elif kind == 5:
        label = "a folder for each camera"
        files, truth, paths = {}, {}, []
        for n in range(rows):
            row = [f"IMG/{camera}/{n:04d}.jpg" for camera in ("center", "left", "right")]
            files |= {root + path: path.encode() for path in row}
            paths.append([absolute + path for path in row])
            truth["", n + 1] = tuple(path.encode() for path in row)
        files[f"{root}driving_log.csv"] = _log(paths)
    elif kind == 6:
        label = "several recordings, with equal names"
        files, truth = {}, {}
        for one in ("a", "b"):
            images, names = _day(f"{one}/", "IMG/", rows)
            images = {path: path.encode() for path in images}
            files |= images | {f"{one}/driving_log.csv": _log(written)}
            truth |= {
                (one, n + 1): tuple(f"{one}/IMG/{name}".encode() for name in row)
                for n, row in enumerate(names)
            }
    elif kind == 7:
        label, whole = "an image is missing, another recording has its name", False
        gone = f"{root}{image_folder}{names[0][0]}"
        del files[gone], truth["", 1]
        files[f"{root}other/IMG/{names[0][0]}"] = b"of another recording"
    content, suffix = _pack(rng, files)
    if kind == 8:
        label, whole, content = "cut off", False, content[: len(content) // 2]
    if kind == 9:
        label, whole = "without a log", False
        content, suffix = _pack(rng, day)
    return Packed(label, content, suffix, truth, whole)


def judge_archive(packed: Packed, folder: Path) -> str:
    """Read an archive, and return the outcome."""
    path = folder / f"packed{packed.suffix}"
    path.write_bytes(packed.content)
    read = 0
    try:
        with archive.open_recordings(path, folder / "scratch") as recordings:
            for recording in recordings:
                part = recording.name.removeprefix("packed").removeprefix("-")
                part = part if (part, 1) in packed.truth else ""
                log = match_images(driving_log.read(recording.read_log()), recording.images)
                for row in driving_log.with_images(log, recording.images):
                    found = tuple(recording.images[image].read_bytes() for image in row.images)
                    if found != packed.truth.get((part, row.line)):
                        return "WRONG: another image"
                    read += 1
    except RecordingError as error:
        named = error.remedy and error.got is not None
        return "WRONG: refused" if packed.whole or not named else "refused as a whole"
    if packed.whole and read < len(packed.truth):
        return "WRONG: rows are missing"
    return "every row read" if packed.whole else "rows refused" if read else "every row refused"


def archive_table(folder: Path) -> Counter[tuple[str, str]]:
    """Return how often each kind of archive had each outcome."""
    rng = random.Random(SEED)
    packed = (_archive(rng, number) for number in range(ARCHIVES))
    return Counter((one.kind, judge_archive(one, folder)) for one in packed)


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as folder:
        for outcomes in (table(), archive_table(Path(folder))):
            for (kind, outcome), count in sorted(outcomes.items()):
                sys.stdout.write(f"{count:5d}  {kind:52}  {outcome}\n")
            sys.stdout.write(f"{sum(outcomes.values()):5d}\n")


if __name__ == "__main__":
    main()
