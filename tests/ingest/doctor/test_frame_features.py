from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from support.data import samples

from contract.recordings import archive, driving_log
from ingest.doctor.frame_features import CHUNK_ROWS, measure_frames


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.recording(tmp_path_factory.mktemp("measured") / "run", CHUNK_ROWS + 6)


def test_the_border_between_two_chunks_does_not_show(source: Path) -> None:
    with archive.open_recordings(source, source) as (recording,), ThreadPoolExecutor(2) as executor:
        rows = driving_log.read(recording.read_log()).rows
        progress: list[int] = []
        whole = measure_frames(rows, recording.images, executor, progress.append)
        across = measure_frames(rows[CHUNK_ROWS - 2 : CHUNK_ROWS + 2], recording.images, executor)
    assert progress == [CHUNK_ROWS, CHUNK_ROWS + 6]
    assert np.isnan(whole.change[0]).all()
    assert np.isfinite(whole.change[1:]).all()
    np.testing.assert_array_equal(whole.change[CHUNK_ROWS - 1 : CHUNK_ROWS + 2], across.change[1:])
    np.testing.assert_array_equal(
        whole.yaw_rad[CHUNK_ROWS - 1 : CHUNK_ROWS + 2], across.yaw_rad[1:]
    )


def test_a_missing_or_broken_image_is_one_fault_and_is_not_measured(
    source: Path, tmp_path: Path
) -> None:
    with archive.open_recordings(source, source) as (recording,), ThreadPoolExecutor(2) as executor:
        rows = driving_log.read(recording.read_log()).rows
        broken = tmp_path / "broken.jpg"
        broken.write_bytes(recording.images[rows[5].images[1]].read_bytes()[:900])
        images = {**recording.images, rows[5].images[1]: broken}
        # This row is before a border: two workers see it, and only one of them reports it.
        del images[rows[CHUNK_ROWS - 1].images[0]]
        features = measure_frames(rows, images, executor)
    assert [(fault.line, fault.missing) for fault in features.faults] == [
        (6, False),
        (CHUNK_ROWS, True),
    ]
    assert (features.sizes[CHUNK_ROWS - 1, 0] == 0).all()
    assert np.isnan(features.change[CHUNK_ROWS - 1 : CHUNK_ROWS + 1, 0]).all()
    assert (features.sizes[0] == (160, 320)).all()
