"""The files are read with pyarrow and PyAV alone, and compared with the documented format."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.data import samples, tubs

from contract.dataset import store
from contract.errors import StoreError
from contract.frames import preprocess
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings
from trainer.export.lerobot import dataset

GAP = 20
"""Row of the recording before which the driver paused."""


def imported(data: Path, source: Path) -> str:
    settings = load(Settings, {"LAPWING_DATA_DIR": str(data)})
    (result,) = import_source(settings, source, None, 0.05, lambda **_: None)
    return str(result["dataset"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a recording of two stretches, 20 and 30 rows, and its export."""
    root = tmp_path_factory.mktemp("lerobot")
    run = samples.recording(root / "run", rows=60)
    lines = (run / "driving_log.csv").read_text().splitlines(keepends=True)
    (run / "driving_log.csv").write_text("".join(lines[:GAP] + lines[GAP + 10 :]))
    name = imported(root / "data", run)
    result = dataset.export(root / "data", name, root / "out")
    assert (result["episodes"], result["rows"], result["fps"]) == (2, 50, 15)
    assert result["notes"] == []
    return root


def info(made: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((made / "out" / "meta" / "info.json").read_text())
    return document


def row_numbers() -> list[int]:
    return [row for row in range(60) if not GAP <= row < GAP + 10]


def test_the_folder_has_the_files_of_the_format(made: Path) -> None:
    paths = [path for path in (made / "out").rglob("*") if path.is_file()]
    files = {str(path.relative_to(made / "out")) for path in paths}
    assert files == {
        "meta/info.json",
        "meta/stats.json",
        "meta/tasks.parquet",
        "meta/episodes/chunk-000/file-000.parquet",
        "data/chunk-000/file-000.parquet",
        *(
            f"videos/observation.images.{camera}/chunk-000/file-000.mp4"
            for camera in ("center", "left", "right")
        ),
    }


def test_info_says_what_the_documentation_asks_for(made: Path) -> None:
    document = info(made)
    assert document["codebase_version"] == "v3.0"
    assert (document["total_episodes"], document["total_frames"]) == (2, 50)
    assert (document["total_tasks"], document["splits"], document["fps"]) == (
        1,
        {"train": "0:2"},
        15,
    )
    assert document["data_path"] == "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
    assert document["features"]["action"] == {
        "dtype": "float32",
        "shape": [3],
        "names": ["steering", "throttle", "brake"],
    }
    camera = document["features"]["observation.images.left"]
    assert (camera["dtype"], camera["shape"]) == ("video", [128, 128, 3])
    assert camera["names"] == ["height", "width", "channels"]


def test_the_data_have_a_row_for_each_frame(made: Path) -> None:
    table = pq.read_table(made / "out" / "data" / "chunk-000" / "file-000.parquet")
    schema = table.schema
    assert schema.field("action").type == pa.list_(pa.float32(), 3)
    for name in ("frame_index", "episode_index", "index", "task_index"):
        assert schema.field(name).type == pa.int64()
    assert schema.field("timestamp").type == pa.float32()
    columns = table.to_pydict()
    expected = [[samples.steering_at(row), 0.5, 0.0] for row in row_numbers()]
    np.testing.assert_allclose(columns["action"], expected, rtol=1e-6)
    speeds = [(15 + row % 3 + 0.25) * 1609.344 / 3600 for row in row_numbers()]
    np.testing.assert_allclose(columns["observation.state"], speeds, rtol=1e-6)
    assert columns["index"] == list(range(50))
    assert columns["episode_index"] == [0] * 20 + [1] * 30
    assert columns["frame_index"] == [*range(20), *range(30)]
    np.testing.assert_allclose(columns["timestamp"][20:], np.arange(30) / 15, rtol=1e-6)
    np.testing.assert_allclose(np.diff(columns["recording.time_s"])[:10], 0.067, atol=1e-6)
    assert columns["recording.time_s"][20] - columns["recording.time_s"][19] > 0.7
    assert set(columns) == {
        name for name, feature in info(made)["features"].items() if feature["dtype"] != "video"
    }


@pytest.mark.parametrize("camera", ["center", "left", "right"])
def test_the_videos_hold_the_frames_of_each_episode_without_loss(made: Path, camera: str) -> None:
    episodes = pq.read_table(made / "out" / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    key = f"videos/observation.images.{camera}"
    path = made / "out" / key / "chunk-000" / "file-000.mp4"
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec.canonical_name, stream.base_rate) == ("h264", Fraction(15))
        frames = [
            (frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(stream)
        ]
    assert len(frames) == 50
    for episode in episodes:
        first, last = episode["dataset_from_index"], episode["dataset_to_index"]
        assert episode[f"{key}/from_timestamp"] == pytest.approx(first / 15)
        assert episode[f"{key}/to_timestamp"] == pytest.approx(last / 15)
        for number in range(first, last):
            time_s, frame = frames[number]
            assert time_s == pytest.approx(episode[f"{key}/from_timestamp"] + (number - first) / 15)
            row = row_numbers()[number]
            jpeg = (made / "run" / "IMG" / f"{camera}_{samples.stamp(row)}.jpg").read_bytes()
            np.testing.assert_array_equal(frame, preprocess.prepare(jpeg))


def test_an_episode_is_a_stretch_of_driving_with_its_statistics(made: Path) -> None:
    episodes = pq.read_table(made / "out" / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert [episode["length"] for episode in episodes] == [20, 30]
    assert [episode["tasks"] for episode in episodes] == [["drive along the road"]] * 2
    steering = np.array([samples.steering_at(row) for row in row_numbers()[20:]], np.float32)
    mean, deviation = (episodes[1][f"stats/action/{name}"][0] for name in ("mean", "std"))
    assert (mean, deviation) == pytest.approx((steering.mean(), steering.std()), abs=1e-6)
    assert episodes[1]["stats/observation.images.left/count"] == [30]


def test_the_statistics_are_those_of_all_frames(made: Path) -> None:
    stats = json.loads((made / "out" / "meta" / "stats.json").read_text())
    images = sorted((made / "run" / "IMG").glob("center_*"))
    kept = [preprocess.prepare(images[row].read_bytes()) for row in row_numbers()]
    pixels = np.stack(kept) / 255
    found = stats["observation.images.center"]
    for name, reduce in (("mean", np.mean), ("std", np.std), ("min", np.min), ("max", np.max)):
        expected = reduce(pixels, axis=(0, 1, 2)).reshape(3, 1, 1)
        np.testing.assert_allclose(found[name], expected, atol=1e-9)
    np.testing.assert_allclose(
        np.ravel(found["q10"]), np.quantile(pixels, 0.1, axis=(0, 1, 2)), atol=1 / 255
    )
    assert found["count"] == [50]


def test_the_task_is_the_index_of_its_table(made: Path) -> None:
    table = pq.read_table(made / "out" / "meta" / "tasks.parquet")
    assert table.column("task_index").to_pylist() == [0]
    pandas = json.loads(table.schema.metadata[b"pandas"])
    (index,) = pandas["index_columns"]
    assert table.column(index).to_pylist() == ["drive along the road"]


def test_a_recording_without_a_speed_has_no_state(tmp_path: Path) -> None:
    name = imported(tmp_path / "data", tubs.tub(tmp_path / "tub", rows=6))
    result = dataset.export(tmp_path / "data", name, tmp_path / "out")
    assert result["cameras"] == ["center"]
    assert "there is no observation.state" in result["notes"][0]
    table = pq.read_table(tmp_path / "out" / "data" / "chunk-000" / "file-000.parquet")
    assert "observation.state" not in table.column_names
    assert "observation.state" not in json.loads(
        (tmp_path / "out" / "meta" / "stats.json").read_text()
    )


def test_a_damaged_store_or_a_folder_with_files_is_refused(tmp_path: Path) -> None:
    name = imported(tmp_path / "data", tubs.tub(tmp_path / "tub", rows=6))
    with pytest.raises(StoreError, match="not empty"):
        dataset.export(tmp_path / "data", name, tmp_path / "tub")
    path = store.paths(tmp_path / "data", name)[0]
    content = bytearray(path.read_bytes())
    content[content.index(preprocess.prepare(tubs.jpeg(3)).tobytes())] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged"):
        dataset.export(tmp_path / "data", name, tmp_path / "out")
    assert not (tmp_path / "out").exists()
