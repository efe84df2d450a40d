"""Writes tubs of Donkey cars, in both of their forms, as donkeycar's own writers do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.data import samples

START_MS = 1_767_323_045_000
INPUTS = {
    "cam/image_array": "image_array",
    "user/angle": "float",
    "user/throttle": "float",
    "user/mode": "str",
}
Changes = Mapping[int, Mapping[str, Any]]


def values(row: int) -> dict[str, Any]:
    """Return what the driver did in a record."""
    return {
        "user/angle": samples.steering_at(row),
        "user/throttle": -0.25 if row % 10 == 9 else 0.5,
        "user/mode": "user",
    }


def jpeg(row: int) -> bytes:
    """Return the image of a record, in the size of a Donkey car's camera."""
    return samples.jpeg(samples.steering_at(row), row, 120, 160)


def tub(
    folder: Path,
    rows: int = 30,
    deleted: Sequence[int] = (),
    changes: Changes | None = None,
    inputs: Mapping[str, str] = INPUTS,
    catalog_rows: int = 12,
) -> Path:
    """Write a tub of form 2 (manifest, catalogs, images), and return its folder.

    `changes` replaces values of single records; None removes a value.
    """
    (folder / "images").mkdir(parents=True)
    names = []
    for first in range(0, rows, catalog_rows):
        lines = []
        for row in range(first, min(first + catalog_rows, rows)):
            record = {
                "_index": row,
                "_session_id": "26-01-02_0",
                "_timestamp_ms": START_MS + 50 * row,
                "cam/image_array": f"{row}_cam_image_array_.jpg",
                **values(row),
                **(changes or {}).get(row, {}),
            }
            record = {name: value for name, value in record.items() if value is not None}
            (folder / "images" / f"{row}_cam_image_array_.jpg").write_bytes(jpeg(row))
            lines.append(json.dumps(record, sort_keys=True) + "\n")
        names.append(f"catalog_{len(names)}.catalog")
        (folder / names[-1]).write_text("".join(lines))
        (folder / names[-1]).with_suffix(".catalog_manifest").write_text("{}\n")
    catalogs = {"paths": names, "current_index": rows, "max_len": catalog_rows}
    manifest = (
        list(inputs),
        list(inputs.values()),
        {},
        {"created_at": START_MS / 1000},
        {**catalogs, "deleted_indexes": sorted(deleted)},
    )
    (folder / "manifest.json").write_text("".join(json.dumps(line) + "\n" for line in manifest))
    return folder


def old_tub(folder: Path, rows: int = 12, deleted: Sequence[int] = ()) -> Path:
    """Write a tub of form 1 (a file for each record, counted from 1), and return its folder."""
    folder.mkdir(parents=True)
    meta = {"inputs": list(INPUTS), "types": list(INPUTS.values()), "start": START_MS / 1000}
    (folder / "meta.json").write_text(json.dumps(meta))
    for row in range(1, rows + 1):
        name = f"{row}_cam-image_array_.jpg"
        (folder / name).write_bytes(jpeg(row))
        record = {"cam/image_array": name, **values(row), "milliseconds": 50 * row}
        (folder / f"record_{row}.json").write_text(json.dumps(record))
    if deleted:
        (folder / "exclude.json").write_text(json.dumps(sorted(deleted)))
    return folder
