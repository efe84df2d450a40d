"""Finds the images that a driving log names among those of its recording.

Recordings are moved and renamed after they were made, so the folders in a log are seldom those on
the disk: the file name alone counts, as long as it names one image. Where the log has one name in
several folders, or where images lie in sub-folders, the end of the path decides. Images that cannot
be told apart are never guessed.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from contract.recordings.driving_log import Log, Rejection, Row, without_missing_sides
from contract.recordings.log_columns import CAMERAS

__all__ = ["match_images"]

IMAGE_FOLDER: Final = "img"
AMBIGUOUS: Final = (
    "several images of the log have this name, and their folders do not tell which file it is: "
    "keep each in the folder that the log names"
)


def match_images(log: Log, images: Mapping[str, Path]) -> Log:
    """Return the log with the keys of a recording's images in its rows.

    Rows whose images cannot be told apart are rejected. An image that is missing keeps the name
    that the log gives. The side cameras are left out if none of their images is there.

    Args:
        log: the driving log.
        images: paths of the recording's images by their keys: file names, and paths from the log's
            folder for images in sub-folders.
    """
    if any("/" in key for key in images) or any("/" in name for name in log.images()):
        log = _Matching(images).match(log)
    return without_missing_sides(log, images)


class _Matching:
    """Matches the paths of a log with the files of a recording by the ends of both.

    Args:
        images: paths of the recording's images by their keys.
    """

    def __init__(self, images: Mapping[str, Path]) -> None:
        self._images = images
        self._keys: dict[str, list[str]] = defaultdict(list)
        """Keys of the images by file name."""
        for key in images:
            self._keys[key.rpartition("/")[2]].append(key)
        self._writings: dict[str, set[str]] = defaultdict(set)
        """By key, the paths by which the log names the image."""

    def match(self, log: Log) -> Log:
        """Return the log with keys in its rows, and without the rows that remain ambiguous."""
        matched = [(row, self._row_keys(row)) for row in log.rows]
        rows, rejections = [], list(log.rejections)
        for row, keys in matched:
            wrong = self._ambiguous(row, keys)
            if wrong is None:
                rows.append(dataclasses.replace(row, images=tuple(key for key in keys if key)))
            else:
                rejections.append(wrong)
        return Log(rows, rejections, list(log.notes))

    def _row_keys(self, row: Row) -> list[str | None]:
        """Return the key of each image of a row; None if several files may be meant."""
        keys = []
        for name, folder in zip(row.images, row.folders, strict=True):
            key = self._key(name, folder)
            if key is not None:
                self._writings[key].add(_written(name, folder))
            keys.append(key)
        return keys

    def _key(self, name: str, folder: str) -> str | None:
        parts = _split(_written(name, folder))
        shared = "/" in name
        lengths = {key: self._match_length(key, parts) for key in self._keys.get(parts[-1], ())}
        # The name alone is enough if the log has it in one folder, and only for an image that lies
        # where the recorder puts images: another folder may be that of another recording.
        least = 2 if shared and len(parts) > 1 else 1
        lengths = {
            key: length
            for key, length in lengths.items()
            if length >= least and (length > 1 or "/" not in key)
        }
        if not lengths:
            return name
        longest = max(lengths.values())
        best = [key for key, length in lengths.items() if length == longest]
        return best[0] if len(best) == 1 else None

    def _match_length(self, key: str, parts: list[str]) -> int:
        """Return how many parts of a file's path are the end of a path of the log, 0 if not all.

        The path of the file begins in the log's folder, or in its folder IMG.
        """
        own = _split(self._relative(key))
        begins = [own, own[1:]] if own[0] == IMAGE_FOLDER and len(own) > 1 else [own]
        return max(
            (len(begin) for begin in begins if parts[len(parts) - len(begin) :] == begin),
            default=0,
        )

    def _relative(self, key: str) -> str:
        """Return the path of an image from the log's folder."""
        folder = self._images[key].parent.name if "/" not in key else ""
        return f"{folder}/{key}" if folder.lower() == IMAGE_FOLDER else key

    def _ambiguous(self, row: Row, keys: list[str | None]) -> Rejection | None:
        """Return the rejection of a row if one of its images may be another one."""
        for camera, key, name, folder in zip(CAMERAS, keys, row.images, row.folders, strict=False):
            written = _written(name, folder)
            if key is None:
                return Rejection(row.line, camera, AMBIGUOUS, written)
            writings = self._writings[key] if "/" in name and key in self._images else set()
            exact = _split(self._relative(key)) if writings else []
            if len(writings) > 1 and _split(written) != exact:
                return Rejection(row.line, camera, AMBIGUOUS, " and ".join(sorted(writings)[:2]))
        return None


def _written(name: str, folder: str) -> str:
    """Return the path of an image as the log writes it."""
    return name if "/" in name or not folder else f"{folder}/{name}"


def _split(path: str) -> list[str]:
    """Return the parts of a path: folders in small letters, as Windows compares them."""
    *folders, name = [part for part in PurePosixPath(path).parts if part not in ("/", ".")]
    return [*(folder.lower() for folder in folders), name]
