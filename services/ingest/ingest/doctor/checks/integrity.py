"""Checks that every line of the log and every image can be read, and that images have one size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from contract.vehicle import IMAGE_HEIGHT, IMAGE_WIDTH
from ingest.doctor.finding import (
    MAX_EXAMPLES,
    Finding,
    find_runs,
    format_count,
    format_counts,
    format_lines,
)
from ingest.doctor.recording_arrays import ImageFault, RecordingArrays, log_lines


def check_values(recording: RecordingArrays) -> list[Finding]:
    """Find lines that are not rows: with NaN, values out of range or missing fields."""
    rejections = recording.rejections
    if not rejections:
        return []
    lines = [rejection.line for rejection in rejections]
    reasons = format_counts([f"{rejection.field} {rejection.reason}" for rejection in rejections])
    return [
        Finding(
            "bad-values",
            recording.name,
            f"{format_count(len(lines), 'line')} of the log cannot be used ({reasons}): "
            f"{format_lines(lines)}",
            "Correct or delete these lines. Import leaves them out, and refuses the recording if "
            "more rows are bad than --max-reject-share allows",
            {
                "lines": lines[:MAX_EXAMPLES],
                "count": len(lines),
                "got": [rejection.got for rejection in rejections[:MAX_EXAMPLES]],
            },
            (find_runs(lines),),
        )
    ]


def check_speed(recording: RecordingArrays) -> list[Finding]:
    """Find a recording that does not say how fast the car was: several checks need to know."""
    unknown = np.isnan(recording.speed_mps)
    if not unknown.any():
        return []
    return [
        Finding(
            "no-speed",
            recording.name,
            f"the speed is not known in {format_count(int(unknown.sum()), 'row')}, so it was not "
            "checked whether the steering fits what the images show",
            "Record the speed, if the car can measure it. Training needs no speed, but it moves no "
            "view of these rows, and `lapwing rerun` cannot drive along them",
            {"rows": int(unknown.sum())},
        )
    ]


def check_images(recording: RecordingArrays) -> list[Finding]:
    """Find images that are missing, and images that cannot be read."""
    findings = []
    faults = recording.features.faults
    missing = [fault for fault in faults if fault.missing]
    broken = [fault for fault in faults if not fault.missing]
    if missing:
        cure = "Copy the whole IMG folder. Import leaves out rows without their images"
        findings.append(
            _image_finding("missing-images", recording, missing, "could not be found", cure)
        )
    if broken:
        reasons = format_counts([fault.reason for fault in broken])
        problem = f"cannot be read ({reasons})"
        cure = "Copy these files again, or delete their rows. Import leaves out these rows"
        findings.append(_image_finding("broken-images", recording, broken, problem, cure))
    return findings


def _image_finding(
    name: str, recording: RecordingArrays, faults: Sequence[ImageFault], problem: str, cure: str
) -> Finding:
    lines = sorted({fault.line for fault in faults})
    files = [fault.name for fault in faults[:MAX_EXAMPLES]]
    evidence = (
        f"{format_count(len(faults), 'image')} of {format_count(len(lines), 'row')} {problem}: "
        f"{format_lines(lines)} (such as {files[0]})"
    )
    figures = {
        "pictures": len(faults),
        "rows": len(lines),
        "lines": lines[:MAX_EXAMPLES],
        "files": files,
    }
    return Finding(name, recording.name, evidence, cure, figures, (find_runs(lines),))


def check_sizes(recording: RecordingArrays) -> list[Finding]:
    """Find images that are not 320 x 160."""
    sizes = recording.features.sizes
    wrong = (sizes[..., 0] > 0) & (sizes != (IMAGE_HEIGHT, IMAGE_WIDTH)).any(axis=-1)
    if not wrong.any():
        return []
    counts = Counter(f"{width} x {height}" for height, width in sizes[wrong].tolist())
    listed = ", ".join(f"{size} in {count}" for size, count in counts.most_common())
    rows = np.flatnonzero(wrong.any(axis=1))
    lines = log_lines(recording, rows)
    camera = int(wrong[rows[0]].argmax())
    return [
        Finding(
            "picture-size",
            recording.name,
            f"The size is not {IMAGE_WIDTH} x {IMAGE_HEIGHT} in "
            f"{format_count(int(wrong.sum()), 'image')} of {format_count(len(rows), 'row')} "
            f"({listed}): {format_lines(lines)}",
            "Record with the camera size of Udacity's simulator. An image of another view is "
            "squeezed into the network's frame, and then shows another road",
            {
                "pictures": int(wrong.sum()),
                "sizes": dict(counts),
                "lines": lines[:MAX_EXAMPLES],
                "files": [recording.images[rows[0]][camera]],
            },
            (find_runs(lines),),
        )
    ]
