from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from support.data import samples, spoiling

from contract.dataset import store, store_catalog
from contract.settings import load
from ingest.doctor.recording_arrays import RecordingArrays
from ingest.doctor.runner import check_recordings, read_recordings
from ingest.doctor.stored_recording import read_stored
from ingest.job import import_source
from ingest.settings import Settings


def read_both(source: Path, tmp_path: Path) -> tuple[RecordingArrays, RecordingArrays]:
    """Return a recording as it lies in its folder, and as it is stored."""
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    import_source(settings, source, None, 1.0, lambda **_: None)
    [manifest] = store_catalog.read_manifests(settings.data_dir)
    with store.open_store(settings.data_dir, manifest) as reader, ThreadPoolExecutor(2) as executor:
        stored = read_stored(reader, source.name, executor)
    [recorded] = read_recordings([source], tmp_path / "scratch")
    return recorded, stored


def test_a_store_shows_the_yaw_and_the_faults_of_the_recording(
    forwards: Path, tmp_path: Path
) -> None:
    """The stored frames have two fifths of the columns."""
    source = spoiling.copy(forwards, tmp_path / "spoilt")
    spoiling.exchange_sides(source)
    spoiling.freeze(source, 100, 4)
    recorded, stored = read_both(source, tmp_path)
    assert stored.lines.tolist() == recorded.lines.tolist()
    np.testing.assert_allclose(stored.steering, recorded.steering, atol=1e-6)
    np.testing.assert_allclose(stored.speed_mps, recorded.speed_mps, atol=1e-4)
    both = stored.trusted_rows() & recorded.trusted_rows()
    assert both.mean() > 0.9
    seen, wanted = stored.seen_yaw_rate()[both], recorded.seen_yaw_rate()[both]
    assert np.corrcoef(seen, wanted)[0, 1] > 0.95
    found = [
        {(finding.name, finding.line_runs) for finding in check_recordings([one])}
        for one in (recorded, stored)
    ]
    assert found[0] == found[1]
    assert {"swapped-cameras", "frozen-frames"} <= {name for name, _ in found[1]}


def test_a_row_without_side_cameras_has_none(tmp_path: Path) -> None:
    source = samples.recording(tmp_path / "run", rows=12, cameras=("center",))
    _, stored = read_both(source, tmp_path)
    assert {len(row) for row in stored.images} == {1}
