"""Imports generated recordings with every fault that people's recordings have, and judges each.

`PYTHONPATH=tests python -m support.reliability.dirty FOLDER COUNT SEED` prints a JSON document. It
is a process of its own, so that its memory is that of the imports, and so that it can hear of each
file that is opened (an audit hook, which can never be removed).
"""

from __future__ import annotations

import collections
import io
import json
import os
import random
import resource
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from contract.dataset import store, store_catalog
from contract.errors import LapwingError
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings
from support.data import jpegs, log_forms, samples

FAULTY: Final = 0.35
"""Share of the rows with a fault."""
BAD_STEERING: Final = (
    "NaN",
    "inf",
    "-Infinity",
    "1e999",
    "1.7",
    "-3",
    "",
    "abc",
    "0x1p3",
)
GOOD: Final = [samples.jpeg(number / 10 - 0.5, number) for number in range(12)]


def _cmyk() -> bytes:
    out = io.BytesIO()
    Image.fromarray(samples.picture(0.1, 5)).convert("CMYK").save(out, "JPEG")
    return out.getvalue()


def _bomb() -> bytes:
    """Return a small JPEG whose header says 65,500 x 65,500 pixels."""
    return jpegs.sequential(0xC0, [jpegs.scan([1, 2, 3])], size=65_500)


@dataclass
class Dirty:
    """One recording, and what an import of it may accept."""

    folder: Path
    rng: random.Random
    form: log_forms.Form = field(init=False)
    sound: dict[int, tuple[float, ...]] = field(default_factory=dict)
    """The numbers of each line that has no fault."""
    faults: collections.Counter[str] = field(default_factory=collections.Counter)

    def write(self) -> None:
        """Write the log and its images, some of them with a fault."""
        rng = self.rng
        form = replace(log_forms.random_form(rng), suffix=rng.choice([".jpg", ".JPG", ".jpeg"]))
        self.form = form
        values, bad = [], {}
        for number in range(rng.randint(8, 20)):
            row = log_forms.numbers(rng)
            if rng.random() < FAULTY / 2:
                bad[number] = rng.choice(BAD_STEERING)
                row = (_marker(number), *row[1:])
            values.append(row)
        written = log_forms.write(form, values)
        text = written.raw.decode(form.encoding)
        for number, steering in bad.items():
            marker = _marker(number).replace(".", form.decimal)
            text = text.replace(marker, steering.replace(".", form.decimal))
        if form.path in ("relative", "windows", "posix") and rng.random() < 0.4:
            text = text.replace(log_forms.PATHS[form.path], "../IMG/")
        raw = text.encode(form.encoding)
        (self.folder / "IMG").mkdir(parents=True)
        (self.folder.parent / "IMG").mkdir(exist_ok=True)
        for number, (line, (names, numbers)) in enumerate(written.rows.items()):
            fault = rng.choice(FAULTS) if rng.random() < FAULTY / 2 else whole
            spoiled = rng.randrange(len(names))
            for position, name in enumerate(names):
                made = fault if position == spoiled else whole
                made(self, self.folder / "IMG" / name)
            self.faults[fault.__name__] += 1
            if number in bad:
                self.faults["bad number"] += 1
            elif fault in HARMLESS:
                self.sound[line] = numbers
        (self.folder / "driving_log.csv").write_bytes(raw)


def _marker(number: int) -> str:
    """Return a number that stands for the bad steering of a row while the log is written."""
    return f"0.98765{number:02d}"


def whole(dirty: Dirty, path: Path) -> None:
    path.write_bytes(dirty.rng.choice(GOOD))


def missing(dirty: Dirty, path: Path) -> None:
    """There is no image."""


def empty(dirty: Dirty, path: Path) -> None:
    path.touch()


