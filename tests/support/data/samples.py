"""Makes recordings for the tests, and finds real recordings if they are on this machine."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

ROOT = Path(__file__).resolve().parents[3]
TESTS = ROOT / "tests"
SHARED = Path(os.environ.get("LAPWING_SHARED", ROOT.parent / "shared"))
START = datetime(2026, 1, 2, 3, 4, 5)
ROW_MS = 67


def shared(*parts: str) -> Path:
    """Return a path in the folder of real recordings; skip the test if it does not exist."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs {'/'.join(parts)} under LAPWING_SHARED, which is not on this machine")
    return path


def picture(steering: float, seed: int, height: int = 160, width: int = 320) -> np.ndarray:
    """Draw a road that turns with `steering`, with noise: uint8 RGB (height, width, 3)."""
    noise = np.random.default_rng(seed).integers(0, 25, (height, width, 3))
    y, x = np.mgrid[0:height, 0:width]
    depth = np.clip((y - height * 0.4) / (height * 0.6), 0, 1)
    middle = width / 2 + steering * width * 0.6 * (1 - depth) ** 2
    road = (np.abs(x - middle) < width * (0.08 + 0.3 * depth)) & (depth > 0)
    colors = np.where(road[..., None], (110, 110, 115), (70, 130, 60))
    colors = np.where((y < height * 0.4)[..., None], (150, 190, 230), colors)
    return (colors + noise).clip(0, 255).astype(np.uint8)


def jpeg(steering: float = 0.0, seed: int = 0, height: int = 160, width: int = 320) -> bytes:
    """Return a picture of a road as a JPEG."""
    return bytes(
        simplejpeg.encode_jpeg(picture(steering, seed, height, width), quality=85, colorspace="RGB")
    )


def steering_at(row: int) -> float:
    """Return the steering in a row of `recording`: a slow wave, with parts of exactly 0."""
    wave = float(np.sin(row / 9.0))
    return 0.0 if abs(wave) < 0.3 else round(0.5 * wave, 6)


def stamp(row: int) -> str:
    """Return the time stamp in the file names of a row of `recording`."""
    moment = START + timedelta(milliseconds=ROW_MS * row)
    return f"{moment:%Y_%m_%d_%H_%M_%S}_{moment.microsecond // 1000:03d}"


def recording(
    folder: Path,
    rows: int = 60,
    cameras: tuple[str, ...] = ("center", "left", "right"),
    seed: int = 0,
    first_row: int = 0,
) -> Path:
    """Write a recording like Udacity's simulator, and return its folder.

    `first_row` is the number of the drive's row with which the recording begins.
    """
    (folder / "IMG").mkdir(parents=True)
    lines = []
    for row in range(first_row, first_row + rows):
        names = []
        for number, camera in enumerate(cameras):
            name = f"{camera}_{stamp(row)}.jpg"
            shift = {"center": 0.0, "left": 0.2, "right": -0.2}[camera]
            picture_seed = seed * 1_000_000 + row * 3 + number
            (folder / "IMG" / name).write_bytes(jpeg(steering_at(row) + shift, picture_seed))
            names.append(f"/home/somebody/run/IMG/{name}")
        lines.append(",".join([*names, f"{steering_at(row)}", "0.5", "0", f"{15 + row % 3}.25"]))
    (folder / "driving_log.csv").write_text("\n".join(lines) + "\n")
    return folder
