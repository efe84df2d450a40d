import math
import statistics
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from support.data import samples

from contract.dataset import store, store_catalog
from contract.dataset.overviews import DatasetOverview
from contract.settings import load
from ingest.job import import_source
from ingest.overview import summary
from ingest.settings import Settings


def overview(tmp_path: Path, run: Path) -> DatasetOverview:
    """Import a recording, and return the overview of its dataset."""
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    import_source(settings, run, None, 1.0, lambda **_: None)
    [manifest] = store_catalog.read_manifests(settings.data_dir)
    with store.open_store(settings.data_dir, manifest) as reader, ThreadPoolExecutor(2) as executor:
        return summary.summarize(settings.data_dir, manifest.dataset, "run", reader, executor)


def set_columns(run: Path, steering: float, mph: float) -> None:
    """Give all rows of a recording of the centre camera one steering and one speed."""
    rows = [line.split(",") for line in (run / "driving_log.csv").read_text().splitlines()]
    text = "".join(f"{row[0]},{steering},0.5,0,{mph}\n" for row in rows)
    (run / "driving_log.csv").write_text(text)


def test_the_figures_are_those_of_the_log(tmp_path: Path) -> None:
    run = samples.recording(tmp_path / "run", rows=60)
    log = (run / "driving_log.csv").read_text().splitlines()
    # A line that is no row, and 40 s without a row after line 30.
    log[9] = "what?"
    (run / "driving_log.csv").write_text("\n".join([*log[:30], *log[50:]]) + "\n")
    found = overview(tmp_path, run)
    steering = [samples.steering_at(row) for row in (*range(9), *range(10, 30), *range(50, 60))]
    assert (found.rows, found.cameras, found.segments) == (39, 3, 2)
    assert found.lines == ((1, 9), (11, 40))
    assert found.steering_mean == pytest.approx(statistics.fmean(steering), abs=1e-6)
    assert found.steering_std == pytest.approx(statistics.pstdev(steering), abs=1e-6)
    assert found.steering_zero_share == pytest.approx(steering.count(0.0) / 39)
    driven_ms = (29 + 9) * samples.ROW_MS  # 0.067 s a row, and not the time without rows
    assert found.minutes == pytest.approx(driven_ms / 60_000, abs=1e-6)


def test_a_circle_is_a_lap_after_the_time_that_the_car_model_gives(tmp_path: Path) -> None:
    """The bicycle's radius is the wheelbase through the tangent of the wheels' angle."""
    run = samples.recording(tmp_path / "run", rows=120, cameras=("center",))
    set_columns(run, 1.0, 30.0)
    radius_m = 2.87 / math.tan(math.radians(25))
    turns = 119 * samples.ROW_MS / 1000 * 30 * 0.44704 / (2 * math.pi * radius_m)
    lag = 0.15 * 30 * 0.44704 / (2 * math.pi * radius_m)  # the yaw comes 0.15 s late
    assert turns > 2
    assert overview(tmp_path, run).laps == pytest.approx(turns - lag, rel=0.02)


def test_straight_on_is_no_lap(tmp_path: Path) -> None:
    run = samples.recording(tmp_path / "run", rows=40, cameras=("center",))
    set_columns(run, 0.0, 30.0)
    assert overview(tmp_path, run).laps == 0


@pytest.mark.parametrize(
    ("turns", "laps"),
    [
        ([0, 1], 1.0),
        ([0, -2.5], 2.5),
        ([0, 0.6, -0.2, 0.7], 0.7),
        ([0, 1, 0], 2.0),
        ([0, 1.2, 0.9, 2, 1, -0.5], 4.5),
        ([0, -1, 0, -1], 3.0),
        ([0, 0.3, -0.5, 0.1], 0.1),
    ],
)
def test_turns_to_both_sides_are_laps_and_bends_are_not(turns: list[float], laps: float) -> None:
    """The heading goes straight from each of these turns to the next, in 100 rows."""
    points = np.arange(len(turns))
    heading = np.interp(np.linspace(0, points[-1], 100 * len(turns)), points, turns) * 2 * math.pi
    assert summary.count_laps(heading) == pytest.approx(laps, abs=0.02)
