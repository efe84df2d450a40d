"""Writes a store as a LeRobot dataset: an episode for each stretch of uninterrupted driving.

Frames are read from the store and encoded a few at a time, so that a recording of any length takes
the same memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from contract.dataset import exclusions, store, store_catalog, timeline
from contract.dataset.store import ABSENT, Rows, StoreReader
from contract.dataset.store_catalog import StoreManifest
from contract.errors import StoreError
from contract.files import atomic_files
from contract.frames import spec
from contract.vehicle import CAMERA_NAMES, MPS_PER_MPH, ROW_S
from trainer.export.lerobot import schema, statistics
from trainer.export.lerobot.statistics import Histogram, Statistics
from trainer.export.lerobot.video_files import VideoFiles

BATCH: Final = 32
"""Number of frames that are in memory at a time."""

Columns = dict[str, npt.NDArray[np.generic]]
"""The columns of the data file, shape (rows,) or (rows, values)."""


def export(data_dir: Path, dataset: str, out: Path) -> dict[str, Any]:
    """Write a dataset of the store as the new folder `out`.

    Args:
        data_dir: the data volume.
        dataset: name of a dataset, or of a recording that has only one.
        out: the folder; it must not exist, or be empty.

    Returns:
        The dataset, and how many episodes, frames and cameras were written, with notes.

    Raises:
        StoreError: there is no such dataset, it is damaged, or `out` holds something.
    """
    manifests = store_catalog.select_manifests(data_dir, [dataset])
    if len(manifests) > 1:
        raise StoreError(
            "several datasets have this name",
            got=", ".join(manifest.dataset for manifest in manifests),
            remedy="Name one of them in full",
        )
    if out.exists() and not (out.is_dir() and atomic_files.is_empty(out)):
        raise StoreError(
            "the folder for the LeRobot dataset is not empty",
            got=out,
            remedy="Name a new folder with --out",
        )
    [manifest] = manifests
    atomic_files.make_folder(out.parent)
    with store.open_store(data_dir, manifest) as reader:
        reader.verify()
        excluded = exclusions.read(data_dir, manifest.dataset).mask(reader.rows["line"])
        if excluded.all():
            raise StoreError(
                f"all rows of {manifest.dataset} are excluded",
                remedy=f"lapwing datasets restore {manifest.dataset} brings them back",
            )
        with atomic_files.replace_folder(out.absolute()) as folder:
            writer = _Writer(reader, manifest, excluded, folder)
            return {"path": str(out.absolute()), **writer.write()}


class _Writer:
    """The writing of one dataset.

    Args:
        reader: the open store.
        manifest: its manifest.
        excluded: mask of the rows that are left out, shape (rows of the store,).
        folder: the new folder.
    """

    def __init__(
        self,
        reader: StoreReader,
        manifest: StoreManifest,
        excluded: npt.NDArray[np.bool_],
        folder: Path,
    ) -> None:
        self._reader, self._manifest, self._folder = reader, manifest, folder
        numbers = np.flatnonzero(~excluded)
        self._rows = reader.rows[numbers]
        self._time_s = reader.timeline.time_s[numbers]
        ends = np.diff(reader.timeline.segment[numbers]) > 0
        self._segment = timeline.segments(self._time_s, ends | (np.diff(numbers) > 1))
        self._notes: list[str] = []
        if excluded.any():
            self._notes.append(f"{int(excluded.sum())} rows are excluded: left out")
        self._cameras = self._usable_cameras()
        speed_known = bool(np.isfinite(self._rows["speed_mph"]).all())
        if not speed_known:
            self._notes.append(f"the speed is not known in each row: there is no {schema.STATE}")
        steps_s = np.diff(self._time_s)
        steps_s = steps_s[(steps_s > 0) & (steps_s <= timeline.MAX_PAUSE_S)]
        self._fps = max(1, round(1 / (float(np.median(steps_s)) if len(steps_s) else ROW_S)))
        self._features = schema.features(self._cameras, self._fps, speed_known)

    def write(self) -> dict[str, Any]:
        """Write all files; return what was written."""
        segment = self._segment
        episodes: list[dict[str, Any]] = []
        columns = self._columns(segment)
        pixels = {camera: np.zeros((3, 256), np.int64) for camera in self._cameras}
        data_schema = schema.data_schema(self._features)
        for name in (schema.DATA, schema.EPISODES):
            (self._folder / name).parent.mkdir(parents=True)
        with ExitStack() as stack:
            videos = {camera: self._open_video(camera, stack) for camera in self._cameras}
            data = stack.enter_context(pq.ParquetWriter(self._folder / schema.DATA, data_schema))
            for number in range(int(segment[-1]) + 1):
                first, last = np.searchsorted(segment, [number, number + 1]).tolist()
                part = {name: values[first:last] for name, values in columns.items()}
                data.write_table(_table(part, data_schema))
                episode, histograms = self._write_videos(videos, self._rows[first:last])
                found = _statistics(part, histograms, last - first)
                episodes.append(
                    {
                        "episode_index": number,
                        "tasks": [schema.TASK],
                        "length": last - first,
                        "data/chunk_index": 0,
                        "data/file_index": 0,
                        "dataset_from_index": first,
                        "dataset_to_index": last,
                        "meta/episodes/chunk_index": 0,
                        "meta/episodes/file_index": 0,
                        **episode,
                        **schema.flatten(found),
                    }
                )
                for camera, counts in histograms.items():
                    pixels[camera] += counts
        self._write_meta(episodes, _statistics(columns, pixels, len(self._rows)))
        return {
            "dataset": self._manifest.dataset,
            "format": "lerobot",
            "episodes": len(episodes),
            "rows": len(self._rows),
            "cameras": list(self._cameras),
            "fps": self._fps,
            "notes": self._notes,
        }

    def _usable_cameras(self) -> tuple[str, ...]:
        """Return the cameras that have a frame in each row: a feature is in all of them."""
        absent = {camera: int((self._rows[camera] == ABSENT).sum()) for camera in CAMERA_NAMES}
        for camera, count in absent.items():
            if 0 < count < len(self._rows):
                self._notes.append(f"{count} rows have no frame of the {camera} camera: left out")
        return tuple(camera for camera, count in absent.items() if not count)

    def _open_video(self, camera: str, stack: ExitStack) -> VideoFiles:
        folder = self._folder / "videos" / schema.video_key(camera)
        videos = VideoFiles(folder, self._fps, spec.WIDTH)
        stack.callback(videos.close)
        return videos

    def _columns(self, segment: npt.NDArray[np.int64]) -> Columns:
        rows, count = self._rows, len(self._rows)
        frame_index = np.arange(count) - np.searchsorted(segment, segment)
        columns: Columns = {
            schema.ACTION: np.stack([rows[name] for name in schema.ACTIONS], axis=1),
            schema.TIME: self._time_s,
            schema.LINE: rows["line"],
            "timestamp": (frame_index / self._fps).astype(np.float32),
            "frame_index": frame_index,
            "episode_index": segment,
            "index": np.arange(count),
            "task_index": np.zeros(count, np.int64),
        }
        if schema.STATE in self._features:
            columns[schema.STATE] = rows["speed_mph"] * np.float32(MPS_PER_MPH)
        return columns

    def _write_videos(
        self, videos: Mapping[str, VideoFiles], rows: Rows
    ) -> tuple[dict[str, Any], dict[str, Histogram]]:
        """Write the frames of an episode; return where they lie, and their histograms."""
        places: dict[str, Any] = {}
        histograms: dict[str, Histogram] = {}
        for camera, video in videos.items():
            histograms[camera] = np.zeros((3, 256), np.int64)
            video.begin_episode()
            for start in range(0, len(rows), BATCH):
                numbers = rows[camera][start : start + BATCH]
                frames = np.empty((len(numbers), *spec.SHAPE), np.uint8)
                self._reader.gather(numbers, frames)
                histograms[camera] += statistics.histogram(frames)
                for frame in frames:
                    video.add(frame)
            place, key = video.end_episode(), f"videos/{schema.video_key(camera)}"
            places |= {
                f"{key}/chunk_index": place.chunk,
                f"{key}/file_index": place.file,
                f"{key}/from_timestamp": place.begin_s,
                f"{key}/to_timestamp": place.end_s,
            }
        return places, histograms

    def _write_meta(self, episodes: list[dict[str, Any]], found: Mapping[str, Statistics]) -> None:
        pq.write_table(pa.Table.from_pylist(episodes), self._folder / schema.EPISODES)
        schema.write_tasks(self._folder / schema.TASKS)
        source = {"dataset": self._manifest.dataset, **self._manifest.source, "notes": self._notes}
        document = schema.info(self._features, self._fps, len(episodes), len(self._rows), source)
        atomic_files.write_json(self._folder / schema.INFO, document)
        atomic_files.write_json(self._folder / schema.STATS, schema.nested(found))


def _table(part: Columns, data_schema: pa.Schema) -> pa.Table:
    """Return the columns as a table of Arrow, in the order of the schema."""
    arrays = []
    for field in data_schema:
        values = part[field.name]
        if values.ndim == 1:
            arrays.append(pa.array(values, field.type))
        else:
            flat = pa.array(np.ascontiguousarray(values).ravel(), field.type.value_type)
            arrays.append(pa.FixedSizeListArray.from_arrays(flat, values.shape[1]))
    return pa.table(arrays, schema=data_schema)


def _statistics(
    columns: Columns, histograms: Mapping[str, Histogram], frames: int
) -> dict[str, Statistics]:
    values = {
        name: statistics.of_values(part.reshape(frames, -1)) for name, part in columns.items()
    }
    pixels = {
        schema.video_key(camera): statistics.of_pixels(counts, frames)
        for camera, counts in histograms.items()
    }
    return {**pixels, **values}