def truncated(dirty: Dirty, path: Path) -> None:
    jpeg = dirty.rng.choice(GOOD)
    path.write_bytes(jpeg[: dirty.rng.randrange(2, len(jpeg) * 3 // 4)])


def zeros(dirty: Dirty, path: Path) -> None:
    path.write_bytes(bytes(5000))


def cmyk(dirty: Dirty, path: Path) -> None:
    path.write_bytes(_cmyk())


def other_size(dirty: Dirty, path: Path) -> None:
    path.write_bytes(samples.jpeg(0.2, 3, height=40, width=90))


def bomb(dirty: Dirty, path: Path) -> None:
    path.write_bytes(_bomb())


def outside(dirty: Dirty, path: Path) -> None:
    """The image lies beside the recording's folder, as a path with ../ would find it."""
    (dirty.folder.parent / "IMG" / path.name).write_bytes(GOOD[0])


def link(dirty: Dirty, path: Path) -> None:
    """The image is a link that leads out of the recording."""
    target = dirty.folder.parent / "IMG" / f"linked{path.suffix}"
    target.write_bytes(GOOD[0])
    path.symlink_to(target)


def pipe(dirty: Dirty, path: Path) -> None:
    """Who opens this waits for ever."""
    os.mkfifo(path)


def directory(dirty: Dirty, path: Path) -> None:
    path.mkdir()


FAULTS: Final[tuple[Callable[[Dirty, Path], None], ...]] = (
    missing, empty, truncated, zeros, cmyk, other_size, bomb, outside, link, pipe, directory,
)  # fmt: skip
HARMLESS: Final = (whole, cmyk, other_size)


def judge(dirty: Dirty, data: Path) -> tuple[str, list[str]]:
    """Import a recording; return the outcome, and what is wrong."""
    settings = load(Settings, {"LAPWING_DATA_DIR": str(data), "LAPWING_DECODE_THREADS": "2"})
    try:
        (result,) = import_source(settings, dirty.folder, None, 1.0, lambda **_: None)
    except LapwingError as error:
        named = error.remedy or error.got is not None
        return "refused as a whole", [] if named else [f"refused without a reason: {error}"]
    report = result["report"]
    wrong = [
        f"a row is rejected without a reason: {one}"
        for one in report["rejections"]
        if not (one["field"] and one["reason"])
    ]
    if len(report["rejections"]) != report["rejected"]:
        wrong.append("rejections are not listed")
    (manifest,) = store_catalog.read_manifests(data)
    with store.open_store(data, manifest) as reader:
        reader.verify()
        for row in reader.rows:
            expected = dirty.sound.get(int(row["line"]))
            if expected is None:
                wrong.append(f"line {row['line']} is accepted, which has a fault: {dirty.form}")
            elif abs(row["steering"] - expected[0]) > 1e-6:
                wrong.append(f"line {row['line']} has the steering {row['steering']}")
    lost = len(dirty.sound) - len(reader.rows)
    if lost and not dirty.form.split_by_comma:
        wrong.append(f"{lost} good rows are lost: {dirty.form} {report['reasons']}")
    return "imported", wrong


def main(folder: Path, count: int, seed: str) -> None:
    """Make, import and remove recordings, and print what was found."""
    outside_reads: list[str] = []
    allowed = [""]

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if path.startswith(str(folder)) and not path.startswith(tuple(allowed)):
                outside_reads.append(path)

    sys.addaudithook(hear)
    outcomes: collections.Counter[str] = collections.Counter()
    faults: collections.Counter[str] = collections.Counter()
    wrong: list[str] = []
    for number in range(count):
        place = folder / str(number)
        dirty = Dirty(place / "run", random.Random(f"{seed} {number}"))
        allowed[:] = [str(place)]
        dirty.write()
        allowed[:] = [str(place / "run"), str(place / "data")]
        try:
            outcome, found = judge(dirty, place / "data")
        except Exception as error:  # noqa: BLE001 - any other error is a crash, which is counted
            outcome, found = "crashed", [f"{type(error).__name__}: {error}"]
        allowed[:] = [str(place)]
        outcomes[outcome] += 1
        faults += dirty.faults
        wrong += [f"recording {number}: {one}" for one in found]
        shutil.rmtree(place)
    rss_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found_here = {
        "outcomes": outcomes,
        "rows": faults,
        "wrong": wrong,
        "outside_reads": outside_reads,
        "rss_mib": round(rss_mib),
    }
    sys.stdout.write(json.dumps(found_here) + "\n")


if __name__ == "__main__":
    np.seterr(all="raise")
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]), sys.argv[3])
