"""Can every line of the log and every picture be read, and has it the recorder's size?"""

from __future__ import annotations

from collections import Counter

import numpy as np

from ingest.doctor.finding import SHOWN, Finding, counted, spans
from ingest.doctor.phase_correlation import SIZE
from ingest.doctor.recording_arrays import Drive, Fault


def values(drive: Drive) -> list[Finding]:
    """Find lines that are no rows: NaN, values out of range, missing fields."""
    if not drive.rejections:
        return []
    lines = [each.line for each in drive.rejections]
    words = counted([f"{each.field} {each.reason}" for each in drive.rejections])
    return [
        Finding(
            "bad-values",
            drive.name,
            f"{len(lines)} lines of the log cannot be used ({words}): lines {spans(lines)}",
            "Correct or delete these lines; ingest leaves them out, and refuses the recording from "
            "--max-reject-share on",
            {
                "lines": lines[:SHOWN],
                "count": len(lines),
                "got": [each.got for each in drive.rejections[:SHOWN]],
            },
        )
    ]


def images(drive: Drive) -> list[Finding]:
    """Find pictures that are missing, and pictures that cannot be read."""
    findings = []
    faults = drive.pictures.faults
    missing, broken = ([each for each in faults if each.missing is kind] for kind in (True, False))
    if missing:
        cure = "Copy the whole IMG folder; rows without their pictures are left out by ingest"
        findings.append(_pictures("missing-images", drive, missing, "are not there", cure))
    if broken:
        words = counted([each.why for each in broken])
        cure = "Copy these files again or delete their rows; ingest leaves the rows out"
        findings.append(
            _pictures("broken-images", drive, broken, f"cannot be read ({words})", cure)
        )
    return findings


def _pictures(name: str, drive: Drive, faults: list[Fault], what: str, cure: str) -> Finding:
    lines = sorted({each.line for each in faults})
    files = [each.name for each in faults[:SHOWN]]
    text = f"{len(faults)} pictures of {len(lines)} rows {what}: lines {spans(lines)}, {files[0]}"
    figures = {"pictures": len(faults), "rows": len(lines), "lines": lines[:SHOWN], "files": files}
    return Finding(name, drive.name, text, cure, figures)


def sizes(drive: Drive) -> list[Finding]:
    """Find pictures that are not 320 x 160."""
    found = drive.pictures.sizes
    wrong = (found[..., 0] > 0) & (found != SIZE).any(axis=-1)
    if not wrong.any():
        return []
    counts = Counter(f"{width} x {height}" for height, width in found[wrong].tolist())
    rows = np.flatnonzero(wrong.any(axis=1))
    lines = [int(drive.lines[row]) for row in rows]
    camera = int(wrong[rows[0]].argmax())
    return [
        Finding(
            "picture-size",
            drive.name,
            f"{int(wrong.sum())} pictures of {len(rows)} rows are not {SIZE[1]} x {SIZE[0]} ("
            f"{', '.join(f'{count} are {size}' for size, count in counts.most_common())}): lines "
            f"{spans(lines)}",
            "Record with Udacity's own window of the cameras: a picture of another view is "
            "squeezed into the network's frame and means another road",
            {
                "pictures": int(wrong.sum()),
                "sizes": dict(counts),
                "lines": lines[:SHOWN],
                "files": [drive.images[rows[0]][camera]],
            },
        )
    ]
