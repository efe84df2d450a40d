"""The files of a LeRobot dataset of version 3, and what stands in them.

    meta/info.json                              features, number of frames and episodes, paths
    meta/stats.json                             statistics of each feature
    meta/tasks.parquet                          the tasks in words, here one
    meta/episodes/chunk-000/file-000.parquet    a row for each episode: where its parts are
    data/chunk-000/file-000.parquet             a row for each frame, without the pictures
    videos/<camera>/chunk-000/file-000.mp4      the pictures, episode after episode

Source: the documentation of LeRobot, "LeRobotDataset v3.0".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from contract.frames.spec import CHANNELS, HEIGHT, WIDTH
from trainer.export.lerobot.statistics import Statistics
from trainer.export.lerobot.video_files import FILES_IN_CHUNK, PIXEL_FORMAT

VERSION: Final = "v3.0"
TASK: Final = "drive along the road"
ACTION: Final = "action"
ACTIONS: Final = ("steering", "throttle", "brake")
STATE: Final = "observation.state"
STATES: Final = ("speed_mps",)
TIME: Final = "recording.time_s"
"""The recorded time: `timestamp` counts frames, since videos have a constant rate."""
LINE: Final = "recording.line"
"""Line of the driving log that a frame is from.

Policies take every feature whose name begins with `observation` as an input: these two do not."""

INFO: Final = "meta/info.json"
STATS: Final = "meta/stats.json"
TASKS: Final = "meta/tasks.parquet"
EPISODES: Final = "meta/episodes/chunk-000/file-000.parquet"
DATA: Final = "data/chunk-000/file-000.parquet"
DATA_PATTERN: Final = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATTERN: Final = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"


def video_key(camera: str) -> str:
    """Return the name of a camera's feature."""
    return f"observation.images.{camera}"


def features(cameras: Sequence[str], fps: int, with_speed: bool) -> dict[str, dict[str, Any]]:
    """Return the features of a dataset, as info.json describes them."""
    video = {
        "dtype": "video",
        "shape": [HEIGHT, WIDTH, CHANNELS],
        "names": ["height", "width", "channels"],
        "info": {
            "video.height": HEIGHT,
            "video.width": WIDTH,
            "video.codec": "h264",
            "video.pix_fmt": PIXEL_FORMAT,
            "video.is_depth_map": False,
            "video.fps": fps,
            "video.channels": CHANNELS,
            "has_audio": False,
        },
    }
    described: dict[str, dict[str, Any]] = {video_key(camera): video for camera in cameras}
    if with_speed:
        described[STATE] = {"dtype": "float32", "shape": [1], "names": list(STATES)}
    described[ACTION] = {"dtype": "float32", "shape": [len(ACTIONS)], "names": list(ACTIONS)}
    described[TIME] = {"dtype": "float64", "shape": [1], "names": None}
    described[LINE] = {"dtype": "int64", "shape": [1], "names": None}
    described["timestamp"] = {"dtype": "float32", "shape": [1], "names": None}
    for name in ("frame_index", "episode_index", "index", "task_index"):
        described[name] = {"dtype": "int64", "shape": [1], "names": None}
    return described


def data_schema(described: Mapping[str, Mapping[str, Any]]) -> pa.Schema:
    """Return the columns of the data files: one value, or a list of fixed length."""
    columns = []
    for name, feature in described.items():
        if feature["dtype"] == "video":
            continue
        kind = pa.type_for_alias(feature["dtype"])
        size = feature["shape"][0]
        columns.append((name, kind if size == 1 else pa.list_(kind, size)))
    return pa.schema(columns)


def info(
    described: Mapping[str, Any], fps: int, episodes: int, frames: int, source: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the document of INFO; `source` says which recording it is."""
    return {
        "codebase_version": VERSION,
        "robot_type": "udacity-car",
        "total_episodes": episodes,
        "total_frames": frames,
        "total_tasks": 1,
        "chunks_size": FILES_IN_CHUNK,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": fps,
        "splits": {"train": f"0:{episodes}"},
        "data_path": DATA_PATTERN,
        "video_path": VIDEO_PATTERN,
        "features": described,
        "lapwing": dict(source),
    }


def write_tasks(path: Path) -> None:
    """Write the only task. Its words are the index of a table of pandas, as LeRobot reads it."""
    index = "__index_level_0__"
    kinds = ((None, index, "unicode", "object"), ("task_index", "task_index", "int64", "int64"))
    described = [
        {
            "name": name,
            "field_name": field,
            "pandas_type": pandas_type,
            "numpy_type": numpy_type,
            "metadata": None,
        }
        for name, field, pandas_type, numpy_type in kinds
    ]
    table = pa.table({"task_index": pa.array([0], pa.int64()), index: [TASK]})
    metadata = {"index_columns": [index], "column_indexes": [], "columns": described}
    pq.write_table(table.replace_schema_metadata({"pandas": json.dumps(metadata)}), path)


def flatten(statistics: Mapping[str, Statistics]) -> dict[str, Any]:
    """Return statistics as columns of EPISODES, such as stats/action/mean."""
    return {
        f"stats/{feature}/{name}": value.tolist()
        for feature, values in statistics.items()
        for name, value in values.items()
    }


def nested(statistics: Mapping[str, Statistics]) -> dict[str, Any]:
    """Return statistics as the document of STATS."""
    return {
        feature: {name: value.tolist() for name, value in values.items()}
        for feature, values in statistics.items()
    }
