"""Damages copies of a recording in the ways that recorders, disks and people do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

Lines = list[list[str]]
STEERING = 3


def copy(source: Path, folder: Path) -> Path:
    """Copy a recording; its images are hard links until `rewrite` replaces them."""
    shutil.copytree(source, folder, copy_function=os.link)
    log = (folder / "driving_log.csv").read_text()
    (folder / "driving_log.csv").unlink()
    (folder / "driving_log.csv").write_text(log)
    return folder


def lines(folder: Path) -> Lines:
    text = (folder / "driving_log.csv").read_text()
    return [line.split(",") for line in text.splitlines()]


def write(folder: Path, rows: Lines) -> None:
    (folder / "driving_log.csv").write_text("".join(",".join(row) + "\n" for row in rows))


def rewrite(path: Path, content: bytes) -> None:
    """Replace a file without changing the other copies that link to it."""
    path.unlink()
    path.write_bytes(content)


def picture(folder: Path, row: Sequence[str], camera: int) -> Path:
    return folder / "IMG" / Path(row[camera]).name


def steer(folder: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Change the column of the steering with a function of floats, shape (rows,)."""
    rows = lines(folder)
    steering = change(np.array([float(row[STEERING]) for row in rows]))
    write(
        folder,
        [
            [*row[:STEERING], f"{value:.7g}", *row[STEERING + 1 :]]
            for row, value in zip(rows, steering.clip(-1, 1), strict=True)
        ],
    )


def redraw(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Change an image with a function of (height, width, 3), and encode it again."""
    encoded, content = cv2.imencode(".jpg", change(cv2.imread(str(path))))
    assert encoded
    rewrite(path, content.tobytes())


def exchange_sides(folder: Path) -> None:
    write(folder, [[row[0], row[2], row[1], *row[3:]] for row in lines(folder)])


def mirror(folder: Path, cameras: Sequence[int] = (0, 1, 2)) -> None:
    for row in lines(folder):
        for camera in cameras:
            redraw(picture(folder, row, camera), lambda pixels: pixels[:, ::-1])


def press_keys(steering: np.ndarray) -> np.ndarray:
    """Return full and half pulses with the same mean over time as the steering."""
    owed, pressed = 0.0, np.zeros(len(steering))
    for row, value in enumerate(steering):
        owed += value
        if abs(owed) > 0.25:
            pressed[row] = np.clip(2 * np.round(owed), -1, 1) or np.sign(owed) * 0.5
            owed -= pressed[row]
    return pressed


def freeze(folder: Path, first: int, count: int, cameras: Sequence[int] = (0, 1, 2)) -> None:
    """Replace the images of the `count` rows after the row `first` by the images of that row."""
    rows = lines(folder)
    for row in rows[first + 1 : first + 1 + count]:
        for camera in cameras:
            content = picture(folder, rows[first], camera).read_bytes()
            rewrite(picture(folder, row, camera), content)
