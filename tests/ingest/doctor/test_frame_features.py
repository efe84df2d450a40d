from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from support.data import samples

from contract.recordings import archive, driving_log
from ingest.doctor.frame_features import STRETCH, look


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.recording(tmp_path_factory.mktemp("looked-at") / "run", STRETCH + 6)


def test_the_border_between_two_workers_rows_does_not_show(source: Path) -> None:
    with archive.open_recordings(source, source) as (found,), ThreadPoolExecutor(2) as executor:
        rows = driving_log.read(found.read_log()).rows
        told: list[int] = []
        whole = look(rows, found.images, executor, told.append)
        across = look(rows[STRETCH - 2 : STRETCH + 2], found.images, executor)
    assert told == [STRETCH, STRETCH + 6]
    assert np.isnan(whole.change[0]).all()
    assert np.isfinite(whole.change[1:]).all()
    np.testing.assert_array_equal(whole.change[STRETCH - 1 : STRETCH + 2], across.change[1:])
    np.testing.assert_array_equal(whole.yaw_rad[STRETCH - 1 : STRETCH + 2], across.yaw_rad[1:])


def test_what_is_missing_or_broken_is_told_once_and_measured_nowhere(
    source: Path, tmp_path: Path
) -> None:
    with archive.open_recordings(source, source) as (found,), ThreadPoolExecutor(2) as executor:
        rows = driving_log.read(found.read_log()).rows
        broken = tmp_path / "broken.jpg"
        broken.write_bytes(found.images[rows[5].images[1]].read_bytes()[:900])
        images = {**found.images, rows[5].images[1]: broken}
        # The row before a border: two workers see it, and one of them tells.
        del images[rows[STRETCH - 1].images[0]]
        seen = look(rows, images, executor)
    assert [(each.line, each.missing) for each in seen.faults] == [(6, False), (STRETCH, True)]
    assert (seen.sizes[STRETCH - 1, 0] == 0).all()
    assert np.isnan(seen.change[STRETCH - 1 : STRETCH + 1, 0]).all()
    assert (seen.sizes[0] == (160, 320)).all()
